"""What an earlier run left in the folder that `--again` moved aside, and a new one may go on from."""

from __future__ import annotations

import glob
from pathlib import Path


def newest_aside(folder: str | Path, name: str | Path) -> Path | None:
    """The file `name` (a path inside a run folder) of the newest `<folder>.old-N` that has it; None where
    none has."""
    folder = Path(folder).resolve()
    older = [
        one
        for one in folder.parent.glob(f"{glob.escape(folder.name)}.old-*")
        if one.name.rpartition("-")[2].isdecimal() and (one / name).is_file()
    ]
    if not older:
        return None
    return max(older, key=lambda one: int(one.name.rpartition("-")[2])) / name
