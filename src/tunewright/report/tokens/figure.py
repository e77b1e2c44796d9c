"""Loss by epoch for one group of tokens: held-out rows as full lines, training rows as thin dashed ones."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tunewright.evaluate.loss_tables import Table
from tunewright.report import words
from tunewright.report.figures import WIDTH, Look
from tunewright.run.svg_figure import INK, RULE, svg_figure


def curves(name: str, tables: Sequence[Table], looks: dict[str, Look], *, sets: tuple[str, str]) -> str:
    """Mean loss by epoch, one colour an arm; `sets` are the training rows and the held-out set drawn."""

    def draw(axes: Any) -> None:
        ends = []
        for arm, look in looks.items():
            for set_name in sets:
                points = sorted((t.epoch, float(t.losses_SN.mean())) for t in tables if _is(t, arm, set_name))
                if not points:
                    continue
                held = set_name != sets[0]
                axes.plot(
                    [epoch for epoch, _ in points],
                    [loss for _, loss in points],
                    color=look.colour,
                    linewidth=1.9 if held else 1.1,
                    linestyle="-" if held else (0, (4, 2)),
                    marker=look.mark,
                    markersize=4 if held else 3.2,
                    markerfacecolor=look.colour if held else "white",
                )
                ends.append((points[-1], f"{arm[:9]} {'held-out' if held else 'train'}"))
        last = max(epoch for (epoch, _), _ in ends)
        bottom, top = axes.get_ylim()
        place = bottom
        for (_, loss), label in sorted(ends, key=lambda end: end[0][1]):
            place = max(loss, place)
            axes.text(last * 1.04, place, label, color=INK, va="center", clip_on=False)
            place += (top - bottom) * 0.085
        axes.set_xlim(-0.1, last)
        axes.set_xticks(range(0, last + 1, max(1, last // 6)))
        axes.set_xlabel("epoch")
        axes.set_ylabel("nats/token")
        axes.grid(axis="y", color=RULE, linewidth=0.6)
        axes.set_axisbelow(True)

    return svg_figure(name, draw, size=(WIDTH, 2.5), margins=(0.13, 0.7, 0.17, 0.97), font="var(--sans)")


def in_words(tables: Sequence[Table], arms: Sequence[str], *, sets: tuple[str, str]) -> str:
    """The figure for those who do not see it: first and last value of every line."""
    parts = []
    for arm in arms:
        for set_name in sets:
            points = sorted((t.epoch, float(t.losses_SN.mean())) for t in tables if _is(t, arm, set_name))
            if points:
                ends = f"{words.number(points[0][1])} to {words.number(points[-1][1])}"
                parts.append(f"{arm} on {set_name} from {ends}")
    return f"Loss by epoch: {'; '.join(parts)}."


def _is(table: Table, arm: str, set_name: str) -> bool:
    return (table.arm, table.set) == (arm, set_name)
