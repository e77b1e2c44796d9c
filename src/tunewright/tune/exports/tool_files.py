"""The config that each tool reads, beside rows it takes as they are.

Paths in them are relative to the export's folder, so that it can be moved: the tools are started there. The
keys are those of TRL 1.16, Axolotl 0.19 and transformers 5.23. What decides the loss is written out even
where it is the tool's default; precision and memory are left to the tool.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

from tunewright.run.files import write_json_atomic, write_text_atomic
from tunewright.run.strict_yaml import dump_yaml
from tunewright.tune.exports.config import ExportConfig

ROWS = "data/train"  # and the suffix
TOKENIZER = "tokenizer"


@dataclass(frozen=True)
class Facts:
    """What the config of a tool needs to know of the rows and the model."""

    model: str  # a hub id, an absolute folder, or `model` in the export's folder
    lr: float
    num_tokens: int
    num_rows: int
    longest_tokens: int
    is_mixture: bool  # of experts, for which TRL adds a loss of its own unless told not to
    pad_token: str | None

    def packs_of_step(self, config: ExportConfig) -> int:
        """Rows of `max_tokens` that hold about `batch_size` examples."""
        mean = self.num_tokens / self.num_rows
        return max(1, round(config.tune.batch_size * mean / config.tune.max_tokens))


def write_tool_files(config: ExportConfig, facts: Facts, folder: Path) -> None:
    """Write the config of the tool, and for hf the script too."""
    match config.to:
        case "trl":
            start = "# cd into this folder, then: trl sft --config trl.yaml\n"
            write_text_atomic(folder / "trl.yaml", start + _notes(config) + dump_yaml(trl(config, facts)))
        case "axolotl":
            start = "# cd into this folder, then: axolotl train axolotl.yaml\n"
            text = start + _notes(config) + dump_yaml(axolotl(config, facts))
            write_text_atomic(folder / "axolotl.yaml", text)
        case "hf":
            write_json_atomic(folder / "train.json", hf(config, facts))
            script = resources.files("tunewright.tune.exports").joinpath("train_hf.py")
            write_text_atomic(folder / "train.py", script.read_text(encoding="utf-8"))


def _notes(config: ExportConfig) -> str:
    notes = (
        "# The rows hold token ids and labels; -100 is no loss. The loss of a step is its mean over labels.\n"
        "# To save memory, divide the batch size and multiply the accumulation steps: the loss stays.\n"
    )
    if config.packing:
        notes += (
            "# A step holds about as many examples as an unpacked one, not exactly.\n"
            "# Packing needs flash attention, or in TRL a model whose mask follows the positions.\n"
        )
    if config.tune.neftune is not None:
        notes += (
            "# NEFTune: this tool scales the noise by the padded or packed length, not by each document's.\n"
        )
    return notes


def hf(config: ExportConfig, facts: Facts) -> dict[str, Any]:
    """`train.json` of the script."""
    arguments = {**_steps(config, facts), "remove_unused_columns": False, "dataloader_pin_memory": False}
    return {"model": facts.model, "arguments": arguments}


def trl(config: ExportConfig, facts: Facts) -> dict[str, Any]:
    """What `trl sft` reads. Without packing the preparation is skipped; with it the rows are packed alone."""
    settings: dict[str, Any] = {
        "model_name_or_path": facts.model,
        "chat_template_path": f"{TOKENIZER}/chat_template.jinja",
        "dataset_name": "data",
        "dataset_train_split": "train",
        "max_length": config.tune.max_tokens if config.packing else facts.longest_tokens,
        "packing": config.packing,
    }
    if config.packing:
        settings["packing_strategy"] = "bfd"
    else:
        settings["dataset_kwargs"] = {"skip_prepare_dataset": True}
    settings |= {"completion_only_loss": False, "assistant_only_loss": False, "loss_type": "nll"}
    if facts.is_mixture:
        settings["router_aux_loss_coef"] = 0.0
    return {**settings, **_steps(config, facts), "output_dir": "trained"}


def _steps(config: ExportConfig, facts: Facts) -> dict[str, Any]:
    """The steps as our loop takes them, in the names of TrainingArguments."""
    tune = config.tune
    packs = facts.packs_of_step(config)
    steps: dict[str, Any] = {
        "num_train_epochs": tune.epochs,
        "per_device_train_batch_size": 1 if config.packing else tune.batch_size,
        "gradient_accumulation_steps": packs if config.packing else 1,
        "average_tokens_across_devices": True,
        "learning_rate": facts.lr,
        "lr_scheduler_type": "constant_with_warmup" if tune.schedule == "constant" else tune.schedule,
        "warmup_steps": tune.warmup,
        "optim": "adamw_torch",
        "weight_decay": tune.weight_decay,
        "max_grad_norm": tune.clip,
        "seed": tune.seed,
        "report_to": "none",
    }
    return steps | ({} if tune.neftune is None else {"neftune_noise_alpha": tune.neftune})


def axolotl(config: ExportConfig, facts: Facts) -> dict[str, Any]:
    """What `axolotl train` reads: rows without a `type` are taken as token ids."""
    tune = config.tune
    settings: dict[str, Any] = {
        "base_model": facts.model,
        "tokenizer_config": f"./{TOKENIZER}",
        "datasets": [
            {
                "path": f"{ROWS}.{config.rows}",
                "ds_type": "json" if config.rows == "jsonl" else "parquet",
            }
        ],
        "dataset_prepared_path": "prepared",
        "val_set_size": 0.0,
        "sequence_len": tune.max_tokens if config.packing else facts.longest_tokens,
        "excess_length_strategy": "raise",
        "sample_packing": config.packing,
        "num_epochs": tune.epochs,
        "micro_batch_size": 1 if config.packing else tune.batch_size,
        "gradient_accumulation_steps": facts.packs_of_step(config) if config.packing else 1,
        "learning_rate": facts.lr,
        "lr_scheduler": "constant_with_warmup" if tune.schedule == "constant" else tune.schedule,
        "warmup_ratio": tune.warmup,
        "optimizer": "adamw_torch",
        "weight_decay": tune.weight_decay,
        "max_grad_norm": tune.clip,
        "seed": tune.seed,
        "bf16": "auto",
        "output_dir": "trained",
    }
    if config.packing:  # without one named, Axolotl packs and lets documents see each other
        settings["attn_implementation"] = "flash_attention_2"
    if facts.pad_token is not None:
        settings["special_tokens"] = {"pad_token": facts.pad_token}
    return settings | ({} if tune.neftune is None else {"neftune_noise_alpha": tune.neftune})
