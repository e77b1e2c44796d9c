"""Everything that decides a tuned model, and nothing else: two equal configs give two equal models."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, field_validator, model_validator

from tunewright.run.config import Config
from tunewright.tune.objective import Normalisation, Objective
from tunewright.tune.objective_names import parse_objective


class TuneConfig(Config):
    """The settings of one arm. A recipe's `tune:` table holds them; `arms` and `seeds` vary them."""

    model: str = Field("scratch:tiny", description="Hugging Face id, folder, or scratch:tiny, scratch:small")
    objective: str = Field(
        "it",
        description="it, im, plw:W, wit:P/O, instruction_only, output_preserving[:W] or it_example_weighted; "
        "with @paper or @released-code that arithmetic",
    )
    normalisation: Normalisation | None = Field(
        None, description="what the weighted loss is divided by; default: the objective's own, token_mean"
    )
    role_weights: dict[str, float] = Field(
        default_factory=dict, description="weights of single roles, such as explanation: 0.5 or system: 1"
    )
    record_weight: str | None = Field(
        None, min_length=1, description="column with a number that multiplies the record's loss"
    )
    neftune: float | None = Field(
        None, gt=0, description="noise on the embeddings, uniform within ±W/√(length·width); 5 is usual"
    )
    kl: float | None = Field(
        None, gt=0, description="weight of the divergence from the untuned model, over the whole vocabulary"
    )
    epochs: int = Field(3, ge=1, description="passes over the training rows")
    lr: float | None = Field(
        None, gt=0, description="peak learning rate; default 2e-3 scratch, 2e-4 LoRA, 2e-5 full"
    )
    batch_size: int = Field(16, ge=1, description="examples per optimizer step")
    schedule: Literal["linear", "cosine", "constant"] = Field("linear", description="after the warm-up")
    warmup: float = Field(0.03, ge=0, lt=1, description="share of the steps")
    weight_decay: float = Field(0.0, ge=0, description="AdamW's, on all trained weights")
    clip: float = Field(1.0, gt=0, description="largest norm of the gradient")
    seed: int = Field(1, ge=0, description="initial weights (scratch, LoRA), dropout and order")
    max_tokens: int = Field(1024, ge=8, description="longer examples are dropped or cut in every arm")
    too_long: Literal["drop", "cut"] = Field(
        "drop", description="drop loses the row; cut loses its end, and with it the learning to stop"
    )
    explanation: bool = Field(True, description="train on explanations after the outputs")
    lora: int | None = Field(None, ge=1, description="rank of a LoRA adapter; none trains all weights")
    lora_alpha: float | None = Field(None, gt=0, description="default: twice the rank")
    chat_template: str | None = Field(
        None, description="tulu, chatml or a Jinja file; default: the model's own"
    )
    precision: Literal["auto", "f32", "bf16"] = Field("auto", description="auto measures which one is faster")
    pack_tokens: int = Field(4096, ge=8, description="most tokens in one forward pass: memory and speed only")
    measured_rows: int = Field(500, ge=1, description="training rows measured after each epoch, at most")

    @field_validator("objective")
    @classmethod
    def _known_name(cls, value: str) -> str:
        parse_objective(value)
        return value

    @field_validator("role_weights")
    @classmethod
    def _known_roles(cls, value: dict[str, float]) -> dict[str, float]:
        parse_objective("it", role_weights=value)
        return value

    @model_validator(mode="after")
    def _known_objective(self) -> Self:
        self.parsed_objective()
        return self

    @field_validator("chat_template")
    @classmethod
    def _text_of_file(cls, value: str | None) -> str | None:
        from tunewright.tune.templates import template_text

        return None if value is None else template_text(value)

    def parsed_objective(self) -> Objective:
        """The objective that the settings name, with its normalisation and the weights of single roles."""
        return parse_objective(
            self.objective, normalisation=self.normalisation, role_weights=self.role_weights
        )
