"""How often the signs of `tunewright advise` fire on real data.

python benchmarks/advise.py DATA [--show NAME]

DATA is the folder with `instructions/` (not part of this repository). Prints a table as Markdown: records
with each sign, set by set. With --show prints every firing of one sign, to be read. About 10 CPU-seconds.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

from tunewright.evaluate.advice import signs
from tunewright.rate.check_page import percent
from tunewright.rate.detectors.detector import texts
from tunewright.records import Record, read_records

SETS = ("lima.jsonl", "dolly_3k.json", "seed_tasks.jsonl", "alpaca_5k.json", "t0_mix.jsonl")
SIGNS: dict[str, Callable[[Record], object]] = {
    "secret key": lambda record: any(signs.holds_secret(text) for _, text in texts(record)),
    "asks for harm": signs.asks_for_harm,
    "retrieved or tool text": signs.retrieved_text,
    "mathematics": lambda record: signs.skill(record) == "mathematics",
    "code": lambda record: signs.skill(record) == "code",
    "not English": lambda record: not any(signs.looks_english(text) for _, text in texts(record)),
}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path)
    parser.add_argument("--show", metavar="NAME", choices=SIGNS)
    arguments = parser.parse_args()
    sets = {
        name: list(read_records(arguments.data / "instructions" / name, on_reject=lambda _: None))
        for name in SETS
    }
    if arguments.show:
        show(arguments.show, sets)
        return
    print("| sign | " + " | ".join(f"{name} ({len(records):,})" for name, records in sets.items()) + " |")
    print("| --- |" + " ---: |" * len(sets))
    for sign, finds in SIGNS.items():
        counts = [sum(bool(finds(record)) for record in records) for records in sets.values()]
        cells = [
            f"{count} ({percent(count / len(records))})" if count else "0"
            for count, records in zip(counts, sets.values(), strict=True)
        ]
        print(f"| {sign} | " + " | ".join(cells) + " |")


def show(sign: str, sets: dict[str, list[Record]]) -> None:
    for name, records in sets.items():
        for record in records:
            if found := SIGNS[sign](record):
                print(f"{name} {record.id} {found}: {record.instruction[:160]!r} → {record.output[:120]!r}")


if __name__ == "__main__":
    main()
