"""Texts of records can do nothing on a page, hide nothing, and come back from a browser as they were."""

from __future__ import annotations

import html
import re
import time
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunewright.review.diff import Kind, Span, compare
from tunewright.review.marked import diff_html
from tunewright.review.model import Finding
from tunewright.review.text import (
    MOST_RENDERED_CHARS,
    as_browsers_return,
    as_written,
    looks_like_code,
    made_visible,
    rendered,
    shown,
)

HOSTILE = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<svg/onload=alert(1)><animate onbegin=alert(1)>",
    "<a href='javascript:alert(1)'>x</a>",
    "</textarea></div></p><script>alert(1)</script>",
    "<style>*{display:none}</style><link rel=stylesheet href=//evil.example>",
    "<iframe srcdoc='<script>alert(1)</script>'></iframe><form action=/logout><button>x</button></form>",
    "[x](javascript:alert(1))",
    "[x](JaVaScRiPt:alert(1))",
    "[x](&#106;avascript:alert(1))",
    "[x](java\tscript:alert(1))",
    "[x](\x01javascript:alert(1))",
    "[x](vbscript:msgbox(1)) [y](file:///etc/passwd) [z](data:text/html;base64,PHNjcmlwdD4=)",
    "<javascript:alert(1)>",
    "[x](/logout) [y](//evil.example) [z](?csrf=1)",
    "![x](https://evil.example/pixel.png) ![y](data:image/svg+xml;base64,PHN2Zz4=)",
    '![" onerror="alert(1)](https://evil.example/a.png" onerror="alert(1))',
    '[x](https://evil.example "\\" onmouseover=alert(1)")',
    "[x]: javascript:alert(1)\n\n[x]",
    "```html onload=alert(1)\n<script>alert(1)</script>\n```",
    '```"><script>alert(1)</script>\nx\n```',
    "| <script>alert(1)</script> | b |\n|-|-|\n| [x](javascript:1) | `<b>` |",
    "\0<scr\0ipt>alert(1)</scr\0ipt>",
    "\u202e<tpircs>\u2066",
    "<!--><script>alert(1)</script>-->",
    "<math><mtext><table><mglyph><style><img src=x onerror=alert(1)>",
]
ALLOWED = {
    "a", "blockquote", "br", "code", "em", "hr", "li", "ol", "p", "pre", "s", "span", "strong", "table",
    "tbody", "td", "th", "thead", "tr", "ul", "del", "ins", "mark", "sup",
}  # fmt: skip
ALLOWED_ATTRIBUTES = {"href", "title", "class", "dir", "rel", "target", "start", "tabindex"}


class Elements(HTMLParser):
    """What a parser finds in the HTML: the elements with their attributes, and the text between them."""

    def __init__(self, source: str) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(str(source))
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def assert_inert(source: str) -> None:
    for tag, attributes in Elements(source).found:
        assert tag in ALLOWED
        assert attributes.keys() <= ALLOWED_ATTRIBUTES, attributes
        if tag == "a":
            assert re.match(r"(https?|mailto):", attributes["href"] or ""), attributes
            assert attributes["rel"] == "noopener nofollow noreferrer"


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_texts_are_inert_in_every_form(text: str) -> None:
    markdown = rendered(text)
    assert markdown is not None
    assert_inert(markdown)
    assert_inert(shown(text))
    assert_inert(diff_html(compare(text, "x " + text).spans, [(1, Finding("output", text, text, 0, 5))]))


@given(
    st.lists(st.sampled_from([*HOSTILE, "**", "_", "\n\n", "- ", "> ", "`", "|", "&lt;"]), max_size=6).map(
        "".join
    )
)
def test_hostile_texts_together_are_inert_too(text: str) -> None:
    markdown = rendered(text)
    if markdown is not None:
        assert_inert(markdown)
    assert_inert(shown(text))


@given(st.text(max_size=60))
def test_a_shown_text_reads_as_the_text_with_what_hides_made_visible(text: str) -> None:
    assert Elements(shown(text)).text == made_visible(text)
    assert not set(made_visible(text)) & set("\0\x1b\x7f\u202e\u2066\u200b\ufeff\ud800")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a\0b", "a⟨NUL⟩b"),
        ("\u202eevil\u202c", "⟨RLO⟩evil⟨PDF⟩"),
        ("zero\u200bwidth\ufeff", "zero⟨ZWSP⟩width⟨BOM⟩"),
        ("half \ud83d", "half ⟨U+D83D⟩"),
        ("\x1b[31m", "⟨ESC⟩[31m"),
        ("lone\rreturn", "lone⟨CR⟩return"),
        ("lines\r\nand\ttabs\n", "lines\r\nand\ttabs\n"),  # these are seen
        ("می\u200cخواهم", "می\u200cخواهم"),  # Persian needs the non-joiner
        ("👩\u200d👩 ❤\ufe0f", "👩\u200d👩 ❤\ufe0f"),
        ("🏴\U000e0067\U000e0062\U000e0073\U000e007f", "🏴\U000e0067\U000e0062\U000e0073\U000e007f"),
        ("\0\0\0\0\0\x07", "⟨NUL⟩×5⟨BEL⟩"),
        ("hi\U000e0068\U000e0069", "hi⟨U+E0068⟩⟨U+E0069⟩"),  # letters nobody sees, models read
    ],
)
def test_what_hides_is_made_visible_and_nothing_else(text: str, expected: str) -> None:
    assert made_visible(text) == expected


def test_a_hidden_message_is_spelt_out() -> None:
    hidden = "".join(chr(0xE0000 + ord(letter)) for letter in "obey<me>")
    assert 'title="8 invisible characters, which spell: obey&lt;me&gt;"' in shown(f"Hello{hidden}")


def test_markdown_is_laid_out() -> None:
    page = rendered("# Title\n\nA *word* and `code`\nnext line\n\n1. one\n\n```python\nx = 1\n```\n\n~~old~~")
    assert page == (
        '<p class="heading-1" dir="auto"><strong>Title</strong></p>\n'
        '<p dir="auto">A <em>word</em> and <code>code</code><br>\nnext line</p>\n'
        '<ol>\n<li dir="auto">one</li>\n</ol>\n'
        '<pre tabindex="0"><code>x = 1\n</code></pre>\n'
        '<p dir="auto"><s>old</s></p>\n'
    )


def test_links_say_that_they_lead_away_and_images_are_not_loaded() -> None:
    page = rendered("[a](https://example.org/?q=1&r=2) ![A *cat*](https://example.org/cat.png)")
    assert page == (
        '<p dir="auto"><a href="https://example.org/?q=1&amp;r=2" target="_blank" '
        'rel="noopener nofollow noreferrer">a</a> '
        '<span class="image">image: A cat (https://example.org/cat.png)</span></p>\n'
    )


@pytest.mark.parametrize("piece", ["[", "![", "_a", "<", "[a]("])
def test_texts_made_to_be_slow_are_not(piece: str) -> None:
    text = (piece * MOST_RENDERED_CHARS)[:MOST_RENDERED_CHARS]
    start = time.thread_time()
    assert rendered(text) is not None
    assert time.thread_time() - start < 5  # 0.4 s at most, measured


def test_what_is_too_long_is_not_laid_out() -> None:
    assert rendered("word " * (MOST_RENDERED_CHARS // 5 + 1)) is None


def test_a_million_control_characters_are_shown_quickly_and_small() -> None:
    start = time.thread_time()
    page = shown("\0" * 1_000_000)
    assert time.thread_time() - start < 5  # 0.1 s measured
    assert "⟨NUL⟩×1000000" in page
    assert len(page) < 200


@given(st.text(max_size=40))
def test_a_text_left_alone_comes_back_exactly(text: str) -> None:
    """Whatever the browser did to the ends of its lines."""
    in_browser = as_browsers_return(text)
    assert as_written(in_browser, [text]) == text
    assert as_written(in_browser.replace("\n", "\r\n"), [text]) == text


@pytest.mark.parametrize(
    ("typed", "bases", "expected"),
    [
        ("new\r\nlines", ["old"], "new\nlines"),
        ("new\r\nlines", ["old\r\nlines"], "new\r\nlines"),
        ("new\r\nlines", ["old\r\nand\nmixed"], "new\nlines"),
        ("the\r\noriginal", ["a draft", "the\noriginal"], "the\noriginal"),
        ("", ["draft"], ""),
    ],
)
def test_a_typed_text_keeps_the_line_ends_of_what_it_was_made_from(
    typed: str, bases: list[str], expected: str
) -> None:
    assert as_written(typed, bases) == expected


@pytest.mark.parametrize(
    ("text", "is_code"),
    [
        ("def f(x):\n    return x + 1\n\nprint(f(2))", True),
        ("SELECT name\nFROM people\nWHERE age > 3;", True),
        ("#include <stdio.h>\nint main() {\n  return 0;\n}", True),
        ("<ul>\n<li>one</li>\n</ul>", True),
        ("A poem has lines,\nand this one has three,\nall of them words.", False),
        ("1. Wash the rice.\n2. Boil water.\n3. Wait.", False),
        ("If it rains, stay in.\nFor lunch, eat soup.\nWith friends, talk.", False),
        ("# Title\n\nSome text here.\n\n- a list", False),
        ("x = 1", False),
    ],
)
def test_code_is_told_from_prose(text: str, is_code: bool) -> None:
    assert looks_like_code(text) == is_code


def test_a_diff_is_marked_by_elements_and_a_change_of_spaces_by_signs() -> None:
    spans = [Span(Kind.EQUAL, "a<"), Span(Kind.REMOVED, "\n "), Span(Kind.ADDED, "b & c")]
    assert diff_html(spans) == "a&lt;<del>↵\n·</del><ins>b &amp; c</ins>"


def test_a_finding_is_marked_in_the_text_with_its_number_at_its_end() -> None:
    """It goes through a removed word and the space around it; its number stands once, where it ends."""
    found = Finding("output", "grammar", "two verbs", 4, 12)
    whole = Finding("output", "short", "few words")
    page = diff_html(compare("The cats sits here", "The cat sits here").before, [(3, found), (4, whole)])
    assert page == (
        'The <del><mark class="found" title="3: grammar">cats</mark></del>'
        '<mark class="found" title="3: grammar"> sit</mark><sup class="finding-number">3</sup>s here'
    )


@given(
    st.text(max_size=30),
    st.text(max_size=30),
    st.lists(st.tuples(st.integers(0, 35), st.integers(0, 35)), max_size=4),
)
def test_marks_take_nothing_from_the_text(before: str, after: str, places: list[tuple[int, int]]) -> None:
    findings = [(n, Finding("output", "label", "", *sorted(place))) for n, place in enumerate(places)]
    page = diff_html(compare(before, after).before, findings)
    assert_inert(page)
    text = Elements(re.sub("<sup.*?</sup>", "", page, flags=re.DOTALL)).text
    drop = str.maketrans("", "", " ·↵⇥⍽\n\t\r\xa0")
    assert text.translate(drop) == made_visible(before).replace("⟨CR⟩", "").translate(drop) or "\r" in before
    assert html.unescape(page).count("<del>") <= len(before)
