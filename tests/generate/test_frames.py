"""The frame format: what each mark means, and that every frame of the package can be filled."""

from __future__ import annotations

import random
import re
from importlib.resources import files

import pytest

from tunewright.generate.frames import Frame, fill, load_frames, parse_frames
from tunewright.generate.item import Item
from tunewright.generate.validity import check_item

NAMES = sorted(
    path.name.removesuffix(".txt")
    for path in (files("tunewright.generate.models") / "frames").iterdir()
    if path.name.endswith(".txt")
)

TEXT = """
%bare uses the bare verb
$since "Since" reaches up to now.

B1 work
@v;o: sell;apples / eat;eggs
{p} ____ <o> since {year}.
= has <v.part>
- <v> ~bare | <v.past> ~uses the past simple | <v.third> ~uses the present
> Look at "since {year}". $since
"""


def filled(frame: Frame, seed: int) -> Item:
    return fill(frame, rng=random.Random(seed), task="t", instruction="i")


def test_a_frame_becomes_an_item_with_linked_variables() -> None:
    (frame,) = parse_frames(TEXT)
    for seed in range(30):
        item = filled(frame, seed)
        apples = "apples" in item.stem
        assert item.key == ("has sold" if apples else "has eaten")
        assert [d.text for d in item.distractors] == (
            ["sell", "sold", "sells"] if apples else ["eat", "ate", "eats"]
        )
        assert item.distractors[0].misconception == "uses the bare verb"


def test_the_reason_repeats_the_year_of_the_stem() -> None:
    (frame,) = parse_frames(TEXT)
    item = filled(frame, 1)
    year = re.search(r"since (\d{4})", item.stem)
    assert year is not None
    assert item.why == f'Look at "since {year.group(1)}". "Since" reaches up to now.'


def test_a_frame_without_distractors_is_answered_in_writing() -> None:
    (frame,) = parse_frames("A1 food\n{p} has <n.a>.\n@n: egg\n= egg\n> Because.")
    assert filled(frame, 0).distractors == ()
    assert " has an egg." in filled(frame, 0).stem


def test_a_block_without_a_key_is_our_mistake() -> None:
    with pytest.raises(AssertionError, match="needs one line"):
        parse_frames("A1 food\nI eat ____.\n> Because.")


def test_rows_of_unequal_length_are_our_mistake() -> None:
    with pytest.raises(AssertionError, match="another number of values"):
        parse_frames("A1 food\n@a;b: x;y / z\nI eat <a>.\n= x\n> Because.")


@pytest.mark.parametrize("name", NAMES)
def test_every_frame_fills_without_leftovers_and_passes_the_rules(name: str) -> None:
    for frame in load_frames(name):
        for seed in range(25):
            item = filled(frame, seed)
            assert check_item(item) == [], item
            texts = [item.stem, item.key, item.why]
            texts += [text for d in item.distractors for text in (d.text, d.misconception)]
            assert not re.search(r"[<>{}\[\]$@|]|  | \.|\.\.", " ".join(texts)), texts
            assert len(item.distractors) in (0, 3)
