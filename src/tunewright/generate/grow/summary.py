"""The end of a run in lines of text: accepted and rejected, by reason and by skill and level."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

from tunewright.generate.grow.cells import LEVELS, SKILLS, Form
from tunewright.records.read import read_records
from tunewright.run.files import read_jsonl
from tunewright.run.folder import read_manifest


def summary_of(folder: Path) -> Iterator[str]:
    """The lines, top down. RunFolderError when the folder holds no finished run."""
    manifest = read_manifest(folder)
    counts, extra = manifest["counts"], manifest["extra"]
    yield (
        f"{counts['candidates']:,} candidates: {counts['records']:,} accepted, {counts['rejects']:,} "
        f"rejected, from {_counted(counts['calls'], 'call')} in {_counted(counts['rounds'], 'round')}"
    )
    for row in extra["reasons"]:
        yield f"  {row['rejected']:>9,}  {row['step']}: {row['reason']}"
    if not _is_general(manifest):
        yield f"{extra['cells_filled']:,} of {_counted(extra['cells'], 'cell')} filled"
    if counts["records"]:
        yield from _by_skill_and_level(folder)
    yield f"tokens: {extra['prompt_tokens']:,} read, {extra['output_tokens']:,} written" + (
        f"; cost {extra['cost']:.4g}" if extra["cost"] is not None else ""
    )
    if extra["stopped"]:
        yield (
            f"warning: {counts['records']:,} of {extra['asked_for']:,}: {extra['stopped']}. What was "
            f"accepted is kept; {folder / 'rejects.jsonl'} says why the rest was not"
        )
        if not _is_general(manifest):
            yield from _open_cells(extra)


def is_short(folder: Path) -> bool:
    """Whether a finished run has fewer records than were asked for."""
    return bool(read_manifest(folder)["extra"]["stopped"])


def _is_general(manifest: dict[str, Any]) -> bool:
    return bool(manifest["config"]["grow"]["domain"] == "general")


def _open_cells(extra: dict[str, Any]) -> Iterator[str]:
    """The cells that are not filled, emptiest first; a folder of an earlier version names none."""
    named = extra.get("open_cells", [])
    for one in named:
        yield f"  {one['missing']:>9,} missing  {one['cell']}"
    rest = extra["cells"] - extra["cells_filled"] - len(named)
    if named and rest > 0:
        yield f"  and {_counted(rest, 'more cell')}"


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _by_skill_and_level(folder: Path) -> Iterator[str]:
    accepted: Counter[tuple[str, str]] = Counter()
    rejected: Counter[tuple[str, str]] = Counter()
    forms: Counter[str] = Counter()
    for record in read_records(folder / "records.jsonl"):
        forms[str(record.meta.get("form", ""))] += 1
        accepted[str(record.meta.get("skill", "")), str(record.meta.get("level", ""))] += 1
    for row in read_jsonl(folder / "rejects.jsonl"):
        rejected[row["skill"], row["level"]] += 1
    if not any(skill for skill, _ in accepted):
        return
    named = [f"{form.replace('_', ' ')} {forms[form]:,}" for form in get_args(Form) if form in forms]
    yield f"forms: {', '.join(named)}"
    yield "accepted/rejected " + "".join(f"{level:>10}" for level in LEVELS)
    for skill in SKILLS:
        cells = (f"{accepted[skill, level]:,}/{rejected[skill, level]:,}" for level in LEVELS)
        yield f"  {skill:<16}" + "".join(f"{cell:>10}" for cell in cells)
