"""The settings of `coach select`."""

from __future__ import annotations

from enum import StrEnum

from pydantic import Field

from tunewright.run.config import Config


class By(StrEnum):
    """What revisions are ranked by, the largest first.

    DISTANCE is CoachLM's: characters changed over the whole labelled line. A field's name is the distance in
    that field alone. RATING_GAIN is the rating after minus the rating before. DIVERSITY takes next what
    makes those taken represent all best.
    """

    DISTANCE = "distance"
    INSTRUCTION = "instruction"
    INPUT = "input"
    OUTPUT = "output"
    EXPLANATION = "explanation"
    RATING_GAIN = "rating-gain"
    DIVERSITY = "diversity"


class CoachSelectConfig(Config):
    """Which revisions the coach learns from."""

    alpha: float = Field(
        0.3, gt=0, le=1, description="the share of the revisions to choose: round(alpha · N)"
    )
    by: By = Field(
        By.DISTANCE,
        description="what to rank by: distance, one field's (instruction, input, output, explanation), "
        "rating-gain or diversity",
    )
    gain_column: str | None = Field(
        None,
        description="where the gain in rating is: a column of the revision, a rating of both records, "
        "or two columns of the revision, 'before,after' [default: rating_before,rating_after]",
    )
    published: bool = Field(
        False, description="also write what is chosen in the published form of CoachLM, published.json"
    )
    format: str | None = Field(
        None,
        description="published or pairs, when the content does not tell; of two data sets, their format",
    )
