"""Ranking 52,000 revisions by CoachLM's distance, on one core.

python benchmarks/coach_select.py [--revisions ../shared/data/coachlm/expert_revisions.json] [--size 52000]
    [--repeats 5]

CPU seconds from revisions in memory to the ranking: flat lines, character Levenshtein without cut-off, sort.
The pairs are those of --revisions over and over, each time with some words of the revised output left out or
doubled (seeded), so that no two are the same. Reading and writing are not counted; the whole stage's time is
given beside it.
"""

from __future__ import annotations

import argparse
import random
import statistics
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from tunewright.coach.distance import flat_distances
from tunewright.coach.forms.flat import flat_text
from tunewright.coach.read_revisions import read_revisions
from tunewright.coach.revision import Revision
from tunewright.coach.select import by_distance
from tunewright.coach.select_config import CoachSelectConfig
from tunewright.coach.select_stage import coach_select
from tunewright.coach.write_revisions import write_revisions

DATA = Path(__file__).resolve().parents[1].parent / "shared" / "data" / "coachlm" / "expert_revisions.json"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--revisions", type=Path, default=DATA)
    parser.add_argument("--size", type=int, default=52_000)
    parser.add_argument("--repeats", type=int, default=5)
    arguments = parser.parse_args()
    revisions = grown(list(read_revisions(arguments.revisions)), arguments.size)
    lengths = [
        statistics.fmean(len(flat_text(side)) for side in sides)
        for sides in ([one.original for one in revisions], [one.revised for one in revisions])
    ]
    print(
        f"{len(revisions):,} revisions, flat lines of {lengths[0]:.0f} and {lengths[1]:.0f} characters (mean)"
    )
    for name, work in (("distances", flat_distances), ("distances and ranking", by_distance)):
        seconds = []
        for _ in range(arguments.repeats):
            start = time.process_time()
            work(revisions)
            seconds.append(time.process_time() - start)
        print(f"{name}: {min(seconds):.2f} CPU s best, {statistics.median(seconds):.2f} s median")
    with tempfile.TemporaryDirectory() as folder:
        write_revisions(revisions, Path(folder) / "data.jsonl")
        start = time.process_time()
        coach_select(CoachSelectConfig(), Path(folder) / "data.jsonl", Path(folder) / "out")
        print(f"the whole stage, reading and writing: {time.process_time() - start:.1f} CPU s")


def grown(revisions: list[Revision], size: int) -> list[Revision]:
    """`size` revisions made of these, ids and texts all different."""
    draw = random.Random(7)
    made = []
    for number in range(size):
        one = revisions[number % len(revisions)]
        words = one.revised.output.split(" ")
        for _ in range(number // len(revisions)):
            place = draw.randrange(len(words))
            words[place] = draw.choice(("", f"{words[place]} {words[place]}"))
        record_id = f"{one.id}-{number}"
        revised = replace(one.revised, id=record_id, output=" ".join(words) or ".")
        made.append(Revision(replace(one.original, id=record_id), revised))
    return made


if __name__ == "__main__":
    main()
