"""Revisions come in from every form, and go out again the same."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.revisions import published, revision
from tunewright.coach.read_revisions import read_revisions
from tunewright.coach.revision import Revision
from tunewright.coach.write_revisions import pair_row, published_row, write_revisions
from tunewright.errors import DataError
from tunewright.records import Record, Reject, Turn, write_records
from tunewright.records.row import RowError

COLUMNS = ("Raw Instruction", "Raw Input", "Raw Response")


def row(**changed: Any) -> dict[str, Any]:
    """A row of the published form; keyword `Raw_Response` stands for the column "Raw Response"."""
    both = dict.fromkeys(COLUMNS, "a") | {name.replace("Raw", "Revised"): "b" for name in COLUMNS}
    return {**both, "Distance": 3} | {name.replace("_", " "): value for name, value in changed.items()}


def put(path: Path, text: str | bytes) -> Path:
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def read(path: Path, **more: Any) -> tuple[list[Revision], list[Reject]]:
    rejects: list[Reject] = []
    return list(read_revisions(path, on_reject=rejects.append, **more)), rejects


@pytest.mark.parametrize("name", ["expert_revisions.json", "french_revisions.json"])
@pytest.mark.parametrize(
    ("form", "file"), [("pairs", "a.jsonl"), ("published", "a.json"), ("published", "a.jsonl")]
)
def test_the_release_comes_back_whole_in_every_form(name: str, form: Any, file: str, tmp_path: Path) -> None:
    revisions = list(read_revisions(published(name)))
    assert write_revisions(revisions, tmp_path / file, format=form) == 2301
    assert list(read_revisions(tmp_path / file)) == revisions
    assert len({one.id for one in revisions}) == 2301


def test_the_release_is_written_byte_for_byte(tmp_path: Path) -> None:
    source = published("expert_revisions.json")
    write_revisions(list(read_revisions(source)), tmp_path / "again.json", format="published")
    assert (tmp_path / "again.json").read_bytes() == source.read_bytes()


def test_the_form_is_seen_in_the_rows(tmp_path: Path) -> None:
    published_file = put(tmp_path / "a.json", json.dumps([row()]))
    (one,), _ = read(published_file)
    assert (one.original.output, one.revised.output, dict(one.meta)) == ("a", "b", {"Distance": 3})
    side = {"instruction": "Add.", "input": "1+1", "output": "3"}
    for before, after in (("original", "revised"), ("before", "after"), ("raw", "revised")):
        pairs = {"id": "p", before: side, after: side | {"output": "2"}, "reviewer": "kim", "seconds": 40}
        (one,), _ = read(put(tmp_path / "b.jsonl", json.dumps(pairs)))
        assert (one.id, one.changed, dict(one.meta)) == ("p", ("output",), {"reviewer": "kim", "seconds": 40})


def test_without_an_id_the_original_gives_it_and_the_same_one_gets_a_suffix(tmp_path: Path) -> None:
    rows = [row(), row(**{"Revised Response": "c"}), row(**{"Raw Response": "z"})]
    (one, two, three), rejects = read(put(tmp_path / "a.json", json.dumps(rows)))
    assert two.id == f"{one.id}~2"
    assert three.id != one.id
    assert not rejects
    assert two.original.id == two.revised.id == two.id


def test_empty_fields_are_let_through(tmp_path: Path) -> None:
    (one,), rejects = read(put(tmp_path / "a.json", json.dumps([row(Raw_Response="", Raw_Instruction="")])))
    assert (one.original.output, one.original.instruction, rejects) == ("", "", [])
    write_revisions([one], tmp_path / "b.jsonl")
    assert read(tmp_path / "b.jsonl")[0] == [one]
    bare = {"before": {"instruction": "", "output": ""}, "after": {"instruction": "x", "output": " "}}
    (two,), _ = read(put(tmp_path / "c.jsonl", json.dumps(bare)))
    assert (two.original.instruction, two.original.output, two.revised.output) == ("", "", " ")


@pytest.mark.parametrize(
    ("broken", "field", "reason"),
    [
        (row(Revised_Response=None), "Revised Response", "is null"),
        (row(Raw_Instruction=5), "Raw Instruction", "is the number 5, not text"),
        ({"Raw Instruction": "a", "Raw Response": "b"}, "Revised Instruction", "is missing"),
        ({"original": {"instruction": "a", "output": "b"}, "revised": 7}, "revised", "is the number 7"),
        ({"original": {"instruction": "a"}, "revised": {}}, "original", "fit no known format"),
        (
            {
                "original": {"instruction": "a", "output": None},
                "revised": {"instruction": "a", "output": "b"},
            },
            "original.output",
            "is null",
        ),
        (
            {
                "original": {"id": "x", "instruction": "a", "output": "b"},
                "revised": {"id": "y", "instruction": "a", "output": "b"},
            },
            "id",
            "is of several records: x, y",
        ),
        (["a"], "", "is a list, not an object"),
        ({"instruction": "a", "output": "b"}, "", "has the columns 'instruction', 'output': expected"),
    ],
)
def test_a_broken_row_is_named_with_its_place_and_the_rest_goes_on(
    broken: Any, field: str, reason: str, tmp_path: Path
) -> None:
    path = put(tmp_path / "a.jsonl", json.dumps(row()) + "\n" + json.dumps(broken) + "\n{torn\n")
    revisions, rejects = read(path)
    assert len(revisions) == 1
    assert [(one.file, one.line) for one in rejects] == [(str(path), 2), (str(path), 3)]
    assert rejects[0].field == field
    assert reason in rejects[0].reason
    assert "not JSON" in rejects[1].reason
    with pytest.raises(DataError, match=r"a\.jsonl:2: "):
        list(read_revisions(path))


def test_a_byte_order_mark_and_windows_line_ends_do_no_harm(tmp_path: Path) -> None:
    texts = row(Raw_Response="東京\r\nÄ")
    path = put(tmp_path / "a.jsonl", b"\xef\xbb\xbf" + (json.dumps(texts) + "\r\n\r\n").encode())
    (one,), rejects = read(path)
    assert one.original.output == "東京\r\nÄ"
    assert not rejects


def test_nothing_to_read_says_so(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="the file is empty"):
        list(read_revisions(put(tmp_path / "a.jsonl", "")))
    with pytest.raises(DataError, match="holds no rows"):
        list(read_revisions(put(tmp_path / "a.json", "[]")))
    with pytest.raises(DataError, match="none of its 1 rows can be used"):
        read(put(tmp_path / "a.json", '[{"instruction": "a", "output": "b"}]'))
    with pytest.raises(DataError, match="unknown format 'alpaca' of revisions"):
        list(read_revisions(tmp_path / "a.json", format="alpaca"))


def test_a_field_of_a_megabyte_comes_back(tmp_path: Path) -> None:
    large = revision(output=("x" * 1_000_000, "x" * 1_000_000 + "y"))
    write_revisions([large], tmp_path / "a.jsonl")
    assert read(tmp_path / "a.jsonl")[0] == [large]


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)


@given(texts, texts, texts, texts)
def test_pairs_hold_any_text(one: str, two: str, three: str, four: str) -> None:
    """Markers, blanks, control characters: what goes into a row comes out of it."""
    import io

    from tunewright.coach.read_revisions import _read
    from tunewright.records.json_rows import jsonl_rows, write_jsonl
    from tunewright.records.source import Part

    whole = revision(
        instruction=(one, two), input=(two, one), output=(three, four), explanation=(four, three), seconds=1.5
    )
    stream = io.BytesIO()
    write_jsonl([pair_row(whole)], stream)
    stream.seek(0)
    assert list(_read(iter([Part("x", "jsonl", jsonl_rows(stream))]), "x", None, None)) == [whole]


def test_the_published_form_refuses_by_name_what_it_cannot_hold(tmp_path: Path) -> None:
    plain = revision().original
    with pytest.raises(DataError, match=r"revision r1: 'revised.explanation' is not empty, .*write pairs"):
        write_revisions([revision(explanation=("", "why"))], tmp_path / "a.json", format="published")
    assert not (tmp_path / "a.json").exists()
    for field, value in (("system", "s"), ("history", (Turn("user", "hi"),)), ("meta", {"topic": "x"})):
        full = Record(**{"id": "r1", "instruction": "a", "output": "b", field: value})  # type: ignore[arg-type]
        with pytest.raises(RowError, match=f"original.{field}"):
            published_row(Revision(full, plain))
    with pytest.raises(DataError, match="'original' is a column of its own"):
        write_revisions([revision(original="mine")], tmp_path / "a.jsonl")


def test_the_published_form_keeps_given_ids_and_computes_a_missing_distance(tmp_path: Path) -> None:
    write_revisions([revision("mine", output=("a", "abc"))], tmp_path / "a.json", format="published")
    (one,), _ = read(tmp_path / "a.json")
    assert (one.id, dict(one.meta)) == ("mine", {"Distance": 2})


class TestTwoDataSets:
    def test_they_are_joined_by_id_in_the_order_of_the_first(self, tmp_path: Path) -> None:
        before = [Record("a", "1", "x"), Record("b", "2", "x")]
        after = [Record("b", "2", "y"), Record("a", "1", "x")]
        write_records(before, tmp_path / "before.jsonl")
        write_records(after, tmp_path / "after.jsonl")
        revisions, rejects = read(tmp_path / "before.jsonl", after=tmp_path / "after.jsonl")
        assert [(one.id, one.changed) for one in revisions] == [("a", ()), ("b", ("output",))]
        assert not rejects

    def test_ids_without_a_partner_and_ids_given_twice_are_named(self, tmp_path: Path) -> None:
        def rows(*ids: str) -> str:
            return "".join(
                json.dumps({"id": i, "instruction": "q", "output": f"a{n}"}) + "\n" for n, i in enumerate(ids)
            )

        before = put(tmp_path / "before.jsonl", rows("a", "b", "twice", "twice", "c"))
        after = put(tmp_path / "after.jsonl", rows("c", "twice", "d", "a"))
        revisions, rejects = read(before, after=after)
        assert [one.id for one in revisions] == ["a", "c"]
        twice = f"'twice' occurs more than once in {before}; which record is meant cannot be told"
        assert [(Path(one.file).name, one.line, one.reason) for one in rejects] == [
            ("after.jsonl", 2, twice),
            ("before.jsonl", 2, f"'b' is not in {after}"),
            ("before.jsonl", 3, twice),
            ("before.jsonl", 4, twice),
            ("after.jsonl", 3, f"'d' is not in {before}"),
        ]
        assert all(one.field == "id" for one in rejects)

    def test_two_sets_without_common_ids_are_an_error(self, tmp_path: Path) -> None:
        write_records([Record("a", "1", "x")], tmp_path / "before.jsonl")
        write_records([Record("b", "1", "x")], tmp_path / "after.jsonl")
        with pytest.raises(DataError, match="no id is in both"):
            read(tmp_path / "before.jsonl", after=tmp_path / "after.jsonl")
