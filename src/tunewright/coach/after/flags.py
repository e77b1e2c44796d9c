"""What a person should look at in a revision that is taken: facts that changed in the input, or the answer.

A flag is no fault. Experts changed numbers in the input of 8 of the 2,301 published revisions, some of them
rightly; the reader of a data set should know of all of them.
"""

from __future__ import annotations

from dataclasses import dataclass

from tunewright.coach.after.answers import changed_answer
from tunewright.coach.after.emptied import says_no_input
from tunewright.coach.after.pieces import code, missing, names, numbers, quotes
from tunewright.coach.revision import Field
from tunewright.records.record import Record

FLAG_KINDS = ("input_number", "input_name", "input_code", "input_quote", "final_answer")
_LONGEST_SHOWN = 200  # characters
_MOST_BLOCKS = 1_000  # of code that are looked up, each in the whole text


@dataclass(frozen=True, slots=True)
class Flag:
    """A change of a fact: one of `FLAG_KINDS`, with what stood there before and after."""

    kind: str
    field: Field
    detail: str
    before: str
    after: str


def flags(original: Record, revised: Record) -> tuple[Flag, ...]:
    """The changes a person should see, those of the input first; empty for an unchanged pair."""
    found = []
    if original.input != revised.input and original.input.strip() and not _is_moot(original, revised):
        found = [flag for flag in _of_input(original, revised) if flag is not None]
    if original.output != revised.output and (changed := changed_answer(original, revised)):
        found.append(Flag("final_answer", "output", f"the answer was {changed[0]}", *changed))
    return tuple(found)


def _is_moot(original: Record, revised: Record) -> bool:
    """Whether "no input" was taken out."""
    return not revised.input.strip() and says_no_input(original)


def _of_input(original: Record, revised: Record) -> list[Flag | None]:
    """One place for each kind of fact in the input; None where none changed.

    An input that is gone is compared with the instruction, where it should stand now.
    """
    before = original.input
    after = revised.input if revised.input.strip() else revised.instruction
    is_moved = not revised.input.strip()
    told = f"{original.instruction}\n{before}"
    return [
        _number(before, after, is_moved=is_moved),
        _pieces("input_name", names(before), names(after), before=told, after=_prompt(revised)),
        _code(before, after),
        _pieces("input_quote", quotes(before), quotes(after), before=told, after=_prompt(revised)),
    ]


def _prompt(record: Record) -> str:
    return f"{record.instruction}\n{record.input}"


def _number(before: str, after: str, *, is_moved: bool) -> Flag | None:
    """Numbers count in their order: 6/3 is not 3/6. In an instruction they only have to be there."""
    ours, theirs = numbers(before), numbers(after)
    if ours == theirs or (is_moved and set(ours) <= set(theirs)):
        return None
    had, has = set(ours), set(theirs)
    gone = [number for number in ours if number not in has]
    new = [number for number in theirs if number not in had]
    if gone or new:
        detail = "; ".join(
            f"{word}: {', '.join(some[:5])}" for word, some in (("gone", gone), ("new", new)) if some
        )
    else:
        detail = "the same numbers in another order or as often no more"
    return Flag("input_number", "input", detail, _shown(ours), _shown(theirs))


def _pieces(kind: str, ours: list[str], theirs: list[str], *, before: str, after: str) -> Flag | None:
    """Pieces of the one side whose words the other has not; capitals and marks make no difference."""
    gone = missing(ours, after) if ours else []
    new = missing(theirs, before) if theirs else []
    if not gone and not new:
        return None
    return Flag(kind, "input", f"{len(gone)} gone, {len(new)} new", _shown(gone), _shown(new))


def _code(before: str, after: str) -> Flag | None:
    """Code whose signs changed; spaces, blank lines and line ends make no difference."""
    ours = code(before)[:_MOST_BLOCKS]
    if not ours:
        return None
    same, squeezed = frozenset(code(after)), "".join(after.split())
    gone = [block for block in ours if block not in same and "".join(block.split()) not in squeezed]
    if not gone:
        return None
    return Flag("input_code", "input", f"{len(gone)} changed", _shown(gone), after[:_LONGEST_SHOWN])


def _shown(pieces: list[str]) -> str:
    text = ", ".join(pieces[:40])
    return text if len(text) <= _LONGEST_SHOWN else text[: _LONGEST_SHOWN - 1] + "…"
