"""How often each item rule fires on items that experts wrote, and whether planted faults are found.

python benchmarks/item_rules.py DATA [--write] [--show RULE] [--seed SEED]

DATA is the folder with `elpa/onestop_qa/onestop_qa.json` and `elpa/belebele_eng.jsonl` (not part of this
repository). Prints the tables of docs/item-validity.md; with --write renews
src/tunewright/generate/item_rates.json. Some ten CPU-seconds. Needs the extra `grammar`: without it the
rule `grammar` looks at nothing. What that rule finds is measured by item_grammar.py.
"""

from __future__ import annotations

import argparse
import json
import random
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import orjson

from tunewright.generate.item_rules import ALL_RULES, RuleHit, judge
from tunewright.generate.item_view import view_of
from tunewright.generate.seeds import load_seeds
from tunewright.generate.set_statistics import SetStatistics, set_statistics
from tunewright.generate.validity import is_substantial
from tunewright.rate.summary import wilson
from tunewright.records import Record

TARGET = Path(__file__).resolve().parents[1] / "src/tunewright/generate/item_rates.json"
NUM_PLANTED = 50
INSTRUCTION = "Read the text and choose the right answer."
# What the method notes say of OneStopQA, in per cent.
NOTES = {
    "equal_options": 0.0,
    "key_longest": 16.7,
    "key_much_longer": 5.3,
    "negative_stem": 2.7,
    "absolute_term": 10.1,
    "all_or_none_of_the_above": 0.4,
}
# The sets have no explanations, so nothing can be said of the rules on them.
ON_EXPLANATIONS = ("empty_explanation", "explanation_defends_key", "explanation_in_output")


@dataclass(frozen=True)
class Set:
    """Items of one source; `is_expert`: written and tested by people outside this project."""

    name: str
    licence: str
    items: list[Record]
    is_expert: bool


def sets(folder: Path) -> list[Set]:
    seeds = [record for record in load_seeds() if record.meta.get("options")]
    return [
        Set("OneStopQA", "CC BY-SA 4.0", list(onestop_qa(folder / "elpa/onestop_qa/onestop_qa.json")), True),
        Set("Belebele", "CC BY-SA 4.0", list(belebele(folder / "elpa/belebele_eng.jsonl")), True),
        Set("seeds (ours)", "Apache-2.0", seeds, False),
    ]


def onestop_qa(file: Path, *, level: str = "Adv") -> Iterator[Record]:
    """Every question with its paragraph at one level. The key, first in the file, is shuffled in. The
    evidence is the span that answers the question: the first pair of word numbers, the last included."""
    for article in json.loads(file.read_text(encoding="utf-8"))["data"]:
        for paragraph in article["paragraphs"]:
            shown = paragraph[level]
            for asked, (first, last, *_) in zip(paragraph["qas"], shown["a_spans"], strict=True):
                evidence = " ".join(shown["context"].split()[first : last + 1])
                yield choice(
                    shown["context"], asked["question"], asked["answers"], 0, evidence=evidence, shuffled=True
                )


def belebele(file: Path) -> Iterator[Record]:
    """Every question in the order of the file, its options as they are."""
    for line in file.read_bytes().splitlines():
        row = orjson.loads(line)
        for asked in row["items"]:
            right = [at for at, one in enumerate(asked["answers"]) if one["correct"]]
            assert len(right) == 1, "one option is marked correct"
            yield choice(row["text"], asked["question"], [one["text"] for one in asked["answers"]], right[0])


def choice(
    passage: str,
    stem: str,
    texts: list[str],
    key: int,
    *,
    evidence: str = "",
    shuffled: bool = False,
    explanation: str = "",
) -> Record:
    """A multiple-choice item as a record. A shuffle keeps its seed, made from the stem, in `meta`."""
    order = list(range(len(texts)))
    seed = f"{stem}\n{texts[key]}"
    if shuffled:
        random.Random(f"options of {seed}").shuffle(order)
    options = [
        {"letter": letter, "text": texts[at], "correct": at == key}
        for letter, at in zip("ABCDEFGH", order, strict=False)
    ]
    letter = "ABCDEFGH"[order.index(key)]
    lines = "\n".join(f"{one['letter']}) {one['text']}" for one in options)
    return Record(
        id=f"{abs(hash_of(passage + seed)):016x}",
        instruction=INSTRUCTION,
        input=f"{passage}\n\n{stem}\n\n{lines}",
        output=f"{letter}) {texts[key]}",
        explanation=explanation,
        meta={"options": options, "key": letter, "passage": passage, "stem": stem, "evidence": evidence}
        | ({"seed": seed} if shuffled else {}),
    )


def hash_of(text: str) -> int:
    return random.Random(text).getrandbits(64)


def hits(record: Record) -> list[RuleHit]:
    return judge(record, skip=() if record.explanation else ON_EXPLANATIONS, rules=ALL_RULES)


def fired(one: Set) -> dict[str, tuple[int, int]]:
    """Rule → number of items it fires on, number of items it looks at."""
    found: dict[str, set[int]] = {rule.name: set() for rule in ALL_RULES}
    looked = dict.fromkeys(found, 0)
    for number, record in enumerate(one.items):
        view = view_of(record)
        for rule in ALL_RULES:
            looked[rule.name] += rule.applies(view) and (
                bool(record.explanation) or rule.name not in ON_EXPLANATIONS
            )
        for hit in hits(record):
            found[hit.rule].add(number)
    return {name: (len(numbers), looked[name]) for name, numbers in found.items()}


# --- planted faults -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Fault:
    """A fault to plant: the rule that must find it, and what makes it out of a sound item."""

    name: str
    rule: str
    plant: Callable[[Record, random.Random], Record]
    fits: Callable[[Record], bool] = lambda _: True  # the items that it can be planted in


def with_options(record: Record, texts: list[str]) -> Record:
    """The item with other option texts, as whoever wrote it would have rendered it."""
    options = [{**old, "text": text} for old, text in zip(record.meta["options"], texts, strict=True)]
    lines = "\n".join(f"{one['letter']}) {one['text']}" for one in options)
    key = next(one for one in options if one["letter"] == record.meta["key"])
    passage, stem = record.meta["passage"], record.meta["stem"]
    return replace(
        record,
        input=f"{passage}\n\n{stem}\n\n{lines}",
        output=f"{key['letter']}) {key['text']}",
        meta={**record.meta, "options": options},
    )


def texts_of(record: Record) -> list[str]:
    return [one["text"] for one in record.meta["options"]]


def wrong_places(record: Record, rng: random.Random) -> list[int]:
    """The places of the wrong options in a drawn order."""
    places = [at for at, one in enumerate(record.meta["options"]) if one["letter"] != record.meta["key"]]
    rng.shuffle(places)
    return places


def key_place(record: Record) -> int:
    return "ABCDEFGH".index(record.meta["key"])


def disguised(text: str, rng: random.Random) -> str:
    """The same option as a careless hand writes it again."""
    change = rng.randrange(4)
    if change == 0:
        return text.upper()
    if change == 1:
        return "  ".join(text.split(" ")) + " "
    if change == 2:
        return text.translate(str.maketrans("'\"’", "’”'")).rstrip(".") + "."
    return text


def _changed(record: Record, **meta: Any) -> Record:
    return replace(record, meta={**record.meta, **meta})


def too_few(record: Record, rng: random.Random) -> Record:
    keep = {record.meta["key"], record.meta["options"][wrong_places(record, rng)[0]]["letter"]}
    return _changed(record, options=[one for one in record.meta["options"] if one["letter"] in keep])


def too_many(record: Record, rng: random.Random) -> Record:
    more = [{"letter": letter, "text": f"another option {letter}", "correct": False} for letter in "EF"]
    return _changed(record, options=[*record.meta["options"], *more])


def equal_wrong(record: Record, rng: random.Random) -> Record:
    texts, (first, second, *_) = texts_of(record), wrong_places(record, rng)
    texts[second] = disguised(texts[first], rng)
    return with_options(record, texts)


def key_twice(record: Record, rng: random.Random) -> Record:
    texts = texts_of(record)
    texts[wrong_places(record, rng)[0]] = disguised(texts[key_place(record)], rng)
    return with_options(record, texts)


def key_nowhere(record: Record, rng: random.Random) -> Record:
    return _changed(record, key=rng.choice("EFGH"))


def two_right(record: Record, rng: random.Random) -> Record:
    also = wrong_places(record, rng)[0]
    options = [
        {**one, "correct": one["correct"] or at == also} for at, one in enumerate(record.meta["options"])
    ]
    return _changed(record, options=options)


def other_answer(record: Record, rng: random.Random) -> Record:
    other = record.meta["options"][wrong_places(record, rng)[0]]
    shapes = (f"{other['letter']}) {other['text']}", f"({other['letter']})", other["letter"], other["text"])
    return replace(record, output=rng.choice(shapes))


def other_letter_defended(record: Record, rng: random.Random) -> Record:
    other = record.meta["options"][wrong_places(record, rng)[0]]["letter"]
    shapes = (
        f"The answer is {other}. The text says so in plain words.",
        f"{other} is right: the text says so.",
        f"The text says so, and therefore the correct option is {other}.",
        f"The key is {other}, because the writer says so.",
        f"The text says so.\nAnswer: {other}",
    )
    return replace(record, explanation=rng.choice(shapes))


def other_text_defended(record: Record, rng: random.Random) -> Record:
    other = texts_of(record)[wrong_places(record, rng)[0]]
    return replace(record, explanation=f"The correct answer is “{other}”, as the text says.")


def no_text(name: str) -> Callable[[Record, random.Random], Record]:
    return lambda record, rng: replace(record, **{name: rng.choice(("", " ", "\n"))})


def no_stem(record: Record, rng: random.Random) -> Record:
    return _changed(record, stem=" ")


def no_option(record: Record, rng: random.Random) -> Record:
    texts = texts_of(record)
    texts[wrong_places(record, rng)[0]] = ""
    return with_options(record, texts)


def no_key(record: Record, rng: random.Random) -> Record:
    unmarked = [{"letter": one["letter"], "text": one["text"]} for one in record.meta["options"]]
    return _changed(record, key="", options=unmarked)


def answer_printed(record: Record, rng: random.Random) -> Record:
    key = texts_of(record)[key_place(record)].rstrip(".")
    shapes = (f"It was {key}. {record.meta['stem']}", f"Bearing in mind “{key}”: {record.meta['stem']}")
    return _changed(record, stem=rng.choice(shapes))


def has_substantial_key(record: Record) -> bool:
    """The rule does not look at keys of short words alone, such as "on": they stand in most sentences."""
    return is_substantial(texts_of(record)[key_place(record)])


def explained_in_output(record: Record, rng: random.Random) -> Record:
    return replace(record, output=f"{record.output}\n{record.explanation}")


def evidence_reworded(record: Record, rng: random.Random) -> Record:
    """A real span with one word left out, doubled or changed. Drawn again where the result is a span too:
    "if any, and a" without its "and" is the beginning of "if any, and"."""
    passage = " ".join(record.meta["passage"].split())
    evidence = passage
    while evidence in passage:
        words = passage.split(" ")
        begin = rng.randrange(max(1, len(words) - 8))
        span = words[begin : begin + 8]
        at = rng.randrange(1, len(span) - 1)
        span[at : at + 1] = rng.choice(([], [span[at], span[at]], ["indeed"]))
        evidence = " ".join(span)
    return _changed(record, evidence=evidence)


FAULTS = (
    Fault("an option left out, two remain", "option_count", too_few),
    Fault("six options", "option_count", too_many),
    Fault("two wrong options equal", "equal_options", equal_wrong),
    Fault("a wrong option repeats the key", "key_is_one_option", key_twice),
    Fault("the key's letter is no option's", "key_is_one_option", key_nowhere),
    Fault("two options marked right", "key_is_one_option", two_right),
    Fault("the output answers another option", "key_is_one_option", other_answer),
    Fault("the explanation defends another letter", "explanation_defends_key", other_letter_defended),
    Fault("the explanation quotes another option", "explanation_defends_key", other_text_defended),
    Fault("empty instruction", "empty_field", no_text("instruction")),
    Fault("empty output", "empty_field", no_text("output")),
    Fault("empty stem", "empty_field", no_stem),
    Fault("empty option", "empty_field", no_option),
    Fault("no key", "empty_field", no_key),
    Fault("empty explanation", "empty_explanation", no_text("explanation")),
    Fault("the output holds the explanation", "explanation_in_output", explained_in_output),
    Fault("the stem prints the answer", "answer_in_stem", answer_printed, has_substantial_key),
    Fault("evidence with one word changed", "evidence_in_passage", evidence_reworded),
)


def sound(items: list[Record]) -> list[Record]:
    """Items without hard faults, with an explanation that defends their key."""
    explained = [
        replace(one, explanation=f"The answer is {one.meta['key']}. The text says so.")
        for one in items
        if not any(hit.is_hard for hit in hits(one))
    ]
    return [one for one in explained if not any(hit.is_hard for hit in judge(one))]


@dataclass(frozen=True)
class Planted:
    """Of `planted` faults `found` by their rule; `extra`: items where a hard rule fires that should not."""

    fault: Fault
    planted: int
    found: int
    extra: int
    missed: list[Record]  # not found, or with an extra firing: to look at


def plant_all(items: list[Record], *, number: int = NUM_PLANTED, seed: int = 0) -> list[Planted]:
    """Every fault planted in `number` sound items, drawn anew for each fault; the same for the same seed."""
    results = []
    for fault in FAULTS:
        rng = random.Random(f"{fault.name} {seed}")
        found, extra, missed = 0, 0, []
        for item in rng.sample([item for item in items if fault.fits(item)], number):
            faulty = fault.plant(item, rng)
            rules = {hit.rule for hit in judge(faulty) if hit.is_hard}
            found += fault.rule in rules
            extra += bool(rules - {fault.rule})
            if rules != {fault.rule}:
                missed.append(faulty)
        results.append(Planted(fault, number, found, extra, missed))
    return results


# --- what is printed ------------------------------------------------------------------------------------


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path)
    parser.add_argument("--write", action="store_true", help="renew item_rates.json")
    parser.add_argument("--seed", type=int, default=0, help="of the planted faults")
    parser.add_argument("--show", metavar="RULE", help="print every firing of a rule on expert items")
    arguments = parser.parse_args()
    measured = sets(arguments.data)
    if arguments.show:
        show(arguments.show, measured)
        return
    counts = {one.name: fired(one) for one in measured}
    print_rates(measured, counts)
    print_sets(measured, arguments.data)
    experts = [item for one in measured if one.is_expert for item in one.items]
    print_planted(experts, seed=arguments.seed)
    if arguments.write:
        write(measured, counts)


def percent(count: int, of: int) -> str:
    """ "16.7 % (13.6 to 20.2)" with the 95 % Wilson interval."""
    if not of:
        return "–"
    interval = wilson(count, of)
    return f"{100 * count / of:.1f} % ({100 * interval.low:.1f} to {100 * interval.high:.1f})"


def print_rates(measured: list[Set], counts: dict[str, dict[str, tuple[int, int]]]) -> None:
    heads = [f"{one.name} ({len(one.items)})" for one in measured]
    print("| rule | severity | " + " | ".join(heads) + " | notes, OneStopQA |")
    print("| --- | --- |" + " ---: |" * (len(heads) + 1))
    for rule in ALL_RULES:
        cells = [percent(*counts[one.name][rule.name]) for one in measured]
        note = f"{NOTES[rule.name]:.1f} %" if rule.name in NOTES else ""
        print(f"| `{rule.name}` | {rule.severity} | " + " | ".join(cells) + f" | {note} |")
    print()


def print_sets(measured: list[Set], folder: Path) -> None:
    print("| set | keys at A, B, C, D | χ² (df) | p | key longest / single longest | chance | χ² | p |")
    print("| --- | --- | ---: | ---: | --- | ---: | ---: | ---: |")
    file = folder / "elpa/onestop_qa/onestop_qa.json"
    unshuffled = []
    for record in onestop_qa(file):
        options = sorted(record.meta["options"], key=lambda one: not one["correct"])
        lettered = [{**one, "letter": letter} for one, letter in zip(options, "ABCD", strict=True)]
        unshuffled.append(_changed(record, options=lettered, key="A"))
    rows = [("OneStopQA, as in its file", unshuffled), *((one.name, one.items) for one in measured)]
    for name, items in rows:
        found = set_statistics(view_of(record) for record in items)
        assert found is not None, "the sets have choice items"
        print_statistics(name, found)
    print()


def print_statistics(name: str, found: SetStatistics) -> None:
    for one in found.by_size:
        places, longest = one.positions, one.longest
        label = f"{name}, {one.num_options} options" if len(found.by_size) > 1 else name
        print(
            f"| {label} | {', '.join(map(str, places.counts))} | {places.statistic:.1f} ({places.freedom}) | "
            f"{_p(places.p)} | {longest.counts[0]} / {sum(longest.counts)} | {1 / one.num_options:.0%} | "
            f"{longest.statistic:.1f} | {_p(longest.p)} |"
        )


def _p(p: float | None) -> str:
    return "–" if p is None else "< 0.001" if p < 0.001 else f"{p:.3f}"


def print_planted(items: list[Record], *, seed: int) -> None:
    print(f"| planted, {NUM_PLANTED} of each | rule | found | other hard rules fire |")
    print("| --- | --- | ---: | ---: |")
    for one in plant_all(sound(items), seed=seed):
        print(f"| {one.fault.name} | `{one.fault.rule}` | {one.found} of {one.planted} | {one.extra} |")
    print()


def show(rule: str, measured: list[Set]) -> None:
    for one in measured:
        for record in one.items:
            for hit in hits(record):
                if hit.rule == rule:
                    texts = re.sub(r"\s+", " ", " / ".join(texts_of(record)))
                    print(f"{one.name} | {record.meta.get('stem', record.id)} | {texts} | {hit.reason}")


def write(measured: list[Set], counts: dict[str, dict[str, tuple[int, int]]]) -> None:
    experts = [one for one in measured if one.is_expert]
    found = {
        "date": date.today().isoformat(),
        "sets": [{"name": one.name, "items": len(one.items), "licence": one.licence} for one in experts],
        "rules": {
            rule.name: {one.name: counts[one.name][rule.name] for one in experts} for rule in ALL_RULES
        },
    }
    TARGET.write_bytes(orjson.dumps(found, option=orjson.OPT_INDENT_2) + b"\n")
    print(f"written: {TARGET.name}")


if __name__ == "__main__":
    main()
