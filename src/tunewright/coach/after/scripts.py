"""foreign_script: letters of a script that the language of the set is not written in.

With the language "any", the original says which scripts belong: one that it has not at all is foreign.
Quoted words, words in brackets, code, formulas and signs do not count, and nothing is said where the task
itself speaks of another language. Scripts are told by the names of characters (Unicode, Scripts.txt).
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from functools import lru_cache

from tunewright.coach.after.config import AfterConfig
from tunewright.coach.after.problem import Problem
from tunewright.coach.revision import Field
from tunewright.records.record import Record

_PREFIXES = {
    "LATIN": "Latin", "CYRILLIC": "Cyrillic", "GREEK": "Greek", "ARABIC": "Arabic", "HEBREW": "Hebrew",
    "DEVANAGARI": "Devanagari", "BENGALI": "Bengali", "GURMUKHI": "Gurmukhi", "GUJARATI": "Gujarati",
    "ORIYA": "Odia", "TAMIL": "Tamil", "TELUGU": "Telugu", "KANNADA": "Kannada", "MALAYALAM": "Malayalam",
    "SINHALA": "Sinhala", "THAI": "Thai", "LAO": "Lao", "TIBETAN": "Tibetan", "MYANMAR": "Burmese",
    "GEORGIAN": "Georgian", "ETHIOPIC": "Ethiopic", "KHMER": "Khmer", "MONGOLIAN": "Mongolian",
    "ARMENIAN": "Armenian", "HANGUL": "Hangul", "HIRAGANA": "Kana", "KATAKANA": "Kana",
    "KATAKANA-HIRAGANA": "Kana", "BOPOMOFO": "Bopomofo", "CJK": "Han", "IDEOGRAPHIC": "Han",
}  # fmt: skip
_OF_LANGUAGES = {
    "Cyrillic": "ru uk be bg sr mk kk ky tg mn tt ba cv os ce",
    "Greek": "el",
    "Arabic": "ar fa ur ps ug sd ckb ku",
    "Hebrew": "he yi iw",
    "Devanagari": "hi mr ne sa mai bho",
    "Bengali": "bn as",
    "Gurmukhi": "pa",
    "Gujarati": "gu",
    "Odia": "or",
    "Tamil": "ta",
    "Telugu": "te",
    "Kannada": "kn",
    "Malayalam": "ml",
    "Sinhala": "si",
    "Thai": "th",
    "Lao": "lo",
    "Tibetan": "bo dz",
    "Burmese": "my",
    "Georgian": "ka",
    "Ethiopic": "am ti",
    "Khmer": "km",
    "Armenian": "hy",
    "Hangul": "ko",
    "Kana": "ja",
    "Han": "ja zh ko yue",
    "Bopomofo": "zh",
    "Latin": "sr ku",  # written in two scripts; a language that is nowhere here is written in Latin letters
}
_ABOUT_LANGUAGE = re.compile(
    r"\b(?:translat\w+|transliterat\w+|tradui\w+|traduc\w+|traduz\w+|übersetz\w*|перев[её]\w+|languages?"
    r"|langues?|idiomas?|sprachen?|alphabets?|characters|kanji|kana|hiragana|katakana|pinyin|hangul|hanzi"
    r"|cyrillic|unicode|emojis?|etymolog\w+|pronounc\w+|foreign|multilingual|bilingual)\b"
    r"|\b(?:in|into|to|from|en|auf|ins|a|al|na|на) (?:arabic|armenian|bengali|bulgarian|burmese|cantonese"
    r"|chinese|english|farsi|georgian|greek|hebrew|hindi|japanese|khmer|korean|lao|mandarin|marathi|mongolian"
    r"|nepali|persian|punjabi|russian|sanskrit|serbian|tamil|telugu|thai|tibetan|ukrainian|urdu|vietnamese"
    r"|yiddish|anglais|arabe|chinois|grec|hébreu|japonais|coréen|russe|englisch\w*|chinesisch\w*"
    r"|japanisch\w*|russisch\w*|inglés|chino|japonés|ruso|английск\w+|китайск\w+|японск\w+)\b"
    r"|翻訳|翻译|翻譯|英語|英语|中国語|日本語|日语|外国語|번역|영어|일본어|중국어|ترجم|الإنجليزية"
    r"|अनुवाद|अंग्रेज़ी|תרגם|באנגלית",
    re.IGNORECASE,
)
_ASIDE = re.compile(
    r"```.*?(?:```|\Z)|`[^`\n]{1,200}`|\$[^$\n]{1,200}\$|https?://\S{1,200}"
    r"|\"[^\"\n]{1,80}\"|“[^“”\n]{1,80}”|«[^«»\n]{1,80}»|「[^「」\n]{1,80}」|『[^『』\n]{1,80}』"
    r"|\([^()\n]{1,80}\)|（[^（）\n]{1,80}）|\*[^*\n]{1,80}\*"
    r"|(?<![\u0370-\u03ff])[\u0370-\u03ff]{1,2}(?![\u0370-\u03ff])",  # of formulas
    re.DOTALL,
)
_FEWEST_LETTERS = 4
_MOST_LATIN = 0.6  # names, code and brands are in Latin letters everywhere
_ANY_OTHER = re.compile("[\u0370-\uffff\U00020000-\U0003ffff]")


def foreign_script(
    original: Record, revised: Record, changed: tuple[Field, ...], config: AfterConfig
) -> Problem | None:
    """The first changed field with too large a share of foreign letters."""
    told: str | None = None
    scripts_before: Counter[str] | None = None
    for field in changed:
        text = getattr(revised, field)
        if not text or (config.language == "any" and not _may_be_foreign(original, field, text)):
            continue
        if config.language != "any" and is_latin(config.language) and not _ANY_OTHER.search(text):
            continue
        if scripts_before is None:
            told = _told(original)
            scripts_before = scripts(
                "\n".join([original.system, told, original.output, original.explanation])
            )
        found = _foreign(text, getattr(original, field), scripts_before, config)
        if found and not _ABOUT_LANGUAGE.search(told or ""):
            return Problem("foreign_script", field, found)
    return None


def is_latin(language: str) -> bool:
    """Whether the language is written in Latin letters alone."""
    return scripts_of(language) == frozenset(["Latin"])


@lru_cache
def scripts_of(language: str) -> frozenset[str]:
    """The scripts that a language (ISO 639-1) is written in; Latin for one that is not known."""
    found = frozenset(script for script, codes in _OF_LANGUAGES.items() if language in codes.split())
    return found or frozenset(["Latin"])


def scripts(text: str) -> Counter[str]:
    """Script → how many letters of it the text has."""
    found: Counter[str] = Counter()
    for character, times in Counter(text).items():
        if script := _script(character):
            found[script] += times
    return found


@lru_cache(maxsize=16384)
def _script(character: str) -> str:
    """The script of a letter; "" for marks and signs, and for letters of formulas ("𝑥", "μ", "ℝ")."""
    if not character.isalpha() or character in "ªºµ":
        return ""
    name = unicodedata.name(character, "").replace("FULLWIDTH ", "").replace("HALFWIDTH ", "")
    return _PREFIXES.get(name.partition(" ")[0], "")


def _may_be_foreign(original: Record, field: Field, text: str) -> bool:
    """A quick look that settles nearly every pair: Latin letters before and after."""
    return bool(_ANY_OTHER.search(text)) or bool(_ANY_OTHER.search(getattr(original, field)))


def _told(record: Record) -> str:
    return "\n".join([*(turn.text for turn in record.history), record.instruction, record.input])


def _foreign(text: str, before: str, of_original: Counter[str], config: AfterConfig) -> str:
    """The foreign letters in words; empty when there are none, or few."""
    own = scripts_of(config.language) if config.language != "any" else frozenset[str]()
    found = scripts(text)
    if not _too_many(found, before, own, of_original, config):
        return ""
    found = scripts(_ASIDE.sub(" ", text))
    worst = _too_many(found, before, own, of_original, config)
    return f"{found[worst]} of {found.total()} letters are {worst}" if worst else ""


def _too_many(
    found: Counter[str], before: str, own: frozenset[str], of_original: Counter[str], config: AfterConfig
) -> str:
    """The script of which there are too many letters; empty when there is none."""
    total = found.total()
    for script, num in found.most_common():
        if script in own or num < _FEWEST_LETTERS:
            continue
        share = num / total
        if script == "Latin":
            was = scripts(before)
            # An original without letters, or with many Latin ones, says nothing against them.
            if share > _MOST_LATIN and was.total() and was["Latin"] < share / 2 * was.total():
                return script
        elif share > config.most_foreign_letters and of_original[script] < 2:
            return script
    return ""
