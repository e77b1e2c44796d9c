"""Tunewright's own steps, as its stage takes them: `take_step` on a `Network`, default pack size."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from cells import BATCH
from worker import Meter, serve

from tunewright.tune.config import TuneConfig
from tunewright.tune.examples import Example
from tunewright.tune.loop import take_step
from tunewright.tune.model import load_model, load_tokenizer
from tunewright.tune.network import Network
from tunewright.tune.objective_names import parse_objective


def run(job: dict[str, Any]) -> dict[str, Any]:
    torch.set_num_threads(1)
    rows = json.loads(Path(job["data"]).read_text())[: BATCH * (1 + job["num_steps"])]
    examples = [
        Example(row["id"], np.array(row["ids"]), np.array(row["roles"], dtype=np.int8)) for row in rows
    ]
    config = TuneConfig(
        model=job["model"], objective=job["objective"], batch_size=BATCH, schedule="constant", lr=job["lr"]
    )
    model = load_model(job["model"], load_tokenizer(job["model"], ()), seed=0)
    network = Network.prepare(model, dtype=torch.bfloat16 if job["precision"] == "bf16" else torch.float32)
    optimizer = torch.optim.AdamW(model.parameters(), lr=job["lr"], weight_decay=0.0, fused=True)
    objective = parse_objective(job["objective"])
    meter = Meter()
    for step in range(1 + job["num_steps"]):
        batch = examples[step * BATCH : (step + 1) * BATCH]
        took = take_step(
            network, optimizer, batch, objective=objective, config=config, lr=job["lr"], step=step, epoch=0
        )
        meter.note(loss=took.loss, real=took.num_seen, supervised=took.num_tokens, slots=took.num_seen)
        meter.end_step()
    return meter.result()


if __name__ == "__main__":
    serve(run)
