"""Everything that decides a tuned model, and nothing else: two equal configs give two equal models."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal, Self

from pydantic import Field, field_validator, model_validator

from tunewright.run.config import Config
from tunewright.tune.objective import Normalisation, Objective
from tunewright.tune.objective_names import parse_objective

if TYPE_CHECKING:  # adapters load torch, and settings are read by commands that need none
    from tunewright.tune.adapters import Adapter


class TuneConfig(Config):
    """The settings of one arm. A recipe's `tune:` table holds them; `arms` and `seeds` vary them."""

    no_effect: ClassVar[frozenset[str]] = frozenset({"trackers"})

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
    lora_dropout: float = Field(0.0, ge=0, lt=1, description="dropout before the adapter")
    lora_targets: str | tuple[str, ...] | None = Field(
        None, description="q_proj,v_proj or one regular expression; default: all linear layers but the head"
    )
    adapter: Literal["lora", "dora", "qlora"] = Field(
        "lora", description="kind of adapter where lora gives a rank; qlora needs CUDA and bitsandbytes"
    )
    save: Literal["merged", "adapter"] = Field(
        "merged", description="one ordinary model, or the adapter alone, which names its base"
    )
    checkpointing: bool = Field(
        False, description="compute layers again in the backward pass: less memory, more time"
    )
    sharding: Literal["none", "fsdp"] = Field(
        "none", description="over several processes: whole weights in each, or split among them"
    )
    patience: int | None = Field(
        None, ge=1, description="stop after so many epochs without a lower held-out output loss"
    )
    min_delta: float = Field(0.0, ge=0, description="nats by which a loss must fall to count as lower")
    keep: Literal["last", "best"] = Field(
        "last", description="the epoch that is saved; best is by held-out output loss"
    )
    stop_on: str | None = Field(None, description="the held-out set that decides; default: the first")
    trackers: tuple[Literal["tensorboard", "wandb", "mlflow"], ...] = Field(
        (), description="also log there, through its own client"
    )
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

    @model_validator(mode="after")
    def _shardable(self) -> Self:
        if self.sharding == "fsdp" and self.is_quantised:
            raise ValueError(
                "sharding: fsdp splits weights that are trained or float; qlora's 4 bits stay whole"
            )
        return self

    @model_validator(mode="after")
    def _nothing_idle(self) -> Self:
        """A setting that changes nothing is a mistake, and two arms that differ in it alone are one."""
        given = self.model_fields_set
        idle = {
            "lora": {"adapter", "lora_alpha", "lora_dropout", "lora_targets", "save"},
            "patience": {"min_delta"},
        }
        for needed, settings in idle.items():
            for name in sorted(settings & given):
                if getattr(self, needed) is None and getattr(self, name) != _default(name):
                    raise ValueError(f"{name} does nothing without {needed}; give {needed}, or leave it out")
        if self.stop_on is not None and self.patience is None and self.keep == "last":
            raise ValueError("stop_on does nothing without patience or keep: best; give one, or leave it out")
        return self

    @property
    def is_quantised(self) -> bool:
        """Whether the base is held in 4 bits."""
        return self.lora is not None and self.adapter == "qlora"

    def parsed_adapter(self) -> Adapter | None:
        """The adapter that is trained; None where all weights are."""
        from tunewright.tune.adapters import Adapter, AdapterKind

        if self.lora is None:
            return None
        kind = AdapterKind(self.adapter)
        return Adapter(self.lora, kind, self.lora_alpha, self.lora_dropout, self.lora_targets)


def _default(name: str) -> object:
    return TuneConfig.model_fields[name].default
