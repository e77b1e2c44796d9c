"""changed_task_data: the text, table or numbers to be worked on were replaced, not mended.

An input that was long must come back for the most part; a short one may be reworded. What went over to the
instruction is kept. Measured on the published revisions see `measured.json`; smaller changes are flags.
"""

from __future__ import annotations

from collections import Counter

from tunewright.coach.after.config import AfterConfig
from tunewright.coach.after.pieces import (
    numbers,
    quotes,
    share_kept,
    share_of,
    share_spelt,
    trigrams,
    words,
)
from tunewright.coach.after.problem import Problem
from tunewright.coach.revision import Field
from tunewright.records.record import Record

_FEWEST_WORDS = 6  # of an input; shorter ones are topics and titles, which experts exchange
_LONG_WORDS = 24
_KEPT_OF_LONG = 0.6
_LEAST_SPELT = 0.5  # misspelled words come back as others, and yet look alike
_FEWEST_NUMBERS = 3
_FEWEST_QUOTED_WORDS = 6
_KEPT_OF_QUOTE = 0.4
_MOST_QUOTES = 100  # a task with more is a list of quotes, and each would be compared with each


def changed_task_data(original: Record, revised: Record, config: AfterConfig) -> Problem | None:
    """What was replaced, in the input, or in the instruction of a record without one."""
    if original.instruction == revised.instruction and original.input == revised.input:
        return None
    now = f"{revised.instruction}\n{revised.input}"
    if original.input.strip():
        # An input that is gone altogether is for `emptied` to judge.
        if not revised.input.strip() or original.input == revised.input:
            return None
        return _numbers_replaced("input", original.input, now) or _words_replaced(
            original, revised, now, config
        )
    return _numbers_replaced("instruction", original.instruction, now) or _quote_replaced(
        original, revised, now
    )


def _words_replaced(original: Record, revised: Record, now: str, config: AfterConfig) -> Problem | None:
    num_words = len(words(original.input))
    if num_words < _FEWEST_WORDS:
        return None
    kept = share_kept(original.input, now)
    wanted = config.fewest_words_kept
    if num_words >= _LONG_WORDS:
        wanted = max(wanted, min(_KEPT_OF_LONG, 1.5 * wanted))
    if kept >= wanted or share_spelt(original.input, revised.input) >= _LEAST_SPELT:
        return None
    return Problem("changed_task_data", "input", f"{kept:.0%} of the input's {num_words} words are kept")


def _numbers_replaced(field: Field, before: str, now: str) -> Problem | None:
    """Three numbers or more (two in an instruction), most of them gone, and others in their place."""
    was, there = Counter(numbers(before)), Counter(numbers(now))
    gone, new = was - there, there - was
    fewest = _FEWEST_NUMBERS if field == "input" else 2
    if was.total() < fewest or 2 * gone.total() <= was.total() or new.total() < gone.total():
        return None
    return Problem(
        "changed_task_data",
        field,
        f"{gone.total()} of {was.total()} numbers are others: {', '.join(list(gone)[:5])} "
        f"became {', '.join(list(new)[:5])}",
    )


def _quote_replaced(original: Record, revised: Record, now: str) -> Problem | None:
    """The sentence to be worked on stands in quotation marks and is another now."""
    quoted = quotes(original.instruction)[:_MOST_QUOTES]
    if not quoted:
        return None
    all_words = Counter(words(now))
    said = [(quote, Counter(words(quote))) for quote in quoted]
    gone = [
        quote
        for quote, each in said
        if each.total() >= _FEWEST_QUOTED_WORDS and share_of(each, all_words) < _KEPT_OF_QUOTE
    ]
    if not gone:
        return None
    there = [trigrams(text) for text in (*quotes(revised.instruction), revised.input)]
    for quote in gone:
        wanted = trigrams(quote)
        if not any(share_of(wanted, one) >= _LEAST_SPELT for one in there):
            return Problem("changed_task_data", "instruction", f"gone from the task: “{quote[:80]}”")
    return None
