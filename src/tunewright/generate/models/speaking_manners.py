"""Polite requests and tactful disagreement: what is said and how are both fixed by the situation."""

from __future__ import annotations

import random
from dataclasses import dataclass

from tunewright.generate.item import Item, ItemModel
from tunewright.generate.models.particulars import (
    CITIES,
    WEEKDAYS,
    some_people,
    wrong,
)


@dataclass(frozen=True, slots=True)
class Situation:
    """Someone to speak to, what is wanted, and how to ask for it, offer it and demand it."""

    setting: str
    request: tuple[str, str]
    offer: str
    demand: str
    question: str


SITUATIONS = (
    Situation(
        "You are in a library in {city}. Two people at the next table are talking, and you cannot read. "
        "You have never met them. You want silence.",
        (
            "Excuse me, would you mind speaking more quietly?",
            "I'm sorry, but could you speak a little more quietly?",
        ),
        "Excuse me, would you like me to speak more quietly?",
        "Stop talking now, I'm trying to read my book.",
        "Excuse me, are you going to sit here and read all day?",
    ),
    Situation(
        "You are at work in {city}. You have an appointment with {a_doctor} on {day} and would like to go "
        "home an hour early. You speak to your manager.",
        (
            "Would it be all right if I left an hour early on {day}?",
            "I wonder if I could leave an hour early on {day}.",
        ),
        "Would you perhaps like to leave an hour early on {day}?",
        "I'm going home an hour early on {day}, just so you know.",
        "Could you tell me why you leave early on {day}?",
    ),
    Situation(
        "You are a guest at a hotel in {city}. Your room is too {cold}. You phone the receptionist because "
        "you would like a different room.",
        ("Would it be possible to move to another room?", "I was wondering if I could have another room."),
        "Would you like me to find another room for you?",
        "Give me another room, this one's terrible.",
        "Could you tell me how many other rooms you have?",
    ),
    Situation(
        "You are on a train to {city}. You have a heavy {bag} and want it on the shelf above the seats. "
        "You speak to a tall stranger.",
        ("Could you possibly help me with my {bag}?", "Would you mind giving me a hand with my {bag}?"),
        "Would you like me to help you with your {bag}?",
        "You there, put my {bag} up on the shelf for me.",
        "Excuse me, is this {bag} up on the shelf yours?",
    ),
    Situation(
        "You are in a lecture at the university in {city}. You did not understand the last {example}. You "
        "would like to hear it again from the professor.",
        (
            "Would you mind explaining the last {example} again?",
            "Could you possibly go through the last {example} again?",
        ),
        "Would you like me to explain the last {example} to you?",
        "Explain the last {example} again, it wasn't clear at all.",
        "Could you tell me if this is the last {example}?",
    ),
    Situation(
        "You are in a restaurant in {city}. You ordered the {dish} half an hour ago, and you have to leave "
        "soon. You would like the waiter to bring it.",
        ("Could you check on my {dish}, please?", "Would you mind seeing if my {dish} is ready?"),
        "Shall I see whether your {dish} is ready?",
        "Where's my {dish}? Hurry up, will you?",
        "Could you tell me what is in the {dish}?",
    ),
)


def _polite(rng: random.Random) -> Item:
    situation = rng.choice(SITUATIONS)
    slots = {
        "city": rng.choice(CITIES),
        "day": rng.choice(WEEKDAYS),
        "a_doctor": rng.choice(("a doctor", "a dentist", "an optician", "a bank adviser", "a solicitor")),
        "cold": rng.choice(("cold", "hot", "noisy", "dark", "small")),
        "bag": rng.choice(("suitcase", "rucksack", "cello", "box", "folding bike")),
        "example": rng.choice(("example", "diagram", "formula", "step", "definition")),
        "dish": rng.choice(("soup", "pizza", "salad", "omelette", "steak")),
    }
    setting = situation.setting.format(**slots)
    return Item(
        task="speaking_polite",
        level="B1",
        topic="polite requests",
        instruction=rng.choice(
            (
                "Read the situation. What is the most appropriate thing to say?",
                "Choose the polite way to get what you want in this situation.",
            )
        ),
        passage=setting,
        stem="You say:",
        key=rng.choice(situation.request).format(**slots),
        why="It asks for what you want and is polite enough for someone you do not know well or who is "
        "your superior.",
        distractors=wrong(
            (
                situation.offer.format(**slots),
                "is polite, but offers or suggests something instead of asking for it",
            ),
            (
                situation.demand.format(**slots),
                "says what you want, but without the politeness the situation needs",
            ),
            (situation.question.format(**slots), "asks for information instead of getting what you want"),
        ),
        evidence=setting,
    )


PROPOSALS = (  # a colleague's proposal, what can be said for it, what can be said against it
    ("moving the office to {city}", "rents would be lower", "we might lose some of our best people"),
    (
        "cancelling the training day in {month_place}",
        "it would save a good deal of money",
        "the new staff depend on it",
    ),
    (
        "replacing the printed guide with an app",
        "it would be easier to update",
        "many of our visitors have no smartphone",
    ),
    (
        "opening the museum in {city} on Mondays",
        "it would bring in more school groups",
        "the guards already work six days",
    ),
    (
        "holding all meetings online",
        "it would cut down on travel",
        "the newest members would hardly get to know us",
    ),
    (
        "closing the branch in {city}",
        "it has lost money for years",
        "the larger customers still insist on it",
    ),
    (
        "raising the ticket price to £{price}",
        "the orchestra needs the income",
        "the students would simply stay away",
    ),
    (
        "ending the evening course in {city}",
        "numbers have been falling",
        "its members have nowhere else to go",
    ),
)
TACTFUL = (
    "I take the point that {pro}, but it worries me a little that {con}.",
    "It's true that {pro}; my one hesitation would be that {con}.",
    "I can quite see that {pro}. All the same, I'm not sure we should forget that {con}.",
)
BLUNT = (
    "Nonsense. Who cares whether {pro}? The only thing that matters is that {con}.",
    "No, that won't do at all. You say that {pro}, but anyone can see that {con}.",
)
FULL_AGREEMENT = (
    "I couldn't agree more. Granted, {con}, but what counts is surely that {pro}.",
    "That strikes me as exactly right. It may be that {con}, but above all {pro}.",
)
EVASIVE = (
    "I can see it both ways: {pro}, but {con}. I'd rather not take sides.",
    "Perhaps {pro}, and perhaps {con}; it's really not for me to say.",
)


def _tactful(rng: random.Random) -> Item:
    person, colleague = some_people(rng, 2)
    proposal, pro, con = rng.choice(PROPOSALS)
    city = rng.choice(CITIES)
    proposal = proposal.format(city=city, month_place=city, price=rng.choice(("30", "35", "40", "45")))
    evidence = rng.choice(
        (
            f"{person.name} is against the idea and wants to say so",
            f"{person.name} disagrees and intends to make that clear",
        )
    )
    manner = rng.choice(
        (
            f"without offending {colleague.name}, a senior colleague, and while granting that there is "
            "something in it",
            f"but also to acknowledge the strong point of the proposal, since {colleague.name} is senior "
            "and easily offended",
        )
    )
    passage = (
        f"In a meeting, {colleague.name} has argued for {proposal}, mainly because {pro}. The idea has "
        "clearly been prepared with some care, and one or two people round the table have nodded. "
        f"{evidence}, {manner}."
    )
    return Item(
        task="speaking_tactful",
        level="C1",
        topic="meetings",
        instruction=rng.choice(
            (
                "Read the situation and choose the contribution that does what the speaker intends.",
                "Which contribution to the meeting meets the speaker's aims?",
            )
        ),
        passage=passage,
        stem=f"{person.name} should say:",
        key=rng.choice(TACTFUL).format(pro=pro, con=con),
        why=f"It grants that {pro}, and then disagrees in hedged language; each other option gives up one "
        f"of the aims.",
        distractors=wrong(
            (
                rng.choice(BLUNT).format(pro=pro, con=con),
                "disagrees, but rudely and without granting anything",
            ),
            (rng.choice(FULL_AGREEMENT).format(pro=pro, con=con), "is polite, but supports the proposal"),
            (rng.choice(EVASIVE).format(pro=pro, con=con), "is polite, but takes no position"),
        ),
        evidence=f"{evidence}, {manner}",
    )


MODELS: tuple[ItemModel, ...] = (
    ItemModel(
        "speaking_polite",
        "speaking",
        ("B1",),
        "makes a request that is polite enough for the situation",
        _polite,
    ),
    ItemModel(
        "speaking_tactful", "speaking", ("C1",), "disagrees tactfully while conceding a point", _tactful
    ),
)
