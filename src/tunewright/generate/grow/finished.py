"""Whether a finished folder still holds what its run left: a file cut or changed since is no result."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tunewright.errors import RunFolderError
from tunewright.run.files import disk_errors, file_sha256
from tunewright.run.folder import MANIFEST_FILE, STAGE_FILE, read_manifest

_BESIDE = ("metrics.jsonl", "README.md", "DATASHEET.md")  # there, but people may write into the last two


def marks_of(folder: Path, names: tuple[str, ...]) -> dict[str, Any]:
    """Bytes and SHA-256 of these files, for the manifest."""
    return {
        name: {"bytes": (folder / name).stat().st_size, "sha256": file_sha256(folder / name)}
        for name in names
    }


def check_finished(folder: str | Path) -> None:
    """RunFolderError unless a run is finished here and has left its files so.

    Records and rejects of a grown set must be byte for byte what the manifest says, the other files must be
    there; the message names the first that is not and what to do. Other finished runs state none and pass.
    """
    folder = Path(folder)
    check_readable(folder)
    marks: Mapping[str, Mapping[str, Any]] = read_manifest(folder)["extra"].get("files", {})
    for name, mark in marks.items():
        if fault := _fault(folder / name, mark):
            raise RunFolderError(
                f"{folder / name} {fault}: it is not what this run wrote. Put the file back; or move it "
                f"elsewhere, delete {folder / MANIFEST_FILE} and run the same command, which writes both "
                "anew from the replies that are kept"
            )
    for name in _BESIDE if marks else ():
        path = folder / name
        if not path.is_file() or not path.stat().st_size:
            raise RunFolderError(
                f"{path} is missing or empty. Put it back; or delete {folder / MANIFEST_FILE} and run the "
                "same command, which writes both anew from the replies that are kept"
            )


def check_readable(folder: Path) -> None:
    """RunFolderError for a manifest that cannot be read where the folder can be finished again without it."""
    if not (folder / MANIFEST_FILE).is_file() or not (folder / STAGE_FILE).is_file():
        return
    try:
        read_manifest(folder)
    except RunFolderError as error:
        raise RunFolderError(
            f"{folder / MANIFEST_FILE} is damaged. Put it back; or delete this one file, and nothing else, "
            "and run the same command: it is written anew from the replies that are kept"
        ) from error


def _fault(path: Path, mark: Mapping[str, Any]) -> str:
    if not path.is_file():
        return "is missing"
    with disk_errors(path):
        size = path.stat().st_size
        if size != mark["bytes"]:
            return f"has {size:,} bytes instead of {mark['bytes']:,}"
        return "has other content" if file_sha256(path) != mark["sha256"] else ""
