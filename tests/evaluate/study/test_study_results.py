"""From ratings to results: what is taken, what a lock holds, what is counted, and what the page says."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from support.studies import START, by_quality, key_of, rate_all, study
from tunewright.errors import DataError, RunFolderError
from tunewright.evaluate.study.adjudicate import decide, disagreements
from tunewright.evaluate.study.folder import StudyFolder
from tunewright.evaluate.study.lock import export_blind, lock_study, unblind
from tunewright.evaluate.study.page import claims, render
from tunewright.evaluate.study.paired import mean_interval, paired_difference, share_interval, sign_flip
from tunewright.evaluate.study.ratings import (
    Rating,
    add_ratings,
    counting_ratings,
    import_ratings,
    parse_rating,
    progress_of,
    read_ratings,
)
from tunewright.evaluate.study.results import study_results, write_results


def fresh(folder: StudyFolder) -> StudyFolder:
    return StudyFolder(folder.path)


def first_row(folder: StudyFolder) -> dict[str, object]:
    assigned = folder.assignments["ann"][0]
    return {
        "item": assigned["item"],
        "system": assigned["answers"][0],
        "rater": "ann",
        "question": "readiness",
        "value": 3,
        "time": START.isoformat(),
    }


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"rater": "zoe"}, "'zoe' is not a rater"),
        ({"item": "nope"}, "not assigned to rater 'ann'"),
        ({"question": "taste"}, "no question is called 'taste'"),
        ({"value": 7}, "must be one of"),
        ({"value": True}, "must be one of"),
        ({"system": "nope"}, "is not what 'system' must be"),
        ({"time": "yesterday"}, "write it as"),
        ({"time": "2026-05-04T09:00:00"}, "time zone is missing"),
        ({"seconds": -1}, "from 0 on"),
    ],
)
def test_a_row_that_does_not_fit_is_refused_with_a_reason(
    tmp_path: Path, change: dict[str, object], said: str
) -> None:
    folder = study(tmp_path / "s")
    assert parse_rating(first_row(folder), folder).value == 3.0
    with pytest.raises(DataError, match=said):
        parse_rating({**first_row(folder), **change}, folder)


def test_importing_a_file_twice_adds_nothing_and_bad_rows_are_named(tmp_path: Path) -> None:
    folder = study(tmp_path / "s")
    file = tmp_path / "rows.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in (first_row(folder), {"item": "x"})), "utf-8")
    first, second = import_ratings(folder, file), import_ratings(fresh(folder), file)
    assert (first.num_added, first.rejected[0][0]) == (1, 2)
    assert "'rater' is missing" in first.rejected[0][1]
    assert (second.num_added, second.num_known) == (0, 1)


def test_the_latest_answer_counts_and_all_are_kept(tmp_path: Path) -> None:
    folder = study(tmp_path / "s")
    row = first_row(folder)
    later = {**row, "value": 4, "time": START.replace(hour=10).isoformat()}
    add_ratings(folder, [parse_rating(later, folder)])
    add_ratings(folder, [parse_rating(row, folder)])  # an earlier answer that arrives late
    assert [rating.value for rating in counting_ratings(folder)] == [4.0]
    assert len(read_ratings(folder, "ann")) == 2


def test_an_item_is_done_when_every_required_question_is_answered(tmp_path: Path) -> None:
    folder = study(tmp_path / "s")
    add_ratings(folder, [parse_rating(first_row(folder), folder)])
    ann = progress_of(folder)[0]
    assert (ann.num_assigned, ann.num_done, ann.num_begun) == (24, 0, 1)


def test_no_result_without_a_lock_and_a_peek_is_stamped_for_ever(tmp_path: Path) -> None:
    folder = study(tmp_path / "s")
    rate_all(folder, by_quality())
    with pytest.raises(RunFolderError, match="not locked yet"):
        study_results(folder)
    assert "Do not report these numbers" in render(study_results(folder, peek=True))
    lock_study(folder)
    results = study_results(folder)
    assert (results["peek"], results["opened_before_lock"]) == (False, 1)
    assert "The key was opened 1 time before the lock" in render(results)


def test_a_lock_wants_all_ratings_and_takes_none_after(tmp_path: Path) -> None:
    folder = study(tmp_path / "s")
    add_ratings(folder, [parse_rating(first_row(folder), folder)])
    with pytest.raises(RunFolderError, match="items not rated yet: ann 24"):
        lock_study(folder)
    lock_study(folder, allow_missing=True)
    with pytest.raises(RunFolderError, match="no rating is taken any more"):
        add_ratings(folder, [parse_rating({**first_row(folder), "value": 1}, folder)])
    with pytest.raises(RunFolderError, match="locked already"):
        lock_study(folder)


@pytest.mark.parametrize("name", ["ratings/ann.jsonl", "study.json", "for-raters/items.jsonl"])
def test_a_change_after_the_lock_is_found(tmp_path: Path, name: str) -> None:
    folder = study(tmp_path / "s")
    rate_all(folder, by_quality())
    lock_study(folder)
    file = folder.path / name
    file.write_text(file.read_text("utf-8") + "\n", "utf-8")
    with pytest.raises(RunFolderError, match=f"changed after the lock: {name}"):
        study_results(folder)


def test_another_studys_key_is_refused(tmp_path: Path) -> None:
    folder, other = study(tmp_path / "a"), study(tmp_path / "b", salt="other")
    with pytest.raises(RunFolderError, match="not the key of this study"):
        StudyFolder(folder.path, key=other.key_path).open_key("test")


def test_unblinded_rows_have_names_and_blind_rows_have_none(tmp_path: Path) -> None:
    folder = study(tmp_path / "s", pairwise=True)
    rate_all(folder, by_quality())
    with pytest.raises(RunFolderError, match="not locked"):
        unblind(folder)
    lock_study(folder)
    rows = [json.loads(line) for line in unblind(folder).read_text("utf-8").splitlines()]
    assert {row["value"] for row in rows} <= {"aardvark", "buffalo", "chameleon", "tie"}
    for form in ("jsonl", "csv"):
        assert "buffalo" not in export_blind(folder, form=form)


def test_adjudication_keeps_first_ratings_and_counts_beside_them(tmp_path: Path) -> None:
    folder = study(tmp_path / "s", num_gold=1)
    rate_all(folder, lambda rater, system, entry: 1.0 if rater == "ann" else 0.0)
    before = {name: (folder.path / name).read_bytes() for name in ("ratings/ann.jsonl", "ratings/bob.jsonl")}
    open_ = disagreements(folder)
    assert all(set(one.values) >= {"ann"} for one in open_)
    assert {key_of(folder)[one.item]["kind"] for one in open_} == {"main"}
    file = tmp_path / "d.jsonl"
    decided = [
        {"item": one.item, "system": one.system, "question": one.question, "adjudicator": "lead"}
        | {"value": 1 if one.question == "validity" else 4}
        for one in open_
    ]
    file.write_text("".join(json.dumps(row) + "\n" for row in decided), "utf-8")
    with pytest.raises(RunFolderError, match="not locked"):
        decide(folder, file)
    lock_study(folder)
    assert decide(folder, file) == len(open_)
    assert not disagreements(folder)
    assert before == {name: (folder.path / name).read_bytes() for name in before}
    validity = study_results(folder)["questions"][0]
    # ann is on 8 of 12 prompts: half of those ratings are 1 before, all 1 after
    assert [row["share"] for row in validity["first"]["systems"]] == pytest.approx([8 / 24] * 3)
    assert [row["share"] for row in validity["adjudicated"]["systems"]] == pytest.approx([8 / 12] * 3)


def test_a_clear_order_is_claimed_and_equal_systems_are_not(tmp_path: Path) -> None:
    clear, equal = study(tmp_path / "a", num_prompts=40), study(tmp_path / "b", num_prompts=40)
    rate_all(clear, by_quality())
    rate_all(equal, lambda rater, system, entry: float(len(entry.get("prompt", "")) % 2))
    for folder in (clear, equal):
        lock_study(folder)
    assert "chameleon above aardvark" in claims(study_results(clear))[0]
    assert claims(study_results(equal))[0] == "validity: no difference between systems is shown."


def test_a_pairwise_study_counts_wins_by_name_whatever_the_order_shown(tmp_path: Path) -> None:
    folder = study(tmp_path / "s", pairwise=True, num_gold=1, repeat=0.1)
    order = {"aardvark": 0.1, "buffalo": 0.5, "chameleon": 0.5, "first": 1.0, "second": 0.0}
    rate_all(folder, lambda rater, system, entry: order[system])
    lock_study(folder)
    results = study_results(folder)
    [preference] = results["questions"]
    counts = {(t["a"], t["b"]): (t["wins"], t["ties"], t["losses"]) for t in preference["first"]["tests"]}
    assert counts == {
        ("aardvark", "buffalo"): (0, 0, 24),
        ("aardvark", "chameleon"): (0, 0, 24),
        ("buffalo", "chameleon"): (0, 24, 0),
    }
    assert "{buffalo, chameleon} won every comparison" in preference["first"]["problem"]
    assert all(row["gold"]["share"] == row["repeats"]["share"] == 1 for row in results["raters"])


def test_missing_ratings_are_shown_as_missing(tmp_path: Path) -> None:
    folder = study(tmp_path / "s")
    rate_all(folder, by_quality())
    path = folder.ratings_path("eve")
    path.write_text("".join(path.read_text("utf-8").splitlines(keepends=True)[:-3]), "utf-8")
    lock_study(folder, allow_missing=True)
    results = study_results(folder)
    assert results["num_items_missing"] == 1
    assert sum(row["num_missing"] for row in results["questions"][0]["first"]["systems"]) == 1
    assert "1 assigned item is not rated" in render(results)


def test_raters_who_click_through_are_flagged_and_kept(tmp_path: Path) -> None:
    folder = study(tmp_path / "s", num_prompts=30, num_gold=8)
    rule = by_quality()
    rate_all(folder, lambda rater, system, entry: 1.0 if rater == "eve" else rule(rater, system, entry))
    lock_study(folder)
    flags = {row["rater"]: row["flags"] for row in study_results(folder)["raters"]}
    assert not flags["ann"]
    assert flags["eve"] == ["68 items in a row were answered alike", "0 of 8 gold answers are right"]


def test_hostile_texts_stay_texts(tmp_path: Path) -> None:
    folder = study(tmp_path / "s")
    rate_all(folder, by_quality())
    item = folder.assignments["ann"][0]["item"]
    text = "=1+1<script>alert(1)</script>"
    code = folder.assignments["ann"][0]["answers"][0]
    add_ratings(folder, [Rating(item, code, "ann", "comment", text, START.isoformat())])
    assert "'=1+1" in export_blind(folder, form="csv")
    lock_study(folder)
    page = write_results(folder).read_text("utf-8")
    assert "<script" not in page
    assert "=1+1&lt;script&gt;" in page


def test_sign_flips_of_shares_are_mcnemars_test() -> None:
    """1 against 8: 2 · (1 + 9) / 2⁹ = .0391."""
    differences = np.array([1.0] * 8 + [-1.0] + [0.0] * 20)
    assert sign_flip(differences) == pytest.approx(20 / 512)


def test_sign_flips_by_hand() -> None:
    """|±1 ± 2 ± 3| ≥ 6 in 2 of 8 sign patterns."""
    assert sign_flip(np.array([1.0, 2.0, 3.0])) == pytest.approx(0.25)
    assert sign_flip(np.array([0.0, 0.0])) == 1.0


def test_intervals_by_hand() -> None:
    """Mean 2, sd 1, n = 9: ± 2.306/3. Nine of nine: Wilson over nine prompts, [.7009, 1]."""
    interval = mean_interval([1.0, 2.0, 3.0, 1.0, 2.0, 3.0, 1.0, 2.0, 3.0])
    assert interval is not None
    assert interval.high - 2 == pytest.approx(2.306 * (6 / 8) ** 0.5 / 3, abs=1e-3)
    whole = share_interval([1.0] * 9, 18)
    assert whole is not None
    assert (whole.low, whole.high) == (pytest.approx(0.7009, abs=1e-4), 1.0)
    assert mean_interval([1.0]) is None
    with pytest.raises(ValueError, match="the mean of nothing"):
        paired_difference([])
