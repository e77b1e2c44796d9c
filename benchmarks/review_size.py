"""100,000 pairs in the review page: how long they take to come in, and lists and searches over them.

    python benchmarks/review_size.py [--items 100000] [--postgres]

Texts are of 20,000 made-up words in Zipf's proportions, some 700 characters a pair, with a coach's draft. The
import is one transaction with the search index. Times of a list are the slowest of three, in milliseconds.
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import random
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tunewright.review.model import Decision, Role
from tunewright.review.store import lead, look, people, queues, revisions, work
from tunewright.review.store.database import Database, migrate

ROOT = Path(__file__).resolve().parents[1]
RNG = random.Random(1)
LETTERS = "abcdefghijklmnopqrstuvwxyz"
WORDS = ["".join(RNG.choices(LETTERS, k=RNG.randint(2, 10))) for _ in range(20_000)]
WEIGHTS = list(itertools.accumulate(1 / rank for rank in range(1, 20_001)))


def text(num: int) -> str:
    return " ".join(RNG.choices(WORDS, cum_weights=WEIGHTS, k=num))


def pair(number: int) -> queues.NewItem:
    original = {"instruction": text(20), "output": text(90)}
    return queues.NewItem(f"rec-{number}", original, original | {"output": text(95)})


def slowest(name: str, asked: Callable[[], Any]) -> None:
    seconds = []
    for _ in range(3):
        began = time.perf_counter()
        asked()
        seconds.append(time.perf_counter() - began)
    print(f"{name:28} {1000 * max(seconds):6.0f} ms")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--items", type=int, default=100_000)
    parser.add_argument("--postgres", action="store_true")
    given = parser.parse_args()
    with contextlib.ExitStack() as stack:
        if given.postgres:
            sys.path.insert(0, str(ROOT / "tests"))
            from support.postgres import cluster

            url = stack.enter_context(cluster(fsync=True)) + "/postgres"
        else:
            url = str(Path(stack.enter_context(tempfile.TemporaryDirectory())) / "review.sqlite")
        db = Database.open(url)
        stack.callback(db.close)
        migrate(db)
        items = [pair(number) for number in range(given.items)]
        ann = people.add_person(db, "ann", Role.EXPERT, None)
        began = time.perf_counter()
        queue = queues.add_revise_queue(db, "all", items, overlap=2)
        print(f"{given.items:,} pairs imported in {time.perf_counter() - began:.1f} s")
        for number in range(30):
            found = work.next_work(db, queue.id, ann)
            assert found is not None
            decision = list(Decision)[number % len(Decision)]
            revisions.save(
                db,
                found.item.id,
                ann,
                version=0,
                decision=decision,
                texts=found.item.original,
                reason="",
                seconds=1,
                seconds_open=1,
            )
        searches: dict[str, dict[str, Any]] = {
            "first page": {},
            "page at 90 %": {"offset": given.items * 9 // 10},
            "commonest word": {"text": WORDS[0]},
            "middling word": {"text": WORDS[300]},
            "rare word": {"text": WORDS[15_000]},
            "three common words": {"text": " ".join(WORDS[:3])},
            "an id": {"text": f"rec-{given.items * 7 // 10}"},
            "status open": {"status": "open"},
            "status done": {"status": "done"},
            "flagged": {"flagged": True},
            "decision edit": {"decision": Decision.EDIT},
            "of a person": {"person": "ann"},
            "rare word, still open": {"text": WORDS[15_000], "status": "open"},
        }
        for name, wanted in searches.items():
            arguments = dict(wanted)
            words = arguments.pop("text", "")
            slowest(name, lambda words=words, arguments=arguments: look.search(db, words, **arguments))
        slowest("next pair", lambda: work.next_work(db, queue.id, ann))
        slowest("paces", lambda: lead.paces(db, queue.id))


if __name__ == "__main__":
    main()
