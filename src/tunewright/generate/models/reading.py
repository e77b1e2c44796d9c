"""Reading for detail: notices, noticeboards, timetables, messages, and true/false/not given.

Facts are drawn first; the text and the key are both written from them, so the key follows from the text.
Models that need reasoning over a passage are in `reading_reasoning`.
"""

from __future__ import annotations

import random

from tunewright.generate.item import Item, ItemModel, Level
from tunewright.generate.models import (
    reading_claims,
    reading_messages,
    reading_reasoning,
    reading_reference,
    reading_stance,
)
from tunewright.generate.models.particulars import (
    DAYS,
    TOWNS,
    clock,
    money,
    some_people,
    timetable_clock,
    wrong,
)

PLACES = (
    *(("museum", name) for name in ("Harbour Museum", "Railway Museum", "Museum of Toys", "Castle Museum")),
    *(("gallery", name) for name in ("Bridge Street Gallery", "Riverside Gallery", "Park Gallery")),
    *(("zoo", name) for name in ("Greenhill Zoo", "Lakeside Zoo")),
    *(("aquarium", name) for name in ("Ocean Aquarium", "Bay Aquarium")),
    *(("swimming pool", name) for name in ("Victoria Swimming Pool", "Northside Swimming Pool")),
    *(("garden", name) for name in ("Rose Hill Garden", "Japanese Garden")),
)
READ_NOTICE = (
    "Read the notice and choose the correct answer.",
    "Look at the notice. Choose the best answer to the question.",
    "Read this notice. Which answer is correct?",
)


def _notice(rng: random.Random) -> Item:
    kind, name = rng.choice(PLACES)
    rows = ("Monday to Friday", "Saturday", "Sunday")
    opens = dict(zip(rows, rng.sample(range(510, 690, 30), 3), strict=True))
    closes = dict(zip(rows, rng.sample(range(960, 1230, 30), 3), strict=True))
    hours = {row: f"{row}: {clock(opens[row])} – {clock(closes[row])}" for row in rows}
    child, over_65, student, adult = sorted(rng.sample(range(300, 1300, 50), 4))
    tickets = (
        f"Tickets: adults {money(adult)}, students {money(student)}, over 65s {money(over_65)}, children "
        f"under 12 {money(child)}"
    )
    last_entry = rng.choice((30, 45, 60))
    question = rng.choice(("open", "close", "price", "last entry"))
    lines = [name, "Opening hours", *hours.values(), tickets]
    if question == "last entry":
        lines.append(f"Last entry: {last_entry} minutes before closing time")
    passage = "\n".join(lines)
    if question == "price":
        return _notice_price(rng, passage, tickets, kind, (child, over_65, student, adult))
    row, other, third = rng.sample(rows, 3)
    day = rng.choice(DAYS[:5]) if row == "Monday to Friday" else row
    level: Level = "A2" if question == "last entry" else "A1"
    if question == "open":
        stem = rng.choice(
            (f"What time does the {kind} open on {day}s?", f"It is {day}. When can people first go in?")
        )
        key, source = opens[row], opens
        confused = (clock(closes[row]), f"reads the closing time on {day}s")
    else:
        source = {r: closes[r] - (last_entry if question == "last entry" else 0) for r in rows}
        key = source[row]
        confused = (clock(opens[row]), f"reads the opening time on {day}s")
        stem = rng.choice(
            (f"What time does the {kind} close on {day}s?", f"It is {day}. When does the {kind} close?")
        )
        if question == "last entry":
            stem = f"What is the latest time you can go into the {kind} on a {day}?"
            confused = (clock(closes[row]), "takes the closing time and overlooks the rule about last entry")
            if clock(closes[row]) in {clock(source[other]), clock(source[third])}:
                return _notice(rng)  # two options would be equal
    why = f"The notice says “{hours[row]}”."
    if question == "last entry":
        why += f" Last entry is {last_entry} minutes before {clock(closes[row])}, which is {clock(key)}."
    else:
        why += f" So the {kind} {question}s at {clock(key)} on {day}s."
    return Item(
        task="reading_notice_detail",
        level=level,
        topic="opening hours",
        instruction=rng.choice(READ_NOTICE),
        passage=passage,
        stem=stem,
        key=clock(key),
        why=why,
        distractors=wrong(
            (clock(source[other]), f"reads the line for {other}"),
            (clock(source[third]), f"reads the line for {third}"),
            confused,
        ),
        evidence=hours[row],
    )


def _notice_price(
    rng: random.Random, passage: str, tickets: str, kind: str, prices: tuple[int, int, int, int]
) -> Item:
    child, over_65, student, adult = prices
    person = some_people(rng, 1)[0]
    groups = {
        "child": (child, f"is {rng.randint(6, 11)} years old", "children under 12"),
        "over 65": (over_65, f"is {rng.randint(67, 84)} years old", "over 65s"),
        "student": (student, f"is {rng.randint(18, 24)} years old and studies at university", "students"),
        "adult": (adult, f"is {rng.randint(30, 58)} years old and works in a bank", "adults"),
    }
    chosen = rng.choice(list(groups))
    price, description, label = groups[chosen]
    return Item(
        task="reading_notice_detail",
        level="A2",
        topic="ticket prices",
        instruction=rng.choice(READ_NOTICE),
        passage=passage,
        stem=f"{person.name} {description}. How much is {person.his} ticket for the {kind}?",
        key=money(price),
        why=f"{person.name} {description}, so the price for {label} applies: {money(price)}.",
        distractors=wrong(
            *(
                (money(p), f"takes the price for {group}")
                for name, (p, _, group) in groups.items()
                if name != chosen
            )
        ),
        evidence=tickets,
    )


FOR_SALE = (
    *(
        "bike",
        "guitar",
        "desk",
        "sofa",
        "tent",
        "keyboard",
        "camera",
        "bookcase",
        "microwave",
        "printer",
        "lamp",
    ),
    *("fridge", "table", "wardrobe", "suitcase", "piano", "scooter", "mirror", "carpet", "laptop"),
)
CONDITIONS = (
    "Two years old",
    "Almost new",
    "Still very nice",
    "In good condition",
    "Only used twice",
    "Old but clean",
)


def _noticeboard(rng: random.Random) -> Item:
    sellers = some_people(rng, 4)
    things = rng.sample(FOR_SALE, 4)
    prices = rng.sample(range(15, 95, 5), 4)
    days = rng.sample(DAYS, 4)
    notes = rng.sample(CONDITIONS, 4)
    streets = rng.sample(
        ("Mill Road", "Park Street", "Station Road", "King Street", "River Lane", "Hill View"), 4
    )
    cards = [
        f"{thing.capitalize()} for sale. {note}. £{price}. Collect from {street} on {day}. Call "
        f"{seller.name}."
        for thing, note, price, street, day, seller in zip(
            things, notes, prices, streets, days, sellers, strict=True
        )
    ]
    kind, values, stem = rng.choice(
        (
            ("person", [seller.name for seller in sellers], "Who is selling the {thing}?"),
            ("price", [f"£{price}" for price in prices], "How much is the {thing}?"),
            ("day", list(days), "When can the buyer collect the {thing}?"),
            ("street", list(streets), "Where can the buyer collect the {thing}?"),
        )
    )
    chosen = rng.randrange(4)
    return Item(
        task="reading_noticeboard",
        level="A1",
        topic="things for sale",
        instruction=rng.choice(
            (
                "Read the cards on a noticeboard and choose the correct answer.",
                "These four cards are on the noticeboard at a language school. Choose the correct answer.",
            )
        ),
        passage="\n".join(cards),
        stem=stem.format(thing=things[chosen]),
        key=values[chosen],
        why=f"The card for the {things[chosen]} gives the {kind}: {values[chosen]}.",
        distractors=wrong(
            *((values[i], f"reads the card for the {things[i]}") for i in range(4) if i != chosen)
        ),
        evidence=cards[chosen],
    )


def _timetable(rng: random.Random) -> Item:
    start, middle, end = rng.sample(TOWNS, 3)
    first = rng.randrange(390, 840, 5)
    departures = [first]
    for _ in range(3):
        departures.append(departures[-1] + rng.choice((20, 25, 30)))
    to_middle, onward = rng.choice((15, 20, 25)), rng.choice((25, 30, 35, 40))
    arrivals = [departure + to_middle + onward + rng.choice((0, 5)) for departure in departures]
    vehicle = rng.choice(("bus", "train", "coach"))
    rows = [
        " | ".join((timetable_clock(d), timetable_clock(d + to_middle), timetable_clock(a)))
        for d, a in zip(departures, arrivals, strict=True)
    ]
    passage = "\n".join(
        (f"{vehicle.capitalize()} times, Monday to Friday", f"{start} | {middle} | {end}", *rows)
    )
    answer = rng.choice((1, 2))
    deadline = arrivals[answer] + rng.choice((5, 10))
    person = some_people(rng, 1)[0]
    reason = rng.choice(
        ("has a job interview", "has a dentist's appointment", "is meeting a friend", "starts work")
    )
    options = [timetable_clock(departure) for departure in departures]
    misconceptions = {
        answer - 1: f"stops at a {vehicle} that is in time, although a later one is too",
        answer + 1: f"reads the time of departure from {start} as the time of arrival in {end}",
    }
    distant = 3 if answer == 1 else 0
    misconceptions[distant] = (
        f"looks only at the times in {start}" if distant == 3 else "chooses the first in the table"
    )
    return Item(
        task="reading_timetable",
        level="A2",
        topic="public transport",
        instruction=rng.choice(
            ("Read the timetable and answer the question.", "Use the timetable to choose the correct answer.")
        ),
        passage=passage,
        stem=(
            f"On Tuesday {person.name} {reason} in {end} and must be there by {timetable_clock(deadline)}. "
            f"What is the latest {vehicle} {person.he} can take from {start}?"
        ),
        key=options[answer],
        why=(
            f"The {options[answer]} {vehicle} reaches {end} at {timetable_clock(arrivals[answer])}, in time "
            f"for {timetable_clock(deadline)}; the next one arrives at "
            f"{timetable_clock(arrivals[answer + 1])}."
        ),
        distractors=wrong(*((options[i], misconceptions[i]) for i in range(4) if i != answer)),
        evidence=rows[answer],
    )


MODELS: tuple[ItemModel, ...] = (
    ItemModel(
        "reading_notice_detail",
        "reading",
        ("A1", "A2"),
        "finds one time or price in a short public notice",
        _notice,
    ),
    ItemModel(
        "reading_noticeboard",
        "reading",
        ("A1",),
        "finds one detail in four short advertisements",
        _noticeboard,
    ),
    ItemModel(
        "reading_timetable",
        "reading",
        ("A2",),
        "uses a timetable to choose a service that meets a deadline",
        _timetable,
    ),
    *reading_messages.MODELS,
    *reading_claims.MODELS,
    *reading_reasoning.MODELS,
    *reading_reference.MODELS,
    *reading_stance.MODELS,
)
