"""Zip packages that others made: opened without writing any file, within limits, no path trusted."""

from __future__ import annotations

import lzma
import posixpath
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tunewright.errors import DataError

MAX_MEMBERS = 200_000
MAX_MEMBER_BYTES = 64 << 20
MAX_TOTAL_BYTES = 2 << 30
# What `zipfile` raises for a damaged member, besides its own error: each compression's (bz2's is OSError),
# EOFError where it is cut, RuntimeError where it is encrypted or (NotImplementedError) compressed in an
# unknown way, ValueError for an offset or a name that cannot be.
_UNPACKING = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    OSError,
    EOFError,
    RuntimeError,
    ValueError,
)
_EARLIEST = (1980, 1, 1, 0, 0, 0)  # so that the same questions give the same bytes


class Package:
    """The files of a zip by name. Sizes are counted while unpacking: what a zip says of itself may lie."""

    def __init__(self, archive: zipfile.ZipFile, path: Path) -> None:
        self.path = path
        self._archive = archive
        self._left = MAX_TOTAL_BYTES
        names = archive.namelist()
        if len(names) > MAX_MEMBERS:
            raise DataError(f"{path}: holds {len(names):,} files, more than the {MAX_MEMBERS:,} read here")
        self.names = [name for name in names if not name.endswith("/")]
        for name in self.names:
            if normal_name(name) != name:
                raise DataError(f"{path}: the file name {name!r} leads out of the package; do not trust it")
        if len(set(self.names)) < len(self.names):
            raise DataError(f"{path}: holds two files with the same name")

    def read(self, name: str) -> bytes:
        """The bytes of a file; DataError when it is missing, damaged or larger than the limits."""
        try:
            with self._archive.open(name) as stream:
                limit = min(MAX_MEMBER_BYTES, self._left)
                data = stream.read(limit + 1)
        except KeyError:
            raise DataError(f"{self.path}: {name!r} is not in the package") from None
        except _UNPACKING as error:
            raise DataError(f"{self.path}: {name!r} cannot be unpacked: {error}") from None
        if len(data) > limit:
            raise DataError(
                f"{self.path}: {name!r} unpacks to more than {limit:,} bytes; it may be a zip bomb"
            )
        self._left -= len(data)
        return data


def normal_name(name: str) -> str:
    """The name inside the package, '' when it leads out of it."""
    if name.startswith("/") or "\\" in name or "\0" in name or ":" in name.split("/")[0]:
        return ""
    plain = posixpath.normpath(name)
    return "" if plain.startswith("..") else plain


@contextmanager
def open_package(path: Path) -> Iterator[Package]:
    """A package to read from. DataError when the file is no zip or breaks the limits."""
    try:
        archive = zipfile.ZipFile(path)
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise DataError(f"{path}: cannot be opened as a zip package: {error}") from None
    with archive:
        yield Package(archive, path)


def write_package(path: Path, files: Iterable[tuple[str, bytes]]) -> None:
    """A zip of these files, the same bytes for the same files."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files:
            entry = zipfile.ZipInfo(name, _EARLIEST)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, data)
