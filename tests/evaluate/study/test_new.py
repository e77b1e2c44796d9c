"""A new study: blind, balanced, reproducible with its secret, and refused where it cannot be right."""

from __future__ import annotations

import json
import stat
from collections import Counter
from pathlib import Path

import pytest

from support.studies import SYSTEMS, key_of, materials, study
from tunewright.errors import DataError, RecipeError, RunFolderError
from tunewright.evaluate.study.folder import StudyFolder
from tunewright.evaluate.study.materials import Materials, named_systems, read_materials
from tunewright.evaluate.study.new import new_study, power_words, shown_counts
from tunewright.evaluate.study.questions import load_questions


def test_no_file_for_raters_names_a_system_or_a_kind(tmp_path: Path) -> None:
    for pairwise in (False, True):
        folder = study(tmp_path / str(pairwise), pairwise=pairwise, num_gold=2, repeat=0.1)
        text = "".join(file.read_text("utf-8") for file in folder.for_raters.rglob("*") if file.is_file())
        assert "Write item 3." in text
        for word in (*SYSTEMS, '"gold"', '"repeat"', "expected"):
            assert word not in text, word
        design = (folder.path / "study.json").read_text("utf-8")
        assert not [name for name in SYSTEMS if name in design]


def test_the_key_is_readable_by_its_owner_only(tmp_path: Path) -> None:
    folder = study(tmp_path / "s")
    assert stat.S_IMODE(folder.key_path.stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.key_path.parent.stat().st_mode) == 0o700


def test_every_main_item_is_rated_by_exactly_the_overlap(tmp_path: Path) -> None:
    for pairwise in (False, True):
        folder = study(tmp_path / str(pairwise), pairwise=pairwise, num_gold=1, repeat=0.1)
        key = key_of(folder)
        counts = shown_counts(folder)
        assert {counts[item] for item in key if key[item]["kind"] == "main"} == {2}
        assert {counts[item] for item in key if key[item]["kind"] == "gold"} == {3}
        assert {counts[item] for item in key if key[item]["kind"] == "repeat"} == {1}


def test_each_rater_sees_every_system_equally_often(tmp_path: Path) -> None:
    folder = study(tmp_path / "s", num_prompts=12)
    key = key_of(folder)
    for rows in folder.assignments.values():
        seen = Counter(system for row in rows for system in key[row["item"]]["answers"].values())
        assert set(seen.values()) == {8}  # 12 prompts × 2 raters / 3 raters


def test_pairs_are_shown_in_both_orders_equally_often(tmp_path: Path) -> None:
    folder = study(tmp_path / "s", num_prompts=12, pairwise=True)
    key = key_of(folder)
    for rows in folder.assignments.values():
        balance: Counter[tuple[str, ...]] = Counter()
        for row in rows:
            names = [key[row["item"]]["answers"][code] for code in row["answers"]]
            balance[tuple(sorted(names))] += 1 if names == sorted(names) else -1
        assert len(balance) == 3
        assert all(abs(count) <= 1 for count in balance.values())


def test_repeats_come_later_under_other_codes_with_the_same_texts(tmp_path: Path) -> None:
    folder = study(tmp_path / "s", num_prompts=20, repeat=0.1)
    key = key_of(folder)
    for rows in folder.assignments.values():
        place = {row["item"]: row["place"] for row in rows}
        repeats = [item for item in place if key[item]["kind"] == "repeat"]
        assert len(repeats) >= 4  # a tenth of some forty
        for item in repeats:
            before = key[item]["of"]
            assert place[item] > place[before] + len(rows) // 5
            assert folder.items[item]["prompt"] == folder.items[before]["prompt"]
            [answer], [first] = folder.items[item]["answers"], folder.items[before]["answers"]
            assert (answer["output"], answer["answer"] != first["answer"]) == (first["output"], True)


def test_the_same_seed_and_secret_give_the_same_study_and_another_secret_other_codes(tmp_path: Path) -> None:
    first, again = study(tmp_path / "a"), study(tmp_path / "b")
    other = study(tmp_path / "c", salt="other")
    assert first.locked_files().keys() == again.locked_files().keys()
    same = {name for name, digest in first.locked_files().items() if again.locked_files()[name] == digest}
    assert same >= set(first.locked_files()) - {"study.json"}  # which holds the time
    assert not set(first.items) & set(other.items)


def test_a_study_is_never_written_over(tmp_path: Path) -> None:
    study(tmp_path / "s")
    with pytest.raises(RunFolderError, match="never written over"):
        study(tmp_path / "s")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"overlap": 4}, "--overlap 4 with 3 raters"),
        ({"raters": ["ann", "ann", "eve"]}, "each rater once"),
        ({"raters": ["../ann", "bob", "eve"]}, "it names a file"),
        ({"repeat": 0.9}, "--repeat"),
        ({"against": "dodo"}, "--against dodo"),
    ],
)
def test_what_does_not_fit_is_refused(tmp_path: Path, change: dict[str, object], said: str) -> None:
    given: dict[str, object] = {"raters": ["ann", "bob", "eve"], "overlap": 2}
    with pytest.raises(RecipeError, match=said):
        new_study(
            materials(),
            tmp_path / "s",
            questions=load_questions(None, pairwise=False),
            **{**given, **change},  # type: ignore[arg-type]
        )


def test_answers_that_name_their_system_are_counted() -> None:
    plain = materials(num_prompts=3)
    answers = {**plain.answers, "buffalo": {id: {"output": "I, Buffalo, say"} for id in plain.prompts}}
    assert (plain.num_named(), Materials(plain.prompts, answers).num_named()) == (0, 3)


def write(path: Path, rows: list[dict[str, object]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def test_answers_are_joined_by_the_prompts_text_in_any_order(tmp_path: Path) -> None:
    prompts = write(tmp_path / "p.jsonl", [{"instruction": "One?"}, {"instruction": "Two?", "input": "x"}])
    file = write(
        tmp_path / "m.jsonl",
        [
            {"instruction": "Two?", "input": "x", "output": "b", "generator": "m"},
            {"instruction": "Three?", "output": "not asked"},
            {"instruction": "One?", "output": "a", "explanation": "since"},
        ],
    )
    found = read_materials({"m": file}, prompts)
    assert list(found.prompts) == ["p1", "p2"]
    assert found.answers["m"] == {"p1": {"output": "a", "explanation": "since"}, "p2": {"output": "b"}}


def test_a_missing_answer_is_an_error_with_its_prompt(tmp_path: Path) -> None:
    prompts = write(tmp_path / "p.jsonl", [{"id": "k", "instruction": "One?"}, {"instruction": "Two?"}])
    file = write(tmp_path / "m.jsonl", [{"instruction": "Two?", "output": "b"}])
    with pytest.raises(DataError, match=r"no answer to 1 of 2 prompts .*'k'"):
        read_materials({"m": file}, prompts)


def test_systems_are_named_by_file_or_by_hand() -> None:
    assert named_systems(["runs/a.jsonl", "b=runs/a.jsonl"]) == {
        "a": Path("runs/a.jsonl"),
        "b": Path("runs/a.jsonl"),
    }
    with pytest.raises(DataError, match="two systems are called 'a'"):
        named_systems(["a.jsonl", "x/a.jsonl"])


def test_what_the_number_of_prompts_can_show_is_said_before_rating() -> None:
    words = " ".join(power_words(200, 1, pairwise=False))
    assert "±6.7 points" in words
    assert "on 20 % of prompts: 9.1 points; on 30 % of prompts: 11.1 points" in words
    assert "corrected for 3 comparisons" in power_words(200, 3, pairwise=True)[0]


def test_too_few_prompts_for_any_difference_are_said_to_be() -> None:
    """Nine tests of 40 prompts: eight that differ, all one way, have p = 2/2⁸ = .0078 > .05/9."""
    assert "on 20 % of prompts: none, too few prompts" in power_words(40, 9, pairwise=False)[1]


def test_a_folder_that_is_no_study_says_so(tmp_path: Path) -> None:
    with pytest.raises(RunFolderError, match="no study"):
        _ = StudyFolder(tmp_path).design


@pytest.mark.parametrize(
    ("yaml", "said"),
    [
        ("questions: [{id: x, ask: y, options: [{value: 1, label: a}]}]", "two different options"),
        ("questions: [{id: x, ask: y, kind: preference}]", "about: pair"),
        ("questions: [{id: 1x, ask: y, kind: text}]", "an id is a letter"),
        (
            "questions: [{id: x, ask: y, good: [3], options: [{value: 1, label: a}, {value: 2, label: b}]}]",
            "no options",
        ),
        ("questions: [{id: x, ask: y, kind: preference, about: pair}]", "needs --pairwise"),
    ],
)
def test_questions_of_ones_own_are_checked(tmp_path: Path, yaml: str, said: str) -> None:
    file = tmp_path / "q.yaml"
    file.write_text(yaml, encoding="utf-8")
    with pytest.raises(RecipeError, match=said):
        load_questions(file, pairwise=False)
