"""Files and folders of an export that are whole or not there at all.

Each is written beside its name, synced and moved over it; a folder is written whole before it gets its name.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tunewright.errors import RunFolderError
from tunewright.records.json_rows import write_array, write_jsonl
from tunewright.review.exchange import potato
from tunewright.run.files import disk_errors, sync_folder


def write_rows(rows: Iterable[dict[str, Any]], target: Path, *, as_lines: bool = False) -> int:
    write = write_jsonl if as_lines else write_array
    with replacing(target) as temporary, temporary.open("wb") as stream:
        return write(rows, stream)


@contextmanager
def replacing(target: Path) -> Iterator[Path]:
    """A name beside the target for a file or folder; what is there at the end is synced and becomes it."""
    temporary = target.with_name(f".{target.name}.{os.getpid()}.part")
    with disk_errors(target):
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            yield temporary
            for file in temporary.rglob("*") if temporary.is_dir() else [temporary]:
                if file.is_file():
                    with file.open("rb") as stream:
                        os.fsync(stream.fileno())
            if target.is_dir():
                _move_aside(target)
            temporary.replace(target)
            sync_folder(target.parent)
        finally:
            if temporary.is_dir():
                shutil.rmtree(temporary)
            else:
                temporary.unlink(missing_ok=True)


def _move_aside(folder: Path) -> None:
    """Rename an earlier export to `<name>.old-1`, -2, …: people may have worked in it since. RunFolderError
    for a folder of anything else."""
    names = {one.name for one in folder.iterdir()}
    is_ours = names <= {".argilla", "records.json"} or names <= {"config.yaml", "data", potato.OUTPUT}
    if not is_ours:
        raise RunFolderError(f"{folder}: is a folder of something else; choose another name")
    number = 1
    while (aside := folder.with_name(f"{folder.name}.old-{number}")).exists():
        number += 1
    folder.rename(aside)
