"""What the coach is asked: one request per record, in the form it reads and writes.

`trained` is the short prompt that a coach is trained and asked with; `guided` tells any other model what to
look for, what to leave alone and how to write its answer. The wording is in `prompts/`.
"""

from __future__ import annotations

import hashlib
from typing import Literal

from tunewright.coach.forms import FormName, form_named
from tunewright.llm.prompt_files import PromptFiles, frame_code
from tunewright.llm.request import Message, Request
from tunewright.records.record import Record

Style = Literal["trained", "guided"]
_FILES = PromptFiles("tunewright.coach")


def trained_prompt(record: Record, form: FormName) -> str:
    """The user message of a trained coach: the same text in training and in revising."""
    return _FILES.render("trained.txt", form=form, source=form_named(form).source(record))


def build(
    record: Record,
    form: FormName,
    *,
    style: Style,
    max_tokens: int = 1024,
    temperature: float = 0.0,
    top_p: float = 1.0,
    seed: int | None = None,
) -> Request:
    """The question whether and how to revise the record. Its reply is read by the form."""
    if style == "trained":
        messages: tuple[Message, ...] = (Message("user", trained_prompt(record, form)),)
    else:
        source = form_named(form).source(record)
        text = _FILES.render("guided.txt", form=form, source=source, code=frame_code([source]))
        messages = (Message("system", _FILES.render("guided_system.txt")), Message("user", text))
    return Request(
        messages=messages,
        temperature=temperature,
        top_p=top_p,
        max_tokens=max_tokens,
        seed=seed,
        subject=record.id,
    )


def prompt_hash(style: Style, form: FormName) -> str:
    """SHA-256 of all prompt text of this style with this form, and of what the form makes of a record."""
    example = Record(id="0", system="s", instruction="a\nb", input="c", output="d", explanation="e")
    request = build(example, form, style=style)
    texts = [message.text for message in request.messages]
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()
