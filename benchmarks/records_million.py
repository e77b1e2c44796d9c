"""A million records through every container: time and peak memory of writing and reading, each in a process.

python benchmarks/records_million.py [--records 1000000] [--folder DIR]
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from tunewright.records import Record, read_records, write_records

CONTAINERS = ("records.jsonl", "records.json", "records.csv", "records.parquet", "records.jsonl.gz")


def make(num_records: int) -> Iterator[Record]:
    """Records of about 450 bytes, all different, with a column beside the fields."""
    for number in range(num_records):
        yield Record(
            id=f"r{number}",
            instruction=f"Question {number}: which statement about the number {number} is right?",
            input=f"A) it is even\nB) it is odd\nC) it is {number}\n" + "context " * 20,
            output="C) it is " + str(number),
            explanation=f"It was said to be {number}, and nothing else was said about it.",
            meta={"source": f"s{number % 100}", "level": "A1"},
        )


def measure(action: str, file: Path, num_records: int) -> None:
    """Write or read once and print seconds and this process's peak resident memory."""
    start = time.perf_counter()
    count = (
        write_records(make(num_records), file) if action == "write" else sum(1 for _ in read_records(file))
    )
    seconds = time.perf_counter() - start
    peak_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    assert count == num_records
    print(
        f"{file.name:<18} {action:<6} {count:>9,} records {seconds:7.1f} s {peak_mib:7.0f} MiB peak",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--records", type=int, default=1_000_000)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--one", nargs=2, metavar=("ACTION", "FILE"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        measure(arguments.one[0], Path(arguments.one[1]), arguments.records)
        return
    with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
        for name in CONTAINERS:
            for action in ("write", "read"):
                file = str(Path(folder) / name)
                command = [
                    sys.executable,
                    __file__,
                    "--records",
                    str(arguments.records),
                    "--one",
                    action,
                    file,
                ]
                subprocess.run(command, check=True)
            Path(folder, name).unlink()


if __name__ == "__main__":
    main()
