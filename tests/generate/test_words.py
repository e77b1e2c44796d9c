"""The lexicon: forms written out by hand against what the rules and lists give."""

from __future__ import annotations

import pytest

from tunewright.generate import words


@pytest.mark.parametrize(
    ("base", "forms"),
    [
        ("play", ("plays", "played", "played", "playing")),
        ("study", ("studies", "studied", "studied", "studying")),
        ("watch", ("watches", "watched", "watched", "watching")),
        ("stop", ("stops", "stopped", "stopped", "stopping")),
        ("visit", ("visits", "visited", "visited", "visiting")),
        ("prefer", ("prefers", "preferred", "preferred", "preferring")),
        ("make", ("makes", "made", "made", "making")),
        ("go", ("goes", "went", "gone", "going")),
        ("begin", ("begins", "began", "begun", "beginning")),
        ("lie", ("lies", "lay", "lain", "lying")),
        ("agree", ("agrees", "agreed", "agreed", "agreeing")),
        ("have", ("has", "had", "had", "having")),
        ("fix", ("fixes", "fixed", "fixed", "fixing")),
        ("wait", ("waits", "waited", "waited", "waiting")),
    ],
)
def test_a_verb_has_its_four_inflected_forms(base: str, forms: tuple[str, ...]) -> None:
    verb = words.verb(base)
    assert (verb.third, verb.past, verb.part, verb.ing) == forms


def test_only_the_first_word_of_a_phrase_is_inflected() -> None:
    assert words.inflect("ride a bike", "past") == "rode a bike"
    assert words.inflect("go", "ing") == "going"


@pytest.mark.parametrize(
    ("phrase", "article"),
    [
        ("apple", "an"),
        ("hour", "an"),
        ("honest man", "an"),
        ("university", "a"),
        ("useful map", "a"),
        ("European", "a"),
        ("one-way ticket", "a"),
        ("Ukrainian", "a"),
        ("umbrella", "an"),
        ("uninteresting film", "an"),
        ("unusual name", "an"),
        ("dog", "a"),
    ],
)
def test_the_article_goes_by_sound(phrase: str, article: str) -> None:
    assert words.article(phrase) == article


def test_names_places_and_pronouns_are_complete_and_different() -> None:
    names = [person.name for person in words.PEOPLE]
    assert len(names) == len(set(names)) > 60
    assert {person.he for person in words.PEOPLE} == {"she", "he"}
    assert len(set(words.CITIES)) == len(words.CITIES)
