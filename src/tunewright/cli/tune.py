"""`tunewright tune DATA --model SPEC --objective it|im --out DIR`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from tunewright.cli.run import Again, Out
from tunewright.cli.show import error, sink_for
from tunewright.errors import DataError, ProcessLost, RecipeError

Data = Annotated[str, typer.Argument(help="A file, a data-set folder or a Hugging Face id.")]
Model = Annotated[str, typer.Option("--model", "-m", help="Hugging Face id, folder, or scratch:tiny|small.")]
Objective = Annotated[
    str,
    typer.Option(
        help="it: loss on outputs; im: on instructions too; plw:0.25: with that weight; wit:0.2/0.8: both "
        "weighted; instruction_only; output_preserving[:W]; it_example_weighted. @paper or @released-code "
        "after it: that arithmetic."
    ),
]
Normalised = Annotated[
    str | None,
    typer.Option(
        help="token_mean, weight_mean, example_mean, sum or output_preserving [default: the objective's own]."
    ),
]
RoleWeights = Annotated[
    list[str] | None,
    typer.Option("--role-weight", help="ROLE=WEIGHT, such as explanation=0.5 or system=1; may be repeated."),
]
Template = Annotated[
    str | None,
    typer.Option("--chat-template", help="tulu, chatml or a Jinja file; default: the model's own."),
]
Format = Annotated[
    str | None,
    typer.Option(
        "--format",
        help="How to read DATA if it cannot be told: alpaca, messages, sharegpt, self_instruct, "
        "prompt_completion, native.",
    ),
]


def command(
    data: Data,
    out: Out,
    model: Model = "scratch:tiny",
    objective: Objective = "it",
    heldout: Annotated[
        list[str] | None, typer.Option(help="FILE or NAME=FILE to measure on; may be repeated.")
    ] = None,
    holdout: Annotated[
        int, typer.Option(min=0, help="Rows of DATA kept out of training and measured on.")
    ] = 0,
    holdout_by: Annotated[str | None, typer.Option(help="Column whose values stay on one side.")] = None,
    epochs: Annotated[int, typer.Option(min=1, help="Passes over the data.")] = 3,
    lr: Annotated[
        float | None,
        typer.Option(help="Peak learning rate [default: 2e-3 scratch, 2e-4 LoRA, 2e-5 full]."),
    ] = None,
    batch_size: Annotated[int, typer.Option(min=1, help="Examples per optimizer step.")] = 16,
    seed: Annotated[int, typer.Option(help="Order, dropout and new weights.")] = 1,
    normalisation: Normalised = None,
    role_weight: RoleWeights = None,
    record_weight: Annotated[
        str | None, typer.Option(help="Column with a number that multiplies the record's loss.")
    ] = None,
    neftune: Annotated[
        float | None, typer.Option(help="Strength of noise on the embeddings; 5 is usual.")
    ] = None,
    kl: Annotated[
        float | None, typer.Option(help="Weight of the divergence from the model as it was.")
    ] = None,
    max_tokens: Annotated[
        int, typer.Option(help="Longer examples are dropped (or cut) in every arm.")
    ] = 1024,
    too_long: Annotated[
        str, typer.Option(help="drop the row, or cut its end: then it teaches no stopping.")
    ] = "drop",
    schedule: Annotated[str, typer.Option(help="linear, cosine or constant.")] = "linear",
    warmup: Annotated[float, typer.Option(help="Share of the steps.")] = 0.03,
    weight_decay: Annotated[float, typer.Option()] = 0.0,
    lora: Annotated[
        int | None, typer.Option(help="Rank of a LoRA adapter [default: train all weights].")
    ] = None,
    adapter: Annotated[str, typer.Option(help="With --lora: lora, dora, or qlora (CUDA).")] = "lora",
    lora_targets: Annotated[
        str | None, typer.Option(help="q_proj,v_proj or a regular expression [default: all but the head].")
    ] = None,
    lora_dropout: Annotated[float, typer.Option(help="Dropout before the adapter.")] = 0.0,
    save: Annotated[
        str, typer.Option(help="merged: one ordinary model; adapter: the adapter alone.")
    ] = "merged",
    checkpointing: Annotated[
        bool, typer.Option("--checkpointing", help="Less memory, more time, the same gradients.")
    ] = False,
    patience: Annotated[
        int | None, typer.Option(help="Stop after so many epochs without a lower held-out output loss.")
    ] = None,
    keep: Annotated[str, typer.Option(help="Save the last epoch's weights, or the best one's.")] = "last",
    stop_on: Annotated[
        str | None, typer.Option(help="Held-out set that decides [default: the first].")
    ] = None,
    tracker: Annotated[
        list[str] | None, typer.Option(help="Also log to tensorboard, wandb or mlflow; may be repeated.")
    ] = None,
    explanation: Annotated[bool, typer.Option(help="Train on explanations too.")] = True,
    precision: Annotated[str, typer.Option(help="auto, f32 or bf16.")] = "auto",
    chat_template: Template = None,
    format: Format = None,
    nproc: Annotated[
        int | None, typer.Option(min=1, help="Processes on this machine that train together, one a device.")
    ] = None,
    sharding: Annotated[
        str, typer.Option(help="With --nproc: none, or fsdp: weights split over the processes.")
    ] = "none",
    again: Again = False,
) -> None:
    """Tune one model and measure it after every epoch.

    DIR/model is an ordinary transformers folder; DIR/mask.html shows where the loss went. Ctrl-C or a kill
    loses at most seconds: the same command goes on.

    Example: tunewright tune my.jsonl --model scratch:tiny --objective im --holdout 200 --out runs/im
    """
    from tunewright.tune.launch import LOST_ANOTHER, is_first, run_processes, should_launch

    if should_launch(nproc):
        assert nproc is not None
        raise typer.Exit(run_processes(sys.argv[1:], nproc))
    from tunewright.pipeline.stages import part, read_all
    from tunewright.run.config import parse_config
    from tunewright.run.progress import NullSink, Progress
    from tunewright.tune.config import TuneConfig

    given: dict[str, Any] = {
        "model": model,
        "objective": objective,
        "epochs": epochs,
        "lr": lr,
        "batch_size": batch_size,
        "seed": seed,
        "normalisation": normalisation,
        "role_weights": role_weights_of(role_weight or []),
        "record_weight": record_weight,
        "neftune": neftune,
        "kl": kl,
        "max_tokens": max_tokens,
        "too_long": too_long,
        "schedule": schedule,
        "warmup": warmup,
        "weight_decay": weight_decay,
        "lora": lora,
        "adapter": adapter,
        "lora_targets": lora_targets,
        "lora_dropout": lora_dropout,
        "save": save,
        "checkpointing": checkpointing,
        "patience": patience,
        "keep": keep,
        "stop_on": stop_on,
        "trackers": tracker or [],
        "explanation": explanation,
        "sharding": sharding,
        "precision": precision,
        "chat_template": chat_template,
    }
    config = parse_config(TuneConfig, given, where="the command line")
    if holdout_by is not None and not holdout:
        raise RecipeError("--holdout-by says how rows are held out; say how many with --holdout")
    progress = Progress(sink_for() if is_first() else NullSink())
    rejects: list[Any] = []
    records = read_all(data, rejects.append, progress=progress, format=format)
    files = named_files(heldout or [])
    sets = {name: read_all(file, rejects.append, progress=progress) for name, file in files.items()}
    parted = part(records, sets, num_holdout=holdout, by=holdout_by)
    from tunewright.tune.stage import tune

    was_done = not again and (out / "manifest.json").exists()
    try:
        manifest = tune(
            config, parted.train, out, heldout=parted.heldout, rejects=rejects, progress=progress, again=again
        )
    except ProcessLost as lost:
        error(str(lost))
        raise typer.Exit(LOST_ANOTHER) from lost
    if not is_first():
        return
    if was_done:
        typer.echo(f"note: {out} was finished before; nothing was trained or tracked now")
    _print_losses(out, manifest)


def role_weights_of(texts: list[str]) -> dict[str, float]:
    """`explanation=0.5` and so on as the setting of that name."""
    weights = {}
    for text in texts:
        role, _, number = text.partition("=")
        try:
            weights[role] = float(number)
        except ValueError:
            raise RecipeError(f"--role-weight {text!r}: write ROLE=WEIGHT, such as system=1") from None
    return weights


def named_files(files: list[str]) -> dict[str, str]:
    """Set name → file. `NAME=FILE` names a set; a bare file is called by its stem."""
    named: dict[str, str] = {}
    for text in files:
        name, sign, file = text.partition("=")
        if not sign or Path(text).exists():
            name, file = Path(text).name.split(".")[0], text
        if name in named:
            raise DataError(f"two held-out sets are called {name!r}: {named[name]} and {file}; use NAME=FILE")
        named[name] = file
    return named


def _print_losses(out: Path, manifest: dict[str, Any]) -> None:
    from tunewright.evaluate.loss_tables import Arm, read_losses
    from tunewright.evaluate.losses import describe_losses

    arm = Arm(manifest["config"]["objective"], manifest["config"]["seed"], out)
    counts = manifest["counts"]
    typer.echo(
        f"{counts['train']:,} rows trained on, {counts['dropped']:,} dropped ({out / 'rejects.jsonl'})"
    )
    for name, count in counts.items():
        if name.startswith("dropped.") and count:
            typer.echo(f"{counts['heldout.' + name[8:]]:,} rows of {name[8:]} measured on, {count:,} dropped")
    for table in read_losses([arm]):
        found = describe_losses(table)
        interval = f"[{found.interval.low:.3f}, {found.interval.high:.3f}]"
        typer.echo(f"epoch {found.epoch}  {found.set:<10} output loss {found.mean:.3f} {interval}")
    for name, count in manifest["extra"]["heldout_prompts_in_training"].items():
        if count:
            typer.echo(f"note: {count:,} prompts of {name} are in the training rows too: they measure memory")
    if not manifest["extra"]["matches_generation_prompt"]:
        typer.echo(
            "note: this chat template's generation prompt is not what stood before the answers in training; "
            "a chat call may meet a prompt that the model never saw"
        )
    typer.echo(f"model: {out / 'model'}")
