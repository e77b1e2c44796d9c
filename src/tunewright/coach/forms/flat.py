"""The published form of CoachLM: one line of text with the labels Instruction, Input and Response.

It is here so that coaches and distances of the paper can be had exactly. Nothing escapes the labels inside a
field, so it is *not* lossless (re-splitting broke 22 of the 2,301 released records), and it holds neither an
explanation nor a system message. `read` takes the labels it finds only where there is one way to do so.
"""

from __future__ import annotations

import re

from tunewright.coach.revision import with_texts
from tunewright.llm.structured import Unparsable
from tunewright.records.record import Record

# An empty response, the last, may have lost the space behind its label.
_LABELS = re.compile(r"(?:^|(?<= ))(Instruction(?=: )|Input(?=: )|Response(?=: |:\Z)): ?")
_ORDERS = (["Instruction", "Response"], ["Instruction", "Input", "Response"])


def flat_text(record: Record) -> str:
    """`Instruction: {I} Response: {R}`, with ` Input: {N}` between them when the input is not empty."""
    middle = f" Input: {record.input}" if record.input else ""
    return f"Instruction: {record.instruction}{middle} Response: {record.output}"


class FlatForm:
    """Of both sides the same labelled line. An explanation is neither shown nor changed."""

    name = "flat"

    def source(self, record: Record) -> str:
        return flat_text(record)

    def target(self, original: Record, revised: Record) -> str:
        return flat_text(revised)

    def read(self, original: Record, text: str) -> Record:
        text = text.strip()
        marks = list(_LABELS.finditer(text))
        if [mark[1] for mark in marks] not in _ORDERS or marks[0].start() != 0:
            raise Unparsable(
                "it is not of the form 'Instruction: … Response: …', with 'Input: …' between them if there "
                "is one, and each label once"
            )
        ends = [mark.start() - 1 for mark in marks[1:]] + [len(text)]
        if text == flat_text(original).strip():
            return original  # and with it the white space at its ends, which no reply shows
        parts = {mark[1]: text[mark.end() : end] for mark, end in zip(marks, ends, strict=True)}
        return with_texts(
            original,
            {
                "instruction": parts["Instruction"],
                "input": parts.get("Input", ""),
                "output": parts["Response"],
            },
        )
