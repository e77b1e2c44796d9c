"""Signs in a record that loss on its prompt may be unwise: modest word lists and patterns, in English.

What the detectors of `rate` find already (refusals, addresses and numbers of people) is not looked for again.
How often these fire on data that experts wrote is measured by benchmarks/advise.py and stands in
docs/how-to/choose-an-objective.md. A sign says "look", never "this is so".
"""

from __future__ import annotations

import re

from tunewright.rate.detectors.detector import asked
from tunewright.records.record import Record

LONG_PROMPT_WORDS = 150  # our choice: a page's paragraph or more; people rarely type as much
LONGEST_REQUEST_CHARS = 600  # our choice: about a hundred words

# Keys and tokens by the fixed beginnings that their issuers give them.
_SECRET = re.compile(
    r"-----BEGIN (?:[A-Z]+ )?PRIVATE KEY-----"
    r"|(?<![A-Za-z0-9])(?:AKIA[0-9A-Z]{16}|gh[pousr]_[A-Za-z0-9]{36}|github_pat_\w{22,}|xox[abprs]-[\w-]{10,}"
    r"|sk-(?:proj-|ant-)?[A-Za-z0-9_-]{32,}|AIza[\w-]{35}|glpat-[\w-]{20}|hf_[A-Za-z0-9]{30,})(?![A-Za-z0-9])"
)
_SECRET_STARTS = ("PRIVATE KEY-", "AKIA", "gh", "xox", "sk-", "AIza", "glpat-", "hf_")

_PERSON = (
    r"(?:someone|somebody|a person|people|my (?:wife|husband|boss|neighbou?r|ex|partner)|her|him|them|kids?"
    r"|children)"
)
_HARMFUL = re.compile(
    r"\b(?:(?:make|build|construct|assemble|synthesi[sz]e|cook|create) (?:an? |some )?(?:\w+ )?"
    r"(?:bombs?|explosives?|pipe bomb|molotov|meth(?:amphetamine)?|nerve agent|bioweapon|malware|ransomware"
    r"|computer virus|keylogger|ricin|sarin)"
    rf"|(?:kill|murder|poison|rape|kidnap|stalk|torture|blackmail|dox+) (?:myself|yourself|{_PERSON})"
    r"|commit (?:suicide|murder|(?:tax |credit card |insurance )?fraud|arson)"
    r"|(?:hack|break) into (?:an?|the|my|his|her|their|someone)"
    r"|(?:steal|launder|counterfeit) (?:an? |the |some )?(?:\w+ )?"
    r"(?:car|money|identity|identities|passwords?|credit cards?|cash)"
    r"|phishing (?:e-?mail|page|site)s?|self-harm|hurt myself|end my life|get away with (?:murder|a crime|it)"
    r"|(?:racist|sexist|antisemitic|homophobic) (?:jokes?|slurs?|speech)"
    r"|(?:buy|sell|smuggle) (?:illegal |hard )?(?:drugs|cocaine|heroin|fentanyl)|child porn\w*)\b",
    re.IGNORECASE,
)

_TOOL = re.compile(
    r"</?(?:tool_call|tool_response|function_call|tools?|search_results?|retrieved|documents?|context|passage)\b[^>]*>"
    r"|^(?:Observation|Action Input|Tool (?:output|result)|Function result|Search results?)\s*:",
    re.IGNORECASE | re.MULTILINE,
)
_RETRIEVED = re.compile(
    r"^\W{0,3}(?:Context|Passages?|Articles?|Documents?|Paragraph|Excerpt|Retrieved|Snippet|Source text"
    r"|Reference text|Background)\s*(?:#?\d{1,3}|\[\d{1,3}\])?\s*:",
    re.IGNORECASE | re.MULTILINE,
)
_HTML = re.compile(r"</?(?:div|span|p|a|td|tr|table|li|ul|br|h[1-6]|script|body)\b[^>]*>", re.IGNORECASE)
_CITATION = re.compile(r"(?<=[\w.,;\"”)]) ?\[[1-9]\d{0,2}\](?=[\s.,;)]|\Z)")

_CODE_ASKED = re.compile(
    r"\b(?:python|javascript|typescript|java|c\+\+|c#|rust|golang|sql|html|css|bash|regex|regular expression"
    r"|source code|pseudo-?code|unit tests?|(?:lambda|recursive) function|code snippet|algorithm)(?!\w)",
    re.IGNORECASE,
)
_CODE = re.compile(
    r"```|^\s*(?:def \w+\(|class \w+[(:{]|import \w+|from \w+ import |#include\b|public (?:static|class)"
    r"|function \w*\(|(?:const|let|var) \w+ =|SELECT .+ FROM |<!DOCTYPE|<html)",
    re.MULTILINE,
)
_MATHS_ASKED = re.compile(
    r"\b(?:calculate|compute|solve (?:for|the (?:equation|system|following))|simplify|differentiate|integrate"
    r"|factori[sz]e|equations?|derivative|integral|polynomial|perimeter|square root"
    r"|how (?:many|much|far|long)|percentage of"
    r"|what is the (?:sum|product|total|area|volume|probability|remainder|average))\b",
    re.IGNORECASE,
)
_SUM = re.compile(r"\d\s*[-+*/×÷−^=]\s*-?[$€£]?\(?\d|\\(?:frac|boxed|sqrt)\b|####\s*-?\d|<<[^>]*=")
_ENGLISH = {
    "the",
    "of",
    "and",
    "to",
    "a",
    "in",
    "is",
    "for",
    "that",
    "with",
    "what",
    "how",
    "are",
    "on",
    "as",
}
_ENGLISH |= {"be", "this", "write", "name", "give", "you", "i", "it"}


def holds_secret(text: str) -> bool:
    """A private key, or a token whose beginning only keys have."""
    return any(start in text for start in _SECRET_STARTS) and _SECRET.search(text) is not None


def asks_for_harm(record: Record) -> bool:
    """A word list over what was asked, up to `LONGEST_REQUEST_CHARS`; the input is left out.

    A longer text, or an input, tells of harm far more often than it asks for it: news, stories.
    """
    told = [turn.text for turn in record.history if turn.speaker == "user"]
    return any(
        len(text) <= LONGEST_REQUEST_CHARS and _HARMFUL.search(text) for text in (*told, record.instruction)
    )


def retrieved_text(record: Record) -> str | None:
    """What shows that a prompt carries text that nobody typed; None where nothing does.

    "tool output", "markup" (HTML), "JSON", "citation marks", "passage label" ("Context: …") or "long passage"
    (`LONG_PROMPT_WORDS` or more in instruction and input).
    """
    prompt = "\n".join(filter(None, (record.system, record.instruction, record.input)))
    if _TOOL.search(prompt):
        return "tool output"
    if "<" in prompt and len(_HTML.findall(prompt)) >= 4:
        return "markup"
    if _is_json(record.input) or _is_json(record.instruction):
        return "JSON"
    if "[" in prompt and len(_CITATION.findall(prompt)) >= 2:
        return "citation marks"
    if ":" in prompt and _RETRIEVED.search(prompt):
        return "passage label"
    num_words = len(record.instruction.split()) + len(record.input.split())
    return "long passage" if num_words >= LONG_PROMPT_WORDS else None


def skill(record: Record) -> str | None:
    """ "code" or "mathematics" where asked for and there in the output; else None."""
    question = asked(record)
    if _CODE.search(record.output) and ("```" in record.output or _CODE_ASKED.search(question)):
        return "code"
    if any(map(str.isdigit, question)) and _MATHS_ASKED.search(question) and _SUM.search(record.output):
        return "mathematics"
    return None


def looks_english(text: str) -> bool:
    """Whether one of its first fifty words is among the commonest of English."""
    return not _ENGLISH.isdisjoint(text[:400].lower().split()[:50])


def _is_json(text: str) -> bool:
    stripped = text.strip()
    return (
        len(stripped) >= 40
        and stripped[0] in "{["
        and stripped[-1] in "}]"
        and stripped.count('":') + stripped.count("' :") + stripped.count('" :') >= 2
    )
