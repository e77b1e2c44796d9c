"""The settings of `compare-sets`, which its options fill. A part is there when asked for."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from tunewright.llm.config import AskConfig
from tunewright.rate.check import CheckConfig
from tunewright.run.config import Config
from tunewright.tune.config import TuneConfig


class CompareConfig(Config):
    """What is looked at beside the texts themselves."""

    match: Literal["id", "position"] = Field(
        "id", description="id: records of one id belong together; position: the n-th to the n-th"
    )
    format: str | None = Field(None, description="how to read both sets, when their content does not tell")
    check: CheckConfig | None = Field(
        default_factory=CheckConfig, description="the detectors that look at both; null: none"
    )
    rated_before: Path | None = Field(None, description="folder of a rating of BEFORE")
    rated_after: Path | None = Field(None, description="folder of a rating of AFTER by the same criteria")
    score_before: str | None = Field(None, description="instead: a column of BEFORE with scores")
    score_after: str | None = Field(None, description="a column of AFTER; default: that of BEFORE")
    criteria: str = Field("accuracy", description="for columns: the criteria whose scale and bins apply")
    judge: AskConfig | None = Field(None, description="the model that says which version is better")
    judge_sample: int | None = Field(None, ge=1, description="judge so many of the changed pairs, by chance")
    judge_max_tokens: int = Field(512, ge=16, description="the most tokens of one verdict")
    student: TuneConfig | None = Field(None, description="a model that is tuned on each of the sets")
    heldout: Path | None = Field(None, description="human-written records on which the student is measured")
    student_seeds: int = Field(3, ge=1, description="students per set, with seeds 1, 2, …")
    seed: int = Field(7, description="draws the sample that is judged")
    examples: int = Field(8, ge=0, description="improvements and failures shown side by side, of each kind")

    @model_validator(mode="after")
    def _parts_are_whole(self) -> CompareConfig:
        if (self.rated_before is None) != (self.rated_after is None):
            raise ValueError("rated_before and rated_after go together; give both or neither")
        if self.rated_before is not None and self.score_before is not None:
            raise ValueError("ratings come from folders (rated_…) or from columns (score_…); give one kind")
        if self.score_after is not None and self.score_before is None:
            raise ValueError("score_after needs score_before")
        if (self.student is None) != (self.heldout is None):
            raise ValueError("student and heldout go together: a student is measured on held-out records")
        if self.judge_sample is not None and self.judge is None:
            raise ValueError("judge_sample needs judge")
        if self.check is not None and (self.check.fix or self.check.format):
            raise ValueError("check: neither fix nor format has a meaning here; leave them out")
        return self
