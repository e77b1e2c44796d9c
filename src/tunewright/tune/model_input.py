"""What a run was given as its model, so that another one at the same place is noticed."""

from __future__ import annotations

import hashlib
from pathlib import Path

# What is read of a large file to know it again.
_BLOCK, _BLOCKS = 64 * 1024, 64


def model_input(spec: str) -> dict[str, str]:
    """A digest of a local model's files, so that a folder with other weights is noticed.

    Of a large file, 64 blocks spread over it are read: tuning changes them all.
    """
    folder = Path(spec)
    if not folder.is_dir():
        return {}
    digest = hashlib.sha256()
    for file in sorted(file for file in folder.iterdir() if file.is_file()):
        size = file.stat().st_size
        digest.update(f"{file.name}\0{size}\0".encode())
        with file.open("rb") as opened:
            for start in range(0, size, max(_BLOCK, size // _BLOCKS)):
                opened.seek(start)
                digest.update(opened.read(_BLOCK))
    return {"model": digest.hexdigest()}
