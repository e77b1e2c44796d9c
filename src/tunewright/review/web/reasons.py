"""Why an expert decided as they did: picked from what goes wrong most often, and in their own words.

The common ones follow the criteria of CoachLM (Liu et al., ICDE 2024, arXiv 2311.13246), in our words; those
about the draft are ours. One text is kept, `[correctness, relevance] the year is wrong`, which people can
read, search for and count.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

MOST_CHARS = 4_000  # of the own words


@dataclass(frozen=True, slots=True)
class Common:
    """One that can be picked. `name` is what is kept."""

    name: str
    words: str


@dataclass(frozen=True, slots=True)
class Group:
    """Those about one side of the pair."""

    title: str
    reasons: tuple[Common, ...]


INSTRUCTION = Group(
    "The instruction",
    (
        Common("feasibility", "cannot be done as it stands: unclear, contradictory, something missing"),
        Common("contextualization", "lacks context: situation, audience, examples, requirements"),
        Common("instruction-readability", "is hard to read: language, spelling, punctuation"),
    ),
)
RESPONSE = Group(
    "The response",
    (
        Common("correctness", "is wrong: facts, logic, or a requirement not met"),
        Common("relevance", "misses the point"),
        Common("comprehensiveness", "leaves something out"),
        Common("richness", "is thin: no depth, no example"),
        Common("readability", "is hard to read: language, layout, repetition"),
        Common("humanization", "has an unfitting tone"),
        Common("safety", "is unsafe: law, privacy, attacks, health or money"),
    ),
)
DRAFT = Group(
    "The draft",
    (
        Common("changed-task", "changes the task or its data"),
        Common("invented", "adds what nobody can vouch for"),
        Common("no-gain", "is no better than the original"),
    ),
)
_KEPT = re.compile(r"\[([^\[\]]*)\] ?(.*)", re.DOTALL)


def groups(*, with_draft: bool) -> tuple[Group, ...]:
    """What can be picked. Those about the draft only where one is shown: else they would tell of it."""
    return (INSTRUCTION, RESPONSE, DRAFT) if with_draft else (INSTRUCTION, RESPONSE)


def written(picked: Iterable[str], own_words: str) -> str:
    """The text that is kept; "" when nothing was picked or written. Unknown names are dropped."""
    chosen = set(picked)
    names = [name for name in _NAMES if name in chosen]
    words = own_words.strip()[:MOST_CHARS]
    if not names:
        return f"[] {words}" if words.startswith("[") else words
    return f"[{', '.join(names)}] {words}".rstrip()


def read(reason: str) -> tuple[frozenset[str], str]:
    """What was picked and the own words, from a kept text; a text of another form is own words."""
    found = _KEPT.fullmatch(reason)
    if found is None:
        return frozenset(), reason
    names = frozenset(filter(None, found[1].split(", ")))
    return (names, found[2]) if names <= _NAMES.keys() else (frozenset(), reason)


@dataclass(frozen=True, slots=True)
class Said:
    """A kept reason for readers: `picked` in sentences without a full stop, and the own words."""

    picked: tuple[str, ...]
    own_words: str


def said(reason: str) -> Said:
    """What was picked in words ("The draft changes the task or its data") and what was written."""
    names, own_words = read(reason)
    return Said(tuple(words for name, words in _NAMES.items() if name in names), own_words)


# by name the sentence; what follows the colon only helps to choose
_NAMES: Mapping[str, str] = {
    reason.name: f"{group.title} {reason.words.partition(':')[0]}"
    for group in (INSTRUCTION, RESPONSE, DRAFT)
    for reason in group.reasons
}
