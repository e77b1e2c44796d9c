"""The efficiency experiment's page: what was measured, what may be said of it, and its figure."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from tunewright.evaluate.intervals import Interval
from tunewright.review.efficiency import PUBLISHED, Experiment, measure
from tunewright.review.efficiency_words import HOW_IT_COUNTS, further, headline, left_outside
from tunewright.review.model import Queue
from tunewright.review.store import overview, revisions
from tunewright.review.store.database import Database
from tunewright.review.timing import Timing, edit_distance


@dataclass(frozen=True, slots=True)
class Strip:
    """One interval of the figure, in its units of 0 to 1,000."""

    label: str
    low: int
    middle: int
    high: int
    y: int
    words: str


@dataclass(frozen=True, slots=True)
class Figure:
    """The saving on a line of per cent, with the published range behind it."""

    ticks: tuple[tuple[int, str], ...]
    zero: int
    published: tuple[int, int]
    strips: tuple[Strip, ...]

    @property
    def height(self) -> int:
        return 60 + 64 * len(self.strips)


@dataclass(frozen=True, slots=True)
class ExperimentPage:
    queue: Queue
    experiment: Experiment
    headline: str
    further: tuple[str, ...]
    counts: tuple[str, ...]
    figure: Figure | None


def experiment_page(db: Database, queue: Queue) -> ExperimentPage:
    found = experiment(db, queue)
    sentences = [*further(found), *left_outside(overview.num_outside_arms(db, queue.id))]
    return ExperimentPage(
        queue, found, firm(headline(found)), tuple(map(firm, sentences)), HOW_IT_COUNTS, figure_of(found)
    )


def firm(sentence: str) -> str:
    """The sentence with its numbers held together: no line begins with a per cent sign or ends in "15–"."""
    return sentence.replace(" %", "\u00a0%").replace("–", "\u2060–\u2060")


def experiment(db: Database, queue: Queue, *, with_edits: bool = True) -> Experiment:
    """Measured on what counts now, skips and flags included. Without edits, which cost the reading of all
    texts, their means are 0."""
    times = overview.arm_times(db, queue.id)
    stamp = (len(times), max((one.at for one in times), default=0.0))
    edits = _edits(db, queue.id, stamp) if with_edits else {}
    return measure(
        Timing(
            one.item_id,
            one.person,
            one.arm,
            one.decision,
            one.seconds,
            *edits.get((one.item_id, one.person_id), (0, 0, 0)),
        )
        for one in times
    )


@lru_cache(maxsize=4)
def _edits(
    db: Database, queue_id: int, stamp: tuple[int, float]
) -> dict[tuple[int, int], tuple[int, int, int]]:
    """By item and person: characters and words from the original, words from what was shown. 1 s for 10,000;
    the same until somebody saves, which changes `stamp`."""
    found = {}
    for item, revision in revisions.revisions(db, queue_id):
        if item.arm is None:
            continue
        shown = item.draft if revision.shown_draft and item.draft is not None else item.original
        chars, words = edit_distance(item.original, revision.texts)
        typed = words if shown is item.original else edit_distance(shown, revision.texts)[1]
        found[item.id, revision.person_id] = (chars, words, typed)
    return found


def figure_of(experiment: Experiment) -> Figure | None:
    saving = experiment.saving
    if saving is None:
        return None
    shown: list[tuple[str, float, Interval]] = [("This team", saving.share, saving.interval)]
    if saving.among_people is not None and saving.mean_of_people is not None:
        shown.append(("Other people", saving.mean_of_people, saving.among_people))
    # in tens of per cent; wide intervals of few people are cut at the edges, their ends stand in the words
    low = max(min([0.0, *(one.low for _, _, one in shown)]), -0.6)
    high = min(max([0.3, *(one.high for _, _, one in shown)]), 0.9)
    first, last = int(low * 10 // 1), -int(-high * 10 // 1)
    step = 1 if last - first <= 8 else 2

    def x_of(share: float) -> int:
        return round(30 + 940 * min(max((share * 10 - first) / (last - first), 0), 1))

    return Figure(
        ticks=tuple(
            (x_of(ten / 10), f"{10 * ten} %".replace("-", "−")) for ten in range(first, last + 1, step)
        ),
        zero=x_of(0),
        published=(x_of(PUBLISHED[0]), x_of(PUBLISHED[1])),
        strips=tuple(
            Strip(label, x_of(one.low), x_of(middle), x_of(one.high), 50 + 64 * place, _words(middle, one))
            for place, (label, middle, one) in enumerate(shown)
        ),
    )


def _words(middle: float, interval: Interval) -> str:
    numbers = [f"{100 * value:.0f}".replace("-", "−") for value in (middle, interval.low, interval.high)]
    return firm(f"{numbers[0]} % (95 % interval {numbers[1]} to {numbers[2]} %)")
