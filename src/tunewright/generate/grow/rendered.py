"""Items with several right options and cloze texts as learners see them, with what an item bank needs.

The parts are kept in `meta` as `bank` reads them: options with `correct` and a list of keys, or `pieces` with
`gaps`. Options get an order drawn from a seed of the item's own.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any

from tunewright.generate.grow.tuples import ClozeTuple, GapTuple, SeveralTuple
from tunewright.generate.render import LETTERS
from tunewright.run.seeds import derive_seed


@dataclass(frozen=True, slots=True)
class Rendered:
    """The texts of a record with its `parts` for `meta`, and what the gate looks at.

    `content` is what is asked and answered, without the passage. No two items share one of `identities`,
    each a few texts. `read` is the text whose level is estimated, `asked` what the learner reads after it.
    """

    input: str
    output: str
    explanation: str
    parts: dict[str, Any]
    content: str
    identities: tuple[tuple[str, ...], ...]
    read: str
    asked: str


def several(given: SeveralTuple, *, seed: int) -> Rendered:
    """An item that asks for all right options."""
    item_seed = _item_seed(seed, given.passage, given.question, *given.answers)
    rows = [(text, True, "") for text in given.answers]
    rows += [(one.text, False, one.mistake) for one in given.wrong_options]
    random.Random(f"options of {item_seed}").shuffle(rows)
    options = [
        {"letter": letter, "text": text, "correct": correct, "misconception": mistake}
        for letter, (text, correct, mistake) in zip(LETTERS, rows, strict=False)
    ]
    right = [one for one in options if one["correct"]]
    keys = [str(one["letter"]) for one in right]
    wrong = [
        f"{o['letter']}) {o['text']}: {_stopped(str(o['misconception']))}" for o in options if o not in right
    ]
    lettered = "\n".join(f"{one['letter']}) {one['text']}" for one in options)
    texts = sorted(text for text, _, _ in rows)
    content = "\n".join([given.question, *texts])
    identity = (given.passage, given.question)
    return Rendered(
        input=_joined(given.passage, given.question, lettered),
        output="\n".join(f"{one['letter']}) {one['text']}" for one in right),
        explanation="\n".join(
            [
                f"The answers are {_listed(keys)}. {given.explanation}",
                "Why the other options are wrong:",
                *wrong,
            ]
        ),
        parts={
            "kind": "multiple_response",
            "options": options,
            "key": keys,
            "passage": given.passage,
            "stem": given.question,
            "why": given.explanation,
            "evidence": given.evidence,
            "seed": item_seed,
        },
        content=content,
        identities=((*identity, *texts), identity) if given.passage else ((*identity, *texts),),
        read=given.passage or given.question,
        asked=content,
    )


def cloze(given: ClozeTuple, *, seed: int) -> Rendered:
    """A text with gaps: numbered where there are several, each followed at the end by its options, if any."""
    item_seed = _item_seed(seed, given.passage, given.text, *(gap.answer for gap in given.gaps))
    gaps = [_gap(gap, seed=derive_seed(item_seed, "gap", place)) for place, gap in enumerate(given.gaps)]
    pieces, single = given.pieces, len(gaps) == 1
    stem = filled = pieces[0]
    answers, choices = [], []
    for number, (gap, row, piece) in enumerate(zip(given.gaps, gaps, pieces[1:], strict=True), 1):
        label = "" if single else f"{number} "
        stem += ("____" if single else f"({number}) ____") + piece
        filled += gap.answer + piece
        answers.append(label + _with_others(gap))
        if options := row.get("options"):
            choices.append(label + " ".join(f"{one['letter']}) {one['text']}" for one in options))
    said = [text for gap in given.gaps for text in (gap.answer, *sorted(gap.wrong_options))]
    return Rendered(
        input=_joined(given.passage, stem, "\n".join(choices)),
        output="\n".join(answers),
        explanation=given.explanation,
        parts={
            "kind": "cloze",
            "pieces": pieces,
            "gaps": gaps,
            "passage": given.passage,
            "stem": stem,
            "evidence": given.evidence,
            "seed": item_seed,
        },
        content=_joined(filled, "\n".join(said)),
        identities=((given.passage, stem, *said),),
        read=_joined(given.passage, filled),
        asked="",
    )


def _gap(gap: GapTuple, *, seed: int) -> dict[str, Any]:
    if not gap.wrong_options:
        return {"answers": list(dict.fromkeys([gap.answer, *gap.also_right]))}
    rows = [(gap.answer, True), *((text, False) for text in gap.wrong_options)]
    random.Random(f"options of {seed}").shuffle(rows)
    return {
        "options": [
            {"letter": letter, "text": text, "correct": correct}
            for letter, (text, correct) in zip(LETTERS, rows, strict=False)
        ]
    }


def _with_others(gap: GapTuple) -> str:
    """ "when (or: as, once)": as item banks of ours read it."""
    others = [text for text in dict.fromkeys(gap.also_right) if text != gap.answer]
    return gap.answer + (f" (or: {', '.join(others)})" if others else "")


def _item_seed(seed: int, *texts: str) -> int:
    # by content, so that the same item gets the same letters wherever in a reply it stands
    return derive_seed(seed, "options", *texts) % 2**48


def _joined(*parts: str) -> str:
    return "\n\n".join(part for part in parts if part)


def _listed(letters: list[str]) -> str:
    return f"{', '.join(letters[:-1])} and {letters[-1]}" if len(letters) > 1 else "".join(letters)


def _stopped(sentence: str) -> str:
    return sentence if sentence.endswith((".", "!", "?", '."', ".”")) else sentence + "."
