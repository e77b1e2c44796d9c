"""Small tokenizers and models in the styles in use, made in a second, without any download."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

from tunewright.records.record import Record, Turn
from tunewright.tune.scratch import train_bpe
from tunewright.tune.templates import CHATML, TULU

TEXTS = [
    "Name the capital of France, please. The capital of France is Paris.",
    "Ersetze das Wort „klein“ durch „groß“. 你好，世界。 مرحبا بالعالم 🙂",
    "Which sentence is right? She goes to school. Because 'she' takes -s.",
]

LLAMA2 = (
    "{% for message in messages %}{% if message.role == 'user' %}"
    "{{ bos_token + '[INST] ' + message.content.strip() + ' [/INST]' }}"
    "{% elif message.role == 'system' %}{{ raise_exception('System role not supported') }}"
    "{% else %}{{ ' ' + message.content.strip() + ' ' + eos_token }}{% endif %}{% endfor %}"
)


def sentencepiece_style() -> Any:
    """A BPE over ▁-words with a prefix space and byte fallback, as SentencePiece models are converted."""
    words = pre_tokenizers.Metaspace(prepend_scheme="first")
    learner = Tokenizer(models.BPE(unk_token="<unk>"))
    learner.pre_tokenizer = words
    specials = ["<unk>", "<s>", "</s>"]
    trainer = trainers.BpeTrainer(vocab_size=450, special_tokens=specials, show_progress=False)
    learner.train_from_iterator(TEXTS * 3, trainer)
    learnt = json.loads(learner.to_str())["model"]
    vocabulary = learnt["vocab"] | {f"<0x{value:02X}>": 450 + value for value in range(256)}
    merges = [tuple(pair) for pair in learnt["merges"]]
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=merges, byte_fallback=True, unk_token="<unk>"))
    tokenizer.add_special_tokens(specials)
    tokenizer.pre_tokenizer = words
    tokenizer.decoder = decoders.Sequence(
        [decoders.ByteFallback(), decoders.Metaspace(prepend_scheme="first")]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, bos_token="<s>", eos_token="</s>", unk_token="<unk>", chat_template=LLAMA2
    )


def byte_level() -> Any:
    """A byte-level BPE with the Tulu layout: its headers are plain text, not special tokens."""
    return PreTrainedTokenizerFast(
        tokenizer_object=train_bpe(TEXTS, vocabulary=500),
        bos_token="<|bos|>",
        eos_token="<|end|>",
        chat_template=TULU,
    )


def chatml() -> Any:
    """A byte-level BPE with ChatML's special tokens; its EOS is <|im_end|>."""
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=train_bpe(TEXTS, vocabulary=500), chat_template=CHATML
    )
    tokenizer.add_special_tokens(
        {"eos_token": "<|im_end|>", "additional_special_tokens": ["<|im_start|>"], "pad_token": "<|im_end|>"}
    )
    return tokenizer


TEMPLATES = Path(__file__).parent / "chat_templates"


@cache
def chat_templates() -> dict[str, dict[str, Any]]:
    """Per template style its tokens: `base`, `bos`, `eos`, `special`, `added`, and whether it knows tools."""
    table: dict[str, dict[str, Any]] = json.loads((TEMPLATES / "tokens.json").read_text(encoding="utf-8"))
    return table


def chat_tokenizer(name: str) -> Any:
    """A tokenizer with one of the styles in `chat_templates/` and the control tokens of that style."""
    tokens = chat_templates()[name]
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=Tokenizer.from_str(_base(tokens["base"])))
    named = {"bos_token": tokens["bos"], "eos_token": tokens["eos"], "pad_token": tokens["eos"]}
    special = {key: value for key, value in named.items() if value}
    tokenizer.add_special_tokens({**special, "additional_special_tokens": tokens["special"]})
    tokenizer.add_tokens(tokens["added"])
    tokenizer.chat_template = (TEMPLATES / f"{name}.jinja").read_text(encoding="utf-8")
    return tokenizer


@cache
def _base(base: str) -> str:
    if base == "sp":
        return str(sentencepiece_style().backend_tokenizer.to_str())
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=500, initial_alphabet=alphabet, show_progress=False)
    tokenizer.train_from_iterator(TEXTS, trainer)
    return str(tokenizer.to_str())


STYLES: dict[str, Callable[[], Any]] = {
    "sentencepiece": sentencepiece_style,
    "byte_level": byte_level,
    "chatml": chatml,
}


def make_records(num: int, *, seed: int = 0) -> list[Record]:
    """Records of unlike lengths and shapes: with and without input, explanation, system, history."""
    rng = random.Random(seed)
    words = ["alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "iota", "kappa"]

    def text(most: int) -> str:
        return " ".join(rng.choice(words) for _ in range(rng.randint(1, most)))

    return [
        Record(
            id=f"r{number}",
            instruction=f"Do {number}: {text(12)}",
            input=text(8) if number % 2 else "",
            output=text(9),
            explanation=text(5) if number % 3 == 0 else "",
            history=(Turn("user", text(4)), Turn("assistant", text(4))) if number % 5 == 0 else (),
        )
        for number in range(num)
    ]
