"""The run folders that a team names, read and never written: which runs there are, their pages, one record's
rows.

Nothing is indexed. A log of a stage has one JSON object a line, so a record's row is found by looking for its
id in the bytes of the file: 20 ms in 50 MB.
"""

from __future__ import annotations

import hashlib
import json
import mmap
import os
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from tunewright.errors import RecipeError
from tunewright.run.folder import MANIFEST_FILE
from tunewright.run.strict_yaml import load_yaml

RECORDS_FILE = "records.jsonl"
RECIPE_FILE = "recipe.yaml"
# Pages that stages write beside their results. A study's `results.html` names systems: it is not among them.
PAGES = {
    "report.html": "Report",
    "summary.html": "Summary",
    "comparison.html": "Comparison of sets",
    "selection.html": "Selection",
    "winrate.html": "Win rates",
    "mask.html": "Which tokens carry loss",
    "tokens.html": "Losses token by token",
}
_DATA_SUFFIXES = (".jsonl", ".json", ".parquet", ".csv")
_DEEPEST = 6  # folders below a named one: recipe/tune/arm/answers is 4
_MOST_FOLDERS = 5_000  # looked into; a home directory named by mistake must not hang the page
_FRESH_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Run:
    """A finished stage's folder. `name` is its path from the named folder on, as people know it."""

    folder: Path
    name: str
    stage: str
    finished: str
    manifest: Mapping[str, Any]
    holdout: tuple[int, str | None] = (
        0,
        None,
    )  # of the recipe it belongs to: how many rows, kept together by

    @property
    def config(self) -> Mapping[str, Any]:
        return self.manifest.get("config") or {}

    @property
    def extra(self) -> Mapping[str, Any]:
        return self.manifest.get("extra") or {}

    def rows(self, file: str, record_id: str) -> Iterator[Mapping[str, Any]]:
        yield from rows_of(self.folder / file, record_id)


@dataclass(frozen=True, slots=True)
class ReportPage:
    """A page that a run left. `digest` stands for its path in addresses, so that no address holds a path."""

    digest: str
    name: str
    title: str
    path: Path


@dataclass(slots=True)
class RunFolders:
    """The named folders, looked through at most every 30 s. Links are not followed."""

    folders: Sequence[Path]
    _found: tuple[tuple[Run, ...], Mapping[str, ReportPage], tuple[Path, ...]] | None = None
    _looked_at: float = -_FRESH_SECONDS
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def runs(self) -> tuple[Run, ...]:
        """All finished runs, the earliest first."""
        return self._look()[0]

    def pages(self) -> tuple[ReportPage, ...]:
        return tuple(self._look()[1].values())

    def page(self, digest: str) -> ReportPage | None:
        """The page of that digest, if it is still a plain file inside a named folder."""
        page = self._look()[1].get(digest)
        if page is None or page.path.is_symlink() or not page.path.is_file():
            return None
        real = page.path.resolve()
        return page if any(real.is_relative_to(folder.resolve()) for folder in self.folders) else None

    def data_files(self) -> tuple[Path, ...]:
        """What may have been trained on: records of runs, and data files lying in a named folder itself."""
        return self._look()[2]

    def _look(self) -> tuple[tuple[Run, ...], Mapping[str, ReportPage], tuple[Path, ...]]:
        with self._lock:
            now = time.monotonic()
            if self._found is None or now - self._looked_at > _FRESH_SECONDS:
                self._found, self._looked_at = _look(self.folders), now
            return self._found


def _look(folders: Sequence[Path]) -> tuple[tuple[Run, ...], Mapping[str, ReportPage], tuple[Path, ...]]:
    runs: list[Run] = []
    pages: list[ReportPage] = []
    data: list[Path] = []
    recipes: dict[Path, tuple[int, str | None]] = {}
    for top in folders:
        if top.is_file():
            data.append(top)
            continue
        for folder, files in _walk(top):
            name = "/".join((top.name, *folder.relative_to(top).parts))
            if RECIPE_FILE in files:
                recipes[folder] = _holdout_of(folder / RECIPE_FILE)
            if MANIFEST_FILE in files:
                run = _run(folder, name, recipes)
                runs += [run] if run else []
            for file in files:
                if file in PAGES:
                    path = folder / file
                    digest = hashlib.sha256(os.fsencode(path.absolute())).hexdigest()[:32]
                    pages.append(ReportPage(digest, f"{name}/{file}", PAGES[file], path))
                elif file == RECORDS_FILE or (
                    folder == top and MANIFEST_FILE not in files and _is_data(file)
                ):
                    data.append(folder / file)
    runs.sort(key=lambda run: run.finished)
    return tuple(runs), {page.digest: page for page in pages}, tuple(dict.fromkeys(data))


def _is_data(file: str) -> bool:
    return file.endswith(_DATA_SUFFIXES) and not file.startswith("rejects")


def _walk(top: Path) -> Iterator[tuple[Path, frozenset[str]]]:
    """Folders with the names of their plain files, parents first; hidden ones and links are left out."""
    waiting = [(top, 0)]
    for _ in range(_MOST_FOLDERS):
        if not waiting:
            return
        folder, depth = waiting.pop()
        try:
            entries = [entry for entry in os.scandir(folder) if not entry.is_symlink()]
        except OSError:
            continue
        yield folder, frozenset(entry.name for entry in entries if entry.is_file(follow_symlinks=False))
        if depth < _DEEPEST:
            below = [e for e in entries if e.is_dir(follow_symlinks=False) and not e.name.startswith(".")]
            waiting += [(folder / entry.name, depth + 1) for entry in sorted(below, key=lambda e: e.name)]


def _run(folder: Path, name: str, recipes: Mapping[Path, tuple[int, str | None]]) -> Run | None:
    try:
        manifest = orjson.loads((folder / MANIFEST_FILE).read_bytes())
    except (OSError, orjson.JSONDecodeError):
        return None
    if not isinstance(manifest, dict) or not manifest.get("finished"):
        return None
    holdout = next((recipes[above] for above in folder.parents if above in recipes), (0, None))
    return Run(folder, name, str(manifest.get("stage", "")), str(manifest["finished"]), manifest, holdout)


def _holdout_of(recipe: Path) -> tuple[int, str | None]:
    try:
        settings = load_yaml(recipe)
    except RecipeError:
        return 0, None
    num, by = settings.get("holdout"), settings.get("holdout_by")
    return (num if isinstance(num, int) else 0), (by if isinstance(by, str) else None)


def rows_of(path: Path, record_id: str) -> Iterator[Mapping[str, Any]]:
    """The objects of a JSONL file whose "id" is this one; none when there is no such file."""
    written = (
        orjson.dumps(record_id, default=str),
        json.dumps(record_id).encode(),
    )  # as we write it, and others
    try:
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as whole:
            for start, end in sorted(
                _lines(whole, {b'"id":' + one for one in written} | {b'"id": ' + one for one in written})
            ):
                try:
                    row = orjson.loads(whole[start:end])
                except orjson.JSONDecodeError:
                    continue
                if isinstance(row, dict) and str(row.get("id")) == record_id:
                    yield row
    except (OSError, ValueError):  # no such file; mmap refuses an empty one
        return


def _lines(whole: mmap.mmap, needles: set[bytes]) -> set[tuple[int, int]]:
    """Where the lines with one of these begin and end."""
    found = set()
    for needle in needles:
        at = whole.find(needle)
        while at >= 0:
            end = whole.find(b"\n", at)
            end = len(whole) if end < 0 else end
            found.add((whole.rfind(b"\n", 0, at) + 1, end))
            at = whole.find(needle, end)
    return found
