"""The hard rules, each a function from an item's view to the reasons why it fails.

What can be said of an `Item` is said once, in `validity`; here is what only a record can break: letters that
point nowhere, an answer that names another option, an explanation that defends one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from tunewright.generate import validity
from tunewright.generate.cloze_rules import GAP, gap_faults
from tunewright.generate.item_view import ItemView

OPTION_COUNTS = (3, 4, 5)
_FEWEST_WORDS, _FEWEST_CHARS = 3, 12  # of an explanation; the characters count where words are not parted
_PAIRS = ({"true", "false"}, {"yes", "no"}, {"right", "wrong"}, {"correct", "incorrect"})

# "The key is C", "the correct answer is option (B)"; in "the answer is A pen" the A is an article
_AFTER_NAME = re.compile(
    r"\b(?:key|answer|(?:right|correct|best) (?:option|choice))\b(?: (?:of|to) [^.!?:]{1,40}?)? is "
    r"(?i:option |letter )?[(\"“‘']?(?P<letter>[A-Z])\b"
    r"(?! (?!because|since|as|for|and|but|which|here|in|on|with|so|not|rather|if|when)[a-z])"
)
_AT_BEGIN = re.compile(
    r"^\W*(?:(?:Option|Answer) )?\(?(?P<letter>[A-Z])\)? (?:is|must be) "
    r"(?:right|correct|the (?:key|answer))\b"
)
_ANSWER_LINE = re.compile(r"^\W*(?i:correct answer|answer|key)\s*[:=]\s*\(?(?P<letter>[A-Z])\b", re.MULTILINE)
# just before "the answer is C": somebody else's belief, or a condition
_ONLY_BELIEVED = re.compile(
    r"\b(?:(?:think|believe|assume|suppose|conclude|guess|decide|say)s?(?: that)?|if|unless|whether)"
    r"(?: the)?(?: correct| right| best)?\s*$",
    re.IGNORECASE,
)


def empty_field(view: ItemView) -> Iterator[str]:
    """Instruction and output of any record; stem, options, their misconceptions and key of an item."""
    for name in ("instruction", "output"):
        if not getattr(view.record, name).strip():
            yield f"'{name}' is empty"
    if not view.is_item:
        return
    if view.has_stem and not view.stem.strip():
        yield "'stem' is empty"
    for letter, option in zip(view.letters, view.options, strict=True):
        if not option.strip():
            yield f"option {letter} is empty"
    for place, misconception in enumerate(view.misconceptions or ()):
        if place not in view.key_places and not misconception.strip():
            yield f"option {view.letters[place]} names no misconception"
    if view.is_choice and not view.lost_keys and not view.key_places:
        yield "'key' is empty"
    if not view.is_choice and not view.gaps and not view.answer.strip():
        yield "'answer' is empty"


def empty_explanation(view: ItemView) -> Iterator[str]:
    if not view.record.explanation.strip():
        yield "'explanation' is empty"


def option_count(view: ItemView) -> Iterator[str]:
    number = len(view.options)
    is_pair = {validity.normalised(option) for option in view.options} in _PAIRS
    if number not in OPTION_COUNTS and not (number == 2 and is_pair):
        counts = f"{OPTION_COUNTS[0]} to {OPTION_COUNTS[-1]}"
        yield f"{number} option{'s' if number != 1 else ''}; {counts} are expected"


def equal_options(view: ItemView) -> Iterator[str]:
    """Of the options that are no key; one that repeats the only key breaks `key_is_one_option`."""
    seen: dict[str, str] = {}
    key = None if view.key_place is None else validity.normalised(view.options[view.key_place])
    for letter, option in zip(view.letters, view.options, strict=True):
        text = validity.normalised(option)
        if not text or text == key:
            continue
        if text in seen:
            yield f"options {seen[text]} and {letter} are equal: {option!r}"
        seen.setdefault(text, letter)


def key_is_one_option(view: ItemView) -> Iterator[str]:
    for lost in view.lost_keys:
        yield f"the key {lost!r} is none of the options {', '.join(view.letters)}"
    if view.gaps:
        num_shown = len(GAP.findall(view.stem))
        yield from gap_faults(view.gaps, num_shown=num_shown, output=view.record.output)
    if not view.key_places or view.lost_keys:
        return
    if view.has_several_keys:
        yield from _several_keys(view)
        return
    if len(view.key_places) > 1:
        named = " and ".join(view.letters[place] for place in view.key_places)
        yield f"the record calls {named} right; one option is expected"
        return
    place = view.key_places[0]
    key = validity.normalised(view.options[place])
    for other, option in enumerate(view.options):
        if key and other != place and validity.normalised(option) == key:
            yield f"option {view.letters[other]} repeats the key {view.letters[place]}: {option!r}"
    answered = _answered_place(view)
    if answered is not None and answered != place:
        yield f"the output answers {view.letters[answered]}, the key is {view.letters[place]}"


def _several_keys(view: ItemView) -> Iterator[str]:
    """Of all right options there are two or more, one option is wrong, and the output names just the keys."""
    num_right = len(view.key_places)
    if num_right < 2:
        yield f"the item asks for all right options, but only {view.letters[view.key_places[0]]} is one"
    if num_right == len(view.options):
        yield "every option is right"
    lines = [re.match(r"\(?([A-Z])[).:]", line.strip()) for line in view.record.output.strip().splitlines()]
    answered = {match[1] for match in lines if match}
    keys = {view.letters[place] for place in view.key_places}
    if all(lines) and answered != keys:
        named, right = (" and ".join(sorted(some)) for some in (answered, keys))
        yield f"the output answers {named}, the keys are {right}"


def explanation_defends_key(view: ItemView) -> Iterator[str]:
    place = view.key_place
    assert place is not None, "applied to items with one key"
    assert view.item is not None, "applied to items with one key"
    for letter in defended_letters(view.record.explanation):
        if letter in view.letters and letter != view.letters[place]:
            yield f"the explanation defends {letter}, the key is {view.letters[place]}"
    yield from validity.explanation_defends_key(view.item)


def explanation_in_output(view: ItemView) -> Iterator[str]:
    """A word or two, such as the key's letter, stand in an answer by chance."""
    explanation = view.record.explanation.strip()
    is_short = len(explanation.split()) < _FEWEST_WORDS and len(explanation) < _FEWEST_CHARS
    if not is_short and explanation in view.record.output:
        yield "the output contains the explanation"


def answer_in_stem(view: ItemView) -> Iterator[str]:
    assert view.item is not None, "applied to items with a key"
    yield from validity.answer_in_stem(view.item)


def evidence_in_passage(view: ItemView) -> Iterator[str]:
    if not validity.stands_in(view.evidence, view.text):
        yield f"the evidence {view.evidence!r} is not literally in the passage"


def defended_letters(explanation: str) -> list[str]:
    """The letters that an explanation calls the answer, in the order of the text.

    Only plain statements count: "The key is C", "C is right" at the very beginning, "Answer: C". "A is
    correct" further down may speak of a sentence, and "if you think that the answer is C" of a mistake.
    """
    found = [*_AT_BEGIN.finditer(explanation), *_ANSWER_LINE.finditer(explanation)]
    for match in _AFTER_NAME.finditer(explanation):
        if not _ONLY_BELIEVED.search(explanation[: match.start()]):
            found.append(match)
    return [match["letter"] for match in sorted(found, key=lambda match: match.start("letter"))]


def _answered_place(view: ItemView) -> int | None:
    """The option that the output answers with, by its letter or by its text alone; else None."""
    output = view.record.output.strip()
    if output == view.answer.strip():
        return view.key_place  # first: where the options are articles, "A" is a text and not a letter
    match = re.match(r"\(?([A-Z])(?:[).:]|$)\s*(.*)", output, re.DOTALL)
    if match and match[1] in view.letters and "\n" not in match[2]:
        place = view.letters.index(match[1])
        text = validity.normalised(match[2])
        texts = [validity.normalised(option) for option in view.options]
        if not text or text not in texts or texts[place] == text:
            return place
        return texts.index(text)  # the letter of one option with the text of another
    same = [at for at, option in enumerate(view.options) if option.strip() and option.strip() == output]
    return same[0] if len(same) == 1 else None
