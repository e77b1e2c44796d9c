"""What is written for which trainer: the settings of an arm, and the form of the files."""

from __future__ import annotations

from typing import Any, Literal, Self

from pydantic import Field, model_validator

from tunewright.run.config import Config
from tunewright.tune.config import TuneConfig
from tunewright.tune.objective import Normalisation, Objective

Tool = Literal["trl", "axolotl", "hf"]
NAMES = {"trl": "TRL", "axolotl": "Axolotl", "hf": "transformers' Trainer"}

# Settings of an arm that an export carries, into the rows or into the tool's config.
CARRIED = (
    *("model", "objective", "normalisation", "role_weights", "record_weight", "neftune"),
    *("max_tokens", "too_long", "explanation", "chat_template"),
    *("epochs", "lr", "batch_size", "schedule", "warmup", "weight_decay", "clip", "seed"),
)
OUR_OWN = ("precision", "pack_tokens", "measured_rows")  # of our loop's speed and reports: no effect here


class ExportConfig(Config):
    """The settings of an export. `tune` is the arm as it would be trained here."""

    to: Tool = Field(description="the trainer: trl, axolotl or hf")
    tune: TuneConfig = Field(default_factory=TuneConfig, description="the arm: model, objective, rows, steps")
    packing: bool = Field(False, description="several documents in a row of max_tokens (trl, axolotl)")
    rows: Literal["parquet", "jsonl"] = Field("parquet", description="the file of the rows")

    @model_validator(mode="after")
    def _can_be_carried(self) -> Self:
        name = NAMES[self.to]
        if self.tune.kl is not None:
            raise ValueError(
                f"kl: {name} has no divergence from the untuned model; leave kl out, or train with "
                "'tunewright tune'"
            )
        for field, value in self.tune:
            if field not in (*CARRIED, *OUR_OWN) and value != TuneConfig.model_fields[field].get_default(
                call_default_factory=True
            ):
                raise ValueError(
                    f"{field}: is not carried into an export; leave it out, and set it in the config that is "
                    f"written for {name}"
                )
        if self.packing and self.to == "hf":
            raise ValueError(f"packing: {name} does not pack; leave it out, or export to trl or axolotl")
        reason = why_not_labels(self.tune.parsed_objective())
        if reason and self.to != "hf":
            raise ValueError(
                f"objective {self.tune.objective!r} {reason}. {name} takes labels alone: use it or im with "
                "token_mean, or export to hf, whose train.py takes a weight for every token"
            )
        return self

    def settings(self) -> dict[str, Any]:
        """As `Config.settings`, of the arm only what reaches the files."""
        kept = super().settings()
        return kept | {"tune": {name: kept["tune"][name] for name in CARRIED}}


def why_not_labels(objective: Objective) -> str:
    """Why labels alone cannot say this objective, to follow its name in a sentence; '' when they can."""
    weights = sorted(set(objective.weights.values()))
    if objective.by_output_share:
        return "weights each example by the share of its answer, and a label is there or it is not"
    if objective.normalisation not in (Normalisation.TOKEN_MEAN, Normalisation.WEIGHT_MEAN):
        return (
            f"means the normalisation {objective.normalisation}, and a sum over labels is divided by the "
            "number of labels in the step (token_mean)"
        )
    if len(weights) > 1:
        named = " and ".join(f"{weight:g}" for weight in weights)
        return f"gives tokens the weights {named}, and a label is there or it is not"
    if objective.normalisation is Normalisation.TOKEN_MEAN and weights != [1.0]:
        return (
            f"gives tokens the weight {weights[0]:g}, so its loss under token_mean is {weights[0]:g} times "
            "that of the labels; weight_mean says the same as labels"
        )
    return ""
