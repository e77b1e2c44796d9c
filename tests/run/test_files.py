"""Files that survive kills and full disks."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunewright.errors import RunFolderError
from tunewright.run import JsonlLog, file_sha256, read_jsonl, write_json_atomic, write_text_atomic

SRC = Path(__file__).resolve().parents[2] / "src"


def rows(path: Path) -> list[dict[str, Any]]:
    return list(read_jsonl(path))


def fail_with(number: int) -> Any:
    def fail(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number))

    return fail


def test_a_log_grows_by_whole_lines_and_counts_them(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    with JsonlLog(path) as log:
        log.append({"a": "é"})
        log.append({"a": 2})
        assert path.read_bytes() == b'{"a":"\xc3\xa9"}\n{"a":2}\n', "every row is handed over at once"
    with JsonlLog(path) as log:
        assert log.num_rows == 2
        log.append({"a": 3})
        log.sync()
    assert [row["a"] for row in rows(path)] == ["é", 2, 3]


def test_a_torn_last_line_is_dropped_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'{"a":1}\n{"a":2}\n{"a":')
    assert rows(path) == [{"a": 1}, {"a": 2}], "a reader beside the writer leaves it out"
    with JsonlLog(path) as log:
        assert log.num_rows == 2
        log.append({"a": 3})
    assert path.read_bytes() == b'{"a":1}\n{"a":2}\n{"a":3}\n'


def test_a_last_row_that_lacks_only_its_newline_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'{"a":1}\n{"a":2}')
    assert rows(path) == [{"a": 1}, {"a": 2}]
    with JsonlLog(path) as log:
        log.append({"a": 3})
    assert path.read_bytes() == b'{"a":1}\n{"a":2}\n{"a":3}\n'


@given(
    st.lists(st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), st.integers(-9, 9))),
    st.data(),
)
def test_a_log_cut_anywhere_keeps_every_row_that_was_whole(
    tmp_path_factory: pytest.TempPathFactory, written: list[dict[str, int]], data: st.DataObject
) -> None:
    path = tmp_path_factory.mktemp("log") / "a.jsonl"
    with JsonlLog(path) as log:
        for row in written:
            log.append(row)
    whole = path.read_bytes()
    cut = data.draw(st.integers(0, len(whole)))
    path.write_bytes(whole[:cut])
    num_whole = whole[: cut + 1].count(b"\n")  # a row whole but for its newline counts
    with JsonlLog(path) as log:
        assert log.num_rows == num_whole
        for row in written[num_whole:]:
            log.append(row)
    assert path.read_bytes() == whole


def test_a_log_is_cut_back_to_a_checkpoint(tmp_path: Path) -> None:
    path = tmp_path / "m.jsonl"
    with JsonlLog(path) as log:
        for step in range(1, 6):
            log.append({"step": step})
        log.keep(2)
        assert log.num_rows == 2
        log.append({"step": 3})
        log.keep(3)
        assert [row["step"] for row in rows(path)] == [1, 2, 3]
        with pytest.raises(RunFolderError) as caught:
            log.keep(4)
    assert str(caught.value) == (
        f"{path} has 3 rows, but 4 were written before the checkpoint; "
        "restore the file or run the stage again with --again"
    )


def test_a_line_that_is_no_object_is_named(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    for broken in (b"{]", b"[1]"):
        path.write_bytes(b'{"a":1}\n' + broken + b'\n{"a":2}\n')
        with pytest.raises(RunFolderError) as caught:
            rows(path)
        assert str(caught.value) == (
            f"{path}:2: not a JSON object; the file was changed by another program, "
            "restore it or run the stage again with --again"
        )


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_a_full_disk_is_one_sentence_for_a_log(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.symlink_to("/dev/full")
    with JsonlLog(path) as log, pytest.raises(RunFolderError) as caught:
        log.append({"a": 1})
    assert str(caught.value) == (
        f"no space left in {tmp_path} for a.jsonl: free some or choose another --out; "
        "nothing finished is lost, the same command resumes"
    )


def test_a_row_half_written_to_a_full_disk_is_taken_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.jsonl"
    real_write, calls = os.write, []

    def short_write(descriptor: int, data: Any) -> int:
        calls.append(len(data))
        if len(calls) > 1:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return real_write(descriptor, data[:3])

    with JsonlLog(path) as log:
        log.append({"a": 1})
        with monkeypatch.context() as patch:
            patch.setattr(os, "write", short_write)
            with pytest.raises(RunFolderError, match="no space left"):
                log.append({"a": 2})
        assert calls == [8, 5]
        assert path.read_bytes() == b'{"a":1}\n'
        log.append({"a": 3})
        assert log.num_rows == 2
    assert path.read_bytes() == b'{"a":1}\n{"a":3}\n'


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        (
            errno.ENOSPC,
            "no space left in {folder} for a.json: free some or choose another --out; "
            "nothing finished is lost, the same command resumes",
        ),
        (
            errno.EDQUOT,
            "no space left in {folder} for a.json: free some or choose another --out; "
            "nothing finished is lost, the same command resumes",
        ),
        (errno.EROFS, "{folder} is read-only, a.json cannot be written: choose another --out"),
        (
            errno.EACCES,
            "no permission to write {folder}/a.json: change the permissions or choose another --out",
        ),
        (errno.EIO, "cannot write {folder}/a.json: Input/output error; mend that or choose another --out"),
    ],
)
@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_an_atomic_write_that_fails_says_why_and_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str, number: int, expected: str
) -> None:
    path = tmp_path / "a.json"
    write_json_atomic(path, {"a": 1})
    monkeypatch.setattr(os, call, fail_with(number))
    with pytest.raises(RunFolderError) as caught:
        write_json_atomic(path, {"a": 2})
    assert str(caught.value) == expected.format(folder=tmp_path)
    assert json.loads(path.read_text()) == {"a": 1}
    assert [p.name for p in tmp_path.iterdir()] == ["a.json"], "no temporary file stays"


def test_the_text_is_on_disk_before_its_name_and_the_name_before_the_return(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[str] = []
    real_fsync, real_replace = os.fsync, os.replace

    def fsync(descriptor: int) -> None:
        calls.append("fsync")
        real_fsync(descriptor)

    def replace(old: Path, new: Path) -> None:
        calls.append("replace")
        real_replace(old, new)

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(os, "replace", replace)
    write_text_atomic(tmp_path / "a", "é")
    assert calls == ["fsync", "replace", "fsync"]
    assert (tmp_path / "a").read_bytes() == b"\xc3\xa9"


def test_json_has_no_nan(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json_atomic(tmp_path / "a", float("nan"))
    assert list(tmp_path.iterdir()) == []


def test_a_file_hash_is_that_of_sha256sum(tmp_path: Path) -> None:
    (tmp_path / "abc").write_bytes(b"abc")  # the example in FIPS 180-4
    assert file_sha256(tmp_path / "abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


WRITER = """
import sys
from tunewright.run.files import JsonlLog
log = JsonlLog(sys.argv[1])
n = log.num_rows
while True:
    log.append({"n": n, "text": "x" * (n % 5000)})
    n += 1
    print(n, flush=True)  # the promise: n rows were appended
"""


def test_a_writer_killed_at_any_moment_loses_no_row_it_had_appended(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    for kill_after in (1, 40, 300):
        writer = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(path)],
            env={**os.environ, "PYTHONPATH": str(SRC)},
            stdout=subprocess.PIPE,
            text=True,
        )
        assert writer.stdout is not None
        for _ in range(kill_after):
            promised = int(writer.stdout.readline())
        writer.send_signal(signal.SIGKILL)
        rest = writer.stdout.read().splitlines(keepends=True)
        promised = max([promised, *(int(line) for line in rest if line.endswith("\n"))])
        writer.stdout.close()
        writer.wait()
        with path.open("ab") as file:
            file.write(
                b'{"n": 12, "te'
            )  # a kill inside write(2) is too rare to wait for: tear a line by hand
        with JsonlLog(path) as log:
            assert log.num_rows >= promised
        assert [row["n"] for row in rows(path)] == list(range(log.num_rows))
