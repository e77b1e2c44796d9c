"""The settings of the generate stage: a table `generate:` in a recipe."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from tunewright.errors import RecipeError
from tunewright.generate.grow.cells import Name, PlanRow, weights_of
from tunewright.generate.item import Level, Skill
from tunewright.llm.config import AskConfig
from tunewright.run.config import Config, parse_config
from tunewright.run.strict_yaml import load_yaml


class GrowConfig(Config):
    """How a model grows records from seeds: what is asked, what the examples are, what the gate refuses."""

    seeds: str = Field("elpa", description="elpa (130 seeds of ours) or a file of records")
    domain: Literal["elpa", "general"] = Field(
        "elpa", description="elpa: assessment items by cell; general: any tasks, as in Self-Instruct"
    )
    plan: tuple[PlanRow, ...] | None = Field(
        None, description="rows of skill, tasks, levels, topics, weight; default: the seeds' own, evenly"
    )
    topics: tuple[Name, ...] | None = Field(
        None, min_length=1, description="default: all topics of the seeds"
    )
    author_tasks: bool = Field(
        False,
        description="also grow tasks for an author of items (seeds with mode author): no item rule looks at "
        "their answers, and no item bank takes them",
    )
    per_call: int = Field(4, ge=1, le=50, description="items asked for in one call")
    calls_per_round: int = Field(32, ge=1, description="calls between two looks at what is missing")
    seed_examples: int = Field(6, ge=0, description="seeds shown in a prompt")
    machine_examples: int = Field(2, ge=0, description="accepted machine items shown in a prompt")
    explanations: bool = Field(True, description="general data only: whether explanations are asked for")
    temperature: float = Field(0.8, ge=0, le=2)
    top_p: float = Field(0.95, gt=0, le=1)
    max_tokens: int = Field(4096, ge=16, description="the most tokens of one reply")
    near_duplicate: float = Field(0.7, gt=0, lt=1, description="ROUGE-L F1 above which an item is one")
    language: str = Field("en", description="the language of the data as ISO 639-1, or any")
    refuse_level: Literal["none", "above", "outside"] = Field(
        "above",
        description="refuse a text whose estimated level band lies above its cell's level, or outside",
    )
    skip_detectors: tuple[str, ...] = Field((), description="detectors of errors that do not refuse")
    skip_item_rules: tuple[str, ...] = Field((), description="hard item rules that do not refuse")
    min_acceptance: float = Field(
        0.05, ge=0, le=1, description="stop when a smaller share is accepted for patience_rounds rounds"
    )
    patience_rounds: int = Field(5, ge=1)
    licence: str = Field("", description="the terms of the model's output, stored with every record")

    @field_validator("language")
    @classmethod
    def _code(cls, text: str) -> str:
        if text != "any" and not re.fullmatch("[a-z]{2,3}", text):
            raise ValueError("give a language code of two or three small letters such as en, or any")
        return text


MOST_RECORDS = 10_000_000  # of one run; its rejects, comparisons and plan are held against all of them


class GenerateConfig(Config):
    """How many records, from which seed and source, and for which skills and levels (all, when left out)."""

    source: Literal["items", "model"] = Field(
        "items", description="items: automatic item generation, no model needed; model: grown from seeds"
    )
    n: int = Field(2000, ge=1, description="how many different records")
    seed: int = Field(7, description="the same seed gives the same records, byte for byte")
    skills: tuple[Skill, ...] | None = Field(None, description="only these; default: all four")
    levels: tuple[Level, ...] | None = Field(None, description="only these CEFR levels; default: all")
    ask: AskConfig | None = Field(None, description="which model answers; for source: model")
    grow: GrowConfig | None = Field(None, description="for source: model")

    @field_validator("n")
    @classmethod
    def _is_one_run(cls, n: int) -> int:
        if n > MOST_RECORDS:
            raise ValueError(
                f"at most {MOST_RECORDS:,} in one run; do several, each with a seed and a folder of its own"
            )
        return n

    @model_validator(mode="after")
    def _model_is_asked(self) -> GenerateConfig:
        if self.source == "model" and self.ask is None:
            raise ValueError(
                "source 'model' needs a model: ask.model in a recipe, --model on the command line"
            )
        if self.source == "items" and (self.ask is not None or self.grow is not None):
            raise ValueError("ask and grow are for source 'model'; source 'items' needs no model")
        return self

    def settings(self) -> dict[str, Any]:
        """As for every config; item models have the settings they had before there was a model to ask."""
        found = super().settings()
        if self.source == "items":
            del found["ask"], found["grow"]
        return found


class _PlanFile(Config):
    plan: tuple[PlanRow, ...] = Field(min_length=1)


def plan_rows(file: str | Path) -> list[dict[str, Any]]:
    """The rows of a plan file: YAML with a list `plan:`. RecipeError, with file, line and row, when it is
    none or a row is not as it should be."""
    found = load_yaml(file)
    rows = found.get("plan")
    if set(found) != {"plan"} or not isinstance(rows, list):
        raise RecipeError(f"{file}: a plan file has one list, 'plan:', of rows with skill, tasks and levels")
    plan = parse_config(_PlanFile, found, where=str(file)).plan
    try:
        weights_of(plan)
    except RecipeError as error:
        raise RecipeError(f"{file}: {error}") from None
    return rows
