"""Item banks: questions written to the formats learning platforms import, and read back from them."""

from tunewright.bank.check import check_questions, fault_of
from tunewright.bank.export import ExportReport, export, export_records, write_bank
from tunewright.bank.formats import BANK_FORMATS, RECORD_FORMATS, BankFormat
from tunewright.bank.from_record import NotAQuestion, question_of
from tunewright.bank.import_bank import ImportReport, import_bank
from tunewright.bank.question import Gap, Option, Question, first_difference
from tunewright.bank.to_record import record_of

__all__ = [
    "BANK_FORMATS",
    "RECORD_FORMATS",
    "BankFormat",
    "ExportReport",
    "Gap",
    "ImportReport",
    "NotAQuestion",
    "Option",
    "Question",
    "check_questions",
    "export",
    "export_records",
    "fault_of",
    "first_difference",
    "import_bank",
    "question_of",
    "record_of",
    "write_bank",
]
