"""Which version is final: owner, then agreement, then the latest; and what withholds a pair."""

from __future__ import annotations

import pytest

from review.exchange.items_and_results import all_texts, result
from tunewright.review.exchange.final import Chosen, Final, Verdict, final_of
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
BAD, GOOD = Verdict(False, 25.0), Verdict(True, 25.0)


@pytest.mark.parametrize(
    ("said", "verdict", "expected"),
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
        ((OWNER, A, B), None, Final(OWNER, "owner")),  # though it is older and alone
        ((A, FLAG), None, Final(None, "flagged")),
        ((A, FLAG), GOOD, Final(FLAG, "agreement")),  # the owner lets it pass
        ((A, FLAG, OWNER), None, Final(OWNER, "owner")),
        ((A,), BAD, Final(None, "sent_back")),
        ((A, C), BAD, Final(C, "latest")),  # saved after the verdict
        ((A,), GOOD, Final(A, "only")),
        ((EMPTY,), None, Final(None, "empty")),
        ((REJECT_TOO,), None, Final(REJECT_TOO, "only")),  # what is rejected may be empty
    ],
)
def test_the_rules_in_their_order(said: tuple[Result, ...], verdict: Verdict | None, expected: Final) -> None:
    assert final_of(said, owners=frozenset({"olga"}), verdict=verdict) == expected


def test_what_an_owner_chose_counts_before_agreement_while_it_stands() -> None:
    chosen = Chosen("cem", C.version, at=60.0)
    assert final_of([A, B, C], chosen=chosen) == Final(C, "chosen")
    assert final_of([A, B, C, FLAG], chosen=chosen) == Final(C, "chosen")
    assert final_of([A, B, C], chosen=Chosen("cem", C.version + 1, at=60.0)) == Final(B, "agreement")
    assert final_of([A, C, OWNER], owners=frozenset({"olga"}), chosen=chosen) == Final(OWNER, "owner")
    assert final_of([A, C], chosen=chosen, verdict=Verdict(False, 50.0)) == Final(C, "chosen")
    assert final_of([A, C], chosen=chosen, verdict=Verdict(False, 70.0)) == Final(None, "sent_back")


def test_a_pair_asked_by_earlier_turns_needs_no_instruction() -> None:
    bare = result(texts=all_texts(output="Plum"))
    assert final_of([bare]).how == "empty"
    assert final_of([bare], needs_instruction=False) == Final(bare, "only")
