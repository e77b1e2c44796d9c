"""The one protocol that every place that answers fulfils: an endpoint, a model in this process, a file.

The loop in `ask` does all that they share (retries, limits, journal, progress). A backend turns requests
into answers and says how many it takes at a time.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from tunewright.llm.reply import Answer
from tunewright.llm.request import Request


class Backend(Protocol):
    """Answers requests. Closed once, with `close`, when nothing is left to ask.

    `model` is the spec as the user wrote it (`openai:gpt-x`, `hf:PATH`), `revision` what tells two builds of
    that model apart (a hash of local weights; empty when nothing is known): both are part of every key.
    """

    @property
    def model(self) -> str: ...

    @property
    def revision(self) -> str: ...

    @property
    def batch_size(self) -> int:
        """How many requests one `answer` takes at most. The loop always forms the same batches."""
        ...

    @property
    def max_concurrency(self) -> int | None:
        """How many `answer` may run at once; None: as many as the user wants."""
        ...

    async def answer(self, requests: Sequence[Request]) -> list[Answer]:
        """One answer per request, in order. Raises ModelError for what no retry can mend (a wrong key,
        an unknown model): it ends the run, with all replies kept."""
        ...

    async def close(self) -> None: ...
