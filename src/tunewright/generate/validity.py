"""Hard rules that every assessment item must pass, and two statistics over a set of items.

A rule is a function that yields the faults it sees; its name is the reason under which a reject is counted.
The rules are deterministic and judge the item's form, not whether the key is true. Whether the key is
longer than the other options, or stands in one place too often, says nothing about one item: those are
judged over the set. "The key's words occur in the passage" is no rule at all: good items do that.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from tunewright.generate.item import Item

OPTION_COUNTS = (3, 4)


@dataclass(frozen=True, slots=True)
class Finding:
    """A broken rule and what was found."""

    rule: str
    reason: str


def check_item(item: Item) -> list[Finding]:
    """Everything that is wrong with an item; empty when it passes every hard rule."""
    return [Finding(name, reason) for name, rule in RULES.items() for reason in rule(item)]


def normalised(text: str) -> str:
    """The text as two options are compared: case, spaces, quote shapes and a final stop do not count.

    NFC and not NFKC, which makes 10² the same as 102. A final ? or ! counts: it can be what is asked for.
    """
    text = unicodedata.normalize("NFC", text).translate(_QUOTES).casefold()
    return re.sub(r"\s+", " ", text).strip().rstrip(".").strip()


def stands_in(span: str, text: str) -> bool:
    """Whether `span` is literally in `text`; line breaks, runs of spaces and NFC or NFD do not count."""
    return _one_line(span) in _one_line(text)


def empty_field(item: Item) -> Iterator[str]:
    """Instruction, stem, key, options and their misconceptions all say something."""
    for name in ("task", "topic", "instruction", "stem", "key"):
        if not getattr(item, name).strip():
            yield f"'{name}' is empty"
    for number, distractor in enumerate(item.distractors, 1):
        if not distractor.text.strip():
            yield f"distractor {number} is empty"
        if not distractor.misconception.strip():
            yield f"distractor {number} names no misconception"


def empty_explanation(item: Item) -> Iterator[str]:
    """The reason why the key is right is never empty."""
    if not item.why.strip():
        yield "'why' is empty"


def option_count(item: Item) -> Iterator[str]:
    """A choice item has three or four options; an item without distractors is answered in writing."""
    num_options = len(item.distractors) + 1
    if item.distractors and num_options not in OPTION_COUNTS:
        yield f"{num_options} options; {' or '.join(map(str, OPTION_COUNTS))} are expected"


def equal_options(item: Item) -> Iterator[str]:
    """No two distractors are the same text."""
    seen: dict[str, str] = {}
    for distractor in item.distractors:
        text = normalised(distractor.text)
        if text in seen:
            yield f"two options are equal: {seen[text]!r} and {distractor.text!r}"
        seen.setdefault(text, distractor.text)


def key_is_one_option(item: Item) -> Iterator[str]:
    """The key is exactly one of the options: no distractor repeats it."""
    for distractor in item.distractors:
        if normalised(distractor.text) == normalised(item.key):
            yield f"the key {item.key!r} is also the distractor {distractor.text!r}"


def explanation_defends_key(item: Item) -> Iterator[str]:
    """The explanation does not call another option the answer."""
    for defended in defended_texts(item.why):
        for distractor in item.distractors:
            if normalised(defended) == normalised(distractor.text) != normalised(item.key):
                yield f"the explanation defends {distractor.text!r}, the key is {item.key!r}"


def answer_in_stem(item: Item) -> Iterator[str]:
    """The stem does not print the answer.

    The passage may: finding it there is the task. A short function word ("the", "to", "has") stands in many
    sentences and gives nothing away, so the key must hold a word of substance to count. A stem that prints a
    distractor as well, as in "Which is larger, the Moon or Mars?", gives nothing away either; one that stands
    there only as part of the key does not count. A written answer counts only letter by letter: capitals and
    commas may be just what is asked for.
    """
    printed_key = _occurs(item.key, item.stem) if item.distractors else item.key in item.stem
    if is_substantial(item.key) and printed_key:
        rest = normalised(item.stem).replace(normalised(item.key), " | ")
        printed = [d.text for d in item.distractors if _occurs(d.text, rest)]
        if not printed:
            yield f"the stem prints the answer {item.key!r}"


def evidence_in_passage(item: Item) -> Iterator[str]:
    """The evidence is a literal span of the passage."""
    if item.evidence and not stands_in(item.evidence, item.passage):
        yield f"the evidence {item.evidence!r} is not literally in the passage"


RULES: dict[str, Callable[[Item], Iterator[str]]] = {
    rule.__name__: rule
    for rule in (
        empty_field,
        empty_explanation,
        option_count,
        equal_options,
        key_is_one_option,
        explanation_defends_key,
        answer_in_stem,
        evidence_in_passage,
    )
}


def defended_texts(explanation: str) -> list[str]:
    """What an explanation calls the answer: the words after "the answer is", or quoted before "is right"."""
    return [next(text for text in match.groups() if text) for match in _DEFENDS.finditer(explanation)]


@dataclass(frozen=True, slots=True)
class KeyPositions:
    """Where the keys of a set stand: counts per letter, and the chi-square test against even use."""

    counts: tuple[int, ...]
    statistic: float
    p: float


def key_positions(positions: Iterable[tuple[int, int]]) -> KeyPositions:
    """Tests whether the key stands equally often in each place.

    `positions` are pairs (index of the key, number of options). Items with different numbers of options
    are tested apart and the statistics added, with their degrees of freedom. ValueError on an empty set.
    """
    pairs = list(positions)
    if not pairs:
        raise ValueError("key positions of no items: nothing to test")
    statistic, freedom = 0.0, 0
    for num_options in sorted({size for _, size in pairs}):
        counts = [sum(pair == (place, num_options) for pair in pairs) for place in range(num_options)]
        expected = sum(counts) / num_options
        statistic += sum((count - expected) ** 2 / expected for count in counts)
        freedom += num_options - 1
    places = range(max(size for _, size in pairs))
    totals = tuple(sum(place == position for position, _ in pairs) for place in places)
    return KeyPositions(totals, statistic, chi_square_p(statistic, freedom))


@dataclass(frozen=True, slots=True)
class KeyLength:
    """How often the key is strictly the longest option, and how often chance would make it so (shares)."""

    longest: float
    chance: float


def key_length(items: Sequence[Item]) -> KeyLength:
    """The share of choice items whose key is strictly longest in characters. ValueError if there are none."""
    choice = [item for item in items if item.distractors]
    if not choice:
        raise ValueError("key length of no choice items: nothing to measure")
    longest = sum(len(item.key) > max(len(d.text) for d in item.distractors) for item in choice)
    chance = sum(1 / (len(item.distractors) + 1) for item in choice)
    return KeyLength(longest / len(choice), chance / len(choice))


def chi_square_p(statistic: float, freedom: int) -> float:
    """P(chi-square with `freedom` degrees ≥ statistic) = Q(freedom/2, statistic/2).

    The regularised incomplete gamma function: its series below a+1, Lentz's continued fraction above
    (Numerical Recipes, 3rd ed., §6.2), good to about 1e-12.
    """
    a, x = freedom / 2, statistic / 2
    if x <= 0:
        return 1.0
    front = math.exp(a * math.log(x) - x - math.lgamma(a))
    return 1 - front * _gamma_series(a, x) if x < a + 1 else front * _gamma_fraction(a, x)


def _gamma_series(a: float, x: float) -> float:
    term = total = 1 / a
    n = a
    while abs(term) > abs(total) * 1e-15:
        n += 1
        term *= x / n
        total += term
    return total


def _gamma_fraction(a: float, x: float) -> float:
    tiny = 1e-300
    b = x + 1 - a
    c, d = 1 / tiny, 1 / b
    h = d
    for i in range(1, 1000):
        an = -i * (i - a)
        b += 2
        d = 1 / (an * d + b or tiny)
        c = b + an / c or tiny
        h *= d * c
        if abs(d * c - 1) < 1e-15:
            break
    return h


_QUOTES = str.maketrans({"“": '"', "”": '"', "‘": "'", "’": "'"})
# a single quote closes only where no letter follows: it may be the apostrophe of "Anna's bag"
_DEFENDS = re.compile(
    r"\b(?:(?:correct|right|best) (?:answer|option) is|the answer is) "
    r"(?:“(?P<a>[^”\n]+)”|\"(?P<b>[^\"\n]+)\"|‘(?P<c>[^\n]+?)’(?!\w)|'(?P<d>[^\n]+?)'(?!\w))",
    re.IGNORECASE,
)
_LISTED = (
    "about after also always because been before being could does doing down each ever every from "
    "have having here into just less like many might more most much must never often only other "
    "ought over shall should since some such than that their them then there these they this those "
    "though through until very well were what when where which while whom whose will with would your "
)
_FUNCTION_WORDS = frozenset(_LISTED.split())


def _one_line(text: str) -> str:
    return re.sub(r"\s+", " ", unicodedata.normalize("NFC", text)).strip()


def is_substantial(key: str) -> bool:
    """Whether the key has a number or a word of four letters that is no function word."""
    tokens = re.findall(r"[^\W\d_]{4,}|\d+", normalised(key))
    return any(token not in _FUNCTION_WORDS for token in tokens)


def _occurs(text: str, within: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(normalised(text))}(?!\w)", normalised(within)) is not None
