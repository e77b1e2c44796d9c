"""The exam of coaches: marks worked out by hand, and a whole exam by scripted coaches."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tunewright.coach.exam import Question, mark, questions_of, report
from tunewright.coach.exam_config import ExamConfig
from tunewright.coach.exam_stage import ALONE, FIXES, evaluate_coaches
from tunewright.coach.revise_config import CoachAskConfig, Decoding
from tunewright.coach.revision import Revision
from tunewright.coach.train import train_coach
from tunewright.coach.train_config import CoachConfig
from tunewright.coach.write_revisions import write_revisions
from tunewright.records.record import Record
from tunewright.run.files import read_jsonl

BAD = Record(id="1", instruction="Name a colour.", output="Blu")
GOOD = replace(BAD, output="Blue")


def test_a_mark_says_how_near_the_experts_version_is() -> None:
    exact = mark(Question("revision", BAD, GOOD), GOOD)
    assert (exact.is_exact, exact.distance_before, exact.distance_after) == (True, 1, 0)
    alone = mark(Question("revision", BAD, GOOD), None, reason="unparsable")
    assert (alone.is_exact, alone.is_changed, alone.distance_after) == (False, False, 1)
    assert alone.reason == "unparsable"
    worse = mark(Question("revision", BAD, GOOD), replace(BAD, output="Red!"))
    assert (worse.is_exact, worse.is_changed, worse.distance_after) == (False, True, 4)


def test_a_report_counts_records_with_intervals() -> None:
    question = Question("revision", BAD, GOOD)
    kept = Question("good", GOOD, GOOD)
    marks = [mark(question, GOOD), mark(question, None), mark(question, replace(BAD, output="Red!"))]
    marks += [mark(kept, GOOD), mark(kept, BAD)]
    found = report(marks)
    assert (found.exact.count, found.exact.of) == (1, 3)
    assert (found.nearer.count, found.further.count) == (1, 1)
    assert (found.kept.count, found.kept.of) == (1, 2)
    assert found.moved == pytest.approx((1 + 0 - 3) / 3)
    assert (found.edits.num_made, found.edits.num_wanted) == (2, 3)
    assert found.edits.num_both == 1
    assert found.repaired is None


def test_good_versions_are_asked_about_only_when_wanted() -> None:
    revision = Revision(BAD, GOOD)
    assert [q.kind for q in questions_of([revision], good=True)] == ["revision", "good"]
    assert [q.kind for q in questions_of([revision], good=False)] == ["revision"]
    assert [q.kind for q in questions_of([Revision(GOOD, GOOD)], good=False)] == ["good"]


@pytest.fixture
def frozen(tmp_path: Path) -> Path:
    rows = []
    for number in range(8):
        record = Record(id=str(number), instruction=f"Name colour {number}.", output="Blu")
        rows.append(Revision(record, replace(record, output="Blue")))
    write_revisions(rows, tmp_path / "frozen.jsonl")
    return tmp_path / "frozen.jsonl"


def script(path: Path, rules: str) -> str:
    path.write_text(rules)
    return f"scripted:{path}"


def test_coaches_sit_the_same_exam(frozen: Path, tmp_path: Path) -> None:
    right = script(
        tmp_path / "right.yaml",
        "rules:\n  - matches: '(?m)^2 Blu$'\n    reply: \"2= Blue\\nend\"\n  - reply: keep\n",
    )
    keeps = script(tmp_path / "keeps.yaml", "rules:\n  - reply: keep\n")
    config = ExamConfig(coaches=(right, keeps))
    found = evaluate_coaches(config, frozen, tmp_path / "exam")
    assert list(found["coaches"]) == [ALONE, FIXES, right, keeps]
    assert found["coaches"][right]["exact"]["count"] == 8
    assert found["coaches"][right]["edits"]["undone"] == 0
    assert found["coaches"][keeps]["exact"]["count"] == 0
    assert found["coaches"][keeps]["kept"]["share"] == 1.0
    assert found["coaches"][ALONE]["exact"]["count"] == 0
    compared = found["against_first"][keeps]
    assert compared["revision"]["only_first_exact"] == 8
    assert compared["revision"]["mcnemar_p"] == pytest.approx(2 / 2**8)
    assert compared["good"]["mcnemar_p"] == 1.0
    marks = [list(read_jsonl(path)) for path in sorted((tmp_path / "exam" / "marks").iterdir())]
    assert [len(rows) for rows in marks] == [16] * 4


def test_a_finished_exam_is_not_sat_again(frozen: Path, tmp_path: Path) -> None:
    keeps = script(tmp_path / "keeps.yaml", "rules:\n  - reply: keep\n")
    config = ExamConfig(coaches=(keeps,))
    first = evaluate_coaches(config, frozen, tmp_path / "exam")
    before = (tmp_path / "exam" / "manifest.json").read_bytes()
    assert evaluate_coaches(config, frozen, tmp_path / "exam") == first
    assert (tmp_path / "exam" / "manifest.json").read_bytes() == before


def test_a_column_called_fault_that_is_not_ours_is_left_alone() -> None:
    for fault in ("missing_explanation", 3, ["x"], "typo"):
        (question, _) = questions_of([Revision(BAD, GOOD, {"fault": fault})], good=True)
        assert question.fault is None


def test_a_good_record_kept_by_a_useless_reply_is_told_apart() -> None:
    kept = Question("good", GOOD, GOOD)
    found = report([mark(kept, GOOD), mark(kept, None, reason="unparsable")])
    assert (found.kept.count, found.kept_by_reply.count) == (2, 1)
    assert found.invalid == {"unparsable": 1}


def test_an_exam_without_replies_is_not_finished(frozen: Path, tmp_path: Path) -> None:
    keeps = script(tmp_path / "keeps.yaml", "rules:\n  - reply: keep\n")
    ask = CoachAskConfig(calls=False)
    found = evaluate_coaches(ExamConfig(coaches=(keeps,), ask=ask), frozen, tmp_path / "exam")
    assert found["coaches"][keeps]["invalid"] == {"unanswered": 16}
    assert not (tmp_path / "exam" / "manifest.json").exists()
    found = evaluate_coaches(ExamConfig(coaches=(keeps,)), frozen, tmp_path / "exam")
    assert found["coaches"][keeps]["invalid"] == {}
    assert (tmp_path / "exam" / "manifest.json").exists()


def test_questions_whose_answer_a_coach_has_learnt_are_left_out(frozen: Path, tmp_path: Path) -> None:
    tune = {"epochs": 1, "batch_size": 8}
    config = CoachConfig(alpha=1.0, model="scratch:tiny", validation=0.0, good_share=0.0, tune=tune)
    train_coach(config, frozen, tmp_path / "coach")
    others = Record(id="x", instruction="Name a fruit.", output="Aple")
    # another fault in a record whose good version was learnt, and a record of its own
    again = Record(id="0", instruction="Name colour 0.", output="Bleu")
    rows = [Revision(again, replace(again, output="Blue")), Revision(others, replace(others, output="Apple"))]
    write_revisions(rows, tmp_path / "exam.jsonl")
    exam = ExamConfig(coaches=(str(tmp_path / "coach"),), decoding=Decoding(max_tokens=16))
    found = evaluate_coaches(exam, tmp_path / "exam.jsonl", tmp_path / "exam")
    assert found["num_known"] == 2
    assert found["coaches"][ALONE]["num_questions"] == 2
