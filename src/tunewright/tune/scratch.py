"""Models from nothing: a small Llama and a byte-level BPE trained on the data, no download.

They are the embedded default and what the tests run on. Their losses and the differences between arms
mean something; their answers outside the world of the data do not.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

from tunewright.errors import ModelError
from tunewright.records.record import Record
from tunewright.tune.templates import TUNEWRIGHT

PAD, BOS, END = "<|pad|>", "<|bos|>", "<|end|>"
SPECIAL_TOKENS = [PAD, BOS, END, "<|system|>", "<|user|>", "<|assistant|>"]

# hidden size, layers, attention heads, key-value heads, MLP size, most entries in the vocabulary
SIZES = {
    "tiny": (128, 4, 4, 2, 352, 2048),
    "small": (256, 6, 4, 2, 704, 4096),
}
POSITIONS = 2048
MOST_CHARS_OF_A_TEXT = 1_000_000  # a tokenizer learns nothing more from the rest, and memory is finite


def scratch_size(spec: str) -> str | None:
    """The size in `scratch:SIZE`, or None when the spec names something else. Unknown sizes raise."""
    kind, _, size = spec.partition(":")
    if kind != "scratch":
        return None
    if size not in SIZES:
        raise ModelError(f"model {spec!r}: the scratch sizes are {', '.join(SIZES)}")
    return size


def train_bpe(texts: Iterable[str], *, vocabulary: int) -> Tokenizer:
    """A byte-level BPE over `texts`: lossless for any string, the same texts give the same merges."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        special_tokens=SPECIAL_TOKENS,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    return tokenizer


def record_texts(records: Iterable[Record]) -> Iterable[str]:
    """Every text of every record, for training a tokenizer; of a huge one only the beginning."""
    for record in records:
        texts = [record.system, record.instruction, record.input, record.output, record.explanation]
        texts += [turn.text for turn in record.history]
        yield from (text[:MOST_CHARS_OF_A_TEXT] for text in texts)


def scratch_tokenizer(size: str, records: Iterable[Record]) -> Any:
    """A `transformers` tokenizer with our chat template, trained on the records."""
    from transformers import PreTrainedTokenizerFast

    bpe = train_bpe(record_texts(records), vocabulary=SIZES[size][-1])
    return PreTrainedTokenizerFast(
        tokenizer_object=bpe,
        pad_token=PAD,
        bos_token=BOS,
        eos_token=END,
        additional_special_tokens=SPECIAL_TOKENS[3:],
        chat_template=TUNEWRIGHT,
        model_max_length=POSITIONS,
        clean_up_tokenization_spaces=False,
    )


def scratch_model(size: str, tokenizer: Any) -> Any:
    """A Llama of the size with random weights from torch's current seed, tied embeddings, float32."""
    from transformers import LlamaConfig, LlamaForCausalLM

    hidden, layers, heads, kv_heads, mlp, _ = SIZES[size]
    return LlamaForCausalLM(
        LlamaConfig(
            vocab_size=len(tokenizer),
            hidden_size=hidden,
            num_hidden_layers=layers,
            num_attention_heads=heads,
            num_key_value_heads=kv_heads,
            intermediate_size=mlp,
            max_position_embeddings=POSITIONS,
            tie_word_embeddings=True,
            pad_token_id=tokenizer.pad_token_id,
            bos_token_id=tokenizer.bos_token_id,
            eos_token_id=tokenizer.eos_token_id,
        )
    )
