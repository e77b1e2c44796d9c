"""Rows of Parquet and Arrow files, streamed in both directions in batches, with their types kept.

A schema read travels with the rows as text (`schema_text`), so that an int32, a date or a dictionary column
is one again when written. Without it the types are inferred from the rows, batch by batch; when a later
batch needs a wider type or a new column, what is already written is copied into it.
"""

from __future__ import annotations

import base64
import zlib
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from tunewright.errors import DataError
from tunewright.records.row import Row

BATCH_ROWS = 500
# A row group ends at whichever comes first: large enough to compress, small enough to hold.
GROUP_ROWS = 10_000
GROUP_CHARS = 4_000_000


def parquet_rows(path: Path) -> tuple[list[str], str, Iterator[Row]]:
    """The column names, the schema as text, and the rows, numbered from 1."""
    try:
        file = pq.ParquetFile(path)
    except (pa.ArrowException, OSError) as error:
        raise DataError(f"{path}: is not a Parquet file we can read: {error}") from None
    schema = file.schema_arrow
    return list(schema.names), schema_text(schema), _numbered(file.iter_batches(batch_size=BATCH_ROWS), path)


def arrow_rows(path: Path) -> tuple[list[str], str, Iterator[Row]]:
    """The same for an Arrow file, in the stream format (as data sets are saved) or the file format."""
    source = pa.memory_map(str(path))
    try:
        try:
            reader = pa.ipc.open_stream(source)
            schema, batches = reader.schema, iter(reader)
        except pa.ArrowInvalid:
            file = pa.ipc.open_file(source)
            schema = file.schema
            batches = (file.get_batch(index) for index in range(file.num_record_batches))
    except pa.ArrowException as error:
        raise DataError(f"{path}: is not an Arrow file we can read: {error}") from None
    pieces = (
        batch.slice(start, BATCH_ROWS) for batch in batches for start in range(0, batch.num_rows, BATCH_ROWS)
    )
    return list(schema.names), schema_text(schema), _numbered(pieces, path)


def write_parquet(rows: Iterable[dict[str, Any]], path: Path, schema: Callable[[], str] = str) -> int:
    """Write row groups to `path`; return the number of rows.

    `schema()` is asked once the first rows have been drawn; it gives the types of the columns it names, ''
    for none. `DataError` when a column holds values of several types.
    """
    tables = _tables(iter(rows), schema)
    first = next(tables, None)
    if first is None:
        first = pa.table({name: pa.array([], pa.string()) for name in ("instruction", "input", "output")})
    current, count = first.schema, first.num_rows
    writer = pq.ParquetWriter(path, current)
    try:
        writer.write_table(first)
        for table in tables:
            wider = _unified(current, table.schema, count)
            if not wider.equals(current):
                writer.close()
                writer, current = _rewrite(path, wider), wider
            writer.write_table(_widened(table, current))
            count += table.num_rows
    finally:
        writer.close()
    return int(count)


def write_arrow_stream(source: Path, target: Path) -> None:
    """Copy a Parquet file into an Arrow stream file, batch by batch."""
    file = pq.ParquetFile(source)
    with pa.OSFile(str(target), "wb") as sink, pa.ipc.new_stream(sink, file.schema_arrow) as writer:
        for batch in file.iter_batches(batch_size=BATCH_ROWS):
            writer.write_batch(batch)


def schema_text(schema: pa.Schema) -> str:
    """A schema as short text for `Origin.shape`: compressed Arrow IPC in base 64."""
    return base64.b64encode(zlib.compress(schema.serialize().to_pybytes())).decode()


def read_schema(text: str) -> pa.Schema:
    """The inverse of `schema_text`."""
    return pa.ipc.read_schema(pa.py_buffer(zlib.decompress(base64.b64decode(text))))


def _numbered(batches: Iterable[pa.RecordBatch], path: Path) -> Iterator[Row]:
    number = 0
    try:
        for batch in batches:
            for values in batch.to_pylist():
                number += 1
                yield Row(number, values, None)
    except (pa.ArrowException, OSError) as error:
        raise DataError(f"{path}: breaks off after row {number}: {error}") from None
    except ValueError as error:  # text that is not UTF-8, nanoseconds that Python's dates do not have
        raise DataError(f"{path}: a value after row {number} cannot be read: {error}") from None


def _tables(rows: Iterator[dict[str, Any]], schema: Callable[[], str]) -> Iterator[pa.Table]:
    """One table per row group; columns that the schema names have its types."""
    start, hint = 1, None
    while group := _group(rows):
        if start == 1 and (text := schema()):
            hint = read_schema(text)
        names = list(dict.fromkeys(name for row in group for name in row))
        fields, columns = [], []
        for name in names:
            wanted = hint.field(name) if hint is not None and name in hint.names else None
            column = _column(name, [row.get(name) for row in group], wanted, start)
            kept = wanted is not None and wanted.type == column.type
            fields.append(wanted if kept else pa.field(name, column.type))
            columns.append(column)
        metadata = hint.metadata if hint is not None and names == hint.names else None
        yield pa.Table.from_arrays(columns, schema=pa.schema(fields, metadata=metadata))
        start += len(group)


def _group(rows: Iterator[dict[str, Any]]) -> list[dict[str, Any]]:
    group: list[dict[str, Any]] = []
    num_chars = 0
    for row in islice(rows, GROUP_ROWS):
        group.append(row)
        num_chars += _num_chars(row)
        if num_chars >= GROUP_CHARS:
            break
    return group


def _num_chars(value: Any) -> int:
    if isinstance(value, str):
        return len(value)
    if isinstance(value, dict):
        return sum(map(_num_chars, value.values()))
    return sum(map(_num_chars, value)) if isinstance(value, list) else 1


def _column(name: str, values: list[Any], wanted: pa.Field | None, start: int) -> pa.Array:
    if wanted is not None:
        try:
            return _cast(values, wanted.type)
        except (pa.ArrowException, OverflowError, TypeError):
            pass  # a stage changed what the column holds; its type follows
    try:
        array = pa.array(values)
    except (pa.ArrowException, OverflowError, TypeError) as error:
        raise DataError(
            f"column '{name}' has no single type that Parquet could keep, "
            f"within rows {start} to {start + len(values) - 1}: {error}; write JSON Lines"
        ) from None
    if _holds_empty_struct(array.type):
        raise DataError(f"column '{name}' holds empty objects, which Parquet cannot keep; write JSON Lines")
    return array


def _cast(values: list[Any], wanted: pa.DataType) -> pa.Array:
    try:
        return pa.array(values, wanted)
    except (pa.ArrowException, TypeError):
        return pa.array(values).cast(wanted)  # dates that went through JSON come as text; dictionaries


def _holds_empty_struct(kind: pa.DataType) -> bool:
    if pa.types.is_struct(kind):
        return kind.num_fields == 0 or any(_holds_empty_struct(field.type) for field in kind)
    return bool(pa.types.is_list(kind)) and _holds_empty_struct(kind.value_type)


def _rewrite(path: Path, wider: pa.Schema) -> pq.ParquetWriter:
    """A writer at `path` in the wider schema that already holds all row groups written so far."""
    narrow = path.with_name(path.name + ".narrow")
    path.rename(narrow)
    writer = pq.ParquetWriter(path, wider)
    try:
        file = pq.ParquetFile(narrow)
        for group in range(file.num_row_groups):
            writer.write_table(_widened(file.read_row_group(group), wider))
    except BaseException:
        writer.close()
        raise
    finally:
        narrow.unlink()
    return writer


def _widened(table: pa.Table, wider: pa.Schema) -> pa.Table:
    return pa.Table.from_arrays([_widened_column(table, field) for field in wider], schema=wider)


def _widened_column(table: pa.Table, field: pa.Field) -> pa.Array | pa.ChunkedArray:
    if field.name not in table.column_names:
        return pa.nulls(table.num_rows, field.type)
    column = table.column(field.name)
    if column.type == field.type:
        return column
    try:
        return column.cast(field.type)
    except pa.ArrowException:  # a struct that gains members
        return pa.array(column.to_pylist(), field.type)


def _unified(one: pa.Schema, other: pa.Schema, rows_before: int) -> pa.Schema:
    try:
        return pa.unify_schemas([one, other], promote_options="permissive")
    except pa.ArrowException as error:
        raise DataError(
            f"a column changes its type after row {rows_before}, and Parquet keeps one: {error}; "
            "write JSON Lines"
        ) from None
