"""Which records a coach was trained on: those are never revised, for what it learnt there is no judgement.

A pair is known by its published flat text without regard to case, white space and the way accents are
encoded, because the exact triple misses a pair whose input was joined to its instruction or whose file was
saved by another program. Both sides of a revision count: a set may already hold the expert's version.
"""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Iterable

from tunewright.coach.forms.flat import flat_text
from tunewright.coach.revision import Revision
from tunewright.records.record import Record

_DIGEST_BYTES = 16


def pair_digest(record: Record) -> bytes:
    """16 bytes that are equal for records whose normalised flat texts are equal.

    Explanation, system message and earlier turns do not count, as they do not in the published form: where
    the last pair of two conversations is the same, both are taken for the training pair.
    """
    text = normalised(flat_text(record))
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=_DIGEST_BYTES).digest()


def trained_digests(revisions: Iterable[Revision]) -> frozenset[bytes]:
    """The digests of all pairs in the revisions, as they were and as they were revised."""
    return frozenset(
        pair_digest(side) for revision in revisions for side in (revision.original, revision.revised)
    )


def normalised(text: str) -> str:
    """The text as it is compared: equal for texts that differ in case, in white space or in how accents are
    encoded only (canonical caseless matching, Unicode 16, definition 145)."""
    folded = unicodedata.normalize("NFD", unicodedata.normalize("NFD", text).casefold())
    return " ".join(folded.split())
