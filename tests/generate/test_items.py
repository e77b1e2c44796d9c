"""The embedded data source: the same items for the same seed, spread, different, valid.

Run this file as a script to renew the golden hash, and look at what changed first.
"""

from __future__ import annotations

import hashlib
import random
from collections import Counter
from functools import cache
from itertools import islice
from pathlib import Path

import orjson
import pytest

from tunewright.errors import ItemError
from tunewright.generate.config import GenerateConfig
from tunewright.generate.item import Item, ItemModel
from tunewright.generate.items import generate_items, item_identities
from tunewright.generate.models import ALL_MODELS
from tunewright.generate.render import check_record, item_of, render
from tunewright.generate.validity import key_length, key_positions
from tunewright.records.record import Record

GOLDEN = Path(__file__).resolve().parents[1] / "golden" / "generate_items_200_seed_7.sha256"


@cache
def two_thousand() -> tuple[Record, ...]:
    return tuple(generate_items(2000, seed=7))


def golden_hash() -> str:
    rows = [
        [r.id, r.instruction, r.input, r.output, r.explanation, dict(r.meta)]
        for r in generate_items(200, seed=7)
    ]
    return hashlib.sha256(orjson.dumps(rows)).hexdigest()


def numbered_model(num_items: int, *, stem: str = "Item {number}: what comes next?") -> ItemModel:
    def draw(rng: random.Random) -> Item:
        number = rng.randrange(num_items)
        return Item(
            task="count",
            level="A1",
            topic="numbers",
            instruction="Write the next number.",
            stem=stem.format(number=number),
            key=f"number {number + 1}",
            why="It is one more.",
        )

    return ItemModel(name="numbered", skill="writing", levels=("A1",), construct="Counts", draw=draw)


def test_the_golden_hash_of_200_items_holds() -> None:
    assert golden_hash() == GOLDEN.read_text(encoding="utf-8").strip(), (
        "items changed; if that was meant, renew with: PYTHONPATH=src python tests/generate/test_items.py"
    )


def test_a_shorter_run_is_the_beginning_of_a_longer_one() -> None:
    assert tuple(generate_items(150, seed=7)) == two_thousand()[:150]


def test_another_seed_gives_other_items() -> None:
    here = {record.id for record in islice(generate_items(200, seed=8), 200)}
    assert len(here & {record.id for record in two_thousand()[:200]}) < 20


def test_no_two_of_2000_items_are_the_same_to_a_learner() -> None:
    identities = [item_identities(item_of(record)) for record in two_thousand()]
    assert len({shown for shown, _ in identities}) == 2000
    assert len({text for _, text in identities}) == 2000
    assert len({record.id for record in two_thousand()}) == 2000


def test_all_of_2000_items_pass_the_hard_rules() -> None:
    assert [(r.id, check_record(r)) for r in two_thousand() if check_record(r)] == []


def test_the_output_is_one_of_the_printed_options_and_never_holds_the_explanation() -> None:
    for record in two_thousand():
        assert record.explanation
        assert record.explanation not in record.output
        assert record.meta["why"] not in record.output
        if record.meta["options"]:
            assert record.output in record.input.splitlines() or record.output in record.input


def test_every_skill_and_level_is_there() -> None:
    levels = Counter(record.meta["level"] for record in two_thousand())
    skills = Counter(record.meta["skill"] for record in two_thousand())
    assert min(levels[level] for level in ("A1", "A2", "B1", "B2", "C1")) >= 100
    assert min(skills[skill] for skill in ("reading", "listening", "writing", "speaking")) >= 60


def test_the_skills_get_the_same_number_of_items() -> None:
    assert set(Counter(r.meta["skill"] for r in two_thousand()).values()) == {500}


def test_the_models_of_a_skill_and_the_levels_of_a_model_differ_by_one_item_at_most() -> None:
    models = Counter((r.meta["skill"], r.meta["item_model"]) for r in two_thousand())
    assert len(models) == len(ALL_MODELS)
    for skill in ("reading", "listening", "writing", "speaking"):
        counts = [count for (of, _), count in models.items() if of == skill]
        assert max(counts) - min(counts) <= 1
    levels = Counter((r.meta["item_model"], r.meta["level"]) for r in two_thousand())
    for model in ALL_MODELS:
        counts = [levels[model.name, level] for level in model.levels]
        assert max(counts) - min(counts) <= 1


def test_the_key_stands_equally_often_in_each_place() -> None:
    choice = [record for record in two_thousand() if record.meta["options"]]
    positions = key_positions(("ABCDEFGH".index(r.meta["key"]), len(r.meta["options"])) for r in choice)
    assert positions.p >= 0.001


def test_the_key_is_not_given_away_by_its_length() -> None:
    """Chance is a quarter; published expert items have 17 to 32 per cent."""
    length = key_length([item_of(record) for record in two_thousand()])
    assert 0.10 < length.longest < 0.30


def test_a_record_can_be_made_again_from_its_model_and_seed() -> None:
    models = {model.name: model for model in ALL_MODELS}
    for record in two_thousand()[:100]:
        model, seed = models[record.meta["item_model"]], record.meta["seed"]
        assert render(model.draw(random.Random(seed)), model=model, seed=seed) == record


@pytest.mark.parametrize("model", ALL_MODELS, ids=lambda model: model.name)
def test_every_model_gives_a_hundred_different_items(model: ItemModel) -> None:
    assert len(list(generate_items(100, seed=1, models=[model]))) == 100


def test_skills_and_levels_narrow_the_choice() -> None:
    records = list(generate_items(60, seed=7, levels=["B1"], skills=["writing"]))
    assert {(r.meta["level"], r.meta["skill"]) for r in records} == {("B1", "writing")}


def test_an_empty_choice_is_an_error() -> None:
    with pytest.raises(ItemError, match="no item model"):
        list(generate_items(1, seed=7, models=[numbered_model(5)], skills=["reading"]))


def test_too_many_items_are_an_error_that_names_the_maximum() -> None:
    with pytest.raises(ItemError, match="7 items were asked for, but the models can give only 5"):
        list(generate_items(7, seed=7, models=[numbered_model(5)]))


def test_an_exhausted_model_is_filled_up_by_the_others() -> None:
    wide = ALL_MODELS[0]
    records = list(generate_items(40, seed=7, models=[numbered_model(5), wide]))
    assert Counter(r.meta["item_model"] for r in records) == {"numbered": 5, wide.name: 35}


def test_an_invalid_item_names_its_model() -> None:
    with pytest.raises(ItemError, match=r"item model 'numbered'.*empty_field"):
        list(generate_items(1, seed=7, models=[numbered_model(5, stem=" ")]))


def test_the_config_says_what_it_makes() -> None:
    config = GenerateConfig()
    assert (config.source, config.n, config.seed, config.skills, config.levels) == (
        "items",
        2000,
        7,
        None,
        None,
    )


if __name__ == "__main__":
    GOLDEN.write_text(golden_hash() + "\n", encoding="utf-8")
