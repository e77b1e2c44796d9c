"""The settings of the generate stage: a table `generate:` in a recipe."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from tunewright.generate.item import Level, Skill
from tunewright.run.config import Config


class GenerateConfig(Config):
    """How many items, from which seed, and for which skills and levels (all, when left out)."""

    source: Literal["items"] = "items"
    n: int = Field(default=2000, ge=1)
    seed: int = 7
    skills: tuple[Skill, ...] | None = None
    levels: tuple[Level, ...] | None = None
