"""Training pairs are known again whatever another program did to their spelling on disk."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunewright.coach.leakage import normalised, pair_digest, trained_digests
from tunewright.coach.revision import Revision, with_texts
from tunewright.records.record import Record, Turn

PAIR = Record(id="1", instruction="Name a café.", input="In Lyon.", output="Le Bouchon.")


@pytest.mark.parametrize(
    "other",
    [
        Record(id="other", instruction="name a CAFÉ.", input="in lyon.", output="le bouchon."),
        Record(id="1", instruction=" Name  a\ncafé.", input="In Lyon.\r\n", output="\tLe Bouchon."),
        Record(id="1", instruction="Name a cafe\u0301.", input="In Lyon.", output="Le Bouchon."),
        Record(id="1", instruction="Name a café. Input: In Lyon.", output="Le Bouchon."),
        Record(
            id="1",
            instruction="Name a café.",
            input="In Lyon.",
            output="Le Bouchon.",
            explanation="It is one.",
            system="Be brief.",
            history=(Turn("user", "Hello."),),
        ),
    ],
    ids=["case", "white space", "decomposed accent", "input joined to the instruction", "context"],
)
def test_the_same_pair_in_another_spelling_is_known(other: Record) -> None:
    assert pair_digest(other) == pair_digest(PAIR)


@pytest.mark.parametrize("field", ["instruction", "input", "output"])
def test_another_text_is_another_pair(field: str) -> None:
    assert pair_digest(with_texts(PAIR, {field: "Name a tea house."})) != pair_digest(PAIR)


def test_both_sides_of_a_revision_count() -> None:
    revised = with_texts(PAIR, {"output": "Le Bouchon, on the quay."})
    assert trained_digests([Revision(PAIR, revised)]) == {pair_digest(PAIR), pair_digest(revised)}


@given(st.text())
def test_normalising_twice_is_normalising_once(text: str) -> None:
    assert normalised(normalised(text)) == normalised(text)


@given(st.text())
def test_case_white_space_and_encoding_of_accents_do_not_count(text: str) -> None:
    """For every text: its decomposed, composed, folded and spaced-out versions are one."""
    expected = normalised(text)
    assert normalised(unicodedata.normalize("NFD", text)) == expected
    assert normalised(unicodedata.normalize("NFC", text)) == expected
    assert normalised(text.casefold()) == expected
    assert normalised(f"\u00a0{text}\n") == expected
