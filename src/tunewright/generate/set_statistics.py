"""What only a set of items can show: keys that stand in one place too often, or are too often the longest.

A single item may have its key at A, and its key may be its longest option. In a set of sound items both
happen as often as chance makes them; the chi-square test says how surprising the set is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from tunewright.generate.item_view import ItemView
from tunewright.generate.validity import chi_square_p

FEWEST_EXPECTED = 5.0  # the chi-square approximation is rough with fewer expected in a cell (Cochran's rule)


@dataclass(frozen=True, slots=True)
class ChiSquare:
    """Counts against even use: the statistic, its degrees of freedom and p.

    `is_rough` when fewer than five are expected in a cell. Without any count p is None: nothing was tested.
    """

    counts: tuple[int, ...]
    expected: tuple[float, ...]
    statistic: float
    freedom: int
    p: float | None
    is_rough: bool


@dataclass(frozen=True, slots=True)
class SizeStatistics:
    """Items with the same number of options.

    `positions` counts keys at A, B, …. `longest` counts, of the items with one longest option in characters,
    those whose key it is and the others; `shortest` likewise.
    """

    num_options: int
    num_items: int
    positions: ChiSquare
    longest: ChiSquare
    shortest: ChiSquare


@dataclass(frozen=True, slots=True)
class SetStatistics:
    """A set's choice items with one key, by their number of options, and all of them together.

    The pooled tests add the statistics and degrees of freedom of the sizes. `key_longest` is the share of
    items whose key is strictly longest, a tie not counted; `chance` is what it would be if the single
    longest option, where there is one, were the key by chance.
    """

    num_items: int
    by_size: tuple[SizeStatistics, ...]
    position_statistic: float
    position_freedom: int
    position_p: float | None
    length_statistic: float
    length_freedom: int
    length_p: float | None
    key_longest: float
    chance: float


def set_statistics(views: Iterable[ItemView]) -> SetStatistics | None:
    """The statistics of all choice items that have exactly one key; None when there are none."""
    by_size: dict[int, list[tuple[int, tuple[int, ...]]]] = {}
    for view in views:
        if view.key_place is not None and len(view.options) > 1:
            lengths = tuple(len(option.strip()) for option in view.options)
            by_size.setdefault(len(lengths), []).append((view.key_place, lengths))
    if not by_size:
        return None
    sizes = tuple(_of_size(size, by_size[size]) for size in sorted(by_size))
    num_items = sum(one.num_items for one in sizes)
    position = [one.positions for one in sizes]
    length = [one.longest for one in sizes if one.longest.p is not None]
    num_longest = sum(one.longest.counts[0] for one in sizes)
    by_chance = sum(one.longest.expected[0] for one in sizes)
    return SetStatistics(
        num_items,
        sizes,
        *_pooled(position),
        *_pooled(length),
        key_longest=num_longest / num_items,
        chance=by_chance / num_items,
    )


def chi_square(counts: Sequence[int], shares: Sequence[float]) -> ChiSquare:
    """The test that the counts were drawn with these shares, which sum to 1 and are above 0."""
    assert len(counts) == len(shares), "a share for every count"
    assert abs(sum(shares) - 1) < 1e-9, "shares sum to 1"
    total = sum(counts)
    expected = tuple(total * share for share in shares)
    freedom = len(counts) - 1
    if total == 0:
        return ChiSquare(tuple(counts), expected, 0.0, freedom, None, True)
    statistic = sum((count - wanted) ** 2 / wanted for count, wanted in zip(counts, expected, strict=True))
    p = chi_square_p(statistic, freedom)
    return ChiSquare(tuple(counts), expected, statistic, freedom, p, min(expected) < FEWEST_EXPECTED)


def _of_size(size: int, items: list[tuple[int, tuple[int, ...]]]) -> SizeStatistics:
    places = [sum(place == at for place, _ in items) for at in range(size)]
    even = [1 / size] * size
    return SizeStatistics(
        size,
        len(items),
        chi_square(places, even),
        _extreme(size, items, max),
        _extreme(size, items, min),
    )


def _extreme(
    size: int, items: list[tuple[int, tuple[int, ...]]], of: Callable[[Iterable[int]], int]
) -> ChiSquare:
    """Keys among the single longest (or shortest) options: one in `size` is expected."""
    single = [(place, lengths) for place, lengths in items if lengths.count(of(lengths)) == 1]
    keys = sum(lengths[place] == of(lengths) for place, lengths in single)
    return chi_square([keys, len(single) - keys], [1 / size, 1 - 1 / size])


def _pooled(tests: list[ChiSquare]) -> tuple[float, int, float | None]:
    statistic, freedom = sum(one.statistic for one in tests), sum(one.freedom for one in tests)
    return statistic, freedom, chi_square_p(statistic, freedom) if freedom else None
