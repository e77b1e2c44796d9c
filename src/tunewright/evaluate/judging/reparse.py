"""Reading the replies of a finished judging once more, with another parser and without a call."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tunewright.errors import DataError
from tunewright.evaluate.judging.config import JudgeConfig
from tunewright.evaluate.judging.stage import judge
from tunewright.llm.journal import JOURNAL_FILE
from tunewright.llm.silent import SilentBackend
from tunewright.run.config import parse_config
from tunewright.run.folder import read_manifest
from tunewright.run.progress import Progress


def reparse_judging(
    folder: str | Path,
    out: str | Path,
    *,
    pattern: str | None = None,
    progress: Progress | None = None,
    again: bool = False,
) -> dict[str, Any]:
    """Judge what `folder` judged from the replies in its journal into the folder `out`; gives its manifest.

    The parser is this version's, with `pattern` for replies that hold no JSON object. A reply that the
    earlier parser took and this one does not is unparsed, for nothing is asked. Raises DataError when the
    folder holds no judging, when the answers, criteria or prompts have changed since, or are gone.
    """
    if Path(out).resolve() == Path(folder).resolve():
        raise DataError(f"{folder} cannot be read and written at once; choose another --out")
    manifest = read_manifest(folder)
    if manifest["stage"] != "judge":
        raise DataError(f"{folder}: holds a '{manifest['stage']}' run, not a judging; name another folder")
    given: dict[str, Any] = dict(manifest["extra"]["config"])
    journal = given["judges"][0]["replies"] or str(Path(folder) / JOURNAL_FILE)
    if not Path(journal).is_file():
        raise DataError(f"{journal} is not there: judge again with --no-calls --replies FILE instead")
    given["judges"] = [one | {"calls": False, "replies": journal} for one in given["judges"]]
    if pattern is not None:
        given["pattern"] = pattern
    config = parse_config(JudgeConfig, given, where=f"the settings of {folder}")
    answers = manifest["extra"]["answers"]
    gone = next((path for path in answers if not Path(path).exists()), None)
    if gone is not None:
        raise DataError(
            f"{gone}: the answers that {folder} judged are not there; put them back, or run this in the "
            "folder where they were judged"
        )
    return judge(
        config,
        answers[0],
        answers[1] if len(answers) > 1 else None,
        out,
        progress=progress,
        again=again,
        backends=[SilentBackend(one["model"], one["revision"]) for one in manifest["extra"]["judges"]],
        replies_of=manifest,
    )
