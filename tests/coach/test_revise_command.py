"""`tunewright revise` as a user meets it."""

from __future__ import annotations

from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from coach.scripted_coach import write_coach, write_data
from tunewright.cli import revise as command
from tunewright.errors import RecipeError
from tunewright.records import read_records

SCRIPT = r"""
rules:
  - contains: "day 0 "
    reply: "5= The otter finds eggs number 0."
  - contains: "day 1 "
    reply: "3= The heron finds eggs number 1.\nend"
  - contains: "day 2 "
    refused: "400 no"
  - reply: keep
"""


def run(*arguments: object) -> str:
    app = typer.Typer()
    app.command()(command.command)
    done = CliRunner().invoke(app, [str(argument) for argument in arguments])
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    assert done.exit_code == 0, done.output
    return done.stdout


@pytest.fixture
def data(tmp_path: Path) -> Path:
    (tmp_path / "script.yaml").write_text(SCRIPT)
    return write_data(tmp_path / "data.jsonl", 6)


def lines_of(shown: str) -> list[str]:
    return [" ".join(line.split()) for line in shown.splitlines()]


def test_any_model_can_be_the_coach_and_the_end_says_what_became_of_the_records(
    data: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    shown = lines_of(run(data, "--coach", f"scripted:{tmp_path / 'script.yaml'}", "--out", out))
    assert shown == [
        "revised 1 16.7% has the coach's texts",
        "unchanged 3 50.0% the coach found nothing to change",
        "fell back 2 33.3% the reply was no usable revision",
        "refused 1",
        "unparsable 1",
        "records 6",
        "2 rows could not be read; they are in rejects.jsonl",
        f"records: {out / 'records.jsonl'}",
        f"revisions: {out / 'revisions.jsonl'}",
        f"summary: {out / 'summary.json'}",
    ]
    assert next(
        one.output for one in read_records(out / "records.jsonl") if one.id == "r1"
    ) == "The heron finds eggs number 1."  # fmt: skip


def test_a_trained_coach_leaves_its_pairs_alone_unless_told_to_revise_them(
    data: Path, tmp_path: Path
) -> None:
    pairs = [one for one in read_records(data, on_reject=lambda reject: None) if one.id == "r1"]
    coach = write_coach(tmp_path / "coach", pairs)
    words = [data, "--coach", coach, "--model", f"scripted:{tmp_path / 'script.yaml'}"]
    shown = lines_of(run(*words, "--out", tmp_path / "out"))
    assert "left alone 1 16.7% the coach was trained on it" in shown
    shown = lines_of(run(*words, "--out", tmp_path / "all", "--revise-trained"))
    assert "revised 1 16.7% has the coach's texts" in shown


def test_a_dry_run_asks_nothing(data: Path, tmp_path: Path) -> None:
    words = [data, "--coach", f"scripted:{tmp_path / 'script.yaml'}", "--out", tmp_path / "out"]
    assert "requests       6" in run(*words, "--dry-run")
    assert not (tmp_path / "out").exists()


def test_a_dry_run_says_what_the_policies_would_ask(data: Path, tmp_path: Path) -> None:
    settings = tmp_path / "settings.yaml"
    settings.write_text("accept: {preference: {ask: {model: 'openai:judge'}}}\n")
    words = [data, "--coach", f"scripted:{tmp_path / 'script.yaml'}", "--out", tmp_path / "out"]
    shown = run(*words, "--settings", settings, "--dry-run")
    assert "requests       6" in shown
    assert "to accept by preference, if every record is changed and stays as long as it is:" in shown
    assert "requests       12" in shown


def test_a_settings_file_has_the_rules_and_the_policies(data: Path, tmp_path: Path) -> None:
    settings = tmp_path / "settings.yaml"
    settings.write_text("accept: {meaning: {response: 1.0, instruction: null}}\n")
    words = [data, "--coach", f"scripted:{tmp_path / 'script.yaml'}", "--settings", settings]
    shown = lines_of(run(*words, "--out", tmp_path / "out"))
    assert "rejected 1 16.7% a valid revision that the policy did not accept" in shown
    settings.write_text("acept: {}\n")
    with pytest.raises(
        RecipeError, match=r"holds 'acept'; a settings file has the tables after: and accept:"
    ):
        run(*words, "--out", tmp_path / "other")


def test_requests_without_a_reply_are_said_with_what_to_do(data: Path, tmp_path: Path) -> None:
    words = [data, "--coach", f"scripted:{tmp_path / 'script.yaml'}", "--out", tmp_path / "out"]
    assert "6 requests have no reply: run the same command again without --no-calls" in run(
        *words, "--no-calls"
    )


def test_a_settings_file_is_named_with_what_is_wrong_in_it(tmp_path: Path) -> None:
    settings = tmp_path / "mine.yaml"
    settings.write_text("after:\n  skip: [over_long, too_dull]\n", encoding="utf-8")
    from tunewright.cli.revise import _tables

    with pytest.raises(RecipeError, match=r"mine\.yaml:2: 'after\.skip'.*'too_dull'"):
        _tables(settings)


def test_rules_can_be_switched_off_in_a_settings_file(tmp_path: Path) -> None:
    from tunewright.cli.revise import _tables
    from tunewright.coach.revise_config import ReviseConfig
    from tunewright.run.config import parse_config

    settings = tmp_path / "mine.yaml"
    settings.write_text("after: {skip: [over_long]}\n", encoding="utf-8")
    given = {"coach": "openai:x", "ask": {"concurrency": 3}, **_tables(settings)}
    config = parse_config(ReviseConfig, given, where="the test")
    assert config.after.skip == ("over_long",)
    assert (config.ask.model, config.ask.concurrency) == ("openai:x", 3)
