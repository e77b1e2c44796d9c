"""Ratings of many items by several raters as one table: a row per item, a column per rater, gaps allowed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tunewright.errors import DataError

Value = float | str
ABSENT = -1


@dataclass(frozen=True, slots=True)
class RatingTable:
    """`codes_NR[item, rater]` is the place of the rating in `categories`, or ABSENT.

    `categories` are in the order of the scale (texts: of the alphabet, unless the scale was given);
    `cluster_N` numbers what is drawn together in a bootstrap, such as the prompt that several items share.
    """

    codes_NR: NDArray[np.int64]
    categories: tuple[Value, ...]
    items: tuple[str, ...]
    raters: tuple[str, ...]
    cluster_N: NDArray[np.int64]

    @property
    def is_numeric(self) -> bool:
        """Whether the categories are numbers, so that distances between them mean something."""
        return all(not isinstance(value, str) for value in self.categories)

    @property
    def num_ratings(self) -> int:
        return int((self.codes_NR != ABSENT).sum())

    def counts(self) -> NDArray[np.int64]:
        """How many raters put each item into each category."""
        rows, columns = np.nonzero(self.codes_NR != ABSENT)
        size = len(self.categories)
        flat = np.bincount(rows * size + self.codes_NR[rows, columns], minlength=len(self.items) * size)
        counts: NDArray[np.int64] = flat.reshape(len(self.items), size)
        return counts


def rating_table(
    ratings: Iterable[tuple[str, str, Value]],
    *,
    scale: Sequence[Value] = (),
    cluster_of: Mapping[str, str] | None = None,
    where: str = "ratings",
) -> RatingTable:
    """The table of (item, rater, value) triples; `where` names their source in messages.

    `scale` gives every category a rater could choose, in order; without it, those that occur are taken,
    which makes Gwet's coefficients larger or smaller than with the whole scale. `cluster_of` names an item's
    cluster; without it each item is its own. DataError: no rating at all, numbers mixed with texts, a value
    that is not on the scale, or two ratings of one item by one rater.
    """
    triples = list(ratings)
    if not triples:
        raise DataError(f"{where}: no rating; agreement needs items that two raters rated")
    categories = tuple(scale) or _categories([value for _, _, value in triples], where)
    code_of = {value: code for code, value in enumerate(categories)}
    item_of = {item: row for row, item in enumerate(dict.fromkeys(item for item, _, _ in triples))}
    rater_of = {rater: column for column, rater in enumerate(sorted({rater for _, rater, _ in triples}))}
    codes_NR = np.full((len(item_of), len(rater_of)), ABSENT, dtype=np.int64)
    for item, rater, value in triples:
        if value not in code_of:
            on = ", ".join(f"{one}" for one in categories[:12])
            raise DataError(f"{where}: item {item!r}, rater {rater!r}: {value!r} is not on the scale ({on})")
        place = item_of[item], rater_of[rater]
        if codes_NR[place] != ABSENT:
            raise DataError(
                f"{where}: rater {rater!r} rated item {item!r} twice; keep one row, or give the second "
                "rating an item of its own"
            )
        codes_NR[place] = code_of[value]
    names = list(item_of) if cluster_of is None else [cluster_of[item] for item in item_of]
    number_of = {name: number for number, name in enumerate(dict.fromkeys(names))}
    clusters = np.array([number_of[name] for name in names], dtype=np.int64)
    return RatingTable(codes_NR, categories, tuple(item_of), tuple(rater_of), clusters)


def _categories(values: Sequence[Value], where: str) -> tuple[Value, ...]:
    numbers = {value for value in values if not isinstance(value, str)}
    texts = {value for value in values if isinstance(value, str)}
    if numbers and texts:
        raise DataError(
            f"{where}: some ratings are numbers ({min(numbers):g}) and some texts ({min(texts)!r}); "
            "use one kind, and leave the value empty where a rating is missing"
        )
    if any(not np.isfinite(number) for number in numbers):
        raise DataError(
            f"{where}: a rating is not a finite number; leave the row out where a rating is missing"
        )
    return tuple(sorted(numbers)) if numbers else tuple(sorted(texts))
