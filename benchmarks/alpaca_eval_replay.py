"""AlpacaEval 2's published numbers from its per-example preferences, model by model.

python benchmarks/alpaca_eval_replay.py DATA

DATA is the folder with `annotations.csv.gz`, `published_leaderboard.csv`, `published_glm_weights.csv`,
`instruction_difficulty_recovered.csv` and `df_gamed_equivalent.csv` (not part of this repository). Prints a
Markdown table of differences from the published rates: the win rate, the rate at equal length from published
weights, and our own fit joined by position (as published) and by instruction. About 15 CPU-seconds.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

from tunewright.evaluate.winrate.files import (
    read_annotations,
    read_difficulties,
    read_gamed,
    read_leaderboard,
    read_weights,
)
from tunewright.evaluate.winrate.join import JoinBy
from tunewright.evaluate.winrate.preference import Annotation
from tunewright.evaluate.winrate.rates import rates
from tunewright.evaluate.winrate.summary import LengthControl, controlled_rate


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    data: Path = parser.parse_args().data
    models: dict[str, list[Annotation]] = {}
    for one in read_annotations(data / "annotations.csv.gz"):
        models.setdefault(one.generator_2, []).append(one)
    published = read_leaderboard(data / "published_leaderboard.csv")
    gamma = read_difficulties(data / "instruction_difficulty_recovered.csv")
    gamed = read_gamed(data / "df_gamed_equivalent.csv")
    weights = read_weights(data / "published_glm_weights.csv")
    ways = {
        "given weights": LengthControl(difficulties=gamma, weights=weights, by=JoinBy.POSITION),
        "given weights, by instruction": LengthControl(difficulties=gamma, weights=weights),
        "fit": LengthControl(difficulties=gamma, gamed=gamed, by=JoinBy.POSITION),
        "fit, by instruction": LengthControl(difficulties=gamma, gamed=gamed),
    }
    print("| model | rows | win rate | s.e. |", " | ".join(ways), "| our error | without γ |")
    print("|" + " --- |" * (len(ways) + 6))
    started = time.process_time()
    worst = dict.fromkeys(["win rate", "s.e.", *ways], 0.0)
    for name, its in sorted(
        models.items(), key=lambda item: -published[item[0]]["length_controlled_winrate"]
    ):
        known, plain = published[name], rates(its)
        gaps = {
            "win rate": plain.win_rate - known["win_rate"],
            "s.e.": (plain.standard_error or 0.0) - known["standard_error"],
        }
        found = {way: controlled_rate(its, control) for way, control in ways.items()}
        gaps |= {way: one.win_rate - known["length_controlled_winrate"] for way, one in found.items()}
        worst = {column: max(worst[column], abs(gap)) for column, gap in gaps.items()}
        free = controlled_rate(its, LengthControl())
        shown = " | ".join(f"{gap:.1e}" if abs(gap) < 1e-3 else f"{gap:.3f}" for gap in gaps.values())
        error = found["fit, by instruction"].sampling_error
        at_equal = f"{free.win_rate:.1f} ± {free.sampling_error:.1f}"
        print(f"| {name} | {len(its)} | {shown} | ±{error:.2f} | {at_equal} |")
    print("| largest | |", " | ".join(f"{gap:.1e}" for gap in worst.values()), "| | |")
    print(f"\n{time.process_time() - started:.1f} CPU-seconds")


if __name__ == "__main__":
    main()
