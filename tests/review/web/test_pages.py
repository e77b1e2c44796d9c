"""Filling templates: what is shown of times and numbers, and that no text can become markup."""

from __future__ import annotations

import re
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from support.review_page import client_of, person
from tunewright.review.model import Role
from tunewright.review.store.database import Database
from tunewright.review.store.queues import NewItem, add_revise_queue
from tunewright.review.web.pages import (
    STATIC,
    day,
    duration,
    environment,
    number,
    percent,
    short_digests,
    static_address,
    when,
    when_iso,
)

HOSTILE = '<script>alert(1)</script>"><img src=x onerror=alert(1)>{{ 7*7 }}\x00\x1b[31m\u202e'


def test_times_and_numbers_read_as_people_write_them() -> None:
    assert str(when(1_800_000_000.0)) == '<time datetime="2027-01-15T08:00:00Z">15 Jan 2027, 08:00 UTC</time>'
    assert when(None) == "never"
    assert str(day(1_800_000_000.0)) == '<time datetime="2027-01-15T08:00:00Z">15 Jan 2027</time>'
    for text in ("2027-01-15T09:00:00+01:00", "2027-01-15T08:00:00Z", "2027-01-15T08:00:00"):
        assert when_iso(text) == when(1_800_000_000.0)
    assert when_iso("yesterday") == "yesterday"
    assert [duration(s) for s in (0, 59.4, 60, 185, 3600, 7620)] == [
        *("0 s", "59 s", "1 min 00 s", "3 min 05 s", "1 h 00 min", "2 h 07 min"),
    ]
    assert [number(n) for n in (0, 1234567, 3.14, None)] == ["0", "1,234,567", "3.1", "–"]
    assert [percent(share) for share in (0.179, 0, 1, None)] == ["17.9 %", "0.0 %", "100.0 %", "–"]


def test_digests_are_short_and_the_whole_one_is_in_the_title() -> None:
    digest = "c3b785ab3eac4fce0dddbc990daa6efe2e9631c8736878673c4a283f9b024337"
    assert str(short_digests(f"runs/coach <b>, version {digest}")) == (
        f'runs/coach &lt;b&gt;, version <code title="{digest}">c3b785ab3eac</code>'
    )
    for text in ("deadbeef", digest + "0", "x" + digest):
        assert str(short_digests(text)) == text


@settings(deadline=None)  # the first loads the template
@given(st.text())
def test_a_text_stays_a_text_whatever_it_holds(text: str) -> None:
    """Between the tags of the template there is no other, and no control character."""
    template = environment().from_string('{% import "parts.html.j2" as parts %}{{ parts.text(text) }}')
    shown = template.render(text=text)
    inner = shown.removeprefix('<div class="text" dir="auto">').removesuffix("</div>")
    assert "<" not in inner
    assert ">" not in inner
    assert not re.search("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]", inner)


def test_a_hostile_name_of_a_queue_or_person_is_inert_on_the_first_page(db: Database) -> None:
    seen = "".join(char for char in HOSTILE if char.isprintable())  # no queue has a name with others
    add_revise_queue(db, seen, [NewItem("one", {"output": "x"})])
    text = client_of(db, person(db, "<b>ann</b>", Role.LEAD)).get("/").text
    assert "&lt;script&gt;alert(1)" in text
    assert "{{ 7*7 }}" in text
    assert "&lt;b&gt;ann&lt;/b&gt;" in text
    for mark in ("<script>alert", "<img src=x", "<b>", "\x00", "\x1b"):
        assert mark not in text


def test_the_address_of_a_file_changes_with_its_bytes_and_may_then_be_kept(db: Database) -> None:
    address = static_address("review.css")
    client = client_of(db, None)
    assert client.get(address).headers["cache-control"] == "public, max-age=31536000, immutable"
    assert client.get("/static/review.css").headers["cache-control"] == "no-cache"
    for path in ("/static/../app.py", "/static/%2e%2e/app.py", "/static/..%2fapp.py"):
        assert client.get(path).status_code == 404


INKS = ("--ink", "--quiet", "--link", "--good", "--bad", "--warn", "--info")
GROUNDS = ("--ground", "--paper", "--sunk")
PAIRS = [
    *product(INKS, GROUNDS),
    *((ink, ink + "-soft") for ink in ("--link", "--good", "--bad", "--warn", "--info")),
    *(("--ink", soft + "-soft") for soft in ("--link", "--good", "--bad", "--warn", "--info")),
    *(("--link-ink", "--link"), ("--link-ink", "--link-strong")),
    *(("--added-ink", "--added"), ("--removed-ink", "--removed"), ("--ink", "--marked")),
]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_has_a_contrast_of_at_least_4_5_and_edges_of_3(scheme: str) -> None:
    """WCAG 2.2, 1.4.3 and 1.4.11, of every pair of colours that pages may set on each other."""
    css = (STATIC / "review.css").read_text(encoding="utf-8")
    light, dark = re.findall(r":root \{(.*?)\n *\}", css, flags=re.DOTALL)
    colours = _colours(light) | (_colours(dark) if scheme == "dark" else {})
    weak = [(a, b) for a, b in PAIRS if _contrast(colours[a], colours[b]) < 4.5]
    assert weak == []
    assert [g for g in GROUNDS if _contrast(colours["--edge"], colours[g]) < 3] == []


def _colours(block: str) -> dict[str, str]:
    found = dict(re.findall(r"(--[\w-]+): (#[0-9a-f]{3,6});", block))
    return {k: v if len(v) == 7 else "#" + "".join(c * 2 for c in v[1:]) for k, v in found.items()}


def _contrast(one: str, other: str) -> float:
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def _luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
