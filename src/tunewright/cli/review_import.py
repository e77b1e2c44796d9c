"""`tunewright review import`: data as a new queue, or other tools' decisions into one that is there."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tunewright.cli.review_database import DB, Db, opened, queue_named
from tunewright.cli.review_words import LEFT_OUT, MOST_LINES, counted, listed, pairs, tell_left_out

if TYPE_CHECKING:
    from tunewright.records.read import OnReject
    from tunewright.review.exchange.result import Result
    from tunewright.review.model import Queue
    from tunewright.review.store.database import Database


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
            metavar="QUEUE", help="DATA is what people decided or rated elsewhere on this queue's items."
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
    num_not_taken = 0
    with opened(db, new=into is None) as database:
        if into is not None:
            num_not_taken = _import_results(
                database, data, into, format=format, people=people, rejects=rejects
            )
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
                criteria=listed(criteria) or None,
                seed=seed,
                on_reject=_keep(rejects),
                on_repeat=_keep(repeats),
            )
            words = "made" if done.is_new else "is there already, nothing was changed"
            typer.echo(f"queue {done.queue.name!r} {words}: {counted(done.queue.num_items, 'item')}")
            if done.new_raters:
                typer.echo(f"new raters, without a password: {', '.join(done.new_raters)}")
    _tell_repeats(repeats)
    tell_left_out(rejects, "row")
    if num_not_taken:
        raise typer.Exit(LEFT_OUT)


def _import_results(
    db: Database, data: Path, queue: str, *, format: str | None, people: str, rejects: list[str]
) -> int:
    """How many items were not taken, named by then."""
    from tunewright.review.exchange import add_results, read_results, what_is
    from tunewright.review.model import QueueKind
    from tunewright.review.store.assignment import is_for
    from tunewright.review.store.people import person_named

    who = pairs(people, "the tool's name, =, the name here, by commas: 3=ann,4=bob")
    on_reject = _keep(rejects)
    found = queue_named(db, queue)
    if found.kind is QueueKind.RATE:
        _import_ratings(db, found, data, people=who, on_reject=on_reject)
        return 0
    people_of: dict[str, set[str]] = {}  # of an item, by the results that came

    def results() -> Iterator[Result]:
        for result in read_results(data, format=format, people=who, on_reject=on_reject):
            people_of.setdefault(result.key, set()).add(result.person)
            yield result

    taken = add_results(db, found.id, results(), tool=format or what_is(data).value)
    num_left = len(taken.unknown_items) + len(taken.without_place)
    left = f"{counted(num_left, 'item')} not taken" if num_left else "none left out"
    typer.echo(
        f"{counted(taken.num_added, 'decision')} taken over, {taken.num_known:,} there already, {left}"
    )
    names = {name for key in taken.without_place for name in people_of[key]}
    known = {name: person_named(db, name) for name in names}
    others = {name for name, one in known.items() if one is not None and not is_for(db, found.id, one)}
    not_given = [key for key in taken.without_place if people_of[key] & others]
    no_place = [key for key in taken.without_place if not people_of[key] & others]
    if not_given:
        typer.echo(
            f"not taken, for the queue is given to others than {_some(sorted(others))}: {_some(not_given)}; "
            f"tunewright review assign {found.name} NAME… gives it to more people"
        )
    if no_place:
        typer.echo(
            f"not taken, for as many people as the queue asks for have done the item: {_some(no_place)}"
        )
    if taken.unknown_items:
        typer.echo(f"not taken, for the queue has no such item: {_some(taken.unknown_items)}")
    if taken.people_added:
        typer.echo(f"new people, without a password: {', '.join(taken.people_added)}")
    return num_left


def _import_ratings(
    db: Database, study: Queue, data: Path, *, people: Mapping[str, str], on_reject: OnReject
) -> None:
    from tunewright.review.exchange import add_ratings

    taken = add_ratings(db, study, data, people=people, on_reject=on_reject)
    overtaken = f", {taken.num_overtaken:,} overtaken by a later row" if taken.num_overtaken else ""
    typer.echo(
        f"{counted(taken.num_added, 'rating')} taken over, {taken.num_known:,} there already{overtaken}"
    )


def _keep(rejects: list[str]) -> Callable[..., None]:
    return lambda reject: rejects.append(str(reject))


def _tell_repeats(repeats: list[str]) -> None:
    for repeat in repeats[:MOST_LINES]:
        typer.echo(repeat, err=True)
    if len(repeats) > MOST_LINES:
        typer.echo(f"{len(repeats):,} records have an id that an earlier one has", err=True)


def _some(names: Sequence[str], most: int = MOST_LINES) -> str:
    more = f" and {len(names) - most:,} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
