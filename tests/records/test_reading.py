"""What can be wrong with a file or a row, and what is said about it."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from tunewright.errors import DataError
from tunewright.records import Record, Reject, read_records, write_records

GOOD = {"instruction": "Name a colour.", "input": "", "output": "Red"}


def read(path: Path, **options: str) -> tuple[list[Record], list[Reject]]:
    rejects: list[Reject] = []
    return list(read_records(path, on_reject=rejects.append, **options)), rejects  # type: ignore[arg-type]


def lines(path: Path, *rows: bytes) -> Path:
    path.write_bytes(b"\n".join(rows) + b"\n")
    return path


def good(**changed: object) -> bytes:
    return json.dumps({**GOOD, **changed}).encode()


@pytest.mark.parametrize(
    ("row", "field", "reason"),
    [
        (b'{"instruction": "a", "output": null}', "output", "is null"),
        (b'{"instruction": "a", "output": " \\n "}', "output", "is empty"),
        (b'{"instruction": "a", "input": ""}', "output", "is missing"),
        (b'{"instruction": "a", "output": 5}', "output", "is the number 5, not text"),
        (b'{"instruction": "a", "output": true}', "output", "is true, not text"),
        (b'{"instruction": ["a"], "output": "b"}', "instruction", "is a list, not text"),
        (b'{"instruction": " ", "output": "b"}', "instruction", "is empty"),
        (b'{"instruction": "a", "input": {}, "output": "b"}', "input", "is an object, not text"),
        (b'{"instruction": "a", "output": "b", "history": "c"}', "history", "is text, not a list"),
        (b'{"instruction": "a", "output": "b", "history": [["c"]]}', "history[0]", "is neither"),
        (b'{"instruction": "a", "output": "b"', "", "not JSON: Expecting ',' delimiter at character 35"),
        (b'{"instruction": "a", "output": "b", "n": NaN}', "", "holds NaN, which is not JSON"),
        (b'{"instruction": "a", "output": "b", "n": -Infinity}', "", "holds -Infinity"),
        (b'{"instruction": "a", "output": "b", "n": 1e999}', "", "holds 1e999, which is too large"),
        (b'{"instruction": "a", "output": "b", "output": "c"}', "output", "appears twice"),
        (b'{"instruction": "a", "output": "b\\ud800"}', "output", "holds \\ud800, half of a surrogate pair"),
        (b'{"instruction": "a", "output": "b", "n": [{"x": "\\uDC00"}]}', "n[0].x", "holds \\udc00"),
        (b'{"instruction": "a", "output": "\xe9t\xe9"}', "", "not UTF-8: byte 0xe9 at offset 32"),
        (b'{"instruction": "a", "output": "b", "n": ' + b"[" * 150 + b"]" * 150 + b"}", "", "nested deeper"),
        (
            b'{"instruction": "a", "output": "b", "n": ' + b"[" * 9000 + b"]" * 9000 + b"}",
            "",
            "nested deeper",
        ),
        (b'{"instruction": "a", "output": "b", "n": ' + b"9" * 5000 + b"}", "", "not JSON we can read"),
        (b"[1, 2]", "", "is a list, not an object"),
        (b'"text"', "", "is text, not an object"),
        (b'{"question": "a"}', "instruction", "is missing"),
        (b'{"messages": "q"}', "messages", "is text, not a list of messages"),
        (b'{"messages": []}', "messages", "is empty"),
        (b'{"messages": ["q", "a"]}', "messages[0]", "is text, not an object"),
        (b'{"conversations": [{"from": "human", "value": 3}]}', "conversations[0].value", "is the number 3"),
        (b'{"instruction": "a", "instances": []}', "instances", "is not a list of at least one"),
        (
            b'{"instruction": "a", "instances": [{"output": "b"}, {"input": ""}]}',
            "instances[1].output",
            "is missing",
        ),
        (
            b'{"prompt": "a", "completion": [{"role": "assistant", "content": "b"}]}',
            "completion",
            "must both be",
        ),
        (
            b'{"tunewright": 2, "id": "a", "instruction": "a", "output": "b"}',
            "tunewright",
            "reads rows of version 1",
        ),
        (
            b'{"tunewright": 1, "id": "a", "instruction": "a", "output": "b", "n": 1}',
            "n",
            "not a column of a native row",
        ),
    ],
)
def test_a_broken_row_is_a_reject_with_its_place_and_the_rest_goes_on(
    row: bytes, field: str, reason: str, tmp_path: Path
) -> None:
    path = lines(tmp_path / "x.jsonl", good(), b"", row, good(output="Blue"))
    records, rejects = read(path)
    assert [record.output for record in records] == ["Red", "Blue"]
    assert [(reject.file, reject.line, reject.field) for reject in rejects] == [(str(path), 3, field)]
    assert reason in rejects[0].reason
    assert rejects[0].row[:20] == row[:20].decode("utf-8", "replace")
    assert len(rejects[0].row) <= 501


def turns(*roles: str) -> list[dict[str, str]]:
    return [{"role": role, "content": role[0]} for role in roles]


@pytest.mark.parametrize(
    ("messages", "field", "reason"),
    [
        (turns("user"), "messages", "ends with a message of the user, so there is no output"),
        (turns("system"), "messages", "ends with a message of the system"),
        (turns("assistant"), "messages", "has no message of the user"),
        (turns("user", "assistant", "assistant"), "messages", "ends with two messages of the assistant"),
        (
            turns("user", "assistant", "system", "user", "assistant"),
            "messages[2]",
            "a system message after the first",
        ),
        (turns("user", "tool", "assistant"), "messages[1].role", "is 'tool'"),
        (
            [{"role": "user", "content": [{"type": "text", "text": "q"}]}],
            "messages[0].content",
            "is a list of parts",
        ),
        (
            [*turns("user"), {"role": "assistant", "content": None}],
            "messages[1].content",
            "is null, not text",
        ),
        ([*turns("user"), {"role": "assistant", "content": " "}], "messages[1]", "is empty"),
        ([*turns("user"), {"role": "assistant"}], "messages[1].content", "is missing"),
        ([{"content": "q"}], "messages[0]", "has neither 'role' nor 'from'"),
        ([{"role": 1, "content": "q"}], "messages[0].role", "is the number 1"),
    ],
)
def test_a_conversation_that_no_record_can_hold_is_rejected_precisely(
    messages: list[object], field: str, reason: str, tmp_path: Path
) -> None:
    broken = json.dumps({"messages": messages}).encode()
    _, rejects = read(lines(tmp_path / "x.jsonl", good(), broken))
    assert [reject.field for reject in rejects] == [field]
    assert reason in rejects[0].reason


def test_without_a_place_for_rejects_a_broken_row_is_an_error_with_file_line_and_field(
    tmp_path: Path,
) -> None:
    path = lines(tmp_path / "x.jsonl", good(), good(output=None))
    with pytest.raises(DataError, match=r"x\.jsonl:2: 'output' is null"):
        list(read_records(path))


def test_a_conversation_becomes_instruction_output_system_and_history(tmp_path: Path) -> None:
    messages = [
        {"role": "system", "content": "Be brief."},
        {"role": "assistant", "content": "Hello"},
        {"role": "user", "content": "Hi"},
        {"role": "user", "content": "Name a colour."},
        {"role": "assistant", "content": "Red"},
    ]
    (record,), _ = read(lines(tmp_path / "x.jsonl", json.dumps({"messages": messages, "n": None}).encode()))
    assert (record.system, record.instruction, record.output) == ("Be brief.", "Name a colour.", "Red")
    assert [(turn.speaker, turn.text) for turn in record.history] == [("assistant", "Hello"), ("user", "Hi")]
    assert record.meta == {"n": None}


def test_rows_of_several_layouts_may_share_a_file(tmp_path: Path) -> None:
    rows = [
        good(),
        b'{"prompt": "a", "completion": "b"}',
        b'{"conversations": [{"from": "human", "value": "q"}, {"from": "gpt", "value": "r"}]}',
    ]
    records, rejects = read(lines(tmp_path / "x.jsonl", *rows))
    assert [record.origin and record.origin.format for record in records] == [
        "alpaca",
        "prompt_completion",
        "sharegpt",
    ]
    assert rejects == []


def test_ids_are_the_rows_own_or_made_of_the_texts_and_never_equal(tmp_path: Path) -> None:
    rows = [
        good(id="x"),
        good(id=5),
        good(id="x"),
        good(id="x~2"),
        good(id="x"),
        good(),
        good(id=None),
        good(id="5"),
    ]
    records, _ = read(lines(tmp_path / "x.jsonl", *rows))
    ids = [record.id for record in records]
    assert ids[:5] == ["x", "5", "x~2", "x~2~2", "x~3"]
    assert ids[6] == ids[5] + "~2"
    assert ids[7] == "5~2"
    assert len(ids[5]) == 16
    other, _ = read(lines(tmp_path / "y.jsonl", json.dumps(dict(reversed(GOOD.items()))).encode()))
    assert other[0].id == ids[5]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("x.jsonl", b"", "the file is empty"),
        ("x.csv", b" \n\r\n ", "the file is empty"),
        ("x.json", b"[]", "holds no rows"),
        ("x.csv", b"instruction,output\r\n", "holds no rows"),
        ("x.jsonl", b"%PDF-1.7\n%\xe2\xe3", "is a PDF"),
        ("x.csv", b"PK\x03\x04\x14\x00", "zip archive"),
        ("x.csv", "instruction,output\na,b".encode("utf-16"), "UTF-16"),
        ("x.csv", "instruction,output\na,b".encode("utf-16-le"), "UTF-16"),
        ("x.jsonl", good().decode().encode("utf-16"), "UTF-16"),
        ("x.txt", b"Caf\xe9 au lait\n", "is not UTF-8 text"),
        ("x.txt", b"Just a letter to you.\n", "'Just a letter to you.' fit no known format"),
        ("x.csv", b"question,answer\na,b\n", "the columns 'question', 'answer' fit no known format"),
        ("x.jsonl", b'{"question": "a"}\n' * 30, "'question' fit no known format; accepted are: messages"),
        ("x.json", b'{\n "data": []\n}', "is one JSON object over several lines"),
        ("x.json", b"instruction,output\na,b\n", "is not JSON"),
        (
            "x.jsonl",
            good(output="") + b"\n" + good(output=None),
            "none of its 2 rows can be used; .*:1: 'output' is empty",
        ),
        ("x.json", b"[" + good() + b"," + good()[:-5], "the file ends in the row that begins at line 1"),
        ("x.jsonl.gz", gzip.compress(good() * 200, mtime=0)[:-20], "gzip data is damaged or cut off"),
        ("x.jsonl.gz", gzip.compress(good(), mtime=0)[:12], "gzip data is damaged or cut off"),
        ("x.parquet", b"PAR1 but nothing else", "is not a Parquet file"),
        ("x.csv", b'instruction,output\na,b\nc,"d\ne,f\n', ":3: a quote opened in this row is never closed"),
        ("x.csv", b"instruction,output,output\na,b,c\n", "'output' appears twice in the header"),
    ],
)
def test_a_file_that_is_no_data_is_one_clear_error(
    name: str, content: bytes, message: str, tmp_path: Path
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=message):
        read(tmp_path / name)


def test_places_without_data_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(DataError, match=r"nowhere\.json: no such file or folder"):
        read_records(tmp_path / "nowhere.json")
    (tmp_path / "runs").mkdir()
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DataError, match=r"^runs/frist: no such file or folder"):  # and the hub is not asked
        read_records("runs/frist")
    with pytest.raises(DataError, match=r"no such file or folder"):
        read_records("nowhere/near.jsonl")
    with pytest.raises(DataError, match="is a folder without data files"):
        read_records(tmp_path)
    (tmp_path / "x.jsonl").write_bytes(good())
    with pytest.raises(DataError, match="unknown format 'alpacca'; a format is one of messages, sharegpt"):
        read_records(tmp_path / "x.jsonl", format="alpacca")


@pytest.mark.parametrize("gap", [b"\n", b"\r\n", b"\n\n", b"\r\n \r\n"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("kind", ["jsonl", "json", "csv"])
def test_byte_order_marks_line_ends_and_empty_lines_change_nothing(
    kind: str, mark: bytes, gap: bytes, tmp_path: Path
) -> None:
    if kind == "json":
        text = b"[" + gap + good() + b"," + gap + good() + gap + b"]" + gap
    else:
        first = b"instruction,input,output" if kind == "csv" else good()
        row = b"Name a colour.,,Red" if kind == "csv" else good()
        text = first + gap + row + gap + (row + gap if kind == "csv" else b"")
    (tmp_path / "unnamed").write_bytes(mark + text)
    records, rejects = read(tmp_path / "unnamed")
    assert [(record.instruction, record.output) for record in records] == [("Name a colour.", "Red")] * 2
    assert rejects == []


def test_csv_rows_with_odd_cells_are_rejected_with_the_line_they_begin_on(tmp_path: Path) -> None:
    text = b'instruction;output\na;b\n"c\nd";e\nshort\nf;g;h\ni;\xff\nj;"k"l\nm;n\n'
    (tmp_path / "x.csv").write_bytes(text)
    records, rejects = read(tmp_path / "x.csv")
    assert [record.instruction for record in records] == ["a", "c\nd", "m"]
    assert [(reject.line, reject.field, reject.reason) for reject in rejects] == [
        (5, "", "has 1 cells where the header has 2"),
        (6, "", "has 3 cells where the header has 2"),
        (7, "output", "is not UTF-8"),
        (8, "", "not CSV: ';' expected after '\"'"),
    ]


def test_a_structured_cell_that_is_not_json_is_rejected(tmp_path: Path) -> None:
    cells = [
        '[{"role": "user"',
        '[["a","b"]]',
        '[{"role":"user","content":"q"},{"role":"assistant","content":"a"}]',
    ]
    quoted = ['"' + cell.replace('"', '""') + '"' for cell in cells]
    text = "messages,n\n" + "".join(f"{cell},{number}\n" for number, cell in enumerate(quoted, start=1))
    (tmp_path / "x.csv").write_text(text)
    records, rejects = read(tmp_path / "x.csv")
    assert [record.meta["n"] for record in records] == ["3"]
    assert [(reject.line, reject.field) for reject in rejects] == [(2, "messages"), (3, "messages[0]")]


@pytest.mark.parametrize("kind", ["jsonl", "json", "csv"])
def test_a_row_of_many_megabytes_is_read_and_written(kind: str, tmp_path: Path) -> None:
    long = 'a"\n' * 2_000_000
    path = tmp_path / f"x.{kind}"
    write_records([Record(id="a", instruction=long, output="b")], path, format="alpaca")
    (record,), _ = read(path)
    assert record.instruction == long


def test_the_layout_can_be_told(tmp_path: Path) -> None:
    row = b'{"messages": "none", "instruction": "a", "output": "b"}'
    records, _ = read(lines(tmp_path / "x.txt", row), format="alpaca.jsonl")
    assert [(record.instruction, record.meta) for record in records] == [("a", {"messages": "none"})]
