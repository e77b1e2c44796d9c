"""How often each rule fires on items that experts wrote and tested: its rate of false alarms, as measured.

`item_rates.json` is written by benchmarks/item_rules.py. Hardly any of those items is faulty, so a firing
there is nearly always false; the few that are not are named in docs/item-validity.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

import orjson

from tunewright.rate.summary import Interval, wilson


@dataclass(frozen=True, slots=True)
class Rate:
    """`fired` of the `of` expert items that the rule looks at."""

    fired: int
    of: int

    @property
    def share(self) -> float:
        return self.fired / self.of

    @property
    def interval(self) -> Interval:
        """The 95 % Wilson interval of `share`."""
        return wilson(self.fired, self.of)


def expert_rates() -> dict[str, Rate]:
    """Rule → its rate over all expert sets together. A rule that none of them can show is not there."""
    measured = measurement()
    found = {}
    for name, by_set in measured["rules"].items():
        fired, of = (sum(by_set[one["name"]][at] for one in measured["sets"]) for at in (0, 1))
        if of:
            found[name] = Rate(fired, of)
    return found


@cache
def measurement() -> dict[str, Any]:
    """The measurement as kept: date, sets with their licence and number of items, [fired, of] per rule."""
    found: dict[str, Any] = orjson.loads(
        resources.files("tunewright.generate").joinpath("item_rates.json").read_bytes()
    )
    return found
