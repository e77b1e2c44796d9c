"""Listening to dialogues and talks: who will do what, what two speakers share, what a lecturer believes.

Each script gives every option its place (a job for someone else, an opinion that only one speaker holds, an
explanation that is rejected), so that hearing a word is never enough.
"""

from __future__ import annotations

import random

from tunewright.generate.item import Item, ItemModel
from tunewright.generate.models.particulars import DAYS, capital, some_people, wrong

EVENTS = (  # an event, and jobs for it: base form and past participle
    (
        "the school party",
        (
            ("order the pizzas", "ordered the pizzas"),
            ("choose the music", "chosen the music"),
            ("decorate the hall", "decorated the hall"),
            ("make the posters", "made the posters"),
            ("borrow more chairs", "borrowed more chairs"),
            ("invite the teachers", "invited the teachers"),
        ),
    ),
    (
        "the camping trip",
        (
            ("book the campsite", "booked the campsite"),
            ("buy the food", "bought the food"),
            ("check the tents", "checked the tents"),
            ("print the map", "printed the map"),
            ("rent a van", "rented a van"),
            ("pack the first-aid kit", "packed the first-aid kit"),
        ),
    ),
    (
        "the open day",
        (
            ("write the programme", "written the programme"),
            ("call the local newspaper", "called the local newspaper"),
            ("prepare the name badges", "prepared the name badges"),
            ("set up the projector", "set up the projector"),
            ("organise the coffee break", "organised the coffee break"),
            ("put up the signs", "put up the signs"),
        ),
    ),
    (
        "Grandma's birthday",
        (
            ("bake the cake", "baked the cake"),
            ("buy the present", "bought the present"),
            ("send the invitations", "sent the invitations"),
            ("reserve the tables", "reserved the tables"),
            ("collect the old photos", "collected the old photos"),
            ("order the flowers", "ordered the flowers"),
        ),
    ),
)


def _who_does_what(rng: random.Random) -> Item:
    first, second, third = some_people(rng, 3)
    event, jobs = rng.choice(EVENTS)
    taken, given, done, dropped = rng.sample(jobs, 4)
    reason = rng.choice(("I've got more time than you", "I did it last time", "I'd really enjoy it"))
    when = rng.choice(("this morning", f"on {rng.choice(DAYS)}", "last night"))
    start = rng.choice(
        (f"So, {event}. I could {taken[0]}.", f"Let's share out the jobs for {event}. Shall I {taken[0]}?")
    )
    swap = rng.choice(
        (
            f"Actually, can I do that? {reason}. Why don't you {given[0]}?",
            f"Let me do that. {reason}. Perhaps you could {given[0]} instead.",
        )
    )
    accept = rng.choice(("Fine, no problem.", "All right, I don't mind that."))
    finished = f"{third.name} has {done[1]}. {capital(third.he)} did it {when}."
    drop = rng.choice(
        (
            f"And we don't have to {dropped[0]}. We've decided to manage without it this year.",
            f"Good. And nobody needs to {dropped[0]} this time. Everyone says it isn't worth the trouble.",
        )
    )
    text = "\n".join(
        (
            f"{first.name}: {start}",
            f"{second.name}: {swap}",
            f"{first.name}: {accept} What else is there? {finished}",
            f"{second.name}: {drop}",
        )
    )
    cases = (
        (f"Which job will {first.name} do?", given, f"{swap}\n{first.name}: {accept}"),
        (f"Which job will {second.name} do?", taken, f"{start}\n{second.name}: {swap}"),
        ("Which job is already finished?", done, finished),
        ("Which job is nobody going to do?", dropped, drop),
    )
    slips = {
        given[0]: f"takes the job that {first.name} agrees to do",
        taken[0]: f"takes the job that {first.name} offers to do, but {second.name} takes over",
        done[0]: f"takes the job that {third.name} has done already",
        dropped[0]: "takes the job that they decide to leave out",
    }
    stem, job, evidence = rng.choice(cases)
    return Item(
        task="listening_who_does_what",
        level="B1",
        topic="planning an event",
        instruction=rng.choice(
            (
                "Listen to the conversation, which is read aloud, and choose the correct answer.",
                "You will hear two people planning an event. Choose the best answer.",
            )
        ),
        passage=f"Script:\n{text}",
        stem=stem,
        key=job[0],
        why=(
            f"{first.name} offers to {taken[0]}, but {second.name} does that and {first.name} agrees to "
            f"{given[0]}. {third.name} has {done[1]}, and nobody needs to {dropped[0]}."
        ),
        distractors=wrong(
            *((j[0], slips[j[0]]) for j in rng.sample((taken, given, done, dropped), 4) if j != job)
        ),
        evidence=evidence,
    )


OCCASIONS = (  # what two people went to, and opinions of it that can be held in any combination
    (
        "the conference",
        (
            "the talks were too long",
            "the coffee breaks were too short",
            "the venue was hard to get to",
            "the opening speaker was badly prepared",
            "the programme left no room for discussion",
            "the small workshops were the best part",
            "the staff were unusually helpful",
        ),
    ),
    (
        "the language course",
        (
            "the teacher explained things clearly",
            "there was too much homework",
            "the groups were too large",
            "the textbook was out of date",
            "the speaking practice was useful",
            "the final test was unfair",
            "the first few lessons were too easy",
        ),
    ),
    (
        "the new restaurant",
        (
            "the waiters were slow",
            "the portions were too small",
            "the desserts were worth waiting for",
            "the music was too loud",
            "the tables were too close together",
            "the prices were reasonable",
            "the menu was hard to understand",
        ),
    ),
    (
        "the play",
        (
            "the first half dragged",
            "the costumes were beautiful",
            "the ending was hard to believe",
            "the main actor was miscast",
            "the jokes fell flat",
            "the music helped to create the mood",
            "the seats were uncomfortable",
        ),
    ),
    (
        "the holiday flat",
        (
            "the kitchen was badly equipped",
            "the view made up for the stairs",
            "the beds were too soft",
            "the photographs on the website were misleading",
            "the owner was extremely helpful",
            "the street was too noisy at night",
            "the heating was difficult to control",
        ),
    ),
)
RAISES = (
    "If you ask me, {claim}.",
    "I must say I felt that {claim}.",
    "To my mind, {claim}.",
    "I came away thinking that {claim}.",
)
AGREES = (
    "You took the words right out of my mouth.",
    "You can say that again.",
    "That's exactly what I was going to say.",
    "I couldn't have put it better myself.",
)
DISAGREES = (
    "Really? It didn't strike me that way at all.",
    "Do you think so? I'd have said just the opposite.",
    "I know a lot of people felt that, but I didn't.",
    "Well, I can't go along with you there.",
    "Hmm, that's not how I saw it.",
)


def _agreement(rng: random.Random) -> Item:
    pair = some_people(rng, 2)
    occasion, opinions = rng.choice(OCCASIONS)
    claims = rng.sample(opinions, 4)
    agreed = rng.randrange(4)
    starter = rng.randrange(2)  # they raise points in turn
    raising, refusing = rng.sample(RAISES, 4), rng.sample(DISAGREES, 4)
    replies = [rng.choice(AGREES) if i == agreed else refusing[i] for i in range(4)]
    speakers = [pair[(starter + i) % 2] for i in range(4)]
    # The one who answers a point raises the next, so the talk runs in turns.
    lines = [f"{speakers[0].name}: So, that was {occasion}! {raising[0].format(claim=claims[0])}"]
    for i in range(4):
        answer = replies[i]
        if i < 3:
            answer += " " + raising[i + 1].format(claim=claims[i + 1])
        lines.append(f"{pair[(starter + i + 1) % 2].name}: {answer}")
    raised = raising[agreed].format(claim=claims[agreed])
    answerer = pair[(starter + agreed + 1) % 2]
    evidence = f"{raised}\n{answerer.name}: {replies[agreed]}"
    return Item(
        task="listening_agreement",
        level="B2",
        topic="giving opinions",
        instruction=rng.choice(
            (
                "You will hear two friends talking. The script is read aloud once. Choose the best answer.",
                "Listen to the conversation and decide what the speakers have in common.",
            )
        ),
        passage="Script:\n" + "\n".join(lines),
        stem=f"The conversation is about {occasion}. What do {pair[0].name} and {pair[1].name} agree about?",
        key=f"that {claims[agreed]}",
        why=f"“{replies[agreed]}” shows that both think that {claims[agreed]}; each of the other points "
        f"is rejected.",
        distractors=wrong(
            *(
                (f"that {claims[i]}", f"takes an opinion that only {speakers[i].name} holds for a shared one")
                for i in range(4)
                if i != agreed
            )
        ),
        evidence=evidence,
    )


MODELS: tuple[ItemModel, ...] = (
    ItemModel(
        "listening_who_does_what",
        "listening",
        ("B1",),
        "follows offers, swaps and refusals to who will do what",
        _who_does_what,
    ),
    ItemModel(
        "listening_agreement",
        "listening",
        ("B2",),
        "recognises agreement that is expressed indirectly",
        _agreement,
    ),
)
