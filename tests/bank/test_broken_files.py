"""Files that others broke, by accident or on purpose: a reject or an error that says where, never a crash."""

from __future__ import annotations

import io
import random
import zipfile
from pathlib import Path

import pytest

from bank.questions import LETTER, NOTICE, ONE_OF_EACH
from tunewright.bank import packages
from tunewright.bank.formats import BANK_FORMATS
from tunewright.bank.question import Question
from tunewright.errors import DataError
from tunewright.records import Reject

AIKEN = """\
What is 1 + 1?
A. one
B) two
ANSWER: B

Key nowhere?
A. yes
B. no
ANSWER: C

No answer line?
A. yes
B. no

Fine?
A. yes
B. no
ANSWER: a

Cut off
"""


def read(name: str, path: Path) -> list[Question | Reject]:
    return list(BANK_FORMATS[name].read(path))


def put(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def test_aiken_blocks_that_break_are_rejects_with_their_lines(tmp_path: Path) -> None:
    found = read("aiken", put(tmp_path / "bank.txt", AIKEN))
    assert [one.key for one in found if isinstance(one, Question)] == [("B",), ("A",)]
    assert [(one.line, one.reason) for one in found if isinstance(one, Reject)] == [
        (6, "the answer 'C' points at none of A, B"),
        (11, "its options are not followed by an ANSWER line"),
        (20, "ends without an ANSWER line"),
    ]


def test_gift_blocks_that_break_are_rejects_with_their_lines(tmp_path: Path) -> None:
    text = "Good? {=a ~b}\n\nBad {=a\n\n// note\n::never closed {T}\n\nAlso good {=x}\n"
    found = read("gift", put(tmp_path / "bank.gift", text))
    assert [one.prompt for one in found if isinstance(one, Question)] == ["Good?", "Also good"]
    assert [one.line for one in found if isinstance(one, Reject)] == [3, 6]


def test_questions_of_a_kind_that_cannot_be_held_say_so(tmp_path: Path) -> None:
    text = (
        "<quiz><question type='category'><category><text>top/verbs</text></category></question>\n"
        "<question type='matching'><name><text>m</text></name></question>\n"
        "<question type='truefalse'><name><text>t</text></name>"
        "<questiontext format='html'><text><![CDATA[<p>Is it?</p>]]></text></questiontext>"
        "<answer fraction='100'><text>true</text></answer><answer fraction='0'><text>false</text></answer>"
        "</question></quiz>"
    )
    rejected, kept = read("moodle", put(tmp_path / "bank.xml", text))
    assert isinstance(rejected, Reject)
    assert (rejected.line, rejected.reason) == (
        2,
        "is a Moodle question of type 'matching', which no kind of question holds",
    )
    assert isinstance(kept, Question)
    assert (kept.prompt, kept.key, dict(kept.meta)) == ("Is it?", ("A",), {"category": "top/verbs"})


@pytest.mark.parametrize(
    ("name", "suffix", "text", "message"),
    [
        ("moodle", ".xml", "<quiz>\n<question>", r"bank\.xml:2: is not well-formed XML"),
        ("moodle", ".xml", "<rss/>", r"the root is <rss>, not <quiz>"),
        ("qti21", ".zip", "no zip", r"cannot be opened as a zip package"),
        ("h5p", ".h5p", "no zip", r"cannot be opened as a zip package"),
        ("csv", ".csv", "a,b\n1,2\n", r"has no column 'id'"),
    ],
)
def test_a_file_of_another_kind_is_an_error_that_names_it(
    name: str, suffix: str, text: str, message: str, tmp_path: Path
) -> None:
    with pytest.raises(DataError, match=message):
        read(name, put(tmp_path / f"bank{suffix}", text))


@pytest.mark.parametrize("name", ["gift", "aiken", "csv"])
def test_a_file_that_is_not_utf8_is_named_with_its_line(name: str, tmp_path: Path) -> None:
    path = tmp_path / "bank.txt"
    path.write_bytes(b"fine\ncaf\xe9\n")
    with pytest.raises(DataError, match=r"bank\.txt:2: is not UTF-8"):
        read(name, path)


def test_entities_are_neither_expanded_nor_fetched(tmp_path: Path) -> None:
    secret = put(tmp_path / "secret.txt", "the secret")
    text = f"<!DOCTYPE quiz [<!ENTITY x SYSTEM 'file://{secret}'>]><quiz><question type='essay'>"
    text += "<questiontext><text>&x;</text></questiontext></question></quiz>"
    with pytest.raises(DataError, match="document type declaration"):
        read("moodle", put(tmp_path / "bank.xml", text))


def package(path: Path, files: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return path


@pytest.mark.parametrize(
    "name", ["../out.xml", "/etc/out.xml", "a/../../out.xml", "a\\..\\out.xml", "C:/out.xml"]
)
def test_a_name_that_leads_out_of_a_package_is_refused(name: str, tmp_path: Path) -> None:
    path = package(tmp_path / "bank.zip", {"imsmanifest.xml": b"<manifest/>", name: b"x"})
    with pytest.raises(DataError, match="leads out of the package"):
        read("qti21", path)


def test_a_manifest_cannot_point_out_of_its_package(tmp_path: Path) -> None:
    manifest = b'<manifest><resource type="imsqti_item_xmlv2p1" href="../../secret.xml"/></manifest>'
    (found,) = read("qti21", package(tmp_path / "bank.zip", {"imsmanifest.xml": manifest}))
    assert isinstance(found, Reject)
    assert "leads out of the package" in found.reason


def test_a_zip_bomb_stops_at_the_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packages, "MAX_MEMBER_BYTES", 1000)
    path = package(tmp_path / "bank.zip", {"imsmanifest.xml": b" " * 1_000_000})
    with pytest.raises(DataError, match="unpacks to more than 1,000 bytes"):
        read("qti21", path)


def test_all_files_of_a_package_together_have_a_limit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "bank.zip"
    BANK_FORMATS["qti21"].write(ONE_OF_EACH, path)
    monkeypatch.setattr(packages, "MAX_TOTAL_BYTES", 4000)
    found = read("qti21", path)
    assert isinstance(found[0], Question)
    assert isinstance(found[-1], Reject)
    assert "zip bomb" in found[-1].reason


def test_a_damaged_item_is_a_reject_and_the_others_are_read(tmp_path: Path) -> None:
    path = tmp_path / "bank.zip"
    BANK_FORMATS["qti3"].write([NOTICE, LETTER], path)
    with zipfile.ZipFile(path) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    files["q-1.xml"] = files["q-1.xml"].replace(b"<qti-value>A<", b"<qti-value>Z<")
    first, second = read("qti3", package(tmp_path / "damaged.zip", files))
    assert isinstance(first, Reject)
    assert first.file.endswith("damaged.zip/q-1.xml")
    assert first.line == 0
    assert first.reason == "question 1: the key 'Z' points at no option"
    assert second == LETTER


def test_a_package_without_one_of_its_items_says_which(tmp_path: Path) -> None:
    path = tmp_path / "bank.zip"
    BANK_FORMATS["qti21"].write([NOTICE], path)
    with zipfile.ZipFile(path) as archive:
        files = {name: archive.read(name) for name in archive.namelist() if name != "q-1.xml"}
    (found,) = read("qti21", package(tmp_path / "short.zip", files))
    assert isinstance(found, Reject)
    assert "'q-1.xml' is not in the package" in found.reason


def test_every_cut_of_a_package_is_an_error_and_no_crash(tmp_path: Path) -> None:
    whole = io.BytesIO()
    BANK_FORMATS["qti21"].write([NOTICE], tmp_path / "bank.zip")
    whole.write((tmp_path / "bank.zip").read_bytes())
    for size in range(0, len(whole.getvalue()), 97):
        (tmp_path / "cut.zip").write_bytes(whole.getvalue()[:size])
        with pytest.raises(DataError):
            read("qti21", tmp_path / "cut.zip")


@pytest.mark.parametrize(
    ("method", "damage"),
    [
        (zipfile.ZIP_STORED, b"?"),
        (zipfile.ZIP_DEFLATED, b"\xff"),
        (zipfile.ZIP_BZIP2, b"\xff"),
        (zipfile.ZIP_LZMA, b"\xff"),
    ],
)
def test_a_damaged_member_cannot_be_unpacked_whatever_its_compression(
    method: int, damage: bytes, tmp_path: Path
) -> None:
    """Each compression has an error of its own: a wrong sum, zlib.error, OSError, LZMAError."""
    path = tmp_path / "bank.zip"
    with zipfile.ZipFile(path, "w", method) as archive:
        archive.writestr("a.xml", random.Random(0).randbytes(400))
    raw = path.read_bytes()
    begin = 30 + len("a.xml") + 9  # behind the local header and LZMA's properties
    path.write_bytes(raw[:begin] + damage * 12 + raw[begin + 12 :])
    with packages.open_package(path) as found, pytest.raises(DataError, match=r"'a\.xml' cannot be unpacked"):
        found.read("a.xml")


@pytest.mark.parametrize(("place", "value"), [(6, 1), (8, 99)])
def test_an_encrypted_member_or_one_of_an_unknown_compression_cannot_be_unpacked(
    place: int, value: int, tmp_path: Path
) -> None:
    path = package(tmp_path / "bank.zip", {"a.xml": b"<item/>"})
    raw = bytearray(path.read_bytes())
    raw[place] = raw[raw.index(b"PK\x01\x02") + place + 2] = value
    path.write_bytes(bytes(raw))
    with packages.open_package(path) as found, pytest.raises(DataError, match=r"'a\.xml' cannot be unpacked"):
        found.read("a.xml")
