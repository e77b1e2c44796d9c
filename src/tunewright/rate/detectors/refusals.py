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

_REFUSAL = re.compile(
    r"\s*(?:(?:unfortunately|(?:i(?:['’]m| am) )?(?:very |so )?sorry|i apologi[sz]e|my apologies"
    r"|as an? [^,.]{3,40})[,.]?\s*(?:but )?(?:for [^,.]{1,40}, ?)?(?:but )?)?"
    r"i(?: (?:cannot|can ?not|am (?:unable|not able) to"
    r"|do not have the ability to|will not|am not programmed to)"
    r"|(?:['’]m (?:unable|not able) to| can['’]t| won['’]t"
    r"| don['’]t have the ability to))(?: directly| really| be able to)?"
    r" (?:assist|help|fulfil|comply|provide|answer|complete"
    r"|generate|create|access|browse|open|view|see|process"
    r"|discuss|engage|do that|perform|respond|share|determine|offer|support|translate|summari[sz]e|write)\b",
    re.IGNORECASE,
)
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
        found = _REFUSAL.match(text[:300])
        if found and not _SPEAKS_FOR_ANOTHER.search(asked(record)):
            yield Span(
                field, found.start(), found.end(), "the answer refuses; see whether the prompt deserves it"
            )


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
    meaning="The answer begins by refusing (“I cannot provide "
    "…”); right for a harmful prompt, a loss for others.",
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
