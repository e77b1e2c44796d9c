"""What is said about a text that is dropped: which one it is like, and how much."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Duplicate:
    """`of` is the position of the text it is most like: among the texts that were kept, or in `against`.

    Of several that are equally alike it is the earliest. `score` is ROUGE-L F1, above the threshold.
    """

    of: int
    score: float
    against: bool = False
