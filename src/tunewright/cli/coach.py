"""`tunewright coach select|train|evaluate`: from people's revisions to a coach."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from tunewright.cli import coach_select
from tunewright.cli.run import Again, Out
from tunewright.cli.show import sink_for

app = typer.Typer(
    help="Learn from people's revisions to revise a whole data set: choose the revisions that teach most, "
    "train a coach on them, compare coaches. Then `tunewright revise DATA --coach DIR`.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
app.command("select")(coach_select.command)

Revisions = Annotated[
    Path,
    typer.Argument(
        help="Revisions: CoachLM's published form, or rows with 'original' and 'revised'; with --after, the "
        "data set as it was."
    ),
]
After = Annotated[
    Path | None, typer.Option(help="The revised data set, whose records have the ids of REVISIONS.")
]
RevisionsFormat = Annotated[
    str | None, typer.Option("--format", help="published or pairs, when the content does not tell.")
]


@app.command("train")
def train(
    revisions: Revisions,
    out: Out,
    alpha: Annotated[
        float | None,
        typer.Option(
            help="Share to learn from, the largest edits first [0.3; of what `coach select` chose, all]."
        ),
    ] = None,
    model: Annotated[
        str, typer.Option("--model", "-m", help="Hugging Face id, folder, or scratch:tiny|small.")
    ] = "scratch:small",
    form: Annotated[
        str,
        typer.Option(
            help="How the coach writes: lines (only those that change, or keep), marked (all fields), flat "
            "(the published form, which is not lossless)."
        ),
    ] = "lines",
    good: Annotated[
        Path | None,
        typer.Option(help="Records that are good as they are [default: the revised sides of REVISIONS]."),
    ] = None,
    good_share: Annotated[
        float, typer.Option(help="Share of the training pairs that must come back unchanged.")
    ] = 0.25,
    validation: Annotated[float, typer.Option(help="Share of the records kept out to measure on.")] = 0.1,
    preset: Annotated[
        str,
        typer.Option(help="Settings to begin with: auto, scratch, 1b, 3b, 8b, or coachlm (the paper's)."),
    ] = "auto",
    epochs: Annotated[int | None, typer.Option(min=1, help="Passes over the pairs [preset's].")] = None,
    lr: Annotated[float | None, typer.Option(help="Peak learning rate [preset's].")] = None,
    batch_size: Annotated[int | None, typer.Option(min=1, help="Pairs per step [preset's].")] = None,
    lora: Annotated[int | None, typer.Option(help="Rank of the LoRA adapter [preset's].")] = None,
    max_tokens: Annotated[int | None, typer.Option(help="Longer pairs are left out [preset's].")] = None,
    objective: Annotated[
        str | None, typer.Option(help="it, or im:0.1 to learn the records themselves too [it].")
    ] = None,
    seed: Annotated[int, typer.Option(help="Good pairs, validation, order and weights.")] = 1,
    after: After = None,
    format: RevisionsFormat = None,
    again: Again = False,
) -> None:
    """Train a coach on the revisions with the largest edits, and on good records that must stay as they are.

    DIR/tune/model is the coach, an ordinary transformers folder; DIR/pairs.jsonl names every pair it was
    trained on, so that `revise` leaves those alone.

    Example: tunewright coach train revisions.json --alpha .3 --model my/8b --preset 8b --out runs/coach
    """
    from tunewright.coach.train import train_coach
    from tunewright.coach.train_config import CoachConfig
    from tunewright.run.config import parse_config
    from tunewright.run.progress import Progress

    tuning: dict[str, Any] = {"epochs": epochs, "lr": lr, "batch_size": batch_size, "lora": lora}
    tuning |= {"max_tokens": max_tokens, "objective": objective}
    given = {
        "alpha": alpha,
        "model": model,
        "form": form,
        "good": good,
        "good_share": good_share,
        "validation": validation,
        "preset": preset,
        "seed": seed,
        "tune": {name: value for name, value in tuning.items() if value is not None},
    }
    config = parse_config(CoachConfig, given, where="the command line")
    manifest = train_coach(
        config, revisions, out, format=format, after=after, progress=Progress(sink_for()), again=again
    )
    _show_trained(manifest, out)


def _show_trained(manifest: dict[str, Any], out: Path) -> None:
    from tunewright.coach.coach_folder import MODEL_FOLDER, PAIRS_FILE
    from tunewright.coach.train import REJECTS_FILE

    counts = manifest["counts"]
    typer.echo(
        f"{counts['training']:,} pairs trained on, {counts['validation']:,} kept out to measure on: "
        f"{counts['revisions']:,} revisions and {counts['good']:,} good records"
    )
    left_out = {"dropped": "longer than --max-tokens", "unwritable": "that the form cannot hold"}
    for name, why in left_out.items():
        if counts[name]:
            file = out / ("tune" if name == "dropped" else "") / REJECTS_FILE
            typer.echo(f"{counts[name]:,} pairs left out {why}; see {file}")
    losses = _validation_losses(out)
    if losses:
        typer.echo("validation loss by epoch (nats per token of the reply): " + ", ".join(losses))
    typer.echo(f"coach: {out} (model: {out / MODEL_FOLDER}, pairs: {out / PAIRS_FILE})")
    typer.echo(f"next: tunewright revise DATA --coach {out} --out DIR")


def _validation_losses(out: Path) -> list[str]:
    """The mean loss per reply token on the validation pairs after each epoch; none without such pairs."""
    from tunewright.run.files import read_jsonl

    means = []
    for file in sorted((out / "tune" / "losses").glob("epoch-*.jsonl"), key=lambda f: int(f.stem[6:])):
        rows = [row["losses"]["output"] for row in read_jsonl(file) if row["set"] == "validation"]
        num_tokens = sum(num for _, num in rows)
        if num_tokens:
            means.append(f"{sum(nll for nll, _ in rows) / num_tokens:.3f}")
    return means


@app.command("evaluate")
def evaluate(
    coaches: Annotated[
        list[str],
        typer.Argument(help="Folders of `coach train`, or any models: openai:NAME, hf:PATH, …"),
    ],
    frozen: Annotated[
        Path, typer.Option(help="Revisions by people that no coach has learnt from: the same for all.")
    ],
    out: Out,
    good: Annotated[
        bool, typer.Option("--good/--no-good", help="Also ask about the experts' versions.")
    ] = True,
    form: Annotated[
        str | None, typer.Option(help="lines, marked or flat, of models that are no trained coach [lines].")
    ] = None,
    language: Annotated[
        str, typer.Option(help="Of the set, as `revise` takes it: ISO 639-1, or any.")
    ] = "any",
    max_tokens: Annotated[
        int | None, typer.Option(min=16, help="The most tokens of one reply [1024, or the coach's own].")
    ] = None,
    base_url: Annotated[
        str | None, typer.Option("--base-url", help="The endpoint of openai: models.")
    ] = None,
    batch_size: Annotated[
        int | None, typer.Option("--batch-size", help="Requests at once of a model in this process (8).")
    ] = None,
    after: After = None,
    format: RevisionsFormat = None,
    again: Again = False,
) -> None:
    """Compare coaches with each other, with leaving everything alone and with repairs by rule.

    Each is asked about every record of the frozen set: how often it makes the expert's version, how much
    nearer it comes, which of its edits the expert would undo, and whether good records stay as they are.

    Example: tunewright coach evaluate runs/coach-1 runs/coach-2 --frozen frozen.jsonl --out runs/exam
    """
    from tunewright.coach.exam_config import ExamConfig
    from tunewright.coach.exam_stage import REPORT_FILE, evaluate_coaches
    from tunewright.run.config import parse_config
    from tunewright.run.progress import Progress

    ask: dict[str, Any] = {"base_url": base_url, "batch_size": batch_size}
    given = {
        "coaches": coaches,
        "good": good,
        "form": form,
        "after": {"language": language},
        "decoding": {"max_tokens": max_tokens},
        "ask": {name: value for name, value in ask.items() if value is not None},
    }
    config = parse_config(ExamConfig, given, where="the command line")
    report = evaluate_coaches(
        config, frozen, out, format=format, after=after, progress=Progress(sink_for()), again=again
    )
    _show_exam(report)
    typer.echo(f"report: {out / REPORT_FILE}")


def _show_exam(report: dict[str, Any]) -> None:
    """A row per measure and a column per coach, each share with its 95 % interval."""
    from rich.console import Console
    from rich.table import Table

    coaches = report["coaches"]
    table = Table(box=None, header_style="", pad_edge=False)
    table.add_column("")
    letters = [chr(ord("A") + number) for number in range(len(coaches))]
    for letter, name in zip(letters, coaches, strict=True):
        typer.echo(f"{letter}  {name}")
        table.add_column(letter, justify="right")
    for name, cell in _MEASURES.items():
        cells = [cell(one) for one in coaches.values()]
        if any(cells):
            table.add_row(name, *cells)
    Console().print(table)
    if report["num_known"]:
        typer.echo(f"{report['num_known']:,} questions left out: a coach was trained on them")
    if report["num_refused"]:
        typer.echo(f"{report['num_refused']:,} damaged revisions left out")
    for letter, one in zip(letters, coaches.values(), strict=True):
        for reason, count in one["invalid"].items():
            typer.echo(f"{letter}: {count:,} replies not used: {reason.replace('_', ' ')}")


def _share(share: dict[str, Any] | None) -> str:
    if share is None or share["share"] is None:
        return ""
    low, high = share["interval"]["low"], share["interval"]["high"]
    return f"{100 * share['share']:.1f} % ({100 * low:.0f}–{100 * high:.0f})"


def _moved(one: dict[str, Any]) -> str:
    return "" if one["moved"] is None else f"{one['moved']:+.1f}"


def _undone(one: dict[str, Any]) -> str:
    undone = one["edits"]["undone"]
    return "" if undone is None else f"{100 * undone:.1f} %"


_MEASURES: dict[str, Callable[[dict[str, Any]], str]] = {
    "made as the expert's": lambda one: _share(one["exact"]),
    "nearer to it": lambda one: _share(one["nearer"]),
    "further from it": lambda one: _share(one["further"]),
    "characters nearer, mean": _moved,
    "its edits undone by the expert": _undone,
    "good records kept": lambda one: _share(one["kept"]),
    "by a usable reply": lambda one: _share(one["kept_by_reply"]),
    "planted faults repaired": lambda one: _share(one["repaired"]),
    "items made worse": lambda one: _share(one["harmed"]),
}
