"""Meaning kept: how like the original a revision is, by n-grams or by vectors made elsewhere.

N-grams see wording, not sense: a faithful rewording can fall below the limit, and a changed number stays far
above it. The limit is therefore low, and stops a coach that wrote about something else. Measured on the
2,301 expert revisions of CoachLM with character trigrams: a limit of 0.3 keeps 99 % of the 671 revised
instructions and stops 95 % of strangers (another record's instruction). No limit does that for outputs, which
experts often write anew: 0.3 would reject 16 % of their revisions and let 26 % of strangers pass, so outputs
are not compared unless a limit is given.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tunewright.coach.accept.config import Embeddings, MeaningKept
from tunewright.coach.accept.finding import Finding, Proposals, question_of
from tunewright.duplicates.tokens import unicode_words
from tunewright.errors import DataError

INSTRUCTION_CHANGED = "meaning of the instruction changed"
RESPONSE_CHANGED = "meaning of the output changed"
RECORD_CHANGED = "meaning of the record changed"


def by_meaning(config: MeaningKept, proposals: Proposals, *, num_proposals: int) -> Iterator[Finding]:
    """A finding per proposal, in order.

    A side that was empty has no meaning to keep and is not compared. DataError when there are vectors and
    not one per proposal; they are held in memory.
    """
    cosines = iter(_cosines(config.embeddings, num_proposals) if config.embeddings is not None else ())
    for revision in proposals():
        scores: dict[str, float] = {}
        reason = ""
        sides = (
            (
                "instruction",
                config.instruction,
                question_of(revision.original),
                question_of(revision.revised),
            ),
            ("response", config.response, revision.original.output, revision.revised.output),
        )
        for (name, least, before, after), refusal in zip(
            sides, (INSTRUCTION_CHANGED, RESPONSE_CHANGED), strict=True
        ):
            if least is None or not before.strip():
                continue
            scores[name] = similarity(before, after, unit=config.unit, n=config.n)
            if scores[name] < least:
                reason = reason or refusal
        if config.embeddings is not None:
            scores["embedding"] = next(cosines)
            if scores["embedding"] < config.embeddings.least:
                reason = reason or RECORD_CHANGED
        yield Finding(reason, scores)


def similarity(one: str, other: str, *, unit: str = "char", n: int = 3) -> float:
    """The cosine of two texts' n-gram counts, 0 to 1; case and the amount of white space do not count.

    Texts are padded with n − 1 empty units on both sides, so that short ones have n-grams too. Two texts
    without any unit are alike (1), a text and nothing are not (0).
    """
    first, second = _ngrams(one, unit, n), _ngrams(other, unit, n)
    if not first or not second:
        return 1.0 if first == second else 0.0
    if first == second:
        return 1.0
    product = sum(count * second[gram] for gram, count in first.items())
    lengths = [sum(count * count for count in grams.values()) for grams in (first, second)]
    return min(1.0, product / math.sqrt(lengths[0] * lengths[1]))


def _ngrams(text: str, unit: str, n: int) -> Counter[tuple[str, ...]]:
    units = list(" ".join(text.casefold().split())) if unit == "char" else unicode_words(text)
    if not units:
        return Counter()
    padding = [""] * (n - 1)
    padded = [*padding, *units, *padding]
    return Counter(tuple(padded[start : start + n]) for start in range(len(padded) - n + 1))


def _cosines(config: Embeddings, num_proposals: int) -> list[float]:
    """The cosine of each row with its partner; a row of zeros is like nothing (0)."""
    before, after = (_vectors(path, num_proposals) for path in (config.before, config.after))
    if before.shape[1] != after.shape[1]:
        raise DataError(
            f"{config.before} has {before.shape[1]} columns and {config.after} {after.shape[1]}; "
            "make both with the same model"
        )
    products = (before * after).sum(axis=1)
    lengths = np.linalg.norm(before, axis=1) * np.linalg.norm(after, axis=1)
    cosines = np.divide(products, lengths, out=np.zeros_like(products), where=lengths > 0)
    return [float(cosine) for cosine in cosines]


def _vectors(path: Path, num_proposals: int) -> NDArray[np.float64]:
    try:
        vectors = np.load(path, allow_pickle=False)
    except (OSError, ValueError) as error:
        raise DataError(f"{path}: not a .npy file of numbers: {error}") from None
    if vectors.ndim != 2 or vectors.dtype.kind not in "fiu" or not np.isfinite(vectors).all():
        raise DataError(f"{path}: must hold a matrix of finite numbers; it has shape {vectors.shape}")
    if len(vectors) != num_proposals:
        raise DataError(
            f"{path}: has {len(vectors):,} rows, and {num_proposals:,} records were changed; make one vector "
            "per changed record, in their order"
        )
    return np.asarray(vectors, dtype=np.float64)
