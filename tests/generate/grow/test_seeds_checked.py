"""Seeds and options are checked before anything is asked, and told in the words that were typed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from generate.grow.fake_model import FakeModel
from generate.grow.test_grow import config
from tunewright.cli import generate
from tunewright.errors import DataError, RecipeError
from tunewright.generate.grow.source import check_seeds, seed_source
from tunewright.generate.grow.stage import estimate_growth, grow

app = typer.Typer(pretty_exceptions_enable=False)
app.command("generate")(generate.command)

CHOICE: dict[str, Any] = {
    "id": "bell",
    "instruction": "Choose the correct answer.",
    "input": "The bell rings at nine.\n\nWhen does it ring?\nA) at nine\nB) at ten\nC) at two",
    "output": "A) at nine",
    "explanation": "The text says nine.",
    "skill": "reading",
    "level": "A1",
    "task": "notice",
    "topic": "school",
    "options": [
        {"letter": "A", "text": "at nine"},
        {"letter": "B", "text": "at ten"},
        {"letter": "C", "text": "at two"},
    ],
    "key": "A",
}


def seeds(tmp_path: Path, *changed: dict[str, Any]) -> str:
    file = tmp_path / "seeds.jsonl"
    rows = [CHOICE | {"id": f"bell{n}"} | one for n, one in enumerate(changed)]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return str(file)


def typed(*words: str) -> str:
    """The error that `tunewright generate` with these words ends in."""
    done = CliRunner().invoke(app, ["--out", "never-made", *words])
    assert isinstance(done.exception, RecipeError), done.output
    assert not Path("never-made").exists()
    return str(done.exception)


def test_a_seed_with_a_hard_fault_is_an_error_that_names_it(tmp_path: Path) -> None:
    file = seeds(tmp_path, {}, {"key": "Z"}, {"key": "Y"})
    model = FakeModel()
    with pytest.raises(DataError) as error:
        grow(config(8, seeds=file), tmp_path / "out", backend=model)
    assert str(error.value).startswith("seeds.jsonl: 2 seeds of 3 cannot be used")
    assert "\n  bell1: key_is_one_option, the key 'Z' is none of the options A, B, C" in str(error.value)
    assert "\n  bell2: key_is_one_option" in str(error.value)
    assert model.num_calls == 0
    with pytest.raises(DataError, match="2 seeds of 3"):
        estimate_growth(config(8, seeds=file))


def test_a_rule_that_is_left_out_and_general_data_judge_no_seed(tmp_path: Path) -> None:
    source = seed_source(seeds(tmp_path, {"key": "Z"}))
    assert check_seeds(source, skip_rules=("key_is_one_option",)) == ()
    assert check_seeds(source, skip_rules=None) == ()


def test_a_seed_from_a_bank_may_lack_an_explanation_and_have_two_options(tmp_path: Path) -> None:
    file = seeds(tmp_path, {"explanation": "", "options": CHOICE["options"][:2]})
    assert check_seeds(seed_source(file), skip_rules=()) == ()


def test_seeds_that_are_there_twice_are_named(tmp_path: Path) -> None:
    file = seeds(tmp_path, {}, {"output": "A)  At nine"}, {"instruction": "Read and choose."})
    assert check_seeds(seed_source(file), skip_rules=()) == (
        "1 seed repeats another (bell1 = bell0); prompts will show such a pair",
    )


@pytest.mark.parametrize(
    ("topic", "said"),
    [
        ("two\nlines", "it has a line break"),
        ("x" * 101, "it has 101 characters"),
        (["a"], r"is \['a'\]"),
    ],
)
def test_a_topic_of_a_seed_passes_the_checks_of_a_given_one(tmp_path: Path, topic: Any, said: str) -> None:
    with pytest.raises(DataError, match=rf"seed bell1: topic:? {said}"):
        grow(config(8, seeds=seeds(tmp_path, {}, {"topic": topic})), tmp_path / "out", backend=FakeModel())


def test_more_than_one_run_can_hold_is_refused() -> None:
    said = typed("--seeds", "elpa", "--model", "scripted:x.yaml", "-n", "99999999999", "--dry-run")
    assert said.startswith("the command line: -n is 99999999999: at most 10,000,000 in one run; do several")


def test_a_dry_run_of_ten_million_builds_few_calls(tmp_path: Path) -> None:
    (tmp_path / "script.yaml").write_text("rules:\n  - reply: none\n")
    ask = {"model": f"scripted:{tmp_path / 'script.yaml'}", "price_input": 1.0, "price_output": 1.0}
    file = seeds(tmp_path, {})
    found = estimate_growth(config(10**7, ask=ask, seeds=file))
    assert found.num_requests == found.num_to_ask == 2_500_000
    assert found.most_output_tokens == 2_500_000 * 4096
    few = estimate_growth(config(400, ask=ask, seeds=file))  # built one by one
    assert found.prompt_tokens == pytest.approx(few.prompt_tokens * 25_000, rel=0.02)
    assert found.most_cost == pytest.approx((found.prompt_tokens + found.most_output_tokens) / 1e6)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            ["--seeds", "elpa", "--model", "scripted:x", "--level", "b1"],
            "--level b1: did you mean --level B1?",
        ),
        (["--skill", "Reading"], "--skill Reading: did you mean --skill reading?"),
        (["--from", "foo"], "the command line: --from is 'foo'; it must be 'items' or 'model'"),
        (["--from", "model"], "--from model needs a model: add --model, such as --model openai:NAME"),
        (["--seeds", "elpa"], "--seeds needs a model: add --model, such as --model openai:NAME"),
        (
            ["--from", "items", "--topic", "sport", "--model", "scripted:x"],
            "--from items asks no model: leave out --topic, --model, or leave out --from items",
        ),
        (
            ["--seeds", "elpa", "--model", "scripted:x", "--budget-money", "3"],
            "the command line: --budget-money needs --price-input and --price-output (per million tokens)",
        ),
        (
            ["--seeds", "elpa", "--model", "scripted:x", "--skip-detector", "refusals"],
            "--skip-detector: there is no detector 'refusals'; did you mean 'refusal'?",
        ),
    ],
)
def test_an_error_names_what_was_typed(words: list[str], said: str) -> None:
    assert typed(*words) == said
