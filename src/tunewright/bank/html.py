"""Plain texts as HTML that shows every space and line break, and any HTML back as plain text.

White space is kept where CSS keeps it (`pre`, `white-space: pre-wrap`) and collapsed elsewhere, as a browser
does; so our own HTML reads back exactly and other people's reads as it looks.
"""

from __future__ import annotations

import html
import re
from typing import Any

from lxml import etree
from lxml import html as lxml_html

from tunewright.bank.question import Question, is_right_to_left

PRE_WRAP = "white-space: pre-wrap"
GAP_TAG = "tw-gap"
_PARTS = ("instruction", "passage", "prompt", "cloze")
_SPACES = re.compile(r"[ \t\n\r\f]+")
_FRAGILE = re.compile(r"^\s|\s$|[ \t\n]{2}|\t")  # white space that a browser would collapse
_PARAGRAPHS = {"p", "ul", "ol", "table", "h1", "h2", "h3", "h4", "h5", "h6", "blockquote", "pre"}
_BLOCKS = _PARAGRAPHS | {"div", "li", "tr", "section", "article", "header", "footer", "hr"}


def escape(text: str) -> str:
    """The text as HTML content: `&`, `<`, `>` escaped, each line break a `<br/>`."""
    return html.escape(text, quote=False).replace("\n", "<br/>")


def inline_html(text: str) -> str:
    """The text for a place without blocks, such as an option; wrapped only when it needs to be."""
    styles = f' style="{PRE_WRAP}"' if _FRAGILE.search(text) else ""
    direction = ' dir="rtl"' if is_right_to_left(text) else ""
    return f"<span{direction}{styles}>{escape(text)}</span>" if styles or direction else escape(text)


def div(name: str, text: str, content: str | None = None) -> str:
    """A block of class `name` that keeps white space; `content` is its HTML when it is more than the text."""
    direction = ' dir="rtl"' if is_right_to_left(text) else ""
    return f'<div class="{name}"{direction} style="{PRE_WRAP}">{content or escape(text)}</div>'


def body_html(question: Question, *, prompt: bool = True) -> str:
    """Instruction, passage and prompt, each in a block of its own."""
    parts = question.parts
    return "".join(div(name, text) for name, text in parts.items() if prompt or name != "prompt")


def body_parts(markup: str) -> dict[str, Any]:
    """The texts of the blocks that `body_html` makes; other HTML is all prompt."""
    root = _parsed(markup)
    blocks = [child for child in root if child.get("class") in _PARTS and child.tag == "div"]
    if blocks and len(blocks) == len(root) and not (root.text or "").strip():
        return {str(block.get("class")): "".join(element_pieces(block)) for block in blocks}
    text = "".join(element_pieces(root))
    return {"prompt": text} if text else {}


def body_pieces(markup: str) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The parts of a cloze and the pieces between its `<tw-gap>` elements."""
    root = _parsed(markup)
    blocks = [child for child in root if child.get("class") in _PARTS and child.tag == "div"]
    cloze = [block for block in blocks if block.get("class") == "cloze"]
    if len(blocks) == len(root) and len(cloze) == 1:
        parts = {
            str(block.get("class")): "".join(element_pieces(block)) for block in blocks if block not in cloze
        }
        return parts, tuple(element_pieces(cloze[0]))
    return {}, tuple(element_pieces(root))


def html_text(markup: str) -> str:
    """The text a browser would show, with its line breaks."""
    return "".join(element_pieces(_parsed(markup)))


def _parsed(markup: str) -> etree._Element:
    """One element around the markup: read as XML if it is well formed, else as browsers read HTML."""
    try:
        parser = etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=False)
        return etree.fromstring(f"<div>{markup}</div>", parser)
    except (etree.XMLSyntaxError, ValueError):
        return lxml_html.fragment_fromstring(re.sub(r"[\x00-\x08\x0b\x0c\x0e-\x1f]", "", markup), "div")


def element_pieces(root: etree._Element) -> list[str]:
    """The shown texts between the `<tw-gap>` elements inside an element: one more than there are gaps."""
    writer = _Writer()
    writer.element(root, keep=False, is_root=True)
    return ["".join(piece) for piece in writer.pieces]


class _Writer:
    """Text as it is shown: pending space or line breaks are written only before more text."""

    def __init__(self) -> None:
        self.pieces: list[list[str]] = [[]]
        self.started = False
        self.space = False
        self.breaks = 0

    def element(self, node: etree._Element, *, keep: bool, is_root: bool = False) -> None:
        if not isinstance(node.tag, str):  # a comment or processing instruction
            return
        tag = node.tag.rpartition("}")[2].lower()
        style = _SPACES.sub("", node.get("style") or "").lower()
        classes = (node.get("class") or "").split()  # "text" is what the style sheet of our QTI items keeps
        keep = keep or tag == "pre" or "white-space:pre" in style or "text" in classes
        if tag in ("script", "style"):
            return
        if tag == "br":
            self._write("\n")
        if tag == "img":
            self.text(node.get("alt") or "[image]", keep=keep)
        if tag == GAP_TAG:
            self._write("")
            self.pieces.append([])
        if tag in _BLOCKS and not is_root:
            self._break(2 if tag in _PARAGRAPHS else 1)
        self.text(node.text or "", keep=keep)
        for child in node:
            self.element(child, keep=keep)
            self.text(child.tail or "", keep=keep)
        if tag in _BLOCKS and not is_root:
            self._break(2 if tag in _PARAGRAPHS else 1)

    def text(self, text: str, *, keep: bool) -> None:
        if keep:
            if text:
                self._write(text)
            return
        text = _SPACES.sub(" ", text)
        self.space = self.space or (text.startswith(" ") and self.started)
        if core := text.strip(" "):
            self._write(core)
            self.space = text.endswith(" ")

    def _write(self, text: str) -> None:
        if self.started and self.breaks:
            self.pieces[-1].append("\n" * self.breaks)
        elif self.space:
            self.pieces[-1].append(" ")
        self.pieces[-1].append(text)
        self.started, self.space, self.breaks = True, False, 0

    def _break(self, count: int) -> None:
        if self.started:
            self.breaks = max(self.breaks, count)
            self.space = False
