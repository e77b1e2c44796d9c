"""Characters that no one typed: control characters, mojibake, and spaces at the end of a text."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tunewright.rate.detectors.detector import (
    CheckSettings,
    Detector,
    Severity,
    Span,
    asked,
    example,
    texts,
    with_texts,
)
from tunewright.records.record import Record

_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufeff\ufffe\uffff]")
_COLOUR = re.compile("\x1b\\[[0-9;]{0,12}m")  # a terminal's colour codes
_NEW_LINE = re.compile("[\x0b\x0c]")  # these part lines
_SEPARATOR = re.compile("[\x1c-\x1f]+")  # these part fields
# A C1 control character is nearly always a byte of cp1252 that was read as Latin-1: a dash, a quotation mark.
_C1 = {byte: shown for byte in range(0x80, 0xA0) if (shown := bytes([byte]).decode("cp1252", "ignore"))}
_NOTHING = "\x00-\x08\x0e-\x1b\x7f\ufeff\ufffe\uffff"  # these show as nothing
_NOT_INSIDE_A_WORD = re.compile(rf"(?<![\w{_NOTHING}])[{_NOTHING}]+|[{_NOTHING}]++(?!\w)")
# How cp1252 shows the bytes 80 to BF; the five it leaves out show as C1 control characters.
_SHOWN = {bytes([byte]).decode("cp1252", "ignore") or chr(byte): byte for byte in range(0x80, 0xC0)}
_BYTE_OF = _SHOWN | {chr(byte): byte for byte in range(0x80, 0x100)}
_LATER = "".join(map(re.escape, sorted({*_SHOWN, *map(chr, range(0x80, 0xC0))})))
# Quotation marks follow capitals in sound texts (“IRMÃ”), so they do not count after a lead of two bytes.
_LATER_OF_TWO = "".join(sorted(set(_SHOWN) - set("‘’“”‚„«»‹›–—…•") | set(map(chr, range(0x80, 0xA0)))))
_BROKEN = re.compile(
    f"(?:(?<![A-ZÀ-Þ])[ÂÃ][{re.escape(_LATER_OF_TWO)}]|[âï][{_LATER}]{{2}}|ð[Ÿ\x9f][{_LATER}]{{2}})+"
)
_LEADS = re.compile("[ÂÃâïð]")
_ABOUT_ENCODING = re.compile(r"\b(?:encod\w*|mojibake|utf-?8|unicode|latin-?1)\b", re.IGNORECASE)


def _control(record: Record, settings: CheckSettings) -> Iterator[Span]:
    for field, text in texts(record):
        found = _CONTROL.search(text)
        if found:
            code = f"U+{ord(found.group()):04X}"
            yield Span(field, found.start(), found.end(), f"the control character {code}")


def without_controls(text: str) -> str:
    """The text without the control characters of which is sure what to do; no two words are joined.

    Those that part lines or fields become a line break or a space, those that cp1252 shows as a character
    become that one. What is left, and is found again: the five that no code page shows, others between two
    letters or digits (something may have stood there), and all in a text with mojibake, where they are bytes
    of the characters that were meant.
    """
    if not _CONTROL.search(text) or without_mojibake(text) != text:
        return text
    text = _NEW_LINE.sub("\n", _COLOUR.sub("", text)).translate(_C1)
    return _NOT_INSIDE_A_WORD.sub("", _SEPARATOR.sub(" ", text))


def _mojibake(record: Record, settings: CheckSettings) -> Iterator[Span]:
    for field, text in texts(record):
        if text.isascii() or not (_LEADS.search(text) or "\ufffd" in text):
            continue
        found = next((run for run in _BROKEN.finditer(text) if _mended(run) != run.group()), None)
        if found and not _ABOUT_ENCODING.search(asked(record)):
            yield Span(
                field, found.start(), found.end(), f"UTF-8 read as cp1252: meant is “{_mended(found)}”"
            )
        elif "\ufffd" in text:
            at = text.index("\ufffd")
            yield Span(field, at, at + 1, "U+FFFD stands for a character that was lost")


def without_mojibake(text: str) -> str:
    """The text with UTF-8 that was read as cp1252 or Latin-1 read rightly, where that is sure."""
    return text if text.isascii() else _BROKEN.sub(_mended, text)


def _mended(run: re.Match[str]) -> str:
    """What the characters were as UTF-8; the run itself when its bytes are no UTF-8."""
    try:
        mended = bytes(map(_BYTE_OF.__getitem__, run.group())).decode("utf-8")
    except UnicodeDecodeError:
        return run.group()
    assert len(mended) < len(run.group()), "several bytes make one character"
    return mended


def _fix_mojibake(record: Record) -> Record:
    return record if _ABOUT_ENCODING.search(asked(record)) else with_texts(record, without_mojibake)


def _trailing(record: Record, settings: CheckSettings) -> Iterator[Span]:
    for field, text in texts(record):
        if text[-1].isspace():
            end = len(text.rstrip())
            yield Span(field, end, len(text), f"{len(text) - end} space or line-break characters at the end")


CONTROL_CHARACTERS = Detector(
    name="control-characters",
    severity=Severity.ERROR,
    meaning="A text holds control characters (other than tab and line breaks) or a byte-order mark.",
    example=example("Name a river.", "The Loire\x07."),
    counter_example=example("Name two rivers.", "Loire\tRhône\r\n👩\u200d🌾"),
    spots=_control,
    fix=lambda record: with_texts(record, without_controls),
)
MOJIBAKE = Detector(
    name="mojibake",
    severity=Severity.ERROR,
    meaning="Characters were decoded wrongly (“donâ€™t” for “don’t”), or lost (U+FFFD).",
    example=example("Where do they meet?", "At the cafÃ© near the station."),
    counter_example=example("Como se escreve?", "“IRMÔ, “CAFÉ” e «MAÇû, â la fin."),
    spots=_mojibake,
    fix=_fix_mojibake,
)
TRAILING_WHITESPACE = Detector(
    name="trailing-whitespace",
    severity=Severity.NOTE,
    meaning="A text ends in spaces or line breaks.",
    example=example("Name a river.", "The Loire. \n"),
    counter_example=example("Name two rivers.", "Loire  \nRhône"),
    spots=_trailing,
    fix=lambda record: with_texts(record, str.rstrip),
)
