"""Why a short message was written: one speech act per message, the others only hinted at."""

from __future__ import annotations

import random

from tunewright.generate.item import Item, ItemModel
from tunewright.generate.models.particulars import (
    DAYS,
    clock,
    some_people,
    wrong,
)

MEETINGS = (  # what it is, what has to be arranged for it, what a guest brings, where it may be
    ("dinner", "book a table", "the photos", ("the Greek restaurant", "the Café Roma", "the Golden Lotus")),
    ("picnic", "buy the drinks", "a blanket", ("Hill Park", "the lake", "the botanical garden")),
    ("film night", "choose a film", "some snacks", ("my flat", "the student centre", "my sister's house")),
    (
        "football match",
        "book the pitch",
        "a white T-shirt",
        ("the sports centre", "Queen's Park", "the school"),
    ),
    (
        "birthday lunch",
        "order a cake",
        "the camera",
        ("the pizza place", "the Blue Boat Café", "my parents' house"),
    ),
    ("study group", "reserve a room", "the textbook", ("the library", "the canteen", "room 12")),
)


def _purpose(rng: random.Random) -> Item:
    reader, writer = some_people(rng, 2)
    meeting, job, thing, places = rng.choice(MEETINGS)
    day = rng.choice(DAYS)
    place, new_place = rng.sample(places, 2)
    is_midday = "lunch" in meeting or meeting == "picnic"
    hour = rng.choice((750, 765, 780)) if is_midday else rng.choice((1080, 1110, 1140))
    later = hour + rng.choice((30, 45, 60))
    rest = rng.choice(
        ("Everything else is ready.", "I've told the others, too.", "Nothing else has changed.")
    )
    because = rng.choice(
        ("My morning class ends late", "I have to see the dentist first", "My train gets in late")
        if is_midday
        else ("My last class ends late", "I have to work late", "My train gets in late")
    )
    messages = {
        f"to tell {reader.name} about a new time for the {meeting}": (
            f"we said {clock(hour)} for the {meeting} on {day}. {because}, so let's make it "
            f"{clock(later)}. It's still at {place}. {rest}",
            f"let's make it {clock(later)}",
        ),
        f"to tell {reader.name} about a new place for the {meeting}": (
            f"one change to the {meeting} on {day}: we're not meeting at {place} after all, so come to "
            f"{new_place} instead. The time is the same, {clock(hour)}. {rest}",
            f"come to {new_place} instead",
        ),
        f"to tell {reader.name} that there will be no {meeting}": (
            f"bad news about {day}. Three of the people who were coming to {place} are ill, so we've "
            f"called off the {meeting}. I'm sorry, because I know you were looking forward to it.",
            f"we've called off the {meeting}",
        ),
        f"to remind {reader.name} to bring {thing} to the {meeting}": (
            f"the {meeting} is at {place} on {day} at {clock(hour)}, as we planned. Everything is ready. "
            f"Just don't forget to bring {thing} this time!",
            f"don't forget to bring {thing} this time",
        ),
        f"to ask {reader.name} to {job} for the {meeting}": (
            f"everyone can come to the {meeting} on {day} at {clock(hour)}. I'm very busy all this week, "
            f"so could you {job}, please? I'll bring {thing}.",
            f"could you {job}, please?",
        ),
        f"to invite {reader.name} to the {meeting}": (
            f"some of us are planning a {meeting} on {day}. We'll be at {place} from {clock(hour)}. You "
            "don't have to bring anything. Would you like to join us?",
            "Would you like to join us?",
        ),
    }
    key = rng.choice(list(messages))
    text, evidence = messages[key]
    others = rng.sample([purpose for purpose in messages if purpose != key], 3)
    misconception = "picks a purpose that messages about plans often have, without finding it in this one"
    greeting = rng.choice((f"Hi {reader.name},", f"Hello {reader.name},"))
    return Item(
        task="reading_message_purpose",
        level="B1" if key.startswith(("to ask", "to remind")) else "A2",
        topic="messages between friends",
        instruction=rng.choice(
            (
                "Read the message. Why did the writer send it?",
                "Read the message and choose the main purpose.",
                "What is the message for? Choose the best answer.",
            )
        ),
        passage=f"{greeting}\n{text[0].upper()}{text[1:]}\n{writer.name}",
        stem=f"The main purpose of {writer.name}'s message is",
        key=key,
        why=f"The words “{evidence}” show it: {writer.name} writes {key}.",
        distractors=wrong(*((other, _purpose_slip(other, misconception)) for other in others)),
        evidence=evidence,
    )


def _purpose_slip(purpose: str, otherwise: str) -> str:
    slips = {
        "new time": "sees a time in the message and takes it for a change of time",
        "new place": "sees a place in the message and takes it for a change of place",
        "will be no": "reads trouble with the plan as the end of the plan",
        "remind": "takes the mention of things to bring or prepare for a reminder",
        "to ask": "takes the mention of preparations for a request",
        "invite": "takes any message about a social event for an invitation",
    }
    return next((slip for mark, slip in slips.items() if mark in purpose), otherwise)


MODELS: tuple[ItemModel, ...] = (
    ItemModel(
        "reading_message_purpose",
        "reading",
        ("A2", "B1"),
        "recognises why a short message was written",
        _purpose,
    ),
)
