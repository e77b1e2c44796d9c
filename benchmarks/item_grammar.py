"""What the rule `grammar` finds: its rate per stem, option and explanation, its share of planted faults.

python benchmarks/item_grammar.py DATA [--show]

DATA is the folder with OneStopQA and Belebele (see item_rules.py). Prints the tables of "Grammar" in
docs/item-validity.md. Faults are planted in sentences of OneStopQA's passages, each judged as an explanation;
found means that a fault is reported which the sentence did not have before. Needs the extra `grammar`. Some
twenty CPU-seconds.
"""

from __future__ import annotations

import argparse
import random
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from item_rules import onestop_qa, percent, sets

from tunewright.generate.grammar import faults, grammar, harper_version, has_english
from tunewright.generate.item_view import view_of
from tunewright.generate.items import generate_items
from tunewright.records import Record

NUM_PLANTED = 50
_PLURAL = {"has": "have", "is": "are", "does": "do", "goes": "go"}
_OTHER = {"were": "was", "are": "is", "was": "were", "is": "are"}


@dataclass(frozen=True)
class Slip:
    """A fault to plant: a pattern to find in a sentence and what stands there instead."""

    name: str
    example: str
    pattern: re.Pattern[str]
    change: Callable[[re.Match[str]], str]


def slip(name: str, example: str, pattern: str, change: Callable[[re.Match[str]], str]) -> Slip:
    return Slip(name, example, re.compile(pattern), change)


SLIPS = (
    slip("wrong article", "a apple", r"\b([Aa])(n?) (?=[a-z]{2})", lambda m: f"{m[1]}{'' if m[2] else 'n'} "),
    slip("*their* for *there*", "their is", r"\b([Tt])here (is|are|was|were)\b",
         lambda m: f"{m[1]}heir {m[2]}"),
    slip("double comparison", "more better", r"\b(better|bigger|larger|higher|older|easier)\b",
         lambda m: f"more {m[1]}"),
    slip("pronoun and *be*", "they was", r"\b([Tt]hey|[Ww]e|[Yy]ou|[Hh]e|[Ss]he|[Ii]t) (were|are|was|is)\b",
         lambda m: f"{m[1]} {_OTHER[m[2]]}"),
    slip("doubled word", "the the", r"\b([a-z]{2,})(?= [a-z])", lambda m: f"{m[1]} {m[1]}"),
    slip("third person without -s", "he go", r"\b([Hh]e|[Ss]he|[Ii]t) ((?!was|is\b|always|perhaps)[a-z]+s)\b",
         lambda m: f"{m[1]} {_PLURAL.get(m[2], m[2][:-1])}"),
    slip("*there is* before a plural", "there is trees", r"\b([Tt])here (are|were)\b",
         lambda m: f"{m[1]}here {_OTHER[m[2]]}"),
    slip("-s after a modal verb", "can goes",
         r"\b(can|will|would|could|should|must|may) ((?!have)[a-z]+[^s\W])\b",
         lambda m: f"{m[1]} {m[2]}s"),
    slip("singular after a number", "two book", r"\b(two|three|four|five|many|several|few) ([a-z]+[^s])s\b",
         lambda m: f"{m[1]} {m[2]}"),
    slip("article left out", "it is dog", r"\b(is|was|as) an? ", lambda m: f"{m[1]} "),
)  # fmt: skip


def sentences(records: list[Record]) -> list[str]:
    """Sentences of 5 to 25 words without quotation marks, in one order, each once."""
    passages = {str(record.meta["passage"]) for record in records}
    found = {one.strip() for passage in passages for one in re.split(r"(?<=[.!?]) +", passage)}
    return sorted(one for one in found if 5 <= len(one.split()) <= 25 and not re.search('["“”]', one))


def planted(one: Slip, texts: list[str]) -> tuple[int, int, list[str]]:
    """How many of the planted faults are found, how many were planted, and the sentences that passed."""
    rng = random.Random(one.name)
    fitting = [text for text in texts if one.pattern.search(text)]
    drawn = rng.sample(fitting, min(NUM_PLANTED, len(fitting)))
    missed = []
    for text in drawn:
        match = rng.choice(list(one.pattern.finditer(text)))
        spoilt = text[: match.start()] + one.change(match) + text[match.end() :]
        if len(faults(spoilt)) <= len(faults(text)):
            missed.append(spoilt)
    return len(drawn) - len(missed), len(drawn), missed


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path)
    parser.add_argument("--show", action="store_true", help="print every finding and two misses of each kind")
    arguments = parser.parse_args()
    if harper_version() is None:
        parser.error("harper-py is not installed: pip install 'tunewright[grammar]'")
    print(f"harper-py {harper_version()}\n")
    measured = [(one.name, one.items) for one in sets(arguments.data)]
    measured.append(("item models (ours)", list(generate_items(2000, seed=11))))
    print("| set | items | stems | options of all items | explanations |")
    print("| --- | ---: | ---: | ---: | ---: |")
    for name, items in measured:
        print_rates(name, items, is_shown=arguments.show)
    print("\n| planted | e.g. | found |\n| --- | --- | ---: |")
    texts = sentences(list(onestop_qa(arguments.data / "elpa/onestop_qa/onestop_qa.json")))
    for one in SLIPS:
        found, number, missed = planted(one, texts)
        print(f"| {one.name} | {one.example} | {found} of {number} |")
        if arguments.show:
            print("\n".join(f"    {text}" for text in missed[:2]))


def print_rates(name: str, items: list[Record], *, is_shown: bool) -> None:
    """One row: the share of items, stems, items' options and explanations with a finding."""
    fired = {"item": 0, "stem": 0, "option": 0, "explanation": 0}
    of = dict.fromkeys(fired, 0)
    for record in items:
        view = view_of(record)
        if not has_english(view):
            continue
        found = list(grammar(view))
        has = {"item": True, "stem": view.has_stem and bool(view.stem.strip()), "option": view.is_choice}
        has["explanation"] = bool(record.explanation.strip())
        for part in fired:
            of[part] += has[part]
            fired[part] += bool(found) if part == "item" else any(one.startswith(part) for one in found)
        if is_shown:
            print("\n".join(f"    {one}" for one in found), end="\n" if found else "")
    print(f"| {name} | {' | '.join(percent(fired[part], of[part]) for part in fired)} |")


if __name__ == "__main__":
    main()
