"""Files that are wrong, processes at the same time, studies that are too small, missing ratings."""

from __future__ import annotations

import csv
import io
import json
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from support.studies import START, by_quality, materials, rate_all, study
from tunewright.errors import DataError, RecipeError, RunFolderError
from tunewright.evaluate.study.folder import StudyFolder, now
from tunewright.evaluate.study.judgements import DECIDED, Judgement, paired_gaps
from tunewright.evaluate.study.lock import export_blind, lock_study
from tunewright.evaluate.study.materials import Known, Materials, read_materials
from tunewright.evaluate.study.new import new_study, num_comparisons
from tunewright.evaluate.study.page import claims, render
from tunewright.evaluate.study.questions import QuestionSet, load_questions
from tunewright.evaluate.study.ratings import add_ratings, counting_ratings, import_ratings, parse_rating
from tunewright.evaluate.study.results import study_results


def rows(path: Path, *values: Mapping[str, Any] | str) -> Path:
    lines = [value if isinstance(value, str) else json.dumps(value) for value in values]
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def rating(folder: StudyFolder, place: int = 0, **change: Any) -> dict[str, Any]:
    assigned = folder.assignments["ann"][place]
    row = {
        "item": assigned["item"],
        "system": assigned["answers"][0],
        "rater": "ann",
        "question": "readiness",
    }
    return {**row, "value": 3, "time": START.isoformat(), **change}


ONE = {"id": "1", "instruction": "One?"}
TWO = {"id": "2", "instruction": "Two?"}


@pytest.mark.parametrize(
    ("prompts", "answers", "said"),
    [
        ((ONE, {**TWO, "id": "1"}), (), r"two prompts have the id '1'"),
        (
            (ONE, TWO),
            ({**ONE, "instruction": "Other?", "output": "x"},),
            "answers another text under the id '1'",
        ),
        ((ONE, '{"instruction": "Two?'), (), r"p\.jsonl:2: not JSON"),
        ((ONE, {"instruction": 5}), (), r"p\.jsonl:2: 'instruction' must be a text"),
        ((ONE,), ('{"instruction": "One?", "outp',), r"a\.jsonl"),
    ],
)
def test_wrong_prompts_and_answers_are_named(
    tmp_path: Path, prompts: tuple[Any, ...], answers: tuple[Any, ...], said: str
) -> None:
    systems = {"a": rows(tmp_path / "a.jsonl", *(answers or ({**ONE, "output": "x"},)))}
    with pytest.raises(DataError, match=said):
        read_materials(systems, rows(tmp_path / "p.jsonl", *prompts))


def test_a_study_of_no_system_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no system"):
        read_materials({}, rows(tmp_path / "p.jsonl", ONE))


def gold_of(path: Path, row: Mapping[str, Any] | str) -> tuple[Known, ...]:
    systems = {"a": rows(path / "a.jsonl", {**ONE, "output": "x"})}
    return read_materials(systems, rows(path / "p.jsonl", ONE), gold=rows(path / "g.jsonl", row)).gold


def test_nothing_but_texts_of_a_gold_item_reaches_raters(tmp_path: Path) -> None:
    """Neither a note to oneself nor an empty explanation where other answers have none."""
    row = {"instruction": "G", "answers": [{"note": "bad on purpose", "explanation": "", "output": "x"}]}
    [known] = gold_of(tmp_path, {**row, "expected": {"validity": 0}})
    assert known.answers == ({"output": "x"},)


@pytest.mark.parametrize(
    "row",
    [
        '{"instruction": "G", "output": "x", "expected": {"validity": 1}',
        {"instruction": "G", "output": 5, "expected": {"validity": 1}},
        {"instruction": "G", "output": "x", "answers": "y", "expected": {"validity": 1}},
        {"instruction": "G", "expected": {"validity": 1}},
        {"output": "x", "expected": {"validity": 1}},
    ],
)
def test_a_broken_gold_item_is_refused_with_its_line(tmp_path: Path, row: Mapping[str, Any] | str) -> None:
    with pytest.raises(DataError, match=r"g\.jsonl:1: "):
        gold_of(tmp_path, row)


@pytest.mark.parametrize(
    ("expected", "said"), [({"validity": 7}, "must be one of"), ({"taste": 1}, "there is no such question")]
)
def test_gold_that_nobody_can_answer_rightly_is_refused(
    tmp_path: Path, expected: dict[str, Any], said: str
) -> None:
    plain = materials(2)
    gold = (Known({"instruction": "G"}, ({"output": "x"},), expected),)
    with pytest.raises(RecipeError, match=said):
        draw_up(Materials(plain.prompts, plain.answers, gold), tmp_path / "s")


def draw_up(given: Materials, out: Path, **change: Any) -> StudyFolder:
    asked = load_questions(None, pairwise=False)
    settings = {"raters": ["ann", "bob"], "overlap": 1, "questions": asked, **change}
    return new_study(given, out, **settings)


def test_a_key_is_never_written_over(tmp_path: Path) -> None:
    """The first study's ratings would say nothing for ever."""
    key = tmp_path / "k.json"
    draw_up(materials(2), tmp_path / "a", key=key)
    before = key.read_bytes()
    with pytest.raises(RunFolderError, match="there is a key already"):
        draw_up(materials(2), tmp_path / "b", key=key)
    assert key.read_bytes() == before


def test_raters_whose_files_some_disks_confuse_are_refused(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="differ in capitals only"):
        draw_up(materials(2), tmp_path / "s", raters=["ann", "Ann"])


def test_broken_lines_are_named_and_the_rest_goes_in(tmp_path: Path) -> None:
    folder = study(tmp_path / "s")
    file = rows(
        tmp_path / "r.jsonl",
        "not json",
        rating(folder),
        rating(folder, item=["x"]),
        rating(folder, system={"x": 1}),
        rating(folder, 1, value=[3]),
        "[1]",
        json.dumps(rating(folder, 1))[:-9],
    )
    done = import_ratings(folder, file)
    assert done.num_added == 1
    assert [line for line, _ in done.rejected] == [1, 3, 4, 5, 6, 7]
    assert "are texts, not ['x']" in done.rejected[1][1]


def test_an_export_as_csv_can_be_imported(tmp_path: Path) -> None:
    """Where a cell is text, a value and a time in seconds are numbers all the same."""
    folder, other = study(tmp_path / "a"), study(tmp_path / "b")
    rate_all(folder, by_quality())
    file = tmp_path / "r.csv"
    file.write_text(export_blind(folder, form="csv"), encoding="utf-8")
    done = import_ratings(other, file)
    assert (done.num_added, done.rejected) == (len(counting_ratings(folder)), ())
    assert counting_ratings(other) == counting_ratings(folder)


def test_processes_that_import_at_once_add_each_rating_once(tmp_path: Path) -> None:
    folder = study(tmp_path / "s")
    num = len(folder.assignments["ann"])
    file = rows(tmp_path / "r.jsonl", *(rating(folder, place) for place in range(num)))
    added: list[int] = []
    threads = [
        threading.Thread(
            target=lambda: added.append(import_ratings(StudyFolder(folder.path), file).num_added)
        )
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(added) == num
    assert len(folder.ratings_path("ann").read_text("utf-8").splitlines()) == num


def test_a_rating_during_the_lock_is_in_it_or_refused(tmp_path: Path) -> None:
    """Otherwise it would be a change after the lock, and the study would never give results."""
    folder = study(tmp_path / "s", num_prompts=6)
    rate_all(folder, by_quality())
    refused: list[str] = []

    def go_on() -> None:
        for value in (1, 2, 3, 4) * 500:
            time.sleep(0.001)  # so that the lock has its turn
            own = StudyFolder(folder.path)
            try:
                add_ratings(own, [parse_rating(rating(own, value=value, time=now()), own)])
            except RunFolderError as error:
                refused.append(str(error))
                return

    thread = threading.Thread(target=go_on)
    thread.start()
    lock_study(StudyFolder(folder.path))
    thread.join()
    assert "no rating is taken any more" in refused[0]
    assert StudyFolder(folder.path).verify_lock()["num_ratings"] == len(counting_ratings(folder))


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n", "＝"])
def test_no_cell_of_an_export_begins_like_a_formula(tmp_path: Path, start: str) -> None:
    folder = study(tmp_path / "s")
    row = rating(folder, question="comment", value=f'{start}HYPERLINK("http://x")')
    add_ratings(folder, [parse_rating(row, folder)])
    [cells] = csv.DictReader(io.StringIO(export_blind(folder, form="csv")))
    assert cells["value"].startswith(f"'{start}"[:2])


def test_times_are_fine_enough_for_a_quick_change_of_mind() -> None:
    assert "." in now()


@pytest.mark.parametrize("text", ["{", "{}", "[]", ""])
def test_a_damaged_lock_or_design_is_said_in_words(tmp_path: Path, text: str) -> None:
    folder = study(tmp_path / "s")
    rate_all(folder, by_quality())
    lock_study(folder)
    folder.lock_path.write_text(text, encoding="utf-8")
    with pytest.raises(RunFolderError, match=r"lock\.json: damaged"):
        StudyFolder(folder.path).verify_lock()
    (folder.path / "study.json").write_text(text, encoding="utf-8")
    with pytest.raises(RunFolderError, match=r"study\.json: damaged"):
        _ = StudyFolder(folder.path).design


def test_a_look_before_the_lock_is_told_though_its_list_is_gone(tmp_path: Path) -> None:
    folder = study(tmp_path / "s")
    rate_all(folder, by_quality())
    study_results(folder, peek=True)
    lock_study(folder)
    folder.opened_path.unlink()
    assert study_results(folder)["opened_before_lock"] == 1


def test_one_system_alone_has_its_share_and_no_comparison(tmp_path: Path) -> None:
    folder = study(tmp_path / "s", num_systems=1)
    rate_all(folder, by_quality())
    lock_study(folder)
    results = study_results(folder)
    assert results["num_tests"] == 0
    assert claims(results)[0].startswith("validity: aardvark ")
    assert claims(results)[0].endswith("] valid.")
    assert "Holm" not in render(results).partition("<h2")[0]


@pytest.mark.parametrize("pairwise", [False, True])
def test_one_prompt_gives_a_page_without_intervals(tmp_path: Path, pairwise: bool) -> None:
    folder = study(tmp_path / "s", num_prompts=1, pairwise=pairwise)
    rate_all(folder, by_quality())
    lock_study(folder)
    results = study_results(folder)
    assert "no difference between systems is shown" in claims(results)[0]
    assert all(test["interval"] is None for test in results["questions"][0]["first"]["tests"])
    render(results)


def test_differences_are_over_the_raters_who_rated_both() -> None:
    """Ann is strict. On q1 only she rated a, so b is what she says of it; on q2 nobody rated both."""

    def one(prompt: str, system: str, rater: str, value: float) -> Judgement:
        return Judgement("x", prompt, (system,), rater, value)

    found = [one("q1", "a", "ann", 1), one("q1", "b", "ann", 1), one("q1", "b", "bob", 3)]
    found += [one("q2", "a", "ann", 1), one("q2", "b", "bob", 3)]
    found += [one("q3", "a", DECIDED, 2), one("q3", "b", "ann", 1), one("q3", "b", "bob", 3)]
    score = {1.0: 1.0, 2.0: 2.0, 3.0: 3.0}
    assert paired_gaps(found, score, ("a",), ("b",)) == {"q1": 0.0, "q3": 0.0}


def test_numbers_that_are_names_have_no_mean_and_no_test(tmp_path: Path) -> None:
    options = [{"value": value, "label": f"kind {value}"} for value in (1, 2, 3)]
    asked = QuestionSet.model_validate(
        {"questions": [{"id": "kind", "ask": "Which?", "level": "nominal", "options": options}]}
    )
    folder = draw_up(materials(5), tmp_path / "s", questions=asked, overlap=2)
    for rater in folder.raters:
        for assigned in folder.assignments[rater]:
            row = {"item": assigned["item"], "rater": rater, "question": "kind", "value": len(rater)}
            add_ratings(folder, [parse_rating({**row, "time": START.isoformat()}, folder)])
    lock_study(folder)
    [question] = study_results(folder)["questions"]
    assert question["first"]["tests"] == []
    assert num_comparisons(3, asked) == 0


def test_power_is_announced_for_as_many_comparisons_as_holm_corrects(tmp_path: Path) -> None:
    asked = load_questions(None, pairwise=False)
    folder = study(tmp_path / "s")
    rate_all(folder, by_quality())
    lock_study(folder)
    assert num_comparisons(3, asked) == study_results(folder)["num_tests"] == 9
    assert num_comparisons(3, load_questions(None, pairwise=True), against=True) == 2


def test_a_claim_says_how_much_from_the_better_side(tmp_path: Path) -> None:
    folder = study(tmp_path / "s", num_prompts=40, num_systems=2, pairwise=True)
    order = {"aardvark": 0.1, "buffalo": 0.5}
    rate_all(folder, lambda rater, system, entry: order[system])
    lock_study(folder)
    assert claims(study_results(folder)) == [
        "preference: buffalo above aardvark (win rate 100.0 %, [91.2, 100.0])."
    ]
