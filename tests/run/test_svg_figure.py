"""Figures inside a page: the same bytes each time, ids of their own, told to screen readers or hidden."""

from __future__ import annotations

import re
from typing import Any

from lxml import etree

from tunewright.run.svg_figure import svg_figure

SIZE, MARGINS = (3.0, 2.0), (0.1, 0.9, 0.1, 0.9)


def draw(axes: Any) -> None:
    axes.plot([0, 1, 2], [1, 3, 2], marker="o")
    axes.set_title("Größe <b> $x$ مرحبا")


def test_the_same_numbers_give_the_same_bytes() -> None:
    once = svg_figure("a", draw, size=SIZE, margins=MARGINS)
    assert once == svg_figure("a", draw, size=SIZE, margins=MARGINS)


def test_ids_of_two_figures_never_meet() -> None:
    ids = [
        set(re.findall(r'\sid="([^"]*)"', svg_figure(name, draw, size=SIZE, margins=MARGINS)))
        for name in ("a", "b")
    ]
    assert ids[0]
    assert ids[0].isdisjoint(ids[1])


def test_text_stays_text_in_the_pages_font() -> None:
    svg = svg_figure("a", draw, size=SIZE, margins=MARGINS, font="var(--sans)")
    assert "Größe &lt;b&gt; $x$ مرحبا" in svg
    assert "var(--sans)" in svg
    assert "DejaVu" not in svg
    etree.fromstring(svg)


def test_a_figure_has_a_label_or_is_hidden() -> None:
    assert 'aria-hidden="true"' in svg_figure("a", draw, size=SIZE, margins=MARGINS)
    labelled = svg_figure("a", draw, size=SIZE, margins=MARGINS, label='scores "by" rank')
    assert 'role="img" aria-label="scores &quot;by&quot; rank"' in labelled
    assert "aria-hidden" not in labelled
