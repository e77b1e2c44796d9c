"""Laws of every detector: its example is found, its near miss is not, and any text leaves it standing."""

from __future__ import annotations

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
