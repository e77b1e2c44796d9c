"""`tunewright review users`: who may log in, and as what."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from tunewright.cli.review_database import DB, Db, opened

if TYPE_CHECKING:
    from tunewright.review.model import Role

users = typer.Typer(
    help="Who may log in, and as what: rater, expert, owner or lead.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
Name = Annotated[str, typer.Argument(metavar="NAME", help="The person's name.")]
RoleName = Annotated[str, typer.Option("--role", help="rater, expert, owner or lead.")]


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
    with opened(db, new=True) as database:
        from tunewright.review.store.people import add_person

        made = add_person(database, name, _role(role), None if no_password else _password())
        typer.echo(f"{made.name}: {made.role}")


@users.command("list")
def list_(db: Db = DB) -> None:
    """Who there is: name, role, and whether they can log in."""
    with opened(db) as database:
        from tunewright.review.store.people import people, with_passwords

        known = with_passwords(database)
        for one in people(database):
            state = "" if one.name in known else ", no password"
            typer.echo(f"{one.name}: {one.role}{state}{'' if one.is_active else ', disabled'}")


@users.command("role")
def role_(
    name: Name,
    role: Annotated[str, typer.Argument(metavar="ROLE", help="rater, expert, owner or lead.")],
    db: Db = DB,
) -> None:
    """Give somebody another role; it counts from their next page on."""
    with opened(db) as database:
        from tunewright.review.store.people import set_role

        changed = set_role(database, name, _role(role))
        typer.echo(f"{changed.name}: {changed.role}")


@users.command("password")
def password(name: Name, db: Db = DB) -> None:
    """Set a new password, asked for or read from standard input; their sessions end."""
    with opened(db) as database:
        from tunewright.review.store.people import set_password

        changed = set_password(database, name, _password())
        typer.echo(f"{changed.name}: password set, sessions ended")


@users.command("disable")
def disable(
    name: Name,
    db: Db = DB,
    undo: Annotated[bool, typer.Option("--undo", help="Let them in again.")] = False,
) -> None:
    """Let somebody in no longer. What they did stays."""
    with opened(db) as database:
        from tunewright.review.store.people import set_active

        changed = set_active(database, name, undo)
        typer.echo(f"{changed.name}: {'may log in' if changed.is_active else 'disabled, sessions ended'}")


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
