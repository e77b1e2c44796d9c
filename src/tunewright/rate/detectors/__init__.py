"""Detectors of defects, one module per family; `DETECTORS` is all of them.

To add one: write it in a module here, put it into `ALONE`, and add its cases to tests/rate/detectors.
`false_alarms.json` is measured by benchmarks/false_alarms.py.
"""

from __future__ import annotations

from tunewright.rate.detectors.arithmetic import WRONG_ARITHMETIC
from tunewright.rate.detectors.characters import CONTROL_CHARACTERS, MOJIBAKE, TRAILING_WHITESPACE
from tunewright.rate.detectors.code import OPEN_CODE_FENCE
from tunewright.rate.detectors.copying import ANSWER_IN_PROMPT, OUTPUT_EQUALS_PROMPT
from tunewright.rate.detectors.cut import CUT_OUTPUT
from tunewright.rate.detectors.dates import AFTER_CUTOFF
from tunewright.rate.detectors.detector import CheckSettings, Detector, Finding, Severity
from tunewright.rate.detectors.form import NOT_JSON, NOT_ONE_WORD, SENTENCE_COUNT, WORD_COUNT
from tunewright.rate.detectors.language import MIXED_SCRIPT, STRAY_SCRIPT, WRONG_LANGUAGE
from tunewright.rate.detectors.lists import LIST_LENGTH
from tunewright.rate.detectors.merged import MERGED_INSTRUCTIONS, TEMPLATE_TOKENS
from tunewright.rate.detectors.near import NEAR_DUPLICATE
from tunewright.rate.detectors.personal import CARD_NUMBER, EMAIL_ADDRESS, IBAN, IP_ADDRESS, PHONE_NUMBER
from tunewright.rate.detectors.placeholders import EMPTY_OUTPUT, NO_INPUT_PLACEHOLDER, PLACEHOLDER_OUTPUT
from tunewright.rate.detectors.references import MISSING_FILE, MISSING_IMAGE, MISSING_TEXT, MISSING_WEB_PAGE
from tunewright.rate.detectors.refusals import ASSISTANT_SELF, REFUSAL
from tunewright.rate.detectors.repetition import REPEATED_PARAGRAPH, REPEATED_PHRASE, REPEATED_SENTENCE

ALONE: tuple[Detector, ...] = (
    EMPTY_OUTPUT,
    PLACEHOLDER_OUTPUT,
    NO_INPUT_PLACEHOLDER,
    MERGED_INSTRUCTIONS,
    TEMPLATE_TOKENS,
    MISSING_IMAGE,
    MISSING_FILE,
    MISSING_WEB_PAGE,
    MISSING_TEXT,
    CUT_OUTPUT,
    REPEATED_PARAGRAPH,
    REPEATED_SENTENCE,
    REPEATED_PHRASE,
    MOJIBAKE,  # before the next: read wrongly, a byte may show as a control character
    CONTROL_CHARACTERS,
    TRAILING_WHITESPACE,
    WRONG_LANGUAGE,
    STRAY_SCRIPT,
    MIXED_SCRIPT,
    REFUSAL,
    ASSISTANT_SELF,
    AFTER_CUTOFF,
    EMAIL_ADDRESS,
    PHONE_NUMBER,
    IBAN,
    CARD_NUMBER,
    IP_ADDRESS,
    OUTPUT_EQUALS_PROMPT,
    ANSWER_IN_PROMPT,
    OPEN_CODE_FENCE,
    WRONG_ARITHMETIC,
    LIST_LENGTH,
    NOT_JSON,
    NOT_ONE_WORD,
    SENTENCE_COUNT,
    WORD_COUNT,
)
DETECTORS: tuple[Detector, ...] = (*ALONE, NEAR_DUPLICATE)  # the last one looks at the whole set

__all__ = ["ALONE", "DETECTORS", "NEAR_DUPLICATE", "CheckSettings", "Detector", "Finding", "Severity"]
