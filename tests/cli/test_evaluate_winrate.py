"""`tunewright evaluate winrate` as a user meets it."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from tunewright.cli import evaluate_winrate
from tunewright.errors import DataError, RecipeError


def tunewright(*arguments: object) -> Result:
    app = typer.Typer()
    app.command("winrate")(evaluate_winrate.command)
    return CliRunner().invoke(app, [*map(str, arguments)])


def rows(model: str, share: float, *, seed: int = 1, size: int = 60) -> list[dict[str, object]]:
    rng = random.Random(seed)
    return [
        {
            "instruction": f"question {number}",
            "output_1": "x" * rng.randint(50, 150),
            "generator_1": "base",
            "output_2": "y" * rng.randint(50, 200),
            "generator_2": model,
            "annotator": "judge",
            "preference": None if number == 0 else 2 if number < share * size else 1,
            "verdict": "unparsed" if number == 0 else None,
            "verdict_ab": "unparsed" if number == 0 else "b" if number < share * size else "a",
            "verdict_ba": "b" if number < share * size else "a",
        }
        for number in range(size)
    ]


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    found = []
    for name, share in (("good<b>", 0.9), ("poor", 0.3)):
        found.append(tmp_path / f"{share}.json")
        found[-1].write_text(json.dumps(rows(name, share)))
    return found


def test_it_prints_rates_places_and_tests(files: list[Path]) -> None:
    done = tunewright(*files, "--length-controlled")
    assert done.exit_code == 0, done.output
    lines = done.stdout.splitlines()
    assert lines[0] == "Wins against base, %"
    assert lines[1].split()[:5] == ["Model", "Win", "rate", "At", "equal"]
    good = next(line for line in lines if line.startswith("good<b>"))
    assert good.split()[1:4] == ["89.83", "±", "3.97"]  # 53 of 59 judged
    assert "2 of 120 pairs have no preference and are in no rate" in done.stdout
    assert "1 of 1 pairs differ; separability 1.00" in done.stdout
    assert "100 % of 59" in done.stdout  # both orders agree


def test_json_and_files_are_written_beside_each_other(files: list[Path], tmp_path: Path) -> None:
    page, board = tmp_path / "w.html", tmp_path / "lb.csv"
    done = tunewright(*files, "--json", "--html", page, "--out", board)
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert [one["rates"]["num_unparsed"] for one in found["models"]] == [1, 1]
    assert found["tests"][0]["p_holm"] < 1e-6
    assert board.read_text().splitlines()[1].startswith("good<b>,89.83")
    text = page.read_text(encoding="utf-8")
    assert "good&lt;b&gt;" in text
    assert "good<b>" not in text
    assert "<script" not in text
    again = tunewright(*files, "--leaderboard", board)
    assert "+0.000" in again.stdout


def test_single_scores_need_a_baseline_for_rates(tmp_path: Path) -> None:
    path = tmp_path / "s.jsonl"
    path.write_text(
        "".join(
            json.dumps({"question_id": q, "model": m, "judge": ["j", "p"], "score": s, "turn": 1}) + "\n"
            for q, m, s in [(1, "a", 5), (1, "b", 7), (2, "a", 5), (2, "b", -1)]
        )
    )
    alone = tunewright(path)
    assert alone.exit_code == 0, alone.output
    assert alone.stdout.split() == [
        "Single",
        "scores",
        "Model",
        "Mean",
        "First",
        "turn",
        "Second",
        "turn",
        "Scores",
        "Unparsed",
        "b",
        "7.00",
        "7.00",
        "–",
        "1",
        "1",
        "a",
        "5.00",
        "5.00",
        "–",
        "2",
        "0",
    ]
    paired = tunewright(path, "--baseline", "a")
    assert "Wins against a, %" in paired.stdout
    assert tunewright(path, "--html", tmp_path / "w.html").exit_code == 0


def test_mistakes_end_in_a_sentence(files: list[Path], tmp_path: Path) -> None:
    assert isinstance(tunewright(*files, "--gamma", "g.csv").exception, RecipeError)
    assert isinstance(tunewright(tmp_path / "absent.json").exception, DataError)
    assert isinstance(tunewright(*files, "--own", "judge").exception, RecipeError)
    empty = tmp_path / "empty.json"
    empty.write_text("[]")
    done = tunewright(empty)
    assert isinstance(done.exception, DataError)
    assert "there is no comparison" in str(done.exception)
