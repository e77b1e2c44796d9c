"""Criteria as data: what a rater is asked, on which scale, and how the answers become one score per side.

Three sets come with the package (`accuracy`, `coachlm`, `elpa`); a user's own is a YAML file of the same
form. A criterion belongs to one side of a record, and sides are never mixed into one number.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from tunewright.errors import RecipeError
from tunewright.run.config import Config, parse_config
from tunewright.run.strict_yaml import load_yaml

Side = Literal["instruction", "response", "explanation", "record"]
Level = Literal["basic", "advanced", "red_line"]

SETS_FOLDER = Path(__file__).parent / "criteria"
_GRID = 1e-6  # how far, in steps, a score or the scale's end may be from a whole step: float noise, no more


class Scale(Config):
    """Scores from `low` to `high`, both included, `step` apart."""

    low: float = Field(description="the worst score")
    high: float = Field(description="the best score")
    step: float = Field(1.0, gt=0, description="the distance between neighbouring scores")

    @model_validator(mode="after")
    def _goes_up_in_whole_steps(self) -> Scale:
        if self.low >= self.high:
            raise ValueError(f"low ({self.low:g}) must be below high ({self.high:g})")
        steps = (self.high - self.low) / self.step
        if abs(steps - round(steps)) > _GRID:
            raise ValueError(f"step {self.step:g} does not lead from {self.low:g} to {self.high:g}")
        return self

    @property
    def num_scores(self) -> int:
        return round((self.high - self.low) / self.step) + 1

    def scores(self) -> list[float]:
        """All scores, the worst first. Whole numbers are exact."""
        return [self.low + index * self.step for index in range(self.num_scores)]

    def nearest(self, value: float) -> float | None:
        """The score that `value` is, float noise aside; None when it is not on the scale."""
        steps = (value - self.low) / self.step
        if not 0 <= round(steps) < self.num_scores or abs(steps - round(steps)) > _GRID:
            return None
        return self.low + round(steps) * self.step


class Criterion(Config):
    """One question about one side of a record."""

    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$", description="a short name in small letters")
    side: Side = Field(description="what the score is about; sides are scored apart")
    level: Level | None = Field(None, description="basic, advanced or red_line; shown to people only")
    question: str = Field(min_length=1, description="what the rater is asked")
    anchors: Mapping[float, str] = Field(default_factory=dict, description="what single scores mean")
    cap: tuple[float, float] | None = Field(
        None, description="with combine: caps, the band [low, high] that a flaw here keeps the side within"
    )

    @property
    def key(self) -> str:
        """The name under which scores are kept, such as `response.readability`."""
        return f"{self.side}.{self.name}"

    @model_validator(mode="after")
    def _cap_goes_up(self) -> Criterion:
        if self.cap is not None and self.cap[0] >= self.cap[1]:
            raise ValueError(f"the cap's low ({self.cap[0]:g}) must be below its high ({self.cap[1]:g})")
        return self


class CriteriaSet(Config):
    """Criteria on one scale and the rule that combines those of a side (`scores.side_scores`)."""

    name: str = Field(pattern=r"^[a-z][a-z0-9_-]*$", description="part of the key in a record's meta")
    about: str = Field("", description="one or two sentences for the summary page")
    scale: Scale = Field(description="one scale for all criteria, so that they can be combined")
    combine: Literal["mean", "caps"] = Field("mean", description="how a side's score follows")
    flaw_below: float | None = Field(None, description="with combine: caps, a lower score is a flaw")
    bins: tuple[float, ...] = Field((), description="inner edges of the table's half-open bins")
    high_from: float = Field(description="a score of at least this counts as high quality")
    anchors: Mapping[float, str] = Field(
        default_factory=dict, description="what scores mean, for criteria without anchors of their own"
    )
    criteria: tuple[Criterion, ...] = Field(min_length=1, description="the questions")

    @property
    def sides(self) -> tuple[Side, ...]:
        """The sides that have criteria, in order of appearance."""
        return tuple(dict.fromkeys(criterion.side for criterion in self.criteria))

    @property
    def main_side(self) -> Side:
        """The side that the page looks at first: the response where it is rated, else the first side."""
        return "response" if "response" in self.sides else self.sides[0]

    @property
    def score_keys(self) -> tuple[str, ...]:
        """All that a record gets a score for: each side, then each criterion as `side.name`."""
        return (*self.sides, *(criterion.key for criterion in self.criteria))

    def of_side(self, side: str) -> tuple[Criterion, ...]:
        return tuple(criterion for criterion in self.criteria if criterion.side == side)

    def anchors_of(self, criterion: Criterion) -> Mapping[float, str]:
        return criterion.anchors or self.anchors

    @model_validator(mode="after")
    def _fits_together(self) -> CriteriaSet:
        seen: set[str] = set()
        for criterion in self.criteria:
            if criterion.key in seen:
                raise ValueError(f"two criteria of the {criterion.side} are called '{criterion.name}'")
            seen.add(criterion.key)
            self._check_anchors(criterion.anchors, f"criterion '{criterion.key}'")
            self._check_cap(criterion)
        self._check_anchors(self.anchors, "the set")
        if (self.combine == "caps") != (self.flaw_below is not None):
            raise ValueError("combine: caps and flaw_below go together; give both or neither")
        self._check_inside("flaw_below", self.flaw_below)
        self._check_inside("high_from", self.high_from)
        edges = (self.scale.low, *self.bins, self.scale.high)
        if any(lower >= upper for lower, upper in pairwise(edges)):
            raise ValueError(
                f"bins {list(self.bins)} must go up, between {self.scale.low:g} and {self.scale.high:g}"
            )
        return self

    def _check_anchors(self, anchors: Mapping[float, str], owner: str) -> None:
        for score in anchors:
            if self.scale.nearest(score) is None:
                raise ValueError(f"{owner} explains the score {score:g}, which is not on the scale")

    def _check_cap(self, criterion: Criterion) -> None:
        if criterion.cap is None:
            return
        if self.combine != "caps":
            raise ValueError(f"criterion '{criterion.key}' has a cap, which needs combine: caps")
        low, high = criterion.cap
        if low < self.scale.low or high > self.scale.high:
            raise ValueError(f"the cap of criterion '{criterion.key}' leaves the scale")

    def _check_inside(self, name: str, value: float | None) -> None:
        if value is not None and not self.scale.low < value <= self.scale.high:
            raise ValueError(
                f"{name} {value:g} must lie above {self.scale.low:g} and not above {self.scale.high:g}"
            )


def built_in_sets() -> list[str]:
    """The names of the sets that come with the package."""
    return sorted(path.stem for path in SETS_FOLDER.glob("*.yaml"))


def load_criteria(spec: str | Path) -> CriteriaSet:
    """The set of that name, or the one in that YAML file.

    RecipeError, with the line, when the file is not a set; and when there is neither name nor file.
    """
    path = SETS_FOLDER / f"{spec}.yaml"
    if str(spec) not in built_in_sets():
        path = Path(spec)
        if not path.is_file():
            known = ", ".join(built_in_sets())
            raise RecipeError(f"criteria '{spec}': neither one of {known} nor a file; check the path")
    return parse_config(CriteriaSet, load_yaml(path), where=str(path))
