"""What an expert's form says: read, made exact, and refused with a reason where it cannot be saved."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tunewright.review.model import FIELD_TITLES, TEXT_FIELDS, Decision, Texts, Work
from tunewright.review.store.sessions import SESSION_SECONDS
from tunewright.review.text import as_written
from tunewright.review.web import reasons
from tunewright.review.web.form_values import seconds, whole_number
from tunewright.review.web.forms import unfit_character
from tunewright.review.web.revise_fields import texts_in_editor, texts_shown
from tunewright.review.web.revise_page import Entered

_ACCEPT_ANYWAY = "accept-anyway"  # the button's value: without the changes that were typed
_NEEDS_REASON = (Decision.REJECT, Decision.FLAG)


@dataclass(frozen=True, slots=True)
class Sent:
    """The form of a pair, read. `typed` are the text areas as they came; `takes_saved` the fields of a merge
    for which the saved text is chosen; `forces` accepts although texts were changed."""

    version: int
    decision: Decision | None
    typed: Mapping[str, str]
    picked: frozenset[str]
    own_words: str
    seconds: float | None
    opened: float | None
    view: str
    takes_saved: frozenset[str]
    forces: bool


def read_form(form: Mapping[str, list[str]]) -> Sent:
    def last(name: str) -> str:
        return form.get(name, [""])[-1]

    chosen = last("decision")
    forces = chosen == _ACCEPT_ANYWAY
    return Sent(
        version=whole_number(last("version")) or 0,
        decision=Decision.ACCEPT if forces else Decision(chosen) if chosen in set(Decision) else None,
        typed={name: last(f"text.{name}") for name in TEXT_FIELDS if f"text.{name}" in form},
        picked=frozenset(form.get("why", [])),
        own_words=last("own_words"),
        seconds=seconds(last("seconds")),
        opened=seconds(last("opened")),
        view=last("view"),
        takes_saved=frozenset(name for name in TEXT_FIELDS if last(f"take.{name}") == "saved"),
        forces=forces,
    )


def meant(work: Work, sent: Sent) -> dict[str, str]:
    """All fields, each as it was typed; untouched ones are exactly what was put into the editor."""
    in_editor, on_page = texts_in_editor(work), texts_shown(work)
    texts = whole(in_editor)
    saved = {} if work.saved is None else work.saved.texts
    for name, typed in sent.typed.items():
        bases = [side.get(name, "") for side in (in_editor, on_page, saved, work.item.original)]
        texts[name] = as_written(typed, bases)
    for name in sent.takes_saved & saved.keys():
        texts[name] = saved[name]
    return texts


def whole(texts: Texts) -> dict[str, str]:
    return {name: texts.get(name, "") for name in TEXT_FIELDS}


def refused(work: Work, sent: Sent, decision: Decision | None, texts: Texts) -> Entered | None:
    """Why this cannot be saved as it is; None when it can."""
    what = "draft" if work.item.draft is not None else "original"
    problem, asks_reason, may_force = _unfit(sent), False, False
    if problem:
        pass
    elif decision is None:
        problem = "Not saved yet: choose accept, save, reject, skip or flag."
    elif decision in _NEEDS_REASON and not reasons.written(sent.picked, sent.own_words):
        asks_reason = True
        problem = f"Not saved yet: say why you {decision} this pair. Pick a reason or write one."
    elif decision is Decision.ACCEPT and not sent.forces and texts != whole(texts_shown(work)):
        may_force = True
        problem = f"Not saved yet: you changed the text, and accepting takes the {what} without your changes."
    elif decision is Decision.EDIT and not (texts["instruction"].strip() and texts["output"].strip()):
        problem = "Not saved yet: a pair needs an instruction and a response. Reject it if it has none."
    if not problem:
        return None
    return Entered(texts, sent.picked, sent.own_words, problem, asks_reason, may_force)


def _unfit(sent: Sent) -> str:
    """What no page can show, where it was typed. An untouched text never has it: browsers got U+FFFD."""
    typed = {**{FIELD_TITLES[name]: text for name, text in sent.typed.items()}, "your reason": sent.own_words}
    for title, text in typed.items():
        if unfit := unfit_character(text):
            return (
                f"Not saved yet: {title} holds {unfit}. It stands as \ufffd now: take it out, or leave that "
                "sign in its place, then save again."
            )
    return ""


def times(sent: Sent, now: float, begun: float | None) -> tuple[float, float]:
    """(active, open) seconds. The browser counts, the clock here bounds: nobody was active longer than the
    page was open, and no page was open before its pair was taken or last saved (`begun`). Without JavaScript
    nothing is counted, and all the time is taken as active."""
    earliest = now - SESSION_SECONDS if begun is None else max(begun, now - SESSION_SECONDS)
    opened = now if sent.opened is None else min(max(sent.opened, earliest), now)
    seconds_open = now - opened
    return min(seconds_open if sent.seconds is None else sent.seconds, seconds_open), seconds_open
