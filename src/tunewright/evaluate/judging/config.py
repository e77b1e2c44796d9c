"""The settings of `tunewright evaluate judge`."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from typing import Any, ClassVar, Literal

from pydantic import Field, model_validator

from tunewright.llm.config import AskConfig
from tunewright.run.config import Config

OFFLINE = ("length", "random", "replay")  # kinds of judges that ask nobody


class JudgeConfig(Config):
    """Who judges, what is asked, and in which orders the two answers are shown."""

    # of these it is what they hold that counts: `job.fingerprint` adds it
    no_effect: ClassVar[frozenset[str]] = frozenset(
        {"judges", "questions", "references", "prompt", "criteria"}
    )

    judges: tuple[AskConfig, ...] = Field(
        min_length=1,
        description="models as elsewhere, or without any call: length: (the longer answer wins), "
        "random:SEED, replay:FILE (verdicts that a file holds)",
    )
    mode: Literal["pair", "single"] = Field(
        "pair", description="pair: which of two answers is better; single: a score for each answer by itself"
    )
    orders: Literal["both", "random"] = Field(
        "both", description="both: each pair is asked twice; random: once, in an order drawn by the seed"
    )
    probabilities: bool = Field(
        False,
        description="ask for one letter, and take the preference from its probability where that is given",
    )
    criteria: str | None = Field(
        None, description="a set of criteria (a built-in name or a YAML file); default: our own question"
    )
    prompt: Path | None = Field(
        None,
        description="a question of one's own: a text file with {{ texts }} where the answers stand",
    )
    references: Path | None = Field(None, description="reference answers, joined by instruction")
    questions: Path | None = Field(
        None, description="MT-Bench's question file, for answers that name questions"
    )
    max_tokens: int = Field(512, ge=1, description="the most tokens of one reply")
    pattern: str | None = Field(
        None, description="reads replies without JSON: a regular expression with a group verdict (or score)"
    )
    seed: int = Field(7, description="draws the orders")

    @model_validator(mode="after")
    def _fits_together(self) -> JudgeConfig:
        names = Counter((one.model, one.revision) for one in self.judges)
        twice = next((name for (name, _), count in names.items() if count > 1), None)
        if twice is not None:
            raise ValueError(f"the judge {twice} is named twice; a second opinion needs another model")
        if self.mode == "single" and self.probabilities:
            raise ValueError("probabilities compare two answers; leave it out with mode: single")
        if self.mode == "single" and any(is_offline(one) for one in self.judges):
            raise ValueError(f"the judges {', '.join(OFFLINE)} compare two answers; they give no scores")
        if len({(one.price_input, one.price_output) for one in self.judges}) > 1 and any(
            one.budget_money is not None for one in self.judges
        ):
            raise ValueError("a budget in money needs one price for all judges; give budget_tokens instead")
        return self

    @model_validator(mode="after")
    def _pattern_finds_something(self) -> JudgeConfig:
        if self.pattern is None:
            return self
        wanted = "verdict" if self.mode == "pair" else "score"
        try:
            groups = re.compile(self.pattern).groupindex
        except re.error as error:
            raise ValueError(f"pattern is no regular expression: {error}") from None
        if wanted not in groups:
            raise ValueError(f"pattern has no group named {wanted}; write (?P<{wanted}>…)")
        return self

    def compiled_pattern(self) -> re.Pattern[str] | None:
        return None if self.pattern is None else re.compile(self.pattern)

    def judges_settings(self) -> list[dict[str, Any]]:
        """All of the judges that can change a reply."""
        return [one.settings() for one in self.judges]


def is_offline(judge: AskConfig) -> bool:
    return judge.model.partition(":")[0] in OFFLINE
