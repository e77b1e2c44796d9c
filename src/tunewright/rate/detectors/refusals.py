"""Answers that refuse, and answers that speak of themselves as a machine."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tunewright.rate.detectors.detector import (
    CheckSettings,
    Detector,
    Severity,
    Span,
    answers,
    asked,
    example,
)
from tunewright.records.record import Record

_SORRY = (
    r"(?:(?:unfortunately|(?:i(?:['’]m| am) )?(?:(?:really|very|so|truly|terribly) )?sorry|i apologi[sz]e"
    r"|(?:my )?apologies|as an? [^,.]{2,40})[,.!]?\s*(?:but )?(?:for [^,.]{1,40}, ?)?(?:but )?)?"
    r"(?:i(?:['’]m| am) afraid(?:,| that)? )?"
)
_CANNOT = (
    r"i(?: (?:cannot|can ?not|am (?:unable|not able) to"
    r"|do not have the ability to|will not|am not programmed to)"
    r"|(?:['’]m (?:unable|not able) to| can['’]t| won['’]t"
    r"| don['’]t have the ability to))(?: directly| really| be able to)?"
)
_REFUSAL = re.compile(
    rf"\s*{_SORRY}(?:i (?:must|have to|need to) (?:respectfully )?(?:decline|refuse)\b|{_CANNOT}"
    r" (?:assist|help|fulfill?|comply|provide|answer|complete"
    r"|generate|create|access|browse|open|view|see|process"
    r"|discuss|engage|do (?:that|this|it)|perform|respond|share"
    r"|determine|offer|support|translate|summari[sz]e|write)\b)",
    re.IGNORECASE,
)
# Says nothing of the task, so no poem or letter is likely to be these words.
_PLAIN_REFUSAL = re.compile(
    rf"\s*{_SORRY}(?:i (?:must|have to) (?:respectfully )?(?:decline|refuse)|{_CANNOT}"
    r" (?:(?:assist|help)(?: you)?(?: with)?|fulfill?|comply(?: with)?|complete|answer|do|respond to"
    r"|engage (?:in|with)|provide(?: (?:an answer|help|assistance))?(?: (?:to|with|for))?))"
    r"(?: (?:that|this|it|your|such(?: an?)?)"
    r"(?: (?:request|question|task|topic|content|information|kind of \w+|type of \w+))?)?\s*(?:[.!]|\Z)",
    re.IGNORECASE,
)
_AS_A_MACHINE = re.compile(
    rf"\s*(?:i(?:['’]m| am) sorry,? but )?as an? (?:ai|artificial intelligence|(?:large )?language model)\b"
    rf"[^,.]{{0,30}}, {_CANNOT} ",
    re.IGNORECASE,
)
_LONGEST_PLAIN_REFUSAL = 200  # characters: the refusal, and perhaps a sentence that offers something else
# What excuses even a plain refusal: it is asked for, or the prompt has one to work on.
_ASKS_FOR_REFUSAL = re.compile(
    r"\b(?:declin\w+|refus\w+|reject\w*|turn\w* (?:\w+ )?down|say(?:s|ing)? no|apolog\w+|complain\w*"
    r"|polite\w*|excuses?|sorry|unable|can ?not|not able|role-?play|pretend|act as|dialogue|conversation"
    r"|(?:reply|replies|respond|response|answer) to|(?:in)?to english|negative"
    r"|(?:sentence|phrase)s? (?:using|with|that|containing))\b"
    r"|n['’]t\b",
    re.IGNORECASE,
)
_REWORDS = re.compile(
    r"\b(?:re-?write|re-?word|rephrase|paraphrase|translate|change|convert|transform|tense|voice)\b", re.I
)
_NOT = re.compile(r"\b(?:not|no|never)\b", re.IGNORECASE)
# What excuses a longer text that only begins like one.
_SPEAKS_FOR_ANOTHER = re.compile(
    r"\b(?:letter|e-?mail|reply|respond|response|declin\w+|refus\w+"
    r"|apolog\w+|role-?play|dialogue|conversation|story|poem"
    r"|message|pretend|imagine|act as|rephrase|rewrite|paraphrase|translate|sentence|speech)\b",
    re.IGNORECASE,
)
_SELF = re.compile(
    r"\bas an? (?:ai|artificial intelligence|(?:large )?language model"
    r"|chatbot|virtual assistant)\b(?=,|\.| language| model| assistant| i\b)"
    r"|\bi(?:['’]m| am) (?:just |only |merely )?an? (?:ai|artificial intelligence"
    r"|(?:large )?language model|chatbot|virtual assistant|computer program)\b"
    r"|\bi(?:['’]m| am) (?:chatgpt|gpt-?\d|claude|bard|gemini|siri|alexa)\b"
    r"|\bmy (?:training data|knowledge cut-?off|programming)\b"
    r"|\bi (?:was|am|have been) (?:trained|developed|created) by (?:openai|anthropic|google|meta)\b",
    re.IGNORECASE,
)
# One of these is in every match, and to look for them is many times faster.
_SELF_WORDS = (
    " ai",
    "artificial",
    "language model",
    "chat",
    "assistant",
    "program",
    "i am ",
    "i'm ",
    "i’m ",
    "my training",
    "my knowledge",
    " by ",
)
_ABOUT_MACHINES = re.compile(
    r"\b(?:ai|a\.i\.|artificial intelligence|language models?|chat ?bots?|chatgpt"
    r"|gpt|assistants?|robots?|machines?|are you|do you|can you feel|your)\b",
    re.IGNORECASE,
)


def _refusal(record: Record, settings: CheckSettings) -> Iterator[Span]:
    for field, text in answers(record):
        plain = _plain_refusal(text)
        found = plain or _REFUSAL.match(text[:300])
        if found and not _is_excused(asked(record), is_plain=plain is not None):
            yield Span(
                field, found.start(), found.end(), "the answer refuses; see whether the prompt deserves it"
            )


def _plain_refusal(text: str) -> re.Match[str] | None:
    """The refusal that is the whole answer, or nearly; None when more is said."""
    if len(text) > _LONGEST_PLAIN_REFUSAL:
        return None
    return _PLAIN_REFUSAL.match(text) or _AS_A_MACHINE.match(text)


def _is_excused(told: str, *, is_plain: bool) -> bool:
    if not is_plain:
        return _SPEAKS_FOR_ANOTHER.search(told) is not None
    if _ASKS_FOR_REFUSAL.search(told):
        return True
    return bool(_REWORDS.search(told) and _NOT.search(told))


def _self(record: Record, settings: CheckSettings) -> Iterator[Span]:
    for field, text in answers(record):
        lowered = text.lower()
        if not any(words in lowered for words in _SELF_WORDS):
            continue
        found = _SELF.search(text)
        if found and not _ABOUT_MACHINES.search(asked(record)):
            yield Span(field, found.start(), found.end(), "the answer speaks of itself as a machine")


REFUSAL = Detector(
    name="refusal",
    severity=Severity.WARNING,
    meaning="The answer begins by refusing, in English (“I cannot "
    "provide …”); right for a harmful prompt, a loss for others.",
    example=example("What is the tallest tree?", "I'm sorry, but I cannot provide that information."),
    counter_example=example(
        "Write a reply that turns the offer down.",
        "I'm sorry, but I cannot provide what you need this month.",
    ),
    spots=_refusal,
)
ASSISTANT_SELF = Detector(
    name="assistant-self",
    severity=Severity.WARNING,
    meaning="The answer names itself a machine (“As an AI language model, …”) though nobody asked.",
    example=example(
        "What is the best cheese?", "As an AI language model, I do not eat, but many like Comté."
    ),
    counter_example=example("What do shops use?", "Many shops use an AI language model to answer customers."),
    spots=_self,
)
