"""`tunewright review --data DATA` and `tunewright review import|assign|export|lock|backup|users`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tunewright.cli.review_assign import assign
from tunewright.cli.review_database import DB, Db, need_review, opened, queue_named
from tunewright.cli.review_import import import_
from tunewright.cli.review_users import users
from tunewright.cli.review_words import counted, export_words, pairs, tell_left_out

app = typer.Typer(
    help="Let people revise pairs and rate systems blind, in the browser.",
    invoke_without_command=True,
    rich_markup_mode=None,
)
app.command("import")(import_)
app.command("assign")(assign)
app.add_typer(users, name="users")


@app.callback(invoke_without_command=True)
def review(
    context: typer.Context,
    data: Annotated[
        Path | None,
        typer.Option(help="Records, a run of `revise`, or a rating study; imported if it is not there yet."),
    ] = None,
    db: Db = DB,
    host: Annotated[
        str, typer.Option(help="Where to listen; elsewhere than loopback only with accounts.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0: any that is free.")] = 8377,
    workers: Annotated[int, typer.Option(min=1, max=16, help="Processes that answer.")] = 1,
    url: Annotated[
        str | None,
        typer.Option(help="What people type, when a proxy is in front: https://review.example.org"),
    ] = None,
    person: Annotated[
        str | None, typer.Option(help="Whom the printed link lets in [default: you, as lead].")
    ] = None,
    name: Annotated[str | None, typer.Option(help="The new queue's name [default: that of DATA].")] = None,
    runs: Annotated[
        list[Path] | None, typer.Option(help="A run folder whose reports may be looked up; repeatable.")
    ] = None,
    browser: Annotated[bool, typer.Option("--browser/--no-browser", help="Open the browser.")] = True,
) -> None:
    """Let people revise pairs and rate systems blind, in the browser.

    On this machine a link that is good once lets you in. For others, make accounts (`review users add`) and
    give --host or --url.

    Example: tunewright review --data runs/first/revise
    """
    if context.invoked_subcommand is not None:
        _refuse_options(context)
        return
    need_review()
    from tunewright.review.config import ReviewConfig
    from tunewright.review.serve import serve
    from tunewright.run.config import parse_config

    given = {
        "data": None if data is None else str(data),
        "name": name,
        "db": db,
        "host": host,
        "port": port,
        "workers": workers,
        "url": url,
        "person": person,
        "open_browser": browser,
        "runs": [str(run) for run in runs or []],
    }
    serve(parse_config(ReviewConfig, given, where="tunewright review"), say=typer.echo)


@app.command("export")
def export(
    queue: Annotated[str, typer.Argument(metavar="QUEUE", help="The queue's name.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="A file; for Argilla and Potato a folder.")],
    db: Db = DB,
    format: Annotated[
        str,
        typer.Option(
            help="records (revised, with who did what), revisions (for `coach train`), pairs, ratings, "
            "label-studio, argilla, potato or csv."
        ),
    ] = "records",
    only_decided: Annotated[
        bool, typer.Option("--only-decided", help="Leave out what nobody has decided on.")
    ] = False,
    people: Annotated[
        str,
        typer.Option(help="Who is who in the other tool, ann=ann@example.org,bob=…; for Argilla user ids."),
    ] = "",
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a file that is there.")] = False,
) -> None:
    """Write what people did: records to train on, revisions for a coach, rows, or other tools' files.

    Exit code 3: written, but without items that no file can hold, which are named.

    Example: tunewright review export pilot --format revisions --out revisions.jsonl
    """
    with opened(db) as database:
        from tunewright.errors import RecipeError
        from tunewright.review.exchange import FORMATS
        from tunewright.review.exchange import export as export_queue

        if format not in FORMATS:
            raise RecipeError(f"--format {format}: give one of {', '.join(FORMATS)}")
        done = export_queue(
            database,
            queue_named(database, queue).id,
            out,
            format=format,
            people=pairs(people, "the name here, =, the tool's, by commas: ann=ann@example.org"),
            overwrite=overwrite,
            only_decided=only_decided,
        )
        for line in export_words(done):
            typer.echo(line)
    tell_left_out([f"item {key}: {why}; no file can hold it" for key, why in done.unwritable], "item")


@app.command("lock")
def lock(
    queue: Annotated[str, typer.Argument(metavar="QUEUE", help="The queue's name.")],
    db: Db = DB,
    allow_missing: Annotated[
        bool, typer.Option("--allow-missing", help="Lock although ratings are missing.")
    ] = False,
) -> None:
    """End the rating of a study: carry the ratings over into its folder, and lock it. The page does the same.

    `tunewright study lock` alone would leave out what raters saved here.
    """
    with opened(db) as database:
        from tunewright.review import studies
        from tunewright.run.files import file_sha256

        found = queue_named(database, queue)
        made = studies.lock(database, found, allow_missing=allow_missing)
        folder = studies.folder_of(found)
        typer.echo(f"locked at {made['time']}: {counted(made['num_ratings'], 'rating')}")
        typer.echo(f"SHA-256 of lock.json, to be noted elsewhere: {file_sha256(folder.lock_path)}")
        typer.echo(f"results: tunewright study results {found.study}")


@app.command("backup")
def backup(
    out: Annotated[Path, typer.Argument(metavar="FILE", help="A new file.")],
    db: Db = DB,
) -> None:
    """Copy a SQLite database while people work, and check the copy. (PostgreSQL has pg_dump.)"""
    with opened(db) as database:
        from tunewright.review.store.database import backup as copy

        copy(database, out)
    typer.echo(f"backup, checked: {out}")


def _refuse_options(context: typer.Context) -> None:
    """`review --db x import y` would else import into another database than the one named."""
    for name in context.params:
        source = context.get_parameter_source(name)
        if source is not None and source.name == "COMMANDLINE":
            raise typer.BadParameter(
                f"--{name.replace('_', '-')} belongs after {context.invoked_subcommand}", ctx=context
            )
