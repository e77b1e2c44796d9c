"""Fits the table behind `level_of` and measures it on sentences that it was not fitted to.

python benchmarks/cefr_levels.py DATA [--write]

DATA is the folder with `elpa/cefr_sp_wiki/` and `elpa/onestop_qa/` (not part of this repository). Prints
tables as Markdown; with --write renews src/tunewright/generate/levels/fit.json, fitted to the four fifths
of the sentences that the split with seed 0 leaves for it, so that the last fifth stays unseen by what is
shipped. About 30 CPU-seconds.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import time
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tunewright.generate.items import generate_items
from tunewright.generate.levels import FEATURES, LEVELS, features, level_of, readability
from tunewright.generate.levels.estimate import FARTHEST, Fit, LevelEstimate
from tunewright.generate.seeds import load_seeds

TARGET = Path(__file__).resolve().parents[1] / "src/tunewright/generate/levels/fit.json"
HELD_OUT = 0.2
SPLIT_SEED = 0
# Ridge penalties, in sentences: on the measures, and on the some 150 affix counts, which are many and sparse.
PENALTY = 100.0
AFFIX_PENALTY = 500.0
AFFIXES = np.array([name.startswith("-") or name.endswith("-") for name in FEATURES])
Array = NDArray[np.float64]
Rows = NDArray[np.int64]


@dataclass(frozen=True)
class Sentences:
    """Texts and what each of two experts gave them, 0 (A1) to 5 (C2); `part` is the publisher's split."""

    texts: list[str]
    first: Array
    second: Array
    part: NDArray[np.str_]

    @property
    def mean(self) -> Array:
        return (self.first + self.second) / 2

    def at(self, rows: Rows) -> Sentences:
        return Sentences(
            [self.texts[row] for row in rows], self.first[rows], self.second[rows], self.part[rows]
        )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path)
    parser.add_argument("--write", action="store_true", help="renew fit.json")
    arguments = parser.parse_args()
    sentences = read_sentences(arguments.data / "elpa/cefr_sp_wiki")
    values = np.array([list(features(text).values()) for text in sentences.texts])
    rows = np.random.default_rng(SPLIT_SEED).permutation(len(values))
    held_out, fitted = np.split(rows, [round(HELD_OUT * len(rows))])
    if arguments.write:
        write(fit(values[fitted], sentences.at(fitted)), sentences, fitted)
    print_experts(sentences)
    print_splits(values, sentences, held_out, fitted)
    print_shipped(sentences, held_out)
    print_ablations(values, sentences)
    print_passages(arguments.data)
    print_speed(sentences.texts)


def read_sentences(folder: Path) -> Sentences:
    rows = [
        (*line.split("\t"), path.stem.rsplit("_", 1)[-1])
        for path in sorted(folder.glob("*.txt"))
        for line in path.read_text("utf-8").split("\n")
        if line
    ]
    texts, first, second, part = zip(*rows, strict=True)
    return Sentences(list(texts), np.array(first, float) - 1, np.array(second, float) - 1, np.array(part))


def fit(values: Array, sentences: Sentences) -> Fit:
    """Ridge regression in closed form, and thresholds that give each level as often as the experts do.

    The mean of two experts, and even more its regression, draws the ends in: with thresholds at 0.5, 1.5, …
    hardly any sentence would be A1 or C2.
    """
    target = sentences.mean
    means = values.mean(axis=0)
    scales = values.std(axis=0)
    scales[scales == 0] = 1.0
    standard = np.clip((values - means) / scales, -FARTHEST, FARTHEST)
    penalty = np.diag(np.where(AFFIXES, AFFIX_PENALTY, PENALTY))
    coefficients = np.linalg.solve(standard.T @ standard + penalty, standard.T @ (target - target.mean()))
    model = Fit(means, scales, coefficients, float(target.mean()), ())
    given = np.concatenate([sentences.first, sentences.second])
    shares = [float(np.mean(given <= level)) for level in range(len(LEVELS) - 1)]
    thresholds = np.quantile(predict(model, values), shares)
    return replace(model, thresholds=tuple(round(float(threshold), 4) for threshold in thresholds))


def predict(model: Fit, values: Array) -> Array:
    return np.array([model.score(row) for row in values])


def levels_at(model: Fit, scores: Array) -> Array:
    return np.searchsorted(model.thresholds, scores, side="right").astype(float)


def share_within_one(levels: Array, means: Array) -> float:
    """The share of sentences whose level is at most one from the experts' mean: the band holds it."""
    return float(np.mean(np.abs(levels - means) <= 1))


def spearman(x: Array, y: Array) -> float:
    return float(np.corrcoef(ranks(x), ranks(y))[0, 1])


def ranks(x: Array) -> Array:
    """Ranks with the mean rank for ties."""
    _, place, counts = np.unique(x, return_inverse=True, return_counts=True)
    return (np.cumsum(counts) - (counts - 1) / 2)[place]


def write(model: Fit, sentences: Sentences, fitted: Rows) -> None:
    numbers = zip(model.means, model.scales, model.coefficients, strict=True)
    rows = {
        name: [round(float(number), 6) for number in row] for name, row in zip(FEATURES, numbers, strict=True)
    }
    table = {
        "about": "Linear model of CEFR levels; see DATASHEET.md. score 0 is A1, 5 is C2.",
        "licence": "CC BY-SA 3.0",
        "fitted_to": f"{len(fitted):,} of {len(sentences.texts):,} sentences of CEFR-SP Wiki-Auto",
        "sentences_sha256": hashlib.sha256("\n".join(sentences.texts).encode()).hexdigest(),
        "split_seed": SPLIT_SEED,
        "penalty": PENALTY,
        "affix_penalty": AFFIX_PENALTY,
        "intercept": round(model.intercept, 6),
        "thresholds": list(model.thresholds),
        "columns": ["mean", "scale", "coefficient"],
    }
    # A feature per line reads better than a number per line.
    head = json.dumps(table, indent=1).removesuffix("\n}")
    listed = ",\n".join(f"  {json.dumps(name)}: {json.dumps(row)}" for name, row in rows.items())
    TARGET.write_text(f'{head},\n "features": {{\n{listed}\n }}\n}}\n', "utf-8")
    print(f"written: {TARGET.name}\n")


def print_experts(sentences: Sentences) -> None:
    first, second = sentences.first, sentences.second
    print(
        f"{len(first):,} sentences; the two experts agree on {np.mean(first == second):.1%}, within", end=""
    )
    near = np.mean(np.abs(first - second) <= 1)
    print(f" one level on {near:.1%}; Spearman {spearman(first, second):.3f}\n")


def print_splits(values: Array, sentences: Sentences, held_out: Rows, fitted: Rows) -> None:
    def measure(test: Rows, train: Rows) -> tuple[float, float, float]:
        model = fit(values[train], sentences.at(train))
        scores, there = predict(model, values[test]), sentences.at(test)
        levels = levels_at(model, scores)
        exact = (np.mean(levels == there.first) + np.mean(levels == there.second)) / 2
        return spearman(scores, there.mean), share_within_one(levels, there.mean), float(exact)

    is_test = sentences.part == "test"
    published = measure(np.flatnonzero(is_test), np.flatnonzero(~is_test))
    folds = []
    for seed in range(10):
        order = np.random.default_rng(100 + seed).permutation(len(values))
        folds += [measure(order[fold::5], np.setdiff1d(order, order[fold::5])) for fold in range(5)]
    found = np.array(folds)
    print(
        "| held out | sentences | Spearman | within one | one expert's level |\n"
        "| --- | ---: | ---: | ---: | ---: |"
    )
    for name, number, (rho, near, exact) in (
        ("a fifth, seed 0", len(held_out), measure(held_out, fitted)),
        ("the publisher's test part", is_test.sum(), published),
        ("10 × 5 folds, mean", len(values), found.mean(axis=0)),
        ("the lowest fold of each", "", found.min(axis=0)),
        ("the highest", "", found.max(axis=0)),
    ):
        print(f"| {name} | {number} | {rho:.3f} | {near:.1%} | {exact:.1%} |")
    print()


def print_shipped(sentences: Sentences, held_out: Rows) -> None:
    """The table in the package, asked as a user asks it, on the fifth that it was not fitted to."""
    there = sentences.at(held_out)
    estimates = [_estimate(text) for text in there.texts]
    scores = np.array([estimate.score for estimate in estimates])
    in_band = np.array(
        [_in_band(estimate, mean) for estimate, mean in zip(estimates, there.mean, strict=True)]
    )
    short = sum(estimate.is_short for estimate in estimates)
    print(
        f"`level_of` on the held-out fifth: Spearman {spearman(scores, there.mean):.3f}, the band holds the "
        f"experts' mean for {in_band.mean():.1%} ({short} are short, with a wider band)"
    )
    grades = np.array([found.grade for found in map(readability, there.texts) if found is not None])
    print(f"Flesch-Kincaid grades of the same: Spearman {spearman(grades, there.mean):.3f}\n")
    print(
        "| experts' mean | sentences | mean score | in the band | levels given |\n"
        "| --- | ---: | ---: | ---: | --- |"
    )
    rounded = np.floor(there.mean + 0.5)
    for number, level in enumerate(LEVELS):
        at = rounded == number
        given = Counter(estimate.level for estimate, here in zip(estimates, at, strict=True) if here)
        shown = ", ".join(f"{name} {given[name]}" for name in LEVELS if given[name])
        print(f"| {level} | {at.sum()} | {scores[at].mean():.2f} | {in_band[at].mean():.0%} | {shown} |")
    print()


def _in_band(estimate: LevelEstimate, mean: float) -> bool:
    low, high = map(LEVELS.index, estimate.band)
    return bool(low <= mean <= high)


def print_ablations(values: Array, sentences: Sentences) -> None:
    """What each family of features is worth, by five folds."""
    names = np.array(FEATURES)
    rare = np.array([name.startswith(("zipf", "rar")) for name in names])
    length = np.array([name.startswith(("words", "vocabulary")) for name in names])
    print(
        "| features | number | Spearman, five folds | publisher's test part |\n| --- | ---: | ---: | ---: |"
    )
    kinds = [
        ("all", np.full(len(names), True)),
        ("without affixes", ~AFFIXES),
        ("without rarity", ~rare),
        ("length of the sentence only", length),
        ("rarity only", rare),
        ("affixes only", AFFIXES),
    ]
    is_test = sentences.part == "test"
    order = np.random.default_rng(7).permutation(len(values))
    for name, keep in kinds:
        kept = values * keep  # a feature that is always 0 has no say
        scores = np.empty(len(values))
        for fold in range(5):
            test = order[fold::5]
            train = np.setdiff1d(order, test)
            scores[test] = predict(fit(kept[train], sentences.at(train)), kept[test])
        published = predict(fit(kept[~is_test], sentences.at(np.flatnonzero(~is_test))), kept[is_test])
        print(f"| {name} | {keep.sum()} | {spearman(scores, sentences.mean):.3f} | ", end="")
        print(f"{spearman(published, sentences.mean[is_test]):.3f} |")
    print()


def print_passages(folder: Path) -> None:
    """Passages: one article at three levels; our own seeds and items, whose level their writer set."""
    articles = json.loads((folder / "elpa/onestop_qa/onestop_qa.json").read_text("utf-8"))["data"]
    kinds = ("Ele", "Int", "Adv")
    paragraphs = [
        [part[kind]["context"] for kind in kinds] for article in articles for part in article["paragraphs"]
    ]
    whole = [
        ["\n".join(part[kind]["context"] for part in article["paragraphs"]) for kind in kinds]
        for article in articles
    ]
    print("| passages | number | Spearman with the level | mean scores |\n| --- | ---: | ---: | --- |")
    for name, texts in (("OneStopQA paragraphs", paragraphs), ("OneStopQA articles", whole)):
        scores = np.array([[_estimate(text).score for text in row] for row in texts])
        levels = np.tile(np.arange(3.0), len(scores))
        shown = ", ".join(
            f"{kind} {score:.2f}" for kind, score in zip(kinds, scores.mean(axis=0), strict=True)
        )
        print(f"| {name} | {scores.size} | {spearman(scores.ravel(), levels):.3f} | {shown} |")
        if texts is paragraphs:
            pairs = [
                float(np.mean(scores[:, low] < scores[:, high])) for low, high in ((0, 1), (1, 2), (0, 2))
            ]
    seeds = [seed for seed in load_seeds() if len(seed.input.split()) >= 30]
    items = [item for item in generate_items(2000, seed=0) if len(item.input.split()) >= 30]
    for name, chosen in (
        ("our seeds' inputs of 30 words or more", seeds),
        ("of these, reading", [seed for seed in seeds if seed.meta["skill"] == "reading"]),
        ("inputs of generated items, of 30 words or more", items),
    ):
        estimates = [_estimate(seed.input) for seed in chosen]
        intended = np.array([float(LEVELS.index(seed.meta["level"])) for seed in chosen])
        scores = np.array([estimate.score for estimate in estimates])
        shown = ", ".join(
            f"{level} {scores[intended == place].mean():.2f}"
            for place, level in enumerate(LEVELS)
            if (intended == place).any()
        )
        held = np.mean([e.holds(seed.meta["level"]) for e, seed in zip(estimates, chosen, strict=True)])
        print(
            f"| {name} | {len(chosen)} | {spearman(scores, intended):.3f} | {shown}; in the band {held:.0%} |"
        )
    shown = "Ele below Int {:.0%}, Int below Adv {:.0%}, Ele below Adv {:.0%}".format(*pairs)
    print(f"\nparagraphs in order: {shown}\n")


def _estimate(text: str) -> LevelEstimate:
    estimate = level_of(text)
    assert estimate is not None
    return estimate


def print_speed(texts: list[str]) -> None:
    start = time.perf_counter()
    for text in texts:
        level_of(text)
    seconds = time.perf_counter() - start
    print(f"{len(texts) / seconds:,.0f} sentences per second, tables loaded")


if __name__ == "__main__":
    main()
