"""The whole comparison: items with planted changes in, page and numbers out; nothing from a record acts."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Sequence
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from coach.scripted_coach import ScriptedCoach, write_coach, write_data
from tunewright.coach.compare import edits, stage
from tunewright.coach.compare.config import CompareConfig
from tunewright.coach.compare.stage import compare_sets, estimate_comparison
from tunewright.coach.revise import revise
from tunewright.coach.revise_config import ReviseConfig
from tunewright.coach.revision import Revision
from tunewright.errors import DataError, ModelError, RecipeError, RunFolderError
from tunewright.generate.items import generate_items
from tunewright.llm.reply import Answer, Broken, Reply, Usage
from tunewright.llm.request import Request
from tunewright.records import read_records, write_records
from tunewright.records.record import Record
from tunewright.run.config import parse_config

N = 30
HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(2)> {{ 7*7 }} \"' &amp; </style> \x00 **bold**"


class Judge:
    """Prefers the version that has the words "the rule asks" in its response; fails where told to."""

    model, revision, batch_size, max_concurrency = "judge", "1", 1, None

    def __init__(self, *, unreadable: str = "\0", silent: str = "\0") -> None:
        self.num_calls = 0
        self._unreadable, self._silent = unreadable, silent

    async def answer(self, requests: Sequence[Request]) -> list[Answer]:
        return [self._answer(request) for request in requests]

    async def close(self) -> None:
        pass

    def _answer(self, request: Request) -> Answer:
        self.num_calls += 1
        text = request.messages[1].text
        if self._silent in text:
            return Broken("no answer today")
        if self._unreadable in text:
            return Reply("Both are nice.", "stop", Usage(10, 3), 0.0)
        a, b = ("the rule asks" in _of(text, name) for name in "AB")
        verdict = "tie" if a == b else "A" if a else "B"
        reply = json.dumps({"reason": "Says why.", "verdict": verdict})
        return Reply(reply, "stop", Usage(10, 3), 0.0)


def _of(text: str, version: str) -> str:
    return "".join(
        re.findall(rf"<\w+ of {version} (\w{{12}})>(.*?)</\w+ of {version} \1>", text, re.DOTALL)[0]
    )


def originals() -> list[Record]:
    return [replace(one, id=f"i{n}", meta={"score": 3}) for n, one in enumerate(generate_items(N, seed=4))]


def revised(records: Sequence[Record]) -> list[Record]:
    """Every third record says why and is rated 5, every fifth of the others loses its text and is rated 1."""
    found = []
    for n, one in enumerate(records):
        if n % 3 == 0:
            one = replace(one, output=one.output + ", because the rule asks for it.", meta={"score": 5})
        elif n % 5 == 1:
            one = replace(one, output="N/A", meta={"score": 1})
        found.append(one)
    return found


@pytest.fixture
def sets(tmp_path: Path) -> tuple[Path, Path]:
    records = originals()
    write_records(records, tmp_path / "before.jsonl", format="native")
    write_records(revised(records), tmp_path / "after.jsonl", format="native")
    return tmp_path / "before.jsonl", tmp_path / "after.jsonl"


def judged(**more: Any) -> CompareConfig:
    ask = {"model": "openai:none", "max_asked_again": 0, "max_attempts": 1, **more.pop("ask", {})}
    return parse_config(CompareConfig, {"judge": ask, "score_before": "score", **more}, where="test")


def comparison(out: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((out / "comparison.json").read_text(encoding="utf-8"))
    return found


def test_planted_changes_come_out_as_they_were_planted(sets: tuple[Path, Path], tmp_path: Path) -> None:
    """Of 30 items 10 are explained (0, 3, …) and 4 ruined (1, 11, 16, 26)."""
    manifest = compare_sets(judged(), *sets, tmp_path / "out", backend=Judge())
    assert manifest["counts"] == {"pairs": 30, "changed": 14, "judged": 14, "without_verdict": 0}
    found = comparison(tmp_path / "out")
    assert found["edits"]["changed"]["count"] == 14
    rates = found["judge"]["rates"]
    assert (rates["wins"], rates["ties"], rates["losses"]) == (10, 4, 0)
    assert rates["wr1"]["value"] == pytest.approx(12 / 14)
    assert rates["wr2"]["value"] == 1.0
    with_unchanged = found["judge"]["with_unchanged"]
    assert (with_unchanged["ties"], with_unchanged["num_pairs"]) == (20, 30)
    assert found["judge"]["position"]["consistent"]["share"] == 1.0
    (gain,) = found["ratings"]["gains"]
    assert gain["mean"] == pytest.approx((10 * 2 - 4 * 2) / 30)
    errors = found["detectors"]["groups"][0]
    assert (errors["before"], errors["after"], errors["new"]) == (0, 4, 4)
    kinds = [(one["kind"], one["id"]) for one in found["examples"]]
    assert len(kinds) == 12
    assert {id for kind, id in kinds if kind == "failure"} == {"i1", "i11", "i16", "i26"}
    rows = [json.loads(line) for line in (tmp_path / "out/pairs.jsonl").read_text().splitlines()]
    assert [row["id"] for row in rows] == [f"i{n}" for n in range(30)]
    assert rows[1]["new"] == ["placeholder-output"]
    assert (rows[0]["judged"], rows[0]["gain"], rows[2]["changed"]) == ("win", 2.0, [])


def test_the_page_says_what_was_found_and_what_is_not_there(sets: tuple[Path, Path], tmp_path: Path) -> None:
    compare_sets(judged(), *sets, tmp_path / "out", backend=Judge())
    page = (tmp_path / "out/comparison.html").read_text(encoding="utf-8")
    for words in (
        "14 of 30 records (46.7",
        "The judge prefers the revised version in 85.7",
        "Largest improvements",
        "Worst failures",
        "--student SPEC --heldout FILE",
        "name the folder of tunewright revise as AFTER",
    ):
        assert words in page
    assert page.count("<svg") == 4
    assert "http" not in re.sub(r"<style>.*?</style>", "", page, flags=re.DOTALL)


def test_a_comparison_of_texts_alone_claims_nothing_of_quality(
    sets: tuple[Path, Path], tmp_path: Path
) -> None:
    compare_sets(CompareConfig(check=None), *sets, tmp_path / "out")
    found = comparison(tmp_path / "out")
    assert [found[part] for part in ("detectors", "ratings", "judge", "student", "bookkeeping")] == [None] * 5
    assert len(found["missing"]) == 5
    assert {one["kind"] for one in found["examples"]} == {"change"}
    page = (tmp_path / "out/comparison.html").read_text(encoding="utf-8")
    assert "was not asked" in page
    assert "Largest changes" in page


def test_equal_sets_have_nothing_changed(sets: tuple[Path, Path], tmp_path: Path) -> None:
    judge = Judge()
    compare_sets(judged(), sets[0], sets[0], tmp_path / "out", backend=judge)
    assert judge.num_calls == 0, "what is the same needs no judge"
    page = (tmp_path / "out/comparison.html").read_text(encoding="utf-8")
    assert "None of 30 records was changed." in page


def test_an_unreadable_verdict_is_counted_and_never_a_tie(sets: tuple[Path, Path], tmp_path: Path) -> None:
    """The judge talks wherever the response is ruined: those four pairs are in no rate."""
    compare_sets(judged(), *sets, tmp_path / "out", backend=Judge(unreadable="N/A"))
    found = comparison(tmp_path / "out")["judge"]
    assert (found["num_without"], found["no_verdict"]) == (4, {"unparsable": 8})
    assert (found["rates"]["num_pairs"], found["rates"]["ties"]) == (10, 0)
    assert found["with_unchanged"]["num_pairs"] == 26
    assert "4 judged pairs lack a readable verdict" in (tmp_path / "out/comparison.html").read_text()


def test_a_stopped_comparison_asks_only_what_it_has_no_verdict_of(
    sets: tuple[Path, Path], tmp_path: Path
) -> None:
    config = judged(ask={"allow_unanswered": True})
    first = compare_sets(config, *sets, tmp_path / "out", backend=Judge(silent="N/A"))
    assert first["finished"] is None
    assert first["counts"]["unanswered"] == 8
    again = Judge()
    second = compare_sets(config, *sets, tmp_path / "out", backend=again)
    assert again.num_calls == 8
    assert second["counts"]["judged"] == 14
    compare_sets(config, *sets, tmp_path / "clean", backend=Judge())
    for name in ("comparison.json", "pairs.jsonl"):
        resumed, clean = ((tmp_path / run / name).read_text() for run in ("out", "clean"))
        numbers = r'"(num_calls|prompt_tokens|output_tokens)": \d+'
        assert re.sub(numbers, "", resumed) == re.sub(numbers, "", clean)
    third = Judge()
    compare_sets(config, *sets, tmp_path / "out", backend=third)
    assert third.num_calls == 0, "a finished folder is left as it is"


def test_other_settings_need_another_folder(sets: tuple[Path, Path], tmp_path: Path) -> None:
    compare_sets(CompareConfig(), *sets, tmp_path / "out")
    with pytest.raises(RunFolderError, match="examples"):
        compare_sets(CompareConfig(examples=2), *sets, tmp_path / "out")


def test_a_dry_run_says_what_would_be_asked(sets: tuple[Path, Path], tmp_path: Path) -> None:
    script = tmp_path / "script.yaml"
    script.write_text("rules: [{reply: {reason: r, verdict: tie}}]")
    config = CompareConfig(judge={"model": f"scripted:{script}"}, judge_sample=5)  # type: ignore[arg-type]
    found = estimate_comparison(config, *sets, tmp_path / "out")
    assert found is not None
    assert (found.num_requests, found.num_to_ask) == (10, 10)
    assert not (tmp_path / "out").exists()
    assert estimate_comparison(CompareConfig(), *sets, tmp_path / "out") is None
    compare_sets(config, *sets, tmp_path / "out")
    judge = comparison(tmp_path / "out")["judge"]
    assert (judge["num_asked"], judge["rates"]["num_pairs"], judge["with_unchanged"]) == (5, 5, None)


def test_parts_that_belong_together_are_asked_for_together() -> None:
    for given, words in (
        ({"rated_before": "x"}, "go together"),
        ({"student": {"model": "scratch:tiny"}}, "go together"),
        ({"judge_sample": 3}, "needs judge"),
        ({"score_after": "s"}, "needs score_before"),
        ({"check": {"fix": True}}, "has a meaning here"),
    ):
        with pytest.raises(RecipeError, match=words):
            parse_config(CompareConfig, given, where="test")


def test_a_revise_folder_brings_its_books(tmp_path: Path) -> None:
    data = write_data(tmp_path / "data.jsonl", 20)
    coach = write_coach(tmp_path / "coach", list(read_records(data, on_reject=lambda reject: None))[:1])
    settings = {"coach": str(coach), "language": "en", "ask": {"max_asked_again": 1}}
    revise(
        parse_config(ReviseConfig, settings, where="test"), data, tmp_path / "new", backend=ScriptedCoach()
    )
    compare_sets(CompareConfig(), data, tmp_path / "new", tmp_path / "out")
    found = comparison(tmp_path / "out")
    books = found["bookkeeping"]
    assert books["num_records"] == sum(books["statuses"].values()) == 20
    assert books["statuses"]["left_alone"] == 1
    num_revised = books["statuses"]["revised"]
    assert found["edits"]["changed"]["count"] == num_revised > 0
    assert books["reasons"]["fell_back"]["unparsable"] == 1
    tokens = books["prompt_tokens"] + books["output_tokens"]
    assert books["tokens_per_revision"] == tokens / num_revised
    page = (tmp_path / "out/comparison.html").read_text(encoding="utf-8")
    assert "Of 20 records that the coach was given" in page
    assert "foreign script" in page


def test_nothing_in_a_record_acts_on_the_page(tmp_path: Path) -> None:
    fields = ("instruction", "input", "output", "explanation")
    old = Record(id=HOSTILE, **{name: f"{name} {HOSTILE}" for name in fields}, meta={"score": 1})  # type: ignore[arg-type]
    new = replace(old, **{name: f"{HOSTILE} new {name}" for name in fields}, meta={"score": 5})  # type: ignore[arg-type]
    for name, record in (("before", old), ("after", new)):
        write_records([record, replace(record, id="2")], tmp_path / f"{name}.jsonl", format="native")
    sets = [tmp_path / f"{name}.jsonl" for name in ("before", "after")]
    compare_sets(CompareConfig(score_before="score"), *sets, tmp_path / "out")
    page = (tmp_path / "out/comparison.html").read_text(encoding="utf-8")
    tags = _Tags()
    tags.feed(page)
    assert not {"script", "img", "iframe", "object"} & set(tags.names)
    assert not [name for name in tags.attributes if name.startswith("on")]
    assert "{{ 7*7 }}" in page, "shown as it is written"
    assert "**bold**" in page
    assert "\x00" not in page
    assert 'dir="auto"' in page


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.names: list[str] = []
        self.attributes: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.append(tag)
        self.attributes += [name for name, _ in attrs]


def test_sets_that_share_nothing_are_an_error_before_anything_is_written(tmp_path: Path) -> None:
    for name in ("a", "b"):
        write_records(
            [Record(id=name, instruction="x", output="y")], tmp_path / f"{name}.jsonl", format="native"
        )
    with pytest.raises(DataError, match="ids"):
        compare_sets(CompareConfig(), tmp_path / "a.jsonl", tmp_path / "b.jsonl", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_other_weights_of_the_student_need_another_folder(
    sets: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A folder under the same name may hold another model by then."""

    def stopped(*given: Any, **more: Any) -> None:
        raise ModelError("stopped while tuning")

    monkeypatch.setattr(stage, "tune_students", stopped)
    student = tmp_path / "student"
    student.mkdir()
    config = CompareConfig(student={"model": str(student)}, heldout=sets[0])  # type: ignore[arg-type]
    (student / "model.safetensors").write_bytes(b"weights")
    for _ in range(2):
        with pytest.raises(ModelError, match="stopped"):
            compare_sets(config, *sets, tmp_path / "out")
    (student / "model.safetensors").write_bytes(b"other weights")
    with pytest.raises(RunFolderError, match="student_model"):
        compare_sets(config, *sets, tmp_path / "out")


def test_the_win_rate_is_controlled_for_all_that_the_judge_saw_longer(tmp_path: Path) -> None:
    """Responses stay as long as they are; half of the pairs get an explanation, half lose one."""
    for name, explained in (("before", 0), ("after", 1)):
        records = [
            Record(
                id=f"{n}",
                instruction=f"Question {n}?",
                output=f"answer {name:>6}",
                explanation="Why? Because of it." if n % 2 == explained else "",
            )
            for n in range(12)
        ]
        write_records(records, tmp_path / f"{name}.jsonl", format="native")
    sets = [tmp_path / f"{name}.jsonl" for name in ("before", "after")]
    compare_sets(judged(score_before=None), *sets, tmp_path / "out", backend=Judge())
    controlled = comparison(tmp_path / "out")["judge"]["controlled"]
    assert controlled["num_near"] == 0
    assert controlled["longer_by_chars"] == pytest.approx(len("Why? Because of it."))


def test_text_that_only_went_to_another_field_is_a_change(tmp_path: Path) -> None:
    """The labelled line is the same, so the distance is 0; the record is not."""
    old = Record(id="1", instruction="Sort", input="3 1 2", output="1 2 3")
    new = replace(old, instruction="Sort Input: 3 1 2", input="")
    for name, record in (("before", old), ("after", new)):
        write_records([record], tmp_path / f"{name}.jsonl", format="native")
    sets = [tmp_path / f"{name}.jsonl" for name in ("before", "after")]
    compare_sets(CompareConfig(check=None), *sets, tmp_path / "out")
    found = comparison(tmp_path / "out")
    assert found["edits"]["changed"]["count"] == 1
    assert found["edits"]["distance_histogram"] == {"labels": ["0"], "counts": [1]}
    (example,) = found["examples"]
    assert (example["kind"], example["why"]) == ("change", ["text went from one field to another"])


def test_each_distance_is_computed_once(
    sets: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []
    known = edits.distance

    def counting(pair: Revision) -> edits.Distance:
        seen.append(pair.id)
        return known(pair)

    monkeypatch.setattr(edits, "distance", counting)
    compare_sets(CompareConfig(check=None), *sets, tmp_path / "out")
    assert sorted(seen) == sorted(f"i{n}" for n in range(N))


def test_one_very_long_field_takes_no_minutes_and_the_page_says_what_is_left_out(tmp_path: Path) -> None:
    for name, word in (("before", "word "), ("after", "wird ")):
        record = Record(id="1", instruction="Go.", output=word * 200_000)
        write_records([record], tmp_path / f"{name}.jsonl", format="native")
    sets = [tmp_path / f"{name}.jsonl" for name in ("before", "after")]
    started = time.process_time()
    compare_sets(CompareConfig(check=None), *sets, tmp_path / "out")
    assert time.process_time() - started < 20
    assert comparison(tmp_path / "out")["edits"]["num_bounded"] == 1
    page = (tmp_path / "out/comparison.html").read_text(encoding="utf-8")
    assert "too long for an exact distance" in page


def test_the_books_name_what_each_model_has_used(tmp_path: Path) -> None:
    """Twenty records, a policy that asks in both orders: its tokens are part of what a revision cost."""
    data = write_data(tmp_path / "data.jsonl", 20)
    settings = {
        "coach": str(write_coach(tmp_path / "coach")),
        "ask": {"max_asked_again": 0},
        "accept": {"preference": {"ask": {"model": "openai:none"}, "length_control": False}},
    }
    config = parse_config(ReviseConfig, settings, where="test")
    judge = Judge()
    revise(
        config,
        data,
        tmp_path / "new",
        backend=ScriptedCoach(only="revised"),
        accept_backends={"preference": judge},
    )
    compare_sets(CompareConfig(), data, tmp_path / "new", tmp_path / "out")
    books = comparison(tmp_path / "out")["bookkeeping"]
    coach, policy = books["used"]
    assert (coach["by"], policy["by"]) == ("coach", "preference")
    assert judge.num_calls == 40
    assert (policy["prompt_tokens"], policy["output_tokens"]) == (400, 120)
    assert books["prompt_tokens"] == coach["prompt_tokens"] + 400
    assert "of them preference" in (tmp_path / "out/comparison.html").read_text(encoding="utf-8")
