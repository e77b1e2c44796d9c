"""Decisions on many texts: the published rule, for every threshold, cell and order."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from duplicates.reference import lcs_length, one_by_one, stress
from tunewright.duplicates import Duplicate, Tokens, batch, index, longest_common, near_duplicates
from tunewright.duplicates.tokens import rouge_words, unicode_words
from tunewright.errors import RecipeError

COOK = "Write a short story about a cook who is late for work today"  # 13 words
PILOT = "Write a short story about a pilot who is late for work today"
POEM = "Name three rivers in Asia"


def shared(length: int, m: int, n: int) -> list[str]:
    """Two texts of m and n words, of which the first `length` are the same."""
    common = [f"c{i}" for i in range(length)]
    return [
        " ".join(common + [f"a{i}" for i in range(m - length)]),
        " ".join(common + [f"b{i}" for i in range(n - length)]),
    ]


def test_the_later_of_two_alike_is_dropped_and_told_what_it_is_like() -> None:
    """12 of 13 words are the same: F1 = 12/13."""
    assert near_duplicates([COOK, POEM, PILOT]) == [None, None, Duplicate(of=0, score=12 / 13)]


@pytest.mark.parametrize(
    ("m", "n", "score", "dropped_by_rouge"),
    [
        (10, 10, 0.7, False),
        (9, 11, 0.7000000000000001, True),
        (8, 12, 0.7000000000000001, True),
        (7, 13, 0.7000000000000001, True),
    ],
)
def test_a_tie_goes_as_in_rouge_score_or_is_kept(
    m: int, n: int, score: float, dropped_by_rouge: bool
) -> None:
    """Seven words in common of 20: F1 is 0.7 exactly, and rounding decides in `rouge_score`."""
    texts = shared(7, m, n)
    expected = Duplicate(of=0, score=score) if dropped_by_rouge else None
    assert near_duplicates(texts) == [None, expected]
    assert near_duplicates(texts, tokens=Tokens.UNICODE) == [None, None]
    assert near_duplicates(texts, tokens=Tokens.UNICODE, threshold=0.6999) == [None, Duplicate(0, 0.7)]


def test_candidates_see_each_other_but_not_what_was_dropped() -> None:
    """A and C are like B but not like each other: after A, B is gone and C stays; after B, both go."""
    a, b, c = "a b c d e f g h i j", "a b c d e f g h x y", "a b c d e f v w x y"
    assert [found is None for found in near_duplicates([a, b, c])] == [True, False, True]
    assert [found is None for found in near_duplicates([b, a, c])] == [True, False, False]


def test_the_order_of_words_counts() -> None:
    assert near_duplicates(["a b c d e", "e d c b a"]) == [None, None]


def test_the_most_alike_is_named_and_of_equals_the_first() -> None:
    texts = ["a b c d e f g h p q", "a b c d e f u v w x", "a b c d e f g h i j", "a b c d e f g h p q"]
    assert near_duplicates(texts, threshold=0.5)[3] == Duplicate(of=0, score=1.0)
    texts = ["a b c d e f 1 2 3 4", "a b c d e f 5 6 7 8", "a b c d e f 9 0 x y"]
    assert near_duplicates(texts, threshold=0.61) == [None, None, None]
    assert near_duplicates([*texts, "a b c d e f"], threshold=0.61)[3] == Duplicate(
        of=0, score=0.7499999999999999
    )


def test_texts_without_a_token_are_kept_however_often_they_come() -> None:
    assert near_duplicates(["", "请写一首诗", "请写一首诗", ""]) == [None] * 4
    found = near_duplicates(["", "请写一首诗", "请写一首诗", "", "??", " ??"], tokens=Tokens.UNICODE)
    assert found == [None, None, Duplicate(1, 1.0), None, None, Duplicate(4, 1.0)]


def test_cells_are_decided_apart() -> None:
    found = near_duplicates([COOK, PILOT, PILOT, COOK], cells=["A1", "B2", ("x", 1), "A1"])
    assert found == [None, None, None, Duplicate(0, 1.0)]


def test_against_counts_in_every_cell_and_is_named_first() -> None:
    """The third is the very same as the first, and still said to be in the evaluation data."""
    found = near_duplicates([POEM, PILOT, POEM], cells=[1, 2, 1], against=["Name four rivers in Asia", COOK])
    assert found == [Duplicate(0, 0.8000000000000002, True), Duplicate(1, 12 / 13, True), found[0]]
    assert near_duplicates([COOK], against=[POEM]) == [None]
    assert near_duplicates([], against=[POEM]) == []


def test_texts_of_against_do_not_drop_each_other() -> None:
    assert near_duplicates(["x", POEM], against=[COOK, COOK, POEM])[1] == Duplicate(2, 1.0, True)


@pytest.mark.parametrize("threshold", [0, 1, -0.1, 1.5, float("nan"), float("inf")])
def test_a_threshold_that_drops_nothing_or_all_is_refused(threshold: float) -> None:
    with pytest.raises(RecipeError, match="must be above 0 and below 1"):
        near_duplicates(["a"], threshold=threshold)


def test_cells_are_as_many_as_texts() -> None:
    with pytest.raises(ValueError, match="1 cells for 2 texts"):
        near_duplicates(["a", "b"], cells=[1])


def test_progress_tells_how_many_texts_are_decided() -> None:
    told: list[int] = []
    near_duplicates([f"text {i} of {i * i}" for i in range(1000)], on_progress=told.append)
    assert told == [256, 768, 1000]
    told.clear()
    near_duplicates([COOK, COOK], against=[COOK], on_progress=told.append)
    assert told == [2]


def test_long_texts_are_compared_too() -> None:
    """20,000 words, of which every tenth, or every second, is another one."""
    text = [f"w{i % 7000}" for i in range(20_000)]
    tenth = [f"x{i}" if i % 10 == 0 else word for i, word in enumerate(text)]
    half = [f"x{i}" if i % 2 == 0 else word for i, word in enumerate(text)]
    found = near_duplicates([" ".join(words) for words in (text, tenth, half)])
    assert found == [None, Duplicate(0, 0.9), None]


def test_more_words_than_there_are_characters_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Words share characters then: a pair that only seems alike must be kept."""
    texts = stress(150, seed=5, vocabulary=60)
    expected = near_duplicates(texts)
    monkeypatch.setattr(longest_common, "NUM_CHARACTERS", 7)
    assert near_duplicates(texts) == expected


@pytest.mark.parametrize("threshold", [0.05, 0.3, 0.5, 0.7, 0.8, 0.95])
@pytest.mark.parametrize("vocabulary", [3, 30])
def test_decisions_are_those_of_the_plain_rule(threshold: float, vocabulary: int) -> None:
    texts = stress(150, seed=vocabulary, vocabulary=vocabulary)
    expected = one_by_one([rouge_words(text) for text in texts], threshold=threshold)
    assert near_duplicates(texts, threshold=threshold) == expected
    assert any(expected)


TEXTS = st.lists(st.lists(st.sampled_from("abcdef"), max_size=14).map(" ".join), max_size=25)


@settings(deadline=None)
@given(TEXTS, st.floats(0.01, 0.99), st.data())
def test_any_texts_cells_and_evaluation_data_are_decided_as_by_the_plain_rule(
    texts: list[str], threshold: float, data: st.DataObject
) -> None:
    cells = data.draw(st.none() | st.lists(st.integers(0, 2), min_size=len(texts), max_size=len(texts)))
    against = data.draw(TEXTS.map(lambda given: given[:4]))
    found = near_duplicates(texts, threshold=threshold, cells=cells, against=against)
    assert found == one_by_one(
        [text.split() for text in texts],
        threshold=threshold,
        cells=cells,
        against=[text.split() for text in against],
    )


@settings(deadline=None)
@given(TEXTS, st.integers(1, 99))
def test_unicode_ties_are_decided_without_rounding(texts: list[str], percent: int) -> None:
    """F1 > t as fractions: 200 L > percent (m + n)."""

    def score(first: list[str], second: list[str]) -> Fraction:
        if not first or not second:
            return Fraction(0)
        return Fraction(2 * lcs_length(first, second), len(first) + len(second))

    words = [unicode_words(text) for text in texts]
    expected = one_by_one(words, threshold=Fraction(percent, 100), score=score)  # type: ignore[arg-type]
    found = near_duplicates(texts, threshold=percent / 100, tokens=Tokens.UNICODE)
    assert found == [one and Duplicate(one.of, float(one.score)) for one in expected]


@settings(deadline=None)
@given(TEXTS)
def test_what_is_kept_is_kept_again(texts: list[str]) -> None:
    kept = [text for text, found in zip(texts, near_duplicates(texts), strict=True) if found is None]
    assert near_duplicates(kept) == [None] * len(kept)


@pytest.mark.parametrize(("first", "largest", "most"), [(1, 1, 1), (2, 8, 1), (16, 64, 50), (4, 1000, 1)])
def test_the_size_of_blocks_changes_nothing(
    monkeypatch: pytest.MonkeyPatch, first: int, largest: int, most: int
) -> None:
    texts = stress(300, seed=9)
    expected = near_duplicates(texts)
    monkeypatch.setattr(index, "_PAIRS_AT_A_TIME", 20 * first)
    monkeypatch.setattr(index, "_LIKELY_AT_A_TIME", 5 * first)
    monkeypatch.setattr(batch, "_FIRST_BLOCK", first)
    monkeypatch.setattr(batch, "_LARGEST_BLOCK", largest)
    monkeypatch.setattr(batch, "_MOST_PAIRS", most)
    assert near_duplicates(texts) == expected
