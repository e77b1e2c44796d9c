"""AlpacaEval 2's published numbers from its per-example preferences, model by model.

python benchmarks/alpaca_eval_replay.py DATA

DATA is the folder with `annotations.csv.gz`, `published_leaderboard.csv`, `published_glm_weights.csv`,
`instruction_difficulty_recovered.csv` and `df_gamed_equivalent.csv` (not part of this repository). Prints a
Markdown table of differences from the published numbers, in points: the win rate and its standard error, the
rate at equal length and its standard error from published weights, and our own fit joined by position (as
published) and by instruction. About 10 CPU-seconds.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

from tunewright.evaluate.winrate.files import read_annotations
from tunewright.evaluate.winrate.join import JoinBy
from tunewright.evaluate.winrate.preference import Annotation
from tunewright.evaluate.winrate.rates import rates
from tunewright.evaluate.winrate.summary import LengthControl, controlled_rate
from tunewright.evaluate.winrate.tables import (
    read_difficulties,
    read_gamed,
    read_leaderboard,
    read_weights,
)

OTHER_WEIGHTS = "NullModel"  # its published weights are of another fit than its published rate
ALL_INSTRUCTIONS = 805


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    data: Path = parser.parse_args().data
    started = time.process_time()
    models: dict[str, list[Annotation]] = {}
    for one in read_annotations(data / "annotations.csv.gz"):
        models.setdefault(one.generator_2, []).append(one)
    published = read_leaderboard(data / "published_leaderboard.csv")
    gamma = read_difficulties(data / "instruction_difficulty_recovered.csv")
    gamed = read_gamed(data / "df_gamed_equivalent.csv")
    weights = read_weights(data / "published_glm_weights.csv")
    ways = {
        "given weights": LengthControl(difficulties=gamma, weights=weights, by=JoinBy.POSITION),
        "fit": LengthControl(difficulties=gamma, gamed=gamed, by=JoinBy.POSITION),
        "fit, by instruction": LengthControl(difficulties=gamma, gamed=gamed),
    }
    gaps: dict[str, dict[str, float]] = {}
    lines = []
    for name, its in sorted(
        models.items(), key=lambda item: -published[item[0]]["length_controlled_winrate"]
    ):
        known, plain = published[name], rates(its)
        found = {way: controlled_rate(its, control) for way, control in ways.items()}
        given = found["given weights"]
        assert plain.standard_error is not None
        assert given.standard_error is not None
        rate = known["length_controlled_winrate"]
        gaps[name] = {
            "win rate": plain.win_rate - known["win_rate"],
            "s.e.": plain.standard_error - known["standard_error"],
            "given weights": given.win_rate - rate,
            # the leaderboard has no such error of a few models
            "their s.e.": given.standard_error - (known["lc_standard_error"] or given.standard_error),
            "fit": found["fit"].win_rate - rate,
            "fit, by instruction": found["fit, by instruction"].win_rate - rate,
        }
        free = controlled_rate(its, LengthControl())
        shown = " | ".join(_shown(gap) for gap in gaps[name].values())
        error = found["fit, by instruction"].sampling_error
        at_equal = f"{free.win_rate:.1f} ± {free.sampling_error:.1f}"
        lines.append(f"| {name} | {len(its)} | {rate:.2f} | {shown} | ±{error:.2f} | {at_equal} |")
    columns = list(next(iter(gaps.values())))
    print("| model | rows | published |", " | ".join(columns), "| our error | without γ |")
    print("|" + " --- |" * (len(columns) + 5))
    print("\n".join(lines))
    short = {name for name, its in models.items() if len(its) < ALL_INSTRUCTIONS}
    for label, left_out in (
        ("largest", set()),
        (f"largest without {OTHER_WEIGHTS}", {OTHER_WEIGHTS}),
        (f"largest without {', '.join(sorted(short))}", short),
    ):
        worst = [max(abs(gap[way]) for name, gap in gaps.items() if name not in left_out) for way in columns]
        print(f"| {label} | | |", " | ".join(_shown(gap) for gap in worst), "| | |")
    print(f"\n{time.process_time() - started:.1f} CPU-seconds")


def _shown(gap: float) -> str:
    bound = next((bound for bound in ("1e-6", "1e-4") if abs(gap) < float(bound)), None)
    return f"{gap:.4f}" if bound is None else f"< {bound}"


if __name__ == "__main__":
    main()
