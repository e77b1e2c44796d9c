"""The settings of rating and selecting: the tables `rate:` and `select:` of a recipe."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal

from pydantic import Field, field_validator, model_validator

from tunewright.llm.config import AskConfig
from tunewright.run.config import Config


class RateConfig(Config):
    """Which criteria, which model, and what the ratings are compared with."""

    criteria: str = Field("accuracy", description="accuracy, coachlm, elpa, or a YAML file of one's own")
    ask: AskConfig = Field(description="the model that rates and how it is asked")
    expected: bool = Field(
        False, description="ask for the score alone and take its mean over the model's probabilities"
    )
    max_tokens: int = Field(512, ge=16, description="the most tokens of one reply")
    pattern: str | None = Field(
        None, description="reads replies without JSON: a regular expression with a group named score"
    )
    human: str | None = Field(
        None, description="people's scores: a column of the records, or a JSONL file of id and score"
    )
    human_score: str | None = Field(
        None, description="the score people gave, such as response.accuracy; default: the main side's"
    )
    before: Path | None = Field(None, description="the folder of an earlier rating to compare with")
    worst: int = Field(20, ge=0, description="how many of the lowest records the page shows")

    @field_validator("pattern")
    @classmethod
    def _finds_a_score(cls, pattern: str | None) -> str | None:
        if pattern is None:
            return None
        try:
            groups = re.compile(pattern).groupindex
        except re.error as error:
            raise ValueError(f"not a regular expression: {error}") from None
        if "score" not in groups:
            raise ValueError("has no group named score; write e.g. (?i)score: *(?P<score>[0-9.]+)")
        return pattern


class SelectConfig(Config):
    """Which records are kept: by one cut on a score, then by how different they are from each other."""

    score: str | None = Field(
        None, description="the column with the score; default: the main score of the rating in the records"
    )
    min_score: float | None = Field(None, description="keep scores of at least this")
    share: float | None = Field(
        None, gt=0, le=1, description="keep this share of all records, the best first"
    )
    n: int | None = Field(None, ge=1, description="keep this many, the best first")
    diversity: Literal["none", "ngram", "embedding"] = Field(
        "none", description="drop what is too much like a better record: by its words, or by given vectors"
    )
    max_similarity: float | None = Field(
        None,
        ge=0,
        le=1,
        description="with diversity, the highest cosine similarity to any kept record; default: 0.6 for "
        "ngram, 0.9 for embedding",
    )
    seed: int = Field(7, description="decides between records with the same score")
    embeddings: Path | None = Field(
        None, description="with diversity: embedding, a .npy file, a row per record"
    )

    @model_validator(mode="after")
    def _says_what_to_keep(self) -> SelectConfig:
        cuts = [name for name in ("min_score", "share", "n") if getattr(self, name) is not None]
        if not cuts and self.diversity == "none":
            raise ValueError("nothing to select by: give min_score, share, n or diversity")
        if "share" in cuts and "n" in cuts:
            raise ValueError("share and n both say how many to keep; give one")
        if (self.diversity == "embedding") != (self.embeddings is not None):
            raise ValueError("diversity: embedding and embeddings (a .npy file) go together")
        if self.max_similarity is not None and self.diversity == "none":
            raise ValueError("max_similarity needs diversity: ngram or embedding")
        return self

    @property
    def similarity_limit(self) -> float:
        """Words differ more than vectors of meaning do: 0.6 of the first is as alike as 0.9 of the second."""
        if self.max_similarity is not None:
            return self.max_similarity
        return 0.9 if self.diversity == "embedding" else 0.6
