"""The law of all formats: a row read and written again in its format is the same JSON in the same order."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from records.rows import ROWS, exact, filled_text, hostile_text, read_rows, write_rows
from tunewright.errors import DataError
from tunewright.records import Record, Turn, read_records, write_records


@pytest.fixture(autouse=True)
def _without_waiting_for_the_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Thousands of files here need not survive a power cut."""
    monkeypatch.setattr("tunewright.records.write._sync", lambda path: None)


quick = settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
fewer = settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))

records = st.builds(
    Record,
    id=filled_text,
    instruction=filled_text,
    output=filled_text,
    input=hostile_text,
    explanation=hostile_text,
    system=hostile_text,
    history=st.lists(st.builds(Turn, st.sampled_from(["user", "assistant"]), hostile_text), max_size=3).map(
        tuple
    ),
    meta=st.dictionaries(
        hostile_text.map(lambda name: "m" + name.replace("\0", "")), hostile_text, max_size=2
    ),
)


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        *((kind, name) for kind in ROWS for name in ("x.jsonl", "x.json")),
        ("alpaca", "x.jsonl.gz"),
        ("sharegpt", "x.json.gz"),
    ],
)
def test_json_rows_come_back_equal_with_the_same_order_of_keys(kind: str, name: str, tmp_path: Path) -> None:
    @(fewer if name.endswith("gz") else quick)
    @given(st.lists(ROWS[kind], min_size=1, max_size=4))
    def holds(rows: list[dict[str, Any]]) -> None:
        path = write_rows(tmp_path / name, rows)
        write_records(read_records(path), tmp_path / f"again-{name}")
        assert exact(read_rows(tmp_path / f"again-{name}")) == exact(rows)

    holds()


@pytest.mark.parametrize("kind", list(ROWS))
def test_a_detour_through_native_rows_loses_nothing(kind: str, tmp_path: Path) -> None:
    """What a stage reads from a run folder can still be exported as the row it was."""

    @fewer
    @given(st.lists(ROWS[kind], min_size=1, max_size=4))
    def holds(rows: list[dict[str, Any]]) -> None:
        path = write_rows(tmp_path / "x.jsonl", rows)
        before = list(read_records(path))
        write_records(before, tmp_path / "records.jsonl", format="native")
        native = (tmp_path / "records.jsonl").read_bytes()
        after = list(read_records(tmp_path / "records.jsonl"))
        assert after == before
        write_records(after, tmp_path / "records.jsonl", format="native")
        assert (tmp_path / "records.jsonl").read_bytes() == native
        write_records(after, tmp_path / "y.jsonl")
        assert exact(read_rows(tmp_path / "y.jsonl")) == exact(rows)

    holds()


cell_text = hostile_text
csv_rows = {
    "alpaca": st.fixed_dictionaries(
        {
            "note": cell_text,
            "id": cell_text,
            "instruction": filled_text,
            "history": st.sampled_from(
                ["", "[]", '[["a","b"]]', '[ ["a", "b\\n"] ]', '[{"role": "user", "content": ""}]']
            ),
            "input": cell_text,
            "output": filled_text,
        }
    ),
    "messages": st.fixed_dictionaries(
        {
            "messages": st.sampled_from(
                [
                    '[{"role":"user","content":"q"},{"role":"assistant","content":"a"}]',
                    '[ {"content": "q", "role": "user", "n": 1.50}, {"role":"model","content":"\\u00e9"} ]',
                ]
            ),
            "input": cell_text,
            "a,b": cell_text,
        }
    ),
    "prompt_completion": st.fixed_dictionaries(
        {"prompt": filled_text, "system": cell_text, "completion": filled_text}
    ),
}


@pytest.mark.parametrize("name", ["x.csv", "x.csv.gz"])
@pytest.mark.parametrize("kind", list(csv_rows))
def test_csv_cells_come_back_to_the_character(kind: str, name: str, tmp_path: Path) -> None:
    @(fewer if name.endswith("gz") else quick)
    @given(st.lists(csv_rows[kind], min_size=1, max_size=4))
    def holds(rows: list[dict[str, str]]) -> None:
        with (tmp_path / "in.csv").open("w", newline="", encoding="utf-8") as stream:
            writer = csv.DictWriter(stream, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
        write_records(read_records(tmp_path / "in.csv"), tmp_path / name)
        if name.endswith("gz"):
            import gzip

            assert gzip.decompress((tmp_path / name).read_bytes()) == (tmp_path / "in.csv").read_bytes()
        else:
            assert (tmp_path / name).read_bytes() == (tmp_path / "in.csv").read_bytes()

    holds()


@pytest.mark.parametrize(
    ("format", "name"),
    [
        (layout, name)
        for layout in ("native", "alpaca", "messages", "sharegpt", "prompt_completion", "self_instruct")
        for name in ("x.jsonl", "x.csv", "x.parquet")
        if (layout, name) not in {("prompt_completion", "x.csv"), ("prompt_completion", "x.parquet")}
    ],
)
def test_every_format_holds_every_field_of_records_made_here(format: str, name: str, tmp_path: Path) -> None:
    """Text for text; columns that CSV and Parquet add for other rows come back empty and count as absent."""

    @fewer
    @given(st.lists(records, min_size=1, max_size=4, unique_by=lambda record: record.id))
    def holds(made: list[Record]) -> None:
        if name == "x.parquet" and format in ("alpaca", "self_instruct"):
            # one column holds one type: pairs, or messages where the turns do not alternate, not both
            made = [replace(record, history=record.history[:0]) for record in made]
        write_records(made, tmp_path / name, format=format)
        again = list(read_records(tmp_path / name))
        assert [_texts(record) for record in again] == [_texts(record) for record in made]

    holds()


def _texts(record: Record) -> tuple[Any, ...]:
    meta = {key: value for key, value in record.meta.items() if value}
    texts = (record.instruction, record.input, record.output, record.explanation, record.system)
    return record.id, texts, record.history, meta


def test_parquet_keeps_types_and_nested_values(tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pa.table(
        {
            "n": pa.array([1, None], pa.int32()),
            "instruction": pa.array(["q", "r"], pa.large_string()),
            "output": ["a", "b"],
            "day": pa.array([0, 19000], pa.date32()),
            "score": pa.array([0.5, float("inf")], pa.float32()),
            "kind": pa.array(["x", "y"]).dictionary_encode(),
            "tags": pa.array([["a"], None], pa.list_(pa.string())),
            "at": pa.array([1, 2], pa.timestamp("us", tz="UTC")),
            "raw": pa.array([b"\xff", b""], pa.binary()),
        }
    ).replace_schema_metadata({"made": "here"})
    pq.write_table(table, tmp_path / "x.parquet")
    write_records(read_records(tmp_path / "x.parquet"), tmp_path / "y.parquet")
    again = pq.read_table(tmp_path / "y.parquet")
    assert again.schema.equals(table.schema, check_metadata=False)
    assert again.schema.metadata[b"made"] == b"here"
    assert again.to_pylist() == table.to_pylist()


def test_a_parquet_column_that_appears_twice_is_an_error(tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pa.Table.from_arrays([pa.array(["q"])] * 3, names=["instruction", "output", "output"])
    pq.write_table(table, tmp_path / "x.parquet")
    with pytest.raises(DataError, match="column 'output' appears twice"):
        list(read_records(tmp_path / "x.parquet"))


def test_dates_and_decimals_are_text_in_json_and_types_again_in_parquet(tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pa.table(
        {
            "instruction": ["q"],
            "output": ["a"],
            "day": pa.array([19000], pa.date32()),
            "at": pa.array([1_000_000], pa.timestamp("us")),
            "price": pa.array([Decimal("1.50")], pa.decimal128(5, 2)),
        }
    )
    pq.write_table(table, tmp_path / "x.parquet")
    write_records(read_records(tmp_path / "x.parquet"), tmp_path / "records.jsonl", format="native")
    meta = json.loads((tmp_path / "records.jsonl").read_text())["meta"]
    assert meta == {"day": "2022-01-08", "at": "1970-01-01T00:00:01", "price": "1.50"}
    write_records(read_records(tmp_path / "records.jsonl"), tmp_path / "y.parquet")
    assert pq.read_table(tmp_path / "y.parquet").equals(table)


def test_parquet_conversations_come_back_equal(tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    rows = [
        {
            "conversations": [{"from": "human", "value": "q"}, {"from": "gpt", "value": "a"}],
            "id": 7,
            "input": None,
        },
        {
            "conversations": [{"from": "user", "value": "q\n\nx"}, {"from": "gpt", "value": "b"}],
            "id": 7,
            "input": "x",
        },
    ]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "x.parquet")
    read = list(read_records(tmp_path / "x.parquet"))
    assert [record.id for record in read] == ["7", "7~2"]
    assert read[1].instruction == "q"
    assert read[1].input == "x"
    write_records(read, tmp_path / "y.parquet")
    assert pq.read_table(tmp_path / "y.parquet").to_pylist() == rows


def test_a_native_row_is_written_out_in_full() -> None:
    """The golden form of our own rows; a change here needs a new version number."""
    import tempfile

    record = Record(
        id="a1",
        instruction="Name a colour.",
        output="Red",
        history=(Turn("user", "Hi"), Turn("assistant", "Hello")),
        meta={"n": 1},
    )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "records.jsonl"
        write_records([record], path)
        assert json.loads(path.read_text()) == {
            "tunewright": 1,
            "id": "a1",
            "instruction": "Name a colour.",
            "output": "Red",
            "history": [{"speaker": "user", "text": "Hi"}, {"speaker": "assistant", "text": "Hello"}],
            "meta": {"n": 1},
        }
