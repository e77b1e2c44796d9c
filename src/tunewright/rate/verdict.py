"""Which of two texts, shown as A and B, is better: the shape of a judge's reply, and its reading.

Whoever lets a model compare (versions of a record, answers of two models) asks for this shape, in words of
its own. A reply that cannot be read is no verdict, and never a tie.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Literal

from tunewright.llm.reply import Reply
from tunewright.llm.structured import Unparsable, json_object

Verdict = Literal["a", "b", "tie"]  # of the two as they were shown

SCHEMA: Mapping[str, Any] = {
    "type": "object",
    # the reason first: servers that constrain decoding write the properties in this order
    "properties": {"reason": {"type": "string"}, "verdict": {"type": "string", "enum": ["A", "B", "tie"]}},
    "required": ["reason", "verdict"],
    "additionalProperties": False,
}
_VERDICTS: Mapping[str, Verdict] = {"a": "a", "b": "b", "tie": "tie"}


def parse(reply: Reply) -> Verdict:
    """The verdict of a reply; raises Unparsable in words for the model."""
    return read_verdict(reply)[0]


def read_verdict(reply: Reply, *, pattern: re.Pattern[str] | None = None) -> tuple[Verdict, str]:
    """The verdict and the reason given for it, empty where there is none.

    A reply cut at its token limit is no verdict, though its JSON may parse: constrained decoding closes the
    object with whatever costs no more tokens. A whole reply without a JSON object is read by `pattern`,
    where one is given: its group `verdict` must be A, B or tie, the group `reason` may be there.
    """
    if reply.finish == "length":
        raise Unparsable("the answer was cut at the length limit; answer more briefly")
    found: Mapping[str, Any]
    try:
        found = json_object(reply)
    except Unparsable:
        match = pattern.search(reply.text) if pattern is not None and reply.finish != "filtered" else None
        if match is None:
            raise
        found = match.groupdict()
    given = found.get("verdict")
    verdict = _VERDICTS.get(given.strip().lower()) if isinstance(given, str) else None
    if verdict is None:
        raise Unparsable(f'"verdict" is {str(given)[:40]!r}; it must be "A", "B" or "tie"')
    reason = found.get("reason")
    return verdict, reason.strip() if isinstance(reason, str) else ""


def is_consistent(first: Verdict, second: Verdict) -> bool:
    """Whether both orders name the same one, or both a tie: as a judge without a favourite place does."""
    return {"a": "b", "b": "a", "tie": "tie"}[first] == second
