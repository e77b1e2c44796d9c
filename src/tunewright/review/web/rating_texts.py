"""A study's texts as they are shown: the prompt in its parts, the answers by their place, never by name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from tunewright.review.text import rendered, shown

_TITLES = {1: ("Answer",), 2: ("First answer", "Second answer")}
_SPEAKERS = {"user": "User", "assistant": "Assistant"}


@dataclass(frozen=True, slots=True)
class Part:
    """A text and, where it needs one, its label."""

    label: str
    text: Markup


@dataclass(frozen=True, slots=True)
class ShownAnswer:
    """An answer under "Answer", "First answer" or "Second answer"."""

    title: str
    parts: tuple[Part, ...]


def prompt_parts(prompt: Mapping[str, Any]) -> tuple[Part, ...]:
    """System message, earlier turns, instruction and input, each where there is one."""
    parts = [("System message", prompt.get("system", ""))]
    parts += [
        (_SPEAKERS.get(turn["speaker"], turn["speaker"]), turn["text"]) for turn in prompt.get("history", ())
    ]
    has_more = any(text for _, text in parts)
    parts += [("Instruction" if has_more else "", prompt["instruction"]), ("Input", prompt.get("input", ""))]
    return tuple(Part(label, laid_out(text)) for label, text in parts if text)


def shown_answers(answers: Sequence[Mapping[str, str]]) -> tuple[ShownAnswer, ...]:
    """The answers in the order given, each with its output and, where there is one, its explanation."""
    return tuple(
        ShownAnswer(title, _answer_parts(answer))
        for title, answer in zip(_TITLES[len(answers)], answers, strict=True)
    )


def laid_out(text: str) -> Markup:
    """The text as Markdown; what is too long for that as it is, with its line breaks."""
    return rendered(text) or Markup('<div class="as-is">{}</div>').format(shown(text))


def _answer_parts(answer: Mapping[str, str]) -> tuple[Part, ...]:
    output, explanation = answer["output"], answer.get("explanation", "")
    if not output.strip():
        return (Part("", Markup("<p><em>{}</em></p>").format("The answer is empty.")),)
    parts = [Part("", laid_out(output))]
    if explanation:
        parts.append(Part("Explanation", laid_out(explanation)))
    return tuple(parts)
