"""What training needs before any weight is loaded: rows tokenised and filtered, the same for every arm."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np

from tunewright.errors import DataError
from tunewright.records.digest import prompt_digest
from tunewright.records.record import Record
from tunewright.run.progress import Progress
from tunewright.run.seeds import derive_seed
from tunewright.tune.config import TuneConfig
from tunewright.tune.examples import Example, Examples, make_examples
from tunewright.tune.model import load_tokenizer
from tunewright.tune.roles import Renderer

_ADVICE = {
    "too long": ". Try a larger --max-tokens, or --too-long cut",
    "roles not proved": ". Try another --chat-template",
}


@dataclass(frozen=True)
class Prepared:
    """What training needs, before any weight is loaded: the same for every arm on the same data."""

    renderer: Renderer
    train: Examples
    heldout: Mapping[str, Examples]
    measured: Mapping[str, tuple[Example, ...]]  # by set; of the training set a fixed sample


def prepare(
    config: TuneConfig,
    records: Sequence[Record],
    heldout: Mapping[str, Sequence[Record]],
    *,
    progress: Progress | None = None,
    today: date | None = None,
) -> Prepared:
    """Tokenise and filter all sets. Raises `DataError` when nothing is left to train on, with the reasons.

    `today` is what a chat template that writes the date is told; by default the day that it is.
    """
    if not records:
        raise DataError("there are no training records; check the data file and --holdout")
    progress = progress or Progress()
    tokenizer = load_tokenizer(config.model, records)
    renderer = Renderer(tokenizer, chat_template=config.chat_template, today=today)
    progress.start("tokenise", len(records) + sum(map(len, heldout.values())), "records")

    def examples_of(rows: Sequence[Record], *, weight_column: str | None = None) -> Examples:
        limit = min(config.max_tokens, _longest(tokenizer))
        made = make_examples(
            rows,
            renderer,
            max_tokens=limit,
            explanation=config.explanation,
            too_long=config.too_long,
            weight_column=weight_column,
        )
        progress.advance(len(rows))
        return made

    train_set = examples_of(records, weight_column=config.record_weight)
    if not train_set.kept:
        drop = train_set.dropped[0]
        raise DataError(
            f"no training record is left: all {len(train_set.dropped)} were dropped; the first, {drop.id}: "
            f"{drop.reason} ({drop.detail}){_ADVICE.get(drop.reason, '')}"
        )
    held = {name: examples_of(rows) for name, rows in heldout.items()}
    for name, examples in held.items():
        if not examples.kept:
            drop = examples.dropped[0]
            raise DataError(
                f"no record of the held-out set {name!r} is left; the first, {drop.id}: {drop.reason} "
                f"({drop.detail})"
            )
    progress.finish()
    measured = {"train": _sample(train_set.kept, config.measured_rows)}
    measured |= {name: examples.kept for name, examples in held.items()}
    return Prepared(renderer, train_set, held, measured)


def check_set_names(heldout: Mapping[str, Sequence[Record]]) -> None:
    """Raise `DataError` for a held-out set without records, or with a name that is taken."""
    for name, rows in heldout.items():
        if name in ("train", "data", "model"):
            raise DataError(f"a held-out set cannot be called {name!r}; choose another name")
        if not rows:
            raise DataError(f"the held-out set {name!r} has no records")


def shared_prompts(records: Sequence[Record], heldout: Mapping[str, Sequence[Record]]) -> dict[str, int]:
    """How many records of each held-out set have a prompt that is trained on: they measure memory."""
    trained = {prompt_digest(record) for record in records}
    return {name: sum(prompt_digest(record) in trained for record in rows) for name, rows in heldout.items()}


def rows_digest(examples: Sequence[Example]) -> str:
    """SHA-256 of ids, tokens and record weights: equal for arms that train on the same rows."""
    digest = hashlib.sha256()
    for example in examples:
        digest.update(example.id.encode() + b"\0" + example.ids.tobytes())
        digest.update(struct.pack("<d", example.weight))
    return digest.hexdigest()


def _sample(examples: Sequence[Example], most: int) -> tuple[Example, ...]:
    """At most `most` examples, spread over the set and the same for every arm and seed."""
    if len(examples) <= most:
        return tuple(examples)
    chosen = np.random.default_rng(derive_seed(0, "measured")).choice(len(examples), size=most, replace=False)
    return tuple(examples[index] for index in sorted(chosen))


def _longest(tokenizer: Any) -> int:
    """The tokenizer's own limit; unset ones hold a number beyond any model."""
    return int(min(tokenizer.model_max_length, 1 << 40))
