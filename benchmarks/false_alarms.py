"""How often each detector fires on data that experts wrote, and what experts' revisions changed.

python benchmarks/false_alarms.py DATA [--write] [--show NAME]

DATA is the folder with `instructions/`, `coachlm/` and `eval/` (not part of this repository). Prints tables
as Markdown, and what is found of defects that are planted; with --write renews
src/tunewright/rate/detectors/false_alarms.json, which `tunewright check` shows. Every firing on the
expert-written sets was read; `JUDGED` holds what was found, and --write asks for a new reading when the
numbers have changed. About 15 CPU-seconds.
"""

from __future__ import annotations

import argparse
import gzip
import json
import math
import random
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import orjson

from tunewright.duplicates import Tokens, near_duplicates
from tunewright.generate.seeds import load_seeds
from tunewright.rate.check import find_all
from tunewright.rate.check_page import percent
from tunewright.rate.check_summary import excerpt
from tunewright.rate.detectors import ALONE, DETECTORS, NEAR_DUPLICATE, CheckSettings, Detector, Finding
from tunewright.rate.detectors.arithmetic import WRONG_ARITHMETIC
from tunewright.rate.detectors.cut import CUT_OUTPUT
from tunewright.rate.detectors.language import WRONG_LANGUAGE, is_enough
from tunewright.rate.summary import wilson
from tunewright.records import Record, read_records

TARGET = Path(__file__).resolve().parents[1] / "src/tunewright/rate/detectors/false_alarms.json"
# All sets are in English, and all but our own seeds were written before 2024: a date past it is misread.
SETTINGS = CheckSettings(language="en", cutoff=date(2024, 1, 1))
READ_ON = "2026-11-20"
# Firings on expert-written data that we read, and how many of them were false. Not read: the other two.
JUDGED: dict[str, tuple[int, int]] = {
    "empty-output": (1, 0),
    "no-input-placeholder": (5, 0),
    "missing-image": (2, 0),
    "missing-web-page": (4, 1),  # a page everybody knows
    "cut-output": (2, 0),
    "repeated-paragraph": (1, 1),  # a note that belongs to two steps
    "repeated-sentence": (1, 1),  # the same note
    "wrong-language": (5, 0),  # Portuguese and German
    "mixed-script": (1, 0),
    "refusal": (5, 0),
    "assistant-self": (16, 1),  # asked for what it cannot answer
    "email-address": (4, 3),  # addresses of offices
    "phone-number": (4, 3),  # numbers of offices, and one that is made up
    "output-equals-prompt": (2, 0),
    "open-code-fence": (2, 0),
    "list-length": (5, 0),
    "not-one-word": (1, 0),
    "sentence-count": (3, 0),
    "word-count": (3, 0),
}
NOT_READ = {"trailing-whitespace", "near-duplicate"}


@dataclass(frozen=True)
class Set:
    """A data set of the measurement; `is_expert`: people who knew what they did wrote the outputs."""

    name: str
    records: list[Record]
    licence: str
    is_expert: bool


def sets(folder: Path) -> Iterator[Set]:
    instructions = folder / "instructions"
    rows = json.loads((folder / "coachlm/expert_revisions.json").read_text(encoding="utf-8"))
    yield Set("alpaca_5k", _read(instructions / "alpaca_5k.json"), "CC BY-NC 4.0", False)
    yield Set("expert_revisions, raw", _side(rows, "Raw"), "NC", False)
    yield Set("expert_revisions, revised", _side(rows, "Revised"), "NC", True)
    yield Set("lima", _read(instructions / "lima.jsonl"), "NC", True)
    yield Set("dolly_3k", _read(instructions / "dolly_3k.json"), "CC BY-SA 3.0", True)
    yield Set("seed_tasks", _read(instructions / "seed_tasks.jsonl"), "Apache-2.0", True)
    yield Set("elpa seeds (ours)", load_seeds(), "Apache-2.0", True)


def _read(path: Path) -> list[Record]:
    return list(read_records(path, on_reject=lambda _: None))


def _side(rows: list[dict[str, str]], side: str) -> list[Record]:
    """One side of every pair, in order, so that both sides can be compared pair by pair."""
    return [
        Record(
            id=str(number),
            instruction=row[f"{side} Instruction"],
            input=row[f"{side} Input"],
            output=row[f"{side} Response"],
        )
        for number, row in enumerate(rows)
    ]


def firings(one: Set) -> dict[str, dict[int, Finding]]:
    """Detector → number of the record → its first finding."""
    found: dict[str, dict[int, Finding]] = {detector.name: {} for detector in DETECTORS}
    for number, record in enumerate(one.records):
        for finding in find_all(record, ALONE, SETTINGS):
            found[finding.detector].setdefault(number, finding)
    prompts = [f"{record.instruction}\n{record.input}" for record in one.records]
    for number, twin in enumerate(near_duplicates(prompts, tokens=Tokens.UNICODE)):
        if twin is not None:
            finding = Finding(NEAR_DUPLICATE.name, NEAR_DUPLICATE.severity, "instruction", 0, 0, "")
            found[NEAR_DUPLICATE.name][number] = finding
    return found


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path)
    parser.add_argument("--write", action="store_true", help="renew false_alarms.json")
    parser.add_argument(
        "--show", metavar="NAME", help="print every firing of a detector on expert-written data"
    )
    arguments = parser.parse_args()
    measured = list(sets(arguments.data))
    start = time.process_time()
    found = {one.name: firings(one) for one in measured}
    seconds = time.process_time() - start
    if arguments.show:
        show(arguments.show, measured, found)
        return
    print(f"{sum(len(one.records) for one in measured):,} records, {seconds:.1f} CPU-seconds\n")
    print_shares(measured, found)
    print_pairs(found["expert_revisions, raw"], found["expert_revisions, revised"], len(measured[1].records))
    print_planted(arguments.data)
    print_languages(arguments.data)
    if arguments.write:
        write([one for one in measured if one.is_expert], found)


def print_shares(measured: list[Set], found: dict[str, dict[str, dict[int, Finding]]]) -> None:
    names = [f"{one.name} ({len(one.records):,})" for one in measured]
    print("| detector | " + " | ".join(names) + " | experts, pooled |")
    print("| --- |" + " ---: |" * (len(names) + 1))
    experts = [one for one in measured if one.is_expert]
    of = sum(len(one.records) for one in experts)
    for detector in DETECTORS:
        counts = [len(found[one.name][detector.name]) for one in measured]
        pooled = sum(len(found[one.name][detector.name]) for one in experts)
        interval = wilson(pooled, of)
        cells = [
            f"{count} ({percent(count / len(one.records))})" if count else "0"
            for count, one in zip(counts, measured, strict=True)
        ]
        shown = f"{percent(pooled / of)} ({percent(interval.low)} to {percent(interval.high)})"
        print(f"| `{detector.name}` | " + " | ".join(cells) + f" | {shown} |")
    print()


def print_pairs(
    raw: dict[str, dict[int, Finding]], revised: dict[str, dict[int, Finding]], num_pairs: int
) -> None:
    """What the experts' revision changed: found on one side only, and the exact McNemar test of the two."""
    print("| detector | raw | revised | gone | new | change in points | p (McNemar, exact) |")
    print("| --- | ---: | ---: | ---: | ---: | ---: | ---: |")
    for detector in DETECTORS:
        before, after = set(raw[detector.name]), set(revised[detector.name])
        if before or after:
            gone, new = len(before - after), len(after - before)
            change = f"{100 * (new - gone) / num_pairs:+.2f}".replace("-", "−")
            p = mcnemar(gone, new)
            shown = f"{p:.2g}" if p >= 1e-4 else "< 0.0001"
            print(
                f"| `{detector.name}` | {len(before)} | {len(after)} | {gone} | {new} | {change} | {shown} |"
            )
    any_raw = set().union(*(set(one) for name, one in raw.items() if name not in NOT_READ))
    any_revised = set().union(*(set(one) for name, one in revised.items() if name not in NOT_READ))
    gone, new = len(any_raw - any_revised), len(any_revised - any_raw)
    print(
        f"\nany but {', '.join(sorted(NOT_READ))}: {len(any_raw)} "
        f"→ {len(any_revised)}, gone {gone}, new {new}, "
        f"p {mcnemar(gone, new):.2g}\n"
    )


def print_planted(folder: Path) -> None:
    """Alarms on the worked sums of GSM8K, and the share that is found of two defects planted by chance."""
    lines = gzip.decompress((folder / "eval/gsm8k/test.jsonl.gz").read_bytes()).splitlines()
    rng = random.Random(0)
    alarms = wrong = found = 0
    for row in map(orjson.loads, lines):
        text = re.sub(r"<<.*?>>", "", row["answer"])
        alarms += _finds(WRONG_ARITHMETIC, row["question"], text)
        results = list(re.finditer(r"= ?\$?(\d+)(?![\d.,])", text))
        if results:
            result = rng.choice(results)
            at = result.start(1) + rng.randrange(len(result[1]))
            changed = str((int(text[at]) + rng.randint(1, 9)) % 10)
            wrong += 1
            found += _finds(WRONG_ARITHMETIC, row["question"], text[:at] + changed + text[at + 1 :])
    print(
        f"wrong-arithmetic fires on {alarms} of {len(lines):,} "
        f"reference solutions of GSM8K, and on {found:,} of"
    )
    print(f"{wrong:,} in which one digit of one result was changed ({found / wrong:.0%})")
    cut = found = 0
    for record in _read(folder / "instructions/dolly_3k.json"):
        spaces = [space.start() for space in re.finditer(" ", record.output)]
        if len(spaces) >= 20:
            cut += 1
            end = rng.choice(spaces[len(spaces) // 2 :])
            found += _finds(CUT_OUTPUT, record.instruction, record.output[:end])
    print(
        f"cut-output fires on {found:,} of {cut:,} outputs cut "
        f"behind a word of their second half ({found / cut:.0%})\n"
    )


def print_languages(folder: Path) -> None:
    """French responses, long enough to tell, with the language set wrongly and rightly."""
    rows = json.loads((folder / "coachlm/french_revisions.json").read_text(encoding="utf-8"))
    texts = [row["Revised Response"] for row in rows if is_enough(row["Revised Response"][:3000])]
    for language in ("en", "fr"):
        settings = CheckSettings(language=language)
        found = sum(
            any(True for _ in WRONG_LANGUAGE.find(Record("r", "Écris.", text), settings)) for text in texts
        )
        print(f"wrong-language, set to {language}: {found:,} of {len(texts):,} French responses")
    print()


def _finds(detector: Detector, instruction: str, output: str) -> bool:
    return any(True for _ in detector.find(Record("r", instruction, output), SETTINGS))


def mcnemar(gone: int, new: int) -> float:
    """The exact two-sided test that a pair's finding is as likely to go as to come; 1 when none differs."""
    total = gone + new
    if total == 0:
        return 1.0
    tail = sum(math.comb(total, k) for k in range(min(gone, new) + 1)) / 2**total
    return min(1.0, 2 * tail)


def show(name: str, measured: list[Set], found: dict[str, dict[str, dict[int, Finding]]]) -> None:
    for one in measured:
        for number, finding in found[one.name][name].items() if one.is_expert else ():
            cut = excerpt(one.records[number], finding)
            print(f"{one.name} {number} | {one.records[number].instruction[:200]!r}")
            print(f"    {cut.field}: {cut.message}: {cut.before!r} [[{cut.marked}]] {cut.after!r}")


def write(experts: list[Set], found: dict[str, dict[str, dict[int, Finding]]]) -> None:
    detectors = {}
    for detector in DETECTORS:
        fired = {one.name: len(found[one.name][detector.name]) for one in experts}
        read, false = JUDGED.get(detector.name, (0, 0))
        if detector.name not in NOT_READ and read != sum(fired.values()):
            print(
                f"{detector.name}: {sum(fired.values())} firings, "
                f"{read} of them read; look at them with --show"
            )
        detectors[detector.name] = {"fired": fired, "read": read, "false": false}
    measurement = {
        "date": READ_ON,
        "settings": "language en, cut-off 2024-01, ROUGE-L above 0.7 within each set",
        "num_records": sum(len(one.records) for one in experts),
        "sets": [{"name": one.name, "records": len(one.records), "licence": one.licence} for one in experts],
        "detectors": detectors,
    }
    TARGET.write_bytes(orjson.dumps(measurement, option=orjson.OPT_INDENT_2) + b"\n")
    print(f"written: {TARGET.name}")


if __name__ == "__main__":
    main()
