"""Names of queues and people: letters of all scripts, nothing that is not seen or turns the line around."""

from __future__ import annotations

import unicodedata

from tunewright.errors import DataError

_JOINERS = "\u200c\u200d"  # unseen themselves, but Persian, Hindi and others are not written without
_UNSEEN = {"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp"}  # Unicode's categories, from control characters on


def checked_name(name: str, what: str, *, most_chars: int) -> str:
    """The name, composed (NFC), so that it is found again however a keyboard or a file system writes it.

    DataError, which calls it `what`, when it is empty, too long, has space around it or unseen characters."""
    composed = unicodedata.normalize("NFC", name)
    if not 1 <= len(composed) <= most_chars or composed != composed.strip() or not _is_seen(composed):
        raise DataError(
            f"{name[:100]!r}: {what} has 1 to {most_chars} letters that can be seen, no space around them"
        )
    return composed


def _is_seen(name: str) -> bool:
    if not name.strip(_JOINERS):
        return False
    return all(char in _JOINERS or unicodedata.category(char) not in _UNSEEN for char in name)
