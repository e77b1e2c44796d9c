"""Cutting an array into its elements, whatever the chunks of bytes it comes in."""

from __future__ import annotations

import io
import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from records.rows import json_value
from tunewright.errors import DataError
from tunewright.records import json_rows
from tunewright.records.row import RowError


@given(
    st.lists(json_value, max_size=5),
    st.sampled_from([None, 0, 2]),
    st.booleans(),
    st.integers(min_value=1, max_value=9),
)
def test_elements_are_those_of_the_json_module_for_any_chunk_size(
    values: list[object], indent: int | None, ascii_only: bool, chunk_bytes: int
) -> None:
    text = json.dumps(values, indent=indent, ensure_ascii=ascii_only)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_rows, "CHUNK_BYTES", chunk_bytes)
        rows = list(json_rows.array_rows(io.BytesIO(text.encode()), "x.json"))
    assert [json.dumps(row.values) for row in rows] == [json.dumps(value) for value in values]


@pytest.mark.parametrize("chunk_bytes", [1, 2, 3, 7, 1000])
def test_each_element_knows_the_line_it_begins_on(chunk_bytes: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_rows, "CHUNK_BYTES", chunk_bytes)
    text = b'\n[\n {"a":\n "\\\\"},\n\n {"b": "]\\"}"}, 5,\r\n[1,\n2]\n]\n'
    rows = list(json_rows.array_rows(io.BytesIO(text), "x.json"))
    assert [(row.line, row.values) for row in rows] == [
        (3, {"a": "\\"}),
        (6, {"b": ']"}'}),
        (6, 5),
        (7, [1, 2]),
    ]


@pytest.mark.parametrize("chunk_bytes", [1, 4, 1000])
def test_a_broken_element_does_not_take_the_next_one_with_it(
    chunk_bytes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(json_rows, "CHUNK_BYTES", chunk_bytes)
    rows = list(json_rows.array_rows(io.BytesIO(b'[{"a": 1}, {"a" 2}, nonsense, }, {"a": 3}]'), "x.json"))
    good = [row.values for row in rows if not isinstance(row.values, RowError)]
    assert good == [{"a": 1}, {"a": 3}]
    assert [row.raw for row in rows if isinstance(row.values, RowError)] == [b'{"a" 2}', b"nonsense", b""]


@pytest.mark.parametrize("text", [b'[{"a": 1}', b'[{"a": 1},', b'[{"a": "x', b'[{"a": "x\\', b"["])
def test_an_array_that_never_closes_is_an_error(text: bytes) -> None:
    with pytest.raises(DataError, match="before its array is closed"):
        list(json_rows.array_rows(io.BytesIO(text), "x.json"))


def test_text_after_the_array_is_an_error_with_its_line() -> None:
    with pytest.raises(DataError, match=r"x\.json:3: text after the array"):
        list(json_rows.array_rows(io.BytesIO(b'[{"a": 1}]\n\n{"b": 2}'), "x.json"))


def test_a_huge_row_costs_time_in_proportion_to_its_length(monkeypatch: pytest.MonkeyPatch) -> None:
    """8 times the bytes in as many more chunks take well under 64 times as long."""
    monkeypatch.setattr(json_rows, "CHUNK_BYTES", 1 << 12)

    def seconds(num_escapes: int) -> float:
        text = b'[{"a": "' + b'\\"x' * num_escapes + b'"}]'
        start = time.perf_counter()
        assert len(list(json_rows.array_rows(io.BytesIO(text), "x.json"))) == 1
        return time.perf_counter() - start

    seconds(10_000)
    small = min(seconds(50_000) for _ in range(3))
    assert seconds(400_000) < 30 * small
