"""Warnings about English: what is found, what is meant to be wrong, and what happens without harper-py."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
import typer
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from tunewright.cli.check_items import command
from tunewright.generate import grammar
from tunewright.generate.check_items import CheckItemsConfig, check_items
from tunewright.generate.item_rules import ALL_RULES, RULES, judge
from tunewright.records import Record, write_records

needs_harper = pytest.mark.skipif(
    grammar.harper_version() is None, reason="needs harper-py, the extra `grammar`"
)


def item(stem: str = "When does the pool open on Sundays?", **changes: Any) -> Record:
    texts = changes.pop("texts", ("at nine", "at ten", "at noon"))
    fields = {name: changes.pop(name) for name in ("instruction", "explanation") if name in changes}
    options = [{"letter": letter, "text": text} for letter, text in zip("ABC", texts, strict=True)]
    meta = {"options": options, "key": "B", "passage": "The pool opens at ten.", "stem": stem, "evidence": ""}
    return Record(
        **{
            "id": "r",
            "instruction": "Read the notice and choose the answer.",
            "output": f"B) {texts[1]}",
            "explanation": "The notice gives the time in plain words.",
            "meta": meta | changes,
        }
        | fields
    )


def warned(record: Record) -> list[str]:
    return [hit.reason for hit in judge(record, rules=ALL_RULES) if hit.rule == "grammar"]


@needs_harper
@pytest.mark.parametrize(
    ("sentence", "words"),
    [
        ("He go home by bus.", "go"),
        ("She have two dogs.", "have"),
        ("They was late again.", "was"),
        ("Once they is at school, they eat.", "is"),
        ("It don't matter to me.", "don't"),
        ("She ate a apple.", "a"),
        ("It was an party in Texas.", "an"),
        ("They had a accident.", "a"),
        ("What is the the matter?", "the the"),
        ("It is close close to the sea.", "close close"),
        ("This road is more better.", "more better"),
        ("You should of asked.", "should of"),
        ("He didn't went there.", "went"),
        ("Their is a reason.", "Their"),
    ],
)
def test_a_slip_is_found(sentence: str, words: str) -> None:
    assert [found for found, _, _ in grammar.faults(sentence)] == [words]


@needs_harper
@pytest.mark.parametrize(
    "sentence",
    [
        "An SAT tutor",  # an article before letters
        "At 8:46 a.m.",
        "Pago Pago",
        "He struck a deal.",  # a past form without -s
        "I had had enough.",
        "The very very small dog that that man has",
        "Zorblatt met Frimbulina in Xyzzyville.",  # names: spelling is off
        "birth month is unimportant",  # an option begins with a small letter
        "",
        "____",
    ],
)
def test_sound_english_passes(sentence: str) -> None:
    assert grammar.faults(sentence) == []


@needs_harper
def test_stem_options_and_explanation_are_read_and_the_reason_says_where() -> None:
    record = item(
        "When do the the pool open?", texts=("at nine", "it was an party", "at noon"), explanation="He go."
    )
    assert warned(record) == [
        "stem: 'the the': Did you mean to repeat this word?; perhaps 'the'",
        "option B: 'an': Incorrect indefinite article; perhaps 'a'",
        "explanation: 'go': The form of the verb must agree in grammatical number with the pronoun; "
        "perhaps 'goes'",
    ]
    assert [hit.severity for hit in judge(record, rules=ALL_RULES) if hit.rule == "grammar"] == [
        "warning"
    ] * 3


@needs_harper
@pytest.mark.parametrize(
    "changes",
    [
        {"instruction": "Find the mistake and choose its correction."},
        {"instruction": "Correct the sentence."},
        {"instruction": "Which part has an error?"},
        {"task": "error_correction"},
        {"task": "error correction"},
    ],
)
def test_an_item_that_asks_for_a_mistake_is_left_alone(changes: dict[str, str]) -> None:
    stem = "He go home and eat a apple."
    assert warned(item(stem))
    assert warned(item(stem, explanation="He go is wrong.", **changes)) == []


@needs_harper
def test_forms_to_choose_from_are_no_faults_and_a_gap_is_read_with_its_key() -> None:
    gap = {"texts": ("he go", "he goes", "he gone")}
    assert warned(item("Every day ____ home.", **gap)) == []
    assert warned(item("Every day ____ home home.", **gap)) == [
        "stem: 'home home': The word stands twice; perhaps 'home'"
    ]
    assert warned(item("Every day ____ home.", texts=("he goes", "he go", "he gone")))  # a wrong key
    forms = item("What is said?", instruction="Choose the correct form.", **gap)
    assert warned(forms) == []


@needs_harper
def test_what_an_explanation_quotes_is_not_its_own_english() -> None:
    quoting = 'A is wrong: "he go" lacks an -s. So does “she have”.\nC) a apple: confuses the articles.'
    assert (
        warned(item(explanation=quoting, texts=("at nine", "at ten", "a apple"), stem="Fill in: ____")) == []
    )
    assert warned(item(explanation="A learner who he go home."))


@needs_harper
def test_other_languages_are_not_read() -> None:
    assert warned(item("He go home.", language="de")) == []


@needs_harper
@given(st.text(max_size=80))
@settings(deadline=None, max_examples=60)
def test_no_text_makes_it_fail(text: str) -> None:
    for found, message, _ in grammar.faults(text + " \ud800"):
        assert found
        assert message


def test_only_who_asks_for_all_rules_gets_them() -> None:
    assert [rule.name for rule in ALL_RULES] == [*(rule.name for rule in RULES), "grammar"]
    assert not any(hit.rule == "grammar" for hit in judge(item("He go home.")))


@pytest.fixture
def without_harper(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "harper", None)  # import harper fails
    grammar._linter.cache_clear()
    yield  # type: ignore[misc]
    grammar._linter.cache_clear()


@pytest.fixture
def data(tmp_path: Path) -> Path:
    write_records([item("He go home when?")], tmp_path / "items.jsonl", format="native")
    return tmp_path / "items.jsonl"


def run(*words: str) -> str:
    app = typer.Typer()
    app.command()(command)
    done = CliRunner().invoke(app, list(words), catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.stdout


@pytest.mark.usefixtures("without_harper")
def test_without_harper_the_check_says_once_how_to_get_it(data: Path, tmp_path: Path) -> None:
    said = run(str(data), "--out", str(tmp_path / "out"))
    assert said.count("pip install 'tunewright[grammar]'") == 1
    assert "The grammar warnings were left out, because harper-py is not installed" in said
    summary = json.loads((tmp_path / "out/summary.json").read_text(encoding="utf-8"))
    assert "grammar" not in {row["name"] for row in summary["rules"]}
    assert len(summary["left_out"]) == 1


@pytest.mark.usefixtures("without_harper")
def test_who_skips_the_rule_is_not_told(data: Path, tmp_path: Path) -> None:
    assert "harper" not in run(str(data), "--out", str(tmp_path / "out"), "--skip", "grammar")


@needs_harper
def test_with_harper_the_check_counts_the_warning(data: Path, tmp_path: Path) -> None:
    check_items(CheckItemsConfig(), data, tmp_path / "out")
    summary = json.loads((tmp_path / "out/summary.json").read_text(encoding="utf-8"))
    (row,) = [row for row in summary["rules"] if row["name"] == "grammar"]
    assert (row["fired"], row["of"], summary["left_out"]) == (1, 1, [])
    assert row["on_expert_items"] == {"fired": 14, "of": 1385}
