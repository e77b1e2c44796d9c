"""QTI 2.1: what most platforms still import. Nothing of a question is lost."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tunewright.bank.qti import read_qti, write_qti
from tunewright.bank.qti_names import QTI21
from tunewright.bank.question import Question

__all__ = ["read_qti", "write_qti21"]


def write_qti21(questions: Sequence[Question], path: Path) -> None:
    """The questions as a QTI 2.1 content package."""
    write_qti(questions, path, QTI21)
