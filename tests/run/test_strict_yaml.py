"""Reading recipes: YAML 1.2, no silent double keys, and a place in every message."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tunewright.errors import RecipeError
from tunewright.run import load_yaml
from tunewright.run.strict_yaml import dump_yaml, parse_yaml


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-3", 0.001),
        ("1E5", 100000.0),
        ("2.5e-5", 2.5e-5),
        (".5", 0.5),
        ("3.", 3.0),
        ("-.inf", -math.inf),
        ("010", 10),
        ("0x1F", 31),
        ("0o17", 15),
        ("-3", -3),
        ("1_000", "1_000"),
        ("12:30:00", "12:30:00"),
        ("2024-01-01", "2024-01-01"),
        ("true", True),
        ("FALSE", False),
        ("yes", "yes"),
        ("no", "no"),
        ("on", "on"),
        ("off", "off"),
        ("~", None),
        ("", None),
        ("null", None),
        ("'1'", "1"),
        ("e5", "e5"),
        ("=", "="),
    ],
)
def test_plain_values_are_read_as_yaml_1_2(text: str, value: Any) -> None:
    found = parse_yaml(f"x: {text}", where="r")["x"]
    assert found == value
    assert type(found) is type(value)


def test_not_a_number_is_a_number() -> None:
    assert math.isnan(parse_yaml("x: .nan", where="r")["x"])


def test_keys_stay_the_text_that_is_written() -> None:
    assert parse_yaml("no: 1\non: 2\n010: 3\n0.5: 4\n", where="r") == {"no": 1, "on": 2, "010": 3, "0.5": 4}


def test_merged_tables_give_way_to_the_table_itself() -> None:
    text = "base: &b {a: 1, b: 2}\nown:\n  <<: *b\n  b: 3\n"
    assert parse_yaml(text, where="r")["own"] == {"a": 1, "b": 3}


def test_a_byte_order_mark_is_no_part_of_the_first_key(tmp_path: Path) -> None:
    (tmp_path / "r.yaml").write_bytes(b"\xef\xbb\xbfa: 1\n")
    assert load_yaml(tmp_path / "r.yaml") == {"a": 1}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a: 1\nb: 2\na: 3\n", "r:3:1: the key 'a' is given twice, first in line 1; keep one"),
        (
            "t:\n  - {x: 1, x: 2}\n",
            "r:2:12: the key 'x' is given twice, first in line 2; keep one",
        ),
        ("a: [1, 2\nb: 3\n", "r:2:2: not YAML: expected ',' or ']', but got ':'"),
        ("a:\n\tb: 1\n", "r:2:1: not YAML: found character '\\t' that cannot start any token"),
        ("a: *x\n", "r:1:4: not YAML: found undefined alias 'x'"),
        ("a: 1\n---\nb: 2\n", "r:2:1: not YAML: but found another document"),
        ("a: \x07\n", "r:1: not YAML: the character U+0007 is not allowed"),
        ("", "r: empty; it must hold a table of settings, such as 'tune:'"),
        ("# only a comment\n", "r: empty; it must hold a table of settings, such as 'tune:'"),
        ("- a\n", "r: a list at the top; it must be a table of settings, such as 'tune:'"),
        ("tune\n", "r: a single value ('tune') at the top; it must be a table of settings, such as 'tune:'"),
        ("[a]: 1\n", "r:1:1: a key must be a single text, not a list or a table"),
        (
            "a: !!python/object/apply:os.getcwd []\n",
            "r:1:4: the tag 'tag:yaml.org,2002:python/object/apply:os.getcwd' is not allowed; "
            "write the plain value",
        ),
        ("a: &a [*a]\n", "r:1:4: not YAML: found unconstructable recursive node"),
    ],
)
def test_what_is_no_recipe_is_refused_with_its_place(text: str, expected: str) -> None:
    with pytest.raises(RecipeError) as caught:
        parse_yaml(text, where="r")
    assert str(caught.value) == expected


def test_an_explicit_tag_that_does_not_fit_is_refused() -> None:
    with pytest.raises(RecipeError, match=r"^r:1:4: 'abc' does not fit its tag !!int$"):
        parse_yaml("a: !!int abc\n", where="r")


def test_a_file_that_cannot_be_read_says_why(tmp_path: Path) -> None:
    with pytest.raises(RecipeError) as caught:
        load_yaml("no/such.yaml")
    assert str(caught.value) == "no/such.yaml: there is no such file; check the path"
    with pytest.raises(RecipeError) as caught:
        load_yaml(tmp_path)
    assert str(caught.value) == f"{tmp_path}: cannot be read: Is a directory"
    (tmp_path / "latin").write_bytes(b"a: \xe9\n")
    with pytest.raises(RecipeError) as caught:
        load_yaml(tmp_path / "latin")
    assert str(caught.value) == f"{tmp_path / 'latin'}: not UTF-8 text (byte 3); save it as UTF-8"


_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(st.characters(exclude_categories=["Cs"]))
    | st.sampled_from(["no", "1e-3", "010", "0o7", "12:30", "~", "<<", "null", "2024-01-01", "- a", "a: b"]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"]), max_size=8), inner, max_size=4)
    ),
    max_leaves=10,
)


@given(_VALUES)
@example({"\x85": "a\u2028b\r"})  # PyYAML reads these back as spaces unless they are quoted
def test_what_is_written_reads_back_the_same(value: Any) -> None:
    assert parse_yaml(dump_yaml({"x": value}), where="r") == {"x": value}
