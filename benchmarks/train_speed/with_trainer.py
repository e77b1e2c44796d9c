"""The Trainer of transformers, and TRL's on top of it, each with its defaults but for what the job says.

    python with_trainer.py transformers | trl

Layouts: `padded` to the longest row of a step; `packed`, TRL's padding-free row, which is also what its
packing makes of a batch. Gradient checkpointing is off everywhere: no contender pays for less memory.
"""

from __future__ import annotations

import sys
import tempfile
from typing import Any

import torch
from datasets import Dataset
from torch.utils.data import SequentialSampler
from transformers import AutoModelForCausalLM, AutoTokenizer, Trainer, TrainerCallback, TrainingArguments
from worker import Meter, serve

BATCH = 8


def run(job: dict[str, Any], library: str) -> dict[str, Any]:
    torch.set_num_threads(1)
    model = AutoModelForCausalLM.from_pretrained(job["model"], dtype=torch.float32)
    tokenizer = AutoTokenizer.from_pretrained(job["model"])
    rows = Dataset.from_list(job["rows"])
    with tempfile.TemporaryDirectory() as folder:
        settings: dict[str, Any] = {
            "output_dir": folder,
            "per_device_train_batch_size": BATCH,
            "num_train_epochs": 1,
            "learning_rate": job["lr"],
            "lr_scheduler_type": "constant",
            "bf16": job["precision"] == "bf16",
            "gradient_checkpointing": False,
            "use_cpu": True,
            "save_strategy": "no",
            "logging_strategy": "no",
            "report_to": "none",
            "disable_tqdm": True,
        }
        if library == "trl":
            from trl import SFTConfig, SFTTrainer

            arguments = SFTConfig(**settings, padding_free=job["layout"] == "packed", max_length=None)
            trainer = timed(SFTTrainer)(
                model=model, args=arguments, train_dataset=rows, processing_class=tokenizer
            )
        else:
            trainer = timed(Trainer)(
                model=model,
                args=TrainingArguments(**settings),
                train_dataset=rows,
                data_collator=lambda examples: pad(examples, tokenizer.pad_token_id),
            )
        meter = trainer.meter = Meter()
        trainer.add_callback(EndOfStep(meter))
        trainer.train()
        return meter.result()


def timed(base: type[Trainer]) -> type[Any]:
    """The trainer, in the order of the rows, noting the loss and the tokens of every batch."""

    class Timed(base):  # type: ignore[misc, valid-type]
        meter: Meter

        def _get_train_sampler(self, *args: Any, **kwargs: Any) -> SequentialSampler:
            return SequentialSampler(self.train_dataset)

        def training_step(self, model: Any, inputs: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
            slots = inputs["input_ids"].numel()
            mask = inputs.get("attention_mask")
            real = slots if mask is None else int(mask.sum())
            supervised = int((inputs["labels"][:, 1:] != -100).sum())
            loss = super().training_step(model, inputs, *args, **kwargs)
            self.meter.note(loss=float(loss), real=real, supervised=supervised, slots=slots)
            return loss

    return Timed


class EndOfStep(TrainerCallback):
    def __init__(self, meter: Meter) -> None:
        self._meter = meter

    def on_step_end(self, *_: Any, **__: Any) -> None:
        self._meter.end_step()


def pad(examples: list[dict[str, list[int]]], pad_id: int) -> dict[str, torch.Tensor]:
    """Right-padded tensors; the mask is 1 on real tokens."""
    width = max(len(example["input_ids"]) for example in examples)

    def filled(values: list[list[int]], filler: int) -> torch.Tensor:
        return torch.tensor([value + [filler] * (width - len(value)) for value in values])

    return {
        "input_ids": filled([example["input_ids"] for example in examples], pad_id),
        "labels": filled([example["labels"] for example in examples], -100),
        "attention_mask": filled([[1] * len(example["input_ids"]) for example in examples], 0),
    }


if __name__ == "__main__":
    if sys.argv[1] == "trl":
        import trl  # noqa: F401  imported before the forks
        from trl import SFTConfig, SFTTrainer  # noqa: F401
    serve(lambda job: run(job, sys.argv[1]))
