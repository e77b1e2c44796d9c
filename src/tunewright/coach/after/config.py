"""The settings of what is looked at after the coach has written a revision."""

from __future__ import annotations

import difflib
import re

from pydantic import Field, field_validator

from tunewright.coach.after.problem import OF_THE_REPLY, RULES
from tunewright.run.config import Config


class AfterConfig(Config):
    """The limits past which a revision is not taken, and the original kept."""

    language: str = Field(
        "any",
        description="the language of the data as ISO 639-1, e.g. en: letters of other scripts are foreign; "
        "any: those of scripts that the original has not",
    )
    skip: tuple[str, ...] = Field((), description=f"rules that are not asked for; of {', '.join(RULES)}")
    most_foreign_letters: float = Field(
        0.1, gt=0, le=1, description="the largest share of a field's letters that may be of a foreign script"
    )
    most_times_longer: float = Field(
        8.0, ge=1, description="how many times as long as the original a field may be, in characters"
    )
    never_too_long_chars: int = Field(
        4000, ge=0, description="characters that no field is too long with, whatever the original's length"
    )
    fewest_words_kept: float = Field(
        0.4, ge=0, le=1, description="the smallest share of an input's words that must come back"
    )

    @field_validator("skip")
    @classmethod
    def _rules(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        for name in names:
            if name in OF_THE_REPLY:
                raise ValueError(f"'{name}' cannot be left out: such a reply holds no revision")
            if name not in RULES:
                near = difflib.get_close_matches(name, RULES, n=1)
                hint = f"did you mean '{near[0]}'?" if near else f"the rules are {', '.join(RULES)}"
                raise ValueError(f"there is no rule '{name}'; {hint}")
        return names

    @field_validator("language")
    @classmethod
    def _code(cls, text: str) -> str:
        if text != "any" and not re.fullmatch("[a-z]{2,3}", text):
            raise ValueError("give a language code such as en, or any")
        return text
