"""The embedded data source: as many assessment items as asked for, spread evenly, the same for the same seed.

The skills take turns; within a skill the item models do, in an order drawn for each round; within a model its
levels. A model that gives nothing new at a level any more drops out there, and the others fill. Nothing
depends on `n` but where the stream stops: the first items of a longer run are the items of a shorter one.
"""

from __future__ import annotations

import hashlib
import random
from collections import defaultdict, deque
from collections.abc import Iterator, Mapping, Sequence

from tunewright.errors import ItemError
from tunewright.generate.item import Item, ItemModel, Level, Skill
from tunewright.generate.models import ALL_MODELS
from tunewright.generate.render import render
from tunewright.generate.validity import check_item, normalised
from tunewright.records.record import Record

# A cell is taken as exhausted after this many draws in a row without a new item of its level.
PATIENCE_DRAWS = 400


def generate_items(
    n: int,
    *,
    seed: int,
    models: Sequence[ItemModel] = ALL_MODELS,
    levels: Sequence[Level] | None = None,
    skills: Sequence[Skill] | None = None,
) -> Iterator[Record]:
    """Yields `n` different items as records, evenly over skills, then over their models, then over levels.

    ItemError when the selection holds no model, when a model draws an invalid item, or when all models
    together can give fewer than `n`; the last comes after what there is has been yielded.
    """
    cells = [
        (model, level)
        for model in models
        for level in model.levels
        if (skills is None or model.skill in skills) and (levels is None or level in levels)
    ]
    if not cells:
        raise ItemError(
            f"no item model for skills {skills} at levels {levels}; ask for others or leave one out"
        )
    seen: set[bytes] = set()
    sources = {model.name: _Source(model, seed=seed, seen=seen) for model, _ in cells}
    streams = {
        skill: _rounds([cell for cell in cells if cell[0].skill == skill], sources, seed=seed)
        for skill in dict.fromkeys(model.skill for model, _ in cells)
    }
    num_items = 0
    while num_items < n:
        if not streams:
            raise ItemError(
                f"{n} items were asked for, but the models can give only {num_items}; ask for at most "
                "that many, or allow more skills or levels"
            )
        for skill in list(streams):
            record = next(streams[skill], None)
            if record is None:
                del streams[skill]
                continue
            yield record
            num_items += 1
            if num_items == n:
                return


def _rounds(
    cells: Sequence[tuple[ItemModel, Level]], sources: Mapping[str, _Source], *, seed: int
) -> Iterator[Record]:
    """One new item from each model in turn, its levels by rotation, until all cells are exhausted."""
    rng = random.Random(f"rounds of {seed}, {cells[0][0].skill}")
    levels: dict[str, deque[Level]] = defaultdict(deque)
    for model, level in cells:
        levels[model.name].append(level)
    for waiting in levels.values():  # so that a short run does not take every model's lowest level
        waiting.rotate(rng.randrange(len(waiting)))
    while levels:
        names = list(levels)
        rng.shuffle(names)
        for name in names:
            record = sources[name].next_at(levels[name][0])
            if record is not None:
                levels[name].rotate(-1)
                yield record
                continue
            levels[name].popleft()
            if not levels[name]:
                del levels[name]


class _Source:
    """One model's stream of new, valid records, sorted by level as they come."""

    def __init__(self, model: ItemModel, *, seed: int, seen: set[bytes]) -> None:
        self.model = model
        self.seed = seed
        self.num_draws = 0
        self.seen = seen
        self.waiting: dict[str, deque[Record]] = defaultdict(deque)

    def next_at(self, level: Level) -> Record | None:
        """The next new item at this level, or None when the model seems to have no more of them."""
        num_futile = 0
        while not self.waiting[level]:
            record = self._draw()
            if record is not None:
                self.waiting[record.meta["level"]].append(record)
            num_futile = num_futile + 1
            if num_futile > PATIENCE_DRAWS:
                return None
        return self.waiting[level].popleft()

    def _draw(self) -> Record | None:
        item_seed = _item_seed(self.seed, self.model.name, self.num_draws)
        self.num_draws += 1
        item = self.model.draw(random.Random(item_seed))
        findings = check_item(item)
        if findings:
            reasons = "; ".join(f"{finding.rule}: {finding.reason}" for finding in findings)
            raise ItemError(f"item model '{self.model.name}', item seed {item_seed}: {reasons}")
        identities = item_identities(item)
        if not self.seen.isdisjoint(identities):
            return None
        self.seen.update(identities)
        return render(item, model=self.model, seed=item_seed)


def item_identities(item: Item) -> tuple[bytes, bytes]:
    """Two digests; items that share either are the same item to a learner.

    One is over all that is shown, with the options in a fixed order; the other over passage and stem alone.
    """
    options = sorted(normalised(text) for text in (item.key, *(d.text for d in item.distractors)))
    shown = [item.instruction, item.passage, item.stem, *(options if item.distractors else [])]
    return _digest(map(normalised, shown)), _digest(map(normalised, (item.passage, item.stem)))


def _item_seed(seed: int, model_name: str, draw: int) -> int:
    """A seed of its own for each draw, stored with the item; 48 bits, which every JSON reader keeps exact."""
    digest = hashlib.sha256(f"{seed}/{model_name}/{draw}".encode()).digest()
    return int.from_bytes(digest[:6], "big")


def _digest(texts: Iterator[str] | map[str]) -> bytes:
    return hashlib.sha256("\x1f".join(texts).encode()).digest()[:12]
