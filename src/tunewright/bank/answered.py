"""Which options a record's output answers with, so that a key which says something else is seen."""

from __future__ import annotations

import re
from collections.abc import Sequence

from tunewright.bank.question import Option
from tunewright.generate.validity import normalised

_LEAD = re.compile(r"^\W*(?:the )?(?:(?:correct|right) )?answers?(?: is| are|:)\s*", re.IGNORECASE)
_BETWEEN = re.compile(r"\s*(?:[,;&]|\band\b)\s*")


def contradiction(output: str, options: Sequence[Option]) -> str:
    """'the output answers B, the key is A', or '' when they agree or the output names no option.

    An option is named by its letter, by its text, or by both; the letter of one with the text of another
    names the text's. Several are named on lines of their own, or as letters in a row ("A, C").
    """
    right = [option for option in options if option.correct]
    if not right or (len(right) == 1 and output.strip() == right[0].text.strip()):
        return ""  # the text goes first: where the options are articles, "A" is no letter
    answered = _answered(output, options, several=len(right) > 1)
    if not answered or answered == {option.id for option in right}:
        return ""
    named = " and ".join(option.id for option in options if option.id in answered)
    key = " and ".join(option.id for option in right)
    return f"the output answers {named}, the key is {key}"


def _answered(output: str, options: Sequence[Option], *, several: bool) -> set[str]:
    """The ids of the options that the output names; empty when that cannot be told."""
    output = _LEAD.sub("", output.strip())
    if whole := _option_of(output, options):
        return {whole}
    lines = [line for line in output.split("\n") if line.strip()]
    by_line = [_option_of(line, options) for line in lines]
    if lines and all(by_line):
        return set(by_line)
    by_letter = _BETWEEN.split(output)
    if set(by_letter) <= {option.id for option in options}:
        return set(by_letter)
    # the answer on the first line, and words about it below
    return {by_line[0]} if len(lines) > 1 and by_line[0] and not several else set()


def _option_of(text: str, options: Sequence[Option]) -> str:
    """The id of the one option that this text names, else ''."""
    alone = [option.id for option in options if normalised(option.text) == normalised(text)]
    if len(alone) == 1:
        return alone[0]
    letters = "|".join(re.escape(option.id) for option in options)
    match = re.fullmatch(rf"\(?({letters})(?:[).:]\s*(.*)|)", text.strip(), re.DOTALL | re.IGNORECASE)
    if not match:
        return ""
    letter = next(option.id for option in options if option.id.casefold() == match[1].casefold())
    said = normalised(match[2] or "")
    if not said:
        return letter
    same = [option.id for option in options if normalised(option.text) == said]
    if letter in same or not same:
        return letter if same or "\n" not in match[2] else ""
    return same[0] if len(same) == 1 else ""
