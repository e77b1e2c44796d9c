"""One way to look at every assessment item, wherever its record came from.

Item models, the hand-written seeds, imported items and items that a model wrote all keep their parts in a
record's `meta`, but not all keep the same parts. The view takes what is there: `options` (texts, or mappings
with `text` and perhaps `letter` and `correct`), `key` (a letter or the option's text; a list of them, or
letters such as "A, C", where all right options are asked for), `pieces` and `gaps` of a cloze, and where
given `passage`, `stem`, `answer` and `evidence`. Rules look at the view, never at a layout.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from tunewright.generate.cloze_rules import Gap, gaps_of
from tunewright.generate.item import Distractor, Item
from tunewright.records.record import Record

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


@dataclass(frozen=True)
class ItemView:
    """The parts of an item as its record holds them; what the record does not hold is empty.

    `key_places` are the places of all options that the record calls right: a sound item with one answer has
    one. `lost_keys` is what the record names as key but is no option. `has_stem` is False when no stem can be
    told from the rest of the text: rules on stems then say nothing.
    """

    record: Record
    is_item: bool  # False for a record without options and answer: only its texts can be judged
    options: tuple[str, ...]
    letters: tuple[str, ...]
    has_several_keys: bool  # the item itself asks for all right options
    misconceptions: tuple[str, ...] | None  # per option, None when the record does not keep one for each
    key_places: tuple[int, ...]
    lost_keys: tuple[str, ...]
    answer: str  # the right option's text or the written answer; "" unless exactly one option is right
    passage: str
    stem: str
    has_stem: bool
    evidence: str
    gaps: tuple[Gap, ...] = ()  # of a cloze

    @property
    def is_choice(self) -> bool:
        """Whether the learner chooses from options."""
        return bool(self.options)

    @property
    def key_place(self) -> int | None:
        """The place of the only key among the options; None when there is none, or another number."""
        is_single = len(self.key_places) == 1 and not self.lost_keys and not self.has_several_keys
        return self.key_places[0] if is_single else None

    @property
    def text(self) -> str:
        """Where evidence must stand: the passage, or all that the record shows when none is kept apart."""
        return self.passage or "\n".join((self.record.instruction, self.record.input, self.record.output))

    @cached_property
    def item(self) -> Item | None:
        """The same as an `Item`, for the rules of `validity`; None when no single key is known."""
        if not self.is_item or not self.answer.strip():
            return None
        place = self.key_place
        meta = self.record.meta
        return Item(
            task=_text(meta, "task"),
            level=meta.get("level", ""),
            topic=_text(meta, "topic"),
            instruction=self.record.instruction,
            stem=self.stem,
            key=self.answer,
            why=self.record.explanation,  # what a learner reads; `why` in meta may be older
            distractors=tuple(
                Distractor(option, "") for at, option in enumerate(self.options) if at != place
            ),
            passage=self.passage,
            evidence=self.evidence,
        )


def view_of(record: Record) -> ItemView:
    """The record as an item. Never fails: what is not as described is simply not seen, and rules say so."""
    meta = record.meta
    options = [_option(one) for one in _list(meta.get("options"))]
    letters = tuple(
        str(one.get("letter") or one.get("id") or LETTERS[at % len(LETTERS)]).strip()
        for at, one in enumerate(options)
    )
    texts = tuple(_text(one, "text") for one in options)
    places, lost = _keys(meta, options, letters, texts)
    written = "" if options else _text(meta, "answer")
    passage, stem, has_stem = _passage_and_stem(record, texts, letters)
    misconceptions = None
    if options and all("misconception" in one for one in options):
        misconceptions = tuple(_text(one, "misconception") for one in options)
    gaps = () if options else gaps_of(meta)
    return ItemView(
        record=record,
        is_item=bool(options) or bool(gaps) or "answer" in meta or ("options" in meta and "stem" in meta),
        options=texts,
        letters=letters,
        has_several_keys=_asks_for_all(meta, options, letters),
        misconceptions=misconceptions,
        key_places=places,
        lost_keys=lost,
        answer=texts[places[0]] if len(places) == 1 else written,
        passage=passage,
        stem=stem,
        has_stem=has_stem,
        evidence=_text(meta, "evidence"),
        gaps=gaps,
    )


def _keys(
    meta: Mapping[str, Any], options: list[dict[str, Any]], letters: tuple[str, ...], texts: tuple[str, ...]
) -> tuple[tuple[int, ...], tuple[str, ...]]:
    """The places of all options that the marks or `key` name (two that disagree are two places), and the
    keys that name no option."""
    places = {at for at, one in enumerate(options) if one.get("correct") is True}
    lost = []
    for one in _named_keys(meta, letters):
        key = "" if one is None else str(one).strip()
        letter = key.strip("().: ").casefold()
        named = [at for at, known in enumerate(letters) if letter and letter == known.casefold()]
        named = named or [at for at, text in enumerate(texts) if key and key == text.strip()]
        places.update(named[:1])
        if key and not named:
            lost.append(key)
    return tuple(sorted(places)), tuple(lost) if options else ()


def _named_keys(meta: Mapping[str, Any], letters: tuple[str, ...]) -> list[Any]:
    """What `key` names: the members of a list, the letters of "A, C" or "A and C", or the one key."""
    given = meta.get("key")
    if isinstance(given, str):
        parts = [part.strip("(). ") for part in re.split(r"[,;/&+]|\band\b", given)]
        known = {letter.casefold() for letter in letters}
        if len(parts) > 1 and all(part.casefold() in known for part in parts):
            return parts
    return _list(given) or [given]


def _asks_for_all(meta: Mapping[str, Any], options: list[dict[str, Any]], letters: tuple[str, ...]) -> bool:
    """Whether the item wants all right options: it says so, its key names several, or it has no key and
    several marks. One key beside other marks is a contradiction and not a wish."""
    if "kind" in meta:
        return _text(meta, "kind") == "multiple_response"
    named = {str(one).strip() for one in _named_keys(meta, letters) if one is not None and str(one).strip()}
    num_marked = sum(one.get("correct") is True for one in options)
    return len(named) > 1 or (not named and num_marked > 1)


def _passage_and_stem(
    record: Record, texts: tuple[str, ...], letters: tuple[str, ...]
) -> tuple[str, str, bool]:
    """Passage, stem, and whether the stem is known.

    Kept apart in `meta`, they are taken as they are. Else the stem is the line before the first lettered
    option, in the input or (where a model was asked to write the item) in the output, if that line asks
    something or has a gap; any other line may be the passage's last.
    """
    meta = record.meta
    if "stem" in meta:
        return _text(meta, "passage"), _text(meta, "stem"), True
    for shown in (record.input, record.output):
        lines = shown.splitlines()
        at = _first_option(lines, texts, letters)
        if at is None:
            continue
        before = [line.strip() for line in lines[:at] if line.strip()]
        line = re.sub(r"^(?:Question|Stem)\s*:\s*", "", before[-1]) if before else ""
        is_stem = line.endswith("?") or re.search(r"_{2,}|…{1,}$", line) is not None
        above = before[:-1] if shown is record.input else [record.input, *before[:-1]]
        passage = _text(meta, "passage") or ("\n".join(above).strip() if is_stem else "")
        return passage, line if is_stem else "", is_stem
    return _text(meta, "passage"), "", False


def _first_option(lines: list[str], texts: tuple[str, ...], letters: tuple[str, ...]) -> int | None:
    if not texts:
        return None
    first = re.compile(
        rf"\s*\(?{re.escape(letters[0])}[).:]\s*{re.escape(texts[0].strip())}\s*$", re.IGNORECASE
    )
    return next((at for at, line in enumerate(lines) if first.match(line)), None)


def _option(given: Any) -> dict[str, Any]:
    return dict(given) if isinstance(given, Mapping) else {"text": given}


def _list(given: Any) -> list[Any]:
    return list(given) if isinstance(given, list | tuple) else []


def _text(row: Mapping[str, Any], name: str) -> str:
    value = row.get(name)
    return "" if value is None else str(value)
