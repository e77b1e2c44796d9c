"""Writing: register, openings and closings, linking, order, and answers the learner writes in full.

Written answers are fixed by rule (formal rewriting, punctuation) or are model answers built so that every
required point is in them (`writing_messages`). Letters follow British conventions.
"""

from __future__ import annotations

import random
import re

from tunewright.generate.item import Item, ItemModel
from tunewright.generate.models import writing_choices, writing_messages, writing_order
from tunewright.generate.models.particulars import (
    CITIES,
    DAYS,
    FAMILY_NAMES,
    MONTHS,
    draw_until,
    listed,
    some_people,
    wrong,
)

PHRASAL_VERBS = (  # the informal verb, its formal counterpart, and things it is used with
    ("put off", "postpone", ("the meeting", "the decision", "the interviews", "the opening ceremony")),
    ("call off", "cancel", ("the conference", "the visit", "the training day", "the concert")),
    ("look into", "investigate", ("the complaint", "the cause of the fire", "the accident", "this problem")),
    ("hand in", "submit", ("the report", "the application", "the final version", "the documents")),
    ("set up", "establish", ("a new committee", "an office abroad", "a training centre", "a charity")),
    ("turn down", "reject", ("the offer", "the proposal", "the application", "the plan")),
    ("put up with", "tolerate", ("the noise", "these delays", "such behaviour", "the poor service")),
    ("leave out", "omit", ("the last paragraph", "some of the details", "the names", "the second chapter")),
    ("ask for", "request", ("a refund", "more information", "a copy of the contract", "extra time")),
    ("give back", "return", ("the keys", "the equipment", "the deposit", "the original documents")),
    ("talk about", "discuss", ("the results", "the new timetable", "your salary", "the budget")),
    ("sort out", "resolve", ("the dispute", "this matter", "the difficulty", "the disagreement")),
    ("take on", "employ", ("more staff", "a new secretary", "two engineers", "temporary workers")),
    ("speed up", "accelerate", ("the process", "the repairs", "the delivery", "the negotiations")),
    ("fill in", "complete", ("the form", "the questionnaire", "the application", "the survey")),
    ("think about", "consider", ("the alternatives", "your suggestion", "the cost", "a different supplier")),
    ("make up for", "offset", ("the losses", "the extra costs", "the increase in rent")),
)
CONTRACTIONS = (  # the informal beginning and the same words in full
    ("We can't", "We cannot"),
    ("They won't", "They will not"),
    ("You shouldn't", "You should not"),
    ("I'd like to", "I would like to"),
    ("We don't want to", "We do not want to"),
    ("They didn't", "They did not"),
    ("We'll have to", "We will have to"),
    ("It isn't possible to", "It is not possible to"),
    ("I'm not able to", "I am not able to"),
    ("They've decided to", "They have decided to"),
)
WHEN = ("this month", "this year", "this time", "at this stage", "for the moment")


def _formal_rewrite(rng: random.Random) -> Item:
    informal, formal, things = rng.choice(PHRASAL_VERBS)
    short, full = rng.choice(CONTRACTIONS)
    thing, when = rng.choice(things), rng.choice(WHEN)
    sentence = f"{short} {informal.upper()} {thing} {when}."
    return Item(
        task="writing_formal_rewrite",
        level="B2",
        topic="formal style",
        instruction=rng.choice(
            (
                "Rewrite the sentence for a formal report: write the contraction in full and replace the "
                "words in capitals with the one-word verb that begins with the letters given. Change "
                "nothing else.",
                "Make the sentence formal. Use no contraction, and put a single verb, beginning with the "
                "letters given, in place of the words in capitals. Keep all the other words.",
            )
        ),
        stem=f"{sentence} ({formal[:3]}…)",
        key=f"{full} {formal} {thing} {when}.",
        why=f"“{short}” is written “{full}” in formal style, and “{informal}” becomes “{formal}”.",
    )


LANGUAGES = (
    "Spanish",
    "Polish",
    "Japanese",
    "Arabic",
    "French",
    "Swahili",
    "Italian",
    "Turkish",
    "Portuguese",
)
PLAIN_SENTENCES = (  # none needs a comma: capitals, apostrophes and the end mark are all there is
    "My friend {a} lives in {city} and speaks {language}.",
    "Does {a}'s sister start her {language} course on {day}?",
    "I don't think {a} was in {city} in {month}.",
    "{a} and I aren't going to {city} on {day}.",
    "When is {a}'s flight to {city}?",
    "The {language} teacher can't come on {day} because she's in {city}.",
    "Is {a} staying at {b}'s flat in {city}?",
    "I haven't seen {a} or {b} since {day}.",
    "{a}'s parents moved to {city} last {month}.",
    "What didn't {a} like about {city}?",
    "Can {a} and I meet you in {city} next {month}?",
    "{b} doesn't know that {a} speaks {language}.",
    "Why isn't {a} learning {language} this year?",
    "We didn't have {language} lessons in {month}.",
)


def strip_marks(sentence: str) -> str:
    """The sentence in small letters, without apostrophes and without the mark at its end."""
    return re.sub("[.?']", "", sentence).lower()


def count_marks(sentence: str) -> int:
    """How many capital letters, apostrophes and end marks the sentence has."""
    return sum(character.isupper() or character in ".?'" for character in sentence)


def _punctuate(rng: random.Random) -> Item:
    # A name in -s would leave two right spellings of its possessive: "Carlos's" and "Carlos'".
    a, b = draw_until(
        rng,
        lambda rng: some_people(rng, 2),
        lambda pair: not any(person.name.endswith("s") for person in pair),
    )
    slots = {
        "a": a.name,
        "b": b.name,
        "city": rng.choice(CITIES),
        "language": rng.choice(LANGUAGES),
        "day": rng.choice(DAYS),
        "month": rng.choice(MONTHS),
    }
    key = rng.choice(PLAIN_SENTENCES).format(**slots)
    words = key.rstrip(".?").split()
    capitals = listed([f"“{word}”" for word in words if word[0].isupper()])
    apostrophes = listed([f"“{word}”" for word in words if "'" in word] or ["no word"])
    return Item(
        task="writing_punctuate",
        level="A2",
        topic="capitals and punctuation",
        instruction=rng.choice(
            (
                "Write the sentence with the missing capital letters, apostrophes and full stop or "
                "question mark.",
                "Correct the sentence. Add capital letters, apostrophes and the mark at the end. Change no "
                "words.",
            )
        ),
        stem=f"{strip_marks(key)} ({count_marks(key)} corrections)",
        key=key,
        why=(
            f"Capital letters begin the sentence, names, days, months, languages and “I”: {capitals}. There "
            f"is an apostrophe in {apostrophes}. The sentence is a "
            f"{'question' if key.endswith('?') else 'statement'}."
        ),
    )


BODIES = {
    "formal": (
        "I am writing to complain about the {thing} that I bought from your shop in {city} on {day}. It "
        "has never worked properly, and I would like my money back.",
        "I would like to enquire about the {job} that was advertised in {month}. Could you please send me "
        "an application form?",
        "I stayed at your hotel in {city} in {month} and believe that I left my {thing} in the room. I "
        "should be grateful if you could look for it.",
        "I am writing to confirm that I will take part in the {event} in {city} in {month}. Please find my "
        "registration form enclosed.",
    ),
    "informal": (
        "Guess what! I've finally moved to {city}, and the flat's great. You must come and stay in "
        "{month}. Bring your {thing}!",
        "Thanks so much for the {thing}. It's just what I wanted! How's life in {city}? I can't wait to "
        "see you in {month}.",
        "How are things? I'm off to {city} on {day} for the {event}, so let's meet up when I'm back. I've "
        "got loads to tell you!",
    ),
}
THINGS = ("camera", "tablet", "watch", "headphones", "coffee machine", "laptop", "suitcase", "hairdryer")
JOBS = ("post of museum guide", "job of kitchen assistant", "position of tour leader", "post of sports coach")
GATHERINGS = ("book fair", "food festival", "half-marathon", "music competition", "design exhibition")


def _opening_closing(rng: random.Random) -> Item:
    writer, friend = some_people(rng, 2)
    family, official = rng.sample(FAMILY_NAMES, 2)
    kind = rng.choice(("faithfully", "sincerely", "informal"))
    body = rng.choice(BODIES["informal" if kind == "informal" else "formal"]).format(
        thing=rng.choice([thing for thing in THINGS if thing != "headphones"]),
        city=rng.choice(CITIES),
        day=rng.choice(DAYS),
        month=rng.choice(MONTHS),
        job=rng.choice(JOBS),
        event=rng.choice(GATHERINGS),
    )
    title = rng.choice(("Ms", "Mr", "Dr"))
    openings = {
        "faithfully": "Dear Sir or Madam,",
        "sincerely": f"Dear {title} {official},",
        "informal": f"Hi {friend.name},",
    }
    closings = {
        "faithfully": "Yours faithfully,",
        "sincerely": "Yours sincerely,",
        "informal": "Lots of love,",
    }
    asks_opening = rng.random() < 0.5
    right, shown = (openings, closings) if asks_opening else (closings, openings)
    extra = {
        (True, True): "To whom it may concern,",
        (True, False): f"Hello {friend.name}!",
        (False, True): "Respectfully yours,",
        (False, False): "See you soon,",
    }[asks_opening, kind == "informal"]
    signature = writer.name if kind == "informal" else f"{writer.name} {family}"
    lines = [body, shown[kind], signature] if asks_opening else [shown[kind], body, "____", signature]
    lines = ["____", *lines] if asks_opening else lines
    reasons = {
        "faithfully": "A British letter that begins “Dear Sir or Madam” ends “Yours faithfully”.",
        "sincerely": "A British letter that begins with a title and family name ends “Yours sincerely”.",
        "informal": f"“{closings['informal']}” and “{openings['informal']}” both belong in a message to a "
        f"close friend.",
    }
    slips = {
        "faithfully": "uses the formula for a reader whose name is not known",
        "sincerely": "uses the formula for a named reader in a formal letter",
        "informal": "uses the formula for a close friend",
    }
    return Item(
        task="writing_opening_closing",
        level="B1",
        topic="letters",
        instruction=(
            "Complete the letter. Which "
            + ("opening goes with this closing" if asks_opening else "closing goes with this opening")
            + rng.choice((" in British English?", ", by British convention?"))
        ),
        passage="\n".join(lines),
        stem="The words that are missing are",
        key=right[kind],
        why=reasons[kind],
        distractors=wrong(
            *((right[other], slips[other]) for other in right if other != kind),
            (extra, "uses a formula that is " + ("too stiff" if kind == "informal" else "too familiar")),
        ),
        evidence=shown[kind],
    )


MODELS: tuple[ItemModel, ...] = (
    ItemModel(
        "writing_formal_rewrite",
        "writing",
        ("B2",),
        "turns a conversational sentence into formal style",
        _formal_rewrite,
    ),
    ItemModel(
        "writing_punctuate",
        "writing",
        ("A2",),
        "uses capitals, apostrophes and end marks correctly",
        _punctuate,
    ),
    ItemModel(
        "writing_opening_closing",
        "writing",
        ("B1",),
        "matches the opening and closing of a letter",
        _opening_closing,
    ),
    *writing_choices.MODELS,
    *writing_order.MODELS,
    *writing_messages.MODELS,
)
