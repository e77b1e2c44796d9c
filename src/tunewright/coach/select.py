"""Which revisions teach most: every ranking of them, where α cuts it, and what each α keeps.

CoachLM sorts by falling distance and keeps round(α·N) (Liu et al., ICDE 2024, section II-F). A public
reproduction sorts the other way round and so keeps the revisions that changed least.
"""

from __future__ import annotations

import heapq
import math
import zlib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tunewright.coach.distance import field_distance, flat_distances, num_kept
from tunewright.coach.forms.flat import flat_text
from tunewright.coach.revision import FIELDS, Revision
from tunewright.coach.select_config import By
from tunewright.rate.columns import number_at
from tunewright.rate.diversity import words
from tunewright.records.record import Record

ALPHAS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
GAIN_COLUMNS = "rating_before,rating_after"
_MOST_STAND_INS = 4_000
_MOST_AT_ONCE = 5_000  # revisions whose likeness to every stand-in is held at once, 80 MB
_NUM_BUCKETS = 512  # that words and pairs of words are hashed into


@dataclass(frozen=True, slots=True)
class Ranking:
    """All revisions by number, best first, with the score each was ranked by; NaN is one without a score."""

    by: By
    scores: tuple[float, ...]
    order: tuple[int, ...]

    def cut(self, num_wanted: int) -> Cut:
        """The first `num_wanted`, and what happens at the cut."""
        chosen = self.order[:num_wanted]
        last = self.scores[chosen[-1]] if chosen else math.nan
        num_chosen = sum(self.scores[number] == last for number in chosen)
        # What one adds to diversity depends on those before it: equal scores are no tie.
        is_tie = self.by is not By.DIVERSITY
        return Cut(
            chosen=chosen,
            score=None if math.isnan(last) else last,
            num_at_cut=sum(score == last for score in self.scores) if is_tie else num_chosen,
            num_chosen_at_cut=num_chosen,
        )


@dataclass(frozen=True, slots=True)
class Cut:
    """`score` is the smallest chosen one (None when it has no score).

    Of the `num_at_cut` revisions with exactly that score `num_chosen_at_cut` are chosen, the first in the
    file.
    """

    chosen: tuple[int, ...]
    score: float | None
    num_at_cut: int
    num_chosen_at_cut: int

    @property
    def num_tied_out(self) -> int:
        """How many were left out although they are as good as the last one chosen."""
        return self.num_at_cut - self.num_chosen_at_cut


def rank(by: By, scores: Sequence[float]) -> Ranking:
    """By falling score; equal ones stay in the order of the file; those without a score come last."""
    order = np.argsort(-np.array(scores, dtype=np.float64), kind="stable")  # NaN sorts last
    return Ranking(by, tuple(scores), tuple(order.tolist()))


def by_distance(revisions: Sequence[Revision]) -> Ranking:
    """CoachLM's ranking: characters changed over the whole labelled line, the most first."""
    return rank(By.DISTANCE, [float(distance) for distance in flat_distances(revisions)])


def by_field(revisions: Sequence[Revision], by: By) -> Ranking:
    """By the characters changed in one field alone."""
    field = next(name for name in FIELDS if name == by.value)
    return rank(by, [float(field_distance(revision, field)) for revision in revisions])


def by_gain(revisions: Sequence[Revision], column: str | None = None) -> Ranking:
    """By the gain in rating; a revision without one comes last."""
    gains = [gain_of(revision, column or GAIN_COLUMNS) for revision in revisions]
    return rank(By.RATING_GAIN, [math.nan if gain is None else gain for gain in gains])


def gain_of(revision: Revision, column: str) -> float | None:
    """The gain in rating under `column`; None when a number is missing.

    "a,b": column b of the revision's meta minus column a. Else a column of the revision's meta is the gain
    itself, and one that both records carry, such as `rating_accuracy.response`, gives second minus first.
    """
    before, comma, after = column.partition(",")
    if comma:
        return _difference(number_at(revision.meta, before.strip()), number_at(revision.meta, after.strip()))
    gain = number_at(revision.meta, column)
    if gain is not None:
        return gain
    return _difference(number_at(revision.original.meta, column), number_at(revision.revised.meta, column))


def _difference(before: float | None, after: float | None) -> float | None:
    return None if before is None or after is None else after - before


def by_diversity(
    revisions: Sequence[Revision],
    distances: Ranking,
    *,
    num_wanted: int | None = None,
    on_progress: Callable[[int], None] | None = None,
) -> Ranking:
    """Facility location: always the revision that adds most to how well those taken represent all.

    How well one is represented is its likeness to the nearest taken: the cosine of TF-IDF weights of words
    and pairs of words of the revised record. The score is what a revision adds, as a mean over all; it only
    falls, so the greedy choice computes few of them anew (Minoux 1978). Farthest-first would be simpler, but
    takes the oddest and shortest. Equal ones come by falling distance; so do those past `num_wanted`, with a
    score of 0. Beyond 4,000 revisions, 4,000 evenly spaced ones stand for all. Memory is 2 kB a revision, and
    up to 80 MB for 5,000.
    """
    by_rank = distances.order
    wanted = min(len(by_rank), len(by_rank) if num_wanted is None else num_wanted)
    vectors_NB = _vectors([flat_text(revisions[number].revised) for number in by_rank])
    stand_ins_RB = vectors_NB[:: math.ceil(len(by_rank) / _MOST_STAND_INS)]
    covered_R = np.zeros(len(stand_ins_RB), dtype=np.float32)

    # one product of matrices instead of many with a vector, where there is room for it
    likeness_NR = vectors_NB @ stand_ins_RB.T if len(vectors_NB) <= _MOST_AT_ONCE else None

    def likeness(place: int) -> NDArray[np.float32]:
        found: NDArray[np.float32]
        found = stand_ins_RB @ vectors_NB[place] if likeness_NR is None else likeness_NR[place]
        return found

    def added(place: int) -> float:
        return round(float(np.maximum(likeness(place) - covered_R, 0).mean()), 6)

    waiting = [(-added(place), place, 0) for place in range(len(by_rank))]
    heapq.heapify(waiting)
    scores = [0.0] * len(by_rank)
    order: list[int] = []
    while len(order) < wanted:
        score, place, when = heapq.heappop(waiting)
        if when < len(order):  # computed before others were taken: what it adds may be less now
            heapq.heappush(waiting, (-added(place), place, len(order)))
            continue
        scores[by_rank[place]] = -score
        order.append(by_rank[place])
        np.maximum(covered_R, likeness(place), out=covered_R)
        if on_progress is not None:
            on_progress(len(order))
    order += [by_rank[place] for place in sorted(place for _, place, _ in waiting)]
    return Ranking(By.DIVERSITY, tuple(scores), tuple(order))


def _vectors(texts: Sequence[str]) -> NDArray[np.float32]:
    """TF-IDF rows of length 1, folded into `_NUM_BUCKETS` with signs (Weinberger et al., ICML 2009).

    With signs, features that meet in a bucket cancel out on average; without, long texts are all alike. A
    text without words is a row of zeros.
    """
    num_with = Counter(feature for text in texts for feature in set(_features(text)))
    weights_NB = np.zeros((len(texts), _NUM_BUCKETS), dtype=np.float32)
    for row, text in enumerate(texts):
        for feature, count in Counter(_features(text)).items():
            digest = zlib.crc32(feature.encode("utf-8", "surrogatepass"))
            weight = (1 + math.log(count)) * (1 + math.log((1 + len(texts)) / (1 + num_with[feature])))
            weights_NB[row, (digest >> 1) % _NUM_BUCKETS] += weight if digest & 1 else -weight
    lengths_N1 = np.linalg.norm(weights_NB, axis=1, keepdims=True)
    unit: NDArray[np.float32] = (weights_NB / np.where(lengths_N1 > 0, lengths_N1, 1)).astype(np.float32)
    return unit


def _features(text: str) -> list[str]:
    found = words(text)
    return [*found, *(f"{one} {other}" for one, other in pairwise(found))]


@dataclass(frozen=True, slots=True)
class Facts:
    """What the table tells of one revision: words before and after, by side, and the fields changed."""

    words: Mapping[str, tuple[int, int]]
    changed: frozenset[str]


def facts_of(revision: Revision) -> Facts:
    """What the table tells of a revision.

    Words are runs of characters without white space, counted on the instruction's side (instruction and
    input) and in the response (output and explanation).
    """
    counts = {side: (count(revision.original), count(revision.revised)) for side, count in _NUM_WORDS.items()}
    return Facts(counts, frozenset(revision.changed))


def alpha_row(alpha: float, facts: Sequence[Facts], ranking: Ranking, distances: Ranking) -> dict[str, Any]:
    """What one α keeps: how many, score and distance at the cut, ties, mean words, share of changed fields.

    `facts` are of all revisions. An α that keeps nothing has no means.
    """
    cut = ranking.cut(num_kept(alpha, len(facts)))
    chosen = [facts[number] for number in cut.chosen]
    row: dict[str, Any] = {
        "alpha": alpha,
        "n": len(chosen),
        "smallest_score": cut.score,
        "smallest_distance": min((int(distances.scores[number]) for number in cut.chosen), default=None),
        "num_at_cut": cut.num_at_cut,
        "num_tied_out": cut.num_tied_out,
    }
    if chosen:
        row["mean_words"] = {
            side: {
                "before": _mean([one.words[side][0] for one in chosen]),
                "after": _mean([one.words[side][1] for one in chosen]),
            }
            for side in _NUM_WORDS
        }
        row["changed_share"] = {
            field: sum(field in one.changed for one in chosen) / len(chosen) for field in FIELDS
        }
        row["unchanged"] = sum(not one.changed for one in chosen)
    return row


def overlap(chosen: Sequence[int], other: Sequence[int]) -> int:
    """How many revisions are in both."""
    return len(set(chosen) & set(other))


def _instruction_words(record: Record) -> int:
    return len(record.instruction.split()) + len(record.input.split())


def _response_words(record: Record) -> int:
    return len(record.output.split()) + len(record.explanation.split())


_NUM_WORDS: Mapping[str, Callable[[Record], int]] = {
    "instruction": _instruction_words,
    "response": _response_words,
}


def _mean(counts: Sequence[int]) -> float:
    return round(sum(counts) / len(counts), 3)
