"""Figures as SVG inside a page: text stays text, and the same numbers give the same bytes.

matplotlib is imported when a figure is drawn.
"""

from __future__ import annotations

import html
import io
import re
import warnings
from collections.abc import Callable, Mapping
from typing import Any

INK, QUIET, RULE = "#1c2430", "#5b6675", "#d5dae1"
FONT = 9.0  # points
_STYLE: Mapping[str, Any] = {
    "svg.fonttype": "none",
    "font.family": ["DejaVu Sans"],
    "font.size": FONT,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": "#8a93a0",
    "axes.linewidth": 0.7,
    "axes.labelcolor": QUIET,
    "xtick.color": QUIET,
    "ytick.color": QUIET,
    "xtick.major.size": 3,
    "ytick.major.size": 0,
    "text.parse_math": False,
}


def svg_figure(
    name: str,
    draw: Callable[[Any], None],
    *,
    size: tuple[float, float],
    margins: tuple[float, float, float, float],
    font: str = "inherit",
    label: str = "",
    style: Mapping[str, Any] | None = None,
) -> str:
    """The `<svg>` element of a figure of one pair of axes, `draw`n by the caller.

    `size` is width and height in inches, `margins` are left, right, bottom and top of the axes as shares of
    it; `font` is the page's, in CSS. Ids begin with `name`, since all figures of a page share one document. A
    figure without a `label` is hidden from screen readers: its numbers stand beside it.
    """
    import matplotlib
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    left, right, bottom, top = margins
    settings = {**_STYLE, **(style or {}), "svg.hashsalt": name}
    with matplotlib.rc_context(settings), warnings.catch_warnings():
        # a name may be in a script that the drawing font lacks; the browser's font has it
        warnings.filterwarnings("ignore", message=r"Glyph .* missing from")
        warnings.filterwarnings("ignore", message="Matplotlib currently does not support")
        figure = Figure(figsize=size)
        FigureCanvasSVG(figure)
        axes = figure.add_axes((left, bottom, right - left, top - bottom))
        draw(axes)
        stream = io.StringIO()
        figure.savefig(stream, format="svg", transparent=True, metadata={"Date": None})
    return _inline(stream.getvalue(), name, font, label)


def _inline(svg: str, name: str, font: str, label: str) -> str:
    """The `<svg>` element alone: no metadata, namespaces or size; with ids of its own and the page's font."""
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r"<!--.*?-->", "", svg, flags=re.DOTALL)
    svg = re.sub(r'\sxmlns(:\w+)?="[^"]*"', "", svg)
    head, _, rest = svg.partition(">")
    head = re.sub(r'\s(width|height|version)="[^"]*"', "", head)
    if label:
        head += f' role="img" aria-label="{html.escape(label)}"'
    else:
        head += ' aria-hidden="true" focusable="false"'
    used = set(re.findall(r'(?:href="#|url\(#)([\w-]+)', rest))

    def rename(match: re.Match[str]) -> str:
        return f' id="{name}-{match[1]}"' if match[1] in used else ""

    rest = re.sub(r'\sid="([^"]*)"', rename, rest)
    rest = re.sub(r'(href="#|url\(#)([\w-]+)', rf"\g<1>{name}-\g<2>", rest)
    rest = rest.replace("xlink:href=", "href=").replace("'DejaVu Sans'", font)
    return re.sub(r"\n\s*", "\n", f"{head}>{rest}").strip()
