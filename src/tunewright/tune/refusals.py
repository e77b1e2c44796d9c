"""Why a chat template's rendering of a conversation could not be traced, in words that help."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Sequence

from tunewright.tune.conversation import Message


def called(messages: Sequence[Message], number: int) -> str:
    """A message as errors name it: its number, counted from 1, and its speaker."""
    return f"message {number + 1} ({messages[number].speaker})"


def why_changed(messages: Sequence[Message], number: int | None, plain: str) -> str:
    """That the template changes or tests the text of a message, and how; None: of several together."""
    if number is None:
        return (
            f"the template changes or tests the content of messages 1 to {len(messages)} together, so its "
            f"place cannot be proved; the last is {called(messages, len(messages) - 1)}"
        )
    return (
        f"the template changes or tests the content of {called(messages, number)}, so its place cannot be "
        f"proved: {_how(messages[number].text, plain)}"
    )


def _how(text: str, plain: str) -> str:
    text = text.strip()
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if text in plain:
        return "it tests the content and writes something else beside it"
    if text.upper() in plain or text.lower() in plain or text.title() in plain or text.capitalize() in plain:
        return "it writes it in other letters (upper, lower or title case)"
    if text in html.unescape(plain):
        return "it escapes it as HTML"
    if json.dumps(text)[1:-1] in plain or json.dumps(text, ensure_ascii=False)[1:-1] in plain:
        return "it escapes it as JSON"
    if re.sub(r"\s+", "", text) in re.sub(r"\s+", "", plain):
        return "it changes white space inside it"
    if lines and all(line in plain for line in lines):
        return "it writes something between its lines"
    if any(line in plain for line in lines) or text[: max(len(text) // 2, 1)] in plain:
        return "it cuts or replaces a part of it"
    return "it does not write it as it is"
