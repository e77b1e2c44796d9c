"""Ratings before and after: bins, means, criteria one by one, and the gain that length cannot explain."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tunewright.coach.compare.config import CompareConfig
from tunewright.coach.compare.join import Joined, Side
from tunewright.coach.compare.rated_set import is_rating_of
from tunewright.coach.length_control import bent, has_both_sides, lengths, scale_of
from tunewright.coach.revision import Revision
from tunewright.errors import DataError
from tunewright.rate.agreement import Comparison, compare
from tunewright.rate.columns import number_at
from tunewright.rate.criteria import CriteriaSet, load_criteria
from tunewright.rate.results import RATINGS_FILE
from tunewright.rate.summary import (
    REPLICATES,
    Interval,
    Share,
    mean_interval,
    percentile_interval,
    share_of,
)
from tunewright.records.record import Record
from tunewright.run.files import file_sha256, read_jsonl
from tunewright.run.folder import read_manifest

_LEAST = 10  # pairs, for a line through them

Floats = NDArray[np.float64]
Scores = Mapping[str, float | None]


@dataclass(frozen=True)
class Rated:
    """The scores of one side by score key and by the id of the *pair*; `failed` says of those without a
    rating why. `rater` tells two ratings apart that were made in different ways.
    """

    scores: Mapping[str, Scores]
    failed: Mapping[str, int]
    model: str
    rater: tuple[Any, ...]
    is_proved: bool | None = None  # that these texts were rated; None for columns, which the records carry


@dataclass(frozen=True, slots=True)
class Gain:
    """The mean of after − before on one score, over pairs with both, and at equal length.

    `equal_length` is the intercept of the gain regressed on tanh(Δ/scale), the length term of the win rate,
    over the *changed* pairs: unchanged ones lie at equal length by construction and would pull it to nothing.
    This control is ours, after the idea of AlpacaEval 2. `near` is the plain mean over changed pairs whose
    lengths differ by at most 10 %. Intervals are by bootstrap over pairs.
    """

    key: str
    num_pairs: int
    mean: float | None
    interval: Interval | None
    num_changed: int
    changed_mean: float | None
    changed_interval: Interval | None
    equal_length: float | None
    equal_length_interval: Interval | None
    num_near: int
    near: float | None
    near_interval: Interval | None


@dataclass(frozen=True)
class Ratings:
    """Everything about one rating before and after. Comparisons and gains are in the order of the scores:
    sides first, then criteria."""

    criteria: str
    scale: tuple[float, float]
    high_from: float
    main_side: str
    same_rater: bool | None  # None for columns: nobody knows who wrote them
    unproved: tuple[str, ...]  # before, after: ratings of which it cannot be told what texts were rated
    models: tuple[str, str]
    failed: tuple[Mapping[str, int], Mapping[str, int]]
    comparisons: tuple[Comparison, ...]
    high_of_rated: tuple[tuple[Share, Share], ...]
    gains: tuple[Gain, ...]
    main_gains: Mapping[str, float]  # of single pairs, by id


def ratings(joined: Joined, config: CompareConfig) -> Ratings:
    """The comparison that the config asks for. DataError when the two sides do not fit together."""
    if config.rated_before is not None and config.rated_after is not None:
        criteria, before, after = _from_folders(joined, config.rated_before, config.rated_after)
    else:
        criteria, before, after = _from_columns(joined, config)
    keys = criteria.score_keys
    if len(criteria.criteria) == len(criteria.sides):
        keys = criteria.sides  # one criterion a side: its scores are the side's
    if config.score_before is not None:
        keys = (criteria.main_side,)
    comparisons = [compare(key, before.scores[key], after.scores[key], criteria) for key in keys]
    main = criteria.main_side
    return Ratings(
        criteria=criteria.name,
        scale=(criteria.scale.low, criteria.scale.high),
        high_from=criteria.high_from,
        main_side=main,
        same_rater=before.rater == after.rater if before.rater and after.rater else None,
        unproved=tuple(
            name for name, side in (("before", before), ("after", after)) if side.is_proved is False
        ),
        models=(before.model, after.model),
        failed=(before.failed, after.failed),
        comparisons=tuple(comparisons),
        high_of_rated=tuple(
            (_high(before.scores[key], criteria), _high(after.scores[key], criteria)) for key in keys
        ),
        gains=tuple(gain(key, joined.pairs, before.scores[key], after.scores[key]) for key in keys),
        main_gains=_differences(before.scores[main], after.scores[main]),
    )


def input_hashes(config: CompareConfig) -> dict[str, str]:
    """What the ratings are made from, for the fingerprint."""
    folders = {"rated_before": config.rated_before, "rated_after": config.rated_after}
    return {name: file_sha256(_ratings_file(path)) for name, path in folders.items() if path is not None}


def gain(key: str, pairs: Sequence[Revision], before: Scores, after: Scores) -> Gain:
    """The gain on one score; what cannot be had (no pair, no variation in length) is None."""
    differences = _differences(before, after)
    changed = [pair for pair in pairs if pair.id in differences and pair.changed]
    gains = np.array([differences[pair.id] for pair in changed])
    chars = [lengths(pair) for pair in changed]
    near = gains[np.array([one.is_near for one in chars], dtype=bool)]
    all_gains = list(differences.values())
    equal, equal_interval = at_equal_length(gains, [one.difference for one in chars])
    return Gain(
        key=key,
        num_pairs=len(all_gains),
        mean=_mean(all_gains),
        interval=mean_interval(all_gains),
        num_changed=len(changed),
        changed_mean=_mean(gains),
        changed_interval=mean_interval(gains),
        equal_length=equal,
        equal_length_interval=equal_interval,
        num_near=int(near.size),
        near=_mean(near),
        near_interval=mean_interval(near),
    )


def at_equal_length(
    gains: Floats, differences_chars: ArrayLike, *, seed: int = 0
) -> tuple[float | None, Interval | None]:
    """The intercept of a least-squares line of gain on the bent difference in length, with its bootstrap
    interval.

    None below ten pairs, and where equal length lies outside the data (every pair longer, or every pair
    shorter): a line drawn out of them says nothing there.
    """
    if gains.size < _LEAST or not has_both_sides(differences_chars):
        return None, None
    x = bent(differences_chars, scale_of(differences_chars))
    rng = np.random.default_rng(seed)
    intercepts = []
    for _ in range(REPLICATES):
        drawn = rng.integers(gains.size, size=gains.size)
        if np.ptp(x[drawn]) > 0:
            intercepts.append(_intercept(gains[drawn], x[drawn]))
    return _intercept(gains, x), percentile_interval(intercepts)


def _intercept(y: Floats, x: Floats) -> float:
    centred = x - x.mean()
    slope = float(centred @ y) / float(centred @ centred)
    return float(y.mean() - slope * x.mean())


def _from_folders(joined: Joined, before: Path, after: Path) -> tuple[CriteriaSet, Rated, Rated]:
    contents = [_manifest(folder)["config"]["criteria"] for folder in (before, after)]
    if contents[0] != contents[1]:
        raise DataError(
            f"{before} was rated by '{contents[0]['name']}' and {after} by '{contents[1]['name']}' or "
            "another version of it; only ratings by the same criteria can be compared"
        )
    criteria = CriteriaSet(**{**contents[0], "criteria": list(contents[0]["criteria"].values())})
    ids = [pair.id for pair in joined.pairs]
    return (
        criteria,
        _rated(before, dict(zip(ids, ids, strict=True)), criteria, joined, joined.before),
        _rated(after, dict(zip(joined.after_ids, ids, strict=True)), criteria, joined, joined.after),
    )


def _rated(
    folder: Path, pair_of: Mapping[str, str], criteria: CriteriaSet, joined: Joined, side: Side
) -> Rated:
    """The scores of the pairs in a rating's folder; DataError when it rated none of them, or other texts."""
    manifest = _manifest(folder)
    scores: dict[str, dict[str, float | None]] = {key: {} for key in criteria.score_keys}
    failed: Counter[str] = Counter()
    for row in read_jsonl(_ratings_file(folder)):
        pair = pair_of.get(str(row["id"]))
        if pair is None:
            continue
        for key in criteria.score_keys:
            scores[key][pair] = row["scores"].get(key)
        failed.update(one["status"] for one in row["criteria"].values() if one["status"] != "rated")
    if not scores[criteria.main_side]:
        raise DataError(
            f"{folder}: rated none of the records that are compared; name the rating of that set (records "
            "without an id are known by their texts)"
        )
    is_proved = is_rating_of(folder, manifest, joined, side=side)
    extra, settings = manifest["extra"], manifest["config"]
    rater = (extra["model"], extra["revision"], str(settings["prompts"]), settings["expected"])
    return Rated(scores, dict(failed), extra["model"], rater, is_proved)


def _from_columns(joined: Joined, config: CompareConfig) -> tuple[CriteriaSet, Rated, Rated]:
    assert config.score_before is not None, "ratings are only asked for with folders or columns"
    criteria = load_criteria(config.criteria)
    column_after = config.score_after or config.score_before
    sides = [
        _column([(pair.id, pair.original) for pair in joined.pairs], config.score_before, criteria, "BEFORE"),
        _column([(pair.id, pair.revised) for pair in joined.pairs], column_after, criteria, "AFTER"),
    ]
    rated = [
        Rated({criteria.main_side: found}, _without_number(found), column, ())
        for found, column in zip(sides, (config.score_before, column_after), strict=True)
    ]
    return criteria, rated[0], rated[1]


def _column(
    records: Sequence[tuple[str, Record]], column: str, criteria: CriteriaSet, side: str
) -> dict[str, float | None]:
    found = {id: number_at(record.meta, column) for id, record in records}
    if all(value is None for value in found.values()):
        raise DataError(f"no record of {side} has a number in the column '{column}'; check the name")
    low, high = criteria.scale.low, criteria.scale.high
    for id, value in found.items():
        if value is not None and not low <= value <= high:
            raise DataError(
                f"record {id} of {side} has {value:g} in '{column}', but '{criteria.name}' goes from {low:g} "
                f"to {high:g}; name criteria on that scale with --criteria"
            )
    return found


def _without_number(scores: Scores) -> dict[str, int]:
    number = list(scores.values()).count(None)
    return {"without a number": number} if number else {}


def _manifest(folder: Path) -> dict[str, Any]:
    manifest = read_manifest(folder)
    if manifest["stage"] != "rate":
        raise DataError(f"{folder}: holds a '{manifest['stage']}' run, not a rating; name another folder")
    return manifest


def _ratings_file(folder: Path) -> Path:
    file = folder / RATINGS_FILE
    if not file.is_file():
        raise DataError(f"{folder}: holds no {RATINGS_FILE}; name the folder of a 'tunewright rate' run")
    return file


def _differences(before: Scores, after: Scores) -> dict[str, float]:
    found = {}
    for id, old in before.items():
        new = after.get(id)
        if old is not None and new is not None:
            found[id] = new - old
    return found


def _high(scores: Scores, criteria: CriteriaSet) -> Share:
    rated = [score for score in scores.values() if score is not None]
    return share_of(sum(score >= criteria.high_from for score in rated), len(rated))


def _mean(values: Sequence[float] | Floats) -> float | None:
    return math.fsum(values) / len(values) if len(values) else None
