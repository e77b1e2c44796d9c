"""`tunewright review assign`: whom a queue of pairs is for, and how many people revise each pair."""

from __future__ import annotations

from typing import Annotated

import typer

from tunewright.cli.review_database import DB, Db, opened, queue_named
from tunewright.cli.review_words import counted


def assign(
    queue: Annotated[str, typer.Argument(metavar="QUEUE", help="The queue's name.")],
    names: Annotated[list[str] | None, typer.Argument(metavar="NAME", help="Who revises it.")] = None,
    db: Db = DB,
    everybody: Annotated[
        bool, typer.Option("--everybody", help="Whoever may revise gets its work again.")
    ] = False,
    overlap: Annotated[
        int | None, typer.Option(min=1, help="How many people revise each pair from now on; never fewer.")
    ] = None,
) -> None:
    """Give a queue of pairs to some people alone, or each pair to more people. The lead's page does the same.

    Who has a pair in hand may still save it. Without a change the command says how it is.

    Example: tunewright review assign march ann bob --overlap 2
    """
    with opened(db) as database:
        from tunewright.errors import DataError, RecipeError
        from tunewright.review.model import QueueKind
        from tunewright.review.store import assignment
        from tunewright.review.store.people import person_named

        found = queue_named(database, queue)
        if names and everybody:
            raise RecipeError("give names or --everybody, not both")
        if found.kind is QueueKind.RATE:
            raise DataError(f"{found.name!r} is a rating study; its plan says who rates what")
        people = [person_named(database, name) for name in names or ()]
        unknown = [name for name, person in zip(names or (), people, strict=True) if person is None]
        if unknown:
            raise DataError(
                f"nobody here is called {', '.join(map(repr, unknown))}; see: tunewright review users list"
            )
        if people or everybody:
            assignment.assign(database, found.id, [person.id for person in people if person is not None])
        if overlap is not None:
            found = assignment.raise_overlap(database, found.id, overlap)
        given = (
            ", ".join(one.name for one in assignment.assigned(database, found.id))
            or "everybody who may revise"
        )
        typer.echo(f"queue {found.name!r}: {given}; {counted(found.overlap, 'revision')} of each pair")
