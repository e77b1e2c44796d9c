"""One process at a time in a run folder: an flock on its `.lock`, which holds the process's number.

The system drops an flock when its holder ends in any way, so a lock is never stale and nobody has to
delete one. Children made by `fork` share their parent's lock.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
from pathlib import Path

from tunewright.errors import RunFolderError
from tunewright.run.files import disk_errors

LOCK_FILE = ".lock"
_NUM_TRIES = 100


def make_and_lock(path: Path) -> int:
    """Make the folder if needed and take its lock; returns the lock's descriptor.

    Raises RunFolderError, naming the holder, when another process has it.
    """
    file = path / LOCK_FILE
    with disk_errors(file):
        for _ in range(_NUM_TRIES):
            path.mkdir(parents=True, exist_ok=True)
            try:
                lock = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
            except FileNotFoundError:
                continue  # another process moved the folder aside between the two lines above
            try:
                _flock(path, lock)
                if _is_same_file(file, lock):
                    os.ftruncate(lock, 0)
                    os.pwrite(lock, str(os.getpid()).encode(), 0)
                    return lock
            except BaseException:
                os.close(lock)
                raise
            os.close(lock)  # its holder deleted or moved the file between our open and our flock
    raise RunFolderError(f"{path} is in use by processes that come and go; try again or choose another --out")


def unlock(path: Path, lock: int) -> None:
    """Give the lock of the folder at `path` back."""
    with contextlib.suppress(OSError):  # a tidy folder has no lock file; a left-over one does no harm
        (path / LOCK_FILE).unlink()
    os.close(lock)


def _flock(path: Path, lock: int) -> None:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno != errno.EWOULDBLOCK:
            raise
        pid = os.pread(lock, 32, 0).decode(errors="replace").strip()
        holder = f"process {pid}" if pid else "another process"
        raise RunFolderError(f"{path} is in use by {holder}; wait for it or choose another --out") from None


def _is_same_file(file: Path, lock: int) -> bool:
    with contextlib.suppress(FileNotFoundError):
        return os.path.samestat(file.stat(), os.fstat(lock))
    return False
