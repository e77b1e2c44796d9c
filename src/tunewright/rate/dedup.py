"""The dedup stage: records without near-duplicates of each other, or of evaluation data."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path

from pydantic import Field

from tunewright.duplicates import Tokens, near_duplicates
from tunewright.duplicates.tokens import words_of
from tunewright.errors import DataError
from tunewright.rate.dedup_rows import Dropped, Source, by_cell, read_source, summarise, write_rejects
from tunewright.rate.passes import advance_to
from tunewright.records.record import Record
from tunewright.records.row import RowError, encode_json
from tunewright.records.write import write_records
from tunewright.run.config import Config
from tunewright.run.files import write_json_atomic
from tunewright.run.fingerprint import Fingerprint
from tunewright.run.folder import RunFolder
from tunewright.run.progress import Progress
from tunewright.run.versions import environment

CELL = "cell"
CELL_COLUMNS = ("skill", "task", "level", "target")


class By(StrEnum):
    """Which text of a record is compared. ALL is instruction, input and output, one under the other."""

    INSTRUCTION = "instruction"
    INPUT = "input"
    OUTPUT = "output"
    ALL = "all"


class DedupConfig(Config):
    """What counts as a near-duplicate."""

    threshold: float = Field(
        0.7, gt=0, lt=1, description="a record is dropped when its ROUGE-L F1 with a kept one is above this"
    )
    by: By = Field(
        By.INSTRUCTION, description="the text compared: instruction, input, output, or all of them"
    )
    within: tuple[str, ...] = Field(
        (),
        description="only records equal in these columns are compared; 'cell' is skill, task, level, target",
    )
    tokens: Tokens = Field(
        Tokens.ROUGE, description="rouge: the decisions of rouge_score; unicode: words of every script"
    )
    format: str | None = Field(None, description="the data's format, when its content does not tell")


def dedup(
    config: DedupConfig,
    data: str | Path,
    out: str | Path,
    *,
    against: Sequence[str | Path] = (),
    progress: Progress | None = None,
    again: bool = False,
) -> Path:
    """Drop near-duplicates; give back the folder with the rest, in order, in `records.jsonl`.

    Order matters: of two that are alike the first is kept. A record like one of an `against` file is
    dropped whatever its cell. `rejects.jsonl` holds first the rows that could not be read (`stage` is
    "read"), then every dropped record whole, with the id and file of the one most like it and the score.
    `metrics/summary.json` counts. Records whose text is empty are kept: there is nothing to compare.
    """
    progress = progress or Progress()
    source = read_source(data, progress, format=config.format)
    others = [read_source(name, progress) for name in against]
    inputs = {"data": source.digest()} | {f"against {i}": o.digest() for i, o in enumerate(others, start=1)}
    with RunFolder.open(
        out, fingerprint=Fingerprint("dedup", config.settings(), inputs), again=again
    ) as folder:
        if not folder.is_done:
            counts = _run(folder.path, config, source, others, progress)
            folder.finish(versions=environment(), counts=counts)
    return Path(out)


def _run(
    folder: Path, config: DedupConfig, data: Source, against: Sequence[Source], progress: Progress
) -> dict[str, int]:
    """Decide, and write the three files; the counts for the manifest."""
    columns, cells = _cells(config.within, data)
    given = [(source, record) for source in against for record in source.records]
    progress.start("dedup", len(data.records), "records")
    texts = [text_of(record, config.by) for record in data.records]
    decisions = near_duplicates(
        texts,
        threshold=config.threshold,
        tokens=config.tokens,
        cells=cells,
        against=[text_of(record, config.by) for _, record in given],
        on_progress=advance_to(progress),
    )
    kept, dropped = [], []
    for record, found in zip(data.records, decisions, strict=True):
        if found is None:
            kept.append(record)
        else:
            source, other = given[found.of] if found.against else (data, data.records[found.of])
            both = text_of(record, config.by), text_of(other, config.by)
            dropped.append(Dropped(record, other, source.name, found.score, both))
    broken = [reject for source in (data, *against) for reject in source.rejects]
    write_records(kept, folder / "records.jsonl", format="native")
    write_rejects(folder / "rejects.jsonl", broken, dropped, by=config.by)
    words = words_of(config.tokens)
    counts = {
        "records": len(data.records),
        "without_words": sum(not words(text) for text in texts),
        "kept": len(kept),
        "dropped": len(dropped),
        "broken": len(broken),
    }
    files = [source.name for source in (data, *against)]
    summary = counts | summarise(dropped, len(data.records), files=files, threshold=config.threshold)
    if cells is not None:
        summary["cells"] = by_cell(columns, cells, [found is not None for found in decisions])
    (folder / "metrics").mkdir(exist_ok=True)
    write_json_atomic(folder / "metrics" / "summary.json", summary)
    progress.finish(f"{len(kept):,} kept, {len(dropped):,} dropped")
    return counts


def text_of(record: Record, by: By) -> str:
    """The text of the record that is compared."""
    if by is By.ALL:
        return "\n".join((record.instruction, record.input, record.output))
    return str(getattr(record, by.value))


def _cells(within: Sequence[str], data: Source) -> tuple[tuple[str, ...], list[bytes] | None]:
    """The columns that make a cell, and each record's cell as JSON, null where it has no such column."""
    if not within:
        return (), None
    present = Counter(column for record in data.records for column in record.meta)
    there = f"there are {', '.join(sorted(present)[:20])}" if present else "the records have no columns"
    columns: list[str] = []
    for name in within:
        known = [column for column in (CELL_COLUMNS if name == CELL else (name,)) if column in present]
        if not known:
            wanted = (
                f"column {name}" if name != CELL else f"of the columns of a cell ({', '.join(CELL_COLUMNS)})"
            )
            raise DataError(f"{data.name}: no record has {'any ' if name == CELL else 'a '}{wanted}; {there}")
        columns += [column for column in known if column not in columns]
    return tuple(columns), [_cell(record, columns) for record in data.records]


def _cell(record: Record, columns: Sequence[str]) -> bytes:
    try:
        return encode_json([record.meta.get(column) for column in columns])
    except RowError as error:
        raise DataError(f"record {record.id}: a column of --within {error.reason}") from None
