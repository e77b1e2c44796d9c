"""Shares and targets: every cell, level and skill gets what it should, within one item."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunewright.errors import DataError, RecipeError
from tunewright.generate.grow.cells import (
    BESIDE_SEEDS,
    Cell,
    Group,
    PlanRow,
    cell_of_meta,
    form_of,
    group_of,
    shares_of_rows,
    shares_of_seeds,
    targets,
)
from tunewright.generate.seeds import load_seeds
from tunewright.records.record import Record


def seed(skill: str = "reading", level: str = "A1", task: str = "notice", **meta: object) -> Record:
    given = {"skill": skill, "level": level, "task": task, "topic": "food"} | meta
    return Record(id="s", instruction="Read.", output="Yes.", meta=given)


def cell(name: str) -> Cell:
    return Cell(Group("reading", "A1", name, "open"), "")


def test_an_item_with_options_is_a_choice_item_unless_an_author_writes_it() -> None:
    options = [{"letter": "A", "text": "a"}, {"letter": "B", "text": "b"}]
    assert form_of(seed(options=options, key="A")) == "choice"
    assert form_of(seed(options=options, key="A", mode="author")) == "author"
    assert form_of(seed(options=options, key=["A", "B"])) == "multiple_response"
    assert form_of(seed()) == "open"
    gapped = replace(seed(), input="Tom (1) ____ tea and (2) ____ milk.", output="1 likes\n2 hates")
    assert form_of(gapped) == "cloze"
    assert form_of(replace(gapped, output="Tom likes tea.")) == "open"


def test_a_seed_that_does_not_say_its_level_is_an_error_that_names_it() -> None:
    with pytest.raises(DataError, match=r"seed s: .* found skill 'reading', level 'easy'.*--domain general"):
        group_of(seed(level="easy"))


def test_shares_are_even_over_skills_then_levels_then_tasks_then_topics() -> None:
    seeds = [
        seed("reading", "A1", "notice", topic="food"),
        seed("reading", "A1", "signs", topic="travel"),
        seed("reading", "B1", "gist"),
        seed("writing", "C1", "essay"),
    ]
    shares = shares_of_seeds(seeds)
    found = {(one.group.skill, one.group.level, one.group.task): share for one, share in shares.items()}
    assert found == {
        ("reading", "A1", "notice"): Fraction(1, 16),  # 1/2 skill · 1/2 level · 1/2 task · 1/2 topic
        ("reading", "A1", "signs"): Fraction(1, 16),
        ("reading", "B1", "gist"): Fraction(1, 8),
        ("writing", "C1", "essay"): Fraction(1, 4),
    }
    assert sum(shares.values()) == 1
    assert len(shares) == 8


def test_a_selection_without_seeds_is_an_error() -> None:
    with pytest.raises(RecipeError, match="no seed has a skill"):
        shares_of_seeds([seed()], skills=["speaking"])


def test_rows_of_a_plan_share_by_weight() -> None:
    rows = [
        PlanRow(skill="reading", tasks=("notice",), levels=("A1", "A2"), topics=("food",), weight=3),
        PlanRow(skill="writing", tasks=("essay",), levels=("C1",)),
    ]
    options = [{"text": "a"}, {"text": "b"}]
    shares = shares_of_rows(rows, [seed(options=options, key="A")])
    assert shares == {
        Cell(Group("reading", "A1", "notice", "choice"), "food"): Fraction(3, 8),
        Cell(Group("reading", "A2", "notice", "choice"), "food"): Fraction(3, 8),
        Cell(Group("writing", "C1", "essay", "open"), "food"): Fraction(1, 4),
    }


def test_weights_count_against_each_other_however_small() -> None:
    rows = [
        PlanRow(skill="reading", tasks=("notice",), levels=("A1",), weight=weight)
        for weight in (3e-300, 1e-300)
    ]
    rows[1] = rows[1].model_copy(update={"skill": "writing"})
    assert list(shares_of_rows(rows, [seed()]).values()) == [Fraction(3, 4), Fraction(1, 4)]
    rows.append(PlanRow(skill="speaking", tasks=("talk",), levels=("B1",), weight=1e300))
    with pytest.raises(RecipeError, match=r"row 1 of the plan \(reading: notice\) has the weight 3e-300"):
        shares_of_rows(rows, [seed()])


def test_a_topic_given_twice_counts_once() -> None:
    shares = shares_of_seeds([seed()], topics=["food", "food"])
    assert list(shares.values()) == [Fraction(1)]


def test_kinds_that_no_seed_is_of_share_a_level_with_those_that_are() -> None:
    beside = [Group("reading", "A1", "choose-two", "multiple_response")]
    shares = shares_of_seeds([seed(), seed(task="signs")], beside=beside)
    assert list(shares.values()) == [Fraction(1, 3)] * 3
    assert shares_of_seeds([seed()], beside=BESIDE_SEEDS, skills=["reading"], levels=["B2"]) == {
        Cell(Group("reading", "B2", "choose-two", "multiple_response"), "food"): Fraction(1)
    }


def test_of_our_seeds_an_eighth_become_cloze_items_and_a_tenth_have_several_keys() -> None:
    """The shares of the default plan, so that a change of them is seen."""
    forms: Counter[str] = Counter()
    for one, share in shares_of_seeds(load_seeds(), beside=BESIDE_SEEDS).items():
        forms[one.group.form] += share
    assert sum(forms.values()) == 1
    assert 0.10 < forms["cloze"] < 0.20
    assert 0.08 < forms["multiple_response"] < 0.16
    assert forms["choice"] > forms["cloze"]


def test_a_row_takes_the_form_of_its_task() -> None:
    rows = [
        PlanRow(skill="reading", tasks=("choose-two",), levels=("B1",), topics=("food",)),
        PlanRow(skill="reading", tasks=("open-cloze",), levels=("B1",), topics=("food",)),
        PlanRow(skill="reading", tasks=("notice",), levels=("B1",), topics=("food",), form="cloze"),
    ]
    found = [one.group.form for one in shares_of_rows(rows, load_seeds())]
    assert found == ["multiple_response", "cloze", "cloze"]


def test_a_plan_without_rows_is_an_error() -> None:
    with pytest.raises(RecipeError, match="the plan has no rows: give it at least one"):
        shares_of_rows([], [seed()])


def test_tasks_for_an_author_are_left_out_unless_asked_for() -> None:
    seeds = [seed(), seed(task="write-notice", mode="author")]
    assert {one.group.task for one in shares_of_seeds(seeds)} == {"notice"}
    assert {one.group.task for one in shares_of_seeds(seeds, author_tasks=True)} == {"notice", "write-notice"}
    with pytest.raises(RecipeError, match=r"every seed is a task for an author .*--author-tasks"):
        shares_of_seeds(seeds[1:])
    row = PlanRow(skill="reading", tasks=("write-notice",), levels=("A1",))
    named = row.model_copy(update={"form": "author"})
    forms = [
        next(iter(shares_of_rows([one], seeds, author_tasks=wanted))).group.form
        for one, wanted in ((row, False), (row, True), (named, False))
    ]
    assert forms == ["open", "author", "author"]


def test_our_seeds_without_author_tasks_still_have_every_skill_at_every_level() -> None:
    groups = {one.group for one in shares_of_seeds(load_seeds())}
    assert {group.form for group in groups} == {"choice", "cloze", "open"}
    assert len({(group.skill, group.level) for group in groups}) == 24
    assert "author" in {one.group.form for one in shares_of_seeds(load_seeds(), author_tasks=True)}


@given(st.lists(st.integers(1, 50), min_size=1, max_size=30), st.integers(1, 400), st.integers(0, 99))
def test_every_cell_and_every_run_of_cells_is_within_one_of_its_ideal(
    weights: list[int], n: int, number: int
) -> None:
    """Cells here sort by name, one to a group, so neighbours in the row are neighbours in name."""
    total = sum(weights)
    shares = {cell(f"{i:03}"): Fraction(weight, total) for i, weight in enumerate(weights)}
    found = targets(shares, n, seed=number)
    assert sum(found.values()) == n
    for begin in range(len(weights)):
        for end in range(begin + 1, len(weights) + 1):
            run = [cell(f"{i:03}") for i in range(begin, end)]
            ideal = sum(shares[one] for one in run) * n
            assert abs(sum(found[one] for one in run) - ideal) < 1


def test_a_small_set_from_our_seeds_is_even_over_skills_and_levels() -> None:
    found = targets(shares_of_seeds(load_seeds()), 60, seed=7)
    skills: Counter[str] = Counter()
    levels: Counter[str] = Counter()
    for one, number in found.items():
        skills[one.group.skill] += number
        levels[one.group.level] += number
    assert set(skills.values()) == {15}
    assert all(8 <= number <= 12 for number in levels.values()), levels


def test_a_grown_record_says_its_cell() -> None:
    meta = {"skill": "reading", "level": "A1", "task": "notice", "topic": "food", "form": "choice"}
    assert cell_of_meta(meta) == Cell(Group("reading", "A1", "notice", "choice"), "food")
    assert cell_of_meta({}) == Cell(Group("", "", "", "general"), "")
