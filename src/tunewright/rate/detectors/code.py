"""Code fences that are opened and never closed."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tunewright.rate.detectors.detector import CheckSettings, Detector, Severity, Span, example, texts
from tunewright.records.record import Record

_FENCE = re.compile("`{3,}")


def _open_fence(record: Record, settings: CheckSettings) -> Iterator[Span]:
    for field, text in texts(record):
        if "```" not in text:
            continue
        # Fences are written in the middle of lines too, so they are only counted; six in a row are two.
        fences = list(_FENCE.finditer(text))
        if sum(len(fence.group()) // 3 for fence in fences) % 2:
            yield Span(field, fences[-1].start(), fences[-1].end(), "one code fence is not closed")


OPEN_CODE_FENCE = Detector(
    name="open-code-fence",
    severity=Severity.WARNING,
    meaning="A code block begins with ``` and never ends.",
    example=example("Print a word in Python.", "```python\nprint('bee')\n"),
    counter_example=example("Print a word in Python.", "```python\nprint('bee')\n```\nor ```print('bee')```"),
    spots=_open_fence,
)
