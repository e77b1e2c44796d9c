"""The order of sentences in a paragraph, provable from what each takes up from the one before."""

from __future__ import annotations

import random

from tunewright.generate.item import Item, ItemModel
from tunewright.generate.models.particulars import (
    CITIES,
    DAYS,
    MONTHS,
    TOWNS,
    capital,
    some_people,
    wrong,
)

CHAINS = (  # each sentence takes up, as known, something that only the sentence before it introduced
    (
        "In {month} a {job} called {name} found an old suitcase in a cellar in {city}.",
        "Inside the suitcase there was a bundle of {papers}, tied with a blue ribbon.",
        "The ribbon carried the name of a family that had once owned {a_shop} nearby.",
        "That shop is now a café, and its owner has put {name}'s discovery on the wall.",
    ),
    (
        "Two years ago the council of {town} decided to build a {thing} near the station.",
        "This decision led to a protest by a group of {group}.",
        "Their protest was reported on television, where an engineer from {city} saw it.",
        "The engineer offered them a different plan, which everyone has now accepted.",
    ),
    (
        "{name} wanted to learn a language that none of {his} friends could speak.",
        "The one {he} chose was {language}, and {he} began with an evening course in {city}.",
        "The course was taught by a retired diplomat, who invited the class to {his2} home each {month}.",
        "At one of these invitations {name} met the person {he} later married.",
    ),
    (
        "A {animal} escaped from the zoo in {city} on {day}.",
        "The animal was first seen by a {job} on {his2} way to work.",
        "{He2} took a photograph of it and sent the picture to the local radio station.",
        "Thanks to that picture, the zoo's staff found it asleep in a garden before lunch.",
    ),
    (
        "Last {month} a small firm in {city} brought out a new kind of {gadget}.",
        "The {gadget} attracted a large order from a chain of shops in {town}.",
        "To meet this order, the firm had to take on {number} extra workers.",
        "Most of these workers have since been given permanent jobs.",
    ),
    (
        "Every {month} the people of {town} hold a race along the river.",
        "This year's race was won by a {job} named {name}.",
        "{He}, however, gave the prize of £{prize} to the runner in second place.",
        "“She stopped to help me when I fell,” {name} explained, speaking of that runner.",
    ),
)


def _order(rng: random.Random) -> Item:
    person, other = some_people(rng, 2)
    slots = {
        "name": person.name,
        "he": person.he,
        "He": capital(person.he),
        "his": person.his,
        "his2": other.his,
        "He2": capital(other.he),
        "city": rng.choice(CITIES),
        "town": rng.choice(TOWNS),
        "month": rng.choice(MONTHS),
        "day": rng.choice(DAYS),
        "job": rng.choice(("plumber", "teacher", "nurse", "bus driver", "baker", "gardener")),
        "papers": rng.choice(("letters", "postcards", "photographs", "drawings")),
        "a_shop": rng.choice(("a toy shop", "a cake shop", "a hat shop", "a tea shop")),
        "thing": rng.choice(("car park", "shopping centre", "concert hall", "hotel")),
        "group": rng.choice(("students", "parents", "pensioners", "shopkeepers")),
        "language": rng.choice(("Finnish", "Swahili", "Korean", "Welsh", "Greek")),
        "animal": rng.choice(("penguin", "young kangaroo", "flamingo", "tortoise", "red panda")),
        "gadget": rng.choice(("bicycle lamp", "lunch box", "folding chair", "rucksack", "water bottle")),
        "number": rng.choice(("fifteen", "twenty", "thirty", "forty")),
        "prize": rng.choice(("100", "200", "250", "500")),
    }
    sentences = [sentence.format(**slots) for sentence in rng.choice(CHAINS)]
    shown = rng.sample(range(4), 4)  # shown[i] is the place in the text of the sentence with letter i
    if shown == sorted(shown):
        shown.reverse()
    letters = "ABCD"
    letter_at = {place: letters[i] for i, place in enumerate(shown)}
    passage = "\n".join(f"({letters[i]}) {sentences[place]}" for i, place in enumerate(shown))

    def order(*places: int) -> str:
        return "–".join(letter_at[place] for place in places)

    return Item(
        task="writing_order",
        level="B2",
        topic="building a paragraph",
        instruction=rng.choice(
            (
                "Put the sentences in order to make a paragraph. Choose the correct order.",
                "In which order do the four sentences make a well-written paragraph?",
            )
        ),
        passage=passage,
        stem="The best order is",
        key=order(0, 1, 2, 3),
        why=(
            "Each sentence takes up something that the sentence before it has introduced, so the paragraph "
            f"begins with {letter_at[0]}, goes on with {letter_at[1]} and {letter_at[2]}, and ends with "
            f"{letter_at[3]}."
        ),
        distractors=wrong(
            (
                order(0, 2, 1, 3),
                f"puts {letter_at[2]} before {letter_at[1]}, which introduces what it refers to",
            ),
            (
                order(1, 0, 2, 3),
                f"begins with {letter_at[1]}, which refers back to something not yet mentioned",
            ),
            (
                order(0, 1, 3, 2),
                f"puts {letter_at[3]} before {letter_at[2]}, which introduces what it refers to",
            ),
        ),
        evidence=f"({letter_at[0]}) {sentences[0]}",
    )


MODELS: tuple[ItemModel, ...] = (
    ItemModel("writing_order", "writing", ("B2",), "orders sentences by what they refer back to", _order),
)
