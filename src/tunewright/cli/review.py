"""`tunewright review --data DATA` and `tunewright review import|export|users|backup`."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from tunewright.review.model import Queue, Role
    from tunewright.review.store.database import Database

NEEDED = ("fastapi", "uvicorn", "sqlalchemy", "alembic", "argon2", "nh3", "markdown_it", "python_multipart")

app = typer.Typer(
    help="Let people revise pairs and rate systems blind, in the browser.",
    invoke_without_command=True,
    rich_markup_mode=None,
)
users = typer.Typer(
    help="Who may log in, and as what: rater, expert, owner or lead.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
app.add_typer(users, name="users")

Db = Annotated[
    str, typer.Option("--db", help="The database: a file (SQLite), or postgresql://USER@HOST/NAME.")
]
Name = Annotated[str, typer.Argument(metavar="NAME", help="The person's name.")]
RoleName = Annotated[str, typer.Option("--role", help="rater, expert, owner or lead.")]
DB = "review.sqlite"


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
    _need_review()
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
    overlap: Annotated[int, typer.Option(min=1, help="How many people revise each pair.")] = 1,
    experiment: Annotated[
        bool, typer.Option("--experiment", help="Show drafts for a random half, and measure what they save.")
    ] = False,
    criteria: Annotated[str, typer.Option(help="Names of criteria to show beside the text, by commas.")] = "",
    seed: Annotated[int, typer.Option(help="Of the experiment's draw.")] = 7,
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

    Broken rows are named and left out; the rest goes in, in one piece or not at all.

    Example: tunewright review import runs/first/revise --overlap 2
    """
    rejects: list[str] = []
    with _opened(db, new=True) as opened:
        if into is not None:
            _import_results(opened, data, into, format=format, people=people, rejects=rejects)
        else:
            from tunewright.review.import_data import import_data

            done = import_data(
                opened,
                data,
                name=name,
                format=format,
                drafts=drafts,
                findings=findings or (),
                overlap=overlap,
                experiment=experiment,
                criteria=_listed(criteria),
                seed=seed,
                on_reject=_keep(rejects),
            )
            words = "made" if done.is_new else "is there already, nothing was changed"
            typer.echo(f"queue {done.queue.name!r} {words}: {done.queue.num_items:,} items")
            if done.new_raters:
                typer.echo(f"new raters, without a password: {', '.join(done.new_raters)}")
    _tell_rejects(rejects)


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
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a file that is there.")] = False,
) -> None:
    """Write what people did: records to train on, revisions for a coach, rows, or other tools' files.

    Example: tunewright review export pilot --format revisions --out revisions.jsonl
    """
    with _opened(db) as opened:
        from tunewright.errors import RecipeError
        from tunewright.review.exchange import FORMATS
        from tunewright.review.exchange import export as export_queue

        if format not in FORMATS:
            raise RecipeError(f"--format {format}: give one of {', '.join(FORMATS)}")
        done = export_queue(
            opened,
            _queue(opened, queue).id,
            out,
            format=format,
            overwrite=overwrite,
            only_decided=only_decided,
        )
        how = "".join(f", {count:,} {words}" for words, count in done.by_how.items() if count)
        typer.echo(f"{done.num_written:,} of {done.num_items:,} items written{how}")
        if done.num_rejected or done.num_undecided:
            typer.echo(f"{done.num_rejected:,} rejected, {done.num_undecided:,} undecided")
        typer.echo(f"{done.format}: {done.path}")


@app.command("backup")
def backup(
    out: Annotated[Path, typer.Argument(metavar="FILE", help="A new file.")],
    db: Db = DB,
) -> None:
    """Copy a SQLite database while people work, and check the copy. (PostgreSQL has pg_dump.)"""
    with _opened(db) as opened:
        from tunewright.review.store.database import backup as copy

        copy(opened, out)
    typer.echo(f"backup, checked: {out}")


@users.command("add")
def add(
    name: Name,
    role: RoleName,
    db: Db = DB,
    no_password: Annotated[
        bool,
        typer.Option("--no-password", help="Only links of `tunewright review` on this machine let them in."),
    ] = False,
) -> None:
    """Make an account. The password is asked for, or read from standard input."""
    with _opened(db, new=True) as opened:
        from tunewright.review.store.people import add_person

        made = add_person(opened, name, _role(role), None if no_password else _password())
        typer.echo(f"{made.name}: {made.role}")


@users.command("list")
def list_(db: Db = DB) -> None:
    """Who there is: name, role, and whether they can log in."""
    with _opened(db) as opened:
        from tunewright.review.store.people import people, with_passwords

        known = with_passwords(opened)
        for one in people(opened):
            state = "" if one.name in known else ", no password"
            typer.echo(f"{one.name}: {one.role}{state}{'' if one.is_active else ', disabled'}")


@users.command("role")
def role_(
    name: Name,
    role: Annotated[str, typer.Argument(metavar="ROLE", help="rater, expert, owner or lead.")],
    db: Db = DB,
) -> None:
    """Give somebody another role; it counts from their next page on."""
    with _opened(db) as opened:
        from tunewright.review.store.people import set_role

        changed = set_role(opened, name, _role(role))
        typer.echo(f"{changed.name}: {changed.role}")


@users.command("password")
def password(name: Name, db: Db = DB) -> None:
    """Set a new password, asked for or read from standard input; their sessions end."""
    with _opened(db) as opened:
        from tunewright.review.store.people import set_password

        changed = set_password(opened, name, _password())
        typer.echo(f"{changed.name}: password set, sessions ended")


@users.command("disable")
def disable(
    name: Name,
    db: Db = DB,
    undo: Annotated[bool, typer.Option("--undo", help="Let them in again.")] = False,
) -> None:
    """Let somebody in no longer. What they did stays."""
    with _opened(db) as opened:
        from tunewright.review.store.people import set_active

        changed = set_active(opened, name, undo)
        typer.echo(f"{changed.name}: {'may log in' if changed.is_active else 'disabled, sessions ended'}")


def _refuse_options(context: typer.Context) -> None:
    """`review --db x import y` would else import into another database than the one named."""
    for name in context.params:
        source = context.get_parameter_source(name)
        if source is not None and source.name == "COMMANDLINE":
            raise typer.BadParameter(
                f"--{name.replace('_', '-')} belongs after {context.invoked_subcommand}", ctx=context
            )


def _need_review() -> None:
    """The page's libraries are an extra; without them say how to get them."""
    from importlib.util import find_spec

    from tunewright.errors import RecipeError

    missing = [name for name in NEEDED if find_spec(name) is None]
    if missing:
        raise RecipeError(
            f"{', '.join(missing)} not installed; the review page needs: pip install 'tunewright[review]'"
        )


@contextmanager
def _opened(db: str, *, new: bool = False) -> Iterator[Database]:
    """The database; one that is not there is made only by what puts something in: a mistyped name is no
    empty database."""
    _need_review()
    from tunewright.errors import DataError
    from tunewright.review.store.database import Database, migrate

    if not new and "://" not in db and not Path(db).is_file():
        raise DataError(f"{db}: there is no such database; name it with --db, or begin with `review --data`")
    opened = Database.open(db)
    try:
        migrate(opened)
        yield opened
    finally:
        opened.close()


def _queue(db: Database, name: str) -> Queue:
    from tunewright.errors import DataError
    from tunewright.review.store.queues import queues

    there = queues(db)
    found = next((queue for queue in there if queue.name == name), None)
    if found is None:
        names = ", ".join(repr(queue.name) for queue in there) or "none yet"
        raise DataError(f"no queue is called {name!r}; there are: {names}")
    return found


def _import_results(
    db: Database, data: Path, queue: str, *, format: str | None, people: str, rejects: list[str]
) -> None:
    from tunewright.errors import RecipeError
    from tunewright.review.exchange import add_results, read_results, what_is

    who = dict(pair.partition("=")[::2] for pair in _listed(people))
    if not all(who.values()):
        raise RecipeError(
            f"--people {people}: write the tool's name, =, the name here, by commas: 3=ann,4=bob"
        )
    on_reject = _keep(rejects)
    results = read_results(data, format=format, people=who or None, on_reject=on_reject)
    taken = add_results(db, _queue(db, queue).id, results, tool=format or what_is(data).value)
    typer.echo(
        f"{taken.num_added:,} decisions taken over, {taken.num_known:,} were there, "
        f"{len(taken.unknown_items):,} of items that the queue has not"
    )
    if taken.people_added:
        typer.echo(f"new people, without a password: {', '.join(taken.people_added)}")


def _keep(rejects: list[str]) -> Callable[..., None]:
    return lambda reject, **_: rejects.append(str(reject))


def _tell_rejects(rejects: list[str]) -> None:
    from tunewright.cli.show import error

    for reject in rejects[:10]:
        error(reject)
    if rejects:
        error(f"{len(rejects):,} rows left out")
        raise typer.Exit(1)


def _listed(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _role(name: str) -> Role:
    from tunewright.errors import RecipeError
    from tunewright.review.model import Role

    try:
        return Role(name)
    except ValueError:
        raise RecipeError(f"role {name!r}: give rater, expert, owner or lead") from None


def _password() -> str:
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\r\n")
    given: str = typer.prompt("Password", hide_input=True, confirmation_prompt=True)
    return given
