"""From messages to the tokens of a prompt, for models that run in this process.

A model's own chat template does the rendering. What a template refuses or forgets (a system message, mostly)
is told to the model all the same, and a model without a template gets a plain, documented layout.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from tunewright.llm.request import Message


class Unaskable(Exception):
    """The model can never answer this request as it is: backends answer Refused. The message says why and
    what to do."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """The token ids that open the answer, and how they came about: `chat template`,
    `chat template, system message folded` or `plain`."""

    ids: tuple[int, ...]
    rendering: str


def prompt_of(tokenizer: Any, messages: Sequence[Message]) -> Prompt:
    """The prompt for the messages, ending where the assistant's answer begins.

    Without a chat template the layout is `SYSTEM`, an empty line, then `User: …` and `Assistant: …` lines,
    ending in `Assistant:`, with the tokenizer's own special tokens (usually BOS) around it. Such a model
    seldom ends its turn; its answers tend to run on to the token limit. Raises Unaskable for messages that
    no rendering takes.
    """
    if not messages:
        raise Unaskable("the request has no messages; give at least one from the user")
    if not tokenizer.chat_template:
        return Prompt(tuple(tokenizer(_plain(messages)).input_ids), "plain")
    text, problem = _rendered(tokenizer, messages)
    rendering = "chat template"
    if text is None and messages[0].role == "system":
        messages = _folded(messages)
        text, problem = _rendered(tokenizer, messages)
        rendering = "chat template, system message folded"
    if text is None:
        raise Unaskable(f"the model's chat template does not take these messages: {problem}")
    if _names_special_tokens(tokenizer, messages):
        return Prompt(_ids_apart(tokenizer, messages), rendering)
    return Prompt(tuple(tokenizer(text, add_special_tokens=False).input_ids), rendering)


def _names_special_tokens(tokenizer: Any, messages: Sequence[Message]) -> bool:
    names = [token.content for token in tokenizer.added_tokens_decoder.values() if token.special]
    return any(name in message.text for message in messages for name in names)


def _ids_apart(tokenizer: Any, messages: Sequence[Message]) -> tuple[int, ...]:
    """The ids of the rendered messages, where a special token's name in a message is only its letters.

    A record may hold `<|im_start|>`: read as the token, it would begin a turn of its own. So the template is
    rendered around marks, and each message's text is tokenised by itself in its mark's place.
    """
    marks = [f"\ue000{number}\ue001" for number in range(len(messages))]
    marked = [replace(message, text=mark) for message, mark in zip(messages, marks, strict=True)]
    text, problem = _rendered(tokenizer, marked)
    if text is None or any(text.count(mark) != 1 for mark in marks):
        raise Unaskable(
            "a message has the name of a special token in it, which the model's chat template does not let "
            f"be told from the token itself{f' ({problem})' if problem else ''}; take the name out"
        )
    ids: list[int] = []
    for mark, message in zip(marks, messages, strict=True):
        before, _, text = text.partition(mark)
        ids += tokenizer(before, add_special_tokens=False).input_ids
        ids += tokenizer(message.text.strip(), add_special_tokens=False, split_special_tokens=True).input_ids
    return (*ids, *tokenizer(text, add_special_tokens=False).input_ids)


def room_for_answer(prompt: Prompt, context_tokens: int | None, *, needed_tokens: int) -> int | None:
    """Tokens left for the answer within the model's context, None when that is not known.

    Raises Unaskable when fewer than `needed_tokens` are left.
    """
    if context_tokens is None:
        return None
    room = context_tokens - len(prompt.ids)
    if room < needed_tokens:
        raise Unaskable(
            f"the prompt has {len(prompt.ids)} tokens and the answer needs at least {needed_tokens}, but the "
            f"model's context is {context_tokens}; shorten the record or use a model with a longer context"
        )
    return room


def _rendered(tokenizer: Any, messages: Sequence[Message]) -> tuple[str | None, str]:
    """The text of the template, or None with the problem."""
    rows = [{"role": message.role, "content": message.text} for message in messages]
    try:
        text: str = tokenizer.apply_chat_template(rows, tokenize=False, add_generation_prompt=True)
    except Exception as error:  # a template is a program that anyone wrote: it may raise anything
        return None, str(error) or type(error).__name__
    # Some templates drop a system message without a word.
    if messages[0].role == "system" and messages[0].text.strip() not in text:
        return None, "it leaves out the system message"
    return text, ""


def _folded(messages: Sequence[Message]) -> list[Message]:
    """The system message put before the first message of the user; without one, sent as the user's."""
    system, rest = messages[0], list(messages[1:])
    if not rest or rest[0].role != "user":
        return [Message("user", system.text), *rest]
    return [replace(rest[0], text=f"{system.text}\n\n{rest[0].text}"), *rest[1:]]


def _plain(messages: Sequence[Message]) -> str:
    names = {"user": "User: ", "assistant": "Assistant: "}
    parts = [
        f"{message.text}\n" if message.role == "system" else f"{names[message.role]}{message.text}"
        for message in messages
    ]
    return "\n".join([*parts, "Assistant:"])
