"""`tunewright export DATA --to FORMAT --out FILE` and `… --to TRAINER --model SPEC --out DIR`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tunewright.cli.export_tokens import export_tokens
from tunewright.cli.tune import Data, Format
from tunewright.errors import RecipeError

if TYPE_CHECKING:
    from tunewright.bank.export import ExportReport

Overwrite = Annotated[
    bool, typer.Option("--overwrite", help="Replace the file of --out and its .rejects.jsonl.")
]
TRAINERS = ("trl", "axolotl", "hf")


def command(
    data: Data,
    to: Annotated[
        str,
        typer.Option(
            help="qti21, qti3, gift, moodle, h5p, aiken or csv for item banks; alpaca, messages, sharegpt or "
            "hf (a data-set folder) for texts; with --model trl, axolotl or hf for token ids and labels."
        ),
    ],
    out: Annotated[
        Path,
        typer.Option("--out", "-o", help="The file to write; a folder for hf, and for all with --model."),
    ],
    format: Format = None,
    overwrite: Overwrite = False,
    model: Annotated[
        str | None,
        typer.Option(
            "--model", "-m", help="Hugging Face id, folder, or scratch:tiny|small: tokenise for it."
        ),
    ] = None,
    objective: Annotated[
        str | None,
        typer.Option(help="With --model: where the loss goes, named as for 'tune' [default: it]."),
    ] = None,
    normalisation: Annotated[
        str | None,
        typer.Option(help="With --model: token_mean, weight_mean; for hf also example_mean, sum."),
    ] = None,
    role_weight: Annotated[
        list[str] | None,
        typer.Option(help="With --model: ROLE=WEIGHT, such as explanation=0; may be repeated."),
    ] = None,
    record_weight: Annotated[
        str | None, typer.Option(help="With --model: column with a number that multiplies a record's loss.")
    ] = None,
    neftune: Annotated[
        float | None, typer.Option(help="With --model: noise on the embeddings; 5 is usual.")
    ] = None,
    packing: Annotated[
        bool, typer.Option("--packing", help="With --model: several documents in a row (trl, axolotl).")
    ] = False,
    rows: Annotated[
        str | None, typer.Option(help="With --model: parquet or jsonl [default: parquet].")
    ] = None,
    max_tokens: Annotated[
        int | None, typer.Option(help="With --model: longer examples are dropped [default: 1024].")
    ] = None,
    too_long: Annotated[
        str | None, typer.Option(help="With --model: drop or cut longer examples [default: drop].")
    ] = None,
    explanation: Annotated[
        bool | None,
        typer.Option(
            "--explanation/--no-explanation",
            help="With --model: explanations after the outputs [default: yes].",
        ),
    ] = None,
    chat_template: Annotated[
        str | None,
        typer.Option(help="With --model: tulu, chatml or a Jinja file [default: the model's own]."),
    ] = None,
    epochs: Annotated[
        int | None, typer.Option(help="With --model: for the trainer's config [default: 3].")
    ] = None,
    lr: Annotated[
        float | None, typer.Option(help="With --model: for the trainer's config [default: as 'tune'].")
    ] = None,
    batch_size: Annotated[
        int | None, typer.Option(help="With --model: examples per optimizer step [default: 16].")
    ] = None,
    seed: Annotated[
        int | None, typer.Option(help="With --model: for the trainer's config [default: 1].")
    ] = None,
    again: Annotated[
        bool,
        typer.Option("--again", help="With --model: where settings have changed, move the old folder aside."),
    ] = False,
) -> None:
    """Write records to an item bank or a data file; or, with --model, as token ids for another trainer.

    A bank's file is read back and kept only if it says the same. What a format cannot hold is counted and
    said; a record it cannot hold at all goes to FILE.rejects.jsonl with the reason. A file that is there
    stays, unless you say --overwrite; the data and run folders are never written to.

    With --model, DIR gets the token ids and labels of every row that 'tune' would train on, a config that
    the trainer accepts, the tokenizer with its chat template, rejects.jsonl and manifest.json. Weights that
    the trainer cannot take are refused with the reason.

    Example: tunewright export runs/items --to moodle --out items.xml

    Example: tunewright export my.jsonl --to trl --model path/to/model --objective im --out exports/im
    """
    arm = {
        "objective": objective,
        "normalisation": normalisation,
        "role_weights": _weights(role_weight),
        "record_weight": record_weight,
        "neftune": neftune,
        "max_tokens": max_tokens,
        "too_long": too_long,
        "explanation": explanation,
        "chat_template": chat_template,
        "epochs": epochs,
        "lr": lr,
        "batch_size": batch_size,
        "seed": seed,
    }
    given = {name: value for name, value in arm.items() if value is not None}
    files = {name: value for name, value in {"packing": packing, "rows": rows}.items() if value}
    if model is None:
        _refuse_options_of_trainers(to, [*given, *files, *(["again"] if again else [])])
        _export_records(data, to, out, format=format, overwrite=overwrite)
        return
    if to not in TRAINERS:
        raise RecipeError(f"{to} takes no token ids: leave out --model, or choose --to {', '.join(TRAINERS)}")
    if overwrite:
        raise RecipeError(
            "--overwrite is for the files of banks; a folder of token ids is moved aside with --again"
        )
    settings = {"to": to, **files, "tune": {"model": model, **given}}
    export_tokens(data, out, settings, format=format, again=again)


def _weights(texts: list[str] | None) -> dict[str, float] | None:
    """ROLE=WEIGHT by role; None for no texts."""
    weights = {}
    for text in texts or []:
        role, _, weight = text.partition("=")
        try:
            weights[role] = float(weight)
        except ValueError:
            raise RecipeError(f"--role-weight {text!r}: give ROLE=WEIGHT, such as explanation=0.5") from None
    return weights or None


def _refuse_options_of_trainers(to: str, names: list[str]) -> None:
    if to in ("trl", "axolotl"):
        raise RecipeError(f"--to {to} writes token ids: say for which model with --model")
    if names:
        option = "--" + names[0].replace("_weights", "_weight").replace("_", "-")
        raise RecipeError(
            f"{option} is for token ids: leave it out for {to}, or add --model and --to {', '.join(TRAINERS)}"
        )


def _export_records(data: str, to: str, out: Path, *, format: str | None, overwrite: bool) -> None:
    from tunewright.bank.export import export

    report = export(data, to, out, format=format, overwrite=overwrite)
    kinds = ", ".join(f"{count:,} {kind.replace('_', ' ')}" for kind, count in sorted(report.kinds.items()))
    typer.echo(
        f"{report.num_written:,} of {report.num_records:,} records written{f' ({kinds})' if kinds else ''}"
        f"{_read_back(report)}"
    )
    for name, count in report.lost.items():
        typer.echo(f"  not held by {report.format}: {_in_words(name)}, of {count:,}")
    if report.renamed:
        new, given = next(iter(report.renamed.items()))
        typer.echo(
            f"  renamed, for an earlier record has the id: {len(report.renamed):,}, "
            f"the first {given} to {new}; the id given is kept as 'original_id'"
        )
    typer.echo(f"file: {report.path}")
    if report.rejects:
        typer.echo(f"left out: {len(report.rejects):,}, see {report.path}.rejects.jsonl")
        typer.echo(f"  the first: {report.rejects[0]}")


def _read_back(report: ExportReport) -> str:
    """How far the file says what the records say."""
    end = ", except:" if report.lost else ""
    if not report.num_one_way:
        return f", read back and found the same{end}"
    essays = "1 essay goes" if report.num_one_way == 1 else f"{report.num_one_way:,} essays go"
    return (
        f"; {essays} without a model answer and cannot be imported again; "
        f"all else was read back and is the same{end}"
    )


_WORDS = {
    "id": "the record's id",
    "text": "line breaks, and where instruction, passage and question begin",
    "options": "line breaks in options",
    "option ids": "the options' own letters or ids (they become A, B, C)",
    "option feedback": "what is said about each option when it is chosen",
    "answers": "accepted answers",
    "model answers of essays": "model answers of essays (all, or all after the first)",
    "shuffle": "whether the options may be shown in any order",
}


def _in_words(name: str) -> str:
    """A name of `ExportReport.lost` as a user knows it."""
    return _WORDS.get(name, name.removeprefix("meta "))
