"""The first page: the queues that wait for this person, each with one button and how far they are."""

from __future__ import annotations

from dataclasses import dataclass

from tunewright.review.model import Person, QueueKind, Role
from tunewright.review.store.database import Database
from tunewright.review.store.waiting import SentBack, Waiting, sent_back, waiting


@dataclass(frozen=True, slots=True)
class Entry:
    """One queue with the address of its next item, in words for the button."""

    waiting: Waiting
    address: str
    kind: str
    button: str


@dataclass(frozen=True, slots=True)
class HomePage:
    """`sent_back` is what the quality owner wants better; `to_do` what has something left; `finished` what
    has not or is closed."""

    person: Person
    sent_back: tuple[SentBack, ...]
    to_do: tuple[Entry, ...]
    finished: tuple[Entry, ...]

    @property
    def is_lead(self) -> bool:
        return self.person.role is Role.LEAD


def home_page(db: Database, person: Person) -> HomePage:
    entries = [_entry(one) for one in waiting(db, person)]
    is_to_do = [entry.waiting.queue.is_open and entry.waiting.num_left > 0 for entry in entries]
    return HomePage(
        person,
        tuple(sent_back(db, person)),
        tuple(entry for entry, yes in zip(entries, is_to_do, strict=True) if yes),
        tuple(entry for entry, yes in zip(entries, is_to_do, strict=True) if not yes),
    )


def _entry(one: Waiting) -> Entry:
    if one.queue.kind is QueueKind.RATE:
        button = "Go on rating" if one.num_done else "Start rating"
        return Entry(one, f"/rate/{one.queue.id}", "Rate blind", button)
    button = "Go on revising" if one.num_done else "Start revising"
    return Entry(one, f"/revise/{one.queue.id}", "Revise", button)
