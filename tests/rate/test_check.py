"""The check stage: what it writes, that it can be stopped anywhere, that its repairs change no meaning."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
import typer
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from tunewright.cli import check as check_command
from tunewright.errors import DataError, RecipeError, RunFolderError
from tunewright.rate import check as check_module
from tunewright.rate.check import CheckConfig, check, cutoff_date, find_all
from tunewright.rate.detectors import ALONE, DETECTORS, CheckSettings
from tunewright.rate.fixes import fix
from tunewright.records import Record, Turn, read_records
from tunewright.run.config import parse_config

ROWS: list[dict[str, Any]] = [
    {"id": "a", "instruction": "Which bird waits in shallow water?", "input": "", "output": "The heron."},
    {"id": "b", "instruction": "Name a bird.", "input": "<noinput>", "output": "Heron \n"},
    {"id": "c", "instruction": "Draw a bird.", "input": "", "output": "<nooutput>"},
    {
        "id": "d",
        "instruction": "Which bird waits in the shallow water?",
        "input": "",
        "output": "It doesnâ€™t say.",
    },
    {
        "id": "e",
        "instruction": "How many eggs?",
        "input": "",
        "output": "3 × 12 = 38 <script>alert(1)</script>",
    },
]
FILES = ["findings.jsonl", "fixes.jsonl", "records.jsonl", "rejects.jsonl", "summary.html", "summary.json"]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    path = tmp_path / "data.jsonl"
    lines = [json.dumps(row) for row in ROWS]
    lines.insert(2, '{"id": "x", "instruction": "Broken", "output": ""}')
    lines.insert(4, "{not json")
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def rows(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_findings_name_record_line_field_and_place(data: Path, tmp_path: Path) -> None:
    manifest = check(CheckConfig(), data, tmp_path / "out")
    assert manifest["counts"] == {"records": 6, "with_findings": 5, "rejects": 2}  # one has no output
    found = rows(tmp_path / "out/findings.jsonl")
    assert [(row["id"], row["line"], [one["detector"] for one in row["findings"]]) for row in found] == [
        ("b", 2, ["no-input-placeholder", "trailing-whitespace"]),
        ("c", 4, ["placeholder-output"]),
        ("d", 6, ["mojibake", "near-duplicate"]),
        ("e", 7, ["wrong-arithmetic"]),
    ]
    assert found[3]["findings"] == [
        {
            "detector": "wrong-arithmetic",
            "severity": "error",
            "field": "output",
            "start": 0,
            "end": 11,
            "message": "the left side is 36",
        }
    ]
    assert found[2]["findings"][1]["message"].startswith("like record a (ROUGE-L 0.9")


def test_the_summary_counts_records_not_findings(data: Path, tmp_path: Path) -> None:
    check(CheckConfig(), data, tmp_path / "out")
    summary = json.loads((tmp_path / "out/summary.json").read_text())
    assert summary["records"] == 6  # with the row that is rejected because it has no output
    assert summary["clean"]["count"] == 1
    assert summary["clean"]["share"] == pytest.approx(1 / 6)
    assert [(name, one["count"]) for name, one in summary["by_severity"].items()] == [
        ("error", 4),
        ("warning", 1),
        ("note", 2),
    ]
    assert summary["without_errors"]["count"] == 2
    assert summary["rejects"]["count"] == 2
    assert sum(summary["rejects"]["reasons"].values()) == 2
    by_name = {row["name"]: row for row in summary["detectors"]}
    assert set(by_name) == {detector.name for detector in DETECTORS}
    assert by_name["wrong-language"]["off"] == "no language is set"
    assert by_name["after-cutoff"]["off"] == "no cut-off is set"
    example = by_name["wrong-arithmetic"]["examples"][0]
    assert (example["id"], example["before"], example["marked"]) == ("e", "", "3 × 12 = 38")
    assert [bad["id"] for bad in summary["worst"]] == ["d", "c", "e", "b"]
    assert by_name["empty-output"]["count"] == 1
    # Wilson 95 % for 1 of 6, worked by hand: (1/6 + z²/12 ± z·sqrt(5/216 + z²/144)) / (1 + z²/6), z = 1.96
    assert by_name["mojibake"]["low"] == pytest.approx(0.0301, abs=1e-3)
    assert by_name["mojibake"]["high"] == pytest.approx(0.5635, abs=1e-3)


def test_with_fix_all_records_come_out_in_order_and_the_original_is_kept(data: Path, tmp_path: Path) -> None:
    manifest = check(CheckConfig(fix=True), data, tmp_path / "out")
    assert manifest["counts"]["fixed"] == 2
    fixed = list(read_records(tmp_path / "out/records.jsonl"))
    assert [record.id for record in fixed] == ["a", "b", "c", "d", "e"]
    assert (fixed[1].input, fixed[1].output) == ("", "Heron")
    assert fixed[1].meta["original"] == {"input": "<noinput>", "output": "Heron \n"}
    assert fixed[2].output == "<nooutput>", "nothing safe can be done about it"
    assert fixed[3].output == "It doesn’t say."
    assert "original" not in fixed[0].meta
    assert rows(tmp_path / "out/fixes.jsonl") == [
        {"id": "b", "field": "input", "before": "<noinput>", "after": "", "detector": "no-input-placeholder"},
        {
            "id": "b",
            "field": "output",
            "before": "Heron \n",
            "after": "Heron",
            "detector": "trailing-whitespace",
        },
        {
            "id": "d",
            "field": "output",
            "before": "It doesnâ€™t say.",
            "after": "It doesn’t say.",
            "detector": "mojibake",
        },
    ]


def test_only_and_skip_choose_detectors(data: Path, tmp_path: Path) -> None:
    check(CheckConfig(only=("mojibake", "near-duplicate"), skip=("mojibake",)), data, tmp_path / "out")
    assert [row["id"] for row in rows(tmp_path / "out/findings.jsonl")] == ["d"]
    names = [row["name"] for row in json.loads((tmp_path / "out/summary.json").read_text())["detectors"]]
    assert names == ["near-duplicate"]


def test_a_repair_is_made_only_by_chosen_detectors(data: Path, tmp_path: Path) -> None:
    check(CheckConfig(fix=True, only=("mojibake",)), data, tmp_path / "out")
    assert {row["detector"] for row in rows(tmp_path / "out/fixes.jsonl")} == {"mojibake"}


def test_a_finished_check_is_left_and_other_settings_are_refused(data: Path, tmp_path: Path) -> None:
    check(CheckConfig(), data, tmp_path / "out")
    before = (tmp_path / "out/manifest.json").read_bytes()
    check(CheckConfig(), data, tmp_path / "out")
    assert (tmp_path / "out/manifest.json").read_bytes() == before
    with pytest.raises(RunFolderError, match="fix false → true"):
        check(CheckConfig(fix=True), data, tmp_path / "out")
    data.write_text(data.read_text() + json.dumps(ROWS[0]) + "\n")
    with pytest.raises(RunFolderError, match="input data has changed"):
        check(CheckConfig(), data, tmp_path / "out")


class Killed(BaseException):
    """What no handler of ours catches."""


def test_data_with_the_same_rows_elsewhere_is_the_same_data(data: Path, tmp_path: Path) -> None:
    check(CheckConfig(), data, tmp_path / "out")
    (tmp_path / "copy.jsonl").write_bytes(data.read_bytes())
    before = (tmp_path / "out/manifest.json").read_bytes()
    check(CheckConfig(), tmp_path / "copy.jsonl", tmp_path / "out")
    assert (tmp_path / "out/manifest.json").read_bytes() == before
    with data.open("a") as file:
        file.write("{not json either\n")
    with pytest.raises(RunFolderError, match="input data has changed"):
        check(CheckConfig(), data, tmp_path / "out")


@pytest.mark.parametrize("place", ["write_json_atomic", "write_check_page", "environment"])
def test_stopped_anywhere_and_started_again_the_bytes_are_the_same(
    place: str, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    check(CheckConfig(fix=True), data, tmp_path / "whole")

    def die(*_: object, **__: object) -> None:
        raise Killed

    with monkeypatch.context() as broken:
        broken.setattr(check_module, place, die)
        with pytest.raises(Killed):
            check(CheckConfig(fix=True), data, tmp_path / "halved")
    assert not (tmp_path / "halved/manifest.json").exists()
    check(CheckConfig(fix=True), data, tmp_path / "halved")
    for name in FILES:
        assert (tmp_path / "halved" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes(), name


def test_stopped_between_two_records_nothing_is_written_twice(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = 0

    def die_at_the_fourth(*given: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == 4:
            raise Killed
        return find_all(*given)

    with monkeypatch.context() as broken:
        broken.setattr(check_module, "find_all", die_at_the_fourth)
        with pytest.raises(Killed):
            check(CheckConfig(), data, tmp_path / "out")
    check(CheckConfig(), data, tmp_path / "out")
    assert [row["id"] for row in rows(tmp_path / "out/findings.jsonl")] == ["b", "c", "d", "e"]
    assert len(rows(tmp_path / "out/rejects.jsonl")) == 2


def test_an_empty_file_and_one_of_broken_rows_are_errors(tmp_path: Path) -> None:
    (tmp_path / "empty.jsonl").write_text("")
    (tmp_path / "broken.jsonl").write_text('{"instruction": "a", "output": ""}\n')
    for name in ("empty", "broken"):
        with pytest.raises(DataError):
            check(CheckConfig(), tmp_path / f"{name}.jsonl", tmp_path / f"out-{name}")


def test_a_single_record_and_a_clean_set_make_a_page(tmp_path: Path) -> None:
    (tmp_path / "one.jsonl").write_text(json.dumps(ROWS[0]) + "\n")
    check(CheckConfig(), tmp_path / "one.jsonl", tmp_path / "out")
    page = (tmp_path / "out/summary.html").read_text()
    assert "0 of 1 records (0 %) have a finding" in page
    assert (tmp_path / "out/findings.jsonl").read_bytes() == b""


class Tags(HTMLParser):
    """The tags of a page, and whether each that needs it is closed in order."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.add(tag)
        if tag not in ("meta", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_page_is_whole_offline_and_escapes_what_records_say(data: Path, tmp_path: Path) -> None:
    check(CheckConfig(), data, tmp_path / "out")
    page = (tmp_path / "out/summary.html").read_text(encoding="utf-8")
    tags = Tags()
    tags.feed(page)
    assert tags.open == []
    assert "script" not in tags.seen
    assert not re.search(r"""(?:src|href)=["'](?!#)""", page)
    assert "<mark>3 × 12 = 38</mark> &lt;script&gt;" in page


@pytest.mark.parametrize(
    ("setting", "sentence"),
    [
        ({"only": ["mojibak"]}, "there is no detector 'mojibak'; did you mean 'mojibake'?"),
        ({"cutoff": "spring"}, "give a month or a day, such as 2023-01 or 2023-01-31"),
        ({"language": "English"}, "give a language code such as en, or any"),
        ({"near_duplicate_threshold": 1.5}, "near_duplicate_threshold"),
    ],
)
def test_wrong_settings_say_what_is_accepted(setting: dict[str, Any], sentence: str) -> None:
    with pytest.raises(RecipeError, match=re.escape(sentence)):
        parse_config(CheckConfig, setting, where="the command line")


def test_an_unknown_language_names_the_known_ones(data: Path, tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=r"'xx' cannot be told; choose one of: .*en, "):
        check(CheckConfig(language="xx"), data, tmp_path / "out")


def test_a_cutoff_is_a_month_or_a_day() -> None:
    assert cutoff_date("2023-01").isoformat() == "2023-01-01"
    assert cutoff_date("2023-01-31").isoformat() == "2023-01-31"


def test_meta_of_the_files_own_called_original_is_not_overwritten() -> None:
    record = Record("r", "Name a bird.", "Heron ", meta={"original": 5})
    fixed, _ = fix(record, ALONE)
    assert fixed.meta == {"original": 5, "original_text": {"output": "Heron "}}


def test_a_second_repair_keeps_the_first_original() -> None:
    record = Record("r", "Name a bird. ", "Heron", meta={"original": {"output": "Heron "}})
    fixed, _ = fix(record, ALONE)
    assert fixed.meta["original"] == {"instruction": "Name a bird. ", "output": "Heron "}


def test_an_output_of_control_characters_alone_is_not_emptied() -> None:
    fixed, done = fix(Record("r", "Name a bird.", "\x00\x01"), ALONE)
    assert (fixed.output, done) == ("\x00\x01", [])


def test_mojibake_is_mended_whatever_page_read_it_and_however_often() -> None:
    twice = "“voilà”".encode().decode("latin-1").encode().decode("latin-1")
    assert fix(Record("r", "Say it.", f"He said {twice}."), ALONE)[0].output == "He said “voilà”."


@pytest.mark.parametrize(
    ("text", "repaired"),
    [
        ("pages 10\x9620 of 1990\x962000", "pages 10–20 of 1990–2000"),
        ("it costs \x8050, don\x92t pay\x85", "it costs €50, don’t pay…"),
        ("apple\x1fpear\x1e\x1dplum", "apple pear plum"),
        ("one\x0ctwo\x0bthree", "one\ntwo\nthree"),
        ("The Loire\x07.", "The Loire."),
        ("\ufeffThe \x1b[31mLoire\x1b[0m", "The Loire"),
        ("The \x90Loire", "The \x90Loire"),  # no code page knows it
        ("10\x0020 a\ufeffb", "10\x0020 a\ufeffb"),  # something may have stood there
    ],
)
def test_control_characters_become_what_was_meant_or_stay(text: str, repaired: str) -> None:
    assert fix(Record("r", "Say it.", text), ALONE)[0].output == repaired


# All control characters but those that are letters in cp1252: they belong into a word (c\x9cur, cœur).
PARTING = sorted(
    {chr(code) for code in (*range(0x20), *range(0x7F, 0xA0))} - set("\x83\x88\x8a\x8c\x8e\x9a\x9c\x9e\x9f")
)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from(["a", "b", "1", "2", "\ufeff", "\ufffe", *PARTING]), max_size=9).map("".join))
def test_a_repair_joins_no_two_words_or_digits(text: str) -> None:
    """What a control character parted before is parted after, by whatever: the words are the same."""
    record = Record("r", "Say it: " + text, "fine")
    assert re.findall(r"\w+", fix(record, ALONE)[0].instruction) == re.findall(r"\w+", record.instruction)


BROKEN = st.lists(
    st.one_of(
        st.sampled_from(
            [
                "Ã",
                "©",
                "â",
                "€",
                "™",
                "Â",
                "\xa0",
                "ð",
                "Ÿ",
                "˜",
                "€",
                "\x00",
                "\x85",
                "\x0c",
                "\x1b[31m",
                "[0m",
            ]
        ),
        st.text(max_size=3),
        st.sampled_from([" ", "\n", "a", "É", "\ufeff", "\x9d", "<noinput>"]),
    ),
    max_size=14,
).map("".join)


@settings(max_examples=400, deadline=None)
@given(BROKEN, BROKEN, BROKEN)
def test_repaired_twice_is_repaired_once(instruction: str, input: str, output: str) -> None:
    record = Record("r", instruction, output or "x", input, history=(Turn("user", output),))
    once, _ = fix(record, ALONE)
    again, done = fix(once, ALONE)
    assert (again, done) == (once, [])


UNSURE = re.compile("[\x81\x8d\x8f\x90\x9d]|(?<=\\w)[\x00-\x08\x0e-\x1b\x7f\ufeff\ufffe\uffff]+(?=\\w)")


@settings(max_examples=200, deadline=None)
@given(BROKEN)
def test_after_a_repair_its_detectors_are_silent_but_for_what_is_lost(text: str) -> None:
    fixed, _ = fix(Record("r", "Say it: " + text, "fine"), ALONE)
    left = {one.detector for one in find_all(fixed, ALONE, CheckSettings())}
    assert "trailing-whitespace" not in left
    if not UNSURE.search(fixed.instruction):
        assert "control-characters" not in left
    if "\ufffd" not in fixed.instruction:
        assert "mojibake" not in left


app = typer.Typer()
app.command()(check_command.command)


def test_the_command_prints_what_fired_and_where_the_files_are(data: Path, tmp_path: Path) -> None:
    done = CliRunner().invoke(app, [str(data), "--out", str(tmp_path / "out"), "--fix"])
    assert done.exit_code == 0, done.output
    assert (
        "5 of 6 records (83.3 %) have a finding, 4 (66.7 %) an error. 2 rows could not be read" in done.output
    )
    assert re.search(r"wrong-arithmetic +error +1 +16\.7 %", done.output)
    assert "d (line 6): mojibake, near-duplicate" in done.output
    assert "2 records repaired" in done.output


def test_the_list_needs_no_data_and_names_every_detector() -> None:
    done = CliRunner().invoke(app, ["--list"])
    assert done.exit_code == 0
    assert all(detector.name in done.output for detector in DETECTORS)


def test_without_data_the_command_says_what_to_give() -> None:
    done = CliRunner().invoke(app, [])
    assert isinstance(done.exception, RecipeError)


def test_detectors_that_all_are_left_out_are_an_error() -> None:
    with pytest.raises(ValueError, match="leave no detector"):
        CheckConfig(only=("empty-output",), skip=("empty-output",))
