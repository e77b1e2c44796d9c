"""The page of a selection: one file without scripts, with figure, tables and the records at the cut."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from tunewright.coach.damage import Finding
from tunewright.coach.revision import FIELDS, Revision
from tunewright.coach.select import Ranking
from tunewright.coach.select_plot import rank_plot
from tunewright.run.files import write_text_atomic

TEMPLATES = Path(__file__).parent / "templates"
_UNFIT = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]"
)  # no page may hold these
_PIECES = re.compile(r"\w+\s*|[^\w\s]\s*|\s+")
_ISLAND_PIECES = 2  # unchanged words between two changes that read better as changed too
_SHOWN_CHARS = 1_200  # of a text in an example; word diffs take time in the square of it
_UNCHANGED_CHARS = 160  # kept at either end of a longer stretch that did not change
_MOST_SHOWN = 30  # damaged revisions on the page; all are in the files beside it


def write_select_page(
    summary: Mapping[str, Any],
    ranking: Ranking,
    revisions: Sequence[Revision],
    findings: Sequence[Finding],
    examples: Mapping[str, Sequence[int]],
    path: Path,
) -> None:
    """Write the page of a `selection.json`'s content; the same selection gives the same bytes."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_clean,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "count": lambda n: f"{n:,}",
        "percent": lambda s: f"{100 * s:.1f} %",
        "short": _short,
    }
    by = str(summary["by"])
    figure = rank_plot(ranking, alpha=summary["alpha"], label=score_name(by))
    page = environment.get_template(
        "select.html"
    ).render(
        run=summary,
        by=by,
        score_name=score_name(by),
        fields=[name for name in FIELDS if _ever_changed(summary, name)],
        figure=Markup(figure),  # drawn here: numbers and fixed words only
        examples=[
            (title, [_example(revisions[number], ranking, number) for number in examples[key]])
            for key, title in (("chosen", "The last that are chosen"), ("left", "The first that are not"))
            if examples[key]
        ],
        damaged=[
            (title, [_damaged(one) for one in findings if one.outcome == outcome][:_MOST_SHOWN])
            for outcome, title in (
                ("refused", "Refused"),
                ("repaired", "Repaired"),
                ("named", "Used as it is, for it may be sound"),
            )
        ],
    )
    write_text_atomic(path, page)


def score_name(by: str) -> str:
    """What the numbers of a measure are, in words."""
    names = {
        "distance": "distance in characters",
        "rating-gain": "gain in rating",
        "diversity": "gain in coverage",
    }
    return names.get(by, f"distance in the {by}, characters")


def words_diff(before: str, after: str) -> Iterator[tuple[str, str]]:
    """("same" | "gone" | "new", text) in reading order, by words; together the pieces are both texts."""
    one, other = _PIECES.findall(before), _PIECES.findall(after)
    matcher = difflib.SequenceMatcher(a=one, b=other, autojunk=False)
    steps = matcher.get_opcodes()
    gone = new = ""
    for place, (kind, start, stop, new_start, new_stop) in enumerate(steps):
        is_inside = 0 < place < len(steps) - 1
        if kind == "equal" and not (is_inside and stop - start <= _ISLAND_PIECES):
            yield from _changes(gone, new)
            gone = new = ""
            yield "same", "".join(one[start:stop])
        else:
            gone += "".join(one[start:stop])
            new += "".join(other[new_start:new_stop])
    yield from _changes(gone, new)


def _changes(gone: str, new: str) -> Iterator[tuple[str, str]]:
    if gone:
        yield "gone", gone
    if new:
        yield "new", new


def _example(revision: Revision, ranking: Ranking, number: int) -> dict[str, Any]:
    return {
        "id": revision.id,
        "rank": ranking.order.index(number) + 1,
        "score": f"{ranking.scores[number]:g}",
        "fields": _diffs(revision),
    }


def _damaged(found: Finding) -> dict[str, Any]:
    """The fields of both sides that were damaged, as found and as repaired."""
    rows = []
    for name in found.fields:
        side, _, field = name.partition(".")
        is_repaired = found.repaired is not None
        rows.append(
            {
                "name": name,
                "before": getattr(getattr(found.revision, side), field),
                "after": getattr(getattr(found.repaired, side), field) if is_repaired else "",
            }
        )
    return {**found.row(), "rows": rows}


def _diffs(revision: Revision) -> list[tuple[str, list[tuple[str, str]]]]:
    """Each field that holds a text on either side, in pieces; long unchanged stretches are shortened."""
    shown: list[tuple[str, list[tuple[str, str]]]] = []
    for name in FIELDS:
        before, after = getattr(revision.original, name), getattr(revision.revised, name)
        if before or after:
            pieces = [
                (kind, _middle_left_out(text) if kind == "same" else text)
                for kind, text in words_diff(before[:_SHOWN_CHARS], after[:_SHOWN_CHARS])
            ]
            if max(len(before), len(after)) > _SHOWN_CHARS:
                pieces.append(("same", " …"))
            shown.append((name, pieces))
    return shown


def _middle_left_out(text: str) -> str:
    if len(text) <= 2 * _UNCHANGED_CHARS + 20:
        return text
    return f"{text[:_UNCHANGED_CHARS]} … {text[-_UNCHANGED_CHARS:]}"


def _ever_changed(summary: Mapping[str, Any], field: str) -> bool:
    return any(row.get("changed_share", {}).get(field) for row in summary["alphas"])


def _short(text: str) -> str:
    return text if len(text) <= 200 else f"{text[:199]}…"


def _clean(value: Any) -> Any:
    """Characters that would make the file ill-formed become U+FFFD."""
    return _UNFIT.sub("\ufffd", value) if type(value) is str and _UNFIT.search(value) else value
