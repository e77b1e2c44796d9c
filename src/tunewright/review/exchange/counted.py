"""What an export counts while the entries go by, and the items that no file can hold."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tunewright.coach.write_revisions import pair_row, published_row
from tunewright.errors import DataError
from tunewright.records.native import native_row
from tunewright.records.row import RowError, check_surrogates, encode_json
from tunewright.review.exchange.as_records import reviewed_record, revision_of
from tunewright.review.exchange.entries import Entry
from tunewright.review.exchange.table import rows_of_entry


@dataclass(frozen=True, slots=True)
class Exported:
    """What was written. `num_written` counts pairs, tasks or rows; `by_how` the items by how their final
    version was found, or why they have none; `unwritable` are (key, why) of items that no file can hold.
    Each item is one of `num_decided` (there is a final version), `num_rejected` and `num_undecided`."""

    path: Path
    format: str
    num_items: int
    num_written: int
    num_rejected: int
    num_undecided: int
    by_how: Mapping[str, int]
    unwritable: tuple[tuple[str, str], ...] = ()

    @property
    def num_decided(self) -> int:
        return self.num_items - self.num_rejected - self.num_undecided


class Count:
    """Counts entries as they go by, and drops what cannot be written."""

    def __init__(self) -> None:
        self.by_how: Counter[str] = Counter()
        self.num_rejected = 0
        self.num_undecided = 0
        self.unwritable: list[tuple[str, str]] = []

    def watched(self, found: Iterable[Entry]) -> Iterator[Entry]:
        for entry in found:
            self.by_how[entry.final.how] += 1
            self.num_rejected += entry.final.is_rejected
            self.num_undecided += entry.final.result is None
            yield entry

    def records(self, found: Iterable[Entry], only_decided: bool) -> Iterator[Any]:
        for entry in found:
            final = entry.final
            if final.is_rejected or final.is_withheld or (only_decided and final.result is None):
                continue
            record = reviewed_record(entry)
            if self._fits(entry, lambda record=record: native_row(record, as_text=False)):  # type: ignore[misc]
                yield record

    def revisions(self, found: Iterable[Entry], *, plain: bool) -> Iterator[Any]:
        for entry in found:
            if entry.final.result is None or entry.final.is_rejected:
                continue
            revision = revision_of(entry, plain=plain)
            row = published_row if plain else pair_row
            try:
                check_surrogates([entry.item.key, row(revision)])
            except RowError as error:
                if "surrogate" not in error.reason:
                    raise DataError(f"item {entry.item.key}: '{error.field}' {error.reason}") from None
                self.unwritable.append((entry.item.key, str(error.reason)))
                continue
            yield revision

    def rows(
        self, found: Iterable[Entry], row_of: Callable[[Entry], dict[str, Any]]
    ) -> Iterator[dict[str, Any]]:
        for entry in found:
            row = row_of(entry)
            if self._fits(entry, lambda row=row: row):  # type: ignore[misc]
                yield row

    def table(self, found: Iterable[Entry]) -> Iterator[dict[str, str]]:
        for entry in found:
            rows = list(rows_of_entry(entry))
            if self._fits(entry, lambda rows=rows: rows):  # type: ignore[misc]
                yield from rows

    def _fits(self, entry: Entry, value_of: Callable[[], Any]) -> bool:
        value = value_of()
        try:
            encode_json(value)
            return True
        except RowError as error:
            self.unwritable.append((entry.item.key, _why(value) or error.reason))
        return False

    def exported(self, path: Path, format: str, num: int) -> Exported:
        return Exported(
            path,
            format,
            self.by_how.total(),
            num,
            self.num_rejected,
            self.num_undecided,
            dict(self.by_how),
            tuple(self.unwritable),
        )


def _why(value: Any) -> str:
    """What is wrong with a value that cannot be written, when it is half of a surrogate pair."""
    try:
        check_surrogates(value)
    except RowError as error:
        return error.reason
    return ""
