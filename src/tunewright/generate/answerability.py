"""Can an item be answered, and can it be answered without its text? One question to a model per option.

Every option is judged true or false by itself, with the passage and without it. The key true with the
passage: answerable. The key true without it: guessable. Another option true with it: a double key. One option
at a time, because a model that sees all of them picks the best one and never says that two are right.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

import pydantic

from tunewright.generate.item_view import ItemView
from tunewright.llm.prompt_files import PromptFiles, frame_code
from tunewright.llm.request import Message, Request
from tunewright.llm.structured import Parser, parser_of, schema_of
from tunewright.rate.summary import Interval, Share, Z, share_of

PROMPTS = PromptFiles("tunewright.generate")


class Verdict(pydantic.BaseModel):
    """What the model says of one option. The reason comes first, so that the verdict follows it."""

    reason: str
    verdict: Literal["true", "false"]

    @property
    def is_true(self) -> bool:
        return self.verdict == "true"


@dataclass(frozen=True, slots=True)
class Asked:
    """One judgement: the option's place, and whether the passage is shown."""

    place: int
    shows_passage: bool


def why_not(view: ItemView) -> str:
    """Why the item cannot be asked about; empty when it can."""
    if not view.is_choice:
        return "it has no options"
    if view.has_several_keys:
        return "it asks for several options"
    if view.key_place is None:
        return "it has not exactly one key"
    if not view.has_stem:
        return "its stem cannot be told from the rest; keep it in meta.stem"
    return ""


def questions(view: ItemView, *, max_tokens: int) -> dict[Asked, Request]:
    """All requests about an item: every option with the passage, then without; once where there is none."""
    assert not why_not(view), "the item can be asked about"
    shown = (True, False) if view.passage.strip() else (False,)
    return {
        Asked(place, shows_passage): build(view, place, shows_passage=shows_passage, max_tokens=max_tokens)
        for shows_passage in shown
        for place in range(len(view.options))
    }


def build(view: ItemView, place: int, *, shows_passage: bool, max_tokens: int) -> Request:
    """The question whether one option is true. Without the passage neither it nor the instruction is shown:
    an instruction may say what the text is about."""
    has_passage = bool(view.passage.strip())
    texts = [("question", view.stem), ("proposed answer", view.options[place])]
    if shows_passage:
        texts.insert(0, ("text", view.passage))
    elif not has_passage:
        texts.insert(0, ("instruction", view.record.instruction))
    parts = [{"name": name, "text": text} for name, text in texts]
    text = PROMPTS.render(
        "answerability.txt",
        shows_passage=shows_passage,
        has_passage=has_passage,
        parts=parts,
        code=frame_code(text for _, text in texts),
    )
    where = "with" if shows_passage else "without"
    return Request(
        messages=(Message("system", PROMPTS.render("answerability_system.txt")), Message("user", text)),
        schema=schema_of(Verdict),
        subject=f"{view.record.id} {view.letters[place]} {where} passage",
        temperature=0.0,
        max_tokens=max_tokens,
    )


def parser() -> Parser[Verdict]:
    """The reading of replies: a JSON object with a reason and "true" or "false"; all else is Unparsable."""
    return parser_of(Verdict)


@dataclass(frozen=True, slots=True)
class Answerability:
    """What became of an item. None where a verdict is missing, or where there is no passage to withhold.

    `answerable`: the key is true with the passage (or, for an item without one, at all). `guessable`: it is
    true without. `double_keys`: letters of other options that are true too; None when one of them has no
    verdict and none is known to be true.
    """

    answerable: bool | None
    guessable: bool | None
    double_keys: tuple[str, ...] | None
    has_passage: bool = True

    @property
    def is_sound(self) -> bool | None:
        """One defensible key, which needs the passage where there is one; None when that is not known."""
        if self.answerable is False or self.guessable or self.double_keys:
            return False
        all_known = None not in (self.answerable, self.double_keys)
        return True if all_known and (self.guessable is False or not self.has_passage) else None


def conclude(view: ItemView, verdicts: Mapping[Asked, Verdict | None]) -> Answerability:
    """What the verdicts on an item's options say together; None stands for a reply that never came."""
    key = view.key_place
    assert key is not None, "asked about items with one key"
    has_passage = any(asked.shows_passage for asked in verdicts)
    others = [place for place in range(len(view.options)) if place != key]
    true_too = tuple(view.letters[place] for place in others if _is_true(verdicts, place, has_passage))
    all_known = all(_is_true(verdicts, place, has_passage) is not None for place in others)
    return Answerability(
        answerable=_is_true(verdicts, key, has_passage),
        guessable=_is_true(verdicts, key, False) if has_passage else None,
        double_keys=true_too if all_known or true_too else None,
        has_passage=has_passage,
    )


@dataclass(frozen=True, slots=True)
class AnswerabilitySummary:
    """A set of items. Shares are over the items where the verdict is known; `difference` is answerable minus
    guessable in the items where both are (−1 to 1), None without such items."""

    num_items: int
    answerable: Share
    guessable: Share
    double_key: Share
    num_paired: int
    difference: float | None
    interval: Interval | None


def summarise(items: Iterable[Answerability]) -> AnswerabilitySummary:
    """The set's shares with Wilson intervals, and the difference with an interval for paired shares."""
    found = list(items)
    paired = [(one.answerable, one.guessable) for one in found if None not in (one.answerable, one.guessable)]
    only_with = sum(bool(answerable) and not guessable for answerable, guessable in paired)
    only_without = sum(bool(guessable) and not answerable for answerable, guessable in paired)
    return AnswerabilitySummary(
        num_items=len(found),
        answerable=_share([one.answerable for one in found]),
        guessable=_share([one.guessable for one in found]),
        double_key=_share([None if one.double_keys is None else bool(one.double_keys) for one in found]),
        num_paired=len(paired),
        difference=(only_with - only_without) / len(paired) if paired else None,
        interval=paired_difference(only_with, only_without, len(paired)) if paired else None,
    )


def paired_difference(only_first: int, only_second: int, of: int) -> Interval:
    """The 95 % interval of the difference of two shares in the same items.

    Wald's interval after adding half a count to each of the four cells (Agresti and Min, Statistics in
    Medicine 24, 2005), which holds its level in small sets. ValueError when `of` is 0.
    """
    if of == 0:
        raise ValueError("the difference in no items has no interval")
    total, first, second = of + 2, only_first + 0.5, only_second + 0.5
    middle = (first - second) / total
    half = Z * math.sqrt(first + second - (first - second) ** 2 / total) / total
    return Interval(max(-1.0, middle - half), min(1.0, middle + half))


def prompt_hashes() -> dict[str, str]:
    """SHA-256 of each prompt file: part of a run's fingerprint."""
    return PROMPTS.hashes()


def _is_true(verdicts: Mapping[Asked, Verdict | None], place: int, shows_passage: bool) -> bool | None:
    verdict = verdicts.get(Asked(place, shows_passage))
    return None if verdict is None else verdict.is_true


def _share(values: list[bool | None]) -> Share:
    known = [value for value in values if value is not None]
    return share_of(sum(known), len(known))
