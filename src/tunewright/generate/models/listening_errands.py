"""Listening on the way somewhere: directions on a map in words, and prices at a ticket office."""

from __future__ import annotations

import random

from tunewright.generate.item import Item, ItemModel
from tunewright.generate.models.particulars import (
    DAYS,
    HEAR,
    NUMBERS,
    draw_until,
    money,
    script,
    some_people,
    wrong,
)

SIGHTS = (
    "bank",
    "bakery",
    "chemist's",
    "post office",
    "museum",
    "bookshop",
    "cinema",
    "hotel",
    "library",
    "school",
)
STREETS = ("Mill Lane", "Green Street", "Abbey Road", "Market Street", "Queen Street", "Castle Road")


def _directions(rng: random.Random) -> Item:
    main = rng.choice(("Station Road", "High Street", "Park Avenue"))
    left = rng.sample(STREETS, 3)
    sights = rng.sample(SIGHTS, 6)
    on_left, on_right = sights[:3], sights[3:]
    streets = "; ".join(
        f"{street} crosses it {ordinal}, with the {a} to the left and the {b} to the right"
        for street, ordinal, a, b in zip(left, ("first", "second", "third"), on_left, on_right, strict=True)
    )
    street_map = f"Map: {main} runs straight on from the station. {streets}."
    number = rng.randrange(3)
    side = rng.choice(("left", "right"))
    key = (on_left if side == "left" else on_right)[number]
    other_side = "right" if side == "left" else "left"
    ordinal = ("first", "second", "third")[number]
    before = number - 1 if number else number + 1
    after = 3 - number - before
    asked = rng.choice(("It's easy to find.", "It isn't far.", "It's about ten minutes on foot."))
    way = rng.choice(
        (
            f"Take the {ordinal} turning on the {side}",
            f"Don't take the {('first', 'second', 'third')[before]} turning. Take the {ordinal} one, on "
            f"the {side}",
            f"Walk as far as {left[number]} and turn {side} there",
        )
    )
    same_side = on_left if side == "left" else on_right
    opposite = on_right if side == "left" else on_left
    return Item(
        task="listening_directions",
        level="A2",
        topic="finding the way",
        instruction=rng.choice(
            (
                "Look at the map in words. Then listen to the directions, which are read aloud. Where does "
                "the visitor want to go?",
                "Read the description of the map, listen to the script and choose the place.",
            )
        ),
        passage=(
            f"{street_map}\n"
            + script(
                f"{asked} Leave the station and go along {main}. {way}. It's on the corner, next to a "
                f"{rng.choice(('red letter box', 'bus stop', 'flower stall'))}. You can't miss it."
            )
        ),
        stem="The visitor is at the station. Which place does the speaker describe?",
        key=f"the {key}",
        why=f"The {ordinal} street is {left[number]}, and to the {side} of {main} there is the {key}.",
        distractors=wrong(
            (f"the {opposite[number]}", f"mixes up left and right: turns {other_side}"),
            (f"the {same_side[before]}", "takes the wrong turning"),
            (f"the {same_side[after]}", "takes the wrong turning"),
        ),
        evidence=way,
    )


GUIDED = ("castle", "chocolate factory", "lighthouse", "film studio", "old theatre", "botanical garden")


def _price_total(rng: random.Random) -> Item:
    caller, clerk = some_people(rng, 2)
    sight = rng.choice(GUIDED)

    def numbers(rng: random.Random) -> tuple[int, int, int, int, int, bool]:
        return (
            rng.choice((1, 2, 3)),
            rng.choice((2, 3, 4)),
            rng.randrange(800, 1600, 50),
            rng.randrange(300, 750, 50),
            rng.choice((200, 250, 300, 400)),
            rng.random() < 0.5,
        )

    def totals(drawn: tuple[int, int, int, int, int, bool]) -> list[int]:
        """What is to be paid, then what three slips would make of it."""
        adults, children, adult, child, guide, wants_guide = drawn
        extra = guide if wants_guide else 0
        full = adults * adult + children * child
        return [
            full + extra,
            full + guide - extra,
            (adults + children) * adult + extra,
            adult + child + extra,
        ]

    drawn = draw_until(rng, numbers, lambda drawn: len(set(totals(drawn))) == 4)
    adults, children, adult, child, guide, wants_guide = drawn
    total, other_total, all_adults, two_prices = totals(drawn)
    full = adults * adult + children * child
    reply = "Yes, one, please." if wants_guide else "No, thanks. We don't need one."
    party = f"{NUMBERS[adults]} adult{'s' if adults > 1 else ''} and {NUMBERS[children]} children"
    price = f"It's {money(adult)} for an adult and {money(child)} for a child."
    offer = f"Would you like an audio guide? That's {money(guide)} extra."
    text = "\n".join(
        (
            f"{clerk.name}: Good morning, {sight} ticket office. How can I help?",
            f"{caller.name}: Hello. I'd like tickets for {party} for {rng.choice(DAYS)}, please. How much "
            "are they?",
            f"{clerk.name}: {price} {offer}",
            f"{caller.name}: {reply}",
        )
    )
    return Item(
        task="listening_price_total",
        level="B1",
        topic="buying tickets",
        instruction=rng.choice(HEAR),
        passage=script(text),
        stem=rng.choice(
            ("How much does the caller have to pay in total?", f"What is the total price for {caller.name}?")
        ),
        key=money(total),
        why=(
            f"{adults} × {money(adult)} + {children} × {money(child)} is {money(full)}; the caller "
            f"{'takes an audio guide for' if wants_guide else 'refuses the audio guide for'} "
            f"{money(guide)}, so the total is {money(total)}."
        ),
        distractors=wrong(
            (
                money(other_total),
                "leaves out the audio guide that the caller takes"
                if wants_guide
                else "adds the audio guide that the caller refuses",
            ),
            (money(all_adults), "charges the adult price for the children too"),
            (money(two_prices), "adds the two prices without counting the people"),
        ),
        evidence=price,
    )


MODELS: tuple[ItemModel, ...] = (
    ItemModel(
        "listening_directions", "listening", ("A2",), "follows directions on a simple map", _directions
    ),
    ItemModel(
        "listening_price_total",
        "listening",
        ("B1",),
        "keeps spoken prices and numbers in mind and adds them",
        _price_total,
    ),
)
