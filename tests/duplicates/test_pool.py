"""The growing pool: the decisions of the batch, one text at a time."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from duplicates.reference import stress
from tunewright.duplicates import Duplicate, Pool, Tokens, near_duplicates, pool
from tunewright.duplicates.tokens import Vocabulary, number_words
from tunewright.errors import RecipeError


def test_a_pool_says_what_a_text_is_like_by_the_order_of_adding() -> None:
    texts = Pool()
    assert texts.add("Write a poem about the sea at night") is None
    assert texts.add("Name three rivers") is None
    assert texts.add("Write a poem about the sea at dawn") == Duplicate(of=0, score=0.875)
    assert texts.add("Name four rivers") is None
    assert texts.add("Name four rivers") == Duplicate(of=3, score=1.0)
    assert texts.num_added == 5


def test_a_pool_keeps_its_cells_apart_but_not_from_the_evaluation_data() -> None:
    texts = Pool(against=["", "Name three rivers"])
    assert texts.add("Write a poem about the sea", "A1") is None
    assert texts.add("Write a poem about the sea", "B2") is None
    assert texts.add("Write a poem about the sea", "B2") == Duplicate(1, 1.0)
    assert texts.add("Name three rivers", "C1") == Duplicate(1, 1.0, against=True)
    assert texts.add("", "A1") is None
    assert texts.add("", "A1") is None


def test_a_pool_refuses_a_threshold_that_drops_nothing() -> None:
    with pytest.raises(RecipeError, match="above 0 and below 1"):
        Pool(threshold=1)


@pytest.mark.parametrize("tokens", Tokens)
@pytest.mark.parametrize("threshold", [0.3, 0.7])
def test_a_pool_decides_as_the_batch(tokens: Tokens, threshold: float) -> None:
    texts = stress(800, seed=2, vocabulary=200)
    cells = [len(text) % 3 for text in texts]
    against = texts[100:120]
    one_at_a_time = Pool(threshold=threshold, tokens=tokens, against=against)
    found = [one_at_a_time.add(text, cell) for text, cell in zip(texts, cells, strict=True)]
    assert found == near_duplicates(texts, threshold=threshold, tokens=tokens, cells=cells, against=against)
    assert 100 < sum(one is not None for one in found) < 700


@settings(deadline=None)
@given(
    st.lists(st.lists(st.sampled_from("abcdef"), max_size=12).map(" ".join), max_size=20),
    st.floats(0.01, 0.99),
)
def test_any_texts_are_decided_by_a_pool_as_by_the_batch(texts: list[str], threshold: float) -> None:
    one_at_a_time = Pool(threshold=threshold)
    assert [one_at_a_time.add(text) for text in texts] == near_duplicates(texts, threshold=threshold)


def test_words_that_share_a_character_are_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = stress(150, seed=5, vocabulary=60)
    expected = near_duplicates(texts)
    monkeypatch.setattr("tunewright.duplicates.longest_common.NUM_CHARACTERS", 7)
    monkeypatch.setattr(pool, "NUM_CHARACTERS", 7)
    one_at_a_time = Pool()
    assert [one_at_a_time.add(text) for text in texts] == expected


def test_one_signature_is_that_of_many() -> None:
    from tunewright.duplicates.index import Corpus
    from tunewright.duplicates.rule import Rule
    from tunewright.duplicates.signatures import signature

    texts = ["a b a c a a", "", "b " * 40, " ".join(map(str, range(700)))]
    words, starts = number_words(texts, Tokens.ROUGE, Vocabulary())
    corpus = Corpus(words, starts, Rule(0.7, Tokens.ROUGE))
    for i in range(len(texts)):
        alone = signature(words[starts[i] : starts[i + 1]].tolist())
        assert alone.tolist() == corpus.signatures[i].tolist()
