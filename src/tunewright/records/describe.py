"""A data set in numbers: lengths, their ratio, which fields are there, how much is said twice.

One pass; memory is about 40 bytes per record, as lengths are kept in arrays and texts as 64-bit hashes. The
ratio of prompt to output length is the number Instruction Modelling turns on: loss on the prompt helps
where it is high.
"""

from __future__ import annotations

import hashlib
from array import array
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import islice

from tunewright.errors import DataError
from tunewright.records.record import Record

FIELDS = ("instruction", "input", "output", "explanation", "system", "history")
_BATCH_RECORDS = 512

CountTokens = Callable[[list[str]], list[int]]


@dataclass(frozen=True, slots=True)
class Lengths:
    """Lengths of one field over the records that have it (`num_records` of them); all zero when none has."""

    num_records: int
    total: int
    mean: float
    median: float
    p95: float
    max: int


@dataclass(frozen=True, slots=True)
class LengthSummary:
    """Lengths by field in one unit, and prompt (instruction + input) against output.

    `ratio_of_means` is mean prompt length over mean output length: a few long prompts pull it up.
    `median_ratio` is the median of each record's own ratio: the typical record. Records whose output has
    length 0 are left out of the latter.
    """

    fields: dict[str, Lengths]
    ratio_of_means: float
    median_ratio: float


@dataclass(frozen=True, slots=True)
class Summary:
    """Shares are of all records, from 0 to 1.

    `num_exact_duplicates` counts records whose instruction, input and output are those of an earlier one;
    `num_contested_prompts` counts prompts (instruction and input) that have several different outputs.
    History and system text are not compared.
    """

    num_records: int
    words: LengthSummary
    tokens: LengthSummary | None
    share_with_input: float
    share_with_explanation: float
    share_with_system: float
    share_with_history: float
    num_exact_duplicates: int
    num_contested_prompts: int


def describe(records: Iterable[Record], *, count_tokens: CountTokens | None = None) -> Summary:
    """The summary of the records. Words are what white space parts; `count_tokens` adds the same in tokens.

    `count_tokens` gets texts in batches and returns a length for each. `DataError` when there are no records.
    """
    words, tokens = _Measure(_count_words), _Measure(count_tokens or _count_words)
    prompts, pairs = array("Q"), array("Q")
    num_with = dict.fromkeys(FIELDS, 0)
    source = iter(records)
    while batch := list(islice(source, _BATCH_RECORDS)):
        texts = {name: [_text(record, name) for record in batch] for name in FIELDS}
        words.add(texts)
        if count_tokens is not None:
            tokens.add(texts)
        for name in FIELDS:
            num_with[name] += sum(map(bool, texts[name]))
        prompts.extend(_hash(record.instruction, record.input) for record in batch)
        pairs.extend(_hash(record.instruction, record.input, record.output) for record in batch)
    if not prompts:
        raise DataError("there are no records to describe")
    num_distinct, num_contested = _repeats(prompts, pairs)
    count = len(prompts)
    return Summary(
        num_records=count,
        words=words.summary(),
        tokens=tokens.summary() if count_tokens is not None else None,
        share_with_input=num_with["input"] / count,
        share_with_explanation=num_with["explanation"] / count,
        share_with_system=num_with["system"] / count,
        share_with_history=num_with["history"] / count,
        num_exact_duplicates=count - num_distinct,
        num_contested_prompts=num_contested,
    )


class _Measure:
    """Lengths in one unit: of each field where it is there, and of prompt and output for every record."""

    def __init__(self, count: CountTokens) -> None:
        self._count = count
        self._lengths = {name: array("I") for name in FIELDS}
        self._prompts = array("I")

    def add(self, texts: dict[str, list[str]]) -> None:
        counted = {}
        for name, column in texts.items():
            present = [text for text in column if text]
            lengths = iter(self._count(present) if present else [])
            counted[name] = [next(lengths) if text else 0 for text in column]
            # the output is there always, and kept in step with the prompts
            self._lengths[name].extend(
                length for text, length in zip(column, counted[name], strict=True) if text or name == "output"
            )
        self._prompts.extend(map(sum, zip(counted["instruction"], counted["input"], strict=True)))

    def summary(self) -> LengthSummary:
        import numpy as np

        prompts, outputs = (
            np.asarray(lengths, dtype=float) for lengths in (self._prompts, self._lengths["output"])
        )
        answered = outputs > 0
        if not answered.any():
            raise DataError("every output has length 0, so prompts cannot be compared with them")
        return LengthSummary(
            fields={name: _lengths(lengths) for name, lengths in self._lengths.items()},
            ratio_of_means=float(prompts.mean() / outputs.mean()),
            median_ratio=float(np.median(prompts[answered] / outputs[answered])),
        )


def _lengths(lengths: array[int]) -> Lengths:
    import numpy as np

    if not lengths:
        return Lengths(0, 0, 0.0, 0.0, 0.0, 0)
    values = np.asarray(lengths)
    return Lengths(
        num_records=len(values),
        total=int(values.sum(dtype=np.int64)),
        mean=float(values.mean()),
        median=float(np.median(values)),
        p95=float(np.percentile(values, 95)),
        max=int(values.max()),
    )


def _repeats(prompts: array[int], pairs: array[int]) -> tuple[int, int]:
    """How many distinct pairs, and how many prompts occur in several of them."""
    import numpy as np

    _, first = np.unique(np.asarray(pairs), return_index=True)
    _, num_outputs = np.unique(np.asarray(prompts)[first], return_counts=True)
    return len(first), int((num_outputs > 1).sum())


def _text(record: Record, name: str) -> str:
    if name == "history":
        return "\n".join(turn.text for turn in record.history)
    return str(getattr(record, name))


def _count_words(texts: list[str]) -> list[int]:
    return [len(text.split()) for text in texts]


def _hash(*texts: str) -> int:
    digest = hashlib.blake2b(digest_size=8)
    for text in texts:
        encoded = text.encode("utf-8", "surrogatepass")
        digest.update(len(encoded).to_bytes(8, "big"))
        digest.update(encoded)
    return int.from_bytes(digest.digest(), "big")
