"""Metadata as tags "skill:reading", for the formats that have tags only: short, on one line, no brackets."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from tunewright.bank.check import META_NAME

MAX_TAG_CHARS = 50  # what Moodle keeps of a tag
_UNSAFE = re.compile(r"[\[\]<>\\,\"&\n\t]|  |^ | $")


def tagged(meta: Mapping[str, str]) -> dict[str, str]:
    """The part of the metadata that tags can hold."""
    return {
        name: value
        for name, value in meta.items()
        if len(f"{name}:{value}") <= MAX_TAG_CHARS and not _UNSAFE.search(value) and value == value.strip()
    }


def tags_of(meta: Mapping[str, str]) -> list[str]:
    """One tag for each entry that a tag can hold."""
    return [f"{name}:{value}" for name, value in tagged(meta).items()]


def meta_of(tags: Iterable[str]) -> dict[str, str]:
    """The entries of tags "name:value"; tags of other people's making come together under `tags`."""
    meta: dict[str, str] = {}
    others = []
    for tag in tags:
        name, colon, value = tag.partition(":")
        if colon and value and META_NAME.fullmatch(name):
            meta[name] = value
        elif tag.strip():
            others.append(tag.strip())
    return meta | ({"tags": ", ".join(others)} if others else {})
