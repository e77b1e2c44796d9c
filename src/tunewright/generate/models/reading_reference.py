"""What a word refers to.

A text contains the word in question exactly once, and what is said of it can be true of one antecedent only.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

from tunewright.generate.item import Item, ItemModel, Level
from tunewright.generate.models.particulars import CITIES, MONTHS, an, capital, listed, some_people, wrong


@dataclass(frozen=True, slots=True)
class _Reference:
    """A text, the word asked about, its possible antecedents (the key first), and the proof."""

    level: Level
    topic: str
    word: str
    text: str
    antecedents: tuple[str, ...]
    decisive: str
    reason: str
    slips: tuple[str, str, str]


def _invited_home(rng: random.Random) -> _Reference:
    host, guest = some_people(rng, 2)
    home, office, conference, origin = rng.sample(CITIES, 4)
    first, second = rng.sample(MONTHS, 2)
    met = rng.choice(
        ("a conference", "a wedding", "a chess tournament", "a music festival", "a summer school")
    )
    lives = rng.choice(
        (f"works in {office}, but {host.he} lives in {home}", f"lives in {home} and works in {office}")
    )
    decisive = f"{host.name} has invited {guest.name} to {host.his} home"
    return _Reference(
        *("A2", "friends", "there"),
        f"{host.name} {lives}. In {first} {host.he} went to {met} in {conference} and met {guest.name}, "
        f"who comes from {origin}. They are good friends now. {decisive}, and {guest.name} is going there "
        f"in {second}.",
        (home, office, conference, origin),
        decisive,
        f"{guest.name} is invited to {host.name}'s home, and {host.name} lives in {home}",
        (
            f"takes the city where {host.name} works",
            "takes the city where they met",
            f"takes {guest.name}'s own city",
        ),
    )


def _left_in_cafe(rng: random.Random) -> _Reference:
    first, second = some_people(rng, 2)
    worn = rng.choice(("hat", "coat", "scarf", "jacket"))
    lost = rng.choice(("phone", "notebook", "wallet", "key ring", "pen"))
    carried = rng.choice(("umbrella", "sports bag", "violin"))
    packed = rng.choice(("newspaper", "magazine", "dictionary", "map"))
    place = rng.choice(("café", "pizza restaurant", "tea room", "sandwich bar"))
    where = rng.choice(("on a chair", "on the bench"))
    decisive = (
        f"{first.name} put on {first.his} {worn}, and {second.name} took the {carried} and the {packed}"
    )
    return _Reference(
        *("A2", "eating out", "it"),
        f"{first.name} and {second.name} were in a {place}. {first.name} put {first.his} {worn} {where} and "
        f"{first.his} {lost} on the table. {second.name} had an {carried} and a {packed}. "
        f"At five o'clock {decisive}. Then they went home. A waiter found it in the evening.".replace(
            f"an {carried}", an(carried)
        ),
        (f"the {lost}", f"the {worn}", f"the {carried}", f"the {packed}"),
        decisive,
        f"only the {lost} stayed in the {place}; everything else went home with its owner",
        (
            f"overlooks that {first.name} put the {worn} on again",
            f"overlooks that {second.name} took the {carried}",
            f"overlooks that {second.name} took the {packed}",
        ),
    )


def _still_to_buy(rng: random.Random) -> _Reference:
    traveller, friend = some_people(rng, 2)
    have, bring, gift, missing = rng.sample(
        (
            "torch",
            "raincoat",
            "suitcase",
            "map",
            "water bottle",
            "camera",
            "sleeping bag",
            "guidebook",
            "towel",
        ),
        4,
    )
    place = rng.choice(CITIES)
    decisive = f"{capital(traveller.he)} does not have {an(missing)}"
    return _Reference(
        *("A2", "travel", "one"),
        f"{traveller.name} is going to {place} for a week. {capital(traveller.he)} has {an(have)} and "
        f"{an(bring)} in {traveller.his} bag, and {friend.name} gave {traveller.him} {an(gift)} on "
        f"{rng.choice(('Friday', 'Sunday'))}. {decisive}, so {traveller.he} is going to the shops this "
        "afternoon to buy one.",
        (an(missing), an(have), an(bring), an(gift)),
        decisive,
        f"people buy what they do not have, and {traveller.name} has all the other things",
        (
            f"overlooks that {traveller.name} already has {an(have)}",
            f"overlooks that {traveller.name} already has {an(bring)}",
            "overlooks the present",
        ),
    )


PARCEL = (  # what the parcel held, and what can be done with it but with nothing else in the parcel
    *(("gloves", "wear them every morning until spring"), ("novels", "read them on the train to work")),
    *(("biscuits", "eat them with my tea tonight"), ("seeds", "plant them under the kitchen window")),
    *(
        ("candles", "light them when my sister comes to dinner"),
        ("photographs", "put them in the family album"),
    ),
    *(("piano pieces", "learn to play them by the summer"), ("puzzles", "solve them with the children")),
)


def _parcel(rng: random.Random) -> _Reference:
    sender, receiver = some_people(rng, 2)
    (thing, plan), *others = rng.sample(PARCEL, 4)
    contents = [f"some {noun}" for noun in rng.sample([thing, *(noun for noun, _ in others)], 4)]
    weeks = rng.choice(("two weeks", "ten days", "nearly a month", "three weeks"))
    relation = rng.choice(("old school friend", "cousin", "former neighbour", "old colleague"))
    decisive = f"I'm going to {plan}"
    return _Reference(
        *("B1", "presents", "them"),
        f"{sender.name} sent {sender.his} {relation} {receiver.name} a parcel. In the box there were "
        f"{listed(contents)}. The post from {rng.choice(CITIES)} was slow, and the parcel took {weeks}. "
        f"“What lovely presents!” {receiver.name} wrote back. “{decisive}.”",
        (f"the {thing}", *(f"the {noun}" for noun, _ in others)),
        decisive,
        f"of the things in the parcel, only the {thing} can be used in that way",
        (
            "chooses the wrong thing from the list without testing it against the plan",
            "chooses the wrong thing from the list without testing it against the plan",
            "chooses the wrong thing from the list without testing it against the plan",
        ),
    )


LOANS = (
    ("painting", "paint"),
    ("vase", "glaze"),
    ("statue", "marble"),
    ("wooden mask", "wood"),
    ("bronze bell", "metal"),
)


def _museum_loan(rng: random.Random) -> _Reference:
    thing, matter = rng.choice(LOANS)
    lender, borrower = rng.sample(
        ("National Museum", "City Gallery", "History Museum", "University Collection"), 2
    )
    home, away = rng.sample(CITIES, 2)
    decisive = f"in case a new crack appeared in the {matter}"
    when = rng.choice(("Before the journey", "The day before", "A week earlier"))
    return _Reference(
        *("B1", "museums", "it"),
        f"The {lender} in {home} has lent a famous {thing} to the {borrower} in {away} until the end of "
        f"{rng.choice(MONTHS)}. A special lorry drove through the night and arrived safely. {when}, "
        f"experts had photographed every centimetre of it, {decisive}.",
        (f"the {thing}", f"the {lender}", f"the {borrower}", "the lorry"),
        decisive,
        f"the {matter} that might crack is part of the {thing}",
        ("takes the owner for the loan", "takes the borrower for the loan", "takes the vehicle for its load"),
    )


def _final_vote(rng: random.Random) -> _Reference:
    first, second, third, fourth = rng.sample(CITIES, 4)
    event = rng.choice(("student games", "book fair", "film festival", "climate conference", "design week"))
    word = rng.choice(("the former", "the latter"))
    chosen, lost = (first, second) if word == "the former" else (second, first)
    admired = rng.choice(("public transport", "friendly volunteers", "modern halls", "green parks"))
    decisive = f"leaving {first} and {second} for the final vote on the {event}"
    return _Reference(
        *("B2", "international events", word),
        f"Four cities had applied, but {third} and {fourth} withdrew in {rng.choice(MONTHS)} for lack of "
        f"money, {decisive}. The committee spent two days in each of them and admired the {admired} in "
        f"both. After a long discussion, its members chose {word}, although by a single vote.",
        (chosen, lost, third, fourth),
        decisive,
        f"{third} and {fourth} had withdrawn, and {chosen} is named "
        f"{'first' if word == 'the former' else 'second'} of the two that were left",
        (
            "mixes up “former” and “latter”",
            "thinks of a city that had withdrawn",
            "thinks of a city that had withdrawn",
        ),
    )


MEETING_CHANGES = (  # the sentence, the antecedent as an option, who minded and why
    (
        "They moved it from Monday to Thursday.",
        "moving the meeting to Thursday",
        "who never works on Thursdays, said that this made it impossible to come",
    ),
    (
        "They asked everyone to stand for the whole of it.",
        "standing during the meeting",
        "who had hurt a knee while skiing, found this painful",
    ),
    (
        "They limited it to twenty minutes.",
        "making the meeting shorter",
        "who had four projects to report on, said that this left no time for questions",
    ),
    (
        "They decided that only English would be spoken.",
        "speaking only English at the meeting",
        "who had only just begun to learn the language, found this very hard",
    ),
)


def _meeting_changes(rng: random.Random) -> _Reference:
    person = some_people(rng, 1)[0]
    company = rng.choice(
        ("a bank", "a software company", "a travel agency", "an architects' office", "a radio station")
    )
    changes = rng.sample(MEETING_CHANGES, 4)
    target = rng.randrange(4)
    decisive = changes[target][2]
    opinion = rng.choice(("Most people liked the new rules", "Few people had anything against the new rules"))
    return _Reference(
        *("B2", "work", "this"),
        f"In {rng.choice(MONTHS)} the managers of {company} in {rng.choice(CITIES)} changed four things "
        f"about the weekly meeting. {' '.join(sentence for sentence, _, _ in changes)} {opinion}. "
        f"{person.name}, however, {decisive}.",
        (changes[target][1], *(changes[i][1] for i in range(4) if i != target)),
        decisive,
        f"the reason {person.name} gives has to do with {changes[target][1]} and with none of the other "
        "changes",
        (
            "does not connect the reason given with the change it is about",
            "does not connect the reason given with the change it is about",
            "does not connect the reason given with the change it is about",
        ),
    )


REFERENCES: tuple[Callable[[random.Random], _Reference], ...] = (
    *(_invited_home, _left_in_cafe, _still_to_buy, _parcel, _museum_loan, _final_vote, _meeting_changes),
)


def _reference(rng: random.Random) -> Item:
    drawn = rng.choice(REFERENCES)(rng)
    return Item(
        task="reading_reference",
        level=drawn.level,
        topic=drawn.topic,
        instruction=rng.choice(
            (
                "Read the text and choose what the word refers to.",
                "What does the word in quotation marks refer to? Read the text and choose.",
            )
        ),
        passage=drawn.text,
        stem=f"In the text, “{drawn.word}” refers to",
        key=drawn.antecedents[0],
        why=f"“{capital(drawn.word)}” means {drawn.antecedents[0]}, because {drawn.reason}.",
        distractors=wrong(*zip(drawn.antecedents[1:], drawn.slips, strict=True)),
        evidence=drawn.decisive,
    )


MODELS: tuple[ItemModel, ...] = (
    ItemModel(
        "reading_reference",
        "reading",
        ("A2", "B1", "B2"),
        "finds the one antecedent that fits what is said of a pronoun or other reference word",
        _reference,
    ),
)
