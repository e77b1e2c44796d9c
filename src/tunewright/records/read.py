"""Records from any source: each row by the layout its columns fit, broken rows reported, the rest goes on."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import chain
from pathlib import Path
from typing import Any

from tunewright.errors import DataError
from tunewright.records import formats
from tunewright.records.ids import OnRepeat, Repeat, SeenIds
from tunewright.records.layout import Content, Layout
from tunewright.records.native import NAME, parse_native
from tunewright.records.record import Origin, Record, Turn, content_id
from tunewright.records.reject import Reject, cut
from tunewright.records.row import Row, RowError, decode_json, encode_json, kind_of
from tunewright.records.source import Part, open_parts

PROBE_ROWS = 20  # rows looked at before a file is said to fit no layout
_MOST_SHAPES = 1000  # rows of a file rarely differ in more ways; past it, shapes are not shared

OnReject = Callable[[Reject], None]


def read_records(
    source: str | Path,
    *,
    format: str | None = None,
    split: str | None = None,
    on_reject: OnReject | None = None,
    on_repeat: OnRepeat | None = None,
) -> Iterator[Record]:
    """The records of a file, a data-set folder or a hub id, one at a time, in order.

    The container and each row's layout are found from the content unless `format` names them. Of a data set
    with several splits, `split` is read, else train. A broken row is handed to `on_reject`; without it, it
    is a `DataError`, as is a source that cannot be read, fits no format, or has no usable row at all (that
    one at the end).

    A record's id is the row's `id` when that is a text or an integer, else a hash of its texts; an id met
    again gets `~2`, `~3`, and is told to `on_repeat` when it is the row's own. Ids are unique within the
    source.
    """
    layout, container = formats.parse_format(format)
    return _read(
        open_parts(source, split=split, container=container), str(source), layout, on_reject, on_repeat
    )


def _read(
    parts: Iterator[Part],
    name: str,
    layout: str | None,
    on_reject: OnReject | None,
    on_repeat: OnRepeat | None = None,
) -> Iterator[Record]:
    seen = SeenIds()
    num_records = num_rejects = 0
    first: Reject | None = None
    for part in parts:
        reader = _PartReader(part, layout, seen, on_repeat)
        for row in reader.rows():
            try:
                records = reader.records_of(row)
            except RowError as error:
                reject = _reject(part.name, row, error)
                if on_reject is None:
                    raise DataError(f"{reject}; row begins: {reject.row[:80]}") from None
                on_reject(reject)
                num_rejects += 1
                first = first or reject
                continue
            num_records += len(records)
            yield from records
    if num_records == 0:
        if first is None:
            raise DataError(f"{name}: holds no rows")
        raise DataError(f"{name}: none of its {num_rejects} rows can be used; the first: {first}")


class _PartReader:
    """Turns the rows of one part into records. Equal shapes are shared: a million rows have few."""

    def __init__(self, part: Part, layout: str | None, seen: SeenIds, on_repeat: OnRepeat | None) -> None:
        self._part = part
        self._asked = layout
        self._main = layout
        self._seen = seen
        self._on_repeat = on_repeat
        self._shapes: dict[tuple[str, ...], dict[str, Any]] = {}

    def rows(self) -> Iterator[Row]:
        """The rows, after a look at the first ones: `DataError` when the columns of none fit a layout."""
        part = self._part
        if self._asked is not None:
            return part.rows
        if part.columns is not None:
            self._main = formats.layout_name(part.columns)
            if self._main is None:
                raise DataError(f"{part.name}: {formats.no_layout(part.columns)}")
            return part.rows
        probed: list[Row] = []
        for row in part.rows:
            probed.append(row)
            if isinstance(row.values, dict):
                self._main = formats.layout_name(list(row.values))
            if self._main is not None or len(probed) >= PROBE_ROWS:
                break
        objects = [row for row in probed if isinstance(row.values, dict)]
        if self._main is None and objects:
            columns = list(objects[0].values)
            raise DataError(f"{part.name}:{objects[0].line}: {formats.no_layout(columns)}")
        return chain(probed, part.rows)

    def records_of(self, row: Row) -> list[Record]:
        """The records of one row, with ids no other record has; `RowError` when the row is broken."""
        values = row.values
        if isinstance(values, RowError):
            raise values
        if not isinstance(values, dict):
            raise RowError("", f"is {kind_of(values)}, not an object")
        name = self._asked or formats.layout_name(list(values)) or self._main
        if name is None:
            raise RowError("", formats.no_layout(list(values)))
        if name == NAME:
            record = parse_native(values, self._part.name, row.line)
            unique = self._unique(record.id, row.line)
            return [record if unique == record.id else _with_id(record, unique)]
        layout = formats.BY_NAME[name]
        cells: dict[str, str] = {}
        keys = tuple(values)
        if self._part.container == "csv":
            values, cells = _decode_cells(values, layout)
        contents = layout.parse(values)
        return [self._record(content, values, keys, cells, name, row.line) for content in contents]

    def _record(
        self,
        content: Content,
        values: dict[str, Any],
        keys: tuple[str, ...],
        cells: dict[str, str],
        name: str,
        line: int,
    ) -> Record:
        given = values.get("id")
        usable = bool(given.strip()) if isinstance(given, str) else type(given) is int
        record_id = self._unique(str(given), line) if usable else self._seen.unique(_content_id(content))
        extras = content.shape
        if cells:
            extras["cells"] = cells
        if "id" in values and given != record_id:
            extras["id"] = given
        return Record(
            id=record_id,
            instruction=content.instruction,
            output=content.output,
            input=content.input,
            explanation=content.explanation,
            system=content.system,
            history=content.history,
            meta={key: value for key, value in values.items() if key not in content.used and key != "id"},
            origin=Origin(name, self._part.name, line, self._shape(keys, extras)),
        )

    def _unique(self, given: str, line: int) -> str:
        kept = self._seen.unique(given)
        if kept != given and self._on_repeat is not None:
            self._on_repeat(Repeat(given, kept, self._part.name, line))
        return kept

    def _shape(self, keys: tuple[str, ...], extras: dict[str, Any]) -> Mapping[str, Any]:
        shared = self._shapes.get(keys)
        if shared is None:
            shared = {"keys": list(keys)}
            if self._part.schema:
                shared["schema"] = self._part.schema
            if len(self._shapes) < _MOST_SHAPES:
                self._shapes[keys] = shared
        return {**shared, **extras} if extras else shared


def _decode_cells(values: dict[str, Any], layout: Layout) -> tuple[dict[str, Any], dict[str, str]]:
    """Structured cells decoded, and the text of those that we would write differently."""
    decoded, cells = dict(values), {}
    for column in layout.structured:
        text = values.get(column)
        if not isinstance(text, str):
            continue
        if not text:
            decoded[column] = None
            continue
        try:
            decoded[column] = decode_json(text.encode())
        except RowError as error:
            raise RowError(column, error.reason) from None
        if encode_json(decoded[column]).decode() != text:
            cells[column] = text
    return decoded, cells


def _content_id(content: Content) -> str:
    return content_id(
        instruction=content.instruction,
        input=content.input,
        output=content.output,
        explanation=content.explanation,
        system=content.system,
        turns=_turns_text(content.history),
    )


def _turns_text(history: tuple[Turn, ...]) -> str:
    return encode_json([[turn.speaker, turn.text] for turn in history]).decode() if history else ""


def _with_id(record: Record, new_id: str) -> Record:
    from dataclasses import replace

    return replace(record, id=new_id)


def _reject(file: str, row: Row, error: RowError) -> Reject:
    raw = row.raw
    if raw is None and isinstance(row.values, dict):
        raw = repr(row.values)
    field, reason = (text.encode("utf-8", "replace").decode() for text in (error.field, error.reason))
    return Reject(file, row.line, field, reason, cut(raw))
