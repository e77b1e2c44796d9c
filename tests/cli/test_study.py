"""The commands `study` and `agreement`, from files to printed lines."""

from __future__ import annotations

import json
from pathlib import Path

from typer import Typer
from typer.testing import CliRunner

from tunewright.cli import agreement
from tunewright.cli.study import app
from tunewright.errors import TunewrightError


def run(*arguments: object) -> str:
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.output


def rows(path: Path, values: list[dict[str, object]]) -> Path:
    path.write_text("".join(json.dumps(value) + "\n" for value in values), encoding="utf-8")
    return path


def test_a_study_from_files_to_its_page(tmp_path: Path) -> None:
    prompts = [{"id": f"p{number}", "instruction": f"Ask {number}"} for number in range(6)]
    rows(tmp_path / "prompts.jsonl", list(prompts))
    for name in ("a", "b"):
        answers = [{"instruction": row["instruction"], "output": f"{name * 3} text"} for row in prompts]
        rows(tmp_path / f"{name}.jsonl", list(answers))
    out = tmp_path / "one"
    said = run(
        *("new", "--systems", f"tuned={tmp_path / 'a.jsonl'},base={tmp_path / 'b.jsonl'}"),
        *("--prompts", tmp_path / "prompts.jsonl", "--raters", "ann,bob", "--out", out, "--repeat", 0),
    )
    assert "6 prompts, 2 systems, overlap 2: ann 12 items, bob 12 items" in said
    assert "difference of two shares that 80 % of studies find (corrected for 3 comparisons)" in said
    given: list[dict[str, object]] = []
    texts = {}
    for line in (out / "for-raters" / "items.jsonl").read_text("utf-8").splitlines():
        item = json.loads(line)
        texts[item["item"]] = item["answers"][0]["output"]
    for rater in ("ann", "bob"):
        for line in (out / "for-raters" / "assignments" / f"{rater}.jsonl").read_text("utf-8").splitlines():
            row = json.loads(line)
            good = texts[row["item"]].startswith("aaa")
            for question, value in (("validity", int(good)), ("readiness", 4), ("explanation", 2)):
                given.append(
                    {"item": row["item"], "system": row["answers"][0], "rater": rater}
                    | {"question": question, "value": value, "time": "2026-05-04T09:00:00+00:00"}
                )
    assert "72 ratings added" in run("import-ratings", out, rows(tmp_path / "r.jsonl", given))
    assert "ann: 12 of 12 items done" in run("status", out)
    assert "locked at" in run("lock", out)
    assert run("adjudicate", out) == ""
    said = run("results", out)
    assert "validity: tuned above base." not in said  # six prompts: p = .031, three tests
    assert "validity: no difference between systems is shown." in said
    assert "tuned" in (out / "results.html").read_text("utf-8")
    assert "unblinded.jsonl" in run("unblind", out)
    assert len(run("export", out).splitlines()) == 72

    printed = CliRunner().invoke(_agreement(), [str(tmp_path / "r.jsonl"), "--question", "validity"])
    assert "12 items, 12 with two ratings or more; 24 ratings by 2 raters" in printed.output
    assert "prevalence: 0 50.0%, 1 50.0%" in printed.output


def test_agreement_says_what_a_file_lacks(tmp_path: Path) -> None:
    file = tmp_path / "r.csv"
    file.write_text("item,rater\nx,ann\n", encoding="utf-8")
    problem = CliRunner().invoke(_agreement(), [str(file)]).exception
    assert isinstance(problem, TunewrightError)
    assert "r.csv:1: the column 'value' is missing; there are: item, rater" in str(problem)


def test_agreement_reads_spreadsheets_with_gaps(tmp_path: Path) -> None:
    file = tmp_path / "r.csv"
    file.write_text("item,rater,value\nx,a,1\nx,b,1\ny,a,2\ny,b,\nz,a,2\nz,b,2\n", encoding="utf-8")
    printed = CliRunner().invoke(_agreement(), [str(file), "--scale", "1,2,3", "--json"]).output
    found = json.loads(printed)
    assert (found["num_items"], found["num_pairable"], found["categories"]) == (3, 2, [1.0, 2.0, 3.0])


def _agreement() -> Typer:
    app = Typer()
    app.command()(agreement.command)
    return app


def test_power_is_told_before_there_is_a_study() -> None:
    assert run("power", "--gap", ".1", "--ties", ".4").startswith("with 40 % ties: 487 prompts show")
    assert len(run("power", "--prompts", 200).splitlines()) == 3
    assert "too few" in run("power", "--prompts", 8, "--ties", ".6")
    problem = CliRunner().invoke(app, ["power"]).exception
    assert "give --gap to learn how many prompts" in str(problem)
