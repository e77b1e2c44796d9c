"""Item models written as frames: sentences with a gap, a key that the sentence decides, and named mistakes.

A frame keeps together only words that belong together, so every filling is a sentence somebody might say.
Frames live in text files next to their models, one block per frame, blocks separated by blank lines:

    %since_past uses the past simple with "since"        a misconception, named once per file
    $since "Since" looks from a past point to now.       a rule, named once per file

    A2 work                                              level and topic
    @v;w: live;home / work;job                           variables that change together
    | Notes: ...                                         the passage, if any
    {p} ____ [here/there] since {year}.                  the stem
    = has <v.part>                                       the key
    - <v.past> ~since_past | <v> ~bare                   distractors with their misconceptions
    > "Since {year}" decides. $since                     why the key is right

Without a line of distractors the learner writes the answer. `<v.third>` inflects the first word of a
variable, `<v.a>` puts "a" or "an" before it, `<v.cap>` starts it with a capital. `[x/y]` picks one.
Names, pronouns and places are slots: {p} {he} {him} {his} {himself}, {q} {q_he} ..., {city} {city2}
{country} {surname} {day} {month} {year}; a capital letter in the slot gives a capital word.
"""

from __future__ import annotations

import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import cast, get_args

from tunewright.generate import words
from tunewright.generate.item import Distractor, Item, ItemModel, Level, Skill

GAP = "____"
_MAX_DISTRACTORS = 3
_LEVELS = get_args(Level)


@dataclass(frozen=True, slots=True)
class Frame:
    """One block of a frame file, before anything is filled in."""

    level: Level
    topic: str
    stem: str
    key: str
    why: str
    distractors: tuple[Distractor, ...] = ()
    passage: str = ""
    variables: tuple[tuple[tuple[str, ...], tuple[tuple[str, ...], ...]], ...] = ()


def framed_model(
    name: str, *, skill: Skill, task: str, construct: str, instructions: Sequence[str]
) -> ItemModel:
    """The item model whose frames are in `models/frames/<name>.txt`; it draws a level, then a frame of it."""
    frames = load_frames(name)
    by_level = {level: [f for f in frames if f.level == level] for level in _LEVELS}
    levels = tuple(level for level in _LEVELS if by_level[level])

    def draw(rng: random.Random) -> Item:
        frame = rng.choice(by_level[rng.choice(levels)])
        return fill(frame, rng=rng, task=task, instruction=rng.choice(instructions))

    return ItemModel(name=name, skill=skill, levels=levels, construct=construct, draw=draw)


def load_frames(name: str) -> tuple[Frame, ...]:
    """All frames of one file of the package, in its order."""
    path = files("tunewright.generate.models") / "frames" / f"{name}.txt"
    return parse_frames(path.read_text(encoding="utf-8"), source=path.name)


def parse_frames(text: str, *, source: str = "frames") -> tuple[Frame, ...]:
    """The frames in a text in the format above. A malformed block is our own mistake and asserts."""
    named = dict(
        cast("tuple[str, str]", tuple(line.split(" ", 1)))
        for line in text.splitlines()
        if line.startswith(("%", "$"))
    )
    blocks = re.split(
        r"\n\s*\n", "\n".join(line for line in text.splitlines() if line[:1] not in "%$#" or not line)
    )
    return tuple(_parse_block(block.strip(), named, source) for block in blocks if block.strip())


def fill(frame: Frame, *, rng: random.Random, task: str, instruction: str) -> Item:
    """One item from a frame: variables, slots and alternatives drawn, and three of its distractors."""
    slots = draw_slots(rng)
    values: dict[str, str] = {}
    for names, rows in frame.variables:
        values.update(zip(names, rng.choice(rows), strict=True))

    def write(text: str) -> str:
        return _sentence(_alternatives(_slots(_variables(text, values), slots), rng))

    # Texts without alternatives draw nothing, so the key, options and reasons agree with the stem.
    distractors = [
        Distractor(_fixed(d.text, values, slots), write(d.misconception)) for d in frame.distractors
    ]
    if len(distractors) > _MAX_DISTRACTORS:
        distractors = rng.sample(distractors, _MAX_DISTRACTORS)
    return Item(
        task=task,
        level=frame.level,
        topic=frame.topic,
        instruction=instruction,
        stem=_capitalised(write(frame.stem)),
        key=_fixed(frame.key, values, slots),
        why=_capitalised(_fixed(frame.why, values, slots)),
        distractors=tuple(distractors),
        passage=_capitalised(write(frame.passage)),
    )


def draw_slots(rng: random.Random) -> dict[str, str]:
    """People (two different ones), places and times for one item, under the names of the slots."""
    person, other = rng.sample(words.PEOPLE, 2)
    city, city2 = rng.sample(words.CITIES, 2)
    return {
        "p": person.name,
        "he": person.he,
        "him": person.him,
        "his": person.his,
        "himself": person.himself,
        "q": other.name,
        "q_he": other.he,
        "q_him": other.him,
        "q_his": other.his,
        "city": city,
        "city2": city2,
        "country": rng.choice(words.COUNTRIES),
        "surname": rng.choice(words.SURNAMES),
        "day": rng.choice(words.DAYS),
        "month": rng.choice(words.MONTHS),
        "year": str(rng.randint(2009, 2021)),
    }


def _parse_block(block: str, named: Mapping[str, str], source: str) -> Frame:
    header, *lines = block.splitlines()
    level, _, topic = header.partition(" ")
    assert level in _LEVELS, f"{source}: a block begins with {header!r}, not with a level"
    parts: dict[str, list[str]] = {mark: [] for mark in "@|=->"}
    stem: list[str] = []
    for line in lines:
        mark, rest = line[:1], line[2:]
        parts[mark].append(rest) if line[1:2] == " " and mark in "|=->" else (
            parts["@"].append(line[1:]) if mark == "@" else stem.append(line)
        )
    assert len(parts["="]) == 1, f"{source}: {block!r} needs one line with '= key'"
    assert parts[">"], f"{source}: {block!r} has no reason"
    return Frame(
        level=cast(Level, level),
        topic=topic,
        stem="\n".join(stem),
        key=parts["="][0],
        why=re.sub(r"\$\w+", lambda match: named[match.group()], " ".join(parts[">"])),
        distractors=tuple(_parse_distractor(d, named) for line in parts["-"] for d in line.split(" | ")),
        passage="\n".join(parts["|"]),
        variables=tuple(_parse_variables(line) for line in parts["@"]),
    )


def _parse_distractor(text: str, named: Mapping[str, str]) -> Distractor:
    option, tilde, misconception = text.partition(" ~")
    assert tilde, f"{text!r} names no misconception"
    # "code" or "code and some more words"; a text that begins with no known code stands as it is.
    code, space, rest = misconception.strip().partition(" ")
    text = named.get(f"%{code}", code) + space + rest
    assert space or f"%{code}" in named, f"{code!r} is not a misconception this file names"
    return Distractor(option.strip(), text)


def _parse_variables(line: str) -> tuple[tuple[str, ...], tuple[tuple[str, ...], ...]]:
    names, _, listed = line.partition(": ")
    split = tuple(names.split(";"))
    rows = tuple(tuple(value.strip() for value in row.split(";")) for row in listed.split(" / "))
    assert all(len(row) == len(split) for row in rows), f"{line!r}: a row has another number of values"
    return split, rows


def _fixed(text: str, values: Mapping[str, str], slots: Mapping[str, str]) -> str:
    filled = _slots(_variables(text, values), slots)
    assert "[" not in filled, f"{text!r}: alternatives belong in the stem; use a variable"
    return _sentence(filled)


def _variables(text: str, values: Mapping[str, str]) -> str:
    def replace(match: re.Match[str]) -> str:
        value, form = values[match["name"]], match["form"]
        if form is None:
            return value
        if form == "a":
            return f"{words.article(value)} {value}"
        if form == "cap":
            return _capitalised(value)
        return words.inflect(value, cast(words.VerbForm, form))

    return re.sub(r"<(?P<name>\w+)(?:\.(?P<form>\w+))?>", replace, text)


def _slots(text: str, slots: Mapping[str, str]) -> str:
    def replace(match: re.Match[str]) -> str:
        name = match.group(1)
        return slots[name] if name in slots else _capitalised(slots[name[0].lower() + name[1:]])

    return re.sub(r"\{(\w+)\}", replace, text)


def _alternatives(text: str, rng: random.Random) -> str:
    return re.sub(r"\[([^\[\]]+)\]", lambda match: rng.choice(match.group(1).split("/")), text)


def _sentence(text: str) -> str:
    return re.sub(
        r" +", " ", text.replace(" ,", ",").replace(" .", ".").replace(" :", ":").replace("?.", "?")
    ).strip(" ")


def _capitalised(text: str) -> str:
    return text[:1].upper() + text[1:]
