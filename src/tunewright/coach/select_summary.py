"""What a selection read, and what it tells of itself: the content of `selection.json`."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, get_args

from tunewright.coach.damage import DISTANCE, Outcome
from tunewright.coach.mended import Read
from tunewright.coach.revision import Revision
from tunewright.coach.select import ALPHAS, Ranking, alpha_row, facts_of, overlap
from tunewright.coach.select_config import By, CoachSelectConfig
from tunewright.records.reject import Reject


def summarise(
    config: CoachSelectConfig, name: str, read: Read, rankings: Mapping[By, Ranking], wanted: int
) -> dict[str, Any]:
    """What `selection.json` holds: the choice, damage, what each α keeps, and the other measures."""
    revisions, ranking, distances = read.revisions, rankings[config.by], rankings[By.DISTANCE]
    chosen = ranking.cut(wanted).chosen
    alphas = sorted({*ALPHAS, config.alpha})
    facts = [facts_of(revision) for revision in revisions]
    return {
        "revisions_from": name,
        "by": config.by.value,
        "alpha": config.alpha,
        "num_revisions": len(revisions),
        "num_chosen": wanted,
        "num_written": wanted - sum(read.is_refused(number) for number in chosen),
        "num_unchanged": sum(not revision.changed for revision in revisions),
        "num_without_score": sum(math.isnan(score) for score in ranking.scores),
        "broken_rows": len(read.broken),
        "broken_reasons": _reasons(read.broken),
        "stored_distances": _stored(revisions, distances),
        "damage": _damage(read),
        "alphas": [alpha_row(alpha, facts, ranking, distances) for alpha in alphas],
        "measures": [_measure(other, revisions, chosen, wanted, distances) for other in rankings.values()],
    }


def _measure(
    other: Ranking, revisions: Sequence[Revision], chosen: Sequence[int], wanted: int, distances: Ranking
) -> dict[str, Any]:
    """One measure at the same number: its cut, and how much of what was chosen it would choose too."""
    cut = other.cut(wanted)
    both = overlap(chosen, cut.chosen)
    lengths = [len(revisions[number].revised.output.split()) for number in cut.chosen]
    return {
        "by": other.by.value,
        "in_both": both,
        "share": both / wanted,
        "smallest_score": cut.score,
        "num_tied_out": cut.num_tied_out,
        "mean_distance": round(sum(distances.scores[number] for number in cut.chosen) / wanted, 1),
        "mean_output_words_after": round(sum(lengths) / wanted, 1),
        "num_without_score": sum(math.isnan(other.scores[number]) for number in cut.chosen),
    }


def _stored(revisions: Sequence[Revision], distances: Ranking) -> dict[str, int]:
    """How many revisions carry a distance, and how many of those we get too."""
    pairs = [
        (revision.meta[DISTANCE], distances.scores[number])
        for number, revision in enumerate(revisions)
        if type(revision.meta.get(DISTANCE)) is int
    ]
    return {
        "stored": len(pairs),
        "equal": sum(stored == found for stored, found in pairs),
        "within_2": sum(abs(stored - found) <= 2 for stored, found in pairs),
    }


def _damage(read: Read) -> dict[str, Any]:
    found = list(read.findings.values())
    kinds = Counter((" and ".join(one.kinds), one.outcome) for one in found)
    outcomes = Counter(one.outcome for one in found)
    return {
        "found": len(found),
        "repaired": outcomes["repaired"],
        "comma_unknown": sum(one.comma_unknown for one in found),
        "refused": outcomes["refused"],
        "named": outcomes["named"],
        "kinds": [
            {"kind": kind} | {outcome: kinds[kind, outcome] for outcome in get_args(Outcome)}
            for kind in dict.fromkeys(kind for kind, _ in kinds)
        ],
    }


def _reasons(broken: Sequence[Reject]) -> dict[str, int]:
    """Broken rows by field; what differs from row to row is cut off the reasons."""
    counts = Counter(f"'{one.field}' {one.reason}" if one.field else one.reason for one in broken)
    return dict(counts.most_common(20))
