"""The reference page of all item rules as Markdown, made from their definitions and their measured rates."""

from __future__ import annotations

from collections.abc import Iterator

from tunewright.generate.item_rates import expert_rates, measurement
from tunewright.generate.item_rules import ALL_RULES
from tunewright.rate.false_alarms import Alarms


def item_rules_page() -> str:
    """docs/reference/item-rules.md; a test fails when that file is not this text."""
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    measured = measurement()
    sets = " and ".join(
        f"{one['name']} ({one['items']:,} items, {one['licence']})" for one in measured["sets"]
    )
    yield from [
        "# Item rules",
        "",
        "Made by `make docs` from the definitions. `tunewright check-items --list` shows the same in the "
        "terminal.",
        "",
        "**On experts' items** is the share on which the rule fires, with its 95 % Wilson interval, in "
        f"{sets}; measured {measured['date']} by `benchmarks/item_rules.py`. A dash: these sets have nothing "
        "for the rule to look at. What the numbers mean is in [item validity](../item-validity.md).",
        "",
        "`hard`: the item cannot be used as it is. `warning`: look at it; sound items have it too.",
        "",
        "| rule | severity | on experts' items | what it means | example |",
        "| --- | --- | ---: | --- | --- |",
    ]
    rates = expert_rates()
    for rule in ALL_RULES:
        yield (
            f"| `{rule.name}` | {rule.severity} | {_shown(rates.get(rule.name))} "
            f"| {rule.meaning} | {rule.example} |"
        )


def _shown(rate: Alarms | None) -> str:
    if rate is None:
        return "–"
    low, high = 100 * rate.interval.low, 100 * rate.interval.high
    return f"{rate.fired:,} of {rate.of:,}, {100 * rate.share:.1f} % ({low:.1f} to {high:.1f})"
