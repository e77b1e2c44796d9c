"""The settings of the generate stage: a table `generate:` in a recipe."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from tunewright.generate.item import Level, Skill
from tunewright.run.config import Config


class GenerateConfig(Config):
    """How many items, from which seed, and for which skills and levels (all, when left out)."""

    source: Literal["items"] = Field("items", description="items: automatic item generation, no model needed")
    n: int = Field(2000, ge=1, description="how many different records")
    seed: int = Field(7, description="the same seed gives the same records, byte for byte")
    skills: tuple[Skill, ...] | None = Field(None, description="only these; default: all four")
    levels: tuple[Level, ...] | None = Field(None, description="only these CEFR levels; default: all")
