"""Reading and writing hold one row (one row group in Parquet), not the file."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

# Writes and copies records in one process; prints by how many MB its peak size grew after a first small copy.
COPY = """
import resource, sys
from tunewright.records import Record, read_records, write_records
def peak(): return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
def made(count):
    for n in range(count):
        yield Record(id=str(n), instruction=f"Question {n} " * 160, output=f"Answer {n} " * 160)
folder, suffix, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
def copy(count):
    write_records(made(count), f"{folder}/x{suffix}", format="alpaca")
    assert write_records(read_records(f"{folder}/x{suffix}"), f"{folder}/y{suffix}") == count
copy(3_000)
before = peak()
copy(count)
print(peak() - before)
"""


@pytest.mark.parametrize("suffix", [".json", ".jsonl", ".csv", ".parquet"])
def test_many_records_take_little_more_memory_than_a_few(suffix: str, tmp_path: Path) -> None:
    """The texts of what is added to the first 3,000 records are 36 MB, twice that as records."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    command = [sys.executable, "-c", COPY, str(tmp_path), suffix, "12000"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    # Arrow keeps freed memory for itself
    assert int(done.stdout) < (40 if suffix == ".parquet" else 15)


def test_importing_records_loads_no_heavy_library() -> None:
    heavy = ("pyarrow", "datasets", "numpy", "torch")
    code = f"import sys, tunewright.records; print([name for name in {heavy} if name in sys.modules])"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
