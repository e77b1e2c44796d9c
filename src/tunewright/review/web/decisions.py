"""What became of a pair, in the words and colours of every page."""

from __future__ import annotations

from tunewright.review.model import Decision

_PAST = {
    Decision.ACCEPT: "accepted",
    Decision.EDIT: "edited",
    Decision.REJECT: "rejected",
    Decision.SKIP: "skipped",
    Decision.FLAG: "flagged",
}
_KINDS = {
    Decision.ACCEPT: "good",
    Decision.EDIT: "info",
    Decision.REJECT: "bad",
    Decision.SKIP: "",
    Decision.FLAG: "warn",
}


def past(decision: str) -> str:
    """ "edited" of "edit"."""
    return _PAST[Decision(decision)]


def kind(decision: str) -> str:
    """The kind of a tag, as in `parts.html.j2`: good, info, warn, bad or ""."""
    return _KINDS[Decision(decision)]
