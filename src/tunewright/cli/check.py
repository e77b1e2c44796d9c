"""`tunewright check DATA --out DIR`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tunewright.cli.run import Again
from tunewright.cli.show import sink_for
from tunewright.cli.tune import Format
from tunewright.errors import RecipeError

if TYPE_CHECKING:
    from rich.table import Table


def command(
    data: Annotated[
        str | None, typer.Argument(help="A file, a data-set folder or a Hugging Face id.", show_default=False)
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Folder for the results.")] = None,
    language: Annotated[
        str, typer.Option(help="The data's language, e.g. en; other ones are reported. any: not looked at.")
    ] = "any",
    cutoff: Annotated[
        str | None, typer.Option(help="YYYY-MM: dates from then on are reported [default: not looked at].")
    ] = None,
    fix: Annotated[bool, typer.Option("--fix", help="Also write records.jsonl with safe repairs.")] = False,
    only: Annotated[str | None, typer.Option(help="These detectors alone, parted by commas.")] = None,
    skip: Annotated[str | None, typer.Option(help="Not these detectors, parted by commas.")] = None,
    threshold: Annotated[
        float, typer.Option("--threshold", help="ROUGE-L above which prompts are near-duplicates.")
    ] = 0.7,
    listed: Annotated[bool, typer.Option("--list", help="Show all detectors and stop.")] = False,
    format: Format = None,
    again: Again = False,
) -> None:
    """Find defects of instruction data, without a model.

    DIR/findings.jsonl has a row for every record with findings, DIR/summary.html shows examples. With --fix,
    DIR/records.jsonl holds all records, repaired where no meaning can change; what was there is kept.

    Example: tunewright check my.jsonl --language en --out runs/check
    """
    if listed:
        _print_list()
        return
    if data is None or out is None:
        raise RecipeError("give DATA and --out DIR, or --list to see the detectors")
    from tunewright.rate.check import CheckConfig, check
    from tunewright.run.config import parse_config
    from tunewright.run.progress import Progress

    settings = {
        "language": language,
        "cutoff": cutoff,
        "only": _names(only),
        "skip": _names(skip) or [],
        "near_duplicate_threshold": threshold,
        "fix": fix,
        "format": format,
    }
    config = parse_config(CheckConfig, settings, where="the command line")
    check(config, data, out, progress=Progress(sink_for()), again=again)
    _print_summary(out, fixed=fix)


def _names(text: str | None) -> list[str] | None:
    return [name.strip() for name in text.split(",") if name.strip()] if text is not None else None


def _print_summary(out: Path, *, fixed: bool) -> None:
    import json

    from rich.console import Console

    from tunewright.rate.check_page import lead, percent

    summary: dict[str, Any] = json.loads((out / "summary.json").read_text(encoding="utf-8"))
    console = Console(highlight=False, soft_wrap=True)
    console.print(lead(summary) + "\n", markup=False)
    order = ["error", "warning", "note"]
    fired = [row for row in summary["detectors"] if row["count"]]
    fired.sort(key=lambda row: (order.index(row["severity"]), -row["count"]))
    if fired:
        table = _table("detector", "severity", "records", "share", "on expert data")
        for row in fired:
            expected = row["expected_alarms"]
            table.add_row(
                row["name"],
                row["severity"],
                f"{row['count']:,}",
                percent(row["share"]),
                percent(expected["share"]) if expected else "–",
            )
        console.print(table)
    lines = [f"off: {row['name']} ({row['off']})" for row in summary["detectors"] if row["off"]]
    if summary["worst"]:
        lines += ["", "Worst records:"]
        for bad in summary["worst"][:5]:
            found = ", ".join(dict.fromkeys(one["detector"] for one in bad["findings"]))
            lines.append(f"  {bad['id']} (line {bad['line']}): {found}")
    lines += ["", f"findings: {out / 'findings.jsonl'}", f"page: {out / 'summary.html'}"]
    if fixed:
        lines.append(f"{summary['fixed']['records']:,} records repaired: {out / 'records.jsonl'}")
    console.print("\n".join(lines), markup=False)


def _print_list() -> None:
    from rich.console import Console

    from tunewright.rate.check_page import percent
    from tunewright.rate.detectors import DETECTORS
    from tunewright.rate.false_alarms import expected_alarms

    expected = expected_alarms()
    table = _table("detector", "severity", "on expert data", "meaning")
    for detector in DETECTORS:
        alarms = expected.get(detector.name)
        share = percent(alarms.share) if alarms else "–"
        repaired = " Repaired by --fix." if detector.fix else ""
        table.add_row(detector.name, detector.severity.value, share, detector.meaning + repaired)
    Console(highlight=False).print(table)


def _table(*columns: str) -> Table:
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in columns:
        wraps = name == "meaning"
        table.add_column(
            name,
            no_wrap=not wraps,
            justify="right" if name in ("records", "share", "on expert data") else "left",
        )
    return table
