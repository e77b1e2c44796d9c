"""What the rules say of the published revisions, and of faults planted in them, is in `measured.json`.

Experts made the 2,301 revisions, so a rule that speaks there may well err. Renew the file, and look at the
difference, with `PYTHONPATH=src python tests/coach/after/test_measured.py`.
"""

import json
import random
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

import tunewright.coach.after
from tunewright.coach.after import AfterConfig, flags, invalid
from tunewright.coach.after.invalid import look
from tunewright.coach.after.problem import RULES
from tunewright.coach.revision import changed_fields
from tunewright.records.record import Record

DATA = Path(__file__).resolve().parents[3].parent / "shared" / "data" / "coachlm"
MEASURED = Path(tunewright.coach.after.__file__).with_name("measured.json")
SETS = {"expert_revisions": "en", "french_revisions": "fr"}
NUM_PLANTED = 60  # of each kind
SEED = 11
ENGLISH = AfterConfig(language="en")

Pair = tuple[Record, Record]
Plant = Callable[[Record, Record, random.Random], Record | None]

FOREIGN = (
    "这个问题的答案取决于许多不同的因素,我们需要仔细考虑每一个方面,然后再作出最后的决定。",
    "Ответ на этот вопрос зависит от многих причин, и каждую из них нужно рассмотреть отдельно.",
    "تعتمد الإجابة عن هذا السؤال على عوامل كثيرة ينبغي النظر في كل واحد منها على حدة قبل القرار.",
    "इस प्रश्न का उत्तर कई बातों पर निर्भर करता है और हर बात पर अलग से विचार करना चाहिए।",
    "この質問への答えは多くの要因によって変わるため、それぞれを丁寧に考える必要があります。",
    "이 질문의 답은 여러 요인에 따라 달라지므로 하나씩 자세히 살펴보아야 합니다.",
)
# Instruction, an output that keeps what it asks, and what breaks it.
ASKED = (
    ("List five {} a beginner should know.", "1. a\n2. b\n3. c\n4. d\n5. e", "1. a\n2. b\n3. c"),
    (
        "Describe {} in two sentences.",
        "They are useful tools. Many people own them at home.",
        "They are useful tools. Many people own them. Some cost little. Others are old. All of them last.",
    ),
    ("Describe {} in one word.", "Useful", "They are useful, sturdy and cheap things to have."),
    (
        "Give the price and colour of {} in JSON format.",
        '{"price": 3, "colour": "red"}',
        "price 3, colour red",
    ),
    (
        "Describe {} in no more than 12 words.",
        "Things that people keep at home and use often.",
        "Things that people keep at home and use often, because they are cheap, sturdy and easy to repair.",
    ),
    (
        "Translate the sentence 'I sell {} at the market' into French.",
        "Je vends cela au marché.",
        "I sell them at the market, and I am there on each day of the week.",
    ),
    (
        "Translate the sentence 'I sell {} at the market' into Japanese.",
        "私はそれを市場で売っています。",
        "Watashi sell them at the market.",
    ),
    ("Write a sentence about {} using the word 'harbour'.", "We saw them at the harbour.", "We saw them."),
    (
        "Write a story about {} that starts with the phrase 'Long ago'.",
        "Long ago a man made some.",
        "A man once made some of them for his sister.",
    ),
    ("Compare two kinds of {} in a table.", "| a | b |\n|---|---|\n| 1 | 2 |", "The one is better."),
    ("Write a line about {} in all caps.", "THEY ARE GOOD.", "They are good."),
    ("Say what {} are for without using the letter 'q'.", "They help us.", "They help us quickly."),
)
THINGS = ("hammers", "kettles", "ropes", "lamps", "boots", "knives")


def _pairs(name: str) -> list[Pair]:
    rows = json.loads((DATA / f"{name}.json").read_text())
    return [
        tuple(
            Record(
                id=str(number),
                instruction=row[f"{side} Instruction"],
                input=row[f"{side} Input"],
                output=row[f"{side} Response"],
            )
            for side in ("Raw", "Revised")
        )
        for number, row in enumerate(rows)
    ]


def _without_a_field(original: Record, revised: Record, rng: random.Random) -> Record | None:
    field = rng.choice(["output", "output", "input", "instruction"])
    if field == "output":
        return replace(revised, output=rng.choice(["", " ", "\n\n"]))
    if field == "instruction":
        return replace(revised, instruction="  ") if len(revised.instruction.split()) > 3 else None
    says_something = len(original.input.split()) >= 8 and original.input[:40] not in revised.instruction
    return replace(revised, input="") if says_something and revised.input else None


def _in_another_script(original: Record, revised: Record, rng: random.Random) -> Record | None:
    if len(revised.output) > 250 or not original.instruction.isascii() or "anslat" in original.instruction:
        return None
    foreign = rng.choice(FOREIGN)
    return replace(revised, output=rng.choice([foreign, f"{revised.output} {foreign} {foreign[:30]}"]))


def _in_circles(original: Record, revised: Record, rng: random.Random) -> Record | None:
    words = revised.output.split()
    if len(words) < 20 or not revised.output.isascii() or any(c in revised.output for c in "`{};<\t"):
        return None
    if any(
        word in original.instruction.lower() for word in ("song", "poem", "script", "dialog", "joke", "lyric")
    ):
        return None
    at = rng.randrange(len(words) - 12)
    tail = " ".join(words[at : at + rng.choice([3, 5, 12])])
    if not any(word.isalpha() and len(word) > 1 for word in tail.split()) or any(c.isdigit() for c in tail):
        return None
    mark = rng.choice([" ", "\n", ". "])
    return replace(revised, output=revised.output + mark + mark.join([tail] * 20))


def _rambling(original: Record, revised: Record, rng: random.Random) -> Record | None:
    if len(original.output) > 500:
        return None
    words = sorted(set(revised.output.split()) | set(original.instruction.split()))
    text = " ".join(rng.choice(words) for _ in range(1200))
    return replace(revised, output=f"{revised.output} {text}")


def _other_data(original: Record, revised: Record, rng: random.Random) -> Record | None:
    words = original.input.split()
    if len(words) < 8 or not revised.input.strip():
        return None
    fault = rng.choice(["numbers", "cut", "replaced"])
    if fault == "numbers":
        digits = sum(1 for word in words if any(map(str.isdigit, word)))
        changed = "".join(str(rng.randrange(10)) if c.isdigit() else c for c in revised.input)
        return replace(revised, input=changed) if digits >= 4 and changed != revised.input else None
    if fault == "cut":
        return replace(revised, input=" ".join(words[: len(words) // 3])) if len(words) >= 24 else None
    other = " ".join(rng.choice(["river", "copper", "violin", "harvest", "tunnel", "the"]) for _ in words)
    return replace(revised, input=other)


PLANTS: dict[str, Plant] = {
    "empty_field": _without_a_field,
    "foreign_script": _in_another_script,
    "repetition": _in_circles,
    "over_long": _rambling,
    "changed_task_data": _other_data,
}


def _planted(rule: str, pairs: list[Pair]) -> Iterator[Pair]:
    """60 revisions with this fault, from the experts' own; constraints are asked for by made-up tasks."""
    if rule == "dropped_constraint":
        for number in range(NUM_PLANTED):
            asked, good, bad = ASKED[number % len(ASKED)]
            told = asked.format(THINGS[number // len(ASKED) % len(THINGS)])
            original = Record(id=str(number), instruction=told, output=good)
            yield original, replace(original, output=bad)
        return
    rng = random.Random(f"{SEED} {rule}")
    found = 0
    while found < NUM_PLANTED:
        original, revised = rng.choice(pairs)
        faulty = PLANTS[rule](original, revised, rng)
        if faulty is not None and original.output.strip():
            found += 1
            yield original, faulty


def measure() -> dict[str, dict[str, dict[str, int]]]:
    """Counts per rule: spoken of the revisions in both languages, and found of the faults planted."""
    spoken = {}
    for name, language in SETS.items():
        config = AfterConfig(language=language)
        pairs = _pairs(name)
        spoken[name] = {"revisions": len(pairs)} | {
            rule: sum(1 for pair in pairs if look(rule, *pair, changed_fields(*pair), config) is not None)
            for rule in RULES
        }
    pairs = _pairs("expert_revisions")
    planted = {
        rule: {
            "planted": NUM_PLANTED,
            "found": sum(
                1 for pair in _planted(rule, pairs) if look(rule, *pair, changed_fields(*pair), ENGLISH)
            ),
            "fallen_back": sum(1 for pair in _planted(rule, pairs) if invalid(*pair, ENGLISH)),
        }
        for rule in RULES
    }
    marked = Counter(flag.kind for pair in pairs for flag in flags(*pair))
    return {"spoken": spoken, "planted": planted, "flags": {"expert_revisions": dict(sorted(marked.items()))}}


needs_data = pytest.mark.skipif(not DATA.exists(), reason="the published revisions are not here")


@needs_data
def test_the_kept_measurement_is_what_is_measured() -> None:
    assert measure() == json.loads(MEASURED.read_text())


def test_hardly_an_expert_revision_falls_and_nearly_every_planted_fault_does() -> None:
    kept = json.loads(MEASURED.read_text())
    for counts in kept["spoken"].values():
        assert all(counts[rule] <= 0.005 * counts["revisions"] for rule in RULES)
    for rule in RULES:
        assert kept["planted"][rule]["found"] >= 0.9 * kept["planted"][rule]["planted"]


@needs_data
def test_the_eight_records_with_numbers_changed_in_the_input_are_flagged() -> None:
    pairs = _pairs("expert_revisions")
    marked = [pair[0].id for pair in pairs if any(flag.kind == "input_number" for flag in flags(*pair))]
    assert marked == ["549", "1007", "1243", "1250", "1843", "1931", "2064", "2204"]


@needs_data
def test_inputs_that_experts_removed_or_added_do_not_make_a_revision_invalid() -> None:
    pairs = _pairs("expert_revisions")
    moved = [pair for pair in pairs if bool(pair[0].input.strip()) != bool(pair[1].input.strip())]
    assert len(moved) == 44 + 20
    assert [pair[0].id for pair in moved if invalid(*pair, ENGLISH)] == []


if __name__ == "__main__":
    MEASURED.write_text(json.dumps(measure(), indent=2) + "\n")
