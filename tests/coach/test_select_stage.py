"""`coach select` as a user meets it: the folder, the page, the terminal, and what it refuses."""

from __future__ import annotations

import inspect
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from support.revisions import published, revision
from tunewright.cli import coach_select as command
from tunewright.coach.read_revisions import read_revisions
from tunewright.coach.revision import Revision
from tunewright.coach.select_config import CoachSelectConfig
from tunewright.coach.select_page import words_diff
from tunewright.coach.select_stage import coach_select
from tunewright.coach.write_revisions import write_revisions
from tunewright.errors import DataError, RecipeError
from tunewright.records import Record, write_records


def run(*arguments: object) -> str:
    app = typer.Typer()
    app.command()(command.command)
    done = CliRunner().invoke(app, [str(argument) for argument in arguments])
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    assert done.exit_code == 0, done.output
    return done.stdout


def rows(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Ten revisions; number n adds n characters to the output, and one of the largest has lost its output."""
    revisions = [revision(f"r{n}", output=("x", "x" + "y" * n)) for n in range(9)]
    revisions.append(revision("lost", output=("x" * 20, "")))
    write_revisions(revisions, tmp_path / "data.jsonl")
    return tmp_path / "data.jsonl"


def test_the_largest_are_written_in_the_order_of_the_file(data: Path, tmp_path: Path) -> None:
    out = coach_select(CoachSelectConfig(alpha=0.4), data, tmp_path / "out")
    chosen = list(read_revisions(out))
    assert [one.id for one in chosen] == ["r6", "r7", "r8"]
    assert chosen[0].meta["selection"] == {"by": "distance", "score": 6.0, "rank": 4}
    told = json.loads((out / "selection.json").read_text())
    assert (told["num_chosen"], told["num_written"], told["num_unchanged"]) == (4, 3, 1)
    (refused,) = rows(out / "rejects.jsonl")
    assert (refused["stage"], refused["kind"], refused["id"]) == ("damage", "empty field", "lost")
    assert refused["revision"]["original"]["output"] == "x" * 20
    counts = json.loads((out / "manifest.json").read_text())["counts"]
    assert counts == {"revisions": 10, "records": 3, "repaired": 0, "refused": 1, "broken": 0}


def test_the_same_again_is_not_run_again_and_gives_the_same_bytes(data: Path, tmp_path: Path) -> None:
    first = coach_select(CoachSelectConfig(), data, tmp_path / "a")
    coach_select(CoachSelectConfig(), data, first)
    second = coach_select(CoachSelectConfig(), data, tmp_path / "b")
    for name in ("records.jsonl", "rejects.jsonl", "repaired.jsonl", "selection.json", "selection.html"):
        assert (first / name).read_bytes() == (second / name).read_bytes()


def test_the_release_end_to_end(tmp_path: Path) -> None:
    source = published("expert_revisions.json")
    said = run(source, "--alpha", ".3", "--out", tmp_path / "out").splitlines()
    assert said[3] == "*0.3         690                402              0              67.8 > 171.6"
    assert "damage, split at 'input': 20 repaired, 0 refused" in said
    assert "damage, empty field: 0 repaired, 1 refused" in said
    assert "stored distances: 2,294 of 2,301 come out the same" in said
    assert said[-2].startswith("690 of 2,301 revisions chosen by distance: ")
    assert len(rows(tmp_path / "out" / "repaired.jsonl")) == 22
    assert len(list(read_revisions(tmp_path / "out"))) == 690


def test_every_text_on_the_page_is_escaped(tmp_path: Path) -> None:
    nasty = [revision(f"r{n}", output=("<script>", "</dd><b>\x00" + "z" * n)) for n in range(4)]
    write_revisions(nasty, tmp_path / "data.jsonl")
    out = coach_select(CoachSelectConfig(alpha=0.5), tmp_path / "data.jsonl", tmp_path / "out")
    page = (out / "selection.html").read_text(encoding="utf-8")
    assert "<script" not in page
    assert "</dd><b>" not in page
    assert "\x00" not in page
    assert "http://" not in page.replace("http://www.w3.org", "")
    assert "https://" not in page


@pytest.mark.parametrize("alpha", ["0", "-.2", "1.1", "nan", "inf"])
def test_an_alpha_that_is_no_share_is_refused(alpha: str, data: Path, tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="alpha"):
        run(data, "--alpha", alpha, "--out", tmp_path / "out")


def test_an_alpha_that_keeps_none_says_so(tmp_path: Path) -> None:
    write_revisions([revision()], tmp_path / "one.jsonl")
    with pytest.raises(DataError, match=r"alpha 0\.3 of 1 revisions is none; raise it"):
        run(tmp_path / "one.jsonl", "--out", tmp_path / "out")
    assert "1 of 1 revisions chosen" in run(tmp_path / "one.jsonl", "--alpha", "1", "--out", tmp_path / "all")


@pytest.mark.parametrize(
    "revisions",
    [
        [revision(f"r{n}", output=("x", "x")) for n in range(5)],  # nothing changed
        [revision(f"r{n}", output=("x", "x"), explanation=("", "y" * n)) for n in range(5)],
        [revision(f"r{n}", output=("東京", "ประเทศ" * n + "。")) for n in range(5)],
    ],
)
@pytest.mark.parametrize("by", ["distance", "explanation", "diversity", "output"])
def test_unusual_revisions_have_a_page_too(revisions: list[Revision], by: str, tmp_path: Path) -> None:
    write_revisions(revisions, tmp_path / "data.jsonl")
    said = run(tmp_path / "data.jsonl", "--by", by, "--alpha", ".4", "--out", tmp_path / "out")
    assert f"2 of 5 revisions chosen by {by}" in said
    assert (tmp_path / "out" / "selection.html").is_file()


def test_ranking_by_rating_needs_ratings(data: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no revision has a gain in 'rating_before,rating_after'"):
        run(data, "--by", "rating-gain", "--out", tmp_path / "out")
    rated = [revision(f"r{n}", rating_before=3, rating_after=3 + n % 3) for n in range(6)]
    write_revisions([*rated, revision("bare")], tmp_path / "rated.jsonl")
    said = run(tmp_path / "rated.jsonl", "--by", "rating-gain", "--out", tmp_path / "rated")
    assert [one.id for one in read_revisions(tmp_path / "rated")] == ["r2", "r5"]
    assert "1 revisions have nothing to rank by and come last" in said


def test_two_data_sets_are_joined_and_what_has_no_partner_is_counted(tmp_path: Path) -> None:
    write_records([Record(f"r{n}", "q", "a") for n in range(4)], tmp_path / "before.jsonl")
    write_records([Record(f"r{n}", "q", "a" * n) for n in range(1, 5)], tmp_path / "after.jsonl")
    said = run(
        tmp_path / "before.jsonl",
        "--after",
        tmp_path / "after.jsonl",
        "--alpha",
        ".4",
        "--out",
        tmp_path / "out",
    )
    assert [one.id for one in read_revisions(tmp_path / "out")] == ["r3"]
    assert "2 rows could not be used" in said
    assert [row["stage"] for row in rows(tmp_path / "out" / "rejects.jsonl")] == ["read", "read"]


def test_a_very_long_field_is_no_trouble(tmp_path: Path) -> None:
    large = [revision(f"r{n}", output=("x " * 500_000, "x " * 500_000 + "y" * n)) for n in range(2)]
    write_revisions(large, tmp_path / "data.jsonl")
    assert "1 of 2" in run(tmp_path / "data.jsonl", "--alpha", ".5", "--out", tmp_path / "out")


def test_a_diff_holds_both_texts() -> None:
    before, after = "The cat sat down on the mat.", "The dog sat down on a mat today."
    pieces = list(words_diff(before, after))
    assert "".join(text for kind, text in pieces if kind != "new") == before
    assert "".join(text for kind, text in pieces if kind != "gone") == after
    assert [kind for kind, _ in pieces] == ["same", "gone", "new", "same", "gone", "new", "same"]


def test_options_and_settings_are_the_same() -> None:
    options = set(inspect.signature(command.command).parameters)
    assert (
        set(CoachSelectConfig.model_fields) | {"revisions", "out", "after", "originals", "again"} == options
    )


def test_a_revision_that_only_looks_cut_is_chosen_and_named(tmp_path: Path) -> None:
    sound = revision("fr", instruction=("Translate the following",) * 2, input=("Input: Bonjour",) * 2)
    write_revisions([sound, revision("r2", output=("x", "xy"))], tmp_path / "data.jsonl")
    out = coach_select(CoachSelectConfig(alpha=0.5), tmp_path / "data.jsonl", tmp_path / "out")
    assert [one.id for one in read_revisions(out)] == ["fr"]
    damage = json.loads((out / "selection.json").read_text())["damage"]
    assert {key: damage[key] for key in ("found", "repaired", "refused", "named")} == {
        "found": 1, "repaired": 0, "refused": 0, "named": 1,
    }  # fmt: skip
    assert damage["kinds"] == [{"kind": "split at 'input'", "repaired": 0, "refused": 0, "named": 1}]
    assert rows(out / "rejects.jsonl") == []
    assert "Used as it is, for it may be sound" in (out / "selection.html").read_text(encoding="utf-8")


def test_what_is_chosen_can_be_had_in_the_published_form_too(tmp_path: Path) -> None:
    record = Record(id="1", instruction="Name it.", input="x", output="a")
    rows = [
        Revision(record, replace(record, output="b" * 9)),
        Revision(replace(record, id="2"), replace(record, id="2", output="c")),
    ]
    write_revisions(rows, tmp_path / "revisions.jsonl")
    coach_select(CoachSelectConfig(alpha=0.5, published=True), tmp_path / "revisions.jsonl", tmp_path / "out")
    (row,) = json.loads((tmp_path / "out" / "published.json").read_bytes())
    assert row["Raw Response"] == "a"
    assert row["Revised Response"] == "b" * 9
    assert row["Distance"] == 9
