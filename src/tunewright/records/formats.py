"""The names of formats: a layout, a container, or both with a dot between ("messages.jsonl")."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tunewright.errors import DataError
from tunewright.records.alpaca import ALPACA, SELF_INSTRUCT
from tunewright.records.conversations import MESSAGES, SHAREGPT
from tunewright.records.native import NAME, is_native
from tunewright.records.prompt_completion import PROMPT_COMPLETION

# In the order of preference where a row's columns fit several.
LAYOUTS = (MESSAGES, SHAREGPT, SELF_INSTRUCT, ALPACA, PROMPT_COMPLETION)
BY_NAME = {layout.name: layout for layout in LAYOUTS}
LAYOUT_NAMES = (*BY_NAME, NAME)

CONTAINER_OF_SUFFIX = {
    ".json": "json",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".csv": "csv",
    ".parquet": "parquet",
    ".arrow": "arrow",
}
CONTAINERS = tuple(dict.fromkeys(CONTAINER_OF_SUFFIX.values()))


def layout_name(columns: Sequence[str]) -> str | None:
    """The layout that fits a row with these columns, None when none does."""
    if is_native(columns):
        return NAME
    return next((layout.name for layout in LAYOUTS if layout.fits(columns)), None)


def parse_format(format: str | None) -> tuple[str | None, str | None]:
    """The layout and the container a format names, None for what it leaves open; `DataError` for others."""
    layout = container = None
    for word in (format or "").split(".") if format else ():
        if word in LAYOUT_NAMES and layout is None:
            layout = word
        elif word in CONTAINERS and container is None:
            container = word
        else:
            raise DataError(
                f"unknown format '{format}'; a format is one of {', '.join(LAYOUT_NAMES)}, "
                f"or one of {', '.join(CONTAINERS)}, or both with a dot between"
            )
    return layout, container


def container_of(path: Path) -> tuple[str | None, bool]:
    """The container that a file's name promises (None when it promises none), and whether it ends in .gz."""
    suffixes = [suffix.lower() for suffix in path.suffixes]
    gzipped = suffixes[-1:] == [".gz"]
    if gzipped:
        suffixes.pop()
    return CONTAINER_OF_SUFFIX.get(suffixes[-1] if suffixes else ""), gzipped


def problem(columns: Sequence[str]) -> str:
    """What is wrong with the columns of a file, '' when they fit a layout."""
    return "" if layout_name(columns) else no_layout(columns)


def no_layout(columns: Sequence[str]) -> str:
    """What is said of columns that fit no layout: those found and those accepted."""
    found = ", ".join(f"'{name}'" for name in list(columns)[:12]) or "none"
    more = f" and {len(columns) - 12} more" if len(columns) > 12 else ""
    accepted = "; ".join(layout.accepts for layout in LAYOUTS)
    return f"the columns {found}{more} fit no known format; accepted are: {accepted}. Rename the columns"
