"""`tunewright review --data DATA` and `tunewright review import|export|lock|backup|users`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tunewright.cli.review_database import DB, Db, need_review, opened, queue_named
from tunewright.cli.review_users import users
from tunewright.cli.review_words import counted, export_words

if TYPE_CHECKING:
    from tunewright.review.store.database import Database

LEFT_OUT = 3  # the exit code of "done, but not with everything"; `generate` has the same
MOST_LINES = 10

app = typer.Typer(
    help="Let people revise pairs and rate systems blind, in the browser.",
    invoke_without_command=True,
    rich_markup_mode=None,
)
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


@app.command("import")
def import_(
    data: Annotated[
        Path,
        typer.Argument(
            help="Records, a run of `revise`, `check` or `rate`, a study, or a project of Label Studio, "
            "Argilla or Potato."
        ),
    ],
    db: Db = DB,
    name: Annotated[str | None, typer.Option(help="The queue's name [default: that of DATA].")] = None,
    format: Annotated[str | None, typer.Option(help="When the content does not tell.")] = None,
    drafts: Annotated[
        Path | None, typer.Option(help="A run of `revise`, or data with the same ids, to show as drafts.")
    ] = None,
    findings: Annotated[
        list[Path] | None, typer.Option(help="A run of `check` or `rate` to show beside; repeatable.")
    ] = None,
    overlap: Annotated[
        int | None, typer.Option(min=1, help="How many people revise each pair [default: 1].")
    ] = None,
    experiment: Annotated[
        bool, typer.Option("--experiment", help="Show drafts for a random half, and measure what they save.")
    ] = False,
    criteria: Annotated[str, typer.Option(help="Names of criteria to show beside the text, by commas.")] = "",
    seed: Annotated[int | None, typer.Option(help="Of the experiment's draw [default: 7].")] = None,
    into: Annotated[
        str | None,
        typer.Option(
            metavar="QUEUE", help="DATA is what people decided in another tool on this queue's items."
        ),
    ] = None,
    people: Annotated[
        str, typer.Option(help="With --into: who is who, 3=ann,4=bob; tools know people by numbers.")
    ] = "",
) -> None:
    """Bring data in as a new queue, or other tools' decisions into a queue that is there.

    Broken rows are named and left out; the rest goes in, in one piece or not at all. Exit code 3: it went in,
    but something was left out; nothing needs importing again.

    The same data again changes nothing; other data under the name of a queue that is there are refused.

    Example: tunewright review import runs/first/revise --overlap 2
    """
    rejects: list[str] = []
    repeats: list[str] = []
    with opened(db, new=into is None) as database:
        if into is not None:
            _import_results(database, data, into, format=format, people=people, rejects=rejects)
        else:
            from tunewright.review.import_data import import_data

            done = import_data(
                database,
                data,
                name=name,
                format=format,
                drafts=drafts,
                findings=findings or (),
                overlap=overlap,
                experiment=experiment or None,
                criteria=_listed(criteria) or None,
                seed=seed,
                on_reject=_keep(rejects),
                on_repeat=_keep(repeats),
            )
            words = "made" if done.is_new else "is there already, nothing was changed"
            typer.echo(f"queue {done.queue.name!r} {words}: {counted(done.queue.num_items, 'item')}")
            if done.new_raters:
                typer.echo(f"new raters, without a password: {', '.join(done.new_raters)}")
    _tell_repeats(repeats)
    _tell_left_out(rejects, "row")


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
            people=_pairs(people, "the name here, =, the tool's, by commas: ann=ann@example.org"),
            overwrite=overwrite,
            only_decided=only_decided,
        )
        for line in export_words(done):
            typer.echo(line)
    _tell_left_out([f"item {key}: {why}; no file can hold it" for key, why in done.unwritable], "item")


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


def _import_results(
    db: Database, data: Path, queue: str, *, format: str | None, people: str, rejects: list[str]
) -> None:
    from tunewright.review.exchange import add_results, read_results, what_is

    who = _pairs(people, "the tool's name, =, the name here, by commas: 3=ann,4=bob")
    on_reject = _keep(rejects)
    results = read_results(data, format=format, people=who, on_reject=on_reject)
    taken = add_results(db, queue_named(db, queue).id, results, tool=format or what_is(data).value)
    num_left = len(taken.unknown_items) + len(taken.without_place)
    left = f"{counted(num_left, 'item')} not taken" if num_left else "none left out"
    typer.echo(
        f"{counted(taken.num_added, 'decision')} taken over, {taken.num_known:,} there already, {left}"
    )
    if taken.without_place:
        typer.echo(
            f"not taken, for as many people as the queue asks for have done the item: "
            f"{_some(taken.without_place)}"
        )
    if taken.unknown_items:
        typer.echo(f"not taken, for the queue has no such item: {_some(taken.unknown_items)}")
    if taken.people_added:
        typer.echo(f"new people, without a password: {', '.join(taken.people_added)}")


def _keep(rejects: list[str]) -> Callable[..., None]:
    return lambda reject: rejects.append(str(reject))


def _tell_repeats(repeats: list[str]) -> None:
    for repeat in repeats[:MOST_LINES]:
        typer.echo(repeat, err=True)
    if len(repeats) > MOST_LINES:
        typer.echo(f"{len(repeats):,} records have an id that an earlier one has", err=True)


def _tell_left_out(why: list[str], what: str) -> None:
    from tunewright.cli.show import error

    for one in why[:MOST_LINES]:
        error(one)
    if why:
        error(f"{counted(len(why), what)} left out, the rest is done")
        raise typer.Exit(LEFT_OUT)


def _listed(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _pairs(text: str, how: str) -> dict[str, str]:
    """ "3=ann,4=bob" as {"3": "ann", "4": "bob"}."""
    from tunewright.errors import RecipeError

    found = {left.strip(): right.strip() for left, _, right in (one.partition("=") for one in _listed(text))}
    if not all(left and right for left, right in found.items()):
        raise RecipeError(f"--people {text}: write {how}")
    return found


def _some(names: Sequence[str], most: int = MOST_LINES) -> str:
    more = f" and {len(names) - most:,} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
