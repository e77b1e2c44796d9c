"""How often each rule fires on items that experts wrote and tested: its rate of false alarms, as measured.

`item_rates.json` is written by benchmarks/item_rules.py. Hardly any of those items is faulty, so a firing
there is nearly always false; the few that are not are named in docs/item-validity.md.
"""

from __future__ import annotations

from typing import Any

from tunewright.rate.false_alarms import Alarms, kept_measurement


def expert_rates() -> dict[str, Alarms]:
    """Rule → its rate over all expert sets together. A rule that none of them can show is not there."""
    measured = measurement()
    found = {}
    for name, by_set in measured["rules"].items():
        fired, of = (sum(by_set[one["name"]][at] for one in measured["sets"]) for at in (0, 1))
        if of:
            found[name] = Alarms(fired, of)
    return found


def measurement() -> dict[str, Any]:
    """The measurement as kept: date, sets with their licence and number of items, [fired, of] per rule."""
    return kept_measurement("tunewright.generate", "item_rates.json")
