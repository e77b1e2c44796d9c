"""Another parser over the replies that are there: nothing is asked."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tunewright.errors import DataError, RecipeError
from tunewright.llm.config import AskConfig
from tunewright.llm.journal import Journal
from tunewright.rate import stage
from tunewright.rate.config import RateConfig
from tunewright.rate.reparse import reparse
from tunewright.rate.stage import rate
from tunewright.run.config import parse_config
from tunewright.run.files import read_jsonl

RULES = """
rules:
  - contains: "Say yes"
    reply: {reason: "It says yes.", score: 5}
  - contains: "Say no"
    reply: "Reason: it says maybe. Score: 2 of 5"
  - reply: "no idea"
"""
OWN = (
    "name: own\nscale: {low: 0, high: 5}\nhigh_from: 4\n"
    'criteria: [{name: tone, side: response, question: "Is it kind?"}]\n'
)
PATTERN = r"(?:Reason: (?P<reason>[^.]+)\.)?.*Score: (?P<score>[0-9.]+)"


@pytest.fixture
def rated(tmp_path: Path) -> Path:
    rows = [{"instruction": f"Say {word}", "output": word} for word in ("yes", "no", "maybe")]
    (tmp_path / "data.json").write_text(json.dumps(rows))
    (tmp_path / "rules.yaml").write_text(RULES)
    config = RateConfig(ask=AskConfig(model=f"scripted:{tmp_path / 'rules.yaml'}"))
    rate(config, tmp_path / "data.json", tmp_path / "rated")
    return tmp_path / "rated"


def scores(folder: Path) -> list[float | None]:
    return [row["scores"].get("response.accuracy") for row in read_jsonl(folder / "ratings.jsonl")]


def test_a_pattern_reads_what_was_not_json_and_nothing_is_asked(rated: Path, tmp_path: Path) -> None:
    assert scores(rated) == [5.0, None, None]
    (tmp_path / "rules.yaml").unlink()  # whoever answered is gone
    manifest = reparse(rated, tmp_path / "new", pattern=PATTERN)
    assert scores(tmp_path / "new") == [5.0, 2.0, None]
    rows = list(read_jsonl(tmp_path / "new" / "ratings.jsonl"))
    assert rows[1]["criteria"]["response.accuracy"]["reason"] == "it says maybe"
    assert manifest["counts"]["failed_ratings"] == 1
    assert not (tmp_path / "new" / "replies.sqlite").exists()


def test_without_a_pattern_it_gives_what_the_rating_gave(rated: Path, tmp_path: Path) -> None:
    reparse(rated, tmp_path / "new")
    for name in ("ratings.jsonl", "records.jsonl", "rejects.jsonl"):
        assert (tmp_path / "new" / name).read_bytes() == (rated / name).read_bytes()


def test_a_score_that_a_pattern_finds_is_checked_too(rated: Path, tmp_path: Path) -> None:
    reparse(rated, tmp_path / "new", pattern=r"of (?P<score>5)|Score: (?P<other>2)")
    assert scores(tmp_path / "new") == [5.0, None, None]


@pytest.mark.parametrize(
    ("pattern", "problem"),
    [("score: ([0-5])", "no group named score"), ("(?P<score>", "not a regular expression")],
)
def test_a_pattern_that_cannot_work_is_refused(pattern: str, problem: str) -> None:
    with pytest.raises(RecipeError, match=problem):
        parse_config(RateConfig, {"ask": {"model": "hf:x"}, "pattern": pattern}, where="the command line")


def test_only_a_finished_rating_can_be_reparsed(rated: Path, tmp_path: Path) -> None:
    (rated / "replies.sqlite").rename(tmp_path / "elsewhere.sqlite")
    with pytest.raises(DataError, match="--no-calls --replies FILE"):
        reparse(rated, tmp_path / "new")


def test_changed_data_are_named_and_nothing_is_written(rated: Path, tmp_path: Path) -> None:
    rows = json.loads((tmp_path / "data.json").read_text())
    (tmp_path / "data.json").write_text(json.dumps([{**rows[0], "output": "Yes!"}, *rows[1:]]))
    with pytest.raises(DataError, match=r"the data \(.*data.json\) changed, .* put back what was there"):
        reparse(rated, tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_changed_criteria_and_prompts_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = tmp_path / "own.yaml"
    own.write_text(OWN)
    (tmp_path / "data.json").write_text(json.dumps([{"instruction": "Say yes", "output": "yes"}]))
    (tmp_path / "rules.yaml").write_text(RULES)
    config = RateConfig(ask=AskConfig(model=f"scripted:{tmp_path / 'rules.yaml'}"), criteria=str(own))
    rate(config, tmp_path / "data.json", tmp_path / "rated")
    own.write_text(OWN.replace("kind", "polite"))
    with pytest.raises(DataError, match=r"the criteria \(.*own.yaml\) changed"):
        reparse(tmp_path / "rated", tmp_path / "new")
    monkeypatch.setattr(stage, "prompt_hashes", dict)
    with pytest.raises(DataError, match=r"the criteria \(.*\) and the prompts of Tunewright changed"):
        reparse(tmp_path / "rated", tmp_path / "new")


def test_a_journal_without_the_replies_is_an_error(rated: Path, tmp_path: Path) -> None:
    """An empty journal has no reply to any of the three questions."""
    (rated / "replies.sqlite").unlink()
    Journal(rated / "replies.sqlite").close()
    with pytest.raises(DataError, match="has no reply to 3 requests of that rating"):
        reparse(rated, tmp_path / "new")
    assert not (tmp_path / "new" / "manifest.json").exists()


def test_a_pattern_that_is_none_is_a_sentence(rated: Path, tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="not a regular expression"):
        reparse(rated, tmp_path / "new", pattern="(")


def test_a_rating_is_not_reparsed_into_itself(rated: Path) -> None:
    before = (rated / "ratings.jsonl").read_bytes()
    with pytest.raises(DataError, match="choose another --out"):
        reparse(rated, rated, again=True)
    assert (rated / "ratings.jsonl").read_bytes() == before


def test_changed_records_without_ids_are_not_compared_silently(rated: Path, tmp_path: Path) -> None:
    (tmp_path / "new.json").write_text(json.dumps([{"instruction": "Say yes", "output": "yes, gladly"}]))
    model = AskConfig(model=f"scripted:{tmp_path / 'rules.yaml'}")
    with pytest.raises(DataError, match=r"none of the records has an id of that rating.*'id' column"):
        rate(RateConfig(ask=model, before=rated), tmp_path / "new.json", tmp_path / "after")
