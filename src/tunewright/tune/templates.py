"""Chat templates of our own, for models that carry none."""

from __future__ import annotations

from pathlib import Path

from tunewright.errors import RecipeError

# The scratch models' own: one special token opens a turn, one ends it.
TUNEWRIGHT = (
    "{{ bos_token }}{% for message in messages %}"
    "<|{{ message.role }}|>\n{{ message.content }}<|end|>\n"
    "{% endfor %}{% if add_generation_prompt %}<|assistant|>\n{% endif %}"
)

# The layout of the Instruction Modelling experiments: plain-text headers, end-of-sequence after answers.
TULU = (
    "{% for message in messages %}<|{{ message.role }}|>\n{{ message.content }}"
    "{% if message.role == 'assistant' %}{{ eos_token }}{% endif %}{{ '\n' }}"
    "{% endfor %}{% if add_generation_prompt %}<|assistant|>\n{% endif %}"
)

CHATML = (
    "{% for message in messages %}<|im_start|>{{ message.role }}\n{{ message.content }}<|im_end|>\n"
    "{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)

BUILT_IN = {"tunewright": TUNEWRIGHT, "tulu": TULU, "chatml": CHATML}


def template_text(name: Path | str) -> str:
    """The Jinja text of a built-in template, of a file, or the text itself if it is one already."""
    text = str(name)
    if text in BUILT_IN:
        return BUILT_IN[text]
    if "{%" in text or "{{" in text:
        return text
    try:
        return Path(text).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        known = ", ".join(BUILT_IN)
        raise RecipeError(
            f"chat template {text!r} is neither one of {known} nor a readable file: {error}"
        ) from error
