"""Reading the replies of a finished rating once more, with another parser and without a call."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tunewright.errors import DataError
from tunewright.llm.journal import JOURNAL_FILE
from tunewright.llm.silent import SilentBackend
from tunewright.rate.config import RateConfig
from tunewright.rate.stage import rate
from tunewright.run.config import parse_config
from tunewright.run.folder import read_manifest
from tunewright.run.progress import Progress


def reparse(
    folder: str | Path,
    out: str | Path,
    *,
    pattern: str | None = None,
    progress: Progress | None = None,
    again: bool = False,
) -> dict[str, Any]:
    """Rate what `folder` rated from the replies in its journal into the folder `out`; gives its manifest.

    The parser is this version's, with `pattern` for replies that hold no JSON object. A reply that the
    earlier parser took and this one does not is failed, for nothing is asked. Raises DataError when the
    folder holds no rating, when the data, the criteria or the prompts have changed since, and as `rate` does
    when they are gone.
    """
    if Path(out).resolve() == Path(folder).resolve():
        raise DataError(f"{folder} cannot be read and written at once; choose another --out")
    manifest = read_manifest(folder)
    if manifest["stage"] != "rate":
        raise DataError(f"{folder}: holds a '{manifest['stage']}' run, not a rating; name another folder")
    journal = Path(folder) / JOURNAL_FILE
    if not journal.exists():
        raise DataError(f"{journal} is not there: use 'tunewright rate … --no-calls --replies FILE' instead")
    settings, extra = manifest["config"], manifest["extra"]
    given = {
        "criteria": extra["criteria"],
        "ask": {**settings["ask"], "calls": False, "replies": journal},
        "expected": settings["expected"],
        "max_tokens": settings["max_tokens"],
        "pattern": pattern if pattern is not None else settings["pattern"],
        "human": extra["human"],
        "human_score": settings["human_score"],
        "worst": settings["worst"],
    }
    config = parse_config(RateConfig, given, where="the command line")
    backend = SilentBackend(settings["ask"]["model"], settings["ask"]["revision"])
    return rate(
        config,
        extra["data"],
        out,
        format=extra["format"],
        progress=progress,
        again=again,
        backend=backend,
        replies_of=manifest,
    )
