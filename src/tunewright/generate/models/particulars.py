"""People, places, times and prices that the skills models fill their frames with.

British style throughout: "9.30 am" and "5 pm" in prose, "09:30" in timetables, "£4.50" and "£12" for money.
Times are minutes after midnight, prices are pence.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from tunewright.generate.item import Distractor

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Person:
    """A first name with the pronouns that go with it in our frames."""

    name: str
    he: str
    him: str
    his: str


def _people(names: str, he: str, him: str, his: str) -> list[Person]:
    return [Person(name, he, him, his) for name in names.split()]


WOMEN = _people(
    "Amina Beatriz Chiara Dalia Elif Farah Grace Hana Ines Jana Keiko Lena Mira Nadia Olga Priya Rosa "
    "Sofia Thandi Ulrike Vera Wanjiru Yasmin Zofia",
    "she",
    "her",
    "her",
)
MEN = _people(
    "Ahmed Bruno Carlos Dmitri Emre Felix Goran Hiro Ivan Jonas Kofi Luca Marek Nikos Omar Pavel Rashid "
    "Stefan Tomas Umar Viktor Wen Yusuf Zoltan",
    "he",
    "him",
    "his",
)
FAMILY_NAMES = (
    *("Adeyemi", "Bianchi", "Costa", "Dubois", "Eriksen", "Fischer", "Garcia", "Haddad", "Ivanova", "Jansen"),
    *("Kowalski", "Lindgren", "Mehta", "Novak", "Okafor", "Petrov", "Rossi", "Sato", "Tanaka", "Weber"),
)
CITIES = (
    *("Lisbon", "Kraków", "Nairobi", "Osaka", "Toronto", "Dublin", "Valencia", "Hanoi", "Cardiff", "Tunis"),
    *("Bologna", "Bergen", "Leeds", "Zagreb", "Montreal", "Bristol", "Ankara", "Lyon", "Glasgow", "Accra"),
)
TOWNS = (
    *(
        "Ashford",
        "Barton",
        "Carrick",
        "Denholm",
        "Easton",
        "Fairfield",
        "Gorton",
        "Haworth",
        "Kelso",
        "Langley",
    ),
    *("Marlow", "Newbridge", "Oakham", "Penrith", "Redhill", "Selby", "Tarrant", "Upton", "Whitby", "Yarm"),
)
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
WEEKDAYS = DAYS[:5]
MONTHS = ("March", "April", "May", "June", "July", "September", "October", "November")
HEAR = (
    "Listen to the script, which is read aloud twice, and choose the correct answer.",
    "You will hear the script read aloud. Choose the best answer.",
    "The script is read aloud. Listen and answer the question.",
)
NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")


def some_people(rng: random.Random, count: int) -> list[Person]:
    """`count` people whose names begin with different letters, so that no two can be confused."""
    letters = rng.sample("ABCDEFGHIJKLMNOPRSTUVWYZ", count)
    pool = WOMEN + MEN
    return [rng.choice([person for person in pool if person.name.startswith(letter)]) for letter in letters]


def clock(minutes: int) -> str:
    """555 → "9.15 am", 1020 → "5 pm"."""
    hour, minute = divmod(minutes, 60)
    shown = (hour - 1) % 12 + 1
    return f"{shown}{f'.{minute:02d}' if minute else ''} {'am' if hour < 12 else 'pm'}"


def timetable_clock(minutes: int) -> str:
    """555 → "09:15"."""
    return f"{minutes // 60:02d}:{minutes % 60:02d}"


def money(pence: int) -> str:
    """450 → "£4.50", 1200 → "£12"."""
    pounds, rest = divmod(pence, 100)
    return f"£{pounds}.{rest:02d}" if rest else f"£{pounds}"


def capital(text: str) -> str:
    """The text with its first letter in upper case and the rest as it was."""
    return text[:1].upper() + text[1:]


def an(noun: str) -> str:
    """The noun with its article, for nouns whose first letter tells the sound: "umbrella" → "an umbrella"."""
    return f"{'an' if noun[0].lower() in 'aeiou' else 'a'} {noun}"


def listed(parts: Sequence[str]) -> str:
    """["a", "b", "c"] → "a, b and c"."""
    return " and ".join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 1 else parts)


def as_notes(notes: Sequence[str]) -> str:
    """The notes a learner writes or speaks from, one to a line."""
    return "\n".join(("Notes:", *(f"- {note}" for note in notes)))


def script(text: str) -> str:
    """The text as a listening passage."""
    return f"Script:\n{text}"


def wrong(*pairs: tuple[str, str]) -> tuple[Distractor, ...]:
    """Distractors from (text, misconception) pairs."""
    return tuple(Distractor(text, misconception) for text, misconception in pairs)


def draw_until(rng: random.Random, draw: Callable[[random.Random], T], holds: Callable[[T], bool]) -> T:
    """The first draw for which `holds` is true; for constraints that a good share of draws meet."""
    for _ in range(10_000):
        drawn = draw(rng)
        if holds(drawn):
            return drawn
    raise AssertionError("the constraint is met by almost no draw; mend the model")
