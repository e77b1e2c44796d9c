"""What a reviewer implies: praise and doubt that are not open to question, though never stated outright."""

from __future__ import annotations

import random

from tunewright.generate.item import Item, ItemModel
from tunewright.generate.models.particulars import (
    CITIES,
    MONTHS,
    an,
    wrong,
)

PRAISE = (
    "As for the {x}, one would have to look very hard to find anything to complain of.",
    "I had expected to have to make allowances for the {x}; in the event, none were called for.",
    "Whatever else may be said, the {x} alone would justify the attention that the work has received.",
    "Those who predicted that the {x} would prove the weak point may now wish to think again.",
    "Some colleagues have called the {x} unremarkable; I can only suppose that they were not paying "
    "attention.",
    "Were one to look for something to hold up to students as a model, it would surely be the {x}.",
)
DOUBT = (
    "The {x} has its champions, though I was hard put to see what they had found to champion.",
    "I kept waiting for the {x} to repay my patience, and was, I fear, still waiting at the end.",
    "Others have described the {x} as daring; I found myself, more than once, glancing at my watch.",
    "The {x}, so widely applauded elsewhere, gave me little reason to join in.",
    "It would be kinder to assume that the {x} was left unfinished than to suppose that anyone had "
    "intended it.",
    "If the {x} was meant to hold the whole together, one can only say that the glue has not set.",
)
WORKS = (  # kind, how it reached its public, what can be praised or doubted in it
    ("film", "opened in {city} last {month}", ("photography", "script", "editing", "score")),
    ("novel", "was published in {city} last {month}", ("dialogue", "plot", "opening chapter", "ending")),
    ("play", "transferred to {city} last {month}", ("set design", "second act", "dialogue", "final scene")),
    ("exhibition", "opened in {city} last {month}", ("lighting", "catalogue", "layout", "final room")),
    (
        "documentary",
        "was first shown in {city} last {month}",
        ("narration", "research", "camerawork", "soundtrack"),
    ),
    (
        "opera",
        "had its first night in {city} last {month}",
        ("orchestral writing", "libretto", "staging", "final act"),
    ),
)
TITLES = (
    *(
        "The Salt Road",
        "A House in Winter",
        "Unwritten Letters",
        "The Cartographer",
        "Low Tide",
        "Borrowed Light",
    ),
    *("The Ninth Hour", "Paper Gardens", "The Glass Orchard", "North of Here"),
)


def _stance(rng: random.Random) -> Item:
    kind, release, aspects = rng.choice(WORKS)
    first, second = rng.sample(aspects, 2)
    admires = (rng.random() < 0.5, rng.random() < 0.5)
    phrases = rng.sample(range(len(PRAISE)), 2)  # two different ones, whichever list they come from
    sentences = [
        (PRAISE if admired else DOUBT)[phrase].format(x=aspect)
        for phrase, aspect, admired in zip(phrases, (first, second), admires, strict=True)
    ]
    opening = rng.choice(
        (
            f"{rng.choice(TITLES)}, the {kind} that {release}, comes to us with a reputation that few "
            "first efforts could hope to live up to.",
            f"It is rare for {an(kind)} to arrive surrounded by as much talk as {rng.choice(TITLES)}, "
            f"which {release} and has been argued about ever since.",
            f"By the time {rng.choice(TITLES)} {release}, opinions of the {kind} had been so freely "
            "exchanged that forming one's own seemed almost impolite.",
        )
    ).format(city=rng.choice(CITIES), month=rng.choice(MONTHS))
    bridge = rng.choice(
        (
            "That said, a reviewer has to start somewhere.",
            "Let me, then, set the talk aside and begin with what is there.",
        )
    )
    closing = rng.choice(
        (
            f"Readers will no doubt wish to make up their own minds, and the {kind} is unlikely to be "
            "forgotten soon.",
            f"The argument about the {kind} will, I suspect, go on for some time yet.",
        )
    )

    def view(first_admired: bool, second_admired: bool) -> str:
        if first_admired and second_admired:
            return f"admires both the {first} and the {second}"
        if not first_admired and not second_admired:
            return f"has doubts about both the {first} and the {second}"
        if first_admired:
            return f"admires the {first} but has doubts about the {second}"
        return f"has doubts about the {first} but admires the {second}"

    options = [(a, b) for a in (True, False) for b in (True, False) if (a, b) != admires]
    slips = {1: "misreads one of the two judgements", 2: "takes both judgements for their opposites"}
    evidence = " ".join(sentences)
    judged = ["implies praise" if admired else "implies doubt" for admired in admires]
    return Item(
        task="reading_stance",
        level="C1",
        topic="reviews",
        instruction=rng.choice(
            (
                "Read the extract from a review and decide what the reviewer implies.",
                "The reviewer's opinions are implied rather than stated. Read the extract and choose the "
                "best answer.",
            )
        ),
        passage=f"{opening} {bridge} {evidence} {closing}",
        stem="The reviewer",
        key=view(*admires),
        why=(
            f"On the {first}: “{sentences[0]}” This {judged[0]}. On the {second}: “{sentences[1]}” This "
            f"{judged[1]}."
        ),
        distractors=wrong(*((view(a, b), slips[(a != admires[0]) + (b != admires[1])]) for a, b in options)),
        evidence=evidence,
    )


MODELS: tuple[ItemModel, ...] = (
    ItemModel(
        "reading_stance",
        "reading",
        ("C1",),
        "recognises a reviewer's attitude from implicit praise and doubt",
        _stance,
    ),
)
