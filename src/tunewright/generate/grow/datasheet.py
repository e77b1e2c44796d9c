"""DATASHEET.md: the questions that Gebru et al. (arXiv 1803.09010) put to every data set.

Every number is counted. It holds no date and nothing of the machine, so the same run gives the same sheet.
What only people can know (who will keep the set, whether items were tried out) is said to be open.
"""

from __future__ import annotations

from tunewright.generate.grow.card import (
    GENERAL_COMPOSITION,
    distributions,
    filled,
    how,
    licence_of,
    limits,
    parts_of,
    percent,
    rejections,
    stopped,
    table,
    within,
)
from tunewright.generate.grow.loop import Grower
from tunewright.generate.grow.source import SeedSource
from tunewright.generate.grow.tally import STEPS
from tunewright.llm.outcome import Identity

DATASHEET_FILE = "DATASHEET.md"

_STEP_MEANS = {
    "tuple": "a part is missing, empty or malformed, or the reply was cut inside it",
    "plan": "about a topic that was not asked for, or one too many",
    "detectors": "a defect that `tunewright check` calls an error, or a refusal of the model",
    "near-duplicate": "the same as an accepted item or nearly so, or a near copy of a seed",
    "item": "a hard fault of `tunewright check-items`",
    "level": "its text looks harder than the CEFR level asked for",
    "language": "in another language than the one asked for",
}


def datasheet(grower: Grower, who: Identity, source: SeedSource) -> str:
    """The datasheet as Markdown."""
    tally, plan = grower.tally, grower.plan
    cells = {cell: number for cell, number in plan.accepted.items() if number}
    parts = [
        f"# Datasheet: {tally.num_accepted:,} grown records\n",
        "## Motivation\n",
        f"{_motivation(grower)}\n",
        "## Composition\n",
        f"{tally.num_accepted:,} of {plan.n:,} planned records, one JSON object a line in `records.jsonl`: "
        f"{parts_of(grower.config)}, and in `meta` what each is and where it came from."
        f"{filled(grower)} Records do not depend on each other{_passages(grower)}. There is no split. The "
        "prompts ask for people who do not exist; nobody has looked whether the model kept to it.\n",
        stopped(grower),
        *(distributions(cells) if grower.config.domain == "elpa" else [f"{GENERAL_COMPOSITION}\n"]),
        "## Collection process\n",
        f"Written by the model `{who.model}`{f', revision `{who.revision}`' if who.revision else ''}. "
        f"{how(grower)}\n",
        f"{source.sentence()}\n",
        _tokens(grower),
        "## Gates\n",
        f"{tally.num_candidates:,} candidates = {tally.num_accepted:,} accepted "
        f"({percent(tally.num_accepted, tally.num_candidates)}) + {tally.num_rejected:,} rejected. Every "
        "candidate passed these steps in this order, and the first that refused it is its reason:\n",
        _steps(grower),
        rejections(grower),
        f"{_settings(grower)}\n",
        "## Known limits\n",
        f"{limits(grower.config.domain)} {_blind_spots(grower)}\n",
        "## Uses not recommended\n",
        f"{_not_for(grower)}\n",
        "## Maintenance\n",
        "Settings and versions are in `manifest.json`. The folder of the run also holds every reply and "
        "every rejected candidate, and the same replies give the same records. Not published: "
        "`rejects.jsonl`, `replies.sqlite`. Who keeps this set, and where faults are reported, is for "
        "whoever publishes it to write here.\n",
        "## Licence\n",
        f"Records: {licence_of(grower)}. Seeds: {source.licence} The terms of the model's provider apply to "
        "what the model wrote.\n",
    ]
    return "\n".join(part for part in parts if part)


def _motivation(grower: Grower) -> str:
    if grower.config.domain == "general":
        return (
            "To tune a language model to follow instructions, grown from a few hand-written tasks in the "
            "manner of Self-Instruct."
        )
    return (
        "To tune a language model to answer and explain language assessment items, and as drafts for item "
        "banks, grown from a few hand-written items in the manner of LL-Instruct."
    )


def _passages(grower: Grower) -> str:
    return "" if grower.config.domain == "general" else " but for items on the same passage"


def _tokens(grower: Grower) -> str:
    used = grower.totals
    cost = f", at a price of {used.cost:.4g}" if used.cost is not None else ""
    return (
        f"{grower.num_calls:,} calls read {used.prompt_tokens:,} tokens and wrote "
        f"{used.output_tokens:,}{cost}.\n"
    )


def _steps(grower: Grower) -> str:
    by_step = dict.fromkeys(STEPS, 0)
    for row in grower.tally.reasons():
        by_step[row["step"]] += row["rejected"]
    unused = {"item", "level"} if grower.config.domain == "general" else set()
    rows = [
        (step, _STEP_MEANS[step], f"{number:,}") for step, number in by_step.items() if step not in unused
    ]
    return table(("step", "refuses", "rejected"), rows)


def _settings(grower: Grower) -> str:
    config = grower.config
    parts = [
        f"Near-duplicates: ROUGE-L F1 > {config.near_duplicate:g} {within(config).rstrip(',')}",
        f"language: {config.language}",
    ]
    if config.domain != "general":
        parts.append(f"texts refused by level: {config.refuse_level}")
        parts.append(f"item rules left out: {', '.join(config.skip_item_rules) or 'none'}")
    parts.append(f"detectors left out: {', '.join(config.skip_detectors) or 'none'}")
    return "; ".join(parts) + "."


def _blind_spots(grower: Grower) -> str:
    common = (
        "No rule sees whether an explanation is true. Near-duplicates are found by words, not by meaning. "
        "The records carry the habits of one model."
    )
    if grower.config.domain == "general":
        return common
    return (
        f"{common} The level estimate was fitted to sentences and draws long texts towards the middle. In a "
        "cloze, fillings that are right but not listed count as wrong."
    )


def _not_for(grower: Grower) -> str:
    if grower.config.domain == "general":
        return "To evaluate a model. To teach facts: outputs were not checked against the world."
    return (
        "Tests that decide something for a learner, before people have reviewed and tried out the items. To "
        "evaluate a model that was tuned on this set or on its seeds. As a sample of how hard items of a "
        "level are, or of how learners answer."
    )
