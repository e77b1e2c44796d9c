"""Languages and scripts: the language asked for in the settings, letters of another script, mixed words.

Which language a text is in is asked of py3langid (Barbaresi; after Lui and Baldwin's langid.py), and only
when a language is set. Scripts are read off the characters.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator
from functools import cache, lru_cache

from tunewright.errors import RecipeError
from tunewright.rate.detectors.detector import (
    CheckSettings,
    Detector,
    Severity,
    Span,
    answers,
    asked,
    example,
    texts,
)
from tunewright.records.record import Record

_FEWEST_LETTERS = 60
_FEWEST_WORDS = 8  # of languages that part words by spaces
_SURE = 0.99  # of the identifier's probability
_READ_CHARS = 3000
_ABOUT_LANGUAGE = re.compile(
    r"\b(?:translat\w+|languages?|in (?:english|french|german|spanish|italian)"
    r"|afrikaans|arabic|basque|bengali|bulgarian|cantonese|catalan|chinese|croatian|czech"
    r"|danish|dutch|english|esperanto|estonian|farsi|finnish"
    r"|french|gaelic|german|greek|hebrew|hindi|hungarian|icelandic"
    r"|indonesian|irish|italian|japanese|kanji|korean|latin|latvian"
    r"|lithuanian|malay|mandarin|norwegian|persian|polish|portuguese"
    r"|punjabi|romanian|russian|sanskrit|serbian|slovak|spanish"
    r"|swahili|swedish|tamil|telugu|thai|tibetan|turkish|ukrainian|urdu"
    r"|vietnamese|welsh|yiddish|zulu|romaji|cyrillic|alphabet|pinyin|etymolog\w+"
    r"|pronounc\w+|transliterat\w+|unicode|characters?|letters?|symbols?)\b",
    re.IGNORECASE,
)
_SCRIPTS = (
    "LATIN",
    "CYRILLIC",
    "ARABIC",
    "HEBREW",
    "DEVANAGARI",
    "BENGALI",
    "TAMIL",
    "THAI",
    "HANGUL",
    "HIRAGANA",
    "KATAKANA",
    "CJK",
    "ARMENIAN",
    "GEORGIAN",
)
_EAST_ASIAN = {"HIRAGANA", "KATAKANA", "CJK", "HANGUL"}
_NOT_LATIN = re.compile(
    r"[\u0400-\u1eef\u2e80-\ufaff\uff66-\uffdc]"
)  # past Latin, Greek and IPA; a first look only
_CYRILLIC = re.compile("[а-яА-ЯёЁ]")
_LATIN = re.compile("[A-Za-z]")
_EITHER = re.compile("[A-Za-zа-яА-ЯёЁ]+")


def _wrong_language(record: Record, settings: CheckSettings) -> Iterator[Span]:
    if settings.language == "any" or _ABOUT_LANGUAGE.search(asked(record)):
        return
    for field, text in texts(record):
        sample = text[:_READ_CHARS]
        if "```" in text or not is_enough(sample):
            continue
        language, probability = _identifier()(sample)
        if language != settings.language and probability >= _SURE:
            yield Span(
                field, 0, len(text), f"the language looks like '{language}', not '{settings.language}'"
            )


def is_enough(text: str) -> bool:
    """Whether there is enough running text to tell its language: most of it letters, and some words."""
    letters = sum(map(str.isalpha, text))
    if letters < _FEWEST_LETTERS and not any(_script(c) in _EAST_ASIAN for c in text):
        return False
    enough_words = text.count(" ") >= _FEWEST_WORDS or any(_script(c) in _EAST_ASIAN for c in text[:200])
    # Names in a list are of no language.
    return enough_words and letters >= 0.65 * len(text) and 3 * text.count(",") < text.count(" ")


@cache
def _identifier() -> Callable[[str], tuple[str, float]]:
    try:
        from py3langid.langid import MODEL_FILE, LanguageIdentifier  # type: ignore[import-untyped]
    except ImportError:
        raise RecipeError(
            "a language is set, and telling languages needs py3langid: pip install 'tunewright[check]', "
            "or leave the language at 'any'"
        ) from None
    identifier = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)

    def identify(text: str) -> tuple[str, float]:
        language, probability = identifier.classify(text)
        return str(language), float(probability)

    return identify


def known_languages() -> list[str]:
    """The codes that can be set, sorted. RecipeError without py3langid."""
    _identifier()
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    return sorted(map(str, LanguageIdentifier.from_model_file(MODEL_FILE).labels))


def _stray_script(record: Record, settings: CheckSettings) -> Iterator[Span]:
    """A few letters of another script in an answer that is otherwise in the prompt's script."""
    for field, text in answers(record):
        if text.isascii() or not _NOT_LATIN.search(text):
            continue
        counts: dict[str, int] = {}
        first: dict[str, int] = {}
        for at, character in enumerate(text):
            script = _script(character)
            if script:
                counts[script] = counts.get(script, 0) + 1
                first.setdefault(script, at)
        main = max(counts, key=counts.__getitem__, default="")
        if main != "LATIN" or counts[main] < 0.9 * sum(counts.values()):
            continue
        told = asked(record)
        if _ABOUT_LANGUAGE.search(told) or any(_script(character) not in ("", "LATIN") for character in told):
            continue
        strays = [at for script, at in first.items() if script != main and not _is_quoted(text, at)]
        if strays:
            at = min(strays)
            yield Span(field, at, at + 1, f"{_script(text[at]).lower()} letters in a text in Latin letters")


def _is_quoted(text: str, at: int) -> bool:
    """In brackets, in quotation marks or after a colon or dash, a word of another script is meant."""
    before = text[max(0, at - 40) : at]
    return any(mark in before for mark in "([（「『“\"'‘:：—–/")


@lru_cache(maxsize=8192)
def _script(character: str) -> str:
    """The script of a letter; "" for other signs and scripts not told apart (Greek letters are signs)."""
    if not character.isalpha() or character in "ªº":
        return ""
    name = unicodedata.name(character, "").replace("FULLWIDTH ", "").replace("HALFWIDTH ", "")
    return next((script for script in _SCRIPTS if name.startswith(script)), "")


def _mixed_script(record: Record, settings: CheckSettings) -> Iterator[Span]:
    for field, text in texts(record):
        if text.isascii() or not _CYRILLIC.search(text):
            continue
        if word := next(filter(_is_mixed, _EITHER.finditer(text)), None):
            yield Span(field, word.start(), word.end(), "Latin and Cyrillic letters in one word")


def _is_mixed(word: re.Match[str]) -> bool:
    """Looked at after the match: a pattern that asks for both scripts is quadratic on long words."""
    letters = word.group()
    return not letters.isascii() and bool(_LATIN.search(letters) and _CYRILLIC.search(letters))


WRONG_LANGUAGE = Detector(
    name="wrong-language",
    severity=Severity.ERROR,
    meaning="A longer text is, surely, not in the language set "
    "(with none set: off); translation tasks are left out.",
    example=example(
        "Pourquoi le ciel est-il bleu pendant la journée, et rouge le soir quand le soleil se couche ?",
        "Parce que l'air disperse la lumière bleue bien davantage que la lumière rouge, surtout à midi.",
    ),
    counter_example=example(
        "Translate into French: why is the sky blue?",
        "Pourquoi le ciel est-il bleu pendant la journée, et rouge le soir quand le soleil se couche ?",
    ),
    spots=_wrong_language,
    settings=CheckSettings(language="en"),
)
STRAY_SCRIPT = Detector(
    name="stray-script",
    severity=Severity.WARNING,
    meaning="An answer in Latin letters holds a few letters of another script, unquoted and not asked for.",
    example=example(
        "Why do bees dance?",
        "They dance to tell the others in the hive where good 花 can be found this morning.",
    ),
    counter_example=example(
        "Where is Kyoto?",
        "Kyoto (京都) is a city in the middle of Japan; it was the capital for a thousand years.",
    ),
    spots=_stray_script,
)
MIXED_SCRIPT = Detector(
    name="mixed-script",
    severity=Severity.WARNING,
    meaning="One word mixes Latin and Cyrillic letters that look alike.",
    example=example("Name a bank.", "The p\u0430ypal site."),
    counter_example=example("Name a newspaper.", "Pravda (Правда), 5 μm, Δx"),
    spots=_mixed_script,
)
