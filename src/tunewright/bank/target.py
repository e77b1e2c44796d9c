"""Where an export or import may write: not over its data, not into a run, and over a file only when told."""

from __future__ import annotations

import json
from pathlib import Path

from tunewright.errors import DataError
from tunewright.run.folder import MANIFEST_FILE, STAGE_FILE

_MARKS = {"stage", "config", "inputs", "created"}  # of the files that `run.folder` writes


def rejects_file(target: Path) -> Path:
    """Where what is left out goes: beside the target, with `.rejects.jsonl` behind its name."""
    return target.with_name(f"{target.name}.rejects.jsonl")


def check_target(target: Path, *, data: str | Path, overwrite: bool) -> None:
    """DataError when writing to `target`, or to its rejects, would lose what nobody asked to lose.

    Refused are the data itself, a place inside the data's folder or any run folder, a folder that the data
    lies in, and, unless `overwrite`, whatever is there already.
    """
    source = Path(data)
    for path in (target, rejects_file(target)):
        if source.exists():
            _refuse_data(path, source)
        if run := _run_folder_of(path):
            raise DataError(
                f"{path}: lies in the run folder {run}, whose files stay as its run wrote them; "
                "choose an --out outside"
            )
        if not overwrite and _holds_something(path):
            raise DataError(
                f"{path}: is there already; choose another --out, or add --overwrite to replace it"
            )


def _refuse_data(path: Path, source: Path) -> None:
    place, origin = path.resolve(), source.resolve()
    if place == origin or (path.exists() and path.samefile(source)):
        raise DataError(f"{path}: is the data itself; choose another --out")
    if origin in place.parents:
        raise DataError(f"{path}: lies in the folder of the data, {source}; choose an --out outside")
    if place in origin.parents and path.is_dir():
        raise DataError(f"{path}: the data lies in this folder; choose another --out")


def _run_folder_of(path: Path) -> Path | None:
    """The run folder that a place is, or lies in at any depth; None when there is none."""
    place = path.resolve()
    return next((folder for folder in (place, *place.parents) if _is_run_folder(folder)), None)


def _is_run_folder(folder: Path) -> bool:
    """Whether one of our stages made this folder."""
    return any(_is_mark(folder / name) for name in (MANIFEST_FILE, STAGE_FILE))


def _is_mark(file: Path) -> bool:
    """Whether this is a run's mark; one that cannot be read any more is taken for one."""
    if not file.is_file():
        return False
    try:
        found = json.loads(file.read_bytes())
    except (ValueError, OSError):
        return True
    return isinstance(found, dict) and found.keys() >= _MARKS


def _holds_something(path: Path) -> bool:
    return any(path.iterdir()) if path.is_dir() else path.exists() or path.is_symlink()
