"""A chat template with what it needs to be rendered: special tokens, settings, the form content must have.

transformers compiles and sandboxes the template, so the text here is what a chat call would send.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from jinja2 import TemplateSyntaxError
from transformers.utils.chat_template_utils import render_jinja_template

from tunewright.errors import ModelError, TemplateError
from tunewright.tune.conversation import Message, Role

# The smallest conversations that a template may insist on; the first that it takes stands for all.
_QUESTION = Message("user", ((Role.INSTRUCTION, "q"),))
_ANSWER = Message("assistant", ((Role.OUTPUT, "a"),))
_PROBES = (
    (_QUESTION, _ANSWER),
    (Message("system", ((Role.SYSTEM, "s"),)), _QUESTION, _ANSWER),
)


_DATE_CALL = re.compile(r"""strftime_now\(\s*(?P<quote>['"])(?P<format>[^'"\\]*)(?P=quote)\s*\)""")


def with_date(template: str, today: date) -> str:
    """The template with the date of `today` wherever it asks for that of the moment.

    transformers hands templates no functions, so the call is replaced in the text; one whose format is not
    written out stays as it is.
    """
    return _DATE_CALL.sub(lambda call: f'"{today.strftime(call["format"])}"', template)


class ChatTemplate:
    """Renders messages. `takes_strings` is False for templates that print only lists of parts.

    `settings` are further arguments of the template, such as `enable_thinking`.
    """

    def __init__(
        self, text: str, special_tokens: Mapping[str, Any], settings: Mapping[str, Any] | None = None
    ) -> None:
        self.text = text
        self._arguments = {**special_tokens, **(settings or {})}
        self._takes_lists: bool | None = None
        self.takes_strings = True
        self.probe: Sequence[Message] = self._find_probe()

    def render(
        self,
        messages: Sequence[Message],
        texts: Sequence[Sequence[str]] | None = None,
        *,
        tools: Sequence[Any] | None = None,
        generation_prompt: bool = False,
    ) -> str:
        """The rendered conversation, with other `texts` in place of the messages' own if given.

        Raises `TemplateError` with the number of the message at which the template gives up.
        """
        texts = texts if texts is not None else [message.texts() for message in messages]
        dicts = [
            message.as_dict(own, parts=self._as_parts(message))
            for message, own in zip(messages, texts, strict=True)
        ]
        try:
            return self._render(dicts, tools, generation_prompt)
        except TemplateSyntaxError as error:
            raise ModelError(
                f"the chat template has an error in line {error.lineno}: {error.message}"
            ) from error
        except Exception as error:  # templates run arbitrary Jinja: whatever it raises is a refusal
            number = self._refused_at(dicts, tools, str(error))
            raise TemplateError(
                f"the chat template refuses message {number + 1} ({messages[number].speaker}): {error}"
            ) from error

    def _render(
        self, dicts: list[dict[str, Any]], tools: Sequence[Any] | None, generation_prompt: bool
    ) -> str:
        rendered, _ = render_jinja_template(
            [dicts],
            tools=None if tools is None else list(tools),
            chat_template=self.text,
            add_generation_prompt=generation_prompt,
            **self._arguments,
        )
        return str(rendered[0])

    def _refused_at(self, dicts: list[dict[str, Any]], tools: Sequence[Any] | None, reason: str) -> int:
        """The first message with which the template gives the same reason."""
        for number in range(len(dicts) - 1):
            try:
                self._render(dicts[: number + 1], tools, False)
            except Exception as error:
                if str(error) == reason:
                    return number
        return len(dicts) - 1

    def _as_parts(self, message: Message) -> bool:
        return not self.takes_strings or (message.in_parts and self._can_take_lists())

    def _can_take_lists(self) -> bool:
        """Whether a list of parts is printed as its text, and not as Python or JSON."""
        if self._takes_lists is None:
            dicts = [message.as_dict(message.texts(), parts=True) for message in self.probe]
            try:
                printed = self._render(dicts, None, False)
                self._takes_lists = printed == self.render(self.probe)
            except Exception:  # a template that cannot take a list may raise anything
                self._takes_lists = False
        return self._takes_lists

    def _find_probe(self) -> Sequence[Message]:
        refusals: list[TemplateError] = []
        for probe in _PROBES:
            for self.takes_strings in (True, False):
                try:
                    text = self.render(probe)
                    shown = self._shows_content(probe, text)
                except TemplateError as error:
                    refusals.append(error)
                    continue
                # a list prints as "[{'type': …" where a template means to print a string
                listed = "'type'" in text or '"type"' in text
                if shown and (self.takes_strings or not listed):
                    return probe
        if len(refusals) == 2 * len(_PROBES):
            raise refusals[0]
        raise TemplateError("the chat template drops message 1 (user) or 2 (assistant) of the plainest chat")

    def _shows_content(self, probe: Sequence[Message], text: str) -> bool:
        """Whether another question, and another answer, give another text."""
        for place, message in enumerate(probe):
            texts = [other.texts() for other in probe]
            texts[place] = ["z", *texts[place][1:]]
            if message.speaker != "system" and self.render(probe, texts) == text:
                return False
        return True
