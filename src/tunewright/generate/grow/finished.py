"""Whether a finished folder still holds what its run left: a file cut or changed since is no result."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tunewright.errors import RunFolderError
from tunewright.run.files import disk_errors, file_sha256
from tunewright.run.folder import MANIFEST_FILE, read_manifest


def marks_of(folder: Path, names: tuple[str, ...]) -> dict[str, Any]:
    """Bytes and SHA-256 of these files, for the manifest."""
    return {
        name: {"bytes": (folder / name).stat().st_size, "sha256": file_sha256(folder / name)}
        for name in names
    }


def check_marks(folder: Path) -> None:
    """RunFolderError, naming the first file that is not as the manifest says and what to do about it."""
    marks: Mapping[str, Mapping[str, Any]] = read_manifest(folder)["extra"].get("files", {})
    for name, mark in marks.items():
        if fault := _fault(folder / name, mark):
            raise RunFolderError(
                f"{folder / name} {fault}: it is not what this run wrote. Put the file back; or, with a copy "
                f"of it elsewhere if you changed it on purpose, delete {folder / MANIFEST_FILE} and run the "
                "same command, which writes it anew from the replies that are kept"
            )


def _fault(path: Path, mark: Mapping[str, Any]) -> str:
    if not path.exists():
        return "is missing"
    with disk_errors(path):
        size = path.stat().st_size
        if size != mark["bytes"]:
            return f"has {size:,} bytes instead of {mark['bytes']:,}"
        return "has other content" if file_sha256(path) != mark["sha256"] else ""
