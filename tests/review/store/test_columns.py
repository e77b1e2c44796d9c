"""Any Python text comes back from both column types as it was."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.dialects import sqlite

from tunewright.review.store.columns import AnyJson, escape, unescape

DIALECT = sqlite.dialect()  # type: ignore[no-untyped-call]
ANY_TEXT = st.text(st.characters(exclude_categories=[]) | st.sampled_from("\\u0\x00\ud83d\ude00~"))
ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | ANY_TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(ANY_TEXT, inner, max_size=3),
    max_leaves=8,
)


@given(ANY_TEXT)
def test_an_escaped_text_comes_back_and_holds_nothing_that_a_database_refuses(text: str) -> None:
    kept = escape(text)
    kept.encode("utf-8")
    assert "\x00" not in kept
    assert unescape(kept) == text


def test_ordinary_text_is_kept_readable() -> None:
    assert escape("naïve — 试题\n") == "naïve — 试题\n"
    assert escape("a\x00b\\c\ud800") == r"a\u0000b\\c\ud800"


@given(ANY_JSON.filter(lambda value: value is not None))
def test_a_json_value_comes_back(value: object) -> None:
    column = AnyJson()
    kept = column.process_bind_param(value, DIALECT)
    assert kept is not None
    kept.encode("utf-8")
    assert "\x00" not in kept
    assert column.process_result_value(kept, DIALECT) == value


def test_two_surrogates_side_by_side_are_not_joined() -> None:
    column = AnyJson()
    broken = "\ud83d\ude00"  # two code points, not the smiley they stand for in UTF-16
    kept = column.process_bind_param({"output": broken}, DIALECT)
    assert column.process_result_value(kept, DIALECT) == {"output": broken}
