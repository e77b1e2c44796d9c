"""The bank formats by name: how each is written and read, what it holds, and what it refuses."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tunewright.bank.aiken import held_by_aiken, read_aiken, refused_by_aiken, write_aiken
from tunewright.bank.csv_table import read_csv_table, write_csv_table
from tunewright.bank.gift import held_by_gift, read_gift, refused_by_gift, write_gift
from tunewright.bank.h5p import held_by_h5p, read_h5p, refused_by_h5p, write_h5p
from tunewright.bank.moodle import held_by_moodle, read_moodle, write_moodle
from tunewright.bank.qti3 import write_qti3
from tunewright.bank.qti21 import read_qti, write_qti21
from tunewright.bank.question import Question
from tunewright.errors import DataError
from tunewright.records import Reject


def _whole(question: Question) -> Question:
    return question


def _nothing(question: Question) -> str:
    return ""


@dataclass(frozen=True, slots=True)
class BankFormat:
    """One format. `held` gives a question as it comes back from a file: what differs is what is lost.

    `refused` says why a question cannot be held at all. `keeps_ids` is False where an id is a place.
    """

    name: str
    suffix: str
    write: Callable[[Sequence[Question], Path], None]
    read: Callable[[Path], Iterator[Question | Reject]]
    held: Callable[[Question], Question] = _whole
    refused: Callable[[Question], str] = _nothing
    keeps_ids: bool = True


BANK_FORMATS = {
    bank_format.name: bank_format
    for bank_format in (
        BankFormat("qti21", ".zip", write_qti21, read_qti),
        BankFormat("qti3", ".zip", write_qti3, read_qti),
        BankFormat("gift", ".gift", write_gift, read_gift, held_by_gift, refused_by_gift),
        BankFormat("moodle", ".xml", write_moodle, read_moodle, held_by_moodle),
        BankFormat("h5p", ".h5p", write_h5p, read_h5p, held_by_h5p, refused_by_h5p),
        BankFormat(
            "aiken", ".txt", write_aiken, read_aiken, held_by_aiken, refused_by_aiken, keeps_ids=False
        ),
        BankFormat("csv", ".csv", write_csv_table, read_csv_table),
    )
}
RECORD_FORMATS = ("alpaca", "messages", "sharegpt", "hf")  # written by `records`, for training


def bank_format_named(name: str, among: Sequence[str] = tuple(BANK_FORMATS)) -> BankFormat:
    """The format of this name; DataError with the known names when there is none."""
    if name not in BANK_FORMATS:
        raise DataError(f"there is no item-bank format {name!r}; choose one of: {', '.join(among)}")
    return BANK_FORMATS[name]
