"""How often the intervals of the efficiency experiment cover the true saving.

python benchmarks/review_efficiency.py [--experiments 2000] [--world alike|differ|overlap|skips]

Simulates teams of 3, 5 and 10 people with 60 items each, half of them at random with a draft. Active times
are log-normal around 3 minutes (sd 0.7 of the logarithm within a person); people's speeds differ with sd 0.4.
Worlds: *alike*, the draft saves everyone the same share; *differ*, the logarithm of what it leaves has sd
0.15 over people; *overlap*, as alike, but every item is done by two people and items differ with sd 0.5, 0.5
being left within; *skips*, as alike, but one pair in ten with a draft (one in twenty without) is given up
after half its time, which the true saving counts.

"team" is `Saving.interval` against the team's own saving, "people" is `Saving.among_people` against the mean
of all people; "width" is the mean width in points. Beside them what is not used: "bootstrap", people and then
their items drawn again (percentiles; every fourth experiment), against the mean of all people, and
"unpaired", Welch's interval of two means over all pairs, people ignored, against the team's. About 3
CPU-minutes for each world.
"""

from __future__ import annotations

import argparse
import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tunewright.evaluate.student_t import point
from tunewright.review.efficiency import measure
from tunewright.review.model import Arm, Decision
from tunewright.review.timing import Timing

ITEMS_EACH = 60
SECONDS = 180.0
PEOPLE = (3, 5, 10)
SAVINGS = (0.0, 0.18, 0.3)
WORLDS = ("alike", "differ", "overlap", "skips")
ARMS = (Arm.WITH_DRAFT, Arm.WITHOUT_DRAFT)
Floats = NDArray[np.float64]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--experiments", type=int, default=2000)
    parser.add_argument("--world", choices=WORLDS, action="append")
    chosen = parser.parse_args()
    print(
        "| world | people | saving | team | width | people | width | bootstrap | width | unpaired | width |"
    )
    print("| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |")
    for world in chosen.world or WORLDS:
        for num_people in PEOPLE:
            for saving in SAVINGS:
                cells = " | ".join(_row(world, num_people, saving, chosen.experiments))
                print(f"| {world} | {num_people} | {saving:.0%} | {cells} |", flush=True)


def _row(world: str, num_people: int, saving: float, num: int) -> list[str]:
    rng = np.random.default_rng([PEOPLE.index(num_people), SAVINGS.index(saving), WORLDS.index(world)])
    found: dict[str, list[tuple[bool, float]]] = {"team": [], "people": [], "bootstrap": [], "unpaired": []}
    for number in range(num):
        drawn = draw(rng, world, num_people, saving)
        measured = measure(drawn.timings).saving
        assert measured is not None
        assert measured.among_people is not None
        team, people = measured.interval, measured.among_people
        found["team"].append(_held((team.low, team.high), drawn.of_team))
        found["people"].append(_held((people.low, people.high), drawn.of_all))
        found["unpaired"].append(_held(_unpaired(drawn.timings), drawn.of_team))
        if number % 4 == 0:
            found["bootstrap"].append(_held(_bootstrap(drawn.timings, rng), drawn.of_all))
    cells = []
    for rows in found.values():
        share, width = np.mean(rows, axis=0).tolist()
        cells += [f"{100 * share:.1f} %", f"{100 * width:.0f}"]
    return cells


@dataclass(frozen=True)
class Drawn:
    timings: list[Timing]
    of_team: float
    of_all: float


def draw(rng: np.random.Generator, world: str, num_people: int, saving: float) -> Drawn:
    """One experiment. Arms are drawn over all items, so people get unequal numbers of each."""
    speed_P = np.exp(rng.normal(0, 0.4, num_people))
    left_P = (1 - saving) * np.exp(rng.normal(0, 0.15 if world == "differ" else 0.0, num_people))
    overlap = 2 if world == "overlap" else 1
    num_items = num_people * ITEMS_EACH // overlap
    is_with_I = rng.permutation(np.arange(num_items) % 2 == 0)
    item_I = rng.normal(0, 0.5 if world == "overlap" else 0.0, num_items)
    # everyone gets their share of places; with overlap a place beside another person's
    first = rng.permutation(np.repeat(np.arange(num_people), ITEMS_EACH // overlap))
    places = [(int(person), item) for item, person in enumerate(first)]
    if overlap == 2:
        places += [((int(p) + 1 + item % (num_people - 1)) % num_people, item) for p, item in places]
    within = 0.5 if world == "overlap" else 0.7
    timings = []
    for person, item in places:
        with_draft = bool(is_with_I[item])
        seconds = SECONDS * speed_P[person] * (left_P[person] if with_draft else 1.0)
        seconds *= math.exp(item_I[item] + rng.normal(0, within))
        gives_up = world == "skips" and rng.random() < (0.1 if with_draft else 0.05)
        arm = ARMS[0] if with_draft else ARMS[1]
        decision = Decision.SKIP if gives_up else Decision.EDIT
        timings.append(Timing(item, f"person {person}", arm, decision, seconds * (0.5 if gives_up else 1.0)))
    finished_P = np.zeros(num_people)
    for (person, _), row in zip(places, timings, strict=True):
        finished_P[person] += row.is_finished
    extra = (0.95 / 0.9) / (0.975 / 0.95) if world == "skips" else 1.0
    of_team = 1 - extra * float((finished_P * speed_P * left_P).sum() / (finished_P * speed_P).sum())
    return Drawn(timings, of_team, 1 - extra * (1 - saving))


def _held(ends: tuple[float, float], truth: float) -> tuple[bool, float]:
    """Whether the interval holds the truth, and its width."""
    return ends[0] <= truth <= ends[1], ends[1] - ends[0]


def _unpaired(timings: list[Timing]) -> tuple[float, float]:
    """The interval of the ratio of two plain means, as if no two pairs had a person in common."""
    logs, variances, freedoms = [], [], []
    for arm in ARMS:
        own = [row for row in timings if row.arm is arm]
        seconds = np.array([row.seconds for row in own])
        finished = np.array([row.is_finished for row in own], dtype=np.float64)
        ratio = float(seconds.sum() / finished.sum())
        variance = float((seconds - ratio * finished).var(ddof=1)) / len(own) / (ratio * finished.mean()) ** 2
        logs.append(math.log(ratio))
        variances.append(variance)
        freedoms.append(len(own) - 1)
    freedom = sum(variances) ** 2 / sum(v * v / f for v, f in zip(variances, freedoms, strict=True))
    half = math.sqrt(sum(variances)) * point(0.025, freedom)
    middle = logs[0] - logs[1]
    return 1 - math.exp(middle + half), 1 - math.exp(middle - half)


def _bootstrap(timings: list[Timing], rng: np.random.Generator, replicates: int = 400) -> tuple[float, float]:
    """The percentile interval of the people's mean log-ratio: people drawn again, then the items of each."""
    names = sorted({row.person for row in timings})
    logs_PR = np.empty((len(names), replicates, len(names)))
    for number, name in enumerate(names):
        means = []
        for arm in ARMS:
            own = [row for row in timings if row.person == name and row.arm is arm]
            pairs = np.array([(row.seconds, row.is_finished) for row in own], dtype=np.float64)
            drawn = pairs[rng.integers(len(own), size=(replicates, len(names), len(own)))].sum(axis=2)
            means.append(np.log(drawn[..., 0] / drawn[..., 1]))
        logs_PR[number] = means[0] - means[1]
    people_RP = rng.integers(len(names), size=(replicates, len(names)))
    rows, places = np.indices(people_RP.shape)
    # a person drawn twice has items drawn anew each time
    savings = 1 - np.exp(logs_PR[people_RP, rows, places].mean(axis=1))
    low, high = np.percentile(savings, [2.5, 97.5])
    return float(low), float(high)


if __name__ == "__main__":
    main()
