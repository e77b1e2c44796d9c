"""How much records are like each other: cosine similarity of their words, or of vectors that are given.

Records come best first; one is dropped when it is too similar to any that was kept before it, as in Deita's
"score first, diversity aware" selection (Liu et al., ICLR 2024, arXiv 2312.15685). The decisions are exact:
the index only leaves out pairs that cannot be above the limit.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from tunewright.errors import DataError
from tunewright.records.record import Record

_TOLERANCE = 1e-9  # two equal records have a similarity of 1 give or take rounding
# Chinese and Japanese write no spaces: there every character counts as a word.
_NO_SPACES = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff"
_WORD = re.compile(f"[{_NO_SPACES}]|[^\\W{_NO_SPACES}]+")


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A kept record, by its number in the data, and how similar it is."""

    number: int
    similarity: float


class Similarity(Protocol):
    """Knows the records that were kept."""

    def nearest_kept(self, number: int) -> Neighbour | None:
        """The most similar kept record above the limit; None when there is none."""
        ...

    def keep(self, number: int) -> None: ...


class WordSimilarity:
    """TF-IDF cosine over words and pairs of neighbouring words, lower case; counts are of all records given.

    Weight = (1 + ln tf) · (1 + ln((1 + N) / (1 + df))), rows of length 1. A kept record stands in the index
    only under its rarest features, so many that the rest has a length of at most the limit: a record that
    shares none of them has a product of at most that length (Cauchy-Schwarz; Bayardo et al., WWW 2007).
    Memory: all features of all records.
    """

    def __init__(self, records: Iterable[Record], *, max_similarity: float) -> None:
        self._limit = max_similarity
        self._rows = _tf_idf([_features(record) for record in records])
        self._index: dict[int, list[int]] = {}

    def nearest_kept(self, number: int) -> Neighbour | None:
        row = self._rows[number]
        near = {other for feature in row for other in self._index.get(feature, ())}
        found = [Neighbour(other, _product(row, self._rows[other])) for other in sorted(near)]
        return _most_similar(found, self._limit)

    def keep(self, number: int) -> None:
        rest = 1.0  # squared length of what is not indexed yet
        for feature, weight in self._rows[number].items():  # rarest first
            if rest <= self._limit**2:
                break
            self._index.setdefault(feature, []).append(number)
            rest -= weight**2


class VectorSimilarity:
    """Cosine over the rows of a matrix, one for each record in order. A row of zeros is like nothing."""

    def __init__(self, vectors_ND: NDArray[Any], *, max_similarity: float) -> None:
        vectors = np.asarray(vectors_ND, dtype=np.float32)
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        self._unit_ND = vectors / np.where(lengths > 0, lengths, 1)
        self._kept_ND = np.empty_like(self._unit_ND)
        self._numbers: list[int] = []
        self._limit = max_similarity + 1e-6  # float32

    def nearest_kept(self, number: int) -> Neighbour | None:
        if not self._numbers:
            return None
        products = self._kept_ND[: len(self._numbers)] @ self._unit_ND[number]
        best = int(products.argmax())
        return _most_similar([Neighbour(self._numbers[best], float(products[best]))], self._limit)

    def keep(self, number: int) -> None:
        self._kept_ND[len(self._numbers)] = self._unit_ND[number]
        self._numbers.append(number)


def load_vectors(path: str | Path, num_records: int) -> NDArray[Any]:
    """The matrix in a .npy file; DataError unless it has one finite row per record."""
    try:
        vectors: NDArray[Any] = np.load(path, allow_pickle=False)
    except (OSError, ValueError) as error:
        raise DataError(f"{path}: not a .npy file of numbers: {error}") from None
    if vectors.ndim != 2 or vectors.dtype.kind not in "fiu":
        raise DataError(
            f"{path}: holds {vectors.dtype} of shape {vectors.shape}; it must be a matrix of numbers"
        )
    if len(vectors) != num_records:
        raise DataError(
            f"{path}: has {len(vectors):,} rows, the data {num_records:,} usable records; "
            "make one vector per record, in the same order"
        )
    if not np.isfinite(vectors).all():
        raise DataError(f"{path}: holds NaN or infinity")
    return vectors


def words(text: str) -> list[str]:
    return _WORD.findall(text.casefold())


def _features(record: Record) -> Counter[str]:
    """Words and pairs of neighbouring words; no pair reaches from one field into the next."""
    counts: Counter[str] = Counter()
    for text in (record.instruction, record.input, record.output):
        found = words(text)
        counts.update(found)
        counts.update(f"{one} {other}" for one, other in pairwise(found))
    return counts


def _tf_idf(documents: Sequence[Counter[str]]) -> list[dict[int, float]]:
    """Rows of length 1 by feature number, the rarest features first, ties by first appearance."""
    number_of: dict[str, int] = {}
    frequency: list[int] = []
    for document in documents:
        for feature in document:
            number = number_of.setdefault(feature, len(number_of))
            if number == len(frequency):
                frequency.append(0)
            frequency[number] += 1
    idf = [1 + math.log((1 + len(documents)) / (1 + count)) for count in frequency]
    rows = []
    for document in documents:
        weights = [
            (number_of[feature], (1 + math.log(count)) * idf[number_of[feature]])
            for feature, count in document.items()
        ]
        length = math.sqrt(math.fsum(weight**2 for _, weight in weights))
        weights.sort(key=lambda pair: (frequency[pair[0]], pair[0]))
        rows.append({feature: weight / length for feature, weight in weights})
    return rows


def _product(one: dict[int, float], other: dict[int, float]) -> float:
    short, long = (one, other) if len(one) <= len(other) else (other, one)
    return math.fsum(weight * long[feature] for feature, weight in short.items() if feature in long)


def _most_similar(found: Sequence[Neighbour], limit: float) -> Neighbour | None:
    above = [one for one in found if one.similarity > limit + _TOLERANCE]
    return max(above, key=lambda one: one.similarity) if above else None
