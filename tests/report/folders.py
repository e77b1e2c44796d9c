"""Run folders written by hand, with numbers small enough to check in the head.

Two held-out examples and two training examples. The file formats are those of `tune` and `evaluate`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

TRAIN, HELDOUT = ("t1", "t2"), ("h1", "h2")
BEGUN, FINISHED = "2026-01-02T03:04:05+00:00", "2026-01-02T03:05:05+00:00"
VERSIONS = {
    "tunewright": "0.1.0",
    "python": "3.11.0",
    "libraries": {"numpy": "2.0.0", "torch": "2.6.0"},
    "platform": "Linux",
    "cpu": "a processor",
    "num_cpus": 2,
}

# mean output loss by (arm, set) at epochs 0, 1 and 2, for every seed
LOSSES = {
    ("it", "train"): (8.0, 4.0, 3.0),
    ("it", "heldout"): (8.0, 4.5, 4.0),
    ("im", "train"): (8.0, 5.0, 4.5),
    ("im", "heldout"): (8.0, 5.5, 4.75),
}


def losses_of(arm: str, set_name: str) -> tuple[float, float, float]:
    """The losses of an arm on a set; any further arm has im's."""
    return LOSSES["it" if arm == "it" else "im", set_name]


def write_run(
    folder: Path,
    *,
    arms: Sequence[str] = ("it", "im"),
    seeds: Sequence[int] = (1, 2),
    name: str = "A small run",
    question: str = "Does it help?",
    data: str = "gone.jsonl",
    paired: Sequence[Mapping[str, Any]] | None = None,
    answer: str = "an answer",
    recipe_more: Mapping[str, Any] | None = None,
) -> Path:
    """A finished run; without `paired` the held-out difference at the end is +0.75 (0.5 to 1.0)."""
    folder.mkdir(parents=True, exist_ok=True)
    recipe = {
        "name": name,
        "question": question,
        "data": data,
        "heldout": {"heldout": "also-gone.jsonl"},
        "tune": {"model": "scratch:tiny"},
        "arms": {arm: {"objective": arm} for arm in arms},
        "seeds": list(seeds),
        **(recipe_more or {}),
    }
    _json(folder / "recipe.yaml", recipe)  # JSON is YAML
    for arm in arms:
        for seed in seeds:
            write_arm(folder / "tune" / f"{arm}-seed{seed}", arm, seed)
    if paired is None and len(arms) > 1:
        paired = [
            difference("heldout", 1, 1.0, (0.8, 1.2), seeds=len(seeds)),
            difference("heldout", 2, 0.75, (0.5, 1.0), seeds=len(seeds)),
            difference("heldout", 2, 0.75, (0.5, 1.0), seeds=len(seeds), best=(2, 2)),
        ]
    write_evaluation(folder / "evaluate", arms, seeds, paired or [], answer=answer)
    return folder


def write_arm(
    folder: Path, arm: str, seed: int, *, sets: Sequence[str] = ("train", "heldout"), objective: str = ""
) -> Path:
    """A finished `tunewright tune` folder."""
    (folder / "losses").mkdir(parents=True)
    for epoch in range(3):
        rows = [
            {"set": set_name, "id": record_id, "losses": {"output": [2 * losses_of(arm, set_name)[epoch], 2]}}
            for set_name in sets
            for record_id in (TRAIN if set_name == "train" else HELDOUT)
        ]
        _jsonl(folder / "losses" / f"epoch-{epoch}.jsonl", rows)
    steps = [{"step": n, "epoch": n, "loss": 8.0 - n, "num_tokens": 4, "num_seen": 150} for n in (1, 2)]
    _jsonl(folder / "metrics.jsonl", steps)
    weight = 1.0 if arm == "im" else 0.0
    tokens = [["<b>", "bos", 0.0], ["Name a bird", "instruction", weight], ["A wren", "output", 1.0]]
    _json(folder / "mask.json", [{"id": "t1", "tokens": tokens}])
    _jsonl(
        folder / "rejects.jsonl", [{"set": "train", "id": "t3", "reason": "too long", "detail": "9 tokens"}]
    )
    _json(folder / "manifest.json", manifest(arm, seed, sets, objective or arm))
    return folder


def manifest(arm: str, seed: int, sets: Sequence[str], objective: str) -> dict[str, Any]:
    """What `tune` writes last."""
    return {
        "stage": "tune",
        "fingerprint": f"print-{arm}-{seed}",
        "config": {
            "model": "scratch:tiny",
            "objective": objective,
            "epochs": 2,
            "lr": 0.001,
            "batch_size": 8,
            "schedule": "linear",
            "seed": seed,
        },
        "inputs": {"data": "d" * 64},
        "counts": {"records": 3, "train": 2, "dropped": 1, "steps": 2}
        | {f"heldout.{name}": 2 for name in sets if name != "train"},
        "created": BEGUN,
        "finished": FINISHED,
        "seconds": 20.0,
        "resumed": False,
        "versions": VERSIONS,
        "extra": {
            "objective": {
                "name": objective,
                "normalisation": "token_mean",
                "weights": {"output": 1.0} | ({"instruction": 1.0} if arm == "im" else {}),
                "effective_output_share": 0.25 if arm == "im" else 1.0,
                "weighted_tokens_per_epoch": 1200 if arm == "im" else 300,
            },
            "tokens_by_role": {"instruction": 900, "output": 300},
            "dropped": {"too long": 1},
            "rows_digest": "r" * 64,
            "template_sha256": "a" * 64,
            "tokenizer_sha256": "b" * 64,
            "stop_token": "<|end|>",
            "appends_eos": False,
            "num_parameters": 1_000_000,
            "num_trainable": 1_000_000,
            "lr": 0.001,
            "dtype": "float32",
            "device": "cpu",
            "layout": "packed, attention per document",
            "train_seconds": 10.0,
            "peak_bytes": 512 * 2**20,
            "cuda_peak_bytes": None,
            "threads": 2,
        },
    }


def write_evaluation(
    folder: Path,
    arms: Sequence[str],
    seeds: Sequence[int],
    paired: Sequence[Mapping[str, Any]],
    *,
    answer: str = "an answer",
) -> None:
    """A finished `evaluate` folder."""
    folder.mkdir(parents=True, exist_ok=True)
    distributions = [
        {
            "arm": arm,
            "set": set_name,
            "epoch": epoch,
            "num_examples": 2,
            "num_seeds": len(seeds),
            "mean": losses_of(arm, set_name)[epoch],
            "interval": {
                "low": losses_of(arm, set_name)[epoch] - 0.25,
                "high": losses_of(arm, set_name)[epoch] + 0.25,
            },
            "median": 1.0,
            "p10": 0.5,
            "p90": 2.0,
        }
        for arm in arms
        for set_name in ("train", "heldout")
        for epoch in range(3)
    ]
    _json(folder / "distributions.json", distributions)
    _json(folder / "paired.json", list(paired))
    scores: list[dict[str, Any]] = []
    for arm in arms:
        for number, seed in enumerate(seeds):
            memorisation = {
                "bleu": 20.0 + 10 * number,
                "signature": "nrefs:1|tok:13a",
                "exact_share": 0.5,
                "num_prompts": 10,
            }
            found = {
                "arm": arm,
                "seed": seed,
                "num_answers": 10,
                "exact_output_share": 0.5,
                "stopped_share": 1.0,
            }
            scores += [{**found, "set": "train", "memorisation": memorisation}, {**found, "set": "heldout"}]
    _json(folder / "answers.json", scores)
    answers = [
        {
            "arm": arm,
            "seed": seed,
            "set": "heldout",
            "record_id": record_id,
            "expected": "A wren",
            "text": answer,
            "stopped": True,
        }
        for arm in arms
        for seed in seeds
        for record_id in HELDOUT
    ]
    _jsonl(folder / "answers.jsonl", answers)
    prints = {f"{arm}-seed{seed}": f"print-{arm}-{seed}" for seed in seeds for arm in arms}
    done = {"stage": "evaluate", "config": {}, "inputs": prints, "created": BEGUN, "finished": FINISHED}
    _json(folder / "manifest.json", {**done, "fingerprint": "e", "versions": VERSIONS})


def difference(
    set_name: str,
    epoch: int,
    value: float,
    interval: tuple[float, float],
    *,
    seeds: int = 2,
    by_seed: Sequence[float] | None = None,
    best: tuple[int, int] | None = None,
) -> dict[str, Any]:
    """A row of `paired.json`, im minus it."""
    row: dict[str, Any] = {
        "at": "best" if best else "epoch",
        "first": "it",
        "second": "im",
        "set": set_name,
        "epoch": epoch,
        "num_examples": 300,
        "num_seeds": seeds,
        "difference": value,
        "interval": {"low": interval[0], "high": interval[1]},
        "share_lower": 0.4,
        "by_seed": list(by_seed or [value] * seeds),
    }
    return row | ({"epochs": list(best)} if best else {})


def _json(path: Path, value: Any) -> None:
    path.write_text(json.dumps(value, indent=1), encoding="utf-8")


def _jsonl(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
