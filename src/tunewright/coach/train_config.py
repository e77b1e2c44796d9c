"""The settings of a coach: which revisions it learns from, in which form, and how it is tuned."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, field_validator

from tunewright.coach.forms import FormName
from tunewright.run.config import Config

PAPERS_ALPHA = 0.3
Preset = Literal["auto", "scratch", "1b", "3b", "8b", "coachlm"]

# Starting points, not measurements of ours: those of 8b are the settings that a follow-up of the paper gives
# for Llama-3.1-8B, coachlm's are the paper's for ChatGLM2-6B (without its dropout); smaller models get more
# passes over the same revisions.
_LORA = {
    "lora": 64,
    "lora_alpha": 32.0,
    "lr": 2e-4,
    "schedule": "cosine",
    "batch_size": 32,
    "max_tokens": 4096,
}
PRESETS: Mapping[str, Mapping[str, Any]] = {
    "scratch": {"epochs": 3, "max_tokens": 2048, "schedule": "cosine"},
    "1b": _LORA | {"epochs": 5, "warmup": 0.1},
    "3b": _LORA | {"epochs": 3, "warmup": 0.1},
    "8b": _LORA | {"epochs": 1, "warmup": 0.1},
    "coachlm": _LORA | {"epochs": 7, "max_tokens": 2048},
}


class CoachConfig(Config):
    """Which revisions are learnt from, and how."""

    alpha: float | None = Field(
        None,
        gt=0,
        le=1,
        description="share of the revisions that is learnt from, those with the largest edits; default: 0.3, "
        "or all of what coach select has chosen",
    )
    model: str = Field("scratch:small", description="Hugging Face id, folder, or scratch:tiny, scratch:small")
    form: FormName = Field("lines", description="how it writes: lines that change, marked fields, flat")
    preset: Preset = Field("auto", description="settings of tune to begin with; auto: by the model")
    tune: dict[str, Any] = Field(
        default_factory=dict, description="settings of tune that replace the preset's, e.g. epochs: 2"
    )
    good: Path | None = Field(
        None, description="records that are good as they are; default: the revised sides of the revisions"
    )
    good_share: float = Field(
        0.25, ge=0, lt=1, description="share of the training pairs that must come back as they are"
    )
    validation: float = Field(0.1, ge=0, lt=1, description="share of the records kept out to measure on")
    seed: int = Field(1, ge=0, description="choice of good pairs and validation, and the tuning itself")

    @field_validator("tune")
    @classmethod
    def _not_said_twice(cls, tune: dict[str, Any]) -> dict[str, Any]:
        for name in ("model", "seed", "explanation"):
            if name in tune:
                where = "beside tune" if name != "explanation" else "not at all: a coach's pairs have none"
                raise ValueError(f"'{name}' is set {where}")
        return tune

    def tuning(self) -> dict[str, Any]:
        """The table `tune:` that this coach is tuned with: the preset, then what replaces it."""
        preset = self.preset
        if preset == "auto":
            preset = "scratch" if self.model.startswith("scratch:") else "3b"
        return {**PRESETS[preset], **self.tune, "model": self.model, "seed": self.seed, "explanation": False}
