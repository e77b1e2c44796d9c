"""Which version is final: the choice, then agreement, then the latest; and what withholds a pair."""

from __future__ import annotations

import pytest

from review.exchange.items_and_results import all_texts, result
from tunewright.review.exchange.final import Chosen, Final, Word, final_of
from tunewright.review.exchange.result import Result
from tunewright.review.model import Decision

A = result("ann", "Cherry", at=10.0)
B = result("bob", "Cherry", at=20.0, decision=Decision.ACCEPT)
C = result("cem", "Plum", at=30.0)
OWNER = result("olga", "Apple", at=5.0)
REJECT = result("dan", "Banana", at=15.0, decision=Decision.REJECT)
REJECT_TOO = result("eve", "", at=40.0, decision=Decision.REJECT)
FLAG = result("fay", "Cherry", at=12.0, decision=Decision.FLAG)
SKIP = result("gil", "Kiwi", at=99.0, decision=Decision.SKIP)
EMPTY = result("hal", "  ", at=50.0)
BAD, GOOD, AWAITED = Word.NOT_GOOD, Word.GOOD, Word.AWAITED


@pytest.mark.parametrize(
    ("said", "word", "expected"),
    [
        ((), None, Final(None, "open")),
        ((SKIP,), None, Final(None, "open")),
        ((A,), None, Final(A, "only")),
        ((A, SKIP), None, Final(A, "only")),
        ((A, C), None, Final(C, "latest")),
        ((C, A), None, Final(C, "latest")),
        ((A, B, C), None, Final(B, "agreement")),  # accepted or typed, the texts are the same
        ((A, B, C, REJECT), None, Final(C, "latest")),  # two of four are no majority
        ((A, REJECT, REJECT_TOO), None, Final(REJECT_TOO, "agreement")),
        ((OWNER, A, B), None, Final(B, "agreement")),  # whose role is what does not count
        ((A, FLAG), None, Final(None, "flagged")),
        ((A, FLAG), GOOD, Final(FLAG, "agreement")),  # the owner lets it pass
        ((A, FLAG, OWNER), None, Final(None, "flagged")),
        ((A, FLAG), BAD, Final(None, "sent_back")),
        ((A,), BAD, Final(None, "sent_back")),
        ((A, C), BAD, Final(None, "sent_back")),  # whatever times they have
        ((A, C), AWAITED, Final(None, "saved_again")),
        ((A, FLAG), AWAITED, Final(None, "flagged")),
        ((SKIP,), BAD, Final(None, "sent_back")),
        ((), AWAITED, Final(None, "saved_again")),
        ((A,), GOOD, Final(A, "only")),
        ((EMPTY,), None, Final(None, "empty")),
        ((REJECT_TOO,), None, Final(REJECT_TOO, "only")),  # what is rejected may be empty
    ],
)
def test_the_rules_in_their_order(said: tuple[Result, ...], word: Word | None, expected: Final) -> None:
    assert final_of(said, word=word) == expected
    assert expected.is_withheld == (expected.how in ("sent_back", "saved_again", "flagged", "empty"))


def test_what_an_owner_chose_counts_before_agreement_while_it_stands() -> None:
    chosen = Chosen("cem", C.version)
    assert final_of([A, B, C], chosen=chosen) == Final(C, "chosen")
    assert final_of([A, B, C, FLAG], chosen=chosen) == Final(None, "flagged")
    assert final_of([A, B, C, FLAG], chosen=chosen, word=GOOD) == Final(C, "chosen")
    assert final_of([A, B, C], chosen=Chosen("cem", C.version + 1)) == Final(B, "agreement")
    assert final_of([A, C, OWNER], chosen=chosen) == Final(C, "chosen")
    assert final_of([A, C], chosen=chosen, word=BAD) == Final(None, "sent_back")
    assert final_of([A, C], chosen=chosen, word=AWAITED) == Final(None, "saved_again")


def test_a_time_that_is_still_to_come_makes_nothing_the_latest() -> None:
    assert final_of([A, C], now=29.0) == Final(A, "latest")
    assert final_of([A, C], now=30.0) == Final(C, "latest")


def test_a_pair_asked_by_earlier_turns_needs_no_instruction() -> None:
    bare = result(texts=all_texts(output="Plum"))
    assert final_of([bare]).how == "empty"
    assert final_of([bare], needs_instruction=False) == Final(bare, "only")
