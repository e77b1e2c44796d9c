"""A model that declined, or spoke of itself, instead of writing an item.

The detectors of `rate` let such an answer pass where the prompt may call for one ("reply politely"). A model
that grows data was asked for an item, so here no prompt excuses it.
"""

from __future__ import annotations

import re

from tunewright.records.record import Record

_MACHINE = (
    r"(?:(?:ai|artificial intelligence)(?: (?:language model|model|assistant|system|chat ?bot|program))?"
    r"|(?:large )?language model)"
)
# "As an AI, I …" and "I am an AI language model."; not "as an AI researcher, I" nor "as an AI, it".
_SPEAKS_AS_A_MACHINE = re.compile(
    rf"\bas an? {_MACHINE}"
    r"(?:,? (?:trained|developed|created|designed|made|built|without|that)\b[^.!?,]{0,40})?"
    r"(?:, [^.!?,]{1,30})?,?\s+(?:i|my)\b"
    rf"|\bi(?:['’]m| am) (?:just |only |merely )?an? {_MACHINE}"
    r"(?=\s*(?:[.,;:!?]|\Z|(?:and|so|i|that|trained|developed|created|designed|without)\b))",
    re.IGNORECASE,
)
_SORRY = (
    r"(?:(?:i(?:['’]m| am) )?(?:(?:very|so|really|truly) )?sorry|i apologi[sz]e|(?:my )?apologies"
    r"|unfortunately)[,.!]?\s+(?:but )?(?:i(?:['’]m| am) afraid(?: that)? )?"
    r"|i(?:['’]m| am) afraid(?: that)? "
)
_CANNOT = (
    r"i(?: cannot| can ?not| can['’]?t| won['’]t| will not|(?:['’]m| am) (?:unable|not able) to"
    r"|(?: must| have to) (?:decline|refuse) to)"
)
_REQUEST = (
    r"(?:(?:that|this|it|your|the)(?: (?:request|question|task|topic))?|such (?:a )?(?:request|task)s?)"
)
_PLAINLY = (
    rf"(?:assist|help)(?: you)?(?: with {_REQUEST})?"
    rf"|(?:comply with|fulfill?|complete|answer|do|provide) {_REQUEST}"
)
# Without an apology "I cannot help you." may be a sentence made negative: then it takes words of a machine.
_UNSORRY = (
    rf"assist(?: you)?(?: with {_REQUEST})?|comply with {_REQUEST}|help with {_REQUEST}"
    r"|(?:fulfill?|complete|answer) (?:your|this|that) (?:request|task)"
)
_PLAIN_REFUSAL = re.compile(
    rf"\s*(?:(?:{_SORRY}){_CANNOT} (?:{_PLAINLY})|{_CANNOT} (?:{_UNSORRY}))\s*[.!]?"
    r"(?:\s*(?:please|is there|if you|let me know|how else|can i)\b[^.!?]{0,100}[.!?]?)?\s*",
    re.IGNORECASE,
)


def refusal_in(record: Record) -> str:
    """What refuses: the words of a machine in output or explanation, or the whole output; "" if nothing.

    An option may well be "I'm sorry, I can't help you": as the key, with its letter, it is no whole output.
    """
    for text in (record.output, record.explanation):
        found = _SPEAKS_AS_A_MACHINE.search(text)
        if found is not None:
            return found.group()
    return record.output.strip() if _PLAIN_REFUSAL.fullmatch(record.output) else ""
