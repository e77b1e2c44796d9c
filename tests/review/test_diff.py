"""Diffs of the review page lose nothing, tear nothing apart, and are quick however long the texts are."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunewright.review import diff as diff_module
from tunewright.review.diff import Diff, Kind, Span, compare

MARKS = {Kind.EQUAL: "{}", Kind.REMOVED: "[-{}-]", Kind.ADDED: "[+{}+]"}
# what texts are made of where borders may go wrong: marks, joiners, flags, skin tones, scripts without spaces
PIECES = [
    "the ", "cat",
    "s", ". ", "\n", "\r\n", " ", "e\u0301", "\u0301", "n\u0303o", "हि",
    "न्दी", "عَ", "رَب", "ที่", "กำ", "我", "喜欢", "👩‍👩‍👧", "👍🏽", "👍", "🇩🇪", "🇫",
    "1️⃣", "\u200d", "\u200c", "한", "\u1112\u1161\u11ab",
]  # fmt: skip
texts = st.one_of(
    st.text(max_size=40), st.lists(st.sampled_from(PIECES), max_size=25).map(lambda some: "".join(some))
)


def marked(diff: Diff) -> str:
    return "".join(MARKS[span.kind].format(span.text) for span in diff.spans)


def joined(spans: tuple[Span, ...]) -> str:
    return "".join(span.text for span in spans)


@given(texts, texts)
def test_equal_and_removed_are_the_first_text_equal_and_added_the_second(before: str, after: str) -> None:
    diff = compare(before, after)
    assert joined(diff.before) == before
    assert joined(diff.after) == after
    assert all(span.text for span in diff.spans)
    assert diff.is_equal == (before == after)


@given(texts, texts, texts)
def test_long_texts_keep_the_same_laws(one: str, two: str, three: str) -> None:
    """With the word-by-word limit lowered to 8 characters every text goes through lines and sentences."""
    before, after = one + two + three, one + three + two
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(diff_module, "_MOST_CHARS", 8)
        diff = compare(before, after)
    assert joined(diff.before) == before
    assert joined(diff.after) == after
    assert diff.is_equal == (before == after)


@given(texts)
def test_equal_texts_are_one_span(text: str) -> None:
    assert compare(text, text).spans == ((Span(Kind.EQUAL, text),) if text else ())


@given(texts, texts)
def test_no_border_splits_what_is_read_as_one_letter(before: str, after: str) -> None:
    """Borders are those of Unicode's grapheme clusters (UAX 29), as another library draws them."""
    clusters = pytest.importorskip(
        "regex", reason="the borders are checked with the package 'regex'"
    ).compile(r"\X")
    diff = compare(before, after)
    for text, spans in ((before, diff.before), (after, diff.after)):
        borders = {found.end() for found in clusters.finditer(text)}
        place = 0
        for span in spans:
            place += len(span.text)
            assert place in borders


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("The cats sat on a mat.", "The cat sat on a red mat.", "The [-cats-][+cat+] sat on a[+ red+] mat."),
        ("", "New", "[+New+]"),
        ("Old", "", "[-Old-]"),
        ("three", "five", "[-three-][+five+]"),  # never "thre/fiv" with a common "e"
        ("cafe\u0301 noir", "cafe noir", "[-cafe\u0301-][+cafe+] noir"),
        ("हिन्दी में", "हिन्दू में", "[-हिन्दी-][+हिन्दू+] में"),
        ("العربيةُ جميلة", "العربيةَ جميلة", "[-العربيةُ-][+العربيةَ+] جميلة"),
        ("我喜欢蓝色。", "我喜欢红色。", "我喜欢[-蓝-][+红+]色。"),
        ("ดื่มน้ำ", "ดื่มชา", "ดื่ม[-น้ำ-][+ชา+]"),
        ("hi 👩‍👩‍👧!", "hi 👩‍👩‍👦!", "hi [-👩‍👩‍👧-][+👩‍👩‍👦+]!"),
        ("🇩🇪🇫🇷", "🇩🇪🇫🇮", "🇩🇪[-🇫🇷-][+🇫🇮+]"),
        ("One\n\nTwo", "One\nTwo", "One[-\n\n-][+\n+]Two"),
    ],
)  # fmt: skip
def test_whole_words_and_whole_letters_are_marked(before: str, after: str, expected: str) -> None:
    assert marked(compare(before, after)) == expected


def numbered_lines(count: int) -> list[str]:
    return [
        f"Line {n} says that {n * 7919 % 5003} follows {n * 104729 % 7001}, and no more."
        for n in range(count)
    ]


def test_a_changed_word_in_a_megabyte_is_found() -> None:
    lines = numbered_lines(20_000)
    before = "\n".join(lines)
    assert len(before) > 1_000_000
    lines[11_111] = lines[11_111].replace("follows", "precedes")
    diff = compare(before, "\n".join(lines))
    assert [span for span in diff.spans if span.kind is not Kind.EQUAL] == [
        Span(Kind.REMOVED, "follows"),
        Span(Kind.ADDED, "precedes"),
    ]
    assert not diff.is_coarse


def test_a_word_of_a_megabyte_is_one_word() -> None:
    diff = compare("x" * 1_000_000, "y" + "x" * 999_999)
    assert [span.kind for span in diff.spans] == [Kind.REMOVED, Kind.ADDED]
    assert not diff.is_coarse


def test_a_word_changed_in_every_line_of_a_megabyte_is_found() -> None:
    lines = numbered_lines(20_000)
    before, after = "\n".join(lines), "\n".join(line.replace("follows", "precedes") for line in lines)
    start = time.thread_time()
    diff = compare(before, after)
    assert time.thread_time() - start < 5  # 0.6 s measured
    assert sum(span == Span(Kind.ADDED, "precedes") for span in diff.spans) == 20_000
    assert not diff.is_coarse


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("word " * 200_000, "other " * 170_000),
        ("我" * 1_000_000, "你" * 1_000_000),
        ("\n" * 1_000_000, "\n" * 900_000 + "end"),
    ],
)
def test_what_is_too_long_for_words_is_shown_as_a_whole_and_says_so(before: str, after: str) -> None:
    start = time.thread_time()
    diff = compare(before, after)
    assert time.thread_time() - start < 5  # under 0.3 s measured
    assert diff.is_coarse
    assert joined(diff.before) == before
    assert joined(diff.after) == after
