"""The 130 seeds keep the promises of their datasheet, and every choice item has one key that it defends."""

from __future__ import annotations

import re
from collections import Counter
from importlib import resources
from itertools import combinations

import pytest
from rapidfuzz import fuzz

from tunewright.errors import DataError
from tunewright.generate.seeds import load_seeds
from tunewright.generate.validity import normalised
from tunewright.records.record import Record

SEEDS = load_seeds()
CHOICE = [seed for seed in SEEDS if "key" in seed.meta]
SKILLS = ["reading", "listening", "writing", "speaking"]
LEVELS = ["A1", "A2", "B1", "B2", "C1", "C2"]
COLUMNS = {"skill", "level", "task", "mode", "topic"}

# How an explanation names the right option: "B is right", "The key (of the corrected item) is B".
_CALLED_RIGHT = re.compile(
    r"\b([A-D]) is (?:right|the key|the answer)\b|\b(?:key|answer)(?: of the \w+ item)? is ([A-D])\b"
)


def _id(seed: Record) -> str:
    return seed.id


def _options(seed: Record) -> dict[str, str]:
    return {option["letter"]: option["text"] for option in seed.meta["options"]}


def _called_right(explanation: str) -> set[str]:
    return {first or second for first, second in _CALLED_RIGHT.findall(explanation)}


def _datasheet_table(first_heading: str) -> dict[str, dict[str, int]]:
    """The datasheet's table whose first heading is given: row name to column name to count, empty cells 0."""
    lines = (
        resources.files("tunewright.generate.seeds").joinpath("DATASHEET.md").read_text("utf-8").splitlines()
    )
    start = next(number for number, line in enumerate(lines) if line.startswith(f"| {first_heading} |"))
    _, *columns = _cells(lines[start])
    table = {}
    for line in lines[start + 2 :]:
        if not line.startswith("|"):
            break
        name, *counts = _cells(line)
        table[name] = {column: int(count or 0) for column, count in zip(columns, counts, strict=True)}
    return table


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip().strip("|").split("|")]


def test_there_are_130_seeds_with_ids_in_order() -> None:
    assert [seed.id for seed in SEEDS] == [f"elpa-{number:03d}" for number in range(1, 131)]


def test_an_unknown_name_is_an_error_that_lists_the_known_ones() -> None:
    with pytest.raises(DataError, match="no seeds called 'toefl'; choose one of: elpa"):
        load_seeds("toefl")


def test_no_two_seeds_ask_the_same() -> None:
    assert len({(seed.instruction, seed.input) for seed in SEEDS}) == 130
    assert len({seed.output for seed in SEEDS}) == 130
    assert len({seed.explanation for seed in SEEDS}) == 130


def test_no_two_seeds_are_nearly_the_same() -> None:
    texts = [f"{seed.instruction}\n{seed.input}" for seed in SEEDS]
    alike = [
        (SEEDS[a].id, SEEDS[b].id)
        for a, b in combinations(range(len(texts)), 2)
        if fuzz.token_ratio(texts[a], texts[b], score_cutoff=90)
    ]
    assert alike == []


@pytest.mark.parametrize("seed", SEEDS, ids=_id)
def test_no_field_or_column_is_empty(seed: Record) -> None:
    assert all(text.strip() == text != "" for text in (seed.instruction, seed.output, seed.explanation))
    assert seed.meta.keys() >= COLUMNS
    assert all(value for value in seed.meta.values())
    assert seed.meta.keys() <= COLUMNS | {"options", "key", "evidence"}
    assert ("key" in seed.meta) == ("options" in seed.meta)


@pytest.mark.parametrize("seed", SEEDS, ids=_id)
def test_columns_hold_known_values(seed: Record) -> None:
    assert seed.meta["skill"] in SKILLS
    assert seed.meta["level"] in LEVELS
    assert seed.meta["mode"] in ("solve", "author")
    assert re.fullmatch(r"[a-z]+(-[a-z]+)*", seed.meta["task"])
    assert re.fullmatch(r"[a-z]+(-[a-z]+)*", seed.meta["topic"])


@pytest.mark.parametrize("seed", SEEDS, ids=_id)
def test_the_explanation_is_a_real_one_and_stays_outside_the_output(seed: Record) -> None:
    assert len(seed.explanation.split()) >= 40
    assert seed.explanation not in seed.output
    assert "explanation" not in seed.output.lower()


@pytest.mark.parametrize("seed", SEEDS, ids=_id)
def test_evidence_is_a_literal_span_of_the_input(seed: Record) -> None:
    assert seed.meta.get("evidence", "") in seed.input


def test_choice_items_on_a_passage_have_evidence() -> None:
    without = [
        seed.id
        for seed in CHOICE
        if seed.meta["skill"] in ("reading", "listening")
        and len(seed.input.split()) > 40
        and "evidence" not in seed.meta
    ]
    assert without == []


@pytest.mark.parametrize("seed", SEEDS, ids=_id)
def test_listening_tasks_have_a_script(seed: Record) -> None:
    if seed.meta["skill"] == "listening" and seed.meta["mode"] == "solve":
        assert seed.input.startswith("Script:")
    elif seed.meta["skill"] == "listening":
        assert "Script:" in seed.input or "Script:" in seed.output


@pytest.mark.parametrize("seed", CHOICE, ids=_id)
def test_options_are_lettered_in_order_and_distinct(seed: Record) -> None:
    letters = [option["letter"] for option in seed.meta["options"]]
    assert letters == ["A", "B", "C", "D"][: len(letters)]
    assert len(letters) == 4 or (len(letters) == 3 and seed.meta["level"] in ("A1", "A2"))
    assert len({normalised(text) for text in _options(seed).values()}) == len(letters)


@pytest.mark.parametrize("seed", CHOICE, ids=_id)
def test_options_stand_where_the_learner_reads_them(seed: Record) -> None:
    """In the input when the model solves the item, in the output when it writes it."""
    page = seed.input if seed.meta["mode"] == "solve" else seed.output
    for letter, text in _options(seed).items():
        assert f"{letter}) {text}" in page.splitlines()


@pytest.mark.parametrize("seed", CHOICE, ids=_id)
def test_the_output_names_the_key(seed: Record) -> None:
    key = seed.meta["key"]
    if seed.meta["mode"] == "solve":
        assert seed.output == f"{key}) {_options(seed)[key]}"
    else:
        assert [line for line in seed.output.splitlines() if line.startswith("Key:")] == [f"Key: {key}"]


@pytest.mark.parametrize("seed", CHOICE, ids=_id)
def test_the_explanation_defends_the_key_and_no_other_option(seed: Record) -> None:
    assert _called_right(seed.explanation) == {seed.meta["key"]}


@pytest.mark.parametrize("seed", CHOICE, ids=_id)
def test_the_explanation_speaks_of_every_option(seed: Record) -> None:
    for letter in _options(seed):
        assert re.search(rf"\b{letter}\b", seed.explanation), letter


def test_a_second_option_called_right_is_noticed() -> None:
    """The rule above can fail: it reads letters, not only the first sentence."""
    assert _called_right("B is right because … A is wrong. On reflection the answer is C.") == {"B", "C"}


def test_no_letter_holds_the_key_too_often() -> None:
    counts = Counter(seed.meta["key"] for seed in CHOICE)
    assert max(counts.values()) <= 0.4 * len(CHOICE)
    assert set(counts) == {"A", "B", "C", "D"}


def test_the_key_is_seldom_the_longest_option() -> None:
    """35 % at most; expert items lie between 17 and 32 %, and chance is 25 % with four options."""
    longest = 0
    for seed in CHOICE:
        options = _options(seed)
        key = options.pop(seed.meta["key"])
        longest += len(key) > max(len(text) for text in options.values())
    assert longest <= 0.35 * len(CHOICE)


def test_skills_levels_modes_and_tasks_are_spread() -> None:
    skills = Counter(seed.meta["skill"] for seed in SEEDS)
    levels = Counter(seed.meta["level"] for seed in SEEDS)
    modes = Counter(seed.meta["mode"] for seed in SEEDS)
    assert sorted(skills) == sorted(SKILLS)
    assert min(skills.values()) >= 32
    assert sorted(levels) == LEVELS
    assert min(levels.values()) >= 16
    assert 58 <= modes["author"] <= 72
    assert len({seed.meta["task"] for seed in SEEDS}) >= 30


def test_the_datasheet_counts_skills_by_level() -> None:
    counts = Counter((seed.meta["skill"], seed.meta["level"]) for seed in SEEDS)
    expected = {
        skill: {level: counts[skill, level] for level in LEVELS}
        | {"All": sum(counts[skill, level] for level in LEVELS)}
        for skill in SKILLS
    }
    expected["all"] = {column: sum(row[column] for row in expected.values()) for column in [*LEVELS, "All"]}
    assert _datasheet_table("Skill") == expected


def test_the_datasheet_counts_skills_by_mode() -> None:
    counts = Counter((seed.meta["skill"], seed.meta["mode"]) for seed in SEEDS)
    expected = {skill: {mode: counts[skill, mode] for mode in ("solve", "author")} for skill in SKILLS}
    assert _datasheet_table("Skill by mode") == expected


def test_the_datasheet_counts_topics_by_skill() -> None:
    counts = Counter((seed.meta["topic"], seed.meta["skill"]) for seed in SEEDS)
    expected = {
        topic: {skill: counts[topic, skill] for skill in SKILLS}
        | {"All": sum(counts[topic, skill] for skill in SKILLS)}
        for topic in sorted({seed.meta["topic"] for seed in SEEDS})
    }
    assert _datasheet_table("Topic") == expected


def test_the_datasheet_counts_tasks_by_level() -> None:
    counts = Counter((f"{seed.meta['skill']}: {seed.meta['task']}", seed.meta["level"]) for seed in SEEDS)
    names = {name for name, _ in counts}
    expected = {name: {level: counts[name, level] for level in LEVELS} for name in names}
    assert _datasheet_table("Skill: task") == expected


def test_the_datasheet_counts_items_with_options_evidence_and_tasks() -> None:
    text = resources.files("tunewright.generate.seeds").joinpath("DATASHEET.md").read_text("utf-8")
    keys = Counter(seed.meta["key"] for seed in CHOICE)
    assert f"{len(CHOICE)} items have exactly one right option" in text
    assert f"{sum('evidence' in seed.meta for seed in SEEDS)} have `evidence`" in text
    assert f"There are {len({seed.meta['task'] for seed in SEEDS})} task types" in text
    assert f"the key is {', '.join(f'{letter} in {keys[letter]}' for letter in 'ABCD')};" in text
