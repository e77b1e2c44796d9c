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
    assert lines[1].split()[:4] == ["Model", "n", "Win", "rate"]
    good = next(line for line in lines if line.startswith("good<b>"))
    assert good.split()[1:5] == ["59", "89.83", "±", "3.97"]  # 53 of 59 judged
    made_of = [line for line in lines if line.startswith("good<b>")][1]
    assert made_of.split()[1:8] == ["53", "0", "6", "89.83", "89.83", "89.83", "1"]
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
    assert again.stdout.splitlines()[2].split()[-1] == "0.000000"
    board.write_text(board.read_text().replace("89.8305", "89.8304"))
    other = tunewright(*files, "--leaderboard", board)
    assert other.stdout.splitlines()[2].split()[-1] == "+0.000100"


def test_names_cannot_break_the_table_or_command_the_terminal(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text(json.dumps(rows("m\x1b[31m\nred", 0.9) + rows("モデル", 0.3)))
    done = tunewright(path)
    assert "\x1b" not in done.stdout
    lines = done.stdout.splitlines()
    # six columns for three wide letters: with theirs counted both rows end where the head ends
    assert lines[2].startswith("m\\x1b[31m\\nred  59")
    assert lines[3].startswith("モデル          59")


def test_the_page_says_whether_a_model_is_shown_to_be_better_than_the_baseline(tmp_path: Path) -> None:
    path, page = tmp_path / "a.json", tmp_path / "w.html"
    for share, said in (
        (0.9, "m wins 89.8 % against base (95 % interval 81.4 to 96.6: above 50)"),
        (0.5, "50 lies in it, so neither is shown to be better"),
    ):
        path.write_text(json.dumps(rows("m", share)))
        tunewright(path, "--html", page)
        assert said in page.read_text(encoding="utf-8")


def test_a_judge_may_give_its_own_model_less(tmp_path: Path) -> None:
    """Judge 1 gives m 39 of 59, judge 2 46 of 59 on the same pairs: 11.9 points less."""
    own, other = rows("m", 2 / 3), rows("m", 0.77)
    path = tmp_path / "a.json"
    path.write_text(json.dumps(own + [row | {"annotator": "other"} for row in other]))
    found = tunewright(path, "--own", "judge=m").stdout
    assert "judge gives its own m 66.1 %: 11.9 points less than other judges do" in found


def test_a_file_given_twice_is_noticed(files: list[Path]) -> None:
    said = "note: 60 judgements repeat another (same judge, models, instruction and answers)"
    assert said in tunewright(files[0], files[0]).stdout
    assert "repeat another" not in tunewright(*files).stdout


def test_few_instructions_are_said_to_be_few(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text(json.dumps(rows("m", 0.5, size=13)))
    assert "note: 12 instructions are few: below 30 the intervals are too narrow" in tunewright(path).stdout
    path.write_text(json.dumps(rows("m", 0.5, size=31)))
    assert "are few" not in tunewright(path).stdout


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
    assert "holds no row" in str(done.exception)
