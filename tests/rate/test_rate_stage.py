"""The rate stage end to end, with scripted replies: N in, N out, and nothing that failed becomes a score."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from math import log
from pathlib import Path
from typing import Any

import pytest

from tunewright.errors import BudgetReached, DataError, ModelError, RunFolderError
from tunewright.llm.reply import Answer, Broken, Reply, TokenLogprob, Usage
from tunewright.llm.request import Request
from tunewright.rate import stage
from tunewright.rate.config import RateConfig
from tunewright.rate.stage import estimate_rating, rate
from tunewright.records import read_records
from tunewright.run.config import parse_config

QUESTIONS = ["Name a red fruit.", "What is 2 + 2?", "Sing a song.", "Say nothing.", "Name a colour."]
SCRIPT = """\
rules:
  - contains: "2 + 2"
    attempt: 0
    reply: "Four and a half."
  - contains: "2 + 2"
    reply: {reason: "Right.", score: 4.5}
  - contains: "Sing"
    reply: "La la la."
  - contains: "Say nothing"
    refused: "too long for the model"
  - contains: "colour"
    reply: {reason: "Wrong.", score: 1}
  - reply: {reason: "Fine.", score: 5}
"""


def write_data(path: Path, questions: Sequence[str] = QUESTIONS, **columns: Sequence[Any]) -> Path:
    rows = [
        {"id": f"r{number}", "instruction": text, "output": f"Answer {number}."}
        | {name: values[number] for name, values in columns.items()}
        for number, text in enumerate(questions)
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def write_script(path: Path, text: str = SCRIPT) -> str:
    path.write_text(text, encoding="utf-8")
    return f"scripted:{path}"


def config(
    tmp_path: Path, script: str = SCRIPT, ask: dict[str, Any] | None = None, **given: Any
) -> RateConfig:
    model = write_script(tmp_path / "script.yaml", script)
    return parse_config(RateConfig, {"ask": {"model": model, **(ask or {})}, **given}, where="test")


def rows(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


@pytest.fixture
def rated(tmp_path: Path) -> Path:
    data = write_data(tmp_path / "data.jsonl", topic=["fruit", "sums", "music", "quiet", "art"])
    data.write_text(data.read_text() + '{"instruction": "no output here"}\n')
    rate(config(tmp_path), data, tmp_path / "out")
    return tmp_path / "out"


def test_every_record_comes_out_in_order_with_its_score_or_without(rated: Path) -> None:
    found = list(read_records(rated / "records.jsonl"))
    assert [one.instruction for one in found] == QUESTIONS
    assert [one.meta["rating_accuracy"] for one in found] == [
        {"response": 5, "response.accuracy": 5},
        {"response": 4.5, "response.accuracy": 4.5},
        {},
        {},
        {"response": 1, "response.accuracy": 1},
    ]
    assert [one.meta["topic"] for one in found] == ["fruit", "sums", "music", "quiet", "art"]


def test_reasons_and_failures_are_kept_per_record(rated: Path) -> None:
    found = [row["criteria"]["response.accuracy"] for row in rows(rated / "ratings.jsonl")]
    assert found[1] == {"status": "rated", "score": 4.5, "reason": "Right."}
    assert (found[2]["status"], found[2]["raw"]) == ("unparsable", "La la la.")
    assert found[3] == {"status": "refused", "problem": "too long for the model", "raw": ""}


def test_failed_ratings_and_broken_rows_are_rejects(rated: Path) -> None:
    found = rows(rated / "rejects.jsonl")
    assert [(one["line"], one["field"], one["row"][:9]) for one in found] == [
        (3, "response.accuracy", "La la la."),
        (4, "response.accuracy", ""),
        (6, "output", '{"instruc'),
    ]
    assert found[0]["reason"].startswith("record r2: rating unparsable: there is no JSON object in it")
    assert found[1]["reason"] == "record r3: rating refused: too long for the model"


def test_the_manifest_counts_what_went_in_and_out(rated: Path) -> None:
    manifest = json.loads((rated / "manifest.json").read_text())
    assert manifest["counts"] == {"records": 5, "rejected_rows": 1, "ratings": 3, "failed_ratings": 2}
    assert manifest["extra"]["meta_key"] == "rating_accuracy"
    assert manifest["extra"]["main_side"] == "response"
    assert sorted(manifest["config"]["prompts"]) == [
        "rate.txt",
        "rate_expected.txt",
        "record.txt",
        "system.txt",
    ]


def test_the_summary_states_both_denominators_and_the_worst_first(rated: Path) -> None:
    summary = json.loads((rated / "summary.json").read_text())
    (score,) = summary["scores"]
    assert (score["high_of_all"]["count"], score["high_of_all"]["of"], score["high_of_rated"]["of"]) == (
        2,
        5,
        3,
    )
    assert score["without"] == {"unparsable": 1, "refused": 1}
    assert [one["id"] for one in summary["worst"]["records"]] == ["r4", "r1", "r0"]
    assert summary["worst"]["records"][0]["said"] == [
        {"criterion": "response.accuracy", "score": 1, "reason": "Wrong."}
    ]
    assert [one["id"] for one in summary["failed"]] == ["r2", "r3"]


def test_an_unusable_reply_is_asked_again_and_then_kept_as_failed(tmp_path: Path) -> None:
    """One question again is enough for "2 + 2"; without it there are three failures."""
    data = write_data(tmp_path / "data.jsonl")
    manifest = rate(config(tmp_path, ask={"max_asked_again": 0}), data, tmp_path / "out")
    assert manifest["counts"]["failed_ratings"] == 3


COACHLM = """\
rules:
  - contains: "Is the response right"
    reply: {reason: "An error.", score: 40}
  - contains: "Is the response safe"
    reply: "unsure"
  - reply: {reason: "Good.", score: 100}
"""


def test_sides_are_apart_and_a_failed_criterion_leaves_its_side_without_a_score(tmp_path: Path) -> None:
    data = write_data(tmp_path / "data.jsonl", QUESTIONS[:1])
    manifest = rate(config(tmp_path, COACHLM, criteria="coachlm"), data, tmp_path / "out")
    (record,) = read_records(tmp_path / "out" / "records.jsonl")
    scores = record.meta["rating_coachlm"]
    assert scores["instruction"] == 100
    assert "response" not in scores
    assert scores["response.correctness"] == 40
    assert manifest["counts"]["ratings"] == 9


def test_the_caps_decide_a_sides_score(tmp_path: Path) -> None:
    """Correctness 40 limits the response to 40 + 40·40/80 = 60."""
    script = COACHLM.replace('reply: "unsure"', "reply: {reason: Safe., score: 100}")
    data = write_data(tmp_path / "data.jsonl", QUESTIONS[:1])
    rate(config(tmp_path, script, criteria="coachlm"), data, tmp_path / "out")
    (record,) = read_records(tmp_path / "out" / "records.jsonl")
    assert (record.meta["rating_coachlm"]["instruction"], record.meta["rating_coachlm"]["response"]) == (
        100,
        60,
    )


def test_an_explanation_that_is_not_there_is_not_asked_about(tmp_path: Path) -> None:
    data = write_data(tmp_path / "data.jsonl", QUESTIONS[:2], explanation=["Because.", ""])
    script = "rules:\n  - reply: {reason: So., score: 3}\n"
    manifest = rate(config(tmp_path, script, criteria="elpa"), data, tmp_path / "out")
    assert manifest["counts"]["ratings"] == 5
    assert manifest["counts"]["failed_ratings"] == 0
    summary = json.loads((tmp_path / "out" / "summary.json").read_text())
    assert [(one["key"], one["without"]) for one in summary["scores"]][1] == ("explanation", {"absent": 1})
    names = set(rows(tmp_path / "out" / "records.jsonl")[0]["meta"]["rating_elpa"])
    assert {"record.estimated_readiness", "record.validity", "explanation.explanation"} < names


def test_a_finished_rating_asks_nothing_more_and_stays_the_same(tmp_path: Path) -> None:
    data = write_data(tmp_path / "data.jsonl")
    first = rate(config(tmp_path), data, tmp_path / "out")
    assert rate(config(tmp_path), data, tmp_path / "out") == first


def test_a_rating_stopped_by_its_budget_goes_on_and_ends_with_the_same_bytes(tmp_path: Path) -> None:
    data = write_data(tmp_path / "data.jsonl")
    rate(config(tmp_path), data, tmp_path / "whole")
    small = {"budget_tokens": 1200, "concurrency": 1}
    with pytest.raises(BudgetReached):
        rate(config(tmp_path, ask=small), data, tmp_path / "parts")
    rate(config(tmp_path), data, tmp_path / "parts")
    for name in ("records.jsonl", "ratings.jsonl", "rejects.jsonl", "summary.json", "summary.html"):
        assert (tmp_path / "parts" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes(), name


def test_calls_that_never_came_are_unanswered_when_that_is_allowed(tmp_path: Path) -> None:
    script = "rules:\n  - contains: Sing\n    broken: 9\n    reply: x\n  - reply: {reason: So., score: 3}\n"
    data = write_data(tmp_path / "data.jsonl")
    settings = {"max_attempts": 1}
    with pytest.raises(ModelError, match="--allow-unanswered"):
        rate(config(tmp_path, script, ask=settings), data, tmp_path / "out")
    rate(config(tmp_path, script, ask={**settings, "allow_unanswered": True}), data, tmp_path / "out")
    found = rows(tmp_path / "out" / "ratings.jsonl")[2]
    assert found["criteria"]["response.accuracy"]["status"] == "unanswered"
    assert found["scores"] == {}


def test_other_criteria_are_another_run(tmp_path: Path) -> None:
    data = write_data(tmp_path / "data.jsonl", QUESTIONS[:1])
    own = tmp_path / "own.yaml"
    text = (
        "name: own\nscale: {low: 0, high: 5, step: 0.5}\nhigh_from: 4\n"
        'criteria: [{name: tone, side: response, question: "Is it kind?"}]\n'
    )
    own.write_text(text)
    rate(config(tmp_path, criteria=str(own)), data, tmp_path / "out")
    own.write_text(text.replace("kind", "polite"))
    with pytest.raises(RunFolderError, match="Is it polite"):
        rate(config(tmp_path, criteria=str(own)), data, tmp_path / "out")


def test_an_earlier_rating_is_not_replaced(tmp_path: Path) -> None:
    data = write_data(tmp_path / "data.jsonl")
    rate(config(tmp_path), data, tmp_path / "one")
    manifest = rate(config(tmp_path), tmp_path / "one", tmp_path / "two")
    assert manifest["extra"]["meta_key"] == "rating_accuracy~2"
    first = next(iter(read_records(tmp_path / "two" / "records.jsonl")))
    assert list(first.meta) == ["rating_accuracy", "rating_accuracy~2"]


def test_ratings_are_compared_with_people(tmp_path: Path) -> None:
    data = write_data(tmp_path / "data.jsonl", stars=[5, 4, 1, None, 2])
    rate(config(tmp_path, human="stars"), data, tmp_path / "out")
    found = json.loads((tmp_path / "out" / "summary.json").read_text())["agreement"]
    assert (found["key"], found["num_pairs"], found["num_human_only"]) == ("response", 3, 1)
    assert found["exact"]["count"] == 1  # 5 and 5; 4.5 beside 4 and 1 beside 2 are within one
    assert found["close"]["count"] == 3


def test_a_score_that_the_criteria_do_not_give_cannot_be_compared(tmp_path: Path) -> None:
    data = write_data(tmp_path / "data.jsonl", stars=[5] * 5)
    with pytest.raises(DataError, match=r"'tone' is no score of 'accuracy'; its scores are response, resp"):
        rate(config(tmp_path, human="stars", human_score="tone"), data, tmp_path / "out")


def test_before_and_after_are_compared_by_id(tmp_path: Path) -> None:
    data = write_data(tmp_path / "data.jsonl")
    rate(config(tmp_path), data, tmp_path / "one")
    changed = write_data(tmp_path / "changed.jsonl", [*QUESTIONS[:4], "Name a fruit."])
    rate(config(tmp_path, before=str(tmp_path / "one")), changed, tmp_path / "two")
    comparison = json.loads((tmp_path / "two" / "summary.json").read_text())["comparison"]
    (side,) = comparison["sides"]
    assert (side["num_matched"], side["num_both"], side["num_better"], side["num_same"]) == (5, 3, 1, 2)
    assert comparison["same_rater"] is True


def test_only_ratings_by_the_same_criteria_are_compared(tmp_path: Path) -> None:
    data = write_data(tmp_path / "data.jsonl", QUESTIONS[:1])
    rate(config(tmp_path, COACHLM, criteria="coachlm"), data, tmp_path / "one")
    with pytest.raises(DataError, match=r"was rated by other criteria \('coachlm'\)"):
        rate(config(tmp_path, before=str(tmp_path / "one")), data, tmp_path / "two")


def test_an_estimate_asks_and_writes_nothing(tmp_path: Path) -> None:
    data = write_data(tmp_path / "data.jsonl")
    settings = config(tmp_path, ask={"price_input": 1.0, "price_output": 10.0})
    found = estimate_rating(settings, data, tmp_path / "out")
    assert (found.num_requests, found.num_to_ask, found.most_output_tokens) == (5, 5, 5 * 512)
    assert found.most_cost is not None
    assert found.most_cost > 5 * 512 * 10 / 1e6
    assert not (tmp_path / "out").exists()


class Told:
    """Gives one score for everything, and nothing where its question is among `silent`."""

    model, revision, batch_size, max_concurrency = "told", "1", 1, None

    def __init__(self, score: int = 3, *, silent: Sequence[str] = (), logprob: float | None = None) -> None:
        self.score, self.silent, self.logprob = score, silent, logprob
        self.num_asked = 0

    async def answer(self, requests: Sequence[Request]) -> list[Answer]:
        self.num_asked += len(requests)
        return [self._answer(request.messages[-1].text) for request in requests]

    async def close(self) -> None: ...

    def _answer(self, question: str) -> Answer:
        if any(word in question for word in self.silent):
            return Broken("no route to host")
        if self.logprob is None:
            return Reply(f'{{"reason": "So.", "score": {self.score}}}', "stop", Usage(9, 5), 0.0)
        tokens = [TokenLogprob('{"score": ', 0.0), TokenLogprob(str(self.score), self.logprob)]
        text = f'{{"score": {self.score}}}'
        return Reply(text, "stop", Usage(9, 5), 0.0, logprobs=(*tokens, TokenLogprob("}", 0.0)))


def test_a_rating_with_unanswered_requests_is_not_done_and_heals(tmp_path: Path) -> None:
    """All files are there to look at; the same call asks the rest and nothing else, and finishes."""
    data, out = write_data(tmp_path / "data.jsonl"), tmp_path / "out"
    settings = config(tmp_path, ask={"max_attempts": 1, "allow_unanswered": True})
    found = rate(settings, data, out, backend=Told(silent=["Sing", "colour"]))
    assert found["finished"] is None
    assert found["counts"] == {
        "records": 5,
        "rejected_rows": 0,
        "ratings": 3,
        "failed_ratings": 2,
        "unanswered": 2,
    }
    assert not (out / "manifest.json").exists()
    for name in ("records.jsonl", "ratings.jsonl", "rejects.jsonl", "summary.json", "summary.html"):
        assert (out / name).is_file()
    told = Told()
    manifest = rate(settings, data, out, backend=told)
    assert told.num_asked == 2
    assert manifest["counts"] == {"records": 5, "rejected_rows": 0, "ratings": 5, "failed_ratings": 0}
    assert manifest["finished"]
    rate(settings, data, tmp_path / "whole", backend=Told())
    for name in ("records.jsonl", "ratings.jsonl", "rejects.jsonl", "summary.json"):
        assert (out / name).read_bytes() == (tmp_path / "whole" / name).read_bytes(), name


def test_without_calls_a_rating_is_not_done_until_every_reply_is_there(tmp_path: Path) -> None:
    data, out = write_data(tmp_path / "data.jsonl", QUESTIONS[:1]), tmp_path / "out"
    silent = config(tmp_path, ask={"calls": False})
    assert rate(silent, data, out, backend=Told())["counts"]["unanswered"] == 1
    assert rate(config(tmp_path), data, out, backend=Told())["counts"]["ratings"] == 1
    assert rate(silent, data, out, backend=Told())["finished"]


def test_an_unanswered_repetition_of_a_question_is_asked_later_too(tmp_path: Path) -> None:
    """Its outcome is `unparsable`, by the reply that came; another call could still change that."""
    data, out = write_data(tmp_path / "data.jsonl", ["What is 2 + 2?"]), tmp_path / "out"
    settings = config(tmp_path, ask={"max_attempts": 1, "allow_unanswered": True})
    found = rate(settings, data, out, backend=Told(7, silent=["'7'"]))  # on no scale; asked again, silence
    assert (found["finished"], found["counts"]["failed_ratings"], found["counts"]["unanswered"]) == (
        None,
        1,
        1,
    )
    assert rate(settings, data, out, backend=Told(4))["counts"]["ratings"] == 1


def test_expected_scores_of_several_criteria_stay_on_the_scale(tmp_path: Path) -> None:
    """With this logarithm 5·p/p is 5.000000000000001, and no bin of the summary would hold it."""
    data = write_data(tmp_path / "data.jsonl", explanation=["Because."] * 5)
    settings = config(tmp_path, criteria="elpa", expected=True)
    rate(settings, data, tmp_path / "out", backend=Told(5, logprob=-0.1775671194963353))
    found = rows(tmp_path / "out" / "ratings.jsonl")
    assert all(score == 5 for row in found for score in row["scores"].values())


def test_a_hostile_log_probability_leaves_the_plain_score(tmp_path: Path) -> None:
    data = write_data(tmp_path / "data.jsonl", QUESTIONS[:2])
    for number, hostile in enumerate((1000.0, float("inf"), float("nan"))):
        out = tmp_path / f"out{number}"
        rate(config(tmp_path, expected=True), data, out, backend=Told(4, logprob=hostile))
        assert [row["scores"]["response"] for row in rows(out / "ratings.jsonl")] == [4, 4]


def test_a_rating_compared_with_is_known_by_what_it_holds(tmp_path: Path) -> None:
    """Rated anew by the same settings, the earlier folder has other scores: the comparison is stale."""
    data, old, new = write_data(tmp_path / "data.jsonl"), tmp_path / "old", tmp_path / "new"
    rate(config(tmp_path), data, old, backend=Told(1))
    rate(config(tmp_path, before=str(old)), data, new, backend=Told(4))
    shutil.copytree(old, tmp_path / "copy")
    rate(config(tmp_path, before=str(tmp_path / "copy")), data, new, backend=Told(4))
    shutil.rmtree(old)
    rate(config(tmp_path), data, old, backend=Told(5))
    with pytest.raises(RunFolderError, match="input before has changed"):
        rate(config(tmp_path, before=str(old)), data, new, backend=Told(4))


def test_a_broken_row_more_is_other_data(tmp_path: Path) -> None:
    data = write_data(tmp_path / "data.jsonl", QUESTIONS[:1])
    rate(config(tmp_path), data, tmp_path / "out")
    with data.open("a") as file:
        file.write('{"instruction": "no output here"}\n')
    with pytest.raises(RunFolderError, match="input data has changed"):
        rate(config(tmp_path), data, tmp_path / "out")


class Confident:
    """Gives each score with its probabilities, but none for questions about fruit."""

    model, revision, batch_size, max_concurrency = "confident", "1", 1, None

    async def answer(self, requests: Sequence[Request]) -> list[Answer]:
        assert all(request.top_logprobs for request in requests)
        return [self._reply("fruit" not in request.messages[-1].text) for request in requests]

    async def close(self) -> None: ...

    def _reply(self, is_open: bool) -> Reply:
        top = (("4", log(0.75)), ("2", log(0.25)))
        tokens = (TokenLogprob('{"score": ', 0.0), TokenLogprob("4", log(0.75), top), TokenLogprob("}", 0.0))
        return Reply('{"score": 4}', "stop", Usage(9, 5), 0.0, logprobs=tokens if is_open else None)


def test_expected_scores_are_means_and_plain_ones_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stage, "open_backend", lambda config: Confident())
    data = write_data(tmp_path / "data.jsonl", QUESTIONS[:2])
    rate(config(tmp_path, expected=True), data, tmp_path / "out")
    found = rows(tmp_path / "out" / "ratings.jsonl")
    assert [row["scores"]["response"] for row in found] == [4, 3.5]
    assert found[1]["criteria"]["response.accuracy"]["expected"] == {
        "score": pytest.approx(3.5),
        "spread": pytest.approx(0.8660, abs=1e-4),
        "mass": pytest.approx(1.0),
    }
    page = (tmp_path / "out" / "summary.html").read_text()
    assert "1 of 2 ratings are plain scores" in page
