"""What a sentence shows of its level without a parser: rare words, length, clauses, word formation.

Every feature is a number from counting words in closed lists and from the words' rarity, so that a level can
be explained. Names are counted; how rare or long they are is not: meeting Nguyen is not harder than meeting
Smith. The rarity features are Zipf values of `vocabulary.zipf`; low is rare.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Collection, Sequence

from tunewright.generate.levels.vocabulary import Words, words_of, zipf

_RARITY_STEPS = (5.5, 5.0, 4.5, 4.0, 3.5, 3.0)  # how many words are rarer than this
_LENGTH_STEPS = (8, 14, 20, 28)  # words beyond this: a sentence gets harder to read faster, then slower
_FUNCTION_WORD_ZIPF = 6.0  # above it stand some 100 words such as "the", "of", "have"
_EASY_ZIPF = 5.5  # what a mean of no words at all is set to
_AFFIX_ZIPF = (
    5.0  # affixes are counted in words rarer than this: those of "station" and "very" are not noticed
)


def _listed(words: str) -> frozenset[str]:
    return frozenset(words.split())


_SUBORDINATORS = _listed(
    """because although though unless until while whereas since whether if when whenever where wherever
    after before once as than that which who whom whose what why how"""
)
_COORDINATORS = _listed("and or but nor yet so")
_PREPOSITIONS = _listed(
    """of in on at by for from with to into about over under between among through during against within
    without upon toward towards"""
)
_PRONOUNS = _listed("i you he she it we they me him her us them my your his our their its")
_BE = _listed("is are was were be been being am")
_HAVE = _listed("has have had")
_MODALS = _listed("can could may might must should would will")

# English word formation: suffixes, with the endings that Latin and Greek words share with other languages,
# and prefixes. Listed from a grammar's point of view, before any fit; as many endings and beginnings counted
# from the sentences themselves do no better on held-out ones, and worse on the publisher's test part.
_SUFFIXES = _listed(
    """tion sion ation ment ness ity ance ence ism ist ship hood dom age ure al ial ical ic ive ative ous
    ious eous ary ory able ible ful less ant ent ate ify ise ize en er or ee ly ally ing ed es s ty cy
    ry th ium oid ogy ology graphy logy phy ine ide ite ose ase us um ae ia is ics gen ar an ian ese ish
    ling let el le ow ck sh ch y ie tic tive ular rate lete tain form duct vert port ceed pose quire
    scribe gress"""
)
_PREFIXES = _listed(
    """un in im ir il dis re pre pro con com inter trans sub super anti de ex en em per ob micro bio geo
    hydro photo multi poly mono non over under out semi auto tele counter mis ad ac ap as col cor eco
    electro neuro hyper hypo para peri syn sym"""
)
_SHORTEST_ROOT = 2  # letters left beside an affix
_LONGEST_AFFIX = max(map(len, _SUFFIXES | _PREFIXES))

_DIGITS = re.compile(r"\d+")
_COMMA = re.compile(r",(?!\d)")  # not the one in 1,000
_YEAR = re.compile(r"\b(?:1\d{3}|20\d{2})\b")
_OTHER_MARKS = ';:()"“”—–'


def features(sentence: str, *, names: Collection[str] = frozenset()) -> dict[str, float]:
    """The features of one sentence by name, always the same names in the same order; finite for any text.

    `names` are single words in lower case that count as names wherever they stand (`vocabulary.name_words`).
    """
    return features_of_words(sentence, words_of(sentence, names=names))


def features_of_words(sentence: str, words: Words) -> dict[str, float]:
    """The same for a sentence whose words are known."""
    return {
        **_length(words),
        **_rarity([zipf(word) for word in words.vocabulary]),
        **_word_form(words.vocabulary),
        **_grammar(words),
        **_marks(sentence),
        **_affixes(words.vocabulary),
    }


def _length(words: Words) -> dict[str, float]:
    num_words, num_vocabulary = len(words.all), len(words.vocabulary)
    return {
        "words": num_words,
        "words_log": math.log(max(1, num_words)),
        "words_root": math.sqrt(num_words),
        **{f"words_over_{step}": max(0, num_words - step) for step in _LENGTH_STEPS},
        "vocabulary": num_vocabulary,
        "vocabulary_log": math.log(1 + num_vocabulary),
        "names": words.num_names,
        "names_share": words.num_names / max(1, num_words),
        "different_share": len(set(words.all)) / max(1, num_words),
    }


def _rarity(zipfs: Sequence[float]) -> dict[str, float]:
    rarest = sorted(zipfs) or [_EASY_ZIPF]
    content = [value for value in rarest if value < _FUNCTION_WORD_ZIPF] or [_FUNCTION_WORD_ZIPF]
    below = {step: sum(value < step for value in rarest) for step in _RARITY_STEPS}
    return {
        "zipf_mean": sum(rarest) / len(rarest),
        "zipf_content_mean": sum(content) / len(content),
        "zipf_rarest": rarest[0],
        "zipf_second": rarest[min(1, len(rarest) - 1)],
        "zipf_third": rarest[min(2, len(rarest) - 1)],
        "zipf_10th": _percentile(rarest, 0.10),
        "zipf_25th": _percentile(rarest, 0.25),
        "zipf_first_word": min(4.0, zipfs[0]) if zipfs else 4.0,
        **{f"rarer_{step}_root": math.sqrt(count) for step, count in below.items()},
        **{f"rarer_{step}_share": count / len(rarest) for step, count in below.items()},
        **{
            f"rarity_under_{step}_root": math.sqrt(sum(max(0.0, step - value) for value in rarest))
            for step in (6, 5, 4)
        },
    }


def _percentile(ordered: Sequence[float], share: float) -> float:
    """The value at this share of an ordered list, between neighbours by straight line."""
    place = share * (len(ordered) - 1)
    low = int(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (place - low) * (ordered[high] - ordered[low])


def _word_form(vocabulary: Sequence[str]) -> dict[str, float]:
    lengths = [len(word) for word in vocabulary] or [4]
    return {
        "letters_mean": sum(lengths) / len(lengths),
        "letters_longest": max(lengths),
        "seven_letters_share": sum(length >= 7 for length in lengths) / len(lengths),
        "ing_words": sum(word.endswith("ing") for word in vocabulary),
        "ed_words": sum(word.endswith("ed") for word in vocabulary),
        "ly_words": sum(word.endswith("ly") and len(word) > 4 for word in vocabulary),
    }


def _grammar(words: Words) -> dict[str, float]:
    count = Counter(words.all)
    num_words = max(1, len(words.all))

    def number(listed: frozenset[str]) -> int:
        return sum(count[word] for word in listed if word in count)

    subordinators = number(_SUBORDINATORS)
    return {
        "subordinators": subordinators,
        "subordinators_share": subordinators / num_words,
        "coordinators": number(_COORDINATORS),
        "prepositions_share": number(_PREPOSITIONS) / num_words,
        "pronouns_share": number(_PRONOUNS) / num_words,
        "be": number(_BE),
        "have": number(_HAVE),
        "modals": number(_MODALS),
        "there": min(1, count["there"]),
        "the_share": count["the"] / num_words,
        "of": count["of"],
        "by": count["by"],
    }


def _marks(sentence: str) -> dict[str, float]:
    return {
        "commas": len(_COMMA.findall(sentence)),
        "hyphens": sentence.count("-"),
        "other_marks": sum(sentence.count(mark) for mark in _OTHER_MARKS),
        "numbers": len(_DIGITS.findall(sentence)),
        "year": float(_YEAR.search(sentence) is not None),
    }


def _affixes(vocabulary: Sequence[str]) -> dict[str, float]:
    count = dict.fromkeys(_AFFIX_NAMES, 0.0)
    for word in vocabulary:
        if len(word) > 4 and zipf(word) < _AFFIX_ZIPF:
            for name in _affixes_of(word):
                count[name] += 1
    return count


def _affixes_of(word: str) -> list[str]:
    longest = min(_LONGEST_AFFIX, len(word) - _SHORTEST_ROOT)
    found = [f"-{word[-size:]}" for size in range(1, longest + 1) if word[-size:] in _SUFFIXES]
    return found + [f"{word[:size]}-" for size in range(1, longest + 1) if word[:size] in _PREFIXES]


_AFFIX_NAMES = (
    *(f"-{suffix}" for suffix in sorted(_SUFFIXES)),
    *(f"{prefix}-" for prefix in sorted(_PREFIXES)),
)
FEATURES: tuple[str, ...] = tuple(features_of_words("", Words((), ())))
