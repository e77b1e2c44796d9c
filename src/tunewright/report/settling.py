"""What would settle the comparisons in which nothing may be claimed, in words."""

from __future__ import annotations

from collections.abc import Mapping

from tunewright.evaluate.settle import MOST_EXAMPLES, MOST_SEEDS, POWER, Needed

MOST_NAMED = 3


def settling_sentence(named: Mapping[str, tuple[Needed, int]], *, units: str) -> list[str]:
    """One sentence for comparisons by name, each with the seeds that it has; none where all are settled.

    Those nearest to being settled come first.
    """
    in_reach = {name: found for name, found in named.items() if found[0] != Needed(None, None)}
    if not named:
        return []
    if not in_reach:
        return [
            f"As small as these differences look, even {MOST_SEEDS} seeds with as many times more {units} "
            "would not show them: take the arms as equal within the intervals."
        ]
    order = sorted(in_reach, key=lambda name: (_nearness(in_reach[name][0]), name))
    parts = [
        f"for {name} {needed_text(*named[name], units=units, of_word=True)}" for name in order[:MOST_NAMED]
    ]
    more = "; the table has the rest" if len(named) > len(parts) else ""
    these = "this difference is" if len(named) == 1 else "these differences are"
    return [
        f"If {these} as large as {'it looks' if len(named) == 1 else 'they look'}, showing "
        f"{'it' if len(named) == 1 else 'them'} in {100 * POWER:.0f} % of repeats takes: "
        f"{'; '.join(parts)}{more}."
    ]


def needed_text(needed: Needed, num_seeds: int, *, units: str, of_word: bool = False) -> str:
    """`7 seeds or 2,300 examples`; what no number in reach settles says so."""
    about = "about " if of_word else "≈ "
    seeds = None if needed.seeds is None else f"{needed.seeds:,} seeds"
    examples = None if needed.examples is None else f"{_round(needed.examples):,} {units}"
    if seeds and examples:
        return f"{about}{seeds} or {examples}"
    if seeds:
        return f"{about}{seeds} (no number of {units})"
    if examples and num_seeds == 1:
        return f"{about}{examples}, and for other seeds at least 3 of them"
    if examples:
        return f"{about}{examples} (no number of seeds)"
    if num_seeds == 1:
        return f"at least 3 seeds, and more than {MOST_EXAMPLES:,} {units} with this one"
    if needed.both is None:
        return f"more than {MOST_SEEDS} seeds with as many times more {units}"
    return f"{about}{needed.both[0]:,} seeds and {_round(needed.both[1]):,} {units}, neither alone"


def _nearness(needed: Needed) -> int:
    """By seeds, which cost the most."""
    if needed.seeds is not None:
        return needed.seeds
    return MOST_SEEDS + (0 if needed.examples is not None else 1)


def _round(amount: int) -> int:
    """Two digits: an estimate from a pilot has no more."""
    size = 10 ** max(len(str(amount)) - 2, 0)
    return int(-(-amount // size) * size)
