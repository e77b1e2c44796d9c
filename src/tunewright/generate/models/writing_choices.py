"""Writing decisions with options: the sentence in the right register, the linking word, the order of "
"sentences."""

from __future__ import annotations

import random
from dataclasses import dataclass

from tunewright.generate.item import Item, ItemModel
from tunewright.generate.models.particulars import (
    CITIES,
    DAYS,
    FAMILY_NAMES,
    MONTHS,
    NUMBERS,
    TOWNS,
    clock,
    some_people,
    wrong,
)


@dataclass(frozen=True, slots=True)
class Move:
    """One thing a writer does in an e-mail, in both registers; `follow_*` are the sentences after it.

    `other_*` is a sentence in the same register that does something else and does not fit what follows.
    """

    formal: tuple[str, str]
    informal: tuple[str, str]
    follow_formal: str
    follow_informal: str
    other_formal: str
    other_informal: str


MOVES = (
    Move(
        (
            "I am writing to enquire about the {course} course at your school in {city}.",
            "I would be grateful for some information about the {course} course in {city}.",
        ),
        (
            "I wanna know a bit more about that {course} course in {city}!",
            "Can you tell me about the {course} thing in {city}?",
        ),
        "In particular, I would like to know the dates and the fees for {month}.",
        "When does it start, and how much is it? I'd love to come in {month}!",
        "I am writing to withdraw from the {course} course in {city}.",
        "I've had enough of the {course} course in {city}, so I'm not coming any more!",
    ),
    Move(
        (
            "I regret to inform you that I will be unable to attend the meeting in {city}.",
            "Unfortunately, I shall not be able to take part in the meeting in {city}.",
        ),
        (
            "Sorry, but there's no way I can make it to our meet-up in {city}!",
            "Bad news, I'm afraid: I can't come to our get-together in {city}.",
        ),
        "I have to be at a conference on that {day}, but Dr {family} will attend in my place.",
        "I've got to work that {day}, but have a great time without me, and send me some photos!",
        "I am pleased to confirm that I will attend the meeting in {city}.",
        "Great news: I can come to our get-together in {city} after all!",
    ),
    Move(
        (
            "I am writing to express my dissatisfaction with my recent stay at your hotel in {city}.",
            "I wish to make a complaint about my stay at your hotel in {city} in {month}.",
        ),
        (
            "You won't believe how awful our hotel in {city} was!",
            "Our hotel in {city} was a total nightmare!",
        ),
        "The room had not been cleaned, and the shower could not be used until {day}.",
        "The room was filthy and the shower didn't work till {day}. Don't ever stay there!",
        "I am writing to express my gratitude for an excellent stay at your hotel in {city}.",
        "You'd love the hotel we stayed at in {city}, it was fantastic!",
    ),
    Move(
        (
            "Please accept my apologies for the delay in sending you the {papers}.",
            "I must apologise for not having sent you the {papers} sooner.",
        ),
        (
            "Oops, I totally forgot to send you the {papers}, sorry!",
            "So sorry I've been so slow with the {papers}!",
        ),
        "They will reach you by {day} at the latest.",
        "You'll have them by {day}, promise!",
        "Please find the {papers} attached, as agreed last week.",
        "Here are the {papers} you wanted, hot off the printer!",
    ),
    Move(
        (
            "I would like to thank you for inviting me to speak at the {event} in {city}.",
            "Thank you very much for your kind invitation to speak at the {event} in {city}.",
        ),
        (
            "Wow, thanks a million for asking me to talk at the {event} in {city}!",
            "It's so cool that you want me at the {event} in {city}, thanks!",
        ),
        "It is an honour, and I am happy to accept. I will send you the title of my talk by {day}.",
        "Of course I'll come! I'll think of something to talk about by {day}.",
        "I am sorry to say that I must refuse your invitation to the {event} in {city}.",
        "Sorry, but I really don't feel like going to the {event} in {city}.",
    ),
)


def _register(rng: random.Random) -> Item:
    reader, writer = some_people(rng, 2)
    family, other_family, own_family = rng.sample(FAMILY_NAMES, 3)
    move = rng.choice(MOVES)
    slots = {
        "course": rng.choice(("photography", "cookery", "first-aid", "pottery", "sailing")),
        "city": rng.choice(CITIES),
        "month": rng.choice(MONTHS),
        "day": rng.choice(DAYS[:5]),
        "family": other_family,
        "papers": rng.choice(("photographs", "tickets", "contracts", "recipes", "notes")),
        "event": rng.choice(("book fair", "film club", "science day", "history festival")),
    }
    is_formal = rng.random() < 0.5
    if is_formal:
        keys, opposite, follow, other = move.formal, move.informal, move.follow_formal, move.other_formal
        title = rng.choice(("Ms", "Mr", "Dr"))
        opening = f"Dear {title} {family},"
        ending = f"Yours sincerely,\n{writer.name} {own_family}"
        slip = "is too familiar for a letter that ends “Yours sincerely”"
    else:
        keys, opposite, follow, other = move.informal, move.formal, move.follow_informal, move.other_informal
        opening, ending = f"Hi {reader.name},", f"{rng.choice(('Love', 'Hugs'))},\n{writer.name}"
        slip = "is too stiff for a message to a close friend"
    key = rng.choice(keys).format(**slots)
    after = follow.format(**slots)
    return Item(
        task="writing_register",
        level="B1",
        topic="e-mails",
        instruction=rng.choice(
            (
                "Choose the sentence that fits the e-mail in both style and meaning.",
                "Which sentence completes the e-mail? Think of the reader and of what comes next.",
            )
        ),
        passage=f"{opening}\n____ {after}\n{ending}",
        stem="The sentence that fits the gap is",
        key=key,
        why=(
            f"The e-mail is {'formal' if is_formal else 'informal'} (“{opening}”), and the sentence leads "
            f"to what comes next: “{after}”"
        ),
        distractors=wrong(
            *((sentence.format(**slots), slip) for sentence in opposite),
            (
                other.format(**slots),
                "has the right style but says something that does not fit the next sentence",
            ),
        ),
        evidence=f"____ {after}",
    )


Pairs = tuple[tuple[str, str], ...]
LINKS: dict[str, tuple[str, str, Pairs]] = {  # the B1 link, the B2 link, sentences no other relation fits
    "contrast": (
        "However",
        "Even so",
        (
            ("The website described the hotel in {city} as quiet.", "our room looked onto a six-lane road."),
            (
                "{name} had studied {language} for {years} years before the {language} film festival.",
                "{he} did not understand a word of the film on {day}.",
            ),
            ("The new {gadget} costs twice as much as the old one.", "its battery lasts only half as long."),
            ("Everyone expected {name} to win the race in {city}.", "{he} finished last."),
            (
                "The weather in {city} was terrible that {day}.",
                "nobody at the open-air concert wanted to go home.",
            ),
        ),
    ),
    "result": (
        "As a result",
        "Consequently",
        (
            ("Heavy snow blocked all the roads to {town} on {day}.", "the village school had to close."),
            ("{name} forgot to save the file.", "{he} had to write the whole report again on {day}."),
            (
                "The museum in {city} was given two million pounds.",
                "it was able to mend its roof in {month}.",
            ),
            (
                "The factory in {town} bought new machines in {month}.",
                "it now uses half as much electricity.",
            ),
            ("{name} left {his} passport at home.", "{he} could not board the plane to {city}."),
        ),
    ),
    "condition": (
        "Otherwise",
        "If not",
        (
            ("You should book a seat on the {day} train to {city}.", "you may have to stand all the way."),
            ("Please return the {gadget} by {day}.", "you will have to pay a fine."),
            ("We must leave the party by {time}.", "we will miss the last bus to {town}."),
            (
                "Please water the plants while I am in {city}.",
                "they will be dead before I come home in {month}.",
            ),
            (
                "{name} has to charge {his} {gadget} before {day}.",
                "{he} cannot use it on the trip to {city}.",
            ),
        ),
    ),
    "example": (
        "For example",
        "To give one example",
        (
            ("{name} is always losing things.", "{he} left {his} {gadget} on a bus in {city} last {day}."),
            (
                "There is a lot for small children to do in {town}.",
                "the library has a story hour every {day}.",
            ),
            ("Some rules at {name}'s office are strange.", "you may drink coffee on a {day}, but not tea."),
            ("A few things in {city} may surprise visitors.", "all museums are closed on a {day}."),
            ("{name} has some unusual hobbies.", "{he} collects old tram tickets from {city}."),
        ),
    ),
}


def _linking(rng: random.Random) -> Item:
    relation = rng.choice(list(LINKS))
    is_harder = rng.random() < 0.5
    person = some_people(rng, 1)[0]
    slots = {
        "name": person.name,
        "he": person.he,
        "his": person.his,
        "city": rng.choice(CITIES),
        "town": rng.choice(TOWNS),
        "day": rng.choice(DAYS),
        "month": rng.choice(MONTHS),
        "language": rng.choice(("Japanese", "Polish", "Arabic", "Italian", "Turkish")),
        "years": NUMBERS[rng.randint(4, 9)],
        "gadget": rng.choice(("camera", "tablet", "headset", "torch", "speaker")),
        "time": clock(rng.choice((1305, 1320, 1335, 1350))),
    }
    first, second = (part.format(**slots) for part in rng.choice(LINKS[relation][2]))
    words = {name: entry[1] if is_harder else entry[0] for name, entry in LINKS.items()}
    slips = {
        "contrast": "sees a contrast where the second sentence does not go against the first",
        "result": "takes the second sentence for a result of the first",
        "condition": "takes the second sentence for what happens if the first is not done",
        "example": "takes the second sentence for an example of the first",
    }
    meanings = {
        "contrast": "is surprising after the first",
        "result": "is the result of the first",
        "condition": "says what happens if the advice in the first is not followed",
        "example": "gives an example of what the first says",
    }
    return Item(
        task="writing_linking",
        level="B2" if is_harder else "B1",
        topic="linking sentences",
        instruction=rng.choice(
            (
                "Choose the best word or phrase to link the two sentences.",
                "Which word or phrase belongs in the gap?",
            )
        ),
        passage=f"{first} ____, {second}",
        stem="The word or phrase that fits the gap is",
        key=words[relation],
        why=f"The second sentence {meanings[relation]}, so “{words[relation]}” is right.",
        distractors=wrong(*((words[other], slips[other]) for other in LINKS if other != relation)),
        evidence=f"{first} ____, {second}",
    )


MODELS: tuple[ItemModel, ...] = (
    ItemModel(
        "writing_register",
        "writing",
        ("B1",),
        "chooses a sentence whose register and meaning fit the e-mail",
        _register,
    ),
    ItemModel(
        "writing_linking",
        "writing",
        ("B1", "B2"),
        "links two sentences by the relation between them",
        _linking,
    ),
)
