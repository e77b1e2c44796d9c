"""The student's losses: what is measured is what the definitions say, and it decides as published."""

from __future__ import annotations

import json
from math import exp
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from coach.accept.proposed import accept, again, revision
from llm.local_models import random_llama
from support.tiny_models import byte_level
from tunewright.coach.accept import StudentLoss, decide
from tunewright.coach.accept import student_losses as measuring
from tunewright.coach.accept.student import difficulty, judge, texts_to_measure
from tunewright.coach.revision import Revision
from tunewright.errors import ModelError, RecipeError
from tunewright.records.record import Record, Turn

torch.set_num_threads(1)  # the same sums on any machine load


@pytest.fixture(scope="module")
def student(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return random_llama(tmp_path_factory.mktemp("student"), byte_level(), context=512)


def settings(**given: Any) -> StudentLoss:
    return StudentLoss(model="unused", **given)


def test_difficulty_is_a_quotient_of_perplexities_or_of_losses() -> None:
    assert difficulty(1.5, 2.0, ratio="perplexity") == pytest.approx(exp(1.5) / exp(2.0))
    assert difficulty(1.5, 2.0, ratio="loss") == 0.75


def test_what_is_measured_follows_from_what_changed() -> None:
    """y|x and so on: 1 is the revised, 0 the original."""
    output = revision("a", "Pear.", "Plum.")
    instruction = revision("a", "Pear.", "Pear.", to="Name one fruit.")
    both = revision("a", "Pear.", "Plum.", to="Name one fruit.")
    ends = ["y1|x1", "y1", "x1|y1", "x1"]
    assert list(texts_to_measure(output, settings())) == [*ends, "x1|y0"]
    assert list(texts_to_measure(instruction, settings())) == [*ends, "y0|x0", "y0"]
    assert list(texts_to_measure(both, settings())) == [*ends, "y0|x0", "y0", "x1|y0"]
    free = settings(below_one=False)
    assert list(texts_to_measure(output, free)) == ["x1|y1", "x1", "x1|y0"]
    assert list(texts_to_measure(instruction, free)) == ["y1|x1", "y1", "y0|x0", "y0"]
    by_loss = settings(below_one=False, response="loss")
    assert list(texts_to_measure(output, by_loss)) == ["y1|x1", "y0|x1"]


def test_an_explanation_is_part_of_the_response_and_an_input_of_the_instruction() -> None:
    old = Record(id="a", instruction="Add.", input="1 + 1", output="2", system="Be brief.")
    new = Record(
        id="a", instruction="Add.", input="1 + 1", output="2", explanation="Count.", system="Be brief."
    )
    found = texts_to_measure(Revision(old, new), settings())
    assert found["y1|x1"] == Record(
        id="a", instruction="Add.", input="1 + 1", output="2\n\nCount.", system="Be brief."
    )
    assert found["x1"] == Record(id="a", instruction="", output="Add.\n\n1 + 1")
    assert "\n2\n" in found["x1|y0"].instruction


def test_an_instruction_must_become_harder_and_a_response_tell_more_of_it() -> None:
    losses = {"y1|x1": 1.5, "y1": 2.0, "x1|y1": 1.0, "x1": 3.0, "y0|x0": 1.0, "y0": 2.0, "x1|y0": 2.0}
    found = judge(losses, settings())
    assert found.reason == ""
    assert found.scores == pytest.approx(
        {"ifd.after": exp(-0.5), "ifd.before": exp(-1), "r_ifd.after": exp(-2), "r_ifd.before": exp(-1)}
    )
    easier = judge(losses | {"y1|x1": 0.9}, settings())
    assert easier.reason == "instruction no harder for the student"
    equal = judge(losses | {"x1|y0": 1.0}, settings())
    assert equal.reason == "response tells the student less"


def test_both_difficulties_must_be_below_one_unless_that_is_switched_off() -> None:
    losses = {"y1|x1": 2.1, "y1": 2.0, "x1|y1": 1.0, "x1": 3.0, "x1|y0": 2.0}
    assert judge(losses, settings()).reason == "student's difficulty not below 1"
    assert judge(losses, settings(below_one=False)).reason == ""


def test_the_loss_of_the_response_itself_can_decide() -> None:
    by_loss = settings(below_one=False, response="loss")
    assert judge({"y1|x1": 1.0, "y0|x1": 2.0}, by_loss).reason == ""
    found = judge({"y1|x1": 2.0, "y0|x1": 2.0}, by_loss)
    assert found.reason == "response no likelier for the student"
    assert found.scores == {"loss.before": 2.0, "loss.after": 2.0}


def test_a_text_that_cannot_be_measured_is_a_failure_and_no_score() -> None:
    found = judge({"y1|x1": 2.0, "y0|x1": None}, settings(below_one=False, response="loss"))
    assert (found.reason, found.scores) == ("student could not measure it", {})


def test_a_response_where_there_was_none_has_nothing_to_be_compared_with() -> None:
    assert "x1|y0" not in texts_to_measure(revision("a", "", "A pear."), settings())


def test_measured_losses_are_those_of_the_model_on_the_last_answer_alone(student: Path) -> None:
    """Against transformers itself: −log p of each answer token after the rendered prompt, in the mean."""
    measure = measuring._load(StudentLoss(model=str(student)))
    record = Record(id="a", instruction="Name the capital of France", output="Paris is the capital.")
    talk = Record(
        id="b",
        instruction="Name the capital of France",
        output="Paris is the capital.",
        history=(Turn("user", "你好"), Turn("assistant", "She goes to school.")),
    )
    alone = Record(id="c", instruction="", output="Paris is the capital.")
    too_long = Record(id="d", instruction="x", output="你好 " * 600)
    found = measure([record, talk, too_long, alone])
    assert found[2] is None
    tokenizer: Any = AutoTokenizer.from_pretrained(student)
    model = AutoModelForCausalLM.from_pretrained(student).eval()
    for one, loss in ((record, found[0]), (talk, found[1]), (alone, found[3])):
        turns = [{"role": turn.speaker, "content": turn.text} for turn in one.history]
        turns.append({"role": "user", "content": one.instruction})
        prompt = tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=True)
        start = len(tokenizer(prompt, add_special_tokens=False)["input_ids"])
        ids = tokenizer(prompt + one.output, add_special_tokens=False, return_tensors="pt")["input_ids"]
        with torch.no_grad():
            logprobs = model(ids).logits[0].log_softmax(-1)
        expected = -logprobs[torch.arange(start - 1, ids.shape[1] - 1), ids[0, start:]].mean()
        assert loss == pytest.approx(float(expected), rel=1e-4)
    assert len({found[0], found[1], found[3]}) == 3


def test_a_student_decides_in_order_and_a_killed_run_measures_only_what_is_missing(
    student: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(measuring, "CHUNK", 2)
    calls: list[int] = []
    load = measuring._load

    def counting(config: StudentLoss) -> measuring.Measure:
        measure = load(config)

        def counted(records: Any) -> list[float | None]:
            calls.append(len(records))
            return measure(records)

        return counted

    monkeypatch.setattr(measuring, "_load", counting)
    words = ["Paris", "school", "because she goes", "klein", "groß und klein"]
    proposals = again(revision(f"r{n}", "the capital", f"{word}.") for n, word in enumerate(words))
    config = accept(student={"model": str(student), "below_one": False})
    expected = list(decide(config, proposals, tmp_path / "whole"))
    assert [one.id for one in expected] == ["r0", "r1", "r2", "r3", "r4"]
    for one in expected:
        has_fallen = one.scores["student.r_ifd.after"] < one.scores["student.r_ifd.before"]
        assert one.accepted == has_fallen == (one.reason == "")
    assert calls == [6, 6, 3]  # texts: x1|y1, x1 and x1|y0 of each record
    log = tmp_path / "whole" / "accept-student" / "losses.jsonl"
    rows = log.read_bytes().splitlines(keepends=True)
    assert len(rows) == 5

    log.write_bytes(b"".join(rows[:3]) + rows[3][:20])  # killed within the second chunk
    calls.clear()
    assert list(decide(config, proposals, tmp_path / "whole")) == expected
    assert calls == [6, 3]
    assert log.read_bytes() == b"".join(rows)
    calls.clear()
    assert list(decide(config, proposals, tmp_path / "whole")) == expected
    assert calls == []


def test_other_settings_or_texts_measure_anew(student: Path, tmp_path: Path) -> None:
    table = {"model": str(student), "below_one": False}
    first, second = revision("a", "Paris", "London"), revision("a", "Paris", "Berlin")
    log = tmp_path / "accept-student" / "losses.jsonl"
    found = []
    for proposal, more in ((first, {}), (second, {}), (second, {"response": "loss"})):
        list(decide(accept(student=table | more), again([proposal]), tmp_path))
        (row,) = [json.loads(line) for line in log.read_text().splitlines()]
        found.append(row)
    assert len({row["digest"] for row in found}) == 3
    assert list(found[2]["losses"]) == ["y1|x1", "y0|x1"]


def test_a_student_that_is_not_there_or_has_learnt_nothing_is_refused(tmp_path: Path) -> None:
    proposals = again([revision("a", "x", "y")])
    with pytest.raises(ModelError, match="does not exist"):
        decide(accept(student={"model": str(tmp_path / "nowhere")}), proposals, tmp_path)
    with pytest.raises(RecipeError, match="has learnt nothing yet"):
        accept(student={"model": "scratch:tiny"})


def test_a_run_begun_again_takes_its_losses_along(
    student: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = accept(student={"model": str(student), "below_one": False})
    proposals = again([revision("a", "Paris", "London"), revision("b", "Paris", "Berlin")])
    expected = list(decide(config, proposals, tmp_path / "run"))
    (tmp_path / "run").rename(tmp_path / "run.old-1")
    monkeypatch.setattr(measuring, "_load", lambda config: pytest.fail("measured again"))
    assert list(decide(config, proposals, tmp_path / "run")) == expected
