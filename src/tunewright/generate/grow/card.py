"""The card of a grown data set: a Hugging Face README with the answers of a datasheet, all of it counted.

It holds no date and nothing of the machine, so the same run gives the same card.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any, get_args

from tunewright.generate.config import GrowConfig
from tunewright.generate.grow.ask import prompt_hash
from tunewright.generate.grow.cells import LEVELS, SKILLS, Cell, Form
from tunewright.generate.grow.loop import Grower
from tunewright.generate.grow.source import SeedSource
from tunewright.llm.outcome import Identity
from tunewright.run.strict_yaml import dump_yaml

CARD_FILE = "README.md"
MOST_OPEN_CELLS = 10  # named where a run ends short
_MOST_ROWS = 40  # of a table; the rest is summed up


def card(grower: Grower, who: Identity, source: SeedSource) -> str:
    """The card as Markdown with the YAML header that the hub reads."""
    config, tally, plan = grower.config, grower.tally, grower.plan
    cells = {cell: number for cell, number in plan.accepted.items() if number}
    parts = [
        "---\n" + dump_yaml(_header(grower)) + "---\n",
        f"# {_title(grower)}\n",
        f"{tally.num_accepted:,} records of {parts_of(config)}, written by the model "
        f"`{who.model}`{f' (revision `{who.revision}`)' if who.revision else ''} from "
        f"{len(grower.seeds):,} seeds and let through a gate by `tunewright generate`. `DATASHEET.md` says "
        "more.\n",
        stopped(grower),
        "## Composition\n",
        *(distributions(cells) if config.domain == "elpa" else [f"{GENERAL_COMPOSITION}\n"]),
        "Each record says in `meta.grown` which seeds and earlier items its prompt showed, the hash of the "
        "prompts, the model with revision and decoding, the licence, the round and the key of the reply.\n",
        "## How it was made\n",
        f"{how(grower)}\n",
        f"{source.sentence()}\n",
        "## What was rejected\n",
        f"{tally.num_candidates:,} candidates = {tally.num_accepted:,} accepted + {tally.num_rejected:,} "
        "rejected. The folder of the run keeps each rejected one with its text. Not published: "
        "`rejects.jsonl`, `replies.sqlite`.\n",
        rejections(grower),
        "## Uses and limits\n",
        f"{limits(config.domain)}\n",
        "## Licence\n",
        f"Terms of the records: {licence_of(grower)}. The seeds are not part of them.\n",
    ]
    return "\n".join(part for part in parts if part)


GENERAL_COMPOSITION = (
    "Tasks of any kind, one JSON object a line. Nothing was planned beyond their number: no skills, levels "
    "or topics, so none are counted here."
)


def parts_of(config: GrowConfig) -> str:
    """What every record has."""
    has_why = config.domain == "elpa" or config.explanations
    return f"instruction, input{', output and explanation' if has_why else ' and output'}"


def licence_of(grower: Grower) -> str:
    """The terms of the records, as far as they were stated."""
    return grower.config.licence or "not stated: see the terms of the model that wrote the records"


def rejections(grower: Grower) -> str:
    """The rejection table: every reason with its number."""
    tally = grower.tally
    rows = [
        (row["step"], row["reason"], f"{row['rejected']:,}", percent(row["rejected"], tally.num_candidates))
        for row in tally.reasons()
    ]
    return table(("step", "reason", "rejected", "share of candidates"), rows)


def _header(grower: Grower) -> dict[str, Any]:
    config = grower.config
    found: dict[str, Any] = {
        "license": config.licence if config.licence in _HUB_LICENCES else "other",
        "task_categories": ["text-generation", "question-answering"],
        "size_categories": [_size(grower.tally.num_accepted)],
        "tags": ["synthetic", "instruction-tuning", "tunewright"],
        "configs": [{"config_name": "default", "data_files": "records.jsonl"}],
    }
    if config.language != "any":
        found["language"] = [config.language]
    if config.domain == "elpa":
        found["tags"].append("language-assessment")
    return found


_HUB_LICENCES = {"apache-2.0", "mit", "cc0-1.0", "cc-by-4.0", "cc-by-sa-4.0", "cc-by-nc-4.0", "odc-by"}
_SIZES = ((10**3, "n<1K"), (10**4, "1K<n<10K"), (10**5, "10K<n<100K"), (10**6, "100K<n<1M"))


def _size(num_records: int) -> str:
    return next((name for most, name in _SIZES if num_records < most), "n>1M")


def _title(grower: Grower) -> str:
    kind = "language assessment items" if grower.config.domain == "elpa" else "instruction data"
    return f"Grown {kind}, {grower.tally.num_accepted:,} records"


def stopped(grower: Grower) -> str:
    """That fewer records came than were planned, why, and where they lack; "" for a filled plan."""
    if not grower.stopped:
        return ""
    said = f"**{grower.plan.n:,} were planned.** The run stopped: {grower.stopped}.\n"
    if grower.config.domain == "general":
        return said
    found = grower.open_cells()
    rows = [(cell.name(), f"{missing:,}") for cell, missing in found[:MOST_OPEN_CELLS]]
    if more := found[MOST_OPEN_CELLS:]:
        rows.append((f"{len(more):,} more", f"{sum(missing for _, missing in more):,}"))
    return f"{said}\n{table(('cell that is not filled', 'missing'), rows)}"


def distributions(cells: dict[Cell, int]) -> Iterable[str]:
    """A table per dimension; none for general data, which has no cells."""
    dimensions: tuple[tuple[str, Callable[[Cell], str], Sequence[str]], ...] = (
        ("skill", lambda cell: cell.group.skill, SKILLS),
        ("CEFR level", lambda cell: cell.group.level, LEVELS),
        ("form", lambda cell: cell.group.form, get_args(Form)),
        ("task type", lambda cell: cell.group.task, ()),
        ("topic", lambda cell: cell.topic, ()),
    )
    for name, key, order in dimensions:
        counts: Counter[str] = Counter()
        for cell, number in cells.items():
            counts[key(cell)] += number
        if set(counts) <= {"", "general"}:
            continue
        names = [one for one in order if one in counts] or sorted(counts, key=lambda one: (-counts[one], one))
        rows = [(one, f"{counts[one]:,}") for one in names[:_MOST_ROWS]]
        if len(names) > _MOST_ROWS:
            rest = sum(counts[one] for one in names[_MOST_ROWS:])
            more = len(names) - _MOST_ROWS
            rows.append((f"{more} more {name}s" if more > 1 else f"1 more {name}", f"{rest:,}"))
        yield table((name, "records"), rows)


def how(grower: Grower) -> str:
    """How records were asked for and chosen, with every setting that decided it."""
    config = grower.config
    kind = "" if config.domain == "general" else " of the same or a near kind"
    return (
        f"{grower.num_calls:,} calls in {grower.num_rounds:,} rounds, up to {config.per_call} items a call. "
        f"A prompt shows up to {config.seed_examples} seeds and {config.machine_examples} accepted machine "
        f"items{kind}. Decoding: temperature {config.temperature:g}, top_p "
        f"{config.top_p:g}, at most {config.max_tokens:,} tokens a reply. Hash of the prompts: "
        f"`{prompt_hash()}`. Seed of the run: {grower.seed}. Near-duplicates are dropped {within(config)} at "
        f"ROUGE-L F1 > {config.near_duplicate:g}.{filled(grower)}{_author_tasks(grower)}"
    )


def within(config: GrowConfig) -> str:
    """Among which records near-duplicates are looked for."""
    if config.domain == "general":
        return "among all, by their instruction,"
    return "within a cell (skill, task, level, topic)"


def filled(grower: Grower) -> str:
    """How many cells are full, as a sentence with a blank before it; general data has no cells."""
    if grower.config.domain == "general":
        return ""
    return f" {grower.plan.num_filled:,} of {len(grower.plan.targets):,} cells are filled."


def _author_tasks(grower: Grower) -> str:
    if grower.config.domain == "general":
        return ""
    if any(cell.group.form == "author" for cell in grower.plan.targets):
        return " Records of the form author are tasks for an author of items: no item rule looked at them."
    return " Tasks for an author of items were left out."


def limits(domain: str) -> str:
    """What nobody has checked."""
    if domain == "general":
        return "A model wrote this and no person has checked it. Answers can be wrong."
    return (
        "For tuning and for drafts. A model wrote the items and rules checked their form: whether a key is "
        "the only defensible one, and whether an item is fit for use, is for people to say. Levels are what "
        "was asked for, not what learners showed. A model tuned on this must not be evaluated on the seeds "
        "it grew from."
    )


def percent(number: int, of: int) -> str:
    return f"{number / of:.1%}" if of else "–"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    if not rows:
        return "None.\n"
    lines = [head, ["---", *("---:" for _ in head[1:])], *rows]
    return (
        "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)
        + "\n"
    )
