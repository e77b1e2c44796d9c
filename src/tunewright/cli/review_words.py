"""What the commands of the review page say, and what they read from their options."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from tunewright.review.exchange import Exported

LEFT_OUT = 3  # the exit code of "done, but not with everything"; `generate` has the same
MOST_LINES = 10

_WHY = {
    "open": "open",
    "flagged": "flagged",
    "sent_back": "sent back",
    "saved_again": "saved again and waiting for an owner",
    "empty": "without instruction or output",
}
_HOW = {
    "only": "by the only person",
    "agreement": "by agreement",
    "latest": "by the latest save",
    "chosen": "chosen by an owner",
}


def counted(number: int, noun: str) -> str:
    """ "1 item", "2 items"."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def export_words(done: Exported) -> Iterator[str]:
    """Two or three lines: what is in the file, how it was decided, where the file is.

    The counts of the first add up to all items of the queue, those of the second to its decided and rejected
    ones."""
    if done.format == "ratings":
        yield f"{counted(done.num_written, 'rating')} written"
    else:
        yield _items(done)
        said = [f"{done.by_how[how]:,} {words}" for how, words in _HOW.items() if done.by_how.get(how)]
        if said:
            yield f"how it was decided: {', '.join(said)}"
    yield f"{done.format}: {done.path}"


def _items(done: Exported) -> str:
    states = [f"{done.num_decided:,} decided"]
    if done.num_rejected:
        states.append(f"{done.num_rejected:,} rejected")
    words_of = dict(_WHY)
    if done.format == "records" and done.num_written + len(done.unwritable) > done.num_decided:
        words_of["open"] = "open and written as they were"
    states += [f"{done.by_how[why]:,} {words}" for why, words in words_of.items() if done.by_how.get(why)]
    items = counted(done.num_items, "item")
    written = f"{done.num_written:,} of {items}"
    if done.format == "csv":  # an item has a row for each person
        written = f"{counted(done.num_written, 'row')} of {items}"
    return f"{written} written; of all items {', '.join(states)}"


def tell_left_out(why: Sequence[str], what: str) -> None:
    """Name what was left out, and end with exit code 3 if anything was."""
    from tunewright.cli.show import error

    for one in why[:MOST_LINES]:
        error(one)
    if why:
        error(f"{counted(len(why), what)} left out, the rest is done")
        raise typer.Exit(LEFT_OUT)


def listed(text: str) -> list[str]:
    """ "a, b" as ["a", "b"]."""
    return [part.strip() for part in text.split(",") if part.strip()]


def pairs(text: str, how: str) -> dict[str, str]:
    """ "3=ann,4=bob" as {"3": "ann", "4": "bob"}."""
    from tunewright.errors import RecipeError

    found = {left.strip(): right.strip() for left, _, right in (one.partition("=") for one in listed(text))}
    if not all(left and right for left, right in found.items()):
        raise RecipeError(f"--people {text}: write {how}")
    return found
