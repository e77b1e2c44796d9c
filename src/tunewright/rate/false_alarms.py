"""How often each detector fires on data that experts wrote: the upper bound of its false alarms, as measured.

`detectors/false_alarms.json` is written by benchmarks/false_alarms.py. A firing there may be right, since
experts slip too; how many were, in our reading of all of them, stands beside it. The rules of assessment
items (`generate.item_rates`) keep theirs in the same way.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

import orjson

from tunewright.rate.summary import Interval, wilson


@dataclass(frozen=True, slots=True)
class Alarms:
    """`fired` of the `of` expert-written records looked at; of the `num_read` firings that we read again,
    `num_false` were false."""

    fired: int
    of: int
    num_read: int = 0
    num_false: int = 0

    @property
    def share(self) -> float:
        """The share of expert-written records with a firing, right or wrong."""
        return self.fired / self.of

    @property
    def interval(self) -> Interval:
        """The 95 % Wilson interval of `share`."""
        return wilson(self.fired, self.of)


def expected_alarms() -> dict[str, Alarms]:
    """Detector → its alarms, pooled over the expert-written sets. One that was not measured is not there."""
    measured = measurement()
    pooled = {}
    for name, counts in measured["detectors"].items():
        of = sum(row["records"] for row in measured["sets"])
        pooled[name] = Alarms(sum(counts["fired"].values()), of, counts["read"], counts["false"])
    return pooled


def measurement() -> dict[str, Any]:
    """The measurement as kept: date, settings, sets with records and licence, counts per detector."""
    return kept_measurement("tunewright.rate.detectors", "false_alarms.json")


@cache
def kept_measurement(package: str, name: str) -> dict[str, Any]:
    """A measurement that a script of benchmarks wrote beside the code of a package."""
    found: dict[str, Any] = orjson.loads(resources.files(package).joinpath(name).read_bytes())
    return found
