"""Everything that judged pairs say about some models, from files to one value: what the command prints."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from tunewright.errors import DataError
from tunewright.evaluate.winrate import mt_bench
from tunewright.evaluate.winrate.bias import (
    ParseFailures,
    PositionBias,
    SelfPreference,
    longer_preferred,
    parse_failures,
    position_bias,
    self_preference,
)
from tunewright.evaluate.winrate.comparisons import PairTest, pair_tests, separability
from tunewright.evaluate.winrate.files import annotations_of
from tunewright.evaluate.winrate.human_labels import are_reviews, reviews_of
from tunewright.evaluate.winrate.join import Difficulties, JoinBy, difficulty_of_each
from tunewright.evaluate.winrate.length_controlled import (
    BASELINE_ITSELF,
    Gamed,
    LengthControlled,
    Weights,
    fit_length_controlled,
    from_weights,
)
from tunewright.evaluate.winrate.mt_bench import MeanScore
from tunewright.evaluate.winrate.preference import Annotation, MergeRule, merged, seen_from
from tunewright.evaluate.winrate.rates import Rates, rates
from tunewright.evaluate.winrate.rows import read_rows
from tunewright.rate.summary import Share

_ENOUGH = (
    30  # instructions: with 10 to 20 the intervals covered 86 to 98 % in simulations, with 50 95 to 97 %
)


@dataclass(frozen=True, slots=True, kw_only=True)
class LengthControl:
    """How length is taken out. Without `difficulties` it is the γ-free form; with a model's `weights` nothing
    is fitted for it."""

    difficulties: Difficulties | None = None
    gamed: Gamed | None = None
    weights: Mapping[str, Weights] | None = None
    by: JoinBy = JoinBy.INSTRUCTION


@dataclass(frozen=True, slots=True)
class ModelSummary:
    """One model against the baseline. `length_controlled` is None where it was not asked for or cannot be."""

    rates: Rates
    length_controlled: LengthControlled | None
    position: PositionBias
    longer: Share
    failures: ParseFailures
    published: Mapping[str, Any] | None

    @property
    def win_rate(self) -> float:
        """The rate that ranks: at equal length where it is known."""
        return self.rates.win_rate if self.length_controlled is None else self.length_controlled.win_rate


@dataclass(frozen=True, slots=True)
class Summary:
    """Models best first; `tests` of their plain win rates, for every pair in that order. `separability` is
    None below two models."""

    baseline: str
    models: tuple[ModelSummary, ...]
    tests: tuple[PairTest, ...]
    separability: float | None
    self_preference: tuple[SelfPreference, ...]
    mean_scores: tuple[MeanScore, ...]
    notes: tuple[str, ...]

    def neighbours(self) -> list[PairTest]:
        """The tests of each model with the next."""
        names = [one.rates.generator for one in self.models]
        wanted = set(pairwise(names))
        return [test for test in self.tests if (test.model_a, test.model_b) in wanted]

    def as_json(self) -> dict[str, Any]:
        """All of it as plain values."""
        return asdict(self)


def read_judgements(
    paths: Iterable[str | Path], *, baseline: str | None = None, rule: MergeRule | None = None
) -> tuple[list[Annotation], list[MeanScore]]:
    """The comparisons of AlpacaEval and MT-Bench files with the baseline as answer 1, and means of single
    scores where a file holds those. Scores become comparisons where a baseline is named.

    `rule` merges the verdicts of both orders anew; without it the files' preferences stand.
    """
    annotations: list[Annotation] = []
    scores: list[mt_bench.Score] = []
    for path in paths:
        rows = read_rows(path)
        if not rows:
            raise DataError(f"{path}: holds no row, so there is no comparison in it")
        kind = mt_bench.kind_of(rows)
        if kind == "scores":
            scores += mt_bench.scores_of(rows, path=path)
        elif kind == "pairs":
            annotations += mt_bench.pairs_of(rows, path=path, rule=rule or MergeRule.BOTH)
        elif are_reviews(rows):
            annotations += reviews_of(rows, path=path, rule=rule or MergeRule.BOTH)
        else:
            annotations += annotations_of(rows, path=path)
    if rule is not None:
        annotations = [merged(one, rule) for one in annotations]
    if scores and baseline is not None:
        annotations += mt_bench.scores_as_pairs(scores, baseline)
    if annotations or not scores:
        annotations = seen_from(annotations, baseline)
    return annotations, mt_bench.mean_scores(scores)


def summarise(
    annotations: Sequence[Annotation],
    *,
    length_control: LengthControl | None = None,
    published: Mapping[str, Mapping[str, Any]] | None = None,
    mean_scores: Sequence[MeanScore] = (),
    own: Mapping[str, str] | None = None,
    seed: int = 0,
) -> Summary:
    """All rates and tests of comparisons with one baseline, as `read_judgements` gives them.

    `own` maps judges to their models, for self-preference. A model without any readable preference is a
    DataError; one whose length cannot be taken out has a note.
    """
    by_model: dict[str, list[Annotation]] = {}
    for one in annotations:
        by_model.setdefault(one.generator_2, []).append(one)
    notes = []
    rows = []
    for name, its in by_model.items():
        controlled = None
        if length_control is not None:
            try:
                controlled = controlled_rate(its, length_control)
            except DataError as problem:
                notes.append(f"{name} has no length-controlled win rate: {problem}")
        rows.append(
            ModelSummary(
                rates=rates(its, seed=seed),
                length_controlled=controlled,
                position=position_bias(its),
                longer=longer_preferred(its),
                failures=parse_failures(its),
                published=(published or {}).get(name),
            )
        )
    rows.sort(key=lambda row: -row.win_rate)
    notes += _notes(annotations, rows)
    return Summary(
        baseline=annotations[0].generator_1 if annotations else "",
        models=tuple(rows),
        tests=tuple(
            pair_tests({row.rates.generator: by_model[row.rates.generator] for row in rows}, seed=seed)
        ),
        separability=separability([row.rates.interval for row in rows]),
        self_preference=tuple(self_preference(annotations, own, seed=seed)),
        mean_scores=tuple(mean_scores),
        notes=tuple(notes),
    )


def controlled_rate(annotations: Sequence[Annotation], control: LengthControl) -> LengthControlled:
    """One model's win rate at equal length, from all its rows in the file's order. DataError where lengths or
    difficulties are missing, or the rows are too few."""
    name = annotations[0].generator_2
    if name == annotations[0].generator_1:
        return BASELINE_ITSELF
    gamma = None
    if control.difficulties is not None:
        gamma = difficulty_of_each(annotations, control.difficulties, by=control.by)
    if control.weights is not None:
        if name not in control.weights:
            raise DataError("the file of weights has none of this model")
        if gamma is None and control.weights[name].difficulty:
            raise DataError("its given weights need the difficulties too (--gamma)")
        return from_weights(control.weights[name], gamma)
    lengths_1 = [one.len_1 for one in annotations if one.len_1 is not None]
    lengths_2 = [one.len_2 for one in annotations if one.len_2 is not None]
    if not len(lengths_1) == len(lengths_2) == len(annotations):
        raise DataError(
            "not every pair has the lengths of its answers (output_1 and output_2, or len_1 and len_2)"
        )
    return fit_length_controlled(
        [np.nan if one.preference is None else one.gain for one in annotations],
        lengths_1,
        lengths_2,
        difficulties=gamma,
        gamed=control.gamed,
        present=[one.preference is not None for one in annotations],
        instructions=[one.unit for one in annotations],
    )


def _notes(annotations: Sequence[Annotation], rows: Sequence[ModelSummary]) -> list[str]:
    """What a reader must know before comparing these numbers."""
    notes = []
    dropped = sum(row.rates.num_dropped for row in rows)
    if dropped:
        notes.append(f"{dropped:,} of {len(annotations):,} pairs have no preference and are in no rate")
    seen = Counter(
        (one.annotator, one.generator_1, one.generator_2, one.unit, one.turn, one.output_1, one.output_2)
        for one in annotations
    )
    repeated = len(annotations) - len(seen)
    if repeated:
        notes.append(
            f"{repeated:,} judgements repeat another (same judge, models, instruction and answers), and "
            "count again; was a file given twice?"
        )
    judges = sorted({one.annotator for one in annotations})
    if len(judges) > 1:
        notes.append(f"the judgements of {len(judges)} judges are pooled: {', '.join(judges)}")
    counts = {row.rates.num_instructions for row in rows}
    if len(counts) > 1:
        notes.append(
            f"models were judged on {min(counts):,} to {max(counts):,} instructions; "
            "tests use those in common"
        )
    few = min(counts, default=_ENOUGH)
    if few < _ENOUGH:
        notes.append(
            f"{few:,} instructions are few: below {_ENOUGH} the intervals are too narrow, as bootstraps are"
        )
    return notes
