"""A record as a conversation whose every character knows which field it came from."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Literal

from tunewright.records.record import Record

JOIN = "\n\n"  # between instruction and input, and between output and explanation


class Role(IntEnum):
    """What a token is. Content roles come from a record; the rest is written by the template.

    `SEPARATOR` closes a turn that is not trained on (the user's end-of-turn token), or follows the
    trained one; `HEADER` is all other template text. `EOS` is the end of an assistant turn: every
    template token from the last character of the answer to the stop token, so that a tuned model learns
    to stop where the template would. `PAD` exists for exports; training here never pads.
    """

    BOS = 0
    HEADER = 1
    SYSTEM = 2
    INSTRUCTION = 3
    INPUT = 4
    OUTPUT = 5
    EXPLANATION = 6
    EOS = 7
    SEPARATOR = 8
    PAD = 9


@dataclass(frozen=True, slots=True)
class Message:
    """One message: who speaks, and its text in pieces, each with the role of its characters."""

    speaker: Literal["system", "user", "assistant"]
    pieces: tuple[tuple[Role, str], ...]

    @property
    def text(self) -> str:
        return "".join(text for _, text in self.pieces)


def conversation(record: Record, *, explanation: bool = True) -> list[Message]:
    """The messages of a record: system, earlier turns, instruction (and input), output (and explanation).

    Earlier user turns count as instruction and earlier answers as output. The blank line that joins two
    fields belongs to the second. `explanation=False` leaves explanations out of the answer.
    """
    messages: list[Message] = []
    if record.system:
        messages.append(Message("system", ((Role.SYSTEM, record.system),)))
    for turn in record.history:
        role = Role.INSTRUCTION if turn.speaker == "user" else Role.OUTPUT
        messages.append(Message(turn.speaker, ((role, turn.text),)))
    question: tuple[tuple[Role, str], ...] = ((Role.INSTRUCTION, record.instruction),)
    if record.input:
        question += ((Role.INPUT, JOIN + record.input if record.instruction else record.input),)
    messages.append(Message("user", question))
    answer: tuple[tuple[Role, str], ...] = ((Role.OUTPUT, record.output),)
    if explanation and record.explanation:
        answer += ((Role.EXPLANATION, JOIN + record.explanation),)
    messages.append(Message("assistant", answer))
    return messages
