"""Where one record runs into another: a second task inside the first, and tokens of a chat template."""

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
    texts,
)
from tunewright.records.record import Record

_TASK = re.compile(
    r"^[ \t]*(?:#{1,4}[ \t]*|\d{1,2}[.)][ \t]*)?(?:Instruction|Task)s?(?: \d+)?[ \t]*:", re.M | re.I
)
_REPLY = re.compile(
    r"^[ \t]*(?:#{1,4}[ \t]*|\d{1,2}[.)][ \t]*)?(?:Output|Response|Input)[ \t]*:", re.M | re.I
)
_HEADED = re.compile(r"^[ \t]*#{1,4}[ \t]*(?:Instruction|Response)[ \t]*:", re.M | re.I)
_TOKENS = re.compile(
    r"<\|(?:im_start|im_end|endoftext|eot_id|begin_of_text|start_header_id|end_header_id|user|assistant"
    r"|system|end)\|>|\[/?INST\]|<</?SYS>>|</s>|<(?:start|end)_of_turn>"
)


def _merged(record: Record, settings: CheckSettings) -> Iterator[Span]:
    for field, text in answers(record):
        if ":" not in text:
            continue
        task = _TASK.search(text)
        if task and _REPLY.search(text, task.end()) and not _TASK.search(asked(record)):
            yield Span(field, task.start(), task.end(), "a second task begins inside the answer")
    for field in ("instruction", "input"):
        text = getattr(record, field)
        if "#" in text and (head := _HEADED.search(text)):
            yield Span(field, head.start(), head.end(), "the headings of a prompt template are in the text")


def _template_tokens(record: Record, settings: CheckSettings) -> Iterator[Span]:
    for field, text in texts(record):
        if ("<" in text or "[" in text) and (token := _TOKENS.search(text)):
            if token.group() == "</s>" and "<s>" in text:
                continue  # HTML's strike-through
            yield Span(field, token.start(), token.end(), f"{token.group()} belongs to a chat template")


MERGED_INSTRUCTIONS = Detector(
    name="merged-instructions",
    severity=Severity.ERROR,
    meaning="A second task, with its own marks for instruction and output, stands inside the record.",
    example=example("Name a river.", "The Loire.\n\nInstruction: Name a hill.\nOutput: Box Hill."),
    counter_example=example(
        "Write instructions for tea.", "Instructions:\n1. Boil water.\n2. Pour it over the leaves."
    ),
    spots=_merged,
)
TEMPLATE_TOKENS = Detector(
    name="template-tokens",
    severity=Severity.ERROR,
    meaning="A text holds special tokens of a chat template, "
    "such as `<|im_end|>`, that a tokenizer would obey.",
    example=example("Name a river.", "The Loire.<|im_end|>"),
    counter_example=example("Strike out 'old' in HTML.", "<s>old</s> new"),
    spots=_template_tokens,
)
