"""Prompts about something that the record does not hold: an image, a file, a web page, a text.

A reference counts only when nothing that could be meant is there: no input of some words, no earlier turns,
and no quotation, list or colon in the instruction after the reference.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from tunewright.rate.detectors.detector import CheckSettings, Detector, Severity, Span, example
from tunewright.records.record import Record

# "this picture" alone may be anything; "in this picture", "describe this picture" point at it
_STRICTLY_POINTING = (
    r"(?:(?<=in )this|(?<=from )this|(?<=of )this|(?<=on )this|(?<=for )this|(?<=ribe )this|(?<=ize )this"
    r"|(?:the |an? )?(?:following|given|attached|provided|accompanying|above))"
)
_IMAGE = re.compile(
    rf"\b(?:{_STRICTLY_POINTING} (?:\w+ )?(?:image|picture"
    rf"|photo|photograph|painting|screenshot|drawing|illustration"
    r"|diagram|infographic|video|audio(?: clip| recording)?)s?"
    r"|(?:shown|depicted|seen|pictured) in the (?:image|picture|photo|photograph|figure|diagram|video)"
    r"|(?:image|picture|photo|diagram|chart|graph|figure) (?:shown "
    r"|given |provided )?(?:below|above|attached))\b",
    re.IGNORECASE,
)
_FILE = re.compile(
    rf"\b(?:(?:the|an?|this) attached (?:\w+ )?(?:files?|documents?"
    rf"|spreadsheets?|pdf|csv|resume|dataset|report|essay|letter)"
    rf"|{_STRICTLY_POINTING} (?:\w+ )?(?:file|document|spreadsheet"
    rf"|pdf|csv|excel (?:file|sheet)|dataset|data set)s?"
    r"|(?:see|find|in) (?:the )?attach(?:ed|ment))\b",
    re.IGNORECASE,
)
_PAGE = re.compile(
    rf"\b{_STRICTLY_POINTING} (?:\w+ )?(?:websites?|web ?pages?"
    rf"|web ?sites?|articles?|blog(?: posts?)?|links?|urls?|news story)\b",
    re.IGNORECASE,
)
_TEXT = re.compile(
    r"\b(?:(?:the |these |this )?(?:following|provided)|(?:the|these) given) (?:\w+ ){0,1}"
    r"(?:text|sentence|paragraph|passage|email|poem|code|snippet|list|words?|numbers?|data|table|phrase"
    r"|statement|conversation|dialogue|equation|expression|quote|review|tweet|array|string)s?\b",
    re.IGNORECASE,
)
_LINK = re.compile(r"(?:https?://|www\.)[^\s<>\"']{3,300}", re.IGNORECASE)
_FILE_NAME = re.compile(
    r"[\w./\\-]{1,100}\.(?:jpe?g|png|gif|bmp|svg|webp|mp[34]|wav|pdf|docx?|xlsx?|csv|txt|json|zip)", re.I
)
_STAND_IN = re.compile(
    r"[<\[({]*\s*(?:an? |the |see |attached |insert |link to )*(?:image"
    r"|picture|photo(?:graph)?|video|audio|file|document"
    r"|screenshot|attachment|attached|article|link|url)s?(?: here| attached| file| link)?\s*[>\])}.]*",
    re.IGNORECASE,
)
_ABOUT_MAKING = re.compile(
    r"\b(?:scripts?|functions?|code|program|query|command|html"
    r"|css|python|javascript|sql|bash|regex|class|method|api|app)\b",
    re.IGNORECASE,
)
_READING = re.compile(
    r"\b(?:summari[sz]e|summary|read|extract|according to"
    r"|based on|review|analy[sz]e|translate|visit|paraphrase"
    r"|rewrite|critique|outline)\b",
    re.IGNORECASE,
)
_ABOUT_ADDRESSES = re.compile(
    r"\b(?:urls?|domains?|hyperlinks?|addresses|cite|citation|bibliograph\w*)\b", re.IGNORECASE
)
_ANOTHER_SENTENCE = re.compile(r"[.?!] \S+ \S+ \S")
_MATERIAL = re.compile(r"[:\"“”‘`\n\d]|(?<!\w)'|\S, \S.*, ")
_FEW_WORDS = 3
_LONG_INSTRUCTION_CHARS = 250  # longer ones hold the text they speak of
_IMAGE_LINK = re.compile(r"!\[[^\]\n]{0,100}\]\(|\.(?:jpe?g|png|gif|svg|webp)\b", re.IGNORECASE)
# The words a pattern needs, looked for first: many times faster than the pattern.
_IMAGE_WORDS = (
    "image",
    "picture",
    "photo",
    "painting",
    "screenshot",
    "drawing",
    "illustration",
    "graph",
    "diagram",
    "video",
    "audio",
    "figure",
    "chart",
)
_FILE_WORDS = ("attach", "file", "document", "spreadsheet", "pdf", "csv", "excel", "dataset", "data set")
_PAGE_WORDS = ("http", "www.", "web", "article", "blog", "link", "url", "story")
_TEXT_WORDS = ("following", "given", "below", "provided")


def _speaks_of(record: Record, words: tuple[str, ...]) -> bool:
    instruction = record.instruction.lower()
    return any(word in instruction for word in words)


def _missing(record: Record, pattern: re.Pattern[str], what: str) -> Iterator[Span]:
    if record.history or len(record.instruction) > _LONG_INSTRUCTION_CHARS:
        return
    found = pattern.search(record.instruction)
    if found and not _has_material(record, found.end()) and not _makes_something(record):
        yield Span("instruction", found.start(), found.end(), f"{what} is not in the record")


def _has_material(record: Record, end: int) -> bool:
    """Whether the input, or the instruction after the reference, holds what the reference may mean."""
    if record.input.strip():
        return not _points_away(record.input)
    rest = record.instruction[end:]
    return _MATERIAL.search(rest) is not None


def _points_away(text: str) -> bool:
    """Whether the text is no more than a link, a file's name, or the word "image"."""
    if len(text) > 400:
        return False
    text = text.strip()
    left = _LINK.sub("", text)
    if left != text:
        return len(left.split()) <= _FEW_WORDS
    return _FILE_NAME.fullmatch(text) is not None or _STAND_IN.fullmatch(text) is not None


def _image(record: Record, settings: CheckSettings) -> Iterator[Span]:
    if record.input and _IMAGE_LINK.search(record.input) and _points_away(record.input):
        if not _makes_something(record) and not _ABOUT_ADDRESSES.search(record.instruction):
            yield Span("input", 0, len(record.input), "the image is not in the record")
    elif _speaks_of(record, _IMAGE_WORDS):
        yield from _missing(record, _IMAGE, "the image or recording")


def _file(record: Record, settings: CheckSettings) -> Iterator[Span]:
    if _speaks_of(record, _FILE_WORDS):
        yield from _missing(record, _FILE, "the file")


def _page(record: Record, settings: CheckSettings) -> Iterator[Span]:
    instruction = record.instruction
    if record.history or not (
        "http" in record.input or "www." in record.input or _speaks_of(record, _PAGE_WORDS)
    ):
        return
    if _makes_something(record) or _ABOUT_ADDRESSES.search(instruction):
        return
    link = _LINK.search(instruction)
    if link and not record.input and _READING.search(instruction):
        around = instruction[: link.start()] + instruction[link.end() :]
        if len(around.split()) <= 25:
            yield Span("instruction", link.start(), link.end(), "what the link leads to is not in the record")
    elif record.input and _LINK.search(record.input) and _points_away(record.input):
        if _IMAGE_LINK.search(record.input):
            return  # an image, which has a detector of its own
        yield Span("input", 0, len(record.input), "what the link leads to is not in the record")
    elif not link:
        yield from _missing(record, _PAGE, "the web page or article")


def _text(record: Record, settings: CheckSettings) -> Iterator[Span]:
    if record.input or record.history or not _speaks_of(record, _TEXT_WORDS):
        return
    if len(record.instruction) > _LONG_INSTRUCTION_CHARS:
        return
    found = _TEXT.search(record.instruction)
    if not found or _MATERIAL.search(record.instruction) or "(" in record.instruction:
        return
    if not _ANOTHER_SENTENCE.search(record.instruction, found.end()):
        yield Span("instruction", found.start(), found.end(), "the text it speaks of is not in the record")


def _makes_something(record: Record) -> bool:
    """Whether a program is asked for, which may well speak of files and pages that it will get."""
    return _ABOUT_MAKING.search(record.instruction) is not None or "```" in record.output


MISSING_IMAGE = Detector(
    name="missing-image",
    severity=Severity.ERROR,
    meaning="The prompt speaks of an image, a video or a recording that the record does not hold.",
    example=example("Describe the animal in the following picture.", "It is a red fox."),
    counter_example=example(
        "Write a caption for the following photo.", "Home at last.", input="A dog at an open door."
    ),
    spots=_image,
)
MISSING_FILE = Detector(
    name="missing-file",
    severity=Severity.ERROR,
    meaning="The prompt speaks of an attached or given file that the record does not hold.",
    example=example("Summarise the attached document.", "It is about bees."),
    counter_example=example(
        "Write a Python script that counts the lines of the given file.", "print(sum(1 for _ in open(0)))"
    ),
    spots=_file,
)
MISSING_WEB_PAGE = Detector(
    name="missing-web-page",
    severity=Severity.ERROR,
    meaning="The prompt asks about a web page or article and holds at most its address.",
    example=example("Summarise this article.", "Bees sleep too.", input="https://www.example.org/bees"),
    counter_example=example(
        "Which domain does this address belong to?", "example.org", input="https://www.example.org/bees"
    ),
    spots=_page,
)
MISSING_TEXT = Detector(
    name="missing-text",
    severity=Severity.WARNING,
    meaning="The instruction speaks of “the following text” (sentence, list, code, …) and none follows.",
    example=example("Correct the grammar of the following sentence.", "She goes to school."),
    counter_example=example("Correct the following sentence: she go to school.", "She goes to school."),
    spots=_text,
)
