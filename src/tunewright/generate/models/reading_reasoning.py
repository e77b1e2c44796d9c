"""Reading that needs a step of reasoning: the cheapest offer, the order of events, the right course.

The facts are drawn so that exactly one option meets the conditions, and each distractor breaks one of them.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

from tunewright.generate.item import Item, ItemModel, Level
from tunewright.generate.models.particulars import (
    DAYS,
    NUMBERS,
    capital,
    clock,
    draw_until,
    listed,
    money,
    some_people,
    wrong,
)

OFFERS = (  # the unit, the one-off fee, sellers, what the person needs
    (
        *("night", "sheets and towels"),
        ("Backpackers' Inn", "City Hostel", "The Old Mill", "Station Hostel", "Lakeside Lodge"),
        "needs a hostel bed for {n} nights, with sheets and towels",
    ),
    (
        *("day", "insurance"),
        ("Swift Cars", "Airport Hire", "Green Wheels", "Harbour Motors", "Easy Drive"),
        "wants to hire a car for {n} days, with insurance",
    ),
    (
        *("day", "a helmet and a lock"),
        ("Pedal Power", "Bridge Bikes", "The Bike Shed", "Old Town Cycles", "Two Wheels"),
        "wants to hire a touring bike for {n} days, with a helmet and a lock",
    ),
    (
        *("hour", "coffee and biscuits"),
        ("Albert House", "The Loft", "Canal Rooms", "Central Hub", "Park View"),
        "needs a meeting room for {n} hours, with coffee and biscuits",
    ),
    (
        *("hour", "a life jacket and a dry bag"),
        ("Bay Watersports", "Blue Paddle", "River Rentals", "Island Kayaks", "Wave Sports"),
        "wants to hire a kayak for {n} hours, with a life jacket and a dry bag",
    ),
)


ORDINALS = ("", "first", "second", "third", "fourth", "fifth")


@dataclass(frozen=True, slots=True)
class _Offer:
    unit_price: int
    fee: int
    free_unit: bool  # the last unit costs nothing

    def total(self, units: int) -> int:
        return self.unit_price * (units - self.free_unit) + self.fee


def _cheapest(rng: random.Random) -> Item:
    unit, extra, sellers, need = rng.choice(OFFERS)
    names = rng.sample(sellers, 4)
    units = rng.choice((3, 4, 5))
    level: Level = rng.choice(("B1", "B2"))

    def four_offers(rng: random.Random) -> list[_Offer]:
        prices = rng.sample(range(1200, 3000, 100), 4)
        free = rng.randrange(4) if level == "B2" else -1
        return [
            _Offer(p, rng.choice((0, 500, 900, 1400, 1800, 2300)), i == free) for i, p in enumerate(prices)
        ]

    def hidden(offers: list[_Offer]) -> bool:
        """One clear winner that neither the price per unit nor the fee alone would find."""
        totals = [offer.total(units) for offer in offers]
        best = totals.index(min(totals))
        cheapest_unit = min(range(4), key=lambda i: offers[i].unit_price)
        fees = [offer.fee for offer in offers]
        return (
            len(set(totals)) == 4
            and len(set(fees)) == 4
            and sorted(totals)[1] - min(totals) >= 200
            and best != cheapest_unit
            and best != fees.index(min(fees))
            and cheapest_unit != fees.index(min(fees))
        )

    offers = draw_until(rng, four_offers, hidden)
    sentences = []
    for name, offer in zip(names, offers, strict=True):
        price = f"{money(offer.unit_price)} {'an' if unit == 'hour' else 'a'} {unit}"
        if offer.free_unit:
            price += f", with the {ORDINALS[units]} {unit} free"
        sentences.append(
            f"{name} charges {price}; {extra} {'is' if extra == 'insurance' else 'are'} included."
            if offer.fee == 0
            else f"{name} charges {price}, and asks for a single payment of {money(offer.fee)} for {extra}."
        )
    person = some_people(rng, 1)[0]
    totals = [offer.total(units) for offer in offers]
    best = totals.index(min(totals))
    cheapest_unit = min(range(4), key=lambda i: offers[i].unit_price)
    no_fee = min(range(4), key=lambda i: offers[i].fee)
    slips = dict.fromkeys(range(4), "compares the offers without working out the totals")
    slips[cheapest_unit] = f"looks only at the price of one {unit} and forgets the charge for {extra}"
    slips[no_fee] = f"looks for the smallest extra charge and forgets the price of each {unit}"
    sums = listed([f"{name} {money(total)}" for name, total in zip(names, totals, strict=True)])
    return Item(
        task="reading_cheapest_offer",
        level=level,
        topic="comparing prices",
        instruction=rng.choice(
            (
                "Read about four offers and choose the correct answer.",
                "Compare the offers in the text. Choose the answer that is right for this customer.",
            )
        ),
        passage=" ".join(sentences),
        stem=f"{person.name} {need.format(n=NUMBERS[units])}. Which is the cheapest for {person.him}?",
        key=names[best],
        why=f"For {units} {unit}s with {extra} the totals are {sums}, so {names[best]} is the cheapest.",
        distractors=wrong(*((names[i], slips[i]) for i in range(4) if i != best)),
        evidence=sentences[best],
    )


ERRANDS = (  # a setting, and things to do in any order: base form, past, past participle
    (
        "{name} had a busy day before the move to {his} new flat.",
        (
            ("return the library books", "returned the library books", "returned the library books"),
            ("pack the kitchen boxes", "packed the kitchen boxes", "packed the kitchen boxes"),
            ("ring the electricity company", "rang the electricity company", "rung the electricity company"),
            ("sell the old sofa", "sold the old sofa", "sold the old sofa"),
            ("take the plants next door", "took the plants next door", "taken the plants next door"),
            ("clean the windows", "cleaned the windows", "cleaned the windows"),
        ),
    ),
    (
        "It was {name}'s first morning as the manager of the café.",
        (
            ("check the coffee machine", "checked the coffee machine", "checked the coffee machine"),
            ("speak to the baker", "spoke to the baker", "spoken to the baker"),
            ("write the lunch menu", "wrote the lunch menu", "written the lunch menu"),
            ("count the money in the till", "counted the money in the till", "counted the money in the till"),
            ("meet the new waiter", "met the new waiter", "met the new waiter"),
            ("order more milk", "ordered more milk", "ordered more milk"),
        ),
    ),
    (
        "{name} spent Saturday getting ready for {his} parents' visit.",
        (
            ("make a fruit tart", "made a fruit tart", "made a fruit tart"),
            ("choose a film", "chose a film", "chosen a film"),
            ("buy some flowers", "bought some flowers", "bought some flowers"),
            ("tidy the spare room", "tidied the spare room", "tidied the spare room"),
            ("wash the car", "washed the car", "washed the car"),
            ("mend the garden gate", "mended the garden gate", "mended the garden gate"),
        ),
    ),
    (
        "{name} used the last day of the conference well.",
        (
            ("visit the poster exhibition", "visited the poster exhibition", "visited the poster exhibition"),
            ("interview a professor", "interviewed a professor", "interviewed a professor"),
            ("give a short talk", "gave a short talk", "given a short talk"),
            ("send the office a report", "sent the office a report", "sent the office a report"),
            ("take part in a workshop", "took part in a workshop", "taken part in a workshop"),
            ("have coffee with a colleague", "had coffee with a colleague", "had coffee with a colleague"),
        ),
    ),
    (
        "{name} had only one day to see the old town.",
        (
            ("climb the bell tower", "climbed the bell tower", "climbed the bell tower"),
            ("walk along the city walls", "walked along the city walls", "walked along the city walls"),
            ("look round the market", "looked round the market", "looked round the market"),
            ("go on a boat trip", "went on a boat trip", "gone on a boat trip"),
            ("draw the cathedral", "drew the cathedral", "drawn the cathedral"),
            ("see the puppet museum", "saw the puppet museum", "seen the puppet museum"),
        ),
    ),
)
# Each frame fixes the whole order 1 < 2 < 3 < 4 and never tells the events in that order.
TELLINGS = (
    "By the time {he} {past3}, {he} had already {part1} and, after that, {part2}. Only then did {he} "
    "{base4}.",
    "The last thing {he} did was to {base4}. Just before that {he} had {part3}, and earlier still {he} had "
    "{part1} and then {part2}.",
    "As soon as {he} had {part2}, {he} {past3}. Before either of those, though, {he} had {part1}, and the "
    "very last thing {he} did was to {base4}.",
    "{He} did not {base2} until {he} had {part1}. Later {he} {past4}, but {he} {past3} in between.",
    "{He} {past3}, although not before {he} had {part2}. The first thing {he} did was to {base1}, and the "
    "last was to {base4}.",
)


def _sequence(rng: random.Random) -> Item:
    person = some_people(rng, 1)[0]
    setting, errands = rng.choice(ERRANDS)
    events = rng.sample(errands, 4)
    slots = {"he": person.he, "He": capital(person.he), "name": person.name, "his": person.his}
    for i, (base, past, part) in enumerate(events, start=1):
        slots |= {f"base{i}": base, f"past{i}": past, f"part{i}": part}
    telling = rng.choice(TELLINGS)
    account = telling.format(**slots)
    place = rng.randrange(4)
    told = sorted(range(4), key=lambda i: account.index(events[i][0].split(" ", 1)[1]))
    slips = {
        i: "is one step out because a time word is misread"
        if abs(i - place) == 1
        else "overlooks the time words"
        for i in range(4)
    }
    slips[told[place]] = "takes the order of telling for the order of events"
    pasts = [past for _, past, _ in events]
    order = f"{person.name} {pasts[0]}, then {pasts[1]}, then {pasts[2]} and lastly {pasts[3]}"
    ordinal = ("first", "second", "third", "last")[place]
    return Item(
        task="reading_sequence",
        level="B1",
        topic="a busy day",
        instruction=rng.choice(
            (
                "Read the text and work out the order of events.",
                "The text does not tell the events in order. Read it and choose the correct answer.",
            )
        ),
        passage=f"{setting.format(**slots)} {account}",
        stem=f"Which of these four things did {person.name} do {ordinal}?",
        key=capital(f"{person.he} {pasts[place]}."),
        why=f"The time words give this order: {order}.",
        distractors=wrong(*((capital(f"{person.he} {pasts[i]}."), slips[i]) for i in range(4) if i != place)),
        evidence=account,
    )


SUBJECTS = (  # what is taught, what a beginner wants, who teaches it
    ("guitar", "learn to play the guitar", "Music School", "music"),
    ("yoga", "take up yoga", "Studio", "sport"),
    ("Spanish", "learn Spanish", "Language Centre", "languages"),
    ("swimming", "learn to swim", "Sports Centre", "sport"),
    ("pottery", "learn to make pots", "Arts Centre", "crafts"),
    ("dance", "learn to dance", "Dance School", "dance"),
    ("drawing", "learn to draw", "Art School", "art"),
)
AREAS = (
    "Northside",
    "Riverside",
    "Parkway",
    "Old Town",
    "Hillside",
    "Bridge Street",
    "Eastgate",
    "Queen's Road",
)


def _matching(rng: random.Random) -> Item:
    person = some_people(rng, 1)[0]
    subject, wish, institution, topic = rng.choice(SUBJECTS)
    names = [f"{area} {institution}" for area in rng.sample(AREAS, 4)]
    beginner = rng.random() < 0.5
    right_level, wrong_level = (
        ("beginners", "experienced learners") if beginner else ("experienced learners", "beginners")
    )
    busy, *free = rng.sample(DAYS[:5], 4)
    finish = rng.choice((1020, 1050, 1080))
    budget = rng.choice((80, 90, 100, 120, 150))
    starts = [finish + rng.choice((45, 60, 75, 90)) for _ in range(4)]
    prices = rng.sample(range(budget - 35, budget - 4, 5), 4)
    days = [rng.choice(free) for _ in range(4)]
    levels = [right_level] * 4
    days[1] = busy
    starts[2] = finish - rng.choice((15, 30, 60))
    broken = [
        "",
        f"overlooks that {person.name} is not free on {busy}s",
        "overlooks the time at which work ends",
    ]
    if rng.random() < 0.5:
        prices[3] = budget + rng.choice((5, 10, 15, 20))
        broken.append("overlooks the price")
    else:
        levels[3] = wrong_level
        broken.append("overlooks who the course is for")
    order = rng.sample(range(4), 4)
    lines = [
        f"{names[i]}: {subject} for {levels[i]}, {days[i]}s at {clock(starts[i])}, £{prices[i]} for ten "
        "lessons."
        for i in range(4)
    ]
    wish = wish if beginner else f"take a {subject} course"
    experience = "is a complete beginner" if beginner else "has several years of experience"
    need = (
        f"{person.name} would like to {wish}. {capital(person.he)} {experience} and can pay up to "
        f"£{budget}. {capital(person.he)} finishes work at {clock(finish)} and looks after {person.his} "
        f"nephew on {busy}s."
    )
    return Item(
        task="reading_matching",
        level="B1",
        topic=topic,
        instruction=rng.choice(
            (
                "Read about the person and the four courses. Which course meets all the requirements?",
                "Four schools offer a course. Decide which one is suitable in every way.",
            )
        ),
        passage="\n".join((need, *(lines[i] for i in order))),
        stem=f"Where should {person.name} take the course?",
        key=names[0],
        why=(
            f"Only {names[0]} is for {right_level}, costs no more than £{budget}, starts after "
            f"{clock(finish)} and is not on {busy}s."
        ),
        distractors=wrong(*((names[i], broken[i]) for i in order if i != 0)),
        evidence=lines[0],
    )


MODELS: tuple[ItemModel, ...] = (
    ItemModel(
        "reading_cheapest_offer",
        "reading",
        ("B1", "B2"),
        "combines prices and conditions to infer which offer costs least",
        _cheapest,
    ),
    ItemModel(
        "reading_sequence",
        "reading",
        ("B1",),
        "works out the order of events from time expressions",
        _sequence,
    ),
    ItemModel(
        "reading_matching",
        "reading",
        ("B1",),
        "finds the option that meets all of a person's requirements",
        _matching,
    ),
)
