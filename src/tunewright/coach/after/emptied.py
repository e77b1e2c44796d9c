"""empty_field: a field that the revision left without text, so that the task or its answer is lost.

An input may go when it said "no input", or when the instruction says what it said: of the 44 inputs that
experts took out of the published revisions, 32 are placeholders and 12 are in the instruction.
"""

from __future__ import annotations

import re

from tunewright.coach.after.pieces import share_kept
from tunewright.coach.after.problem import Problem
from tunewright.rate.detectors import CheckSettings
from tunewright.rate.detectors.placeholders import NO_INPUT_PLACEHOLDER
from tunewright.records.record import Record

_NO_INPUT = re.compile(
    r"(?:no ?input|aucune? (?:entrée|input|saisie|donnée)|pas d['’](?:entrée|input)|sans entrée"
    r"|keine? (?:eingabe|input)|(?:sin|ninguna) entrada|(?:sem|nenhuma) entrada|nessun (?:input|dato)"
    r"|geen (?:invoer|input)|ingen (?:input|indata)|brak danych|нет (?:ввода|входных данных)|без ввода"
    r"|入力(?:は)?(?:なし|ありません)|[无無](?:输入|輸入)|没有输入|입력 없음"
    r"|لا يوجد (?:إدخال|مدخلات)|कोई इनपुट नहीं)"
    r"(?: (?:is )?(?:required|needed|provided|requise?|nécessaire|fournie?))?",
    re.IGNORECASE,
)
_FEWEST_MOVED = 0.5  # of the words of a field that is now empty


def emptied(original: Record, revised: Record) -> Problem | None:
    """The first field that is empty where it must not be, in the order of the fields."""
    if not revised.instruction.strip():
        if not revised.input.strip():
            return Problem("empty_field", "instruction", "there is neither an instruction nor an input")
        if original.instruction.strip() and _is_lost(original.instruction, revised.input):
            return Problem("empty_field", "instruction", "the instruction is gone")
    if original.input.strip() and not revised.input.strip() and not says_no_input(original):
        told = revised.instruction
        if _is_lost(original.input, told):
            return Problem("empty_field", "input", "the input is gone, and the instruction does not hold it")
    if not revised.output.strip():
        return Problem("empty_field", "output", "the output is empty")
    if original.explanation.strip() and not revised.explanation.strip():
        return Problem("empty_field", "explanation", "the explanation is gone")
    return None


def _is_lost(before: str, after: str) -> bool:
    return share_kept(before, after) < _FEWEST_MOVED


def says_no_input(record: Record) -> bool:
    """Whether the input only says that there is none: "<noinput>", "Aucune entrée"."""
    words = " ".join(record.input.strip("<>[](){}\"'`*_.! \n\t").replace("_", " ").split())
    if _NO_INPUT.fullmatch(words):
        return True
    return any(True for _ in NO_INPUT_PLACEHOLDER.find(record, CheckSettings()))
