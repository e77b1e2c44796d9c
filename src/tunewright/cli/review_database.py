"""The review's database as its commands name and open it."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from tunewright.review.model import Queue
    from tunewright.review.store.database import Database

NEEDED = ("fastapi", "uvicorn", "sqlalchemy", "alembic", "argon2", "nh3", "markdown_it", "python_multipart")

Db = Annotated[
    str, typer.Option("--db", help="The database: a file (SQLite), or postgresql://USER@HOST/NAME.")
]
DB = "review.sqlite"


@contextmanager
def opened(db: str, *, new: bool = False) -> Iterator[Database]:
    """The database; one that is not there is made only by what puts something in (`new`), and only when
    that goes well."""
    need_review()
    from tunewright.review.store.opening import migrated

    with migrated(db, new=new) as database:
        yield database


def queue_named(db: Database, name: str) -> Queue:
    """DataError names those that are there."""
    from tunewright.errors import DataError
    from tunewright.review.store.queues import queues

    there = queues(db)
    composed = unicodedata.normalize("NFC", name)  # as the names of queues are kept
    found = next((queue for queue in there if queue.name in (name, composed)), None)
    if found is None:
        names = ", ".join(repr(queue.name) for queue in there) or "none yet"
        raise DataError(f"no queue is called {name!r}; there are: {names}")
    return found


def need_review() -> None:
    """The page's libraries are an extra; without them say how to get them."""
    from importlib.util import find_spec

    from tunewright.errors import RecipeError

    missing = [name for name in NEEDED if find_spec(name) is None]
    if missing:
        raise RecipeError(
            f"{', '.join(missing)} not installed; the review page needs: pip install 'tunewright[review]'"
        )
