"""Short messages written from notes: the model answer covers every note.

Each note is "what it is about: details", with the details separated by commas; every detail is in the model
answer word for word, which is what the test checks and what a marker looks for.
"""

from __future__ import annotations

import random
from collections.abc import Callable

from tunewright.generate.item import Item, ItemModel, Level
from tunewright.generate.models.particulars import (
    CITIES,
    DAYS,
    MONTHS,
    NUMBERS,
    TOWNS,
    Person,
    an,
    as_notes,
    clock,
    some_people,
)

Draft = tuple[str, tuple[str, ...], str]
"""The situation, the notes, and the model answer."""


def _missed_lesson(rng: random.Random, reader: Person, writer: Person) -> Draft:
    lesson = rng.choice(("piano", "guitar", "swimming", "tennis", "singing", "driving"))
    day, other = rng.sample(DAYS, 2)
    reason = rng.choice(
        ("a dentist's appointment", "an exam", "a meeting at work", "visitors from abroad", "a cold")
    )
    time = clock(rng.choice((600, 660, 840, 900, 960, 1020)))
    return (
        f"You cannot go to your next lesson. Write to your teacher, {reader.name}.",
        (
            f"lesson you will miss: {lesson}, {day}",
            f"reason: {reason}",
            f"new time you suggest: {other}, {time}",
        ),
        f"Dear {reader.name},\nI'm very sorry, but I can't come to my {lesson} lesson on {day} because I "
        f"have {reason}. Could we meet on {other} at {time} instead? Please let me know if that suits "
        f"you.\nBest wishes,\n{writer.name}",
    )


def _feed_pet(rng: random.Random, reader: Person, writer: Person) -> Draft:
    pet = rng.choice(("cat", "rabbit", "parrot", "hamster", "goldfish"))
    city = rng.choice(CITIES)
    start, end = rng.choice(
        (("Monday", "Thursday"), ("Tuesday", "Saturday"), ("Friday", "Sunday"), ("Sunday", "Wednesday"))
    )
    often = rng.choice(("once a day", "twice a day", "every morning", "every evening"))
    place = rng.choice(
        ("under the blue flowerpot", "in the letter box", "on the kitchen table", "behind the bench")
    )
    return (
        f"You are going away. Write to your neighbour, {reader.name}, and ask for help.",
        (
            f"your trip: {city}, from {start} to {end}",
            f"help you need: feed my {pet}, {often}",
            f"food: {place}",
        ),
        f"Hi {reader.name},\nI'm going to {city} from {start} to {end}. Could you please feed my {pet} "
        f"{often} while I'm away? You'll find the food {place}. Thank you so much! I'll bring you "
        f"something nice.\n{writer.name}",
    )


def _invitation(rng: random.Random, reader: Person, writer: Person) -> Draft:
    party = rng.choice(
        ("a barbecue", "a garden party", "a games evening", "a leaving party", "a housewarming party")
    )
    day, time = rng.choice(DAYS), clock(rng.choice((1020, 1050, 1080, 1110, 1140)))
    place = rng.choice(
        ("at my flat", "at my parents' house", "in the park by the river", "at the community centre")
    )
    thing = rng.choice(("a salad", "some drinks", "a cake", "a warm jacket", "a board game"))
    return (
        f"Write to your friend {reader.name} with an invitation.",
        (f"event: {party}, {day}", f"time and place: {time}, {place}", f"please bring: {thing}"),
        f"Hi {reader.name},\nI'm having {party} on {day}, and I'd love you to come. It starts at {time} "
        f"{place}. Could you bring {thing}, please? Let me know if you can make it!\nSee you "
        f"soon,\n{writer.name}",
    )


def _lost_thing(rng: random.Random, reader: Person, writer: Person) -> Draft:
    colour = rng.choice(("black", "green", "red", "dark blue", "brown", "yellow"))
    thing = rng.choice(("umbrella", "rucksack", "jacket", "laptop bag", "scarf", "guitar case"))
    start, end = rng.sample(TOWNS, 2)
    day, time = rng.choice(DAYS), clock(rng.choice((525, 590, 655, 835, 910, 1040)))
    seat = rng.choice(("next to the door", "by the window", "under the seat", "at the back"))
    return (
        "You left something on a coach. Write to the lost property office.",
        (
            f"what you lost: {an(colour)} {thing}",
            f"coach: {time}, from {start} to {end}, {day}",
            f"where you left it: {seat}",
        ),
        f"Dear Sir or Madam,\nI left {an(colour)} {thing} on one of your coaches on {day}. It was the "
        f"{time} coach from {start} to {end}, and I think I put it {seat}. Could you please let me know "
        f"whether anyone has found it?\nYours faithfully,\n{writer.name}",
    )


def _thanks(rng: random.Random, reader: Person, writer: Person) -> Draft:
    nights, city = NUMBERS[rng.randint(2, 6)], rng.choice(CITIES)
    best = rng.choice(
        ("the boat trip", "your fish soup", "the walk in the hills", "the market", "the concert")
    )
    left = rng.choice(("my phone charger", "my sunglasses", "my grey pullover", "my book"))
    it = "them" if left == "my sunglasses" else "it"
    month = rng.choice(MONTHS)
    return (
        f"You stayed with your friend {reader.name}. Write to say thank you.",
        (
            f"your stay: {nights} days, {city}",
            f"what you liked most: {best}",
            f"what you left behind: {left}",
            f"your invitation: stay with me, {month}",
        ),
        f"Dear {reader.name},\nThank you very much for the {nights} days in {city}. I had a wonderful "
        f"time, and {best} was the best thing of all. By the way, have you found {left}? I must have left "
        f"{it} in your house. Would you like to come and stay with me in {month}?\nLove,\n{writer.name}",
    )


def _late_colleague(rng: random.Random, reader: Person, writer: Person) -> Draft:
    minutes = rng.choice(("20 minutes", "half an hour", "40 minutes", "an hour"))
    reason = rng.choice(
        ("my train has broken down", "my car won't start", "the motorway is closed", "my flight was late")
    )
    job = rng.choice(("open the meeting", "welcome the visitors", "print the agenda", "set up the projector"))
    file = rng.choice(("on my desk", "in the top drawer", "on the shared drive", "next to the printer"))
    return (
        f"You are going to be late for a meeting. Write to your colleague {reader.name}.",
        (f"how late: {minutes}", f"reason: {reason}", f"favour: {job}", f"documents: {file}"),
        f"Hi {reader.name},\nI'm going to be about {minutes} late for our meeting because {reason}. Could "
        f"you {job} for me, please? You'll find the documents {file}. Sorry about this, and thanks a "
        f"lot!\n{writer.name}",
    )


DRAFTS: tuple[tuple[Callable[[random.Random, Person, Person], Draft], Level, str], ...] = (
    (_missed_lesson, "A2", "changing a lesson"),
    (_feed_pet, "A2", "asking a neighbour for help"),
    (_invitation, "A2", "invitations"),
    (_lost_thing, "B1", "lost property"),
    (_thanks, "B1", "saying thank you"),
    (_late_colleague, "B1", "messages at work"),
)


def _notes_to_message(rng: random.Random) -> Item:
    reader, writer = some_people(rng, 2)
    draft, level, topic = rng.choice(DRAFTS)
    situation, notes, answer = draft(rng, reader, writer)
    words = rng.choice(("30–60 words", "35–60 words"))
    count = NUMBERS[len(notes)]
    return Item(
        task="writing_notes_to_message",
        level=level,
        topic=topic,
        instruction=rng.choice(
            (
                f"Use all the notes to write a message of {words}.",
                f"Write the message described below in {words}. Cover every note.",
            )
        ),
        passage=f"{situation}\n{as_notes(notes)}",
        stem=f"Write your message as {writer.name}.",
        key=answer,
        why=(
            f"The model answer covers all {count} notes "
            f"({'; '.join(note.split(': ')[0] for note in notes)}) and has a greeting and an ending that "
            "suit the reader. Other wordings are possible."
        ),
        evidence=notes[0],
    )


MODELS: tuple[ItemModel, ...] = (
    ItemModel(
        "writing_notes_to_message",
        "writing",
        ("A2", "B1"),
        "turns notes into a short message that covers every point",
        _notes_to_message,
    ),
)
