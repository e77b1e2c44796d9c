"""Revising a set: as many records out as in, in order, each with what became of it and why."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy
import orjson
import pytest

from coach.scripted_coach import WAYS, ScriptedCoach, row, write_coach, write_data
from tunewright.coach.revise import estimate_accepting, estimate_revising, revise
from tunewright.coach.revise_config import ReviseConfig
from tunewright.errors import DataError, ModelError, RecipeError, RunFolderError
from tunewright.llm.backend import Backend
from tunewright.llm.journal import Journal
from tunewright.llm.reply import Answer, Reply, Usage
from tunewright.llm.request import Request
from tunewright.records import read_records
from tunewright.records.record import Record, Turn
from tunewright.run.config import parse_config

N = 40  # every way of `WAYS` twice
EXPECTED = {
    "revised": ("revised", ""),
    "unchanged": ("unchanged", ""),
    "mended": ("revised", ""),
    "broken": ("revised", ""),
    "thinking": ("revised", ""),
    "flagged": ("revised", ""),
    "filtered": ("fell_back", "refused"),
    "too_long": ("too_long", "too_long"),
} | {
    way: ("fell_back", way)
    for way in (
        "unparsable",
        "cut",
        "empty_field",
        "foreign_script",
        "repetition",
        "over_long",
        "changed_task_data",
        "dropped_constraint",
        "refused",
    )
}


def config(coach: Path | str, **more: Any) -> ReviseConfig:
    settings = {"coach": str(coach), "language": "en", "ask": {"max_asked_again": 1}} | more
    return parse_config(ReviseConfig, settings, where="test")


def rows(path: Path) -> list[dict[str, Any]]:
    return [orjson.loads(line) for line in path.read_bytes().splitlines()]


def records(path: Path) -> list[Record]:
    return list(read_records(path, on_reject=lambda reject: None))


def write_rows(path: Path, *given: dict[str, Any]) -> Path:
    path.write_bytes(b"".join(orjson.dumps(one) + b"\n" for one in given))
    return path


def notes(out: Path, key: str = "revision") -> list[dict[str, Any]]:
    return [dict(record.meta[key]) for record in records(out / "records.jsonl")]


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a set of every way and its revision by a coach that was trained on r0 and r21."""
    folder = tmp_path_factory.mktemp("revised")
    data = write_data(folder / "data.jsonl", N)
    known = [record for record in records(data) if record.id in ("r0", "r21")]
    coach = write_coach(folder / "coach", known)
    revise(config(coach), data, folder / "out", backend=ScriptedCoach())
    return folder


def test_as_many_records_come_out_as_go_in_and_in_their_order(done: Path) -> None:
    before, after = records(done / "data.jsonl"), records(done / "out" / "records.jsonl")
    assert [record.id for record in after] == [record.id for record in before]
    assert len(after) == N


def test_every_way_to_fail_falls_back_with_its_reason(done: Path) -> None:
    for number, (record, note) in enumerate(
        zip(records(done / "data.jsonl"), notes(done / "out"), strict=True)
    ):
        way = WAYS[number % len(WAYS)]
        expected = ("left_alone", "training_pair") if record.id in ("r0", "r21") else EXPECTED[way]
        assert (note["status"], note["reason"]) == expected, (record.id, way)


def test_what_is_not_revised_stays_as_it_was(done: Path) -> None:
    before, after = records(done / "data.jsonl"), records(done / "out" / "records.jsonl")
    for old, new in zip(before, after, strict=True):
        if new.meta["revision"]["status"] != "revised":
            assert replace(new, meta=old.meta) == old


def test_the_original_can_be_made_again_from_the_note(done: Path) -> None:
    before, after = records(done / "data.jsonl"), records(done / "out" / "records.jsonl")
    num_changed = 0
    for old, new in zip(before, after, strict=True):
        note = new.meta["revision"]
        assert list(note.get("original", {})) == note["changed"]
        assert replace(new, meta=old.meta, **note.get("original", {})) == old
        num_changed += bool(note["changed"])
    assert num_changed == 13  # of the 14 that would be revised, r0 was a training pair


def test_counts_add_up_to_the_number_of_records(done: Path) -> None:
    summary = json.loads((done / "out" / "summary.json").read_bytes())
    assert summary["statuses"] == {
        "revised": 13,
        "unchanged": 3,
        "rejected": 0,
        "fell_back": 20,
        "too_long": 2,
        "left_alone": 2,
    }
    assert sum(summary["statuses"].values()) == N
    assert summary["reasons"]["fell_back"] == {
        "refused": 4,
        "changed_task_data": 2,
        "cut": 2,
        "dropped_constraint": 2,
        "empty_field": 2,
        "foreign_script": 2,
        "over_long": 2,
        "repetition": 2,
        "unparsable": 2,
    }
    assert summary["changed_fields"] == {"instruction": 0, "input": 2, "output": 13, "explanation": 0}
    assert summary["num_rejected_rows"] == 2
    assert len(rows(done / "out" / "rejects.jsonl")) == 2


def test_a_number_changed_in_the_input_is_flagged(done: Path) -> None:
    summary = json.loads((done / "out" / "summary.json").read_bytes())
    assert summary["num_flagged"] >= 2
    flagged = notes(done / "out")[WAYS.index("flagged")]["flags"]
    assert any(flag["field"] == "input" and "14" in flag["before"] for flag in flagged)


def test_a_row_keeps_both_versions_and_the_raw_text_of_what_could_not_be_used(done: Path) -> None:
    found = rows(done / "out" / "revisions.jsonl")
    assert [one["id"] for one in found] == [f"r{number}" for number in range(N)]
    unparsable = found[WAYS.index("unparsable")]
    assert unparsable["proposal"] is None
    assert unparsable["raw"] == "Here is a better version of it!"
    assert unparsable["num_calls"] == 2
    assert "end" in unparsable["detail"]
    assert "Выдра нашла яйца" in found[WAYS.index("foreign_script")]["raw"]
    revised = found[3]
    assert revised["original"]["output"] == "the lynx finds eggs number 3"
    assert revised["proposal"]["output"] == "The lynx finds eggs number 3."
    assert revised["raw"] == ""


def test_the_manifest_says_how_it_was_revised(done: Path) -> None:
    manifest = json.loads((done / "out" / "manifest.json").read_bytes())
    assert manifest["extra"]["coach"] == "c0ac" * 16
    assert manifest["extra"]["decoding"] == {
        "temperature": 0.0,
        "top_p": 1.0,
        "max_tokens": 2048,
        "seed": 7,
    }
    assert (manifest["extra"]["form"], manifest["extra"]["style"]) == ("lines", "trained")
    assert manifest["config"]["coach"] == "c0ac" * 16
    assert manifest["counts"]["records"] == N
    assert str(done) not in json.dumps(manifest["config"])


def test_a_finished_run_asks_nothing_again(done: Path) -> None:
    backend = ScriptedCoach()
    revise(config(done / "coach"), done / "data.jsonl", done / "out", backend=backend)
    assert backend.requests == []


def test_a_set_of_training_pairs_alone_is_left_alone_in_full(tmp_path: Path) -> None:
    data = write_data(tmp_path / "data.jsonl", 9)
    coach = write_coach(tmp_path / "coach", records(data))
    backend = ScriptedCoach()
    manifest = revise(config(coach), data, tmp_path / "out", backend=backend)
    assert manifest["counts"]["left_alone"] == 9
    assert backend.requests == []
    backend = ScriptedCoach(only="revised")
    manifest = revise(config(coach, revise_trained=True), data, tmp_path / "all", backend=backend)
    assert manifest["counts"]["revised"] == 9


@pytest.mark.parametrize("form", ["lines", "marked", "flat"])
def test_every_form_revises_alike(tmp_path: Path, form: str) -> None:
    data = write_data(tmp_path / "data.jsonl", 3)
    coach = write_coach(tmp_path / "coach", form=form)
    backend = ScriptedCoach(only="revised", form=form)
    revise(config(coach), data, tmp_path / "out", backend=backend)
    outputs = [record.output for record in records(tmp_path / "out" / "records.jsonl")]
    assert outputs[0] == "The otter finds eggs number 0."


def test_odd_records_come_through(tmp_path: Path) -> None:
    """No instruction, one id twice, a conversation, another script, a column with the note's own name."""
    data = write_rows(
        tmp_path / "data.jsonl",
        {
            "tunewright": 1,
            "id": "r1",
            "instruction": "",
            "input": "Say it twice.",
            "output": "only an output",
            "meta": {"revision": 1},
        },
        {"tunewright": 1, "id": "r1", "instruction": "Say it.", "output": "it"},
        {"id": "r3", "instruction": "用一句话介绍北京。", "output": "北京是中国的首都。"},
    )
    native = Record(
        id="r4",
        instruction="And in winter?",
        output="cold",
        system="Be brief.",
        history=(Turn("user", "How is it in summer?"), Turn("assistant", "Warm.")),
    )
    with data.open("ab") as file:
        file.write(
            orjson.dumps(
                {
                    "tunewright": 1,
                    "id": native.id,
                    "instruction": native.instruction,
                    "output": native.output,
                    "system": native.system,
                    "history": [
                        {"speaker": "user", "text": "How is it in summer?"},
                        {"speaker": "assistant", "text": "Warm."},
                    ],
                }
            )
        )
    before = records(data)

    class Adds(ScriptedCoach):
        def _answer(self, request: Any) -> Any:
            record = replace(request.about, id="r0")
            return super()._answer(replace(request, about=record))

    backend = Adds(only="revised")
    settings = config(write_coach(tmp_path / "coach"), language="any")
    revise(settings, data, tmp_path / "out", backend=backend)
    after = records(tmp_path / "out" / "records.jsonl")
    assert [one.id for one in after] == [one.id for one in before] == ["r1", "r1~2", "r3", "r4"]
    assert [one.output for one in after] == ["Only an output.", "It.", "北京是中国的首都。.", "Cold."]
    assert after[0].meta["revision"] == 1
    assert after[0].meta["revision~2"]["status"] == "revised"
    assert (after[3].system, after[3].history) == (native.system, native.history)
    asked = next(one for one in backend.requests if one.subject == "r4").messages[-1].text
    assert "Be brief." in asked
    assert "How is it in summer?" in asked


def test_a_set_without_a_record_is_an_error_that_says_so(tmp_path: Path) -> None:
    (tmp_path / "data.jsonl").write_bytes(b"")
    with pytest.raises(DataError, match="the file is empty"):
        revise(
            config(write_coach(tmp_path / "coach")), tmp_path / "data.jsonl", tmp_path / "out",
            backend=ScriptedCoach(),
        )  # fmt: skip


def test_a_trained_coach_is_not_asked_again_unless_told_to(tmp_path: Path) -> None:
    data = write_data(tmp_path / "data.jsonl", 3)
    coach = write_coach(tmp_path / "coach")
    backend = ScriptedCoach(only="unparsable")
    revise(config(coach, ask={}), data, tmp_path / "out", backend=backend)
    assert len(backend.requests) == 3
    backend = ScriptedCoach(only="unparsable")
    revise(config("fake:coach", ask={}), data, tmp_path / "general", backend=backend)
    assert len(backend.requests) == 9  # once and, as for any model, twice more


def test_sampling_gives_each_record_a_seed_of_its_own(tmp_path: Path) -> None:
    """A record's seed depends on the seed and its id: not on the records around it."""
    coach = write_coach(tmp_path / "coach")
    sampling = {"temperature": 0.7, "top_p": 0.9}

    def seeds(name: str, *numbers: int, **more: Any) -> dict[str, Any]:
        data = write_rows(tmp_path / f"{name}.jsonl", *map(row, numbers))
        backend = ScriptedCoach(only="revised")
        revise(config(coach, decoding=sampling | more), data, tmp_path / name, backend=backend)
        assert {(one.temperature, one.top_p) for one in backend.requests} == {(0.7, 0.9)}
        return {one.subject: one.seed for one in backend.requests}

    both, alone, other = seeds("both", 3, 4), seeds("alone", 4), seeds("other", 4, seed=8)
    assert both["r3"] != both["r4"]
    assert both["r4"] == alone["r4"]
    assert other["r4"] != alone["r4"]
    backend = ScriptedCoach(only="revised")
    revise(config(coach), write_rows(tmp_path / "g.jsonl", row(4)), tmp_path / "greedy", backend=backend)
    assert [one.seed for one in backend.requests] == [None]


def test_a_policy_rejects_and_both_versions_are_kept(tmp_path: Path) -> None:
    data = write_rows(tmp_path / "data.jsonl", row(3), row(1), row(6))
    policy = {"meaning": {"response": 1.0, "instruction": None}}  # no change of the output is that alike
    settings = config(write_coach(tmp_path / "coach"), accept=policy)
    manifest = revise(settings, data, tmp_path / "out", backend=ScriptedCoach())
    assert manifest["counts"]["rejected"] == 2
    assert manifest["counts"]["unchanged"] == 1
    first = records(tmp_path / "out" / "records.jsonl")[0]
    assert first.output == "the lynx finds eggs number 3"
    assert first.meta["revision"]["status"] == "rejected"
    assert first.meta["revision"]["reason"]
    assert first.meta["revision"]["proposal"] == {"output": "The lynx finds eggs number 3."}
    decision = rows(tmp_path / "out" / "revisions.jsonl")[0]["decision"]
    assert decision["accepted"] is False
    assert decision["scores"]


def test_a_policy_may_accept(tmp_path: Path) -> None:
    data = write_rows(tmp_path / "data.jsonl", row(3), row(1), row(6))
    policy = {"meaning": {"response": 0.1, "instruction": None}}
    settings = config(write_coach(tmp_path / "coach"), accept=policy)
    manifest = revise(settings, data, tmp_path / "out", backend=ScriptedCoach())
    assert manifest["counts"]["revised"] == 2
    assert notes(tmp_path / "out")[0]["scores"]


def test_requests_without_a_reply_leave_the_run_unfinished(tmp_path: Path) -> None:
    data = write_rows(tmp_path / "data.jsonl", row(3), row(15))
    coach = write_coach(tmp_path / "coach")
    one_try = {"allow_unanswered": True, "max_attempts": 1}
    manifest = revise(config(coach, ask=one_try), data, tmp_path / "out", backend=ScriptedCoach())
    assert manifest["finished"] is None
    assert manifest["counts"]["unanswered"] == 1
    assert [note["reason"] for note in notes(tmp_path / "out")] == ["", "unanswered"]
    manifest = revise(config(coach, ask={}), data, tmp_path / "out", backend=ScriptedCoach())
    assert manifest["finished"] is not None
    assert manifest["counts"]["revised"] == 2


def test_a_dry_run_counts_what_would_be_asked(tmp_path: Path) -> None:
    script = tmp_path / "script.yaml"
    script.write_text("rules: [{reply: keep}]\n")
    data = write_data(tmp_path / "data.jsonl", 12)
    found = estimate_revising(config(f"scripted:{script}"), data, tmp_path / "out")
    assert (found.num_requests, found.num_to_ask) == (12, 12)
    assert found.most_output_tokens == 12 * 1024
    assert not (tmp_path / "out").exists()


def test_a_coach_served_elsewhere_keeps_its_form_and_version(tmp_path: Path) -> None:
    """With a folder, ask.model says who answers; the coach's own prompt, form and training pairs hold."""
    script = tmp_path / "script.yaml"
    script.write_text("rules: [{reply: keep}]\n")
    data = write_data(tmp_path / "data.jsonl", 3)
    coach = write_coach(tmp_path / "coach", records(data)[:1])
    settings = config(coach, ask={"model": f"scripted:{script}"})
    manifest = revise(settings, data, tmp_path / "out")
    assert (manifest["counts"]["left_alone"], manifest["counts"]["unchanged"]) == (1, 2)
    assert manifest["extra"]["coach"] == "c0ac" * 16
    assert manifest["extra"]["model"] == f"scripted:{script}"


def test_wrong_settings_are_sentences(tmp_path: Path) -> None:
    coach = write_coach(tmp_path / "coach")
    data = write_data(tmp_path / "data.jsonl", 3)
    with pytest.raises(RecipeError, match=r"form is 'flat', but the coach in .* was trained with 'lines'"):
        revise(config(coach, form="flat"), data, tmp_path / "out")
    with pytest.raises(ModelError, match="no-such-folder: there is no such folder"):
        revise(config("no-such-folder"), data, tmp_path / "out")
    with pytest.raises(ModelError, match="is a model, not the folder of a coach; write hf:"):
        revise(config(coach / "tune" / "model"), data, tmp_path / "out")
    with pytest.raises(RecipeError, match="ask"):
        config(coach, ask="openai:a")
    with pytest.raises(RecipeError, match=r"ask.model cannot be another one \('openai:b'\)"):
        config("openai:a", ask={"model": "openai:b"})
    with pytest.raises(RecipeError, match="language code"):
        config(coach, language="English")


def test_backends_of_many_at_a_time_get_like_lengths_together(tmp_path: Path) -> None:
    """The longest first; the records come out in their own order all the same."""

    class ManyAtATime(ScriptedCoach):
        batch_size = 2
        max_concurrency: int | None = 1

    given = [row(number) | {"output": "ab " * length} for number, length in enumerate((5, 90, 7, 80))]
    data = write_rows(tmp_path / "data.jsonl", *given)
    backend: Backend = ManyAtATime(only="revised")
    revise(config(write_coach(tmp_path / "coach")), data, tmp_path / "out", backend=backend)
    assert isinstance(backend, ManyAtATime)
    assert [one.subject for one in backend.requests] == ["r1", "r3", "r2", "r0"]
    assert [one.id for one in records(tmp_path / "out" / "records.jsonl")] == ["r0", "r1", "r2", "r3"]


class Judge:
    """Prefers what is shown as B and then as A: the revised version, in both orders."""

    model, revision, batch_size, max_concurrency = "fake:judge", "1", 1, None

    def __init__(self) -> None:
        self.num_calls = 0

    async def answer(self, requests: Sequence[Request]) -> list[Answer]:
        self.num_calls += len(requests)
        texts = [request.messages[-1].text for request in requests]
        return [Reply(self._verdict(text), "stop", Usage(100, 10), 0.0) for text in texts]

    async def close(self) -> None:
        """Nothing is open."""

    def _verdict(self, text: str) -> str:
        is_a = re.search(r"<response of A \w+>\n[A-Z]", text) is not None
        return json.dumps({"reason": "It begins well.", "verdict": "A" if is_a else "B"})


PREFERENCE = {"ask": {"model": "openai:judge"}, "length_control": False}


def test_what_the_policies_asked_is_part_of_what_the_run_used(tmp_path: Path) -> None:
    """Two proposals in both orders, 100 and 10 tokens each."""
    data = write_rows(tmp_path / "data.jsonl", row(3), row(1), row(6))
    prices = {"price_input": 1e6, "price_output": 1e6}
    policy = {"preference": PREFERENCE | {"ask": {"model": "openai:judge", **prices}}}
    coach = write_coach(tmp_path / "coach")
    backends = {"preference": Judge()}
    manifest = revise(
        config(coach, accept=policy), data, tmp_path / "out",
        backend=ScriptedCoach(), accept_backends=backends,
    )  # fmt: skip
    assert manifest["counts"]["revised"] == 2
    used = manifest["extra"]["used"]
    assert used["preference"] == {"prompt_tokens": 400, "output_tokens": 40, "cost": 440.0}
    assert manifest["extra"]["prompt_tokens"] == used["coach"]["prompt_tokens"] + 400
    assert manifest["extra"]["output_tokens"] == used["coach"]["output_tokens"] + 40
    assert manifest["extra"]["cost"] is None, "the coach has no price, so the sum is not known"
    manifest = revise(
        config(coach, accept=policy, ask=prices), data, tmp_path / "priced",
        backend=ScriptedCoach(), accept_backends=backends,
    )  # fmt: skip
    used = manifest["extra"]["used"]
    assert manifest["extra"]["cost"] == used["coach"]["cost"] + 440.0


def test_a_run_begun_again_asks_no_policy_twice(tmp_path: Path) -> None:
    data = write_rows(tmp_path / "data.jsonl", row(3), row(1), row(6))
    coach = write_coach(tmp_path / "coach")
    for more, again, num_calls in (({}, False, 4), ({"after": {"most_times_longer": 9}}, True, 0)):
        judge = Judge()
        revise(
            config(coach, accept={"preference": PREFERENCE}, **more), data, tmp_path / "out",
            backend=ScriptedCoach(), accept_backends={"preference": judge}, again=again,
        )  # fmt: skip
        assert judge.num_calls == num_calls
    assert (tmp_path / "out.old-1" / "accept-preference" / "replies.sqlite").is_file()


def test_a_dry_run_leaves_what_was_refused_in_the_journal(tmp_path: Path) -> None:
    data = write_rows(tmp_path / "data.jsonl", row(3))
    coach = write_coach(tmp_path / "coach")
    asked = {"model": "openai:served-elsewhere", "ask_refused": True}
    revise(config(coach, ask=asked), data, tmp_path / "out", backend=ScriptedCoach(only="refused"))
    assert estimate_revising(config(coach, ask=asked), data, tmp_path / "out").num_requests == 1
    with Journal(tmp_path / "out" / "replies.sqlite", read_only=True) as journal:
        assert len(list(journal.calls())) == 1


def test_a_dry_run_counts_what_the_policies_would_ask(tmp_path: Path) -> None:
    """Two records in both orders at most; fewer once the coach is known to leave one of them alone."""
    script = tmp_path / "script.yaml"
    script.write_text('rules: [{contains: "day 1 ", reply: keep}, {reply: "Hm?"}]\n')
    data = write_rows(tmp_path / "data.jsonl", row(1), row(3))
    settings = config(f"scripted:{script}", accept={"preference": PREFERENCE})
    assert estimate_accepting(config(f"scripted:{script}"), data, tmp_path / "out") == {}
    found = estimate_accepting(settings, data, tmp_path / "out")
    assert {name: one.num_requests for name, one in found.items()} == {"preference": 4}
    assert not (tmp_path / "out").exists()
    revise(settings, data, tmp_path / "out", accept_backends={"preference": Judge()})
    found = estimate_accepting(settings, data, tmp_path / "out")
    assert found["preference"].num_requests == 0, "one was kept, the other reply is unusable"


def test_vectors_are_known_by_what_they_hold(tmp_path: Path) -> None:
    data = write_rows(tmp_path / "data.jsonl", row(3), row(1), row(6))
    coach = write_coach(tmp_path / "coach")

    def vectors(folder: Path, number: float) -> dict[str, Any]:
        folder.mkdir()
        for name in ("before", "after"):
            numpy.save(folder / f"{name}.npy", numpy.full((2, 3), number))
        return {"before": str(folder / "before.npy"), "after": str(folder / "after.npy"), "least": 0.5}

    def run(table: dict[str, Any]) -> None:
        policy = {"meaning": {"embeddings": table}}
        revise(config(coach, accept=policy), data, tmp_path / "out", backend=ScriptedCoach())

    run(vectors(tmp_path / "one", 1.0))
    run(vectors(tmp_path / "moved", 1.0))  # done: nothing is run again
    with pytest.raises(RunFolderError, match=r"accept\.meaning"):
        run(vectors(tmp_path / "other", 2.0))
