"""70,000 candidates through the whole gate without a model: time and memory; and what each rule keeps.

python benchmarks/gate_70k.py [--candidates 70000] [--templated 3298] [--seed 7]

Candidates are items of our item models, given as a model would give them: one in ten comes again, one in ten
has a word more, some have a fault, and most have a paragraph of their own. All steps are on. The second table
puts the published rule (instructions, ROUGE-L F1 > .7, all kinds in one heap) beside the gate's, on items
without faults, which are all different by construction. One thread; CPU seconds of the gate alone.
"""

from __future__ import annotations

import argparse
import os
import random
import resource
import time
from collections import Counter
from collections.abc import Iterator

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[_name] = "1"  # before numpy is imported

from tunewright.duplicates import near_duplicates  # noqa: E402
from tunewright.generate.grow.ask import Decoding  # noqa: E402
from tunewright.generate.grow.candidate import Candidate, Provenance, candidate_of  # noqa: E402
from tunewright.generate.grow.cells import Cell, Group  # noqa: E402
from tunewright.generate.grow.gate import Gate, GateSettings  # noqa: E402
from tunewright.generate.grow.tuples import ChoiceTuple, OpenTuple, WrongOption  # noqa: E402
from tunewright.generate.items import generate_items  # noqa: E402
from tunewright.generate.seeds import load_seeds  # noqa: E402
from tunewright.records.record import Record  # noqa: E402

PARAGRAPH_WORDS = 60
RECENT = 1000  # items that may come again
WHERE = Provenance((), (), "", "none", "", Decoding(0.8, 0.95, 4096), "", 0, "")
WORDS = ("really", "quite", "often", "today", "perhaps", "again", "soon", "there", "together", "outside")


def given(record: Record) -> ChoiceTuple | OpenTuple:
    """An item model's record as a model's tuple."""
    meta = record.meta
    if meta["options"]:
        wrong = [
            WrongOption(text=one["text"], mistake=one["misconception"])
            for one in meta["options"]
            if not one["correct"]
        ]
        return ChoiceTuple(
            topic=meta["topic"],
            instruction=record.instruction,
            passage=meta["passage"],
            question=meta["stem"],
            answer=meta["answer"],
            wrong_options=wrong,
            explanation=meta["why"],
            evidence=meta["evidence"],
        )
    return OpenTuple(
        topic=meta["topic"],
        instruction=record.instruction,
        input=record.input,
        output=record.output,
        explanation=meta["why"],
        evidence=meta["evidence"],
    )


def cell_of(record: Record, one: ChoiceTuple | OpenTuple) -> Cell:
    meta = record.meta
    form = "choice" if isinstance(one, ChoiceTuple) else "open"
    return Cell(Group(meta["skill"], meta["level"], meta["task"], form), meta["topic"])


def perturbed(one: ChoiceTuple | OpenTuple, rng: random.Random) -> ChoiceTuple | OpenTuple:
    """One in ten with a few words more, one in ten with a fault, the rest as it is."""
    name = "question" if isinstance(one, ChoiceTuple) else "input"
    dice = rng.random()
    if dice < 0.1:
        words = getattr(one, name).split(" ")
        words.insert(rng.randrange(len(words) + 1), rng.choice(WORDS))
        return one.model_copy(update={name: " ".join(words)})
    if dice < 0.15:
        return one.model_copy(update={"evidence": "Words that are not in it at all."})
    if dice < 0.2 and isinstance(one, ChoiceTuple) and len(one.wrong_options) > 1:
        return one.model_copy(update={"wrong_options": [one.wrong_options[0]] * len(one.wrong_options)})
    return one


def with_own_text(
    one: ChoiceTuple | OpenTuple, words: list[str], rng: random.Random
) -> ChoiceTuple | OpenTuple:
    """Four in five get a paragraph of their own, so that most are no near-duplicates, as a model's are not:
    item models give few different ones of a kind, and a gate that keeps few has little to compare with."""
    if rng.random() >= 0.8:
        return one
    begin = rng.randrange(len(words) - PARAGRAPH_WORDS)
    text = words[begin : begin + PARAGRAPH_WORDS]
    rng.shuffle(text)
    name = "passage" if isinstance(one, ChoiceTuple) else "input"
    return one.model_copy(update={name: f"{' '.join(text)}.\n{getattr(one, name)}".strip()})


def candidates(num: int, *, seed: int) -> Iterator[tuple[ChoiceTuple | OpenTuple, Candidate]]:
    """Nine in ten from new items, one in ten a perturbed repetition of one of the last thousand."""
    rng = random.Random(seed)
    recent: list[Record] = []
    source = generate_items(num, seed=seed)
    words: dict[str, list[str]] = {}
    for one_seed in load_seeds():
        words.setdefault(one_seed.meta["level"], []).extend(one_seed.input.split())
    for _ in range(num):
        if recent and rng.random() < 0.1:
            record = rng.choice(recent)
        else:
            record = next(source)
            if len(recent) < RECENT:
                recent.append(record)
            else:
                recent[rng.randrange(RECENT)] = record
        one = perturbed(with_own_text(given(record), words[record.meta["level"]], rng), rng)
        yield one, candidate_of(one, cell_of(record, one), WHERE, seed=seed)


def measure_gate(num: int, *, seed: int) -> None:
    begin = time.perf_counter()
    tried = list(candidates(num, seed=seed))
    print(f"made {len(tried):,} candidates in {time.perf_counter() - begin:.0f} s, {peak_mib():,.0f} MiB")
    seeds = [f"{one.input or one.instruction}\n{one.output}" for one in load_seeds()]
    gate = Gate(GateSettings(), seeds=seeds)
    reasons: Counter[str] = Counter()
    begin, begin_cpu = time.perf_counter(), time.process_time()
    for one, candidate in tried:
        refused = gate.judge(candidate, one)
        reasons["accepted" if refused is None else f"{refused.step}: {refused.reason}"] += 1
    seconds, cpu = time.perf_counter() - begin, time.process_time() - begin_cpu
    for reason, number in reasons.most_common():
        print(f"{number:>9,}  {reason}")
    assert reasons.total() == num
    print(f"gate: {cpu:.1f} CPU s ({seconds:.1f} s passed), {1000 * cpu / num:.2f} ms each")
    print(f"peak memory: {peak_mib():,.0f} MiB, the candidates among it")


def compare_rules(num: int, *, seed: int) -> None:
    records = list(generate_items(num, seed=seed))
    texts = [record.instruction for record in records]
    whole = [f"{record.instruction} {record.input}" for record in records]
    print(f"\nof {num:,} different items are kept:")
    for name, words in (("instruction", texts), ("instruction and input", whole)):
        for threshold in (0.7, 0.8, 0.9, 0.95):
            kept = sum(found is None for found in near_duplicates(words, threshold=threshold))
            print(f"{kept:>9,}  the published rule, {name}, {threshold:g}")
    tried = [given(record) for record in records]
    for threshold in (0.7, 0.8, 0.9, 0.95):
        gate = Gate(GateSettings(near_duplicate=threshold, refuse_level="none"))
        kept = 0
        for record, one in zip(records, tried, strict=True):
            candidate = candidate_of(one, cell_of(record, one), WHERE, seed=seed)
            refused = gate.judge(candidate, one)
            assert refused is None or refused.step == "near-duplicate", refused
            kept += refused is None
        print(f"{kept:>9,}  the gate: per cell, what is asked and the whole, {threshold:g}")


def peak_mib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--candidates", type=int, default=70_000)
    parser.add_argument("--templated", type=int, default=3298)
    parser.add_argument("--seed", type=int, default=7)
    arguments = parser.parse_args()
    measure_gate(arguments.candidates, seed=arguments.seed)
    if arguments.templated:
        compare_rules(arguments.templated, seed=arguments.seed)


if __name__ == "__main__":
    main()
