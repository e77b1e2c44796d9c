"""The items of a queue with what everybody said of them: what every export is written from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from tunewright.review.exchange.final import Chosen, Final, Word, final_of
from tunewright.review.exchange.result import Result
from tunewright.review.model import Item, Revision
from tunewright.review.store.database import Database
from tunewright.review.store.lead import Verdict, verdicts
from tunewright.review.store.measured import unlike_last_save
from tunewright.review.store.outside import items
from tunewright.review.store.people import people
from tunewright.review.store.revisions import revisions
from tunewright.review.store.versions import choices


@dataclass(frozen=True, slots=True)
class Entry:
    """One item, all results that count (one per person), and which of them is final."""

    item: Item
    results: tuple[Result, ...]
    final: Final


def entries(db: Database, queue_id: int) -> Iterator[Entry]:
    """All items in the order of import. Both streams are by item, so memory holds one."""
    names = {person.id: person.name for person in people(db)}
    words = {one.item_id: _word(one) for one in verdicts(db, queue_id)}
    chosen = {id: Chosen(one.expert, one.version) for id, one in choices(db, queue_id).items()}
    active = unlike_last_save(db, queue_id)
    said, now = revisions(db, queue_id), db.clock()
    ahead = next(said, None)
    for item in items(db, queue_id):
        own: list[Result] = []
        while ahead is not None and ahead[0].id == item.id:
            own.append(_result(item, ahead[1], names, active))
            ahead = next(said, None)
        final = final_of(
            own,
            word=words.get(item.id),
            chosen=chosen.get(item.id),
            needs_instruction=not item.history,
            now=now,
        )
        yield Entry(item, tuple(own), final)


def _word(verdict: Verdict) -> Word | None:
    if verdict.is_good is None:
        return Word.AWAITED if verdict.is_again else None
    return Word.GOOD if verdict.is_good else Word.NOT_GOOD


def _result(
    item: Item, revision: Revision, names: dict[int, str], active: dict[tuple[int, int], float | None]
) -> Result:
    return Result(
        key=item.key,
        person=names[revision.person_id],
        decision=revision.decision,
        texts=revision.texts,
        reason=revision.reason,
        at=revision.at,
        seconds=revision.seconds,
        seconds_open=revision.seconds_open,
        shown_draft=revision.shown_draft,
        version=revision.version,
        arm=item.arm,
        active_seconds=active.get((item.id, revision.person_id), revision.seconds),
    )
