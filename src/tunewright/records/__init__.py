"""Records: the one data type of all stages, read from and written to every format in use, without loss."""

from tunewright.records.describe import Lengths, LengthSummary, Summary, describe
from tunewright.records.hash_file import hash_file
from tunewright.records.read import read_records
from tunewright.records.record import Origin, Record, Turn, content_id
from tunewright.records.reject import Reject, RejectWriter, write_rejects
from tunewright.records.split import holdout
from tunewright.records.write import write_records

__all__ = [
    "LengthSummary",
    "Lengths",
    "Origin",
    "Record",
    "Reject",
    "RejectWriter",
    "Summary",
    "Turn",
    "content_id",
    "describe",
    "hash_file",
    "holdout",
    "read_records",
    "write_records",
    "write_rejects",
]
