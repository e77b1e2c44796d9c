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
from tunewright.evaluate.judging.config import JudgeConfig
from tunewright.evaluate.stage import EvaluateConfig
from tunewright.evaluate.tasks.config import TasksConfig
from tunewright.generate.config import GenerateConfig
from tunewright.rate.check import CheckConfig
from tunewright.rate.config import RateConfig, SelectConfig
from tunewright.rate.dedup import DedupConfig
from tunewright.run.config import Config, parse_config
from tunewright.run.strict_yaml import load_yaml
from tunewright.tune.config import TuneConfig

ARM_DATA = "data"  # of an arm that is trained on records of its own; all else in an arm is a tune setting


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
        description="name: the tune settings in which this arm differs, and 'data' where it has its own",
    )
    seeds: list[int] = Field(
        default_factory=lambda: [1], min_length=1, description="every arm is tuned with each"
    )
    evaluate: EvaluateConfig = Field(
        default_factory=EvaluateConfig, description="what is measured at the end"
    )
    tasks: TasksConfig | None = Field(None, description="standard tasks, run on every arm")
    judge: JudgeConfig | None = Field(
        None, description="let judges compare the arms' held-out answers with the first arm's"
    )
    hour_price: float | None = Field(
        None, ge=0, description="price of an hour of this machine, for the table of costs"
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
    def _seeds_stand_apart(self) -> Self:
        given = self.tune.seed != TuneConfig.model_fields["seed"].default
        if given or any("seed" in changes for changes in self.arms.values()):
            raise ValueError(
                "seeds stand in 'seeds', for all arms alike; take 'seed' out of 'tune' and 'arms'"
            )
        return self

    @model_validator(mode="after")
    def _judge_sees_answers(self) -> Self:
        if self.judge is None:
            return self
        if self.judge.mode == "single":
            raise ValueError("'judge' compares each arm with the first one; leave out mode: single")
        if not self.evaluate.heldout_answers or not (self.heldout or self.holdout):
            raise ValueError(
                "'judge' compares answers to held-out prompts: name a held-out set, and give "
                "evaluate.heldout_answers more than 0"
            )
        return self

    @model_validator(mode="after")
    def _arm_data_are_named(self) -> Self:
        for name, changes in self.arms.items():
            data = changes.get(ARM_DATA, "some")
            if not isinstance(data, str) or not data:
                raise ValueError(f"arm {name!r}: 'data' names a file, folder or data-set id, not {data!r}")
        return self

    def data_of_arms(self) -> dict[str, str]:
        """The arms that are trained on records of their own, with where those are."""
        return {name: str(changes[ARM_DATA]) for name, changes in self.arms.items() if ARM_DATA in changes}

    def arm_configs(self, *, where: str = "the recipe") -> dict[tuple[str, int], TuneConfig]:
        """The full settings of every arm and seed, in order: seed by seed, so that pairs finish together."""
        shared = self.tune.model_dump(mode="json", exclude_unset=True)
        configs = {}
        for seed in self.seeds:
            for name, changes in self.arms.items():
                changed = {key: value for key, value in changes.items() if key != ARM_DATA}
                settings = {**shared, **changed, "seed": seed}
                configs[name, seed] = parse_config(TuneConfig, settings, where=where, table=f"arms.{name}")
        return configs


def load_recipe(path: str | Path) -> Recipe:
    """The recipe in a YAML file. Raises `RecipeError` naming the file, the key, and the nearest known key."""
    recipe = parse_config(Recipe, load_yaml(path), where=str(path))
    recipe.arm_configs(where=str(path))  # a misspelt setting in an arm shows before anything runs
    return recipe
