"""Records into any format, whole or not at all: written beside the target, synced, then moved over it."""

from __future__ import annotations

import glob
import gzip
import os
import shutil
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import orjson

from tunewright.errors import DataError, RunFolderError, TunewrightError
from tunewright.records import formats
from tunewright.records.csv_rows import write_csv
from tunewright.records.hash_file import hash_file
from tunewright.records.json_rows import write_array, write_jsonl
from tunewright.records.layout import Layout, arrange
from tunewright.records.native import NAME, native_row
from tunewright.records.record import Record
from tunewright.records.row import RowError, decode_json, encode_json


def write_records(records: Iterable[Record], path: str | Path, *, format: str | None = None) -> int:
    """Write records to `path`, replacing what is there; return how many.

    `format` names the layout, the container, or both. The container else follows from the name: .json (an
    array), .jsonl, .csv, .parquet, each of the first three also with .gz; a name without a suffix is a
    folder that `datasets.load_from_disk` opens. Without a layout every record goes out in the one it came
    in, and native when it was made here. In the layout it came in, a record that no stage has changed gives
    back its row.

    `DataError` when a record does not fit (the message names it), `RunFolderError` when the disk is full or
    the place cannot be written; in both cases `path` is as before and nothing is left beside it.
    """
    target = Path(path)
    layout, container = formats.parse_format(format)
    promised, gzipped = formats.container_of(target)
    container = container or promised or ("arrow" if not target.suffix else None)
    if container is None or (gzipped and container in ("parquet", "arrow")):
        raise DataError(
            f"{target}: the name does not say what to write; end it in .json, .jsonl, .csv (each also .gz) "
            "or .parquet, or in no suffix for a data-set folder"
        )
    rows = _Rows(records, layout, container)
    try:
        with _replacing(target) as temporary:
            if container == "parquet":
                _write_parquet(rows, temporary)
            elif container == "arrow":
                _write_folder(rows, temporary)
            else:
                _write_text(rows, temporary, container, gzipped)
    except RowError as error:
        raise DataError(f"{target}: record {rows.last_id}: '{error.field}' {error.reason}") from None
    return rows.count


class _Rows:
    """The rows of the records. `count` and `last_id` tell of those drawn so far, `schema` of the first."""

    def __init__(self, records: Iterable[Record], layout: str | None, container: str) -> None:
        self._records = records
        self._layout = layout
        self._container = container
        self.count = 0
        self.last_id = ""
        self.schema = ""

    def __iter__(self) -> Iterator[dict[str, Any]]:
        group: list[Record] = []
        for record in self._records:
            if group and not self._share_a_row(group[-1], record):
                yield self._row(group)
                group = []
            group.append(record)
        if group:
            yield self._row(group)

    def _row(self, group: list[Record]) -> dict[str, Any]:
        record = group[0]
        self.last_id = record.id
        if self.count == 0 and record.origin is not None:
            self.schema = str(record.origin.shape.get("schema", ""))
        self.count += len(group)
        name = self._name(record)
        if name == NAME:
            return native_row(record, as_text=self._container not in ("json", "jsonl"))
        layout = formats.BY_NAME[name]
        row = arrange(group, layout)
        return _with_cells(row, record, layout) if self._container == "csv" else row

    def _name(self, record: Record) -> str:
        if self._layout is not None:
            return self._layout
        return record.origin.format if record.origin is not None else NAME

    def _share_a_row(self, one: Record, other: Record) -> bool:
        """Whether both are instances of one Self-Instruct row, with the same texts outside the instances."""
        if self._name(one) != "self_instruct" or one.origin is None or other.origin is None:
            return False
        same_place = (one.origin.format, one.origin.file, one.origin.line) == (
            "self_instruct",
            other.origin.file,
            other.origin.line,
        )
        texts = [(r.instruction, r.explanation, r.system, r.history, r.meta) for r in (one, other)]
        return same_place and texts[0] == texts[1]


def _with_cells(row: dict[str, Any], record: Record, layout: Layout) -> dict[str, Any]:
    """Structured values as the text their cell had, when it still says the same."""
    if layout.name == "prompt_completion" and isinstance(row.get("prompt"), list):
        raise RowError(
            "prompt", "needs a list of messages for the system text or history; write messages or JSON"
        )
    shape = record.origin.shape if record.origin is not None and record.origin.format == layout.name else {}
    for column, text in shape.get("cells", {}).items():
        if column in row and encode_json(decode_json(text.encode())) == encode_json(row[column]):
            row[column] = text
    return row


def _write_text(rows: _Rows, path: Path, container: str, gzipped: bool) -> None:
    if container == "csv" and gzipped:  # widening needs a file it can read again
        plain = path.with_name(path.name + ".plain")
        try:
            _write_text(rows, plain, container, gzipped=False)
            with plain.open("rb") as source, _gzip(path) as stream:
                shutil.copyfileobj(source, stream)
        finally:
            plain.unlink(missing_ok=True)
        return
    write = {"json": write_array, "jsonl": write_jsonl, "csv": write_csv}[container]
    with _gzip(path) if gzipped else path.open("w+b") as stream:
        write(rows, stream)


@contextmanager
def _gzip(path: Path) -> Iterator[BinaryIO]:
    """Without name and time in the header, so that the same records give the same bytes."""
    with path.open("wb") as raw, gzip.GzipFile("", "wb", 6, raw, mtime=0) as stream:
        yield stream  # type: ignore[misc]


def _write_parquet(rows: _Rows, path: Path) -> None:
    from tunewright.records.arrow_rows import write_parquet

    write_parquet(rows, path, lambda: rows.schema)


def _write_folder(rows: _Rows, folder: Path) -> None:
    """What `Dataset.save_to_disk` writes: one Arrow stream and two small descriptions."""
    from tunewright.records.arrow_rows import write_arrow_stream

    folder.mkdir()
    parquet = folder / "rows.parquet"
    _write_parquet(rows, parquet)
    name = "data-00000-of-00001.arrow"
    write_arrow_stream(parquet, folder / name)
    parquet.unlink()
    state: dict[str, object] = {
        "_data_files": [{"filename": name}],
        "_fingerprint": hash_file(folder / name)[:16],
        "_format_columns": None,
        "_format_kwargs": {},
        "_format_type": None,
        "_output_all_columns": False,
        "_split": None,
    }
    (folder / "state.json").write_bytes(orjson.dumps(state))
    (folder / "dataset_info.json").write_bytes(
        orjson.dumps({"citation": "", "description": "", "license": ""})
    )


@contextmanager
def _replacing(target: Path) -> Iterator[Path]:
    """A place beside the target to write to; what is there at the end is synced and replaces the target."""
    temporary = target.with_name(f".{target.name}.{uuid.uuid4().hex[:8]}.part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        if target.is_dir() and any(target.iterdir()) and not (target / "state.json").is_file():
            raise RunFolderError(
                f"{target}: is a folder of something else; choose another name or empty it first"
            )
        yield temporary
        for file in temporary.iterdir() if temporary.is_dir() else [temporary]:
            _sync(file)
        if temporary.is_dir() and target.is_dir():
            old = target.with_name(f"{temporary.name}.old")
            target.rename(old)
            temporary.rename(target)
            shutil.rmtree(old)
        else:
            temporary.replace(target)
        _sync(target.parent)
    except TunewrightError:
        raise
    except OSError as error:
        raise RunFolderError(
            f"{target}: could not be written ({error.strerror or error}); "
            "free some space or choose another place"
        ) from error
    finally:
        for left in target.parent.glob(f"{glob.escape(temporary.name)}*"):
            shutil.rmtree(left) if left.is_dir() else left.unlink()


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
