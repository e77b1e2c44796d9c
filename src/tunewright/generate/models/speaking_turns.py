"""Longer spoken turns with a model answer: role cards and talking from a plan.

As in `writing_messages`, a note is "what it is about: details", with the details separated by commas; every
detail is in the model answer word for word.
"""

from __future__ import annotations

import random
from collections.abc import Callable

from tunewright.generate.item import Item, ItemModel, Level
from tunewright.generate.models.particulars import (
    CITIES,
    DAYS,
    FAMILY_NAMES,
    MONTHS,
    NUMBERS,
    Person,
    an,
    as_notes,
    capital,
    clock,
    listed,
    some_people,
)

Card = tuple[str, tuple[str, ...], str]
"""The situation, the notes, and the model answer."""


def _book_table(rng: random.Random, speaker: Person, other: Person) -> Card:
    number, day = NUMBERS[rng.randint(3, 10)], rng.choice(DAYS)
    time = clock(rng.choice((1110, 1140, 1155, 1170, 1200)))
    wish = rng.choice(("by the window", "in the garden", "away from the door", "near the stage"))
    diet = rng.choice(("vegetarian dishes", "dishes without nuts", "a children's menu", "gluten-free dishes"))
    return (
        "Phone a restaurant and book a table.",
        (
            f"name: {speaker.name}",
            f"people: {number}",
            f"when: {day}, {time}",
            f"table: {wish}",
            f"ask about: {diet}",
        ),
        f"Hello, my name is {speaker.name}. I'd like to book a table for {number} people on {day} at "
        f"{time}, please. Could we have one {wish}? And could you tell me whether you have {diet}?",
    )


def _report_fault(rng: random.Random, speaker: Person, other: Person) -> Card:
    fault, tried = rng.choice(
        (
            ("the heating does not work", "switching it off and on"),
            ("the kitchen tap drips", "closing it as tightly as I can"),
            ("the front door does not close", "cleaning the lock"),
            ("the washing machine does not start", "checking the plug"),
            ("the bathroom light flickers", "changing the bulb"),
            ("the water is only lukewarm", "turning the boiler up"),
        )
    )
    since = rng.choice(DAYS)
    home = rng.choice(("before 9 am", "after 6 pm", "all day on Saturday", "from 2 pm to 5 pm"))
    return (
        f"Something is wrong in your flat. Leave a message for the owner, {other.name}.",
        (
            f"problem: {fault}",
            f"since: {since}",
            f"what you have tried: {tried}",
            f"when you are at home: {home}",
        ),
        f"Hello {other.name}, this is {speaker.name} from the flat upstairs. I'm afraid {fault}. It has "
        f"been like that since {since}. I've tried {tried}, but that didn't help. Could you send someone, "
        f"please? I'm at home {home}. Thank you!",
    )


def _return_goods(rng: random.Random, speaker: Person, other: Person) -> Card:
    thing = rng.choice(("kettle", "radio", "hairdryer", "toaster", "mixer", "coffee grinder"))
    day = rng.choice(DAYS)
    fault = rng.choice(
        ("it does not switch on", "it makes a strange noise", "a part is missing", "it gets too hot")
    )
    paper = rng.choice(("the receipt", "the guarantee", "the original box"))
    want = rng.choice(("a new one", "my money back", "a repair"))
    return (
        "Take something back to a shop and speak to the assistant.",
        (
            f"what you bought: {an(thing)}, {day}",
            f"problem: {fault}",
            f"you have: {paper}",
            f"you want: {want}",
        ),
        f"Good morning. I bought {an(thing)} here on {day}, but I'm afraid there's something wrong: "
        f"{fault}. I've brought {paper}, as you can see. I'd like {want}, please. Would that be possible?",
    )


def _welcome_guest(rng: random.Random, speaker: Person, other: Person) -> Card:
    topic = rng.choice(("bees", "bridges", "comics", "earthquakes", "folk songs", "recycling"))
    city, minutes = rng.choice(CITIES), rng.choice(("20 minutes", "half an hour", "40 minutes"))
    family = rng.choice(FAMILY_NAMES)
    afterwards = rng.choice(("tea and biscuits", "a short film", "a quiz", "a walk round the school"))
    return (
        "Introduce a guest speaker to your class.",
        (
            f"guest: {other.name} {family}, from {city}",
            f"subject: {topic}",
            f"length: {minutes}",
            f"afterwards: {afterwards}",
        ),
        f"Good afternoon, everyone. I'm delighted to introduce {other.name} {family}, who has come all the "
        f"way from {city}. {capital(other.he)} is going to speak about {topic} for {minutes}, and then you "
        f"can ask questions. Afterwards there will be {afterwards}. Please give {other.him} a warm welcome!",
    )


def _ask_teacher(rng: random.Random, speaker: Person, other: Person) -> Card:
    level = rng.choice(("beginners", "the intermediate level", "the advanced level"))
    language = rng.choice(("Spanish", "Polish", "Japanese", "Arabic", "Italian"))
    days = listed(sorted(rng.sample(DAYS[:5], 2), key=DAYS.index))
    after = clock(rng.choice((1020, 1050, 1080, 1110)))
    price = rng.choice(("price", "size of the group", "course book", "final test"))
    return (
        "You want to take a language course. Phone the school.",
        (
            f"course: {language} for {level}",
            f"when you are free: {days}, after {after}",
            f"question: the {price}",
        ),
        f"Hello, I'm {speaker.name}. I'm interested in your course in {language} for {level}. I'm free on "
        f"{days} after {after}. Do you have a class then? And could you tell me more about the {price}?",
    )


CARDS: tuple[tuple[Callable[[random.Random, Person, Person], Card], Level, str], ...] = (
    (_book_table, "A2", "booking a table"),
    (_ask_teacher, "A2", "asking for information"),
    (_return_goods, "A2", "taking something back"),
    (_report_fault, "B1", "reporting a problem"),
    (_welcome_guest, "B1", "introducing a speaker"),
)


def _role_card(rng: random.Random) -> Item:
    speaker, other = some_people(rng, 2)
    card, level, topic = rng.choice(CARDS)
    situation, notes, answer = card(rng, speaker, other)
    return Item(
        task="speaking_role_card",
        level=level,
        topic=topic,
        instruction=rng.choice(
            (
                "Look at the role card. Say what you would say, and use all the notes.",
                "Read the role card, take thirty seconds to prepare, and speak. Cover every note.",
            )
        ),
        passage=f"Role card: {situation}\n{as_notes(notes)}",
        stem=f"Your name is {speaker.name}. What do you say?",
        key=answer,
        why=(
            f"The model answer covers all {NUMBERS[len(notes)]} notes "
            f"({'; '.join(n.split(': ')[0] for n in notes)}) in suitable language. Other wordings are "
            "possible."
        ),
        evidence=notes[0],
    )


def _skill_talk(rng: random.Random) -> Card:
    skill, reason = rng.choice(
        (
            ("playing the violin", "my grandmother left me hers"),
            ("sign language", "a new colleague of mine was deaf"),
            ("baking bread", "the shop in our village had closed"),
            ("repairing bicycles", "mine was always breaking down"),
            ("sailing", "we had moved to the coast"),
        )
    )
    length = rng.choice(("six months", "almost a year", "two years"))
    who = rng.choice(("a neighbour", "a patient uncle", "a retired teacher", "a friend from work"))
    problem = rng.choice(
        (
            "finding the time to practise",
            "accepting my own mistakes",
            "remembering everything",
            "not giving up",
        )
    )
    return (
        "Talk about a skill that you have learned.",
        (
            f"the skill: {skill}",
            f"why you began: {reason}",
            f"who helped: {who}",
            f"how long it took: {length}",
            f"the hardest part: {problem}",
        ),
        f"I'd like to tell you about {skill}, which is something I learned as an adult. I began because "
        f"{reason}. At first I had no idea what I was doing, but luckily {who} was willing to help me. All "
        f"in all it took {length} before I felt confident. The hardest part was {problem}. What I learned "
        "in the end was more than a skill: I found out that I can still learn something completely new, "
        "and I would recommend the experience to anyone.",
    )


def _place_talk(rng: random.Random) -> Card:
    city, month = rng.choice(CITIES), rng.choice(MONTHS)
    place = rng.choice(
        ("a small bookshop", "the old harbour", "a roof garden", "the flea market", "a quiet courtyard")
    )
    company = rng.choice(("my sister", "two old friends", "a colleague", "my parents"))
    feeling = rng.choice(("completely at home", "wide awake", "calmer than for months", "ten years younger"))
    lesson = rng.choice(
        ("slow down more often", "plan less and see more", "take more photographs", "talk to strangers")
    )
    return (
        "Talk about a place that made a strong impression on you.",
        (
            f"the place: {place}, {city}",
            f"when: {month}",
            f"who with: {company}",
            f"how you felt: {feeling}",
            f"what you decided: {lesson}",
        ),
        f"The place I want to talk about is {place} in {city}. I went there last {month} with {company}, "
        "more or less by chance, since we had missed our train and had an hour to fill. I can't say "
        f"exactly what was special about it, but after a few minutes I felt {feeling}. Perhaps it was the "
        f"light, or the fact that nobody was in a hurry. On the way home I decided to {lesson}, and, "
        "believe it or not, I still try to.",
    )


def _opinion_talk(rng: random.Random) -> Card:
    subject, idea, yes, no, example = rng.choice(
        (
            (
                *("school", "begin later in the morning"),
                "teenagers need more sleep",
                "parents have to leave for work",
                "a school that begins at ten",
            ),
            (
                *("city centres", "be closed to cars"),
                "the air would be cleaner",
                "some people cannot walk far",
                "a street that has been closed to traffic",
            ),
            (
                *("museums", "be free"),
                "everyone should be able to see art",
                "somebody has to pay for it",
                "a gallery that asks for donations",
            ),
            (
                *("people", "work only four days a week"),
                "rested people work better",
                "hospitals cannot close on Fridays",
                "a firm that has tried it",
            ),
        )
    )
    city, person = (
        rng.choice(CITIES),
        rng.choice(("a cousin of mine", "a friend of mine", "my old teacher", "my neighbour")),
    )
    is_for = rng.random() < 0.5
    view = rng.choice(
        ("on the whole in favour", "strongly in favour")
        if is_for
        else ("on the whole against", "firmly against")
    )
    weight = f"Even so, I am {view}, because the first point matters more to me than the second."
    if not is_for:
        weight = f"So I am {view}, because the second point matters more to me than the first."
    return (
        f"Give your opinion: should {subject} {idea}?",
        (
            f"a reason for: {yes}",
            f"a reason against: {no}",
            f"an example: {example}, in {city}",
            f"who told you: {person}",
            f"your view: {view}",
        ),
        f"The question is whether {subject} should {idea}. There is a good reason for it: {yes}. On the "
        f"other hand, one has to remember that {no}. To give an example, {person} told me about {example} "
        f"in {city}, where opinions were divided too. {weight} I do understand, however, why others see it "
        "differently.",
    )


TALKS: tuple[tuple[Callable[[random.Random], Card], Level, str], ...] = (
    (_skill_talk, "B1", "learning a skill"),
    (_place_talk, "B2", "places"),
    (_opinion_talk, "B2", "giving an opinion"),
)


def _long_turn(rng: random.Random) -> Item:
    talk, level, topic = rng.choice(TALKS)
    task, notes, answer = talk(rng)
    return Item(
        task="speaking_long_turn",
        level=level,
        topic=topic,
        instruction=rng.choice(
            (
                "You have one minute to prepare. Then speak for about a minute, using all the points of "
                "your plan.",
                "Prepare a short talk from the plan and give it. Every point of the plan should be "
                "mentioned.",
            )
        ),
        passage=as_notes(notes).replace("Notes:", "Plan:", 1),
        stem=task,
        key=answer,
        why=(
            f"The model talk has a beginning and an end and covers all {NUMBERS[len(notes)]} points of the "
            "plan. Other wordings are possible."
        ),
        evidence=notes[0],
    )


MODELS: tuple[ItemModel, ...] = (
    ItemModel(
        "speaking_role_card",
        "speaking",
        ("A2", "B1"),
        "says everything a situation requires, in suitable language",
        _role_card,
    ),
    ItemModel(
        "speaking_long_turn",
        "speaking",
        ("B1", "B2"),
        "gives a short, connected talk from a plan",
        _long_turn,
    ),
)
