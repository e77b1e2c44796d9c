"""How a record is put before the coach, and how the coach writes the revised one: three forms of text.

`lines` is the default: the coach reads numbered lines and writes only the lines that change, or `keep`.
`marked` has it write all fields between marks; `flat` is the published form of CoachLM. `lines` and `marked`
are lossless whatever the fields contain; `flat` is not, and says so.
"""

from __future__ import annotations

from typing import Protocol

from tunewright.records.record import Record


class Form(Protocol):
    """One form. `read(original, target(original, revised))` is `revised`, in the four fields."""

    name: str

    def source(self, record: Record) -> str:
        """The record as the coach reads it."""

    def target(self, original: Record, revised: Record) -> str:
        """What the coach should write to make `revised` out of `original`."""

    def read(self, original: Record, text: str) -> Record:
        """The record that the coach's text stands for: `original` with other texts.

        Raises `tunewright.llm.structured.Unparsable`, in words for the model, when the text is not exactly
        of this form. A field may come out empty; whether it may be is decided later.
        """
