"""How the texts of a question to a judge are laid out: each between lines with a code it cannot contain.

An answer may hold anything: a request to be chosen, marks that look like ours, a chat template's role
marks. It enters as a value, never as a template, and its frame cannot be closed from inside.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

from jinja2 import StrictUndefined, TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from tunewright.errors import RecipeError
from tunewright.evaluate.outputs.answered import Answered
from tunewright.llm.prompt_files import PromptFiles, frame_code
from tunewright.rate.criteria import CriteriaSet

PROMPTS = PromptFiles("tunewright.evaluate.judging")
_BEFORE = {
    "system": "instructions to the assistant",
    "user": "earlier message",
    "assistant": "earlier answer",
}
_PROBE = "\ue000the texts\ue001"


class OwnPrompt:
    """A question of the user's own. `{{ texts }}` is where the framed texts stand, `{{ criteria }}` the
    criteria's list, `{{ num_turns }}` the turn that is judged; what to reply is always added below."""

    def __init__(self, file: str | Path) -> None:
        """RecipeError when the file cannot be read, is no template, or does not show the texts."""
        self.path = Path(file)
        environment = ImmutableSandboxedEnvironment(undefined=StrictUndefined, trim_blocks=True)
        try:
            text = self.path.read_text(encoding="utf-8")
            self._template = environment.from_string(text)
            shown = self.render(texts=_PROBE, criteria="", num_turns=1)
        except (OSError, UnicodeDecodeError) as error:
            raise RecipeError(f"{file}: the prompt cannot be read: {error}; check the path") from None
        except TemplateError as error:
            raise RecipeError(
                f"{file}: the prompt is no template: {error}; it may use texts, criteria and num_turns"
            ) from None
        if shown.count(_PROBE) != 1:
            raise RecipeError(f"{file}: the prompt must show the answers once; put {{{{ texts }}}} in it")
        self.sha256 = hashlib.sha256(text.encode()).hexdigest()

    def render(self, *, texts: str, criteria: str, num_turns: int) -> str:
        return self._template.render(texts=texts, criteria=criteria, num_turns=num_turns).strip()


def framed(parts: Sequence[tuple[str, str]]) -> str:
    """The texts (name, text) in their frames; an empty one is shown as empty."""
    return PROMPTS.render(
        "texts.txt",
        parts=[{"name": name, "text": text if text.strip() else "(empty)"} for name, text in parts],
        code=frame_code(text for _, text in parts),
    )


def exchange(answered: Answered, turn: int, *, who: str = "") -> list[tuple[str, str]]:
    """The answers of one assistant up to a turn; of a later turn the messages stand before them."""
    of = f" of {who}" if who else ""
    if turn == 1:
        return [(f"answer{of}", answered.answers[0])]
    parts = []
    for number in range(1, turn + 1):
        parts.append((f"message {number}{f' to {who}' if who else ''}", answered.prompts[number - 1]))
        parts.append((f"answer{of} to message {number}", answered.answers[number - 1]))
    return parts


def asked_before(answered: Answered, turn: int) -> list[tuple[str, str]]:
    """What both assistants were given: what stood before, the message of a single turn, and the references up
    to this turn."""
    parts = [(_BEFORE[message.role], message.text) for message in answered.before]
    parts += [("message", answered.prompts[0])] if turn == 1 else []
    for number in range(1, turn + 1):
        reference = answered.reference(number)
        if reference.strip():
            parts.append((f"reference answer{f' to message {number}' if turn > 1 else ''}", reference))
    return parts


def criteria_text(criteria: CriteriaSet | None) -> str:
    """The criteria as a list, empty without any."""
    if criteria is None:
        return ""
    rows = [{"name": one.name, "question": one.question} for one in criteria.criteria]
    return PROMPTS.render("criteria.txt", criteria=rows)
