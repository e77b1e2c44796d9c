"""QTI 3.0: with the direction of text as an attribute. Nothing of a question is lost."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tunewright.bank.qti import read_qti, write_qti
from tunewright.bank.qti_names import QTI3
from tunewright.bank.question import Question

__all__ = ["read_qti", "write_qti3"]


def write_qti3(questions: Sequence[Question], path: Path) -> None:
    """The questions as a QTI 3.0 content package."""
    write_qti(questions, path, QTI3)
