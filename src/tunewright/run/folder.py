"""The run folder: where a stage writes, how it knows that it is done, and how it goes on after a kill.

`stage.json` is written first and says whose folder it is; `manifest.json` is written last and means *done*.
Both hold the fingerprint: the stage, the settings and the hashes of the inputs. Same fingerprint: a done
stage is not run again, an unfinished one is resumed. Another fingerprint: an error that names what differs,
for nothing here is ever overwritten. `lock` keeps a second process out.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

from tunewright.errors import RunFolderError
from tunewright.run.files import disk_errors, sync_folder, write_json_atomic
from tunewright.run.fingerprint import Fingerprint
from tunewright.run.lock import LOCK_FILE, make_and_lock, unlock

STAGE_FILE = "stage.json"
MANIFEST_FILE = "manifest.json"
_MOST_DIFFERENCES = 8  # named in a message; the rest are counted


class RunFolder:
    """A stage's folder. Get one from `open`; use it in a `with`, which gives the lock back."""

    def __init__(
        self,
        path: Path,
        fingerprint: Fingerprint,
        *,
        is_done: bool,
        is_resumed: bool = False,
        created: str = "",
        lock: int = -1,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.path = path
        self.fingerprint = fingerprint
        self.is_done = is_done  # a finished result is here: read it, write nothing
        self.is_resumed = is_resumed  # an earlier process began it: read what it left
        self._created = created
        self._lock = lock
        self._clock = clock
        self._opened = clock()

    @classmethod
    def open(
        cls,
        path: str | Path,
        *,
        fingerprint: Fingerprint,
        again: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> Self:
        """The folder at `path` for this stage: done, to be resumed, or new (made with its parents).

        With `again` a folder of this stage with other settings is moved aside to `<name>.old-1` (or -2, …);
        one with the same settings is as good as new and stays. Raises RunFolderError when the folder holds
        other settings, another stage or files that are not a run's, when another process uses it, or when it
        cannot be written.
        """
        path = _named(path)
        with disk_errors(path):
            _refuse_foreign(path)
        if again and _held(path) is not None:
            _check(path, fingerprint, other_settings=True)
            if not _is_of(path, fingerprint):
                move_aside(path)
        if _check(path, fingerprint) == "done":
            return cls(path, fingerprint, is_done=True, clock=clock)
        lock = make_and_lock(path)
        try:
            _drop_temporaries(path)
            state = _check(path, fingerprint)
            if state == "done":  # by another process, between the first look and the lock
                created = _read(path / MANIFEST_FILE)["created"]
            elif state == "unfinished":
                created = _read(path / STAGE_FILE)["created"]
            else:
                created = _begin(path, fingerprint)
        except BaseException:
            unlock(path, lock)
            raise
        if state == "done":
            unlock(path, lock)
            lock = -1
        return cls(
            path,
            fingerprint,
            is_done=state == "done",
            is_resumed=state == "unfinished",
            created=created,
            lock=lock,
            clock=clock,
        )

    def finish(
        self,
        *,
        versions: Mapping[str, Any],
        counts: Mapping[str, int],
        extra: Mapping[str, Any] | None = None,
    ) -> None:
        """Write the manifest, which makes the stage done, and give the lock back.

        `versions` comes from `run.environment()`, `counts` from the stage (records, rejects, …). The caller
        has synced and closed its logs. `seconds` in the manifest are this process's; `created` and
        `finished` are UTC and, for a resumed run, include the time between.
        """
        assert not self.is_done, "finish is called once, on a folder that was not done"
        manifest = {
            "stage": self.fingerprint.stage,
            "fingerprint": self.fingerprint.digest,
            "config": self.fingerprint.config,
            "inputs": self.fingerprint.inputs,
            "counts": dict(counts),
            "created": self._created,
            "finished": _utc_now(),
            "seconds": round(self._clock() - self._opened, 3),
            "resumed": self.is_resumed,
            "versions": dict(versions),
            "extra": dict(extra or {}),
        }
        write_json_atomic(self.path / MANIFEST_FILE, manifest)
        self.is_done = True
        self.close()

    def unfinished(self, contents: Mapping[str, Any]) -> dict[str, Any]:
        """What the manifest would hold so far, for a stage that is not done because requests have no reply:
        `finished` is None."""
        of = self.fingerprint
        known = {"stage": of.stage, "fingerprint": of.digest, "config": of.config, "inputs": of.inputs}
        return {**known, "finished": None, **contents}

    def close(self) -> None:
        """Give the lock back; an unfinished stage can be resumed from here."""
        if self._lock >= 0:
            unlock(self.path, self._lock)
            self._lock = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def is_done(path: str | Path, fingerprint: Fingerprint) -> bool:
    """Whether the folder holds the finished result of exactly this stage, settings and inputs."""
    manifest = Path(path) / MANIFEST_FILE
    return manifest.exists() and _fingerprint_in(_read(manifest)).digest == fingerprint.digest


def read_manifest(path: str | Path) -> dict[str, Any]:
    """The manifest of a finished stage; RunFolderError when the stage is not finished or no run is there."""
    path = Path(path)
    if (path / MANIFEST_FILE).exists():
        return _read(path / MANIFEST_FILE)
    if (path / STAGE_FILE).exists():
        stage = _read(path / STAGE_FILE)["stage"]
        raise RunFolderError(
            f"{path} holds a '{stage}' run that is not finished; the command that began it resumes it"
        )
    raise RunFolderError(f"{path} holds no run; check the path")


def move_aside(path: str | Path) -> Path:
    """Rename the run folder to the first free `<name>.old-1`, `-2`, …; returns the new path.

    Raises RunFolderError when no run is there or another process uses it.
    """
    path = _named(path)
    _refuse_foreign(path)
    held = _held(path)
    if held is None:
        raise RunFolderError(f"{path} holds no run; check the path")
    _read(held)  # refuses another program's folder that happens to have a manifest.json
    lock = make_and_lock(path)
    try:
        aside = _rename_aside(path)
    except BaseException:
        unlock(path, lock)
        raise
    unlock(aside, lock)
    return aside


def _rename_aside(path: Path) -> Path:
    aside = _aside(path)
    with disk_errors(path):
        path.rename(aside)
        sync_folder(path.parent)
    return aside


def _aside(path: Path) -> Path:
    number = 1
    while (aside := path.with_name(f"{path.name}.old-{number}")).exists():
        number += 1
    return aside


def _named(path: str | Path) -> Path:
    """The path as the user wrote it, or made absolute where that has no name to move aside ("." and "..")."""
    path = Path(path)
    return path.resolve() if path.name in ("", "..") else path


def _refuse_foreign(path: Path) -> None:
    """A folder with files but without our mark is somebody's: never written to, never moved."""
    if path.is_file():
        raise RunFolderError(f"{path} is a file, not a folder; choose another --out")
    if not path.exists() or _held(path) is not None:
        return
    with disk_errors(path / STAGE_FILE):
        # a kill between making the folder and marking it leaves only a lock and temporary files; a mark
        # that shows now was made by another process a moment ago
        ours = {LOCK_FILE, STAGE_FILE, MANIFEST_FILE}
        names = sorted(e.name for e in path.iterdir() if e.name not in ours and not _is_temporary(e))
    if names:
        shown = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
        raise RunFolderError(
            f"{path} is not a run folder, it holds {shown}; choose another --out or an empty folder"
        )


def _is_temporary(path: Path) -> bool:
    """Whether a kill inside `write_text_atomic` left it: `.stage.json.4711.tmp`."""
    return re.fullmatch(r"\..+\.[0-9]+\.tmp", path.name) is not None


def _drop_temporaries(path: Path) -> None:
    with disk_errors(path / STAGE_FILE):
        for left_over in path.iterdir():
            if _is_temporary(left_over):
                left_over.unlink()


def _held(path: Path) -> Path | None:
    """The file that says which run the folder holds; None for an empty or foreign folder."""
    for name in (MANIFEST_FILE, STAGE_FILE):
        if (path / name).exists():
            return path / name
    return None


def _check(path: Path, new: Fingerprint, *, other_settings: bool = False) -> str:
    """What is here, "new" (nothing), "unfinished" or "done"; RunFolderError when it is another run's."""
    held = _held(path)
    if held is None:
        return "new"
    state = "done" if held.name == MANIFEST_FILE else "unfinished"
    old = _fingerprint_in(_read(held))
    kind = f"{'a finished' if state == 'done' else 'an unfinished'} '{old.stage}' run"
    if old.stage != new.stage:
        raise RunFolderError(f"{path} holds {kind}, not a '{new.stage}' run; choose another --out")
    if old.digest != new.digest and _holds_only_mark(path):
        return "new"  # it failed before it made anything: nothing to lose, nothing to resume
    if old.digest != new.digest and not other_settings:
        changed = old.differences(new)
        named = "; ".join(changed[:_MOST_DIFFERENCES])
        more = f"; and {len(changed) - _MOST_DIFFERENCES} more" if len(changed) > _MOST_DIFFERENCES else ""
        raise RunFolderError(
            f"{path} holds {kind} with other settings: {named}{more}. Choose another --out, "
            f"or add --again to move it aside to {_aside(path).name} and start afresh"
        )
    return state


def _is_of(path: Path, fingerprint: Fingerprint) -> bool:
    held = _held(path)
    assert held is not None, "asked of a folder that holds a run"
    return _fingerprint_in(_read(held)).digest == fingerprint.digest


def _holds_only_mark(path: Path) -> bool:
    with disk_errors(path):
        return {entry.name for entry in path.iterdir()} <= {STAGE_FILE, LOCK_FILE}


def _begin(path: Path, fingerprint: Fingerprint) -> str:
    created = _utc_now()
    mark = {"stage": fingerprint.stage, "fingerprint": fingerprint.digest, "created": created}
    write_json_atomic(path / STAGE_FILE, {**mark, "config": fingerprint.config, "inputs": fingerprint.inputs})
    return created


def _utc_now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _read(path: Path) -> dict[str, Any]:
    try:
        data = json.loads(path.read_bytes())
    except ValueError:
        data = None
    except OSError as error:
        raise RunFolderError(f"{path} cannot be read: {error.strerror}") from error
    if not isinstance(data, dict) or not {"stage", "config", "inputs", "created"} <= data.keys():
        raise RunFolderError(
            f"{path} is not as Tunewright wrote it; restore it, delete the folder to run this stage again, "
            "or choose another --out"
        )
    return data


def _fingerprint_in(data: Mapping[str, Any]) -> Fingerprint:
    return Fingerprint(stage=data["stage"], config=data["config"], inputs=data["inputs"])
