"""From characters to tokens: the role each token takes, and where the template's turns begin and end."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tunewright.errors import TemplateError
from tunewright.tune.control_tokens import Tokens
from tunewright.tune.conversation import Message, Role
from tunewright.tune.provenance import THINKING, Proof
from tunewright.tune.refusals import called
from tunewright.tune.rendering import ChatTemplate

USER_EOS = Role.SEPARATOR  # the role of the token that closes a turn nobody is to learn


def token_roles(tokens: Tokens, proof: Proof) -> tuple[NDArray[np.int8], NDArray[np.int32]]:
    """Role and message (-1: template) of each token, by its first character of content if it has one.

    A token of zero width (the later bytes of one character) continues the token before it.
    """
    length = len(proof.sources)
    if not length or not len(tokens.ids):
        return np.full(len(tokens.ids), Role.HEADER, dtype=np.int8), np.full(
            len(tokens.ids), -1, dtype=np.int32
        )
    content = np.flatnonzero(proof.sources >= 0)
    # zero-width tokens stand for the character that ends where they do
    starts = np.where(tokens.starts == tokens.ends, np.maximum(tokens.ends - 1, 0), tokens.starts)
    starts = np.minimum(starts, length - 1)
    following = np.append(content, length)[np.searchsorted(content, starts)]
    has_content = following < np.maximum(tokens.ends, starts + 1)
    place = np.where(has_content, following, starts)
    return proof.roles[place], np.where(has_content, proof.owners[place], -1).astype(np.int32)


def close_turns(
    template: ChatTemplate,
    proof: Proof,
    tokens: Tokens,
    roles: NDArray[np.int8],
    owner: NDArray[np.int32],
    *,
    stop_id: int,
    tools: Sequence[Any] | None,
) -> None:
    """Give the template's tokens within and after each turn their roles: framing, EOS, SEPARATOR."""
    messages = proof.origins.messages
    content = np.flatnonzero(owner >= 0)
    unseen = set(range(len(messages))) - set(owner.tolist())
    at_stop = np.flatnonzero(tokens.ids == stop_id)
    speaks = owner[content]
    cuts = np.flatnonzero(speaks[1:] != speaks[:-1]) + 1
    bounds = [0, *cuts.tolist(), len(content)]
    for start, after in pairwise(bounds) if len(content) else ():
        last = int(content[after - 1])
        number = int(speaks[start])
        message = messages[number]
        tail_end = int(content[after]) if after < len(content) else len(roles)
        stop = int(np.searchsorted(at_stop, last + 1))
        stops = stop < len(at_stop) and at_stop[stop] < tail_end
        closed = int(at_stop[stop]) + 1 if stops else None
        between = proof.text[tokens.ends[last] : tokens.starts[closed - 1]] if closed else ""
        if number + 1 in unseen and between.strip():
            closed = None  # the stop may be that of the next message, of which nothing is shown
        if message.tool_calls or (message.thinking and proof.shows(number, THINKING)):
            begin = own_text_begins(template, proof, number, tools)
            if closed is None:
                raise TemplateError(
                    f"the chat template writes no stop token after {called(messages, number)}, so the "
                    "end of what the assistant writes cannot be proved"
                )
            _refuse_lost_arguments(message, number, proof.text[begin : tokens.starts[closed - 1]])
            own = np.arange(int(np.searchsorted(tokens.ends, begin, side="right")), closed - 1)
            roles[own[roles[own] == Role.HEADER]] = Role.OUTPUT
            last = max(last, closed - 2) if message.tool_calls else last
        if closed is None:
            continue
        roles[last + 1 : closed] = Role.EOS if message.speaker == "assistant" else USER_EOS
        if after == len(content):
            roles[closed:tail_end] = Role.SEPARATOR


def own_text_begins(template: ChatTemplate, proof: Proof, number: int, tools: Sequence[Any] | None) -> int:
    """The character at which an assistant's own text begins: the end of its generation prompt.

    Proved by the prompt being a prefix of the rendering or, where a later message changes what is written
    of earlier ones, by its last part standing exactly once before the assistant's first character.
    """
    messages = proof.origins.messages
    owners = proof.owners
    first = int(np.flatnonzero(owners == number)[0])
    earlier = np.flatnonzero(owners[:first] >= 0)
    turn = int(earlier[-1]) + 1 if len(earlier) else 0
    reason = "the generation prompt does not stand before it"
    try:
        asked = template.render(messages[:number], tools=tools, generation_prompt=True)
        if proof.text.startswith(asked) and turn <= len(asked) <= first:
            return len(asked)
        told = template.render(messages[:number], tools=tools)
        prompt = asked[len(told) :] if asked.startswith(told) else ""
        between = proof.text[turn:first]
        if prompt and between.count(prompt) == 1:
            return turn + between.index(prompt) + len(prompt)
    except TemplateError as error:
        reason = str(error)
    raise TemplateError(
        f"where the assistant's own text begins in {called(messages, number)} cannot be proved: {reason}"
    )


def _refuse_lost_arguments(message: Message, number: int, written: str) -> None:
    """Names and numbers in a tool call are not marked, as its strings are; they must at least be there."""
    for forms in message.unmarked():
        if not any(form in written for form in forms):
            raise TemplateError(
                f"the chat template drops {forms[0]} from a tool call of message {number + 1} (assistant)"
            )
