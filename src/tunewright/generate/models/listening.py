"""Listening for detail: announcements, messages, directions, prices. The rest is in `listening_talk`.

The learner hears the script; the record carries it under "Script:". The facts that matter come with the facts
that mislead (the old platform, the first time suggested), as in speech.
"""

from __future__ import annotations

import random

from tunewright.generate.item import Item, ItemModel
from tunewright.generate.models import listening_errands, listening_lecture, listening_talk
from tunewright.generate.models.particulars import (
    DAYS,
    HEAR,
    TOWNS,
    capital,
    clock,
    script,
    some_people,
    wrong,
)


def _station(rng: random.Random) -> Item:
    mine, other = rng.sample(TOWNS, 2)
    planned, new, other_platform = rng.sample(range(1, 13), 3)
    due = rng.randrange(420, 1260, 5)
    if due % 60 == 0:
        due += 5  # a time with minutes sounds like a train time
    delay = rng.choice((10, 15, 20, 25, 30))
    other_due = due + rng.choice((35, 40, 50, 55))
    name = f"the {clock(due)} train to {mine}"
    welcome = (
        rng.choice(("Good morning, passengers.", "Your attention, please."))
        if due < 720
        else "Your attention, please."
    )
    change = rng.choice(
        (
            f"{capital(name)} will not leave from platform {planned}. Please go to platform {new}.",
            f"This is a change of platform. {capital(name)} will now leave from platform {new}, not from "
            f"platform {planned}.",
            f"Passengers waiting on platform {planned} for {name} should go to platform {new}.",
        )
    )
    late = rng.choice(
        (
            f"It is running {delay} minutes late and will leave at {clock(due + delay)}.",
            f"We are sorry that it is {delay} minutes late. It will now leave at {clock(due + delay)}.",
        )
    )
    rest = f"The {clock(other_due)} train to {other} will leave on time from platform {other_platform}."
    where = rng.random() < 0.5
    if where:
        stem = f"Which platform does the train to {mine} leave from now?"
        answers = [f"platform {n}" for n in (new, planned, other_platform)]
        slips = ("takes the platform before the change", f"takes the platform of the train to {other}")
    else:
        stem = f"When will the train to {mine} leave?"
        answers = [clock(t) for t in (due + delay, due, other_due)]
        slips = ("takes the time before the delay", f"takes the time of the train to {other}")
    return Item(
        task="listening_station",
        level="A2",
        topic="announcements",
        instruction=rng.choice(HEAR),
        passage=script(f"{welcome} {change} {late} {rest}"),
        stem=stem,
        key=answers[0],
        why=(
            f"The announcement moves {name} from platform {planned} to platform {new}."
            if where
            else f"{capital(name)} is {delay} minutes late, so it leaves at {clock(due + delay)}."
        ),
        distractors=wrong(*zip(answers[1:], slips, strict=True)),
        evidence=change if where else late,
    )


BUILDINGS = (  # a building, and four parts of it that close at different times
    ("shopping centre", ("café", "supermarket", "bookshop", "post office")),
    ("library", ("reading room", "children's area", "computer room", "coffee bar")),
    ("museum", ("gift shop", "tea room", "dinosaur hall", "roof garden")),
    ("sports centre", ("swimming pool", "climbing wall", "fitness room", "snack bar")),
    ("department store", ("toy department", "restaurant", "shoe department", "beauty salon")),
)


def _closing(rng: random.Random) -> Item:
    building, parts = rng.choice(BUILDINGS)
    already, soon, later, last = rng.sample(parts, 4)
    now = rng.choice((1005, 1035, 1065, 1095))
    soon_at, later_at, last_at = now + 15, now + rng.choice((45, 75)), now + rng.choice((105, 135))
    greeting = rng.choice(
        (f"Good evening, and welcome to the {building}.", "Ladies and gentlemen, may we have your attention?")
    )
    clauses = (
        f"The {already} is now closed.",
        f"The {soon} closes in fifteen minutes, at {clock(soon_at)}.",
        f"You can use the {later} until {clock(later_at)}.",
        rng.choice(
            (
                f"The {last} stays open longest, until {clock(last_at)}.",
                f"Only the {last} is open after that, until {clock(last_at)}.",
            )
        ),
    )
    facts = {
        already: ("Which part of the building is closed at the moment?", clauses[0]),
        soon: (f"Which part of the building closes at {clock(soon_at)}?", clauses[1]),
        later: (f"Which part of the building closes at {clock(later_at)}?", clauses[2]),
        last: ("Which part of the building closes last?", clauses[3]),
    }
    key = rng.choice((already, soon, later, last))
    stem, evidence = facts[key]
    slips = {
        already: "takes the part that has closed already",
        soon: "takes the part that closes next",
        later: "mixes up two closing times",
        last: "takes the part that stays open longest",
    }
    ending = rng.choice(
        ("Thank you for your visit.", "We hope to see you again soon.", "Have a pleasant evening.")
    )
    return Item(
        task="listening_closing_time",
        level="A2",
        topic="announcements",
        instruction=rng.choice(HEAR),
        passage=script(f"{greeting} It is {clock(now)}. {' '.join(clauses)} {ending}"),
        stem=stem,
        key=f"the {key}",
        why=f"The speaker says: “{evidence}”",
        distractors=wrong(
            *((f"the {part}", slips[part]) for part in (already, soon, later, last) if part != key)
        ),
        evidence=evidence,
    )


PLANS = (  # an arrangement, three places where people can meet for it, and one for a car
    ("the film", ("outside the cinema", "at the bus stop", "in the café opposite"), "in the car park"),
    ("the concert", ("at the main entrance", "at the tram stop", "in the pizza place"), "behind the theatre"),
    ("the football match", ("at gate B", "by the statue", "in the sports bar"), "under the bridge"),
    (
        "our Spanish class",
        ("at the school gate", "by the lockers", "in the canteen"),
        "next to the post office",
    ),
    ("the exhibition", ("by the ticket desk", "on the museum steps", "in the tea room"), "outside the bank"),
)


def _phone_change(rng: random.Random) -> Item:
    caller, friend = some_people(rng, 2)
    plan, places, car_place = rng.choice(PLANS)
    old_place, new_place, refused_place = rng.sample(places, 3)
    day = rng.choice(DAYS)
    first = rng.choice((1050, 1065, 1080, 1095, 1110))
    refused, final = (first + later for later in rng.sample((15, 30, 45, 60), 2))
    phone_by = first - rng.choice((30, 60, 90))
    relative = rng.choice(("my brother", "my cousin", "my neighbour", "my flatmate"))
    if rng.random() < 0.5:
        reason = rng.choice(
            (
                "I've got to finish a report",
                "my meeting is going to end late",
                "I'm waiting for a delivery",
                "I can't leave work on time",
            )
        )
        core = (
            f"We said {clock(first)} for {plan} on {day}, but {reason}. I thought about {clock(refused)}, "
            f"but {relative}, who's coming with us, can't make that. So let's say {clock(final)}, at the "
            "same place."
        )
        after = f"Call me before {clock(phone_by)} if that's a problem."
        stem = f"What time will {caller.name} and {friend.name} meet?"
        options = [clock(final), clock(first), clock(refused), clock(phone_by)]
        evidence = f"So let's say {clock(final)}"
        slips = (
            "takes the first time mentioned, which is the old arrangement",
            "takes a time that is considered and rejected",
            "takes the last time mentioned, which is about phoning",
        )
    else:
        trouble = rng.choice(
            (
                "there are building works there now",
                "it gets very crowded there",
                "it's so easy to miss each other there",
            )
        )
        core = (
            f"We said we'd meet {old_place} before {plan} on {day}, but {trouble}. {capital(relative)} said "
            f"we could wait {refused_place}, but it's always so noisy. So let's meet {new_place}, at "
            f"{clock(first)} as we said."
        )
        after = f"Don't look for my car {car_place}, because I'm coming on foot."
        stem = f"Where will {caller.name} and {friend.name} meet?"
        options = [new_place, old_place, refused_place, car_place]
        evidence = f"So let's meet {new_place}"
        slips = (
            "takes the first place mentioned, which is the old arrangement",
            "takes a place that is suggested and rejected",
            "takes the last place mentioned, which is about a car",
        )
    greeting = rng.choice(
        (f"Hi {friend.name}, it's {caller.name}.", f"Hello {friend.name}, this is {caller.name}.")
    )
    return Item(
        task="listening_phone_change",
        level="B1",
        topic="arrangements",
        instruction=rng.choice(
            ("You will hear a phone message read aloud. Choose the correct answer.", *HEAR)
        ),
        passage=script(f"{greeting} {core} {after} See you soon!"),
        stem=stem,
        key=options[0],
        why=f"{caller.name} changes the plan: “{evidence}”. What comes before it is the old plan and a "
        f"rejected idea.",
        distractors=wrong(*zip(options[1:], slips, strict=True)),
        evidence=evidence,
    )


MODELS: tuple[ItemModel, ...] = (
    ItemModel(
        "listening_station", "listening", ("A2",), "catches the changed detail in an announcement", _station
    ),
    ItemModel(
        "listening_closing_time",
        "listening",
        ("A2",),
        "links places and times in a public announcement",
        _closing,
    ),
    ItemModel(
        "listening_phone_change",
        "listening",
        ("B1",),
        "follows a change of plan to the final arrangement",
        _phone_change,
    ),
    *listening_errands.MODELS,
    *listening_talk.MODELS,
    *listening_lecture.MODELS,
)
