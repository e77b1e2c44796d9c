"""Laws of every detector: its example is found, its near miss is not, and any text leaves it standing."""

from __future__ import annotations

import time
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tunewright.generate.items import generate_items
from tunewright.generate.seeds import load_seeds
from tunewright.rate.check import find_all
from tunewright.rate.detectors import ALONE, DETECTORS, NEAR_DUPLICATE, CheckSettings, Detector
from tunewright.rate.detectors.detector import texts
from tunewright.rate.detectors.language import MIXED_SCRIPT
from tunewright.rate.detectors_page import detectors_page
from tunewright.rate.false_alarms import expected_alarms, measurement
from tunewright.records import Record, Turn

EVERYTHING_ON = CheckSettings(language="en", cutoff=date(2023, 1, 1))
by_name = pytest.mark.parametrize("detector", ALONE, ids=lambda detector: detector.name)


@by_name
def test_a_detectors_example_is_found(detector: Detector) -> None:
    assert list(detector.find(detector.example, detector.settings))


@by_name
def test_a_detectors_near_miss_is_not_found(detector: Detector) -> None:
    assert list(detector.find(detector.counter_example, detector.settings)) == []


@by_name
def test_near_misses_are_near_misses_of_nothing_else_that_is_an_error(detector: Detector) -> None:
    """Else the definition would show a defect as sound."""
    found = [one.detector for one in find_all(detector.counter_example, ALONE, EVERYTHING_ON)]
    allowed = {
        "trailing-whitespace",
        "wrong-language",
        "email-address",
        "phone-number",
        "iban",
        "card-number",
    }
    assert set(found) <= allowed, found


def test_names_are_unique_kebab_case_and_measured() -> None:
    names = [detector.name for detector in DETECTORS]
    assert len(set(names)) == len(names)
    assert all(name.replace("-", "").isalpha() and name == name.lower() for name in names)
    assert set(expected_alarms()) == set(names), "run benchmarks/false_alarms.py --write"


def test_every_meaning_is_one_sentence() -> None:
    for detector in DETECTORS:
        assert detector.meaning.endswith(".")
        assert 20 <= len(detector.meaning) <= 160, detector.name


def test_measured_alarms_were_read_but_for_two_detectors() -> None:
    """A firing on expert data says little until someone has looked whether it is right."""
    unread = {name for name, alarms in expected_alarms().items() if alarms.num_read != alarms.fired}
    assert unread == {"trailing-whitespace", "near-duplicate"}
    assert sum(row["records"] for row in measurement()["sets"]) == measurement()["num_records"]


def test_alarms_on_expert_data_stay_below_one_in_three_hundred() -> None:
    for name, alarms in expected_alarms().items():
        if name not in ("trailing-whitespace", "near-duplicate"):
            assert alarms.share < 1 / 300, name
            assert alarms.interval.low <= alarms.share <= alarms.interval.high


def test_the_hand_written_seeds_raise_no_alarm() -> None:
    """Cloze gaps, options, errors to be corrected: all by design."""
    for record in load_seeds():
        assert find_all(record, ALONE, EVERYTHING_ON) == [], record.id


def test_generated_items_raise_no_alarm() -> None:
    for record in generate_items(300, seed=5):
        assert find_all(record, ALONE, EVERYTHING_ON) == [], record


def test_the_near_duplicate_detector_finds_nothing_in_a_record_alone() -> None:
    assert list(NEAR_DUPLICATE.find(NEAR_DUPLICATE.example, CheckSettings())) == []


# Pieces that detectors look for, so that random texts reach their inner branches.
PIECES = st.sampled_from(
    [
        "```",
        "\n\n",
        "- a\n",
        "1. b\n",
        "12 * 7 = 85",
        "20% of 5 is 2",
        "10 / 4 = 2. ",
        "5 kg + 6 kg = 12 kg",
        "3 plus 4 equals 8",
        "I can't help with that.",
        "exactly 5 words about",
        "a, b, c",
        "The answer is yes",
        "=",
        "≈ 3",
        "(",
        ")",
        "+44 20 7946 3381",
        "a@b.de",
        "the following text",
        "this image",
        "in one word",
        "three sentences",
        "JSON format",
        "list five things",
        "in May 2024",
        "<nooutput>",
        "Instruction: x\nOutput: y",
        "Ã©",
        "â€™",
        "\ufffd",
        "\x00",
        "\x85",
        "I'm sorry, but I cannot provide",
        "as an AI language model",
        "花",
        "р",
        "p",
        "İ",
        "ß",
        "GB82 WEST 1234 5698 7654 32",
        "4539 1488 0343 6467",
        "93.184.216.34",
        "very very very very very very very",
        "no more than 5 words",
        "Answer: yes",
        "https://x.org/a.png",
        " ",
        ". ",
        "١٢ = ٣",
        "²",
    ]
)
TEXTS = st.one_of(
    st.text(max_size=60),
    st.lists(PIECES, max_size=12).map("".join),
    st.lists(PIECES, max_size=9).map(" ".join),
)
RECORDS = st.builds(
    Record,
    id=st.just("r"),
    instruction=TEXTS,
    input=TEXTS,
    output=TEXTS,
    explanation=TEXTS,
    system=TEXTS,
    history=st.lists(st.builds(Turn, st.sampled_from(["user", "assistant"]), TEXTS), max_size=2).map(tuple),
)


@settings(max_examples=300, deadline=None)
@given(RECORDS)
def test_any_record_is_checked_and_every_finding_lies_within_its_field(record: Record) -> None:
    fields = dict(texts(record))
    for finding in find_all(record, ALONE, CheckSettings(cutoff=date(2023, 1, 1))):
        assert 0 <= finding.start <= finding.end <= len(fields.get(finding.field, "")), finding
        assert finding.message


# IGNORECASE takes these for k, s, i and i; \\d takes the digits. What reads the match must know them too.
LOOK_ALIKES = str.maketrans(
    {"k": "\u212a", "s": "ſ", "i": "ı", "I": "İ", "S": "ſ", "1": "١", "2": "²", "5": "५"}
)
TRIGGERS = sorted(
    {text for one in DETECTORS for _, text in (*texts(one.example), *texts(one.counter_example))}
    | {
        "List ſix rivers.",
        "They won in ſep 2024.",
        "In a ſingle sentence.",
        "Use at least fıve words.",
        "Write two to sıx sentences.",
        "Version ١.٢: 20% of ५0 is ١0.",
        "Name 3 fıſh in JSON.",
    }
)


@st.composite
def near_triggers(draw: st.DrawFn) -> str:
    """What a detector looks for, with some of its letters replaced."""
    text = " ".join(draw(st.lists(st.sampled_from(TRIGGERS), min_size=1, max_size=2)))
    every, first = draw(st.integers(1, 7)), draw(st.integers(0, 6))
    return "".join(
        c.translate(LOOK_ALIKES) if at % every == first % every else c for at, c in enumerate(text)
    )


@settings(max_examples=400, deadline=None)
@given(near_triggers(), near_triggers(), near_triggers())
def test_letters_that_look_alike_stop_no_detector(one: str, two: str, three: str) -> None:
    record = Record("r", one, two, three)
    fields = dict(texts(record))
    for finding in find_all(record, ALONE, CheckSettings(cutoff=date(2023, 1, 1))):
        assert 0 <= finding.start <= finding.end <= len(fields[finding.field]), finding


@pytest.mark.parametrize(
    ("instruction", "output"),
    [
        ("List ſix rivers.", "- Loire\n- Rhône"),
        ("Who won?", "They won in ſep 2024."),
        ("Say it in a ſingle sentence.", "It waits. It strikes."),
    ],
)
def test_a_word_that_only_looks_like_a_number_or_a_month_is_none(instruction: str, output: str) -> None:
    assert find_all(Record("r", instruction, output), ALONE, CheckSettings(cutoff=date(2023, 1, 1))) == []


@pytest.mark.parametrize("letters", ["a" * 20_000 + " б", "б" * 20_000 + " a"])
def test_a_long_word_of_one_script_takes_no_time(letters: str) -> None:
    begin = time.perf_counter()
    assert list(MIXED_SCRIPT.find(Record("r", "Say it.", letters), CheckSettings())) == []
    assert time.perf_counter() - begin < 0.1


BAD_INPUTS = [
    "a",
    " ",
    "\n",
    "1",
    "(",
    "http://",
    "1=",
    "1 + ",
    "```\n",
    "a@",
    "1.",
    "â€",
    "- a\n",
    "20% of ",
    "5 kg + ",
    "10 / 4 = 2. ",
    "3 plus ",
    "exactly 5 words",
    "the answer is ",
    "a, ",
    "in this ",
    "Aа",
    "{",
    "2^9",
]


@pytest.mark.parametrize("piece", BAD_INPUTS)
def test_hostile_texts_cost_time_in_proportion_to_their_length(piece: str) -> None:
    """Quadratic work on 200,000 characters would take minutes here, not seconds."""
    text = piece * (200_000 // len(piece))
    for record in (
        Record("r", text, "fine"),
        Record("r", "Give JSON.", text),
        Record("r", "Sum up.", "fine", text),
    ):
        find_all(record, ALONE, CheckSettings())


def test_the_reference_page_is_what_the_definitions_say() -> None:
    page = Path(__file__).resolve().parents[3] / "docs/reference/detectors.md"
    assert page.read_text(encoding="utf-8") == detectors_page(), "run make docs"
