"""Train on the token ids, labels and weights beside this file, with transformers' own Trainer.

    python train.py

`tunewright export --to hf` wrote it. `train.json` holds the model and the TrainingArguments: change them
there. With a column `weights` the loss of a step is Σ weights·nll / Σ divisor over all its rows, accumulated
ones and those of other processes too; without, it is Trainer's own mean over the labels. Tested with
transformers 5.23.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from datasets import load_dataset
from transformers import AutoModelForCausalLM, AutoTokenizer, Trainer, TrainingArguments

HERE = Path(__file__).resolve().parent
FILL = {"attention_mask": 0, "labels": -100, "weights": 0.0}  # what stands where a row is padded


class WeightedTrainer(Trainer):  # type: ignore[misc]  # transformers has no types
    """A Trainer whose loss takes a weight for every token."""

    loss_is_scaled_for_ga = True  # the divisor below is that of the whole step

    def get_batch_samples(self, epoch_iterator: Any, num_batches: int, device: Any) -> Any:
        batches, _ = super().get_batch_samples(epoch_iterator, num_batches, device)
        divisor = torch.stack([batch.pop("divisor").sum() for batch in batches]).sum().to(device)
        divisor = self.accelerator.gather(divisor).sum()
        return batches, torch.where(divisor > 0, divisor, 1.0)  # 0: `sum`, or a step without any weight

    def compute_loss(
        self, model: Any, inputs: Any, return_outputs: bool = False, num_items_in_batch: Any = None
    ) -> Any:
        ids_BT, weights_BT = inputs["input_ids"], inputs["weights"]
        outputs = model(input_ids=ids_BT, attention_mask=inputs["attention_mask"], use_cache=False)
        nll_N = torch.nn.functional.cross_entropy(  # token t is predicted from t − 1
            outputs.logits[:, :-1].float().flatten(0, 1), ids_BT[:, 1:].flatten(), reduction="none"
        )
        loss = (nll_N * weights_BT[:, 1:].flatten()).sum() / num_items_in_batch
        loss = loss * self.accelerator.num_processes  # the gradients of the processes are averaged
        return (loss, outputs) if return_outputs else loss


def make_trainer(folder: Path = HERE, **changes: Any) -> Trainer:
    """The trainer that the folder describes; `changes` are TrainingArguments to set differently."""
    settings = json.loads((folder / "train.json").read_text(encoding="utf-8"))
    file = next((folder / "data").glob("train.*"))
    kind = "parquet" if file.suffix == ".parquet" else "json"
    rows = load_dataset(kind, data_files=str(file), split="train").remove_columns("id")
    tokenizer = AutoTokenizer.from_pretrained(folder / "tokenizer")
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token  # harmless: labels and weights are padded by position
    where = settings["model"]
    model = AutoModelForCausalLM.from_pretrained(folder / where if (folder / where).is_dir() else where)
    arguments = {"output_dir": str(folder / "trained"), **settings["arguments"], **changes}

    def collate(batch: list[dict[str, Any]]) -> dict[str, torch.Tensor]:
        longest = max(len(row["input_ids"]) for row in batch)
        fill = {"input_ids": tokenizer.pad_token_id or 0, **FILL}
        for row in batch:
            row["attention_mask"] = [1] * len(row["input_ids"])
        padded = {
            name: torch.tensor([row[name] + [value] * (longest - len(row[name])) for row in batch])
            for name, value in fill.items()
            if name in batch[0]
        }
        if "divisor" in batch[0]:
            padded["divisor"] = torch.tensor([row["divisor"] for row in batch])
        return padded

    kind_of_trainer = WeightedTrainer if "weights" in rows.column_names else Trainer
    return kind_of_trainer(
        model=model,
        args=TrainingArguments(**arguments),
        train_dataset=rows,
        data_collator=collate,
        processing_class=tokenizer,
    )


if __name__ == "__main__":
    trainer = make_trainer()
    trainer.train()
    trainer.save_model()
