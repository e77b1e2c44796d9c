"""The recipe: one YAML file that says what is asked, of which data, with which arms and seeds.

Each table fills the config class of its stage, and nothing else: `generate:` → `GenerateConfig`,
`dedup:` → `DedupConfig`, `rate:` → `RateConfig`, `tune:` → `TuneConfig` and so on.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Self

from pydantic import Field, field_validator, model_validator

from tunewright.coach.revise_config import ReviseConfig
from tunewright.evaluate.stage import EvaluateConfig
from tunewright.generate.config import GenerateConfig
from tunewright.rate.check import CheckConfig
from tunewright.rate.config import RateConfig, SelectConfig
from tunewright.rate.dedup import DedupConfig
from tunewright.run.config import Config, parse_config
from tunewright.run.strict_yaml import load_yaml
from tunewright.tune.config import TuneConfig

# What decides which rows are trained on, and how they are tokenised, is the same in every arm.
ROW_SETTINGS = frozenset({"max_tokens", "too_long", "explanation", "chat_template", "record_weight"})


class Recipe(Config):
    """A whole comparison. Either `generate` or `data` says where the records come from."""

    name: str = Field(min_length=1, description="what the report is called")
    question: str = Field("", description="what this run is to answer, in a sentence or two")
    generate: GenerateConfig | None = Field(None, description="make the records")
    data: str | None = Field(None, description="or read them: a file, folder or data-set id")
    format: str | None = Field(
        None, description="the data's format for tuning, when its content does not tell"
    )
    heldout: dict[str, str] = Field(
        default_factory=dict, description="further sets to measure on: name: file"
    )
    dedup: DedupConfig | None = Field(None, description="drop near-duplicates, also of the held-out sets")
    check: CheckConfig | None = Field(None, description="look for defects; with fix: true, repair")
    revise: ReviseConfig | None = Field(None, description="let a coach revise every record")
    rate: RateConfig | None = Field(None, description="let a model rate every record")
    select: SelectConfig | None = Field(None, description="keep the best and most different records")
    holdout: int = Field(0, ge=0, description="rows of the data kept out of training and measured on")
    holdout_by: str | None = Field(None, description="column whose values are kept wholly on one side")
    tune: TuneConfig = Field(default_factory=TuneConfig, description="settings that all arms share")
    arms: dict[str, dict[str, Any]] = Field(
        default_factory=lambda: {"it": {"objective": "it"}, "im": {"objective": "im"}},
        description="name: the tune settings in which this arm differs",
    )
    seeds: list[int] = Field(
        default_factory=lambda: [1], min_length=1, description="every arm is tuned with each"
    )
    evaluate: EvaluateConfig = Field(
        default_factory=EvaluateConfig, description="what is measured at the end"
    )

    @field_validator("arms")
    @classmethod
    def _arms_have_names(cls, arms: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
        if not arms:
            raise ValueError("at least one arm is needed")
        for name in arms:
            if not re.fullmatch(r"(?!\.)[\w.+-]+", name) or not any(map(str.isalnum, name)):
                raise ValueError(f"arm name {name!r} becomes a folder: use letters, digits, -, _, . and +")
        return arms

    @field_validator("seeds")
    @classmethod
    def _seeds_differ(cls, seeds: list[int]) -> list[int]:
        if len(set(seeds)) != len(seeds):
            raise ValueError("the seeds must differ")
        return seeds

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if (self.generate is None) == (self.data is None):
            raise ValueError("say where the records come from: either a 'generate' table or 'data'")
        return self

    @model_validator(mode="after")
    def _format_is_used(self) -> Self:
        writes = {
            "generate": self.generate is not None,
            "dedup": self.dedup is not None,
            "check": self.check is not None and self.check.fix,
            "revise": self.revise is not None,
            "rate": self.rate is not None,
            "select": self.select is not None,
        }
        stage = next((name for name, does in writes.items() if does), None)
        if self.format is not None and stage is not None:
            raise ValueError(
                f"'format' says how tuning reads 'data', but it reads what {stage!r} wrote; take it out "
                "(dedup and check have their own)"
            )
        return self

    @model_validator(mode="after")
    def _same_rows_in_every_arm(self) -> Self:
        for name, changes in self.arms.items():
            for key in sorted(ROW_SETTINGS & changes.keys()):
                raise ValueError(
                    f"arm {name!r} sets {key!r}, which decides the rows: set it in 'tune' for all arms, "
                    "or arms could not be compared"
                )
        given = self.tune.seed != TuneConfig.model_fields["seed"].default
        if given or any("seed" in changes for changes in self.arms.values()):
            raise ValueError(
                "seeds stand in 'seeds', for all arms alike; take 'seed' out of 'tune' and 'arms'"
            )
        return self

    def arm_configs(self, *, where: str = "the recipe") -> dict[tuple[str, int], TuneConfig]:
        """The full settings of every arm and seed, in order: seed by seed, so that pairs finish together."""
        shared = self.tune.model_dump(mode="json", exclude_unset=True)
        configs = {}
        for seed in self.seeds:
            for name, changes in self.arms.items():
                settings = {**shared, **changes, "seed": seed}
                configs[name, seed] = parse_config(TuneConfig, settings, where=where, table=f"arms.{name}")
        return configs


def load_recipe(path: str | Path) -> Recipe:
    """The recipe in a YAML file. Raises `RecipeError` naming the file, the key, and the nearest known key."""
    recipe = parse_config(Recipe, load_yaml(path), where=str(path))
    recipe.arm_configs(where=str(path))  # a misspelt setting in an arm shows before anything runs
    return recipe
