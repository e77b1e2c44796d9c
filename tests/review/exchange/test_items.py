"""Items come in from everything that holds pairs: the texts as they were, drafts, findings and columns."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import orjson
import pytest

from coach.scripted_coach import ScriptedCoach, write_coach, write_data
from tunewright.coach.revise import revise
from tunewright.coach.revise_config import ReviseConfig
from tunewright.errors import DataError
from tunewright.rate.check import CheckConfig, check
from tunewright.rate.config import RateConfig
from tunewright.rate.stage import rate
from tunewright.records import Reject, read_records
from tunewright.review.exchange import Kind, read_items, what_is
from tunewright.review.model import Finding
from tunewright.review.store.queues import NewItem
from tunewright.run.config import parse_config

SHARED = Path(__file__).resolve().parents[3].parent / "shared"
ROWS: list[dict[str, Any]] = [
    {"id": "a", "instruction": "Name a red fruit.", "output": "Cherry.", "level": "A1", "n": 7},
    {"id": "b", "instruction": "What is 2 + 2?", "input": "Briefly.", "output": "Two plus two is 5.  \n"},
    {"id": "c", "instruction": "Greet me.", "output": "As an AI language model, I cannot greet you."},
]


def write(path: Path, *rows: Any) -> Path:
    path.write_bytes(b"".join(orjson.dumps(row) + b"\n" for row in rows))
    return path


def by_key(items: Any) -> dict[str, NewItem]:
    return {item.key: item for item in items}


@pytest.fixture(scope="module")
def revised(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Data of 20 records and two broken rows, and the folder of their revision by a scripted coach."""
    folder = tmp_path_factory.mktemp("revised")
    data = write_data(folder / "data.jsonl", 20)
    trained = [one for one in read_records(data, on_reject=lambda reject: None) if one.id == "r0"]
    coach = write_coach(folder / "coach", trained)
    config = {"coach": str(coach), "language": "en", "ask": {"max_asked_again": 1}}
    revise(parse_config(ReviseConfig, config, where="test"), data, folder / "out", backend=ScriptedCoach())
    return data, folder / "out"


def test_records_come_with_their_columns_turns_and_place(tmp_path: Path) -> None:
    row = {
        "id": 4,
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "Hello"},
            {"role": "assistant", "content": "Hi"},
            {"role": "user", "content": "Name a fruit."},
            {"role": "assistant", "content": "Plum"},
        ],
        "source": "talk",
    }
    [item] = read_items(write(tmp_path / "m.jsonl", row))
    assert item.key == "4"
    assert item.original == {
        "system": "Be brief.",
        "instruction": "Name a fruit.",
        "input": "",
        "output": "Plum",
        "explanation": "",
    }
    assert item.history == (("user", "Hello"), ("assistant", "Hi"))
    assert item.meta == {"source": "talk"}
    assert item.draft is None
    assert (item.lineage["origin"]["format"], item.lineage["origin"]["line"]) == ("messages", 1)


def test_a_broken_row_is_handed_on_or_stops_the_import(tmp_path: Path) -> None:
    data = write(tmp_path / "d.jsonl", ROWS[0], {"instruction": "No output"})
    with pytest.raises(DataError, match=r"d\.jsonl:2: 'output' is missing"):
        list(read_items(data))
    rejects: list[Reject] = []
    assert len(list(read_items(data, on_reject=rejects.append))) == 1
    assert [reject.line for reject in rejects] == [2]


def test_a_revise_run_gives_every_original_with_the_coachs_draft(revised: tuple[Path, Path]) -> None:
    data, run = revised
    assert what_is(run) is Kind.REVISE_RUN
    items = list(read_items(run))
    records = list(read_records(data, on_reject=lambda reject: None))
    assert [item.key for item in items] == [record.id for record in records]
    assert [item.original["output"] for item in items] == [record.output for record in records]
    assert all(item.meta == {"source": "made up"} for item in items)
    lines = (run / "revisions.jsonl").read_text("utf-8").splitlines()
    rows = {row["id"]: row for row in map(json.loads, lines)}
    for item in items:
        proposal = rows[item.key]["proposal"]
        assert (item.draft is None) == (proposal is None)
        if proposal is not None and item.draft is not None:
            assert item.draft["output"] == proposal["output"]
    known = by_key(items)
    assert known["r0"].draft_reason == "the coach was trained on it: training_pair"
    assert known["r1"].draft_reason == "the coach found nothing to change"
    assert known["r3"].draft_reason == ""  # revised
    assert known["r2"].draft is None
    assert known["r2"].draft_reason.startswith("the reply was no usable revision: unparsable")
    assert [finding.label for finding in known["r18"].findings] == ["input_number"]
    assert known["r3"].lineage["coach"]["status"] == "revised"
    assert known["r3"].lineage["run"]["stage"] == "revise"


def test_a_run_joined_to_its_data_gives_the_same_drafts(revised: tuple[Path, Path]) -> None:
    data, run = revised
    joined = read_items(data, drafts=run, on_reject=lambda reject: None)
    for one, other in zip(joined, read_items(run), strict=True):
        assert (one.key, one.original, one.draft, one.draft_reason, one.findings) == (
            other.key,
            other.original,
            other.draft,
            other.draft_reason,
            other.findings,
        )


def test_data_with_the_same_ids_is_the_draft(tmp_path: Path) -> None:
    data = write(tmp_path / "d.jsonl", *ROWS)
    drafts = write(tmp_path / "e.jsonl", {"id": "b", "instruction": "Add 2 and 2.", "output": "4"})
    items = by_key(read_items(data, drafts=drafts))
    assert items["a"].draft is None
    assert items["b"].draft is not None
    assert (items["b"].draft["instruction"], items["b"].draft["input"]) == ("Add 2 and 2.", "")


def test_drafts_or_findings_of_other_records_are_a_mistake(tmp_path: Path) -> None:
    data = write(tmp_path / "d.jsonl", ROWS[0])
    other = write(
        tmp_path / "o.jsonl", {"id": "z", "instruction": "Say 5.", "output": "As an AI language model, no."}
    )
    with pytest.raises(DataError, match="no draft of any of these"):
        list(read_items(data, drafts=other))
    check(CheckConfig(), other, tmp_path / "checked")
    with pytest.raises(DataError, match="of none of these items"):
        list(read_items(data, findings=tmp_path / "checked"))
    with pytest.raises(DataError, match="findings come from a check run or a rate run"):
        list(read_items(data, findings=other))


def test_a_check_run_gives_findings_with_their_places(tmp_path: Path) -> None:
    data = write(tmp_path / "d.jsonl", *ROWS)
    check(
        CheckConfig(only=("assistant-self", "wrong-arithmetic", "trailing-whitespace")),
        data,
        tmp_path / "out",
    )
    assert what_is(tmp_path / "out") is Kind.CHECK_RUN
    items = by_key(read_items(tmp_path / "out"))
    joined = by_key(read_items(data, findings=[tmp_path / "out"]))
    assert items["a"].findings == ()
    [finding] = items["c"].findings
    assert (finding.field, finding.label) == ("output", "assistant-self")
    assert "As an AI" in items["c"].original["output"][finding.start : finding.end]
    assert {one.label for one in items["b"].findings} >= {"trailing-whitespace"}
    assert {key: item.findings for key, item in joined.items()} == {
        key: item.findings for key, item in items.items()
    }


def test_what_a_check_run_has_mended_is_not_shown_as_found(tmp_path: Path) -> None:
    data = write(tmp_path / "d.jsonl", *ROWS)
    check(CheckConfig(only=("trailing-whitespace",), fix=True), data, tmp_path / "out")
    items = by_key(read_items(tmp_path / "out"))
    assert items["b"].original["output"] == "Two plus two is 5."
    assert items["b"].findings == ()


def test_a_check_run_whose_data_has_gone_says_what_to_name(tmp_path: Path) -> None:
    data = write(tmp_path / "d.jsonl", *ROWS)
    check(CheckConfig(), data, tmp_path / "out")
    data.unlink()
    with pytest.raises(DataError, match="name the data itself, and this folder as --findings"):
        list(read_items(tmp_path / "out"))


def test_a_rate_run_gives_each_criterion_with_its_reason(tmp_path: Path) -> None:
    script = tmp_path / "script.yaml"
    script.write_text('rules:\n  - contains: "2 + 2"\n    reply: {reason: "Wrong sum.", score: 1}\n')
    with script.open("a") as stream:
        stream.write('  - reply: {reason: "Fine.", score: 4.5}\n')
    data = write(tmp_path / "d.jsonl", *ROWS)
    config = parse_config(RateConfig, {"ask": {"model": f"scripted:{script}"}}, where="test")
    rate(config, data, tmp_path / "out")
    assert what_is(tmp_path / "out") is Kind.RATE_RUN
    items = by_key(read_items(tmp_path / "out"))
    label = items["b"].findings[0].label
    assert items["b"].findings == (Finding("output", label, "1: Wrong sum."),)
    assert items["a"].findings == (Finding("output", label, "4.5: Fine."),)
    assert by_key(read_items(data, findings=tmp_path / "out"))["b"].findings == items["b"].findings


@pytest.mark.parametrize("kind", ["published", "pairs"])
def test_revisions_come_as_original_and_draft(tmp_path: Path, kind: str) -> None:
    pair = {
        "published": {
            "Raw Instruction": "Say 5.", "Raw Input": "", "Raw Response": "6",
            "Revised Instruction": "Say five.", "Revised Input": "", "Revised Response": "5", "Distance": 6,
        },
        "pairs": {
            "original": {"instruction": "Say 5.", "input": "", "output": "6"},
            "revised": {"instruction": "Say five.", "input": "", "output": "5"},
            "Distance": 6,
        },
    }  # fmt: skip
    path = write(tmp_path / "r.jsonl", pair[kind])
    assert what_is(path) is Kind.REVISIONS
    [item] = read_items(path)
    assert (item.original["instruction"], item.original["output"]) == ("Say 5.", "6")
    assert item.draft is not None
    assert (item.draft["instruction"], item.draft["output"]) == ("Say five.", "5")
    assert item.lineage["revision"] == {"Distance": 6}


@pytest.mark.skipif(not (SHARED / "data" / "coachlm").is_dir(), reason="the released revisions are not here")
def test_the_released_revisions_come_in_whole() -> None:
    items = list(read_items(SHARED / "data" / "coachlm" / "expert_revisions.json"))
    assert len(items) == len({item.key for item in items}) == 2301
    assert all(item.draft is not None for item in items)


def test_other_peoples_tasks_come_in_by_their_columns(tmp_path: Path) -> None:
    tasks = [
        {"id": 3, "data": {"prompt": "Say 5.", "completion": "5", "level": "A1"}},
        {"id": 4, "data": {"x": "y"}},
    ]
    path = tmp_path / "tasks.json"
    path.write_text(json.dumps(tasks))
    rejects: list[Reject] = []
    [item] = read_items(path, on_reject=rejects.append)
    assert (item.key, item.original["instruction"], item.original["output"]) == ("3", "Say 5.", "5")
    assert item.meta == {"level": "A1"}
    assert "fit no known format" in rejects[0].reason
    with pytest.raises(DataError, match="fit no known format"):
        list(read_items(path))


def test_other_peoples_argilla_records_come_in_by_their_fields(tmp_path: Path) -> None:
    record = {
        "id": "7", "fields": {"instruction": "Say 5.", "output": "5"}, "metadata": {"topic": "numbers"},
        "suggestions": {}, "responses": {}, "vectors": {}, "status": "pending", "_server_id": None,
    }  # fmt: skip
    path = tmp_path / "records.json"
    path.write_text(json.dumps([record]))
    [item] = read_items(path)
    assert (item.key, item.original["output"], item.meta) == ("7", "5", {"topic": "numbers"})


def test_equal_keys_of_a_tools_file_are_told_apart(tmp_path: Path) -> None:
    task = {"data": {"id": "k", "instruction": "Say 5.", "output": "5"}}
    path = tmp_path / "tasks.json"
    path.write_text(json.dumps([task, task]))
    assert [item.key for item in read_items(path)] == ["k", "k~2"]


@pytest.mark.parametrize(
    ("name", "text", "kind"),
    [
        ("a.jsonl", '{"instruction": "a", "output": "b"}\n', Kind.RECORDS),
        ("a.csv", "instruction,output\na,b\n", Kind.RECORDS),
        ("a.json", '[{"data": {"instruction": "a"}, "annotations": []}]', Kind.LABEL_STUDIO),
        ("a.json", '[{"id": "1", "fields": {"a": "b"}, "responses": {}}]', Kind.ARGILLA),
        ("a.jsonl", '{"instance_id": "1", "user_id": "a", "annotations": {}}\n', Kind.POTATO),
        ("a.jsonl", '{"id": "1", "displayed_text": "a", "label_annotations": {}}\n', Kind.POTATO),
        ("user_state.json", '{\n "user_id": "a"\n}', Kind.POTATO),
        ("a.jsonl", '{"before": {}, "after": {}}\n', Kind.REVISIONS),
        ("a.csv", "item,person,decision,text_instruction,text_output\na,b,edit,c,d\n", Kind.TABLE),
    ],
)
def test_a_file_is_known_by_its_content(tmp_path: Path, name: str, text: str, kind: Kind) -> None:
    path = tmp_path / name
    path.write_text(text)
    assert what_is(path) is kind


def test_a_study_and_our_table_are_no_items(tmp_path: Path) -> None:
    study = tmp_path / "study"
    study.mkdir()
    (study / "study.json").write_text("{}")
    assert what_is(study) is Kind.STUDY
    with pytest.raises(DataError, match="rating study"):
        read_items(study)
    with pytest.raises(DataError, match="no such file"):
        list(read_items(tmp_path / "nothing.jsonl"))


def test_the_columns_of_a_parquet_file_become_what_json_can_hold(tmp_path: Path) -> None:
    import datetime
    from decimal import Decimal

    import pyarrow
    from pyarrow import parquet

    row = {
        "instruction": "a",
        "output": "b",
        "seen": datetime.date(2026, 5, 4),
        "price": Decimal("1.50"),
        "score": float("nan"),
        "n": 3,
        "blob": b"abc",
    }
    parquet.write_table(pyarrow.Table.from_pylist([row]), tmp_path / "d.parquet")
    [item] = read_items(tmp_path / "d.parquet")
    assert item.meta == {"seen": "2026-05-04", "price": "1.50", "score": None, "n": 3, "blob": "(3 bytes)"}


def test_a_finding_whose_place_is_not_in_this_version_of_the_text_is_about_all_of_it(tmp_path: Path) -> None:
    longer = {"id": "c", "instruction": "Greet me.", "output": "Well. As an AI language model, I cannot."}
    check(CheckConfig(only=("assistant-self",)), write(tmp_path / "d.jsonl", longer), tmp_path / "out")
    shorter = write(tmp_path / "e.jsonl", {**longer, "output": "Hello."})
    [item] = read_items(shorter, findings=tmp_path / "out")
    assert [(one.label, one.start, one.end) for one in item.findings] == [("assistant-self", 0, 0)]


def test_a_draft_for_an_id_that_two_records_have_is_refused(tmp_path: Path) -> None:
    """Whichever side has the id twice, nothing tells whose the draft is."""
    twice = [ROWS[0], ROWS[1], {**ROWS[2], "id": "a"}]
    data, drafts = write(tmp_path / "data.jsonl", *ROWS), write(tmp_path / "drafts.jsonl", *twice)
    with pytest.raises(DataError, match=r"drafts\.jsonl:3: the id 'a' is that of an earlier draft too"):
        list(read_items(data, drafts=drafts))
    with pytest.raises(
        DataError, match=r"drafts\.jsonl:3: the id 'a' is .* earlier record too, and .*data\.jsonl"
    ):
        list(read_items(drafts, drafts=data))
    assert len(list(read_items(write(data, ROWS[1]), drafts=drafts))) == 1  # nobody here wants that draft


def test_the_same_two_records_with_one_id_are_told_and_fit_a_run_over_them(tmp_path: Path) -> None:
    data = write(tmp_path / "data.jsonl", ROWS[0], {**ROWS[1], "id": "a"})
    run = tmp_path / "checked"
    check(parse_config(CheckConfig, {}, where="test"), data, run)
    told: list[str] = []
    items = list(read_items(data, findings=run, on_repeat=lambda repeat: told.append(str(repeat))))
    assert [item.key for item in items] == ["a", "a~2"]
    assert told == [f"{data}:2: the id 'a' is an earlier record's; kept as 'a~2'"]


@pytest.mark.parametrize(
    "row",
    [
        {
            "original": {"instruction": "Ask.", "output": "a"},
            "revised": {"instruction": "Ask.", "output": "b"},
        },
        {"data": {"instruction": "Ask.", "output": "a"}, "annotations": []},
        {"tunewright": 1, "instruction": "Ask.", "output": "a"},
        {"instruction": "Ask.", "output": "a"},
    ],
)
def test_a_repeated_id_is_told_whatever_the_rows_are(row: dict[str, Any], tmp_path: Path) -> None:
    data = write(tmp_path / "rows.jsonl", {"id": "x", **row}, {"id": "x", **row})
    told: list[tuple[str, str, int]] = []
    kept = [
        one.key for one in read_items(data, on_repeat=lambda one: told.append((one.id, one.kept, one.line)))
    ]
    assert kept == ["x", "x~2"]
    assert told == [("x", "x~2", 2)]
