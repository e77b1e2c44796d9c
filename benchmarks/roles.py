"""What proved roles cost: CPU milliseconds an example, beside plain `apply_chat_template`.

python benchmarks/roles.py [--data ../shared/data/instructions/dolly_3k.json …] [--rows 1500] [--repeat 3]

One thread. For each file and each of two tokenizers (a byte-level BPE with ChatML, a SentencePiece-like BPE
with the Llama-2 layout; both trained on the rows) it prints the cost of `Renderer`, of `Renderer.many`, its
split, and two baselines that any trainer pays: the template rendered and tokenised once, and twice (prompt
alone and prompt with answer, as trainers do that look for the prompt as a prefix). The best of the repeats.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "RAYON_NUM_THREADS"):
    os.environ[_name] = "1"  # before numpy and tokenizers are imported
os.environ["TOKENIZERS_PARALLELISM"] = "false"

from tokenizers import Tokenizer, models, pre_tokenizers, trainers  # noqa: E402
from transformers import PreTrainedTokenizerFast  # noqa: E402

from tunewright.errors import TemplateError  # noqa: E402
from tunewright.records import Record, read_records  # noqa: E402
from tunewright.tune.conversation import Message, conversation  # noqa: E402
from tunewright.tune.provenance import prove  # noqa: E402
from tunewright.tune.roles import Renderer  # noqa: E402
from tunewright.tune.scratch import record_texts, train_bpe  # noqa: E402
from tunewright.tune.templates import CHATML  # noqa: E402

DATA = Path("../shared/data/instructions")
VOCABULARY = 8000
BRACKETS = (
    "{{ bos_token }}{% for m in messages %}{% if m.role == 'user' %}"
    "{{ '[INST] ' + m.content.strip() + ' [/INST]' }}"
    "{% else %}{{ ' ' + m.content.strip() + ' ' + eos_token }}{% endif %}{% endfor %}"
)


def main() -> None:
    options = _options()
    for path in options.data:
        records = [row for row in read_records(path) if isinstance(row, Record)][: options.rows]
        conversations = [conversation(record) for record in records]
        styles = {"ChatML, byte-level BPE": chatml, "Llama-2, SentencePiece-like": brackets}
        for style, make in styles.items():
            print(f"\n{Path(path).name}, {style}: {len(records):,} examples")
            report(conversations, make(records), options.repeat)


def report(conversations: Sequence[list[Message]], tokenizer: Any, repeat: int) -> None:
    renderer = Renderer(tokenizer)
    dicts = [[{"role": m.speaker, "content": m.text} for m in messages] for messages in conversations]
    proved, refused = [], 0
    for messages in conversations:
        try:
            proved.append(prove(renderer._template, messages))
        except TemplateError:
            refused += 1
    texts = [proof.text for proof in proved]
    tokens = [renderer._encoder.encode(text) for text in texts]

    def timed(work: Callable[[], object]) -> float:
        best = float("inf")
        for _ in range(repeat):
            start = time.process_time()
            work()
            best = min(best, time.process_time() - start)
        return 1000 * best / len(conversations)

    def prompt_and_whole() -> None:
        for messages in dicts:
            tokenizer.apply_chat_template(messages[:-1], tokenize=True, add_generation_prompt=True)
            tokenizer.apply_chat_template(messages, tokenize=True)

    rows = {
        "Renderer, one by one": lambda: [_or_none(renderer, messages) for messages in conversations],
        "Renderer.many": lambda: list(renderer.many(conversations)),
        "  render the template (twice)": lambda: [
            renderer._template.render(messages) for messages in conversations for _ in range(2)
        ],
        "  render and prove": lambda: [prove(renderer._template, proof.origins.messages) for proof in proved],
        "  tokenise, with offsets": lambda: [renderer._encoder.encode(text) for text in texts],
        "  roles": lambda: [
            renderer._with_roles(proof, own, None) for proof, own in zip(proved, tokens, strict=True)
        ],
        "apply_chat_template once": lambda: [
            tokenizer.apply_chat_template(messages, tokenize=True) for messages in dicts
        ],
        "apply_chat_template twice": prompt_and_whole,
    }
    for name, work in rows.items():
        print(f"  {name:<32}{timed(work):6.2f} ms")
    num_tokens = sum(len(own.ids) for own in tokens)
    print(f"  {num_tokens / len(tokens):.0f} tokens an example; {refused} refused")


def _or_none(renderer: Renderer, messages: list[Message]) -> object:
    try:
        return renderer(messages)
    except TemplateError:
        return None


def chatml(records: Sequence[Record]) -> Any:
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=train_bpe(record_texts(records), vocabulary=VOCABULARY), chat_template=CHATML
    )
    tokenizer.add_special_tokens({"eos_token": "<|im_end|>", "additional_special_tokens": ["<|im_start|>"]})
    return tokenizer


def brackets(records: Sequence[Record]) -> Any:
    """A BPE over ▁-words, as SentencePiece models are converted."""
    learner = Tokenizer(models.BPE(unk_token="<unk>"))
    learner.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="first")
    specials = ["<unk>", "<s>", "</s>"]
    trainer = trainers.BpeTrainer(vocab_size=VOCABULARY, special_tokens=specials, show_progress=False)
    learner.train_from_iterator(record_texts(records), trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=learner, bos_token="<s>", eos_token="</s>", unk_token="<unk>", chat_template=BRACKETS
    )


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    files = [DATA / "dolly_3k.json", DATA / "t0_mix.jsonl"]
    parser.add_argument("--data", nargs="+", default=files, help="instruction data in any known format")
    parser.add_argument("--rows", type=int, default=1500)
    parser.add_argument("--repeat", type=int, default=3)
    return parser.parse_args()


if __name__ == "__main__":
    main()
