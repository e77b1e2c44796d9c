"""Not a contender: how fast this core multiplies at the model's own shapes, and at its best."""

from __future__ import annotations

import statistics
import time
from typing import Any

import torch
from cells import MODEL, VOCABULARY, linear_shapes
from worker import serve

SECONDS = 0.12  # for each product


def run(job: dict[str, Any]) -> dict[str, Any]:
    """GFLOP/s of the products of one step (`tokens` rows in the blocks, `supervised` in the head).

    `own_shapes` is all products of the step in their proportions, each alone with its operands in place:
    forward, gradient of the input, gradient of the weight. `square` is 1,536 × 1,536.
    """
    torch.set_num_threads(1)
    dtype = torch.bfloat16 if job["precision"] == "bf16" else torch.float32
    layers = MODEL["num_hidden_layers"]
    shapes = [(job["tokens"], *shape, layers) for shape in linear_shapes()]
    shapes.append((job["supervised"], VOCABULARY, MODEL["hidden_size"], 1))
    flops = seconds = 0.0
    for rows, outputs, inputs, times in shapes:
        x = torch.randn(rows, inputs).to(dtype)
        weight = torch.randn(outputs, inputs).to(dtype)
        slope = torch.randn(rows, outputs).to(dtype)
        for left, right in ((x, weight.T), (slope, weight), (slope.T, x)):
            seconds += times * seconds_of(left, right)
            flops += times * 2.0 * rows * outputs * inputs
    square = torch.randn(1536, 1536).to(dtype)
    return {
        "own_shapes": flops / seconds / 1e9,
        "square": 2 * 1536**3 / seconds_of(square, square) / 1e9,
    }


def seconds_of(left: torch.Tensor, right: torch.Tensor) -> float:
    """CPU seconds of one product, the median of those that fit into the time."""
    out = torch.empty(left.shape[0], right.shape[1], dtype=left.dtype)
    torch.mm(left, right, out=out)  # the first call sets up threads and kernels
    taken: list[float] = []
    while sum(taken) < SECONDS:
        began = time.process_time()
        torch.mm(left, right, out=out)
        taken.append(time.process_time() - began)
    return statistics.median(taken)


if __name__ == "__main__":
    serve(run)
