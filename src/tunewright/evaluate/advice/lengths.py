"""How long prompts and outputs are: in words as the paper counts them, in plain words, and in tokens.

The paper's table of data sets counts whitespace words plus one role tag for each message, over all turns.
With that LIMA comes out at its published .094; Alpaca 5k and Dolly 3k at .46 and .60 where .567 and .644 are
published, perhaps because those prompts had been wrapped in further words.
"""

from __future__ import annotations

from array import array
from dataclasses import dataclass

from tunewright.records.record import Record

PAPER_WORDS = (
    "whitespace words plus one role tag for each message, earlier turns included (the paper's count)"
)
PLAIN_WORDS = "whitespace words of instruction and input, and of the last output"
# Written without spaces between words, so that white space does not part them.
_UNSPACED = (
    ("\u0e00", "\u0fff"),
    ("\u1000", "\u109f"),
    ("\u1780", "\u17ff"),
    ("\u3040", "\u30ff"),
    ("\u3400", "\u9fff"),
)
_PROBE_CHARS = 200


@dataclass(frozen=True, slots=True)
class LengthPair:
    """Mean and median length of prompts and outputs in one unit, and the ratio of the means."""

    prompt_mean: float
    prompt_median: float
    output_mean: float
    output_median: float

    @property
    def ratio(self) -> float:
        """Mean prompt over mean output length; 0 without prompts, infinite where outputs have no length."""
        return self.prompt_mean / self.output_mean if self.output_mean else float("inf")


def paper_words(record: Record) -> tuple[int, int]:
    """Prompt and output words as the paper counts: every user and every assistant message, each with its tag.

    The record with instruction "Name a river" and output "The Loire" gives (4, 3).
    """
    prompt = 1 + len(record.instruction.split()) + len(record.input.split())
    output = 1 + len(record.output.split())
    for turn in record.history:
        words = 1 + len(turn.text.split())
        if turn.speaker == "user":
            prompt += words
        else:
            output += words
    return prompt, output


def plain_words(record: Record) -> tuple[int, int]:
    """Whitespace words of instruction and input, and of the output."""
    return len(record.instruction.split()) + len(record.input.split()), len(record.output.split())


def is_unspaced(text: str) -> bool:
    """Whether a third of its first letters are of a script that puts no spaces between words."""
    probe = text[:_PROBE_CHARS]
    if probe.isascii():
        return False
    letters = sum(map(str.isalpha, probe))
    found = sum(any(low <= letter <= high for low, high in _UNSPACED) for letter in probe)
    return found * 3 >= max(letters, 1)


class LengthTally:
    """Lengths gathered pair by pair; eight bytes a record."""

    def __init__(self) -> None:
        self._prompts, self._outputs = array("I"), array("I")

    def add(self, lengths: tuple[int, int]) -> None:
        """One record's prompt and output length."""
        self._prompts.append(lengths[0])
        self._outputs.append(lengths[1])

    def pair(self) -> LengthPair:
        """The summary; at least one record must have been added."""
        import numpy as np

        assert self._prompts
        prompts, outputs = np.asarray(self._prompts, dtype=float), np.asarray(self._outputs, dtype=float)
        return LengthPair(
            float(prompts.mean()), float(np.median(prompts)), float(outputs.mean()), float(np.median(outputs))
        )
