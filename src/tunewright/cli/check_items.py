"""`tunewright check-items DATA --out DIR`."""

from __future__ import annotations

import json
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
    skip: Annotated[
        str | None, typer.Option(help="Not these rules, parted by commas, e.g. empty_explanation.")
    ] = None,
    listed: Annotated[bool, typer.Option("--list", help="Show all rules and stop.")] = False,
    format: Format = None,
    again: Again = False,
) -> None:
    """Judge assessment items by rules, without a model.

    Hard faults make an item unusable (two equal options, a key that points nowhere, evidence that is not in
    the passage); warnings ask for a look. DIR/findings.jsonl has a row for every record with findings,
    DIR/summary.json the counts beside those on experts' items, and how keys spread over the set.

    Example: tunewright check-items items.jsonl --out runs/items
    """
    if listed:
        _print_list()
        return
    if data is None or out is None:
        raise RecipeError("give DATA and --out DIR, or --list to see the rules")
    from tunewright.generate.check_items import CheckItemsConfig, check_items
    from tunewright.run.config import parse_config
    from tunewright.run.progress import Progress

    names = [name.strip() for name in (skip or "").split(",") if name.strip()]
    config = parse_config(CheckItemsConfig, {"skip": names, "format": format}, where="the command line")
    check_items(config, data, out, progress=Progress(sink_for()), again=again)
    _print_summary(out)


def _print_summary(out: Path) -> None:
    from rich.console import Console

    summary: dict[str, Any] = json.loads((out / "summary.json").read_text(encoding="utf-8"))
    console = Console(highlight=False, soft_wrap=True)
    console.print("\n".join(_count_lines(summary)) + "\n", markup=False)
    fired = [row for row in summary["rules"] if row["fired"]]
    if fired:
        table = _table("rule", "severity", "fires on", "of", "share", "on experts' items")
        for row in fired:
            expert = row["on_expert_items"]
            table.add_row(
                row["name"],
                row["severity"],
                f"{row['fired']:,}",
                f"{row['of']:,}",
                _percent(row["fired"], row["of"]),
                _percent(expert["fired"], expert["of"]) if expert else "–",
            )
        console.print(table)
        console.print()
    if spread := _set_lines(summary["set"]):
        console.print("\n".join(spread), markup=False)
    for sentence in summary.get("left_out", ()):
        console.print(f"\n{sentence[0].upper()}{sentence[1:]}", markup=False)
    if summary["num_rejects"]:
        rows = _counted(summary["num_rejects"], "row")
        console.print(f"\n{rows} could not be read: {out / 'rejects.jsonl'}", markup=False)
    console.print(f"\nfindings: {out / 'findings.jsonl'}", markup=False)


def _count_lines(summary: dict[str, Any]) -> list[str]:
    """What was read and what was found, each adding up to the number of records."""
    num, choice, written = summary["num_records"], summary["num_choice"], summary["num_written"]
    hard, warned = summary["num_hard"], summary["num_warned"]
    read = [_counted(choice, "choice item")] if choice else []
    if written:
        read.append(_counted(written, "written item"))
    if rest := num - choice - written:
        what = "open task (no options or 'answer': its" if rest == 1 else ""
        what = what or "open tasks (no options or 'answer': their"
        read.append(f"{rest:,} {what} texts alone are judged)")
    found = [f"{hard:,} with hard faults", f"{warned:,} with warnings alone"]
    found.append(f"{num - hard - warned:,} without findings")
    return [f"{_counted(num, 'record')}: {', '.join(read)}", ", ".join(found)]


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _set_lines(found: dict[str, Any] | None) -> list[str]:
    """How the keys spread: places and lengths with their p."""
    if found is None:
        return []
    lines = []
    for one in found["by_size"]:
        places = ", ".join(
            f"{letter} {count:,}"
            for letter, count in zip("ABCDEFGHIJKLMNOPQRSTUVWXYZ", one["positions"]["counts"], strict=False)
        )
        lines.append(
            f"keys of {_counted(one['num_items'], 'item')} with {one['num_options']} options: {places} "
            f"(p {_p(one['positions']['p'])}{', rough' if one['positions']['is_rough'] else ''})"
        )
    lines.append(
        f"key strictly longest: {100 * found['key_longest']:.1f} %, by chance {100 * found['chance']:.1f} % "
        f"(p {_p(found['length_p'])})"
    )
    return lines


def _print_list() -> None:
    from rich.console import Console

    from tunewright.generate.item_rates import expert_rates
    from tunewright.generate.item_rules import ALL_RULES

    expert = expert_rates()
    table = _table("rule", "severity", "on experts' items", "meaning")
    for rule in ALL_RULES:
        rate = expert.get(rule.name)
        table.add_row(rule.name, rule.severity, _percent(rate.fired, rate.of) if rate else "–", rule.meaning)
    Console(highlight=False).print(table)


def _percent(count: int, of: int) -> str:
    return f"{100 * count / of:.1f} %" if of else "–"


def _p(p: float | None) -> str:
    return "–" if p is None else "< 0.001" if p < 0.001 else f"{p:.3f}"


def _table(*columns: str) -> Table:
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in columns:
        is_number = name in ("fires on", "of", "share", "on experts' items")
        table.add_column(name, no_wrap=name != "meaning", justify="right" if is_number else "left")
    return table
