"""Warnings about an item's English, from Harper: a rule checker that runs offline and needs no server.

It comes with the extra `grammar`; without it nothing here is asked. Harper's own kinds of faults are too
coarse to choose by ("Agreement" holds a rule that is right on experts' items and one that is wrong on five
of six), so its rules are chosen one by one. Spelling is off: it takes names for faults.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from importlib import metadata
from typing import Any

from tunewright.generate.item_view import ItemView

PACKAGE = "harper-py"
MISSING = (
    "the grammar warnings were left out, because harper-py is not installed: "
    "pip install 'tunewright[grammar]'"
)

# Each found planted faults, or real ones on experts' items, and is wrong on at most two of those 1,386.
# docs/item-validity.md names the rules that were weighed and left out.
HARPER_RULES = (
    "AdjectiveDoubleDegree",  # more better
    "AnA",  # a apple
    "CriteriaPhenomena",  # one criteria
    "DidPast",  # did not went
    "DoubleModal",  # might could
    "HavePronoun",  # has you
    "IAmAgreement",  # I are
    "InflectedVerbAfterTo",
    "IsBeenAuxSequence",  # is been built
    "ModalOf",  # would of
    "MultipleSequentialPronouns",  # they they
    "NominalWants",  # it want
    "NotBeAfterNot",  # is not be
    "PronounInflectionBe",  # they was
    "PronounVerbAgreement",  # he go
    "RegularIrregulars",  # goed, aircrafts
    "RepeatedWords",  # the the
    "SingleBe",  # to be be
    "TheirToThere",  # their is
    "ThereIsAgreement",  # there are one
    "ToTo",  # to to
)
_GAP = re.compile(r"_{2,}(?:\s*\([^)]*\))?|\[\s*(?:\.{3}|…|\d+)\s*\]|\(\d+\)\s*_{2,}|(?<=\s)…(?=\s\w)")
# What the learner is shown may be wrong on purpose.
_ASKS_FOR_MISTAKE = re.compile(
    r"\b(?:mistakes?|errors?|incorrect|ungrammatical|corrections?|proofread\w*|wrong (?:word|form|part))\b"
    r"|\bcorrect (?:the|this|these|each|every|any|it|them|all)\b"
    r"|\b(?:sentence|form|version|grammar|word order)s? (?:is|are) (?:\w+ )?(?:in)?correct\b",
    re.IGNORECASE,
)
# Options of a question on language are forms, most of them wrong on purpose.
_ASKS_FOR_FORM = re.compile(
    r"\b(?:grammar|gramma\w+|word order|word formation|verb forms?|tenses?|cloze|complet\w+|fills?|gaps?|"
    r"transform\w+|rewrit\w+|dictat\w+|spelling|punctuation)\b"
    r"|\bcorrect (?:sentence|form|word|option|order|version)\b",
    re.IGNORECASE,
)
_QUOTED = re.compile(r"[\"“„«][^\"”“»]*[\"”“»]|(?<!\w)['‘][^'’‘\n]+['’](?!\w)")
_PLAIN_WORD = re.compile(r"\s+[a-z][a-z'’-]+(?!\w)")
_DOUBLED = re.compile(r"(?<![\w'’-])([a-z]{2,}) \1(?![\w'’-])")
# "I had had enough", "all that that means", "very very small", "ha ha"
_DOUBLED_RIGHTLY = frozenset(
    "had that very really no long many much far bye ha hey ho oh".split()  # noqa: SIM905
)


def harper_version() -> str | None:
    """The version of harper-py, None when it is not installed or cannot be loaded."""
    try:
        return metadata.version(PACKAGE) if _linter() is not None else None
    except metadata.PackageNotFoundError:
        return None


def has_english(view: ItemView) -> bool:
    """Whether the item has a text that should be faultless and the checker is there to read it."""
    return next(_texts(view), None) is not None and harper_version() is not None


def grammar(view: ItemView) -> Iterator[str]:
    """A reason for every fault in the stem, the options and the explanation.

    A gap in the stem is filled with the key before it is read. Nothing is said of items that ask for a
    mistake, nor of options that are forms to choose from, nor of what an explanation quotes.
    """
    for where, text in _texts(view):
        for found, message, better in faults(text):
            change = f"; perhaps {better!r}" if better else ""
            yield f"{where}: {found!r}: {message.rstrip('.')}{change}"


def faults(text: str) -> list[tuple[str, str, str]]:
    """What the allowed rules find in an English text: the words, why, and the first correction ("" if none).

    Empty when harper-py is not installed.
    """
    linter = _linter()
    if linter is None:
        return []
    text = text.encode("utf-8", "replace").decode("utf-8")  # Harper takes no half of a surrogate pair
    found = []
    for lint in linter.lint(text, language="plaintext"):
        is_past = not lint.suggestions and not lint.problem_text.endswith("s")  # "she learnt" is no "she go"
        if is_past or _is_meant(text, lint.span.start, lint.span.end):
            continue
        better = next((one.replacement_text for one in lint.suggestions if one.replacement_text), "")
        found.append((lint.problem_text, lint.message, better))
    known = {words.casefold() for words, _, _ in found}
    for match in _DOUBLED.finditer(text):  # Harper looks at some sixty function words alone
        if match[1] not in _DOUBLED_RIGHTLY and match[0] not in known:
            found.append((match[0], "The word stands twice", match[1]))
    return found


def _is_meant(text: str, start: int, end: int) -> bool:
    """Whether Harper misreads what stands there.

    An article is judged before a plain word alone: not in "an SAT tutor", "A) is" and "8 a.m.". A doubled
    name ("Pago Pago") and "had had" are no slips.
    """
    words = text[start:end]
    if words.casefold() in ("a", "an"):
        return _PLAIN_WORD.match(text, end) is None
    first, _, second = words.partition(" ")
    is_name = first.istitle() and first == second
    return is_name or (first == second and first.casefold() in _DOUBLED_RIGHTLY)


@cache
def _linter() -> Any:
    """One linter with the allowed rules alone; a second to build. None without harper-py.

    It must not be used by two threads at once; check-items has one.
    """
    try:
        from harper import Linter
    except ImportError:
        return None
    linter = Linter()
    linter.set_lint_config({name: name in HARPER_RULES for name in linter.get_lint_config()})
    return linter


def _texts(view: ItemView) -> Iterator[tuple[str, str]]:
    """(where, text) of all that should be English without a fault."""
    meta = view.record.meta
    asked = " ".join((str(meta.get("task", "")).replace("_", " "), view.record.instruction, view.stem))
    language = str(meta.get("language") or "en").casefold()
    if _ASKS_FOR_MISTAKE.search(asked) or not language.startswith("en"):
        return
    stem, num_gaps = _filled(view.stem, view.answer)
    if view.has_stem and stem.strip() and (num_gaps == 0 or (num_gaps == 1 and view.answer.strip())):
        yield "stem", stem
    if num_gaps == 0 and not _ASKS_FOR_FORM.search(asked):
        for letter, option in zip(view.letters, view.options, strict=True):
            if option.strip():
                yield f"option {letter}", option
    explanation = _without_quotes(view)
    if explanation.strip():
        yield "explanation", explanation


def _filled(stem: str, answer: str) -> tuple[str, int]:
    return _GAP.subn(lambda _: answer.strip(), stem)


def _without_quotes(view: ItemView) -> str:
    """The explanation with "…" for all that it takes from the item or puts in quotation marks, and no
    letters of options: "A is wrong" is not an article."""
    text = view.record.explanation
    for taken in sorted({one.strip() for one in (*view.options, view.answer)}, key=len, reverse=True):
        if len(taken) > 1:
            text = re.sub(rf"(?<!\w){re.escape(taken)}(?!\w)", "…", text)
    text = _QUOTED.sub("…", text)
    return re.sub(r"\b[A-Z]\b(?<!I)", "…", text)
