"""What the measurements say: the check that all contenders did the same work, and the tables."""

from __future__ import annotations

import statistics
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

SAME_LOSS = 1e-4  # relative, in float32


@dataclass
class Result:
    """One contender on one cell, once. `flops` are those needed; the first of `steps` is the warm-up."""

    cell: str
    contender: str
    repeat: int
    flops: float
    limits: dict[str, float]
    steps: list[dict[str, float]]
    peak_mib: float
    all_seconds: float

    @property
    def seconds(self) -> float:
        return self.total("seconds")

    def total(self, name: str) -> float:
        return sum(step[name] for step in self.steps[1:])

    def share_of_limit(self, name: str) -> float:
        """Of the multiplications this core could have done in the same time."""
        return self.flops / self.seconds / 1e9 / self.limits[name]


def check_same_losses(results: Iterable[Result]) -> None:
    """Every step of every float32 contender has the loss of the cell's first, or the benchmark ends here."""
    first: dict[tuple[str, int], tuple[str, float]] = {}
    for result in results:
        if not result.cell.endswith("f32"):
            continue
        for number, step in enumerate(result.steps):
            name, loss = first.setdefault((result.cell, number), (result.contender, step["loss"]))
            if not abs(step["loss"] - loss) <= SAME_LOSS * abs(loss):
                sys.exit(
                    f"{result.cell}, step {number}: the loss of {result.contender} is {step['loss']:.6f}, "
                    f"that of {name} {loss:.6f}; they do not do the same work"
                )


def tables(results: list[Result]) -> str:
    """A table for each cell, and one of how Tunewright stands to its rivals."""
    text = []
    cells = list(dict.fromkeys(result.cell for result in results))
    for cell in cells:
        here = [result for result in results if result.cell == cell]
        limits = {name: statistics.median(r.limits[name] for r in here) for name in here[0].limits}
        text.append(
            f"**{cell}**: {here[0].total('real'):,.0f} tokens, {here[0].total('supervised'):,.0f} of them "
            f"supervised; limit {limits['own_shapes']:.0f} GFLOP/s at the model's shapes, "
            f"{limits['square']:.0f} at its best\n"
        )
        text.append(
            "| | slots | CPU s (spread) | tokens / CPU s | supervised | peak MiB | of limit | of best |"
        )
        text.append("| --- | --- | --- | --- | --- | --- | --- | --- |")
        for name in dict.fromkeys(result.contender for result in here):
            text.append(row([result for result in here if result.contender == name]))
        text.append("")
    return "\n".join(text + standing(results, cells)) + "\n"


def row(repeats: list[Result]) -> str:
    seconds = sorted(result.seconds for result in repeats)
    middle = statistics.mean(seconds)
    one = repeats[0]
    shares = [statistics.mean(r.share_of_limit(name) for r in repeats) for name in ("own_shapes", "square")]
    return (
        f"| {one.contender} | {one.total('slots'):,.0f} "
        f"| {middle:.1f} ({seconds[0]:.1f} to {seconds[-1]:.1f}) "
        f"| {one.total('real') / middle:,.0f} | {one.total('supervised') / middle:,.0f} "
        f"| {peak(repeats):,.0f} | {shares[0]:.0%} | {shares[1]:.0%} |"
    )


def standing(results: list[Result], cells: list[str]) -> list[str]:
    """Tunewright over its rivals; the best TRL is the fastest, and the smallest, of all that ran."""
    text = [
        "| cell | × best TRL | × TRL 1.16 padded | × transformers | memory: of the best TRL |",
        "| --- | --- | --- | --- | --- |",
    ]
    for cell in cells:
        by: dict[str, list[Result]] = {}
        for result in results:
            if result.cell == cell:
                by.setdefault(result.contender, []).append(result)
        trl = {name: repeats for name, repeats in by.items() if name.startswith("trl")}
        if "tunewright" not in by or not trl:
            continue
        ours, ours_mib = rate(by["tunewright"]), peak(by["tunewright"])
        fastest = max(trl, key=lambda name: rate(trl[name]))
        smallest = min(trl, key=lambda name: peak(trl[name]))
        others: list[Any] = [
            f"{ours / rate(by[name]):.2f}" if name in by else ""
            for name in ("trl-1.16 padded", "transformers")
        ]
        text.append(
            f"| {cell} | {ours / rate(trl[fastest]):.2f} ({fastest[4:]}) | {others[0]} | {others[1]} "
            f"| {ours_mib / peak(trl[smallest]):.2f} ({smallest[4:]}) |"
        )
    return text


def rate(repeats: list[Result]) -> float:
    return repeats[0].total("real") / statistics.mean(result.seconds for result in repeats)


def peak(repeats: list[Result]) -> float:
    return max(result.peak_mib for result in repeats)
