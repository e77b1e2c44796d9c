"""What a lecturer believes, among explanations that are reported, rejected or half accepted."""

from __future__ import annotations

import random

from tunewright.generate.item import Item, ItemModel
from tunewright.generate.models.particulars import (
    wrong,
)

QUESTIONS = (  # a change in the past, and explanations for it
    (
        "why canal traffic in this region fell away so abruptly",
        (
            "the coming of the railway",
            "a run of dry summers",
            "the closing of the coal mines",
            "the rise in tolls",
            "poor maintenance",
        ),
    ),
    (
        "why so many village schools closed within a single decade",
        (
            "the falling birth rate",
            "the shortage of teachers",
            "better bus services",
            "a change in the law",
            "the cost of repairs",
        ),
    ),
    (
        "why membership of public libraries doubled after the war",
        (
            "the price of books",
            "the longer school day",
            "the new reading rooms",
            "the arrival of paperbacks",
            "cold, crowded housing",
        ),
    ),
    (
        "why the songbirds of the valley became so scarce",
        (
            "the loss of hedges",
            "a series of hard winters",
            "the spread of cats",
            "the new pesticides",
            "earlier harvests",
        ),
    ),
    (
        "why seaside holidays went out of fashion here",
        (
            "cheap flights",
            "the decline of the piers",
            "wet summers",
            "changing family life",
            "the growth of car ownership",
        ),
    ),
    (
        "why the port grew as quickly as it did",
        (
            "the deeper harbour",
            "lower taxes on trade",
            "the decline of its rivals",
            "the new bridge",
            "cheap labour",
        ),
    ),
    (
        "why the evening newspaper lost its readers",
        (
            "the habit of watching television",
            "longer journeys to work",
            "the rise in paper prices",
            "weak editing",
            "the free weeklies",
        ),
    ),
)
DATES_AGAINST = (
    "The usual answer is {x}, and I taught it myself for years; unfortunately, the dates simply do not fit.",
    "Most textbooks still point to {x}, which would be tempting enough, had the change not begun a "
    "generation earlier.",
)
NO_PARALLEL = (
    "Nor can I see much in the appeal to {x}: neighbouring regions knew the same, and nothing of the kind "
    "followed.",
    "It is sometimes put down to {x}, though why that should have mattered here and nowhere else is never "
    "explained.",
)
SECONDARY = (
    "One can make more of a case for {x}, which may well have hastened matters, even if it can hardly have "
    "set them in motion.",
    "I would not dismiss {x} altogether, since it no doubt gave a further push to a process that was "
    "already under way.",
)
FAVOURED = (
    "If pressed, I should be inclined to look to {x}, patchy though the evidence remains.",
    "What seems to me to deserve far more weight than it has so far received is {x}, for all the gaps in "
    "our records.",
)


def _lecture(rng: random.Random) -> Item:
    question, explanations = rng.choice(QUESTIONS)
    early, local, minor, main = rng.sample(explanations, 4)
    parts = {
        early: rng.choice(DATES_AGAINST).format(x=early),
        local: rng.choice(NO_PARALLEL).format(x=local),
        minor: rng.choice(SECONDARY).format(x=minor),
        main: rng.choice(FAVOURED).format(x=main),
    }
    order = rng.choice(
        ((early, local, minor, main), (early, local, main, minor), (early, minor, local, main))
    )
    opening = rng.choice(
        (
            f"I want to turn now to the question of {question}.",
            f"Let us spend the last few minutes on {question}.",
            f"You will have read a good deal, I hope, about {question}.",
        )
    )
    closing = rng.choice(
        (
            "All of this, needless to say, has yet to be tested against records that nobody has examined.",
            "I mention these doubts partly so that you will feel free to have your own.",
        )
    )
    best = rng.random() < 0.6
    stem = (
        "Which explanation does the lecturer find the most convincing?"
        if best
        else "Which explanation does the lecturer regard as no more than a contributing factor?"
    )
    key = main if best else minor
    slips = {
        early: "takes the usual explanation for the lecturer's own, missing that the dates rule it out",
        local: "takes an explanation that is mentioned only to be rejected",
        minor: "takes a contributing factor for the main one",
        main: "takes the explanation that the lecturer favours",
    }
    return Item(
        task="listening_lecture",
        level="C1",
        topic="academic talks",
        instruction=rng.choice(
            (
                "You will hear part of a lecture, read aloud once. Choose the best answer.",
                "Listen to the extract from a lecture and decide what the lecturer thinks.",
            )
        ),
        passage="Script:\n" + " ".join((opening, *(parts[x] for x in order), closing)),
        stem=stem,
        key=key,
        why=f"The lecturer's words about {key} are: “{parts[key]}” The other explanations are judged "
        f"differently.",
        distractors=wrong(*((x, slips[x]) for x in order if x != key)),
        evidence=parts[key],
    )


MODELS: tuple[ItemModel, ...] = (
    ItemModel(
        "listening_lecture",
        "listening",
        ("C1",),
        "distinguishes a lecturer's own hedged view from views that are reported",
        _lecture,
    ),
)
