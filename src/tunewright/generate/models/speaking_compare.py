"""Describing how two places differ and what they have in common, with a model answer written from a table."""

from __future__ import annotations

import random
from dataclasses import dataclass

from tunewright.generate.item import Item, ItemModel
from tunewright.generate.models.particulars import TOWNS, listed


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a comparison: its label, possible values, and how to say it when they differ or agree."""

    label: str
    values: tuple[str, ...]
    differ: str
    same: str


COMPARISONS = (  # what is compared, what it is called, and its rows
    (
        *("language schools", "schools"),
        (
            Row(
                "first lesson",
                ("8.30 am", "9 am", "9.30 am", "10 am"),
                "At {a} the first lesson is at {x}, while at {b} it is at {y}.",
                "At both schools the first lesson is at {x}.",
            ),
            Row(
                "group size",
                ("6", "8", "10", "12", "15"),
                "There are {x} people in a group at {a}, but {y} at {b}.",
                "In both places there are {x} people in a group.",
            ),
            Row(
                "price per week",
                ("£180", "£210", "£240", "£275"),
                "A week at {a} costs {x}, whereas {b} charges {y}.",
                "Both schools charge {x} a week.",
            ),
            Row(
                "lunch",
                ("included", "not included"),
                "Lunch is {x} at {a} but {y} at {b}.",
                "Lunch is {x} in both places.",
            ),
            Row(
                "excursions",
                ("every day", "once a week", "twice a month"),
                "{a} offers excursions {x}, but {b} {y}.",
                "There are excursions {x} at both schools.",
            ),
        ),
        ("Oak House", "Bell Academy", "The Corner", "Lingua Point", "Hill College", "Word Works"),
    ),
    (
        *("gyms", "gyms"),
        (
            Row(
                "opening time",
                ("6 am", "6.30 am", "7 am", "8 am"),
                "{a} opens at {x}, while {b} opens at {y}.",
                "Both gyms open at {x}.",
            ),
            Row(
                "monthly fee",
                ("£25", "£30", "£38", "£45"),
                "A month at {a} costs {x}, whereas {b} charges {y}.",
                "Both gyms charge {x} a month.",
            ),
            Row(
                "towels",
                ("free", "£2 each"),
                "Towels are {x} at {a} but {y} at {b}.",
                "Towels are {x} in both places.",
            ),
            Row(
                "yoga classes",
                ("every day", "twice a week", "on Sundays"),
                "{a} has yoga classes {x}, but {b} {y}.",
                "Both gyms have yoga classes {x}.",
            ),
            Row(
                "distance from the station",
                ("200 metres", "500 metres", "two kilometres"),
                "{a} is {x} from the station, but {b} is {y} away.",
                "Both gyms are {x} from the station.",
            ),
        ),
        ("Fit First", "The Engine Room", "Body Box", "Peak Fitness", "City Gym", "Move It"),
    ),
    (
        *("flats", "flats"),
        (
            Row(
                "rent per month",
                ("£620", "£680", "£750", "£790"),
                "{a} costs {x} a month, whereas the rent for {b} is {y}.",
                "The rent is {x} a month for both flats.",
            ),
            Row(
                "size",
                ("one bedroom", "two bedrooms", "three bedrooms"),
                "{a} has {x}, but {b} has {y}.",
                "Both flats have {x}.",
            ),
            Row(
                "floor",
                ("first", "second", "fourth", "fifth"),
                "{a} is on the {x} floor, while {b} is on the {y} floor.",
                "Both flats are on the {x} floor.",
            ),
            Row(
                "free from",
                ("March", "April", "May", "June"),
                "{a} is free from {x}, while {b} is free from {y}.",
                "Both flats are free from {x}.",
            ),
            Row(
                "furniture",
                ("included", "not included"),
                "Furniture is {x} in {a} but {y} in {b}.",
                "Furniture is {x} in both flats.",
            ),
        ),
        ("Mill Cottage", "Flat 4", "The Old Bakery", "Garden View", "Flat 12", "Canal House"),
    ),
)


def _differences(rng: random.Random) -> Item:
    things, short, rows, names = rng.choice(COMPARISONS)
    a, b = rng.sample(names, 2)
    town = rng.choice(TOWNS)
    chosen = rng.sample(rows, 3)
    alike = rng.randrange(3)
    lines, differences, likeness = [], [], ""
    for i, row in enumerate(chosen):
        x, y = rng.sample(row.values, 2)
        if i == alike:
            y = x
            likeness = row.same.format(x=x)
        else:
            differences.append(row.differ.format(a=a, b=b, x=x, y=y))
        lines.append(f"{row.label} | {x} | {y}")
    answer = f"{differences[0]} {differences[1]} There is one thing they have in common, though. {likeness}"
    return Item(
        task="speaking_differences",
        level="B1",
        topic="comparing",
        instruction=rng.choice(
            (
                f"Look at the table about two {things}. Say in what two ways they differ and in what way "
                "they are alike.",
                f"Compare the two {things}: describe two differences and one thing that is the same.",
            )
        ),
        passage="\n".join((f"Two {things} in {town}", f"Name | {a} | {b}", *lines)),
        stem=f"Compare {a} and {b}.",
        key=answer,
        why=(
            f"The rows {listed([f'“{row.label}”' for i, row in enumerate(chosen) if i != alike])} differ; "
            f"only “{chosen[alike].label}” is the same. “While”, “but” or “whereas” sets the two {short} "
            "side by side."
        ),
        evidence=lines[alike],
    )


MODELS: tuple[ItemModel, ...] = (
    ItemModel(
        "speaking_differences",
        "speaking",
        ("B1",),
        "compares two things with clear linking words",
        _differences,
    ),
)
