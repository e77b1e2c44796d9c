"""One answer of a tuned model, and when it counts as the expected one."""

from __future__ import annotations

from dataclasses import dataclass

from tunewright.tune.conversation import JOIN


@dataclass(frozen=True, slots=True)
class Answer:
    """What a model wrote for one record: its text, and whether it stopped by itself within the limit."""

    record_id: str
    expected: str  # the whole trained answer: output, and explanation where there is one
    text: str
    stopped: bool


def is_exact(text: str, output: str, *, explained: bool) -> bool:
    """Whether an answer is the expected output to the letter; what is `explained` may go on after it."""
    text, output = text.strip(), output.strip()
    return text == output or (explained and text.startswith(output + JOIN))
