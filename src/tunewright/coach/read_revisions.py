"""Revisions from every form they come in: published, pairs of rows, and two parallel data sets.

    published   columns Raw and Revised × Instruction, Input, Response, and Distance: CoachLM's release
    pairs       original (or before, raw) and revised (or after), each a record's row; our own export is this
    parallel    two data sets whose records have the same ids

Whatever a row says beside its two records goes into the revision's `meta`, unchanged.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from tunewright.coach.join_sets import given_id, hand_on, join_sets
from tunewright.coach.revision import Revision
from tunewright.errors import DataError
from tunewright.records import formats
from tunewright.records.ids import OnRepeat, Repeat, SeenIds
from tunewright.records.layout import Content
from tunewright.records.native import NAME as NATIVE
from tunewright.records.native import parse_native
from tunewright.records.read import OnReject
from tunewright.records.record import Origin, Record, Turn, content_id
from tunewright.records.reject import Reject, cut
from tunewright.records.row import Row, RowError, encode_json, kind_of, optional_text, required_text
from tunewright.records.source import Part, open_parts

PUBLISHED, PAIRS = "published", "pairs"
FORMATS = (PUBLISHED, PAIRS)
RAW, REVISED = "Raw ", "Revised "
PUBLISHED_FIELDS = {"instruction": "Instruction", "input": "Input", "output": "Response"}
PUBLISHED_COLUMNS = tuple(side + name for side in (RAW, REVISED) for name in PUBLISHED_FIELDS.values())
BEFORE_NAMES, AFTER_NAMES = ("original", "before", "raw"), ("revised", "after")
_WANTED = (
    f"expected the columns {', '.join(PUBLISHED_COLUMNS)}, or 'original' and 'revised' (also before or raw, "
    "and after) with a record's fields in each; two data sets are joined by id with --after"
)

_Sides = tuple[Content | Record, Content | Record, dict[str, Any]]


def read_revisions(
    path: str | Path,
    *,
    format: str | None = None,
    after: str | Path | None = None,
    on_reject: OnReject | None = None,
    on_repeat: OnRepeat | None = None,
) -> Iterator[Revision]:
    """The revisions of a file or folder, one at a time, in order; with `after`, those of two data sets.

    The form is found row by row unless `format` names it (published or pairs; the container may follow, as in
    "pairs.jsonl"). With `after`, `path` holds the originals and `format` is of records; the order is that of
    the originals. A broken row, an id without a partner and an id that occurs twice in one of two data sets
    go to `on_reject`; without it they are a `DataError`, as is a source without any usable row.

    The id is the row's, else that of one of its records, else a hash of the original's texts; in one file an
    id met again gets `~2`, `~3`, and is told to `on_repeat` (not with `after`). Empty fields are let
    through: whether they are damage is decided later.
    """
    if after is not None:
        return join_sets(path, after, format=format, on_reject=on_reject)
    form, container = _parse_format(format)
    return _read(open_parts(path, split=None, container=container), str(path), form, on_reject, on_repeat)


def _parse_format(format: str | None) -> tuple[str | None, str | None]:
    form, _, container = (format or "").partition(".")
    if format is not None and form not in FORMATS and not container:
        form, container = "", form
    if (form and form not in FORMATS) or (container and container not in formats.CONTAINERS):
        raise DataError(
            f"unknown format '{format}' of revisions; it is one of {', '.join(FORMATS)}, perhaps with a "
            f"container after a dot ({', '.join(formats.CONTAINERS)})"
        )
    return form or None, container or None


def _read(
    parts: Iterator[Part],
    name: str,
    form: str | None,
    on_reject: OnReject | None,
    on_repeat: OnRepeat | None = None,
) -> Iterator[Revision]:
    seen = SeenIds()
    num_good = num_bad = 0
    first: Reject | None = None
    for part in parts:
        for row in part.rows:
            try:
                revision = _revision(row, part.name, form, seen, on_repeat)
            except RowError as error:
                first = first or _reject(part.name, row, error)
                num_bad += 1
                hand_on(_reject(part.name, row, error), on_reject)
                continue
            num_good += 1
            yield revision
    if num_good == 0:
        if first is None:
            raise DataError(f"{name}: holds no rows")
        raise DataError(f"{name}: none of its {num_bad:,} rows can be used; the first: {first}")


def _revision(row: Row, file: str, form: str | None, seen: SeenIds, on_repeat: OnRepeat | None) -> Revision:
    values = row.values
    if isinstance(values, RowError):
        raise values
    if not isinstance(values, dict):
        raise RowError("", f"is {kind_of(values)}, not an object")
    form = form or form_of(values)
    if form is None:
        found = ", ".join(f"'{name}'" for name in list(values)[:8]) or "none"
        raise RowError("", f"has the columns {found}: {_WANTED}")
    parse = _parse_published if form == PUBLISHED else _parse_pair
    before, after, meta = parse(values, file, row.line)
    given = [
        given_id(values.get("id")),
        *(one.id or None for one in (before, after) if isinstance(one, Record)),
    ]
    named = list(dict.fromkeys(one for one in given if one is not None))
    if len(named) > 1:
        raise RowError("id", f"is of several records: {', '.join(named[:3])}")
    unique = seen.unique(named[0] if named else _content_id(before))
    if named and unique != named[0] and on_repeat is not None:
        on_repeat(Repeat(named[0], unique, file, row.line))
    layout = PUBLISHED if form == PUBLISHED else ""
    original, revised = (_record(one, unique, file, row.line, layout) for one in (before, after))
    return Revision(original, revised, meta)


def form_of(columns: Iterable[str]) -> str | None:
    """The form that a row with these columns has; None when it is none of ours."""
    names = set(columns)
    if names & set(PUBLISHED_COLUMNS):
        return PUBLISHED
    return PAIRS if names & set(BEFORE_NAMES) and names & set(AFTER_NAMES) else None


def _parse_published(row: dict[str, Any], file: str, line: int) -> _Sides:
    before, after = (
        Content(
            instruction=required_text(row, f"{side}Instruction"),
            output=required_text(row, f"{side}Response"),
            input=optional_text(row, f"{side}Input"),
        )
        for side in (RAW, REVISED)
    )
    used = ("id", *PUBLISHED_COLUMNS)
    return before, after, {name: value for name, value in row.items() if name not in used}


def _parse_pair(row: dict[str, Any], file: str, line: int) -> _Sides:
    before, after = _first_of(row, BEFORE_NAMES), _first_of(row, AFTER_NAMES)
    meta = {name: value for name, value in row.items() if name not in ("id", before, after)}
    return _side(row[before], before, file, line), _side(row[after], after, file, line), meta


def _first_of(row: Mapping[str, Any], names: Sequence[str]) -> str:
    found = next((name for name in names if name in row), None)
    if found is None:
        raise RowError(names[0], "is missing")
    return found


def _side(value: Any, name: str, file: str, line: int) -> Record:
    """One record of a pair, "" as id where it has none. Layouts refuse empty texts; a side may have them."""
    if not isinstance(value, dict):
        raise RowError(name, f"is {kind_of(value)}, not an object with a record's fields")
    layout = formats.layout_name(list(value))
    if layout is None:
        raise RowError(name, formats.no_layout(list(value)))
    answer = next((column for column in ("output", "response") if column in value), None)
    blank = [
        column
        for column in ("instruction", answer)
        if column is not None and isinstance(value.get(column), str) and not value[column].strip()
    ]
    filled = value | dict.fromkeys(blank, "(empty)")
    texts = {
        "output" if column == answer else column: value[column] for column in blank if column is not None
    }
    try:
        if layout == NATIVE:
            named = filled if "id" in filled else filled | {"id": "-"}
            record = parse_native(named, file, line)
            return replace(record, **texts, id=record.id if "id" in filled else "")
        contents = formats.BY_NAME[layout].parse(filled)
    except RowError as error:
        raise RowError(f"{name}.{error.field}" if error.field else name, error.reason) from None
    if len(contents) != 1:
        raise RowError(name, f"holds {len(contents)} records; a side of a revision is one")
    content = replace(contents[0], **texts)
    meta = {key: one for key, one in value.items() if key not in content.used and key != "id"}
    keys = list(value) if "id" in value else ["id", *value]
    origin = Origin(layout, file, line, {"keys": keys, **content.shape})
    return replace(
        _record(content, given_id(value.get("id")) or "", file, line, ""), meta=meta, origin=origin
    )


def _record(side: Content | Record, record_id: str, file: str, line: int, layout: str) -> Record:
    if isinstance(side, Record):
        return side if side.id == record_id else replace(side, id=record_id)
    keys = ["id", "instruction", "input", "output"]
    return Record(
        id=record_id,
        instruction=side.instruction,
        output=side.output,
        input=side.input,
        explanation=side.explanation,
        system=side.system,
        history=side.history,
        origin=Origin("alpaca", file, line, {"keys": keys}) if layout else None,
    )


def _content_id(side: Content | Record) -> str:
    return content_id(
        instruction=side.instruction,
        input=side.input,
        output=side.output,
        explanation=side.explanation,
        system=side.system,
        turns=_turns(side.history),
    )


def _turns(history: tuple[Turn, ...]) -> str:
    return encode_json([[turn.speaker, turn.text] for turn in history]).decode() if history else ""


def content_id_of(record: Record) -> str:
    """The id that a record without one gets from its texts."""
    return _content_id(record)


def _reject(file: str, row: Row, error: RowError) -> Reject:
    raw = row.raw
    if raw is None and isinstance(row.values, dict):
        raw = repr(row.values)
    field, reason = (text.encode("utf-8", "replace").decode() for text in (error.field, error.reason))
    return Reject(file, row.line, field, reason, cut(raw))
