"""Tokens per second of the local backend, with and without a schema, against `model.generate`.

    python benchmarks/local_model.py MODEL [--device cpu|cuda] [--batch-sizes 1 8 32] [--tokens 100]
    python benchmarks/local_model.py OUT --make 120M    # a Llama with random weights, no download

MODEL is a folder or a Hugging Face id. The prompts are of unlike lengths and every row writes the same number
of tokens: stop tokens are taken away, so that both sides do the same work. The schema holds one long string.
Prints a table in Markdown: output tokens per second, all rows together, best of three; then how many replies
of one batch are to the letter those that each request gets alone. On the CPU the seconds are of the
process's own CPU time with one thread (busy neighbours do not count) and the numbers float32; on CUDA they
are seconds of the clock and bfloat16.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import torch
import transformers

from tunewright.llm.local import LocalBackend
from tunewright.llm.prompt import prompt_of
from tunewright.llm.reply import Reply
from tunewright.llm.request import Message, Request

# hidden size, layers, heads, key-value heads, MLP size; about as many parameters as the name says
SIZES = {"20M": (384, 8, 6, 2, 1024), "120M": (768, 12, 12, 4, 2048), "1B": (2048, 18, 16, 8, 5632)}
VOCABULARY = 32_000
SENTENCES = "Once upon a time there was a dog. It had a red ball, and the ball was big. Was it happy? "
ROUNDS = 3


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("model", help="a folder or id; with --make, the folder to write")
    parser.add_argument(
        "--make", choices=SIZES, help="write a random model of this size instead of measuring"
    )
    parser.add_argument("--device", default="auto")
    parser.add_argument("--batch-sizes", type=int, nargs="+", default=[1, 8, 32])
    parser.add_argument("--tokens", type=int, default=100, help="written per reply")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    if arguments.make:
        make_model(arguments.make, Path(arguments.model))
    else:
        measure(arguments)


def measure(arguments: argparse.Namespace) -> None:
    backend = LocalBackend(arguments.model, device=arguments.device, batch_size=max(arguments.batch_sizes))
    backend._load()
    assert backend._loaded is not None
    model, grammars, _ = backend._loaded
    backend._loaded = model, grammars, []  # no stop tokens
    millions = sum(one.numel() for one in model.parameters()) / 1e6
    print(
        f"{millions:.1f} M parameters, {model.dtype}, {model.device}; "
        f"torch {torch.__version__}, transformers {transformers.__version__}\n"
    )
    print("| batch | model.generate | backend, text | backend, schema | schema costs |")
    print("|---:|---:|---:|---:|---:|")
    for size in arguments.batch_sizes:
        texts = requests(size, arguments.tokens, schema=False)
        held = requests(size, arguments.tokens, schema=True)
        theirs = best(lambda texts=texts: generate(backend, model, texts))
        ours = best(lambda texts=texts: ask(backend, texts)[0])
        constrained = best(lambda held=held: ask(backend, held)[0])
        print(f"| {size} | {theirs:,.0f} | {ours:,.0f} | {constrained:,.0f} | {ours / constrained - 1:.0%} |")
    print()
    for temperature in (0.0, 1.0):
        asked = requests(max(arguments.batch_sizes), arguments.tokens, schema=False, temperature=temperature)
        together, again = ask(backend, asked)[1], ask(backend, asked)[1]
        alone = [ask(backend, [one])[1][0] for one in asked]
        same = sum(one == other for one, other in zip(together, alone, strict=True))
        print(
            f"Temperature {temperature:g}: {same} of {len(asked)} replies are the same alone as in one "
            f"batch; the batch asked again: {'the same' if together == again else 'NOT the same'}."
        )
    seconds = statistics.median(hashing_seconds() for _ in range(ROUNDS))
    print(f"\nThe revision of a model: {seconds:.2f} s for each GB of weights.")


def requests(num: int, tokens: int, *, schema: bool, temperature: float = 0.0) -> list[Request]:
    return [
        Request(
            (Message("user", f"{number}. {SENTENCES * (1 + number % 3)}"),),
            max_tokens=tokens,
            schema=rating_schema(tokens) if schema else None,
            temperature=temperature,
        )
        for number in range(num)
    ]


def rating_schema(tokens: int) -> dict[str, Any]:
    """A score and a reason so long that reading the prompt weighs little."""
    return {
        "type": "object",
        "properties": {
            "score": {"type": "integer", "enum": [0, 1, 2, 3, 4, 5]},
            "reason": {"type": "string", "minLength": tokens * 3 // 2},
        },
        "required": ["score", "reason"],
        "additionalProperties": False,
    }


def best(run: Any) -> float:
    return max(run() for _ in range(ROUNDS))


def ask(backend: LocalBackend, asked: list[Request]) -> tuple[float, list[str]]:
    """Output tokens per second, and the texts."""
    started = clock()
    got = asyncio.run(backend.answer(asked))
    seconds = clock() - started
    replies = [one for one in got if isinstance(one, Reply)]
    assert len(replies) == len(asked), got
    written = sum(reply.usage.output_tokens for reply in replies)
    return written / seconds, [reply.text for reply in replies]


def generate(backend: LocalBackend, model: Any, asked: list[Request]) -> float:
    """Output tokens per second of transformers' own greedy loop over the same prompts."""
    prompts = [prompt_of(backend._tokenizer, one.messages).ids for one in asked]
    longest = max(len(prompt) for prompt in prompts)
    ids = torch.tensor([[0] * (longest - len(prompt)) + list(prompt) for prompt in prompts])
    mask = torch.tensor([[0] * (longest - len(prompt)) + [1] * len(prompt) for prompt in prompts])
    num = asked[0].max_tokens
    started = clock()
    with torch.inference_mode():
        model.generate(
            ids.to(model.device),
            attention_mask=mask.to(model.device),
            do_sample=False,
            max_new_tokens=num,
            min_new_tokens=num,
            pad_token_id=0,
        )
    if model.device.type == "cuda":
        torch.cuda.synchronize()
    return len(asked) * num / (clock() - started)


def clock() -> float:
    return time.perf_counter() if torch.cuda.is_available() else time.process_time()


def hashing_seconds() -> float:
    with tempfile.NamedTemporaryFile() as file:
        Path(file.name).write_bytes(b"\0" * 2**27)
        started = time.perf_counter()
        with Path(file.name).open("rb") as opened:
            hashlib.file_digest(opened, "sha256")
        return (time.perf_counter() - started) * 1e9 / 2**27


def make_model(size: str, folder: Path) -> None:
    """A random Llama and a byte-level BPE without merges, in the folder."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers

    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    # Bytes, then all pairs of letters as far as the vocabulary goes: a mask as wide as a real model's.
    pairs = [first + second for first in alphabet for second in alphabet]
    names = ["<|end|>", *alphabet, *pairs][:VOCABULARY]
    merges = [(name[0], name[1]) for name in names if len(name) == 2]
    bpe = Tokenizer(models.BPE(vocab={name: number for number, name in enumerate(names)}, merges=merges))
    bpe.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bpe.decoder = decoders.ByteLevel()
    tokenizer = transformers.PreTrainedTokenizerFast(tokenizer_object=bpe, eos_token="<|end|>")
    hidden, layers, heads, kv_heads, mlp = SIZES[size]
    torch.manual_seed(0)
    model = transformers.LlamaForCausalLM(
        transformers.LlamaConfig(
            vocab_size=VOCABULARY,
            hidden_size=hidden,
            num_hidden_layers=layers,
            num_attention_heads=heads,
            num_key_value_heads=kv_heads,
            intermediate_size=mlp,
            max_position_embeddings=4096,
            tie_word_embeddings=True,
            bos_token_id=0,
            eos_token_id=0,
            pad_token_id=None,
        )
    )
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    print(f"{sum(one.numel() for one in model.parameters()) / 1e6:.0f} M parameters in {folder}")


if __name__ == "__main__":
    main()
