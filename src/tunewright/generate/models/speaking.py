"""Speaking: the reply that fits, the polite way to say it, agreeing on a time, disagreeing with tact.

The options are utterances; what follows the gap, the situation or the two diaries leave one that fits.
Longer turns, which the learner composes, are in `speaking_turns`.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

from tunewright.generate.item import Item, ItemModel, Level
from tunewright.generate.models import speaking_compare, speaking_manners, speaking_turns
from tunewright.generate.models.particulars import CITIES, WEEKDAYS, some_people, wrong


@dataclass(frozen=True, slots=True)
class Exchange:
    """A says `opener`; B says one of the replies and goes on with `proof`, which only the first reply "
    "leads to."""

    level: Level
    function: str
    opener: str
    proof: str
    replies: tuple[str, str, str, str]
    slips: tuple[str, str, str]


YES_NO_SLIPS = (
    "accepts, although the next words show a refusal",
    "uses the words for giving something to someone",
    "answers thanks instead of an offer",
)
EXCHANGES = (
    Exchange(
        *("A1", "refusing an offer"),
        "Would you like some {food}?",
        "I'm not hungry.",
        ("No, thank you.", "Yes, please.", "Here you are.", "You're welcome."),
        YES_NO_SLIPS,
    ),
    Exchange(
        *("A1", "accepting an offer"),
        "Would you like some {food}?",
        "I'm very hungry!",
        ("Yes, please.", "No, thank you.", "Here you are.", "You're welcome."),
        ("refuses, although the next words show that the offer is welcome", *YES_NO_SLIPS[1:]),
    ),
    Exchange(
        *("A1", "answering thanks"),
        "Thank you for the {present}!",
        "I'm happy that you like it.",
        ("You're welcome.", "Yes, please.", "Me too.", "No, I don't."),
        ("answers an offer", "agrees with an opinion", "answers a yes/no question"),
    ),
    Exchange(
        *("A1", "giving personal information"),
        "Where do you come from?",
        "It's a big city, and I love it.",
        ("I'm from {city}.", "I'm going to {city}.", "I like {city}.", "I know {city}."),
        ("says where the trip goes, not where it began", "says what is liked", "says what is known"),
    ),
    Exchange(
        *("A1", "describing a routine"),
        "How do you get to {work}?",
        "It stops in front of my house.",
        ("By bus.", "On foot.", "At eight o'clock.", "With my sister."),
        ("names a way of going that does not stop anywhere", "answers “when”", "answers “who with”"),
    ),
    Exchange(
        *("A2", "agreeing to a request"),
        "Would you mind opening the {opening}?",
        "It is very hot in here.",
        ("Not at all.", "Yes, I would.", "Never mind.", "Don't mention it."),
        (
            "says yes to “would you mind”, which refuses",
            "uses the words for “it isn't important”",
            "answers thanks",
        ),
    ),
    Exchange(
        *("A2", "accepting an apology"),
        "I'm so sorry that I'm late. The {transport} didn't come.",
        "We haven't started yet.",
        ("Never mind.", "Never again.", "You're right.", "Of course not."),
        ("forbids instead of forgiving", "agrees instead of forgiving", "answers a yes/no question"),
    ),
    Exchange(
        *("A2", "turning down an invitation"),
        "Do you want to come to the {event} on {day}?",
        "I have to work that day.",
        (
            "I'd love to, but I can't.",
            "That would be great.",
            "Yes, I'd like that.",
            "I'm looking forward to it.",
        ),
        (
            "accepts, although the next words give a reason against",
            "accepts instead of refusing",
            "accepts instead of refusing",
        ),
    ),
    Exchange(
        *("A2", "asking someone to repeat"),
        "The number is 0-double-7, 4-1-9, 6-3-{digit}.",
        "I didn't hear the last part.",
        (
            "Could you say that again, please?",
            "Could you call me back, please?",
            "That's all, thank you.",
            "Yes, that's correct.",
        ),
        ("asks for a call instead of a repetition", "ends the talk", "confirms what was not heard"),
    ),
    Exchange(
        *("A2", "making a suggestion"),
        "What shall we do on {day}?",
        "There's a good film on.",
        (
            "How about going to the cinema?",
            "Let's not go to the cinema.",
            "I was at the cinema.",
            "I can't go to the cinema.",
        ),
        (
            "suggests the opposite of what comes next",
            "reports the past",
            "refuses before anything is suggested",
        ),
    ),
    Exchange(
        *("B1", "reacting to good news"),
        "Guess what! I've got the job in {city}!",
        "You really deserve it.",
        ("Congratulations!", "Better luck next time!", "What a pity!", "Get well soon!"),
        ("comforts after a failure", "shows regret", "wishes an ill person well"),
    ),
    Exchange(
        *("B1", "reacting to bad news"),
        "I didn't get the job in {city}, I'm afraid.",
        "I know how much you wanted it.",
        ("What a shame!", "Well done!", "Serves you right!", "Good for you!"),
        (
            "praises instead of comforting",
            "is unkind, which the next words are not",
            "praises instead of comforting",
        ),
    ),
    Exchange(
        *("B1", "offering help"),
        "This {heavy} is too heavy for me.",
        "I've got both hands free.",
        (
            "Let me carry it for you.",
            "You should carry it yourself.",
            "Could you carry it for me?",
            "I can't carry it either.",
        ),
        (
            "gives advice instead of offering",
            "asks for help instead of offering it",
            "says that helping is impossible",
        ),
    ),
    Exchange(
        *("B1", "making a complaint"),
        "Is everything all right with your {dish}?",
        "It's cold in the middle.",
        ("I'm afraid not.", "I hope so.", "Yes, it's perfect.", "It doesn't matter."),
        (
            "hopes instead of judging",
            "praises what the next words criticise",
            "says that it is not important",
        ),
    ),
    Exchange(
        *("B1", "giving permission"),
        "Do you mind if I borrow your {thing}?",
        "I don't need it until {day}.",
        ("No, go ahead.", "Yes, I do.", "I'd rather you didn't.", "No, I don't have one."),
        ("says that it is a problem", "refuses politely, against the next words", "denies having the thing"),
    ),
)
EXCHANGE_WORDS = {
    "food": (
        "bread and cheese",
        "soup",
        "rice",
        "chicken",
        "pasta",
        "fruit salad",
        "vegetable curry",
        "pizza",
    ),
    "present": ("book", "scarf", "picture", "cup", "plant", "T-shirt", "game"),
    "work": ("work", "school", "your English class", "the gym", "the sports club"),
    "opening": ("window", "door", "balcony door", "roof window", "back door"),
    "transport": ("bus", "train", "tram", "taxi"),
    "event": ("concert", "picnic", "football match", "party", "beach", "theatre"),
    "heavy": ("suitcase", "box", "chair", "bag of books", "computer", "parcel"),
    "dish": ("soup", "lasagne", "curry", "fish pie", "omelette", "vegetable stew"),
    "thing": ("bike", "umbrella", "calculator", "dictionary", "tent", "guitar", "ladder"),
    "digit": ("2", "5", "8"),
}


def _reply(rng: random.Random) -> Item:
    first, second = some_people(rng, 2)
    exchange = rng.choice(EXCHANGES)
    slots = {name: rng.choice(words) for name, words in EXCHANGE_WORDS.items()}
    slots |= {"city": rng.choice(CITIES), "day": rng.choice(WEEKDAYS)}
    opener, proof = exchange.opener.format(**slots), exchange.proof.format(**slots)
    key, *others = (reply.format(**slots) for reply in exchange.replies)
    return Item(
        task="speaking_reply",
        level=exchange.level,
        topic=exchange.function,
        instruction=rng.choice(
            (
                "Complete the conversation. What does the second speaker say?",
                "Choose the best reply. Read the whole conversation first.",
                "Which words are missing from the conversation?",
            )
        ),
        passage=f"{first.name}: {opener}\n{second.name}: ____ {proof}",
        stem=f"{second.name} says:",
        key=key,
        why=f"The function is {exchange.function}: “{key}” leads to “{proof}”, and the other replies do not.",
        distractors=wrong(*zip(others, exchange.slips, strict=True)),
        evidence=f"____ {proof}",
    )


PARTS = ("morning", "afternoon", "evening")
BUSY = (
    *(
        "dentist",
        "driving lesson",
        "team meeting",
        "gym",
        "choir",
        "language class",
        "hairdresser",
        "visit to the bank",
    ),
    *("babysitting", "volleyball", "library duty", "band practice", "work", "cooking course"),
)


def _find_time(rng: random.Random) -> Item:
    first, second = some_people(rng, 2)
    days = sorted(rng.sample(WEEKDAYS, 2), key=WEEKDAYS.index)
    times = [(day, part) for day in days for part in PARTS]
    shared, *rest = rng.sample(times, 6)
    only_first, only_second, neither = rest[:2], rest[2:4], rest[4]
    free = {first.name: {shared, *only_first}, second.name: {shared, *only_second}}
    lines = []
    for person in (first, second):
        entries = rng.sample(BUSY, 3)
        for day in days:
            cells = [
                f"{part}: {'free' if (day, part) in free[person.name] else entries.pop()}" for part in PARTS
            ]
            lines.append(f"{person.name}, {day} – {'; '.join(cells)}")

    def proposal(time: tuple[str, str]) -> str:
        return f"How about {time[0]} {time[1]}?"

    thing = rng.choice(("a coffee", "a game of tennis", "a walk", "a chat", "a game of chess"))
    return Item(
        task="speaking_find_time",
        level="A2",
        topic="making arrangements",
        instruction=rng.choice(
            (
                "Look at the two diaries. Choose the suggestion that both people can say yes to.",
                "Two friends want to meet. Read their diaries and choose the right suggestion.",
            )
        ),
        passage="\n".join(lines),
        stem=f"{first.name} and {second.name} want to meet for {thing}. {first.name} should say:",
        key=proposal(shared),
        why=f"Both diaries say “free” for {shared[0]} {shared[1]} and for no other time.",
        distractors=wrong(
            (proposal(only_first[0]), f"looks only at {first.name}'s diary"),
            (proposal(only_second[0]), f"looks only at {second.name}'s diary"),
            (proposal(neither), "chooses a time at which both are busy"),
        ),
        evidence=next(line for line in lines if line.startswith(f"{first.name}, {shared[0]}")),
    )


MODELS: tuple[ItemModel, ...] = (
    ItemModel(
        "speaking_reply",
        "speaking",
        ("A1", "A2", "B1"),
        "chooses the reply that performs the right function",
        _reply,
    ),
    ItemModel(
        "speaking_find_time", "speaking", ("A2",), "suggests a time that suits both speakers", _find_time
    ),
    *speaking_manners.MODELS,
    *speaking_turns.MODELS,
    *speaking_compare.MODELS,
)
