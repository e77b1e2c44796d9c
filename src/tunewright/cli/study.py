"""`tunewright study new|power|status|import-ratings|lock|unblind|adjudicate|export|results`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tunewright.cli import study_power

if TYPE_CHECKING:
    from tunewright.evaluate.study.folder import StudyFolder

app = typer.Typer(
    help="Let people rate systems blind: assignment, lock, agreement, results.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

app.command("power")(study_power.command)

Folder = Annotated[Path, typer.Argument(metavar="DIR", help="The study's folder.")]
KeyFile = Annotated[Path | None, typer.Option("--key", help="The key file [default: DIR/lead/key.json].")]


@app.command("new")
def new(
    systems: Annotated[str, typer.Option(help="FILE or NAME=FILE of each system's answers, by commas.")],
    prompts: Annotated[Path, typer.Option(help="The prompts: records, or JSON rows with 'instruction'.")],
    raters: Annotated[str, typer.Option(help="The raters' names, by commas.")],
    out: Annotated[Path, typer.Option(help="A new folder.")],
    overlap: Annotated[int, typer.Option(min=1, help="How many raters rate each prompt.")] = 2,
    pairwise: Annotated[
        bool, typer.Option("--pairwise/--single", help="Two answers side by side, or one at a time.")
    ] = False,
    against: Annotated[str | None, typer.Option(help="With --pairwise: only pairs with this system.")] = None,
    gold: Annotated[
        Path | None, typer.Option(help="JSONL of items with 'expected' answers, mixed in for every rater.")
    ] = None,
    training: Annotated[
        Path | None, typer.Option(help="JSONL of items shown first, with the 'expected' answers told.")
    ] = None,
    repeat: Annotated[float, typer.Option(help="Share of a rater's items shown a second time.")] = 0.05,
    questions: Annotated[
        Path | None, typer.Option(help="YAML of questions [default: validity, readiness, explanation].")
    ] = None,
    instructions: Annotated[
        Path | None, typer.Option(help="A text shown to raters before they begin.")
    ] = None,
    key: KeyFile = None,
    seed: Annotated[int, typer.Option(help="Of every random choice, together with the key's secret.")] = 1,
) -> None:
    """Draw up a study: blind codes, each rater's list, gold and repeated items, the key apart.

    DIR/for-raters is all that raters and their page need. Says what so many prompts can show.

    Example: tunewright study new --systems a.jsonl,b.jsonl --prompts p.jsonl --raters ann,bob --out
    studies/one
    """
    from tunewright.errors import DataError
    from tunewright.evaluate.study.materials import named_systems, read_materials
    from tunewright.evaluate.study.new import new_study, num_comparisons, power_words
    from tunewright.evaluate.study.questions import load_questions

    asked = load_questions(questions, pairwise=pairwise)
    materials = read_materials(
        named_systems([part for part in systems.split(",") if part]),
        prompts,
        gold=gold,
        training=training,
        pairwise=pairwise,
    )
    try:
        text = instructions.read_text(encoding="utf-8") if instructions else ""
    except (OSError, UnicodeDecodeError):
        raise DataError(f"{instructions}: not a readable UTF-8 text") from None
    folder = new_study(
        materials,
        out,
        raters=[name.strip() for name in raters.split(",") if name.strip()],
        overlap=overlap,
        questions=asked,
        pairwise=pairwise,
        repeat=repeat,
        against=against,
        instructions=text,
        seed=seed,
        key=key,
    )
    design = folder.design
    typer.echo(
        f"{_counted(design['num_prompts'], 'prompt')}, {_counted(design['num_systems'], 'system')}, "
        f"overlap {overlap}: "
        + ", ".join(f"{rater} {count:,} items" for rater, count in design["items_per_rater"].items())
    )
    num = num_comparisons(design["num_systems"], asked, against=against is not None)
    for sentence in power_words(design["num_prompts"], num, pairwise=pairwise):
        typer.echo(sentence)
    if materials.num_named():
        typer.echo(
            f"careful: {materials.num_named():,} answers have a system's name in their text; raters may guess"
        )
    typer.echo(f"for raters: {folder.for_raters}; key, not for raters: {folder.key_path}")


@app.command("status")
def status(directory: Folder) -> None:
    """How far each rater is, whether the study is locked, and how often its key was used."""
    from tunewright.evaluate.study.ratings import progress_of

    folder = _folder(directory)
    for one in progress_of(folder):
        begun = f", {one.num_begun - one.num_done:,} begun" if one.num_begun > one.num_done else ""
        typer.echo(f"{one.rater}: {one.num_done:,} of {one.num_assigned:,} items done{begun}")
    opened = folder.times_opened()
    before = sum(not one["locked"] for one in opened)
    typer.echo("locked" if folder.is_locked else "not locked")
    if opened:
        typer.echo(f"key opened {len(opened):,} time{'s' * (len(opened) > 1)}, {before:,} before the lock")


@app.command("import-ratings")
def import_ratings(
    directory: Folder,
    file: Annotated[
        Path, typer.Argument(help="JSONL or CSV with item, system, rater, question, value, time.")
    ],
) -> None:
    """Take over ratings made elsewhere; rows that do not fit are named, the rest goes in."""
    from tunewright.cli.show import error
    from tunewright.errors import DataError
    from tunewright.evaluate.study import ratings

    if not file.is_file():
        raise DataError(f"{file}: there is no such file; check the path")
    done = ratings.import_ratings(_folder(directory), file)
    for line, why in done.rejected:
        error(f"{file}:{line}: {why}")
    typer.echo(
        f"{done.num_added:,} ratings added, {done.num_known:,} were there, {len(done.rejected):,} refused"
    )
    if done.rejected:
        raise typer.Exit(1)


@app.command("lock")
def lock(
    directory: Folder,
    allow_missing: Annotated[
        bool, typer.Option("--allow-missing", help="Lock although ratings are missing.")
    ] = False,
) -> None:
    """End the rating: hash all that raters saw and said. Only then are results given.

    A study that is rated on the review page is locked there, or with `tunewright review lock`: this command
    does not see what raters saved in the page's database.
    """
    from tunewright.evaluate.study.lock import lock_study
    from tunewright.run.files import file_sha256

    folder = _folder(directory)
    made = lock_study(folder, allow_missing=allow_missing)
    typer.echo(f"locked at {made['time']}: {made['num_ratings']:,} ratings")
    typer.echo(f"SHA-256 of lock.json, to be noted elsewhere: {file_sha256(folder.lock_path)}")


@app.command("adjudicate")
def adjudicate(
    directory: Folder,
    decisions: Annotated[
        Path | None,
        typer.Option(help="JSONL with item, system, question, value, adjudicator and, if wanted, reason."),
    ] = None,
    key: KeyFile = None,
) -> None:
    """List what raters disagree on, still blind, or take over decisions. First ratings stay as they are.

    Example: tunewright study adjudicate studies/one > open.jsonl
    """
    import orjson

    from tunewright.evaluate.study.adjudicate import decide, disagreements

    folder = _folder(directory, key)
    if decisions is not None:
        typer.echo(f"{decide(folder, decisions):,} decisions taken over")
        return
    for one in disagreements(folder):
        typer.echo(orjson.dumps(one.row()).decode())


@app.command("unblind")
def unblind(directory: Folder, key: KeyFile = None) -> None:
    """Write the ratings with the systems' names, DIR/unblinded.jsonl; only of a locked study."""
    from tunewright.evaluate.study import lock

    typer.echo(f"ratings by name: {lock.unblind(_folder(directory, key))}")


@app.command("export")
def export(
    directory: Folder,
    form: Annotated[str, typer.Option("--form", help="jsonl or csv.")] = "jsonl",
) -> None:
    """Print the ratings that count, still blind, a row per item, blind system, rater and question."""
    from tunewright.errors import RecipeError
    from tunewright.evaluate.study.lock import export_blind

    if form not in ("jsonl", "csv"):
        raise RecipeError(f"--form {form}: give jsonl or csv")
    typer.echo(export_blind(_folder(directory), form=form), nl=False)


@app.command("results")
def results(
    directory: Folder,
    peek: Annotated[
        bool, typer.Option("--peek", help="Before the lock; the look is written down and stamped.")
    ] = False,
    key: KeyFile = None,
) -> None:
    """Shares, intervals, paired tests, agreement and how raters worked: DIR/results.html and results.json."""
    import json

    from tunewright.evaluate.study.page import claims
    from tunewright.evaluate.study.results import RESULTS_FILE, write_results

    folder = _folder(directory, key)
    page = write_results(folder, peek=peek)
    found = json.loads((folder.path / RESULTS_FILE).read_text(encoding="utf-8"))
    if peek:
        typer.echo("PEEK: the study is not locked; do not report these")
    for sentence in claims(found):
        typer.echo(sentence)
    typer.echo(f"results: {page}")


def _counted(num: int, what: str) -> str:
    return f"{num:,} {what}{'s' * (num != 1)}"


def _folder(path: Path, key: Path | None = None) -> StudyFolder:
    from tunewright.evaluate.study.folder import StudyFolder

    folder = StudyFolder(path, key=key)
    _ = folder.design  # says at once when this is no study
    return folder
