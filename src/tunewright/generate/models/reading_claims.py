"""True, false or not given: claims about a course or a place to stay.

Each fact is a sentence, a claim that it makes true and a claim that it makes false. A claim is "not given"
when the sentence with its fact is left out of the text; no other fact in the table lets one infer it.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

from tunewright.generate.item import Item, ItemModel
from tunewright.generate.models.particulars import DAYS, NUMBERS, TOWNS, some_people, wrong


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing the text may say, and a claim about it that is true of what it says, or false of it."""

    sentence: str
    true_claim: str
    false_claim: str


def _number(count: int) -> str:
    """In words up to ten, in figures above."""
    return NUMBERS[count] if count < len(NUMBERS) else str(count)


def _either(rng: random.Random, yes: str, no: str, claim: str, opposite: str) -> Fact:
    """A fact with two possible sentences; `claim` agrees with `yes`, `opposite` with `no`."""
    if rng.random() < 0.5:
        return Fact(yes, claim, opposite)
    return Fact(no, opposite, claim)


COURSES = (
    ("Pottery", "clay and tools"),
    ("Watercolour painting", "paints and paper"),
    ("Photography", "cameras"),
    ("Italian cooking", "ingredients"),
    ("Jewellery making", "silver wire and stones"),
    ("Guitar", "guitars and music books"),
    ("Sewing", "fabric and thread"),
    ("Bread making", "flour and baking tins"),
    ("Woodwork", "wood and tools"),
    ("Creative writing", "notebooks and course books"),
)


def _course_facts(rng: random.Random) -> tuple[str, list[Fact], str]:
    subject, materials = rng.choice(COURSES)
    teacher = some_people(rng, 1)[0]
    size, more = rng.randint(6, 14), rng.choice((4, 6))
    years = rng.choice((5, 8, 12, 15, 20))
    weeks = rng.choice((6, 8, 9, 10))
    fee, other_fee = rng.sample((8, 9, 11, 12, 14, 15), 2)
    day = rng.choice(DAYS[:4])
    opening = rng.choice(
        (
            f"{subject} is one of our most popular evening courses. It is held on {day}s.",
            f"Our {subject[0].lower() + subject[1:] if subject != 'Italian cooking' else subject} course "
            f"is back this autumn, on {day} evenings.",
        )
    )
    facts = [
        Fact(
            f"There is room for {_number(size)} people in each group.",
            f"A group has no more than {_number(size)} members.",
            f"A group can have as many as {_number(size + more)} members.",
        ),
        Fact(
            f"The course lasts {NUMBERS[weeks]} weeks, with one class a week, and costs £{fee * weeks}.",
            f"Each class works out at £{fee}.",
            f"Each class works out at £{other_fee}.",
        ),
        _either(
            rng,
            f"All {materials} are included in the price.",
            f"Please note that {materials} are not included in the price.",
            f"Students do not need to buy their own {materials}.",
            f"Students need to bring or buy their own {materials}.",
        ),
        _either(
            rng,
            "It does not matter if you have never tried it before.",
            "You need at least a year's experience to join.",
            "Complete beginners can take the course.",
            "The course is unsuitable for complete beginners.",
        ),
        _either(
            rng,
            "There is no exam, but everyone receives a certificate at the end.",
            "There is no exam, and we do not give certificates.",
            "Students get a document to show that they took the course.",
            "Students finish the course without any certificate.",
        ),
        _either(
            rng,
            "If you have to cancel in the week before the course begins, we return the full fee.",
            "If you cancel in the week before the course begins, we cannot return your money.",
            "Someone who cancels two days before the course begins gets their money back.",
            "Someone who cancels two days before the course begins loses their money.",
        ),
        _either(
            rng,
            "Every class is filmed, so you can watch it again at home.",
            "Classes are not filmed or put online.",
            "A student who misses a class can see it later.",
            "There is no way to watch a class that you have missed.",
        ),
        _either(
            rng,
            f"{teacher.name}, the teacher, has been running the course for {years} years.",
            f"This will be the first course {teacher.name}, the teacher, has ever given.",
            "The teacher has taught before.",
            "The teacher is new to teaching.",
        ),
        _either(
            rng,
            "Evening students may leave their cars behind the building without paying.",
            "There is no car park, so evening students should come by bus or bicycle.",
            "Students can park at the building free of charge.",
            "Students who drive have to park somewhere else.",
        ),
    ]
    return opening, facts, "evening courses"


def _guest_house_facts(rng: random.Random) -> tuple[str, list[Fact], str]:
    owner = some_people(rng, 1)[0]
    town = rng.choice(TOWNS)
    minutes, other_minutes = rng.sample((5, 10, 15, 20, 25), 2)
    built, rooms = rng.randint(1780, 1898), rng.randint(5, 12)
    nights = rng.choice((2, 3))
    opening = rng.choice(
        (
            f"{owner.name}'s Guest House has {_number(rooms)} rooms and stands on a hill above {town}.",
            f"{owner.name} and {owner.his} family look after the {_number(rooms)} rooms of this guest "
            f"house in {town}.",
        )
    )
    facts = [
        Fact(
            f"It is a {minutes}-minute walk to the beach.",
            f"Guests can reach the beach on foot in {minutes} minutes.",
            f"Guests need {other_minutes} minutes to walk to the beach.",
        ),
        Fact(
            f"The house was built in {built} and still has its original windows.",
            "The building is more than a hundred years old.",
            "The building is less than fifty years old.",
        ),
        _either(
            rng,
            "Breakfast is included in the price of every room.",
            "Breakfast is available for an extra £9.",
            "Guests do not pay extra for breakfast.",
            "Guests who want breakfast pay more.",
        ),
        _either(
            rng,
            "Dogs are welcome in all the rooms.",
            "Unfortunately, we cannot accept pets of any kind.",
            "It is possible to stay here with a dog.",
            "A guest with a dog has to stay somewhere else.",
        ),
        _either(
            rng,
            "You can book for a single night at any time of the year.",
            f"In July and August we only take bookings for {NUMBERS[nights]} nights or more.",
            "It is possible to stay for just one night in July.",
            "One-night bookings are not possible in July.",
        ),
        _either(
            rng,
            "If you arrive after 10 pm, you can let yourself in with a door code.",
            "Nobody can check in after 10 pm, when the front door is locked.",
            "It is possible to arrive at 11 pm.",
            "A guest who arrives at 11 pm will not get in.",
        ),
        _either(
            rng,
            "A lift takes you to all three floors.",
            "As the house has no lift, all guests use the stairs.",
            "Guests can go up to their rooms without climbing stairs.",
            "The only way to the upper floors is on foot.",
        ),
        _either(
            rng,
            "Guests may use the kitchen to prepare their own meals.",
            "The kitchen is for the family only.",
            "Guests can cook for themselves.",
            "Guests are not allowed to cook.",
        ),
    ]
    return opening, facts, "places to stay"


def _true_false_not_given(rng: random.Random) -> Item:
    opening, facts, topic = rng.choice((_course_facts, _guest_house_facts))(rng)
    chosen = rng.sample(facts, 5)
    target = chosen[0]
    key = rng.choice(("True", "False", "Not given"))
    told = [fact for fact in facts if fact in (chosen[1:] if key == "Not given" else chosen)]
    rng.shuffle(told)
    passage = " ".join((opening, *(fact.sentence for fact in told)))
    claim = {
        "True": target.true_claim,
        "False": target.false_claim,
        "Not given": rng.choice((target.true_claim, target.false_claim)),
    }[key]
    if key == "Not given":
        evidence = passage
        why = f"None of the sentences of the text says whether “{claim}” is right, so it is not given."
        slips = {
            "True": "accepts what seems likely but is not in the text",
            "False": "takes silence for a denial",
        }
    else:
        evidence = target.sentence
        verdict = "agrees with" if key == "True" else "contradicts"
        why = f"The text says: “{target.sentence}” This {verdict} the claim."
        slips = {
            "True": "recognises words from the text and does not check what is said about them",
            "False": "reads the claim as different because it is in other words",
            "Not given": "looks for the same words and misses the paraphrase",
        }
    return Item(
        task="reading_true_false_not_given",
        level="B1",
        topic=topic,
        instruction=rng.choice(
            (
                "Read the text. Is the statement True, False or Not given?",
                "Does the text say that the statement is True or False, or is the information Not given?",
            )
        ),
        passage=passage,
        stem=f"Statement: {claim}",
        key=key,
        why=why,
        distractors=wrong(
            *((option, slips[option]) for option in ("True", "False", "Not given") if option != key)
        ),
        evidence=evidence,
    )


MODELS: tuple[ItemModel, ...] = (
    ItemModel(
        "reading_true_false_not_given",
        "reading",
        ("B1",),
        "distinguishes what a text says, denies and leaves open",
        _true_false_not_given,
    ),
)
