"""Items and results for the tests of the exchange, and the texts that tools are likely to spoil."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hypothesis import strategies as st

from tunewright.review.exchange.result import Result
from tunewright.review.model import TEXT_FIELDS, Arm, Decision, Finding, Item

NASTY = (
    "",
    " ",
    "=HYPERLINK(\"http://x.example\",\"click\")",
    "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "'quoted", "''", "＝1",
    "one\r\ntwo\rthree\nfour\r\n",
    "\x00\x01\x1b[31m\x7f\x85\u2028",
    "\ufeffmark",
    "\u05e9\u05dc\u05d5\u05dd \u202egnorw\u202c \u0627\u0644\u0639\u0631\u0628\u064a\u0629",
    "\u65e5\u672c\u8a9e\u3000\U0001f9d1\u200d\U0001f680 e\u0301",
    '{"edited_text": "not this"}',
    '{"edited_text": 5}',
    "[1, 2]",
    "null",
    "<script>alert(1)</script>&amp;<!-- ]]>",
    "Instruction: a Input: b Response: c",
    "a;=1+1,\"b\",=2",
    "\\ud800 spelled out",
)  # fmt: skip
texts = st.one_of(st.sampled_from(NASTY), st.text(st.characters(exclude_categories=("Cs",)), max_size=40))
_seconds = st.floats(0, 1e6, allow_nan=False)
_jsonish = st.dictionaries(
    texts.filter(bool), st.one_of(texts, st.integers(-(2**53), 2**53), st.none()), max_size=3
)


def all_texts(**given: str) -> dict[str, str]:
    """The five texts, "" where none is given."""
    return {name: given.get(name, "") for name in TEXT_FIELDS}


_five = st.fixed_dictionaries(dict.fromkeys(TEXT_FIELDS, texts))
_findings = st.lists(
    st.builds(Finding, st.sampled_from(TEXT_FIELDS), texts, texts, st.integers(0, 5), st.integers(5, 9)),
    max_size=2,
)
items = st.builds(
    Item,
    id=st.integers(1, 10**9),
    queue_id=st.just(1),
    key=texts.filter(lambda text: text.strip() != ""),
    original=_five,
    draft=st.none() | _five,
    draft_reason=texts,
    findings=_findings.map(tuple),
    history=st.lists(st.tuples(st.sampled_from(("user", "assistant")), texts), max_size=2).map(tuple),
    meta=_jsonish,
    lineage=_jsonish,
    arm=st.sampled_from((None, Arm.WITH_DRAFT)),
)
_names = st.text(st.characters(categories=("L", "N", "Zs", "P")), min_size=1, max_size=12).filter(
    lambda name: name == name.strip() and name.isprintable()
)


@st.composite
def worked_on(draw: st.DrawFn) -> tuple[Item, tuple[Result, ...]]:
    """An item with the results of up to three people."""
    item = draw(items)
    names = draw(st.lists(_names, max_size=3, unique_by=str.casefold))
    results = tuple(
        Result(
            item.key,
            name,
            draw(st.sampled_from(Decision)),
            draw(_five),
            draw(texts),
            at=draw(st.floats(1e9, 2e9)),
            seconds=draw(_seconds),
            seconds_open=draw(_seconds),
            shown_draft=draw(st.booleans()),
            version=draw(st.integers(1, 99)),
        )
        for name in names
    )
    return item, results


def item(key: str = "r1", *, draft: Mapping[str, str] | None = None, **more: Any) -> Item:
    """A small item."""
    values: dict[str, Any] = {
        "id": 1,
        "queue_id": 1,
        "original": all_texts(instruction="Name a red fruit.", input="Fruit:", output="Banana"),
        "draft": draft,
    }
    return Item(key=key, **(values | more))


def result(person: str = "ann", output: str = "Cherry", **more: Any) -> Result:
    """A small result."""
    values: dict[str, Any] = {
        "decision": Decision.EDIT,
        "texts": all_texts(instruction="Name a red fruit.", input="Fruit:", output=output),
        "at": 1_700_000_000.25,
        "seconds": 12.5,
        "seconds_open": 20.0,
    }
    return Result("r1", person, **(values | more))
