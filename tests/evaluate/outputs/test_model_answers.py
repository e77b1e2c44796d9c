"""Answers of a model, in AlpacaEval's columns and in MT-Bench's, and the reading of both."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from support.hostile_server import Act, Call, HostileServer, good
from tunewright.errors import BudgetReached, DataError, ModelError
from tunewright.evaluate.outputs.answered import MT_BENCH_FILE, OUTPUTS_FILE, Answered, read_answers
from tunewright.evaluate.outputs.config import AnswersConfig
from tunewright.evaluate.outputs.questions import Question, read_questions
from tunewright.evaluate.outputs.stage import answers, estimate_answers
from tunewright.evaluate.outputs.tuned import spec_of
from tunewright.llm.config import AskConfig
from tunewright.records.reject import Reject
from tunewright.run.files import read_jsonl

SHARED = Path(__file__).resolve().parents[3].parent / "shared"


def jsonl(path: Path, *rows: Any) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def scripted(folder: Path, rules: str, **more: Any) -> AnswersConfig:
    (folder / "rules.yaml").write_text(f"rules:\n{rules}", encoding="utf-8")
    return AnswersConfig(ask=AskConfig(model=f"scripted:{folder / 'rules.yaml'}"), generator="me", **more)


def questions_of(path: Path) -> tuple[list[Question], list[Reject]]:
    rejects: list[Reject] = []
    return list(read_questions(path, on_reject=rejects.append)), rejects


def answers_of(
    path: Path, questions: dict[str, Question] | None = None
) -> tuple[list[Answered], list[Reject]]:
    rejects: list[Reject] = []
    return read_answers(path, questions=questions or {}, on_reject=rejects.append), rejects


def test_prompts_are_read_from_data_sets_and_from_files_of_prompts_alone(tmp_path: Path) -> None:
    data = jsonl(tmp_path / "d.jsonl", {"instruction": "Add.", "input": "1 2", "output": "3", "system": "S"})
    alone = jsonl(tmp_path / "p.jsonl", {"prompt": "Add."}, {"prompt": 7}, {"prompt": "你好"})
    (found,), _ = questions_of(data)
    assert found.turns == ("Add.\n\n1 2",)  # as in tuning
    assert [(one.role, one.text) for one in found.before] == [("system", "S")]
    two, rejects = questions_of(alone)
    assert [one.turns for one in two] == [("Add.",), ("你好",)]
    assert [(one.line, one.field) for one in rejects] == [(2, "prompt")]


def test_a_broken_first_row_does_not_hide_what_a_file_of_prompts_is(tmp_path: Path) -> None:
    file = tmp_path / "p.jsonl"
    file.write_text('{"instruction": "a", "seen": NaN}\n{"instruction": "b"}\n')
    found, rejects = questions_of(file)
    assert [one.turns for one in found] == [("b",)]
    assert [one.line for one in rejects] == [1]
    with pytest.raises(DataError, match=r"no prompt that can be used; .*n\.jsonl:1: 'instruction'"):
        questions_of(jsonl(tmp_path / "n.jsonl", {"instruction": 5}))


def test_model_outputs_have_alpaca_evals_columns(tmp_path: Path) -> None:
    rules = "  - {contains: two, reply: '<think>hm</think> zwei'}\n  - {reply: 你好}\n"
    prompts = jsonl(tmp_path / "p.jsonl", {"instruction": "one", "dataset": "d"}, {"instruction": "two"})
    manifest = answers(scripted(tmp_path, rules), prompts, tmp_path / "out")
    rows = json.loads((tmp_path / "out" / OUTPUTS_FILE).read_text(encoding="utf-8"))
    assert rows == [
        {"instruction": "one", "output": "你好", "generator": "me", "dataset": "d", "datasplit": ""},
        {"instruction": "two", "output": "zwei", "generator": "me", "dataset": "", "datasplit": ""},
    ]
    assert manifest["counts"]["answers"] == 2
    assert answers_of(tmp_path / "out")[0][1].answers == ("zwei",)


def test_what_stands_before_a_prompt_is_kept_for_the_judge(tmp_path: Path) -> None:
    turns = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "A river?"},
        {"role": "assistant", "content": "The Rhine."},
        {"role": "user", "content": "Another?"},
        {"role": "assistant", "content": "(not read)"},
    ]
    data = jsonl(tmp_path / "d.jsonl", {"messages": turns})
    answers(scripted(tmp_path, "  - {reply: The Nile.}\n"), data, tmp_path / "out")
    (row,) = json.loads((tmp_path / "out" / OUTPUTS_FILE).read_text(encoding="utf-8"))
    assert (row["instruction"], row["before"]) == ("Another?", turns[:3])
    (back,), _ = answers_of(tmp_path / "out")
    assert [(one.role, one.text) for one in back.before] == [
        (turn["role"], turn["content"]) for turn in turns[:3]
    ]
    wrong = jsonl(tmp_path / "w.jsonl", row | {"before": "x"}, row | {"before": [{"role": "me"}]}, row)
    assert [(one.line, one.field) for one in answers_of(wrong)[1]] == [(1, "before"), (2, "before")]


def test_a_prompt_without_an_answer_is_a_reject_and_never_an_empty_answer(tmp_path: Path) -> None:
    rules = "  - {contains: long, refused: too long}\n  - {contains: mute, reply: ''}\n  - {reply: ok}\n"
    prompts = jsonl(tmp_path / "p.jsonl", *({"instruction": one} for one in ("fine", "long", "mute")))
    manifest = answers(scripted(tmp_path, rules), prompts, tmp_path / "out")
    rows = json.loads((tmp_path / "out" / OUTPUTS_FILE).read_text(encoding="utf-8"))
    assert [(row["instruction"], row["output"]) for row in rows] == [("fine", "ok"), ("mute", "")]
    (reject,) = read_jsonl(tmp_path / "out" / "rejects.jsonl")
    assert reject["reason"] == "prompt 2: refused: too long"
    assert {name: manifest["counts"][name] for name in ("prompts", "answers", "failed", "empty")} == {
        "prompts": 3,
        "answers": 2,
        "failed": 1,
        "empty": 1,
    }


def test_no_answer_at_all_is_an_error(tmp_path: Path) -> None:
    prompts = jsonl(tmp_path / "p.jsonl", {"instruction": "x"})
    with pytest.raises(DataError, match="answered none of 1 prompts; the first: no"):
        answers(scripted(tmp_path, "  - {refused: 'no'}\n"), prompts, tmp_path / "out")


def two_turns(folder: Path) -> Path:
    return jsonl(
        folder / "q.jsonl",
        {"question_id": 81, "category": "writing", "turns": ["Write.", "Again."]},
        {"question_id": 82, "category": "math", "turns": ["1+1?", "Plus 1?"], "reference": ["2", "3"]},
        {"question_id": 82, "category": "math", "turns": ["twice", "there"]},
        {"question_id": 83, "turns": "no list"},
    )


def test_the_second_turn_follows_the_models_own_first_answer(tmp_path: Path) -> None:
    """FastChat's rows; temperatures of MT-Bench by category; a repeated question is a reject."""

    def behaviour(call: Call) -> Act:
        said = [message["content"] for message in call.body["messages"]]
        return good(" | ".join(said))

    with HostileServer(behaviour) as server:
        config = AnswersConfig(
            ask=AskConfig(model="openai:m", base_url=server.base_url, replies=None), generator="m"
        )
        manifest = answers(config, two_turns(tmp_path), tmp_path / "out")
        asked = [body for body in server.bodies if body["messages"][0]["content"] in ("Write.", "1+1?")]
    rows = list(read_jsonl(tmp_path / "out" / MT_BENCH_FILE))
    assert [row["question_id"] for row in rows] == [81, 82]
    assert rows[1]["choices"] == [{"index": 0, "turns": ["1+1?", "1+1? | 1+1? | Plus 1?"]}]
    assert rows[0]["model_id"] == "m"
    temperatures = {body["messages"][0]["content"]: body["temperature"] for body in asked}
    assert temperatures == {"Write.": 0.7, "1+1?": 0.0}
    assert manifest["counts"]["rejected_rows"] == 2
    questions = {one.question_id: one for one in questions_of(two_turns(tmp_path))[0]}
    read, _ = answers_of(tmp_path / "out", questions)
    assert read[1].references == ("2", "3")
    assert read[1].reference(2) == "3"


def test_a_budget_stops_and_the_same_command_goes_on_without_paying_twice(tmp_path: Path) -> None:
    prompts = jsonl(tmp_path / "p.jsonl", *({"instruction": f"question {n}"} for n in range(8)))
    with HostileServer(lambda call: good()) as server:
        ask = {"model": "openai:m", "base_url": server.base_url, "concurrency": 1}
        poor = AnswersConfig(ask=AskConfig(**ask, budget_tokens=2370), max_tokens=20)
        with pytest.raises(BudgetReached):
            answers(poor, prompts, tmp_path / "out")
        assert not (tmp_path / "out" / OUTPUTS_FILE).exists()
        rich = AnswersConfig(ask=AskConfig(**ask), max_tokens=20)
        answers(rich, prompts, tmp_path / "out")
        questions = [call.text for call in server.calls if call.text.startswith("question")]
        assert sorted(questions) == [f"question {n}" for n in range(8)]


def test_a_dry_run_counts_both_turns_and_asks_nothing(tmp_path: Path) -> None:
    found = estimate_answers(
        scripted(tmp_path, "  - {reply: x}\n", max_tokens=10), two_turns(tmp_path), tmp_path / "out"
    )
    assert (found.num_requests, found.most_output_tokens) == (4, 40)
    assert not (tmp_path / "out").exists()


def test_the_folder_of_a_tuned_run_stands_for_its_model(tmp_path: Path) -> None:
    (tmp_path / "run" / "model").mkdir(parents=True)
    (tmp_path / "run" / "model" / "config.json").write_text("{}")
    (tmp_path / "other").mkdir()
    wanted = f"hf:{tmp_path / 'run' / 'model'}"
    assert spec_of(str(tmp_path / "run")) == wanted
    assert spec_of(f"hf:{tmp_path / 'run'}") == wanted
    assert spec_of(str(tmp_path / "run" / "model")) == wanted
    assert spec_of("openai:gpt") == "openai:gpt"
    assert spec_of("hf:owner/name") == "hf:owner/name"
    with pytest.raises(ModelError, match="holds no model and no tuned run"):
        spec_of(str(tmp_path / "other"))


def test_answers_of_others_are_read_with_what_is_odd_in_them(tmp_path: Path) -> None:
    """An empty answer is one, a bare JSON `true` is text, a missing one is a reject with its line."""
    rows = [
        {"instruction": "a", "output": ""},
        {"instruction": "b", "output": True},
        {"instruction": "c", "output": None},
        {"instruction": "d", "output": "x" * 1_000_000},
        {"output": "no instruction"},
    ]
    file = jsonl(tmp_path / "theirs.jsonl", *rows)
    found, rejects = answers_of(file)
    assert [len(one.answers[0]) for one in found] == [0, 4, 1_000_000]
    assert found[1].answers == ("true",)
    assert {one.generator for one in found} == {"theirs"}
    assert [(one.line, one.field) for one in rejects] == [(3, "output"), (5, "instruction")]


def test_files_that_are_no_answers_of_one_model_are_refused(tmp_path: Path) -> None:
    mixed = jsonl(
        tmp_path / "m.jsonl",
        {"instruction": "a", "output": "", "generator": "x"},
        {"instruction": "b", "output": "", "generator": "y"},
    )
    with pytest.raises(DataError, match=r"2 models \(x, y\)"):
        answers_of(mixed)
    with pytest.raises(DataError, match="holds no answers"):
        answers_of(tmp_path)
    with pytest.raises(DataError, match="no such file"):
        answers_of(tmp_path / "gone.json")
    bench = jsonl(tmp_path / "b.jsonl", {"question_id": 81, "choices": [{"turns": ["x", "y"]}]})
    with pytest.raises(DataError, match="give the question file"):
        answers_of(bench)


@pytest.mark.skipif(not SHARED.exists(), reason="needs the shared data")
def test_the_published_questions_are_eighty_with_two_turns() -> None:
    found, rejects = questions_of(SHARED / "data/eval/mt_bench/question.jsonl")
    assert len(found) == 80
    assert {len(one.turns) for one in found} == {2}
    assert not rejects
