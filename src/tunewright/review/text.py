"""Texts of records as HTML that is safe, plain or laid out as Markdown; and texts back from a browser.

Nothing in a record can act: every character is escaped, Markdown becomes a short list of elements, images are
not loaded, links are only those of the web and mail. What hides (control characters, overrides of the reading
direction, invisible letters) is put into view.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Any

import nh3
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markdown_it.utils import EnvType, OptionsDict
from markupsafe import Markup, escape

from tunewright.run.html_page import UNFIT

MOST_RENDERED_CHARS = 30_000  # laid out in 5 ms; made to be slow ("![![![…"), in 0.4 s
_MOST_SPELT = 40
_MOST_IN_A_ROW = 3

# Left alone: tab and newline; the joiners U+200C and U+200D, which emoji and Persian need; selectors of a
# variant after a letter that has some; the tags of flags such as Scotland's.
_HIDDEN = re.compile(
    r"(?:[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\xad\u061c\u115f\u1160\u180e\u200b\u200e\u200f\u2028-\u202e"
    r"\u2060-\u206f\u3164\ufeff\uffa0\ufff9-\ufffb\ud800-\udfff\U000e0001]|\r(?!\n))+"
    r"|(?<![\U0001f3f4\U000e0020-\U000e007f])[\U000e0020-\U000e007f]+"
    r"|(?<![\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff])[\U000e0100-\U000e01ef]+"
)
_SHORT_NAMES = {  # Unicode's pictures for control characters (␀) are in few fonts
    "\x00": "NUL", "\x07": "BEL", "\x08": "BS", "\x0b": "VT", "\x0c": "FF", "\r": "CR",
    "\x1b": "ESC", "\x7f": "DEL",
    "\xad": "SHY", "\u061c": "ALM", "\u200b": "ZWSP", "\u200e": "LRM", "\u200f": "RLM", "\u2028": "LS",
    "\u2029": "PS", "\u202a": "LRE", "\u202b": "RLE", "\u202c": "PDF", "\u202d": "LRO", "\u202e": "RLO",
    "\u2060": "WJ", "\u2066": "LRI", "\u2067": "RLI", "\u2068": "FSI", "\u2069": "PDI", "\ufeff": "BOM",
}  # fmt: skip
_CODE_LINE = re.compile(
    r"""[;{})\]]\s*$                                      # ends as code does
      | ^(\s{2,}|\t)\S                                   # stands further in
      | ^\s*[\w.\[\]]+\s*[-+*/]?=[^=]                    # gives a name a value
      | ^\s*(//|\#(?!\s)|\#include|</?[a-z!])            # a comment, a tag
      | ^\s*(def|class|import|from|return|if|elif|else|for|while|try|except|with|print)\b.*[:()"\w]$
      | ^\s*(SELECT|FROM|WHERE|INSERT|UPDATE|JOIN|GROUP\ BY)\b""",
    re.VERBOSE,
)
_SCHEMES = {"http", "https", "mailto"}
_TAGS = {
    "a", "blockquote", "br", "code", "em", "hr", "li", "ol", "p", "pre", "s", "span", "strong", "table",
    "tbody", "td", "th", "thead", "tr", "ul",
}  # fmt: skip
_BLOCKS = ("blockquote", "li", "p", "td", "th")


def made_visible(text: str) -> str:
    """The text with what hides replaced by signs that are seen, such as ⟨NUL⟩, ⟨RLO⟩ and ⟨NUL⟩×1000."""
    return _HIDDEN.sub(lambda found: _signs(found[0]), text)


def shown(text: str) -> Markup:
    """The text, escaped; what hides is a `<span class="hidden-sign">` whose title says what stands there."""

    def span(found: re.Match[str]) -> str:
        return f'<span class="hidden-sign" title="{_title(found[0])}">{_signs(found[0])}</span>'

    return Markup(_HIDDEN.sub(span, str(escape(text))))  # escaping neither makes nor takes what hides


def rendered(text: str) -> Markup | None:
    """The text laid out as Markdown, without anything that could act; None beyond `MOST_RENDERED_CHARS`.

    HTML in the text is shown as it is written. A link that is not http, https or mailto stays plain text, and
    so does an address inside this site; an image is its description and address. Line breaks are kept.
    """
    if len(text) > MOST_RENDERED_CHARS:
        return None
    return Markup(_CLEANER.clean(_MARKDOWN.render(made_visible(text))))


def as_browsers_return(text: str) -> str:
    """What a text area gives back when this was put into it and left as it was: lines end as LF, and what no
    page may hold came as U+FFFD (see `web.pages`)."""
    return UNFIT.sub("\ufffd", text.replace("\r\n", "\n").replace("\r", "\n"))


def as_written(typed: str, bases: Iterable[str]) -> str:
    """What the person means by `typed`: the first of `bases` (draft, original) that it was left as, exactly.

    A form sends every line end as CRLF and cannot carry NUL, so an untouched text would come back changed.
    Otherwise it is what was typed; its lines end as those of the first base do, if these all end as CRLF.
    """
    plain = as_browsers_return(typed)
    bases = tuple(bases)
    for base in bases:
        if as_browsers_return(base) == plain:
            return base
    if bases and "\r\n" in bases[0] and not re.search(r"(?<!\r)\n", bases[0]):
        return plain.replace("\n", "\r\n")
    return plain


def excerpt(text: str, most: int = 110) -> str:
    """The beginning on one line, at most that many characters."""
    line = " ".join(text[: 10 * most].split())
    return line if len(line) <= most else line[: most - 1] + "…"


def looks_like_code(text: str) -> bool:
    """Whether a text of three lines or more is mostly program code, to be set in letters of one width."""
    lines = [line for line in text[:20_000].splitlines() if line.strip()]
    return len(lines) >= 3 and sum(bool(_CODE_LINE.search(line)) for line in lines) >= 0.5 * len(lines)


class _Markdown(MarkdownIt):
    """CommonMark with tables, without HTML. Only links that say where they go are links."""

    def validateLink(self, url: str) -> bool:  # noqa: N802 (the library's name)
        return url.partition(":")[0].lower() in _SCHEMES


def _image(
    renderer: RendererHTML, tokens: Sequence[Token], index: int, options: OptionsDict, env: EnvType
) -> str:
    token = tokens[index]
    alt = renderer.renderInlineAsText(token.children or [], options, env)
    return str(Markup('<span class="image">image: {} ({})</span>').format(alt or "—", token.attrs["src"]))


def _heading_open(
    renderer: RendererHTML, tokens: Sequence[Token], index: int, options: OptionsDict, env: EnvType
) -> str:
    """A record's headings are none of the page: who jumps from one to the next would get lost."""
    return f'<p class="heading-{tokens[index].tag[1]}"><strong>'


def _heading_close(*_: Any) -> str:
    return "</strong></p>\n"


def _markdown() -> MarkdownIt:
    markdown = _Markdown("commonmark", {"html": False, "breaks": True}).enable(["table", "strikethrough"])
    markdown.add_render_rule("image", _image)
    markdown.add_render_rule("heading_open", _heading_open)
    markdown.add_render_rule("heading_close", _heading_close)
    return markdown


_MARKDOWN = _markdown()
# A second fence, of another make: should the first ever let HTML through, this one does not.
_CLEANER = nh3.Cleaner(
    tags=_TAGS,
    attributes={"a": {"href", "title"}, "ol": {"start"}},
    allowed_classes={"span": {"image"}, "p": {f"heading-{level}" for level in range(1, 7)}},
    link_rel="noopener nofollow noreferrer",
    url_schemes=_SCHEMES,
    set_tag_attribute_values={
        "a": {"target": "_blank"},
        "pre": {"tabindex": "0"},  # it scrolls, also for those who have only keys
        "table": {"tabindex": "0"},
        **{name: {"dir": "auto"} for name in _BLOCKS},
    },
)


def _signs(hidden: str) -> str:
    """A run of hidden characters; one that is there more than three times in a row stands once, counted."""
    found = []
    for character, group in groupby(hidden):
        count = sum(1 for _ in group)
        sign = f"⟨{_SHORT_NAMES.get(character, f'U+{ord(character):04X}')}⟩"
        found.append(f"{sign}×{count}" if count > _MOST_IN_A_ROW else sign * count)
    return "".join(found)


def _title(hidden: str) -> str:
    """What a run of hidden characters is; of a message in tag characters what it spells, escaped."""
    spelt = "".join(chr(ord(one) - 0xE0000) for one in hidden if 0xE0020 <= ord(one) < 0xE007F)
    if spelt:
        return escape(f"{len(hidden)} invisible characters, which spell: {spelt[:_MOST_SPELT]}")
    name = unicodedata.name(hidden[0], "control character").lower()
    return f"U+{ord(hidden[0]):04X}, {name}" + (f", and {len(hidden) - 1} more" if len(hidden) > 1 else "")
