"""The run folder: done, unfinished, somebody else's; one process at a time; kills."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunewright.errors import RunFolderError
from tunewright.run import Fingerprint, JsonlLog, RunFolder, is_done, move_aside, read_jsonl, read_manifest

SRC = Path(__file__).resolve().parents[2] / "src"
TUNE = Fingerprint(
    stage="tune",
    config={"epochs": 3, "lora": {"rank": 8}, "model": "m"},
    inputs={"train.jsonl": "aa", "dev.jsonl": "bb"},
)
CHANGED = Fingerprint(
    stage="tune",
    config={"epochs": 5, "lora": None, "model": "m"},
    inputs={"train.jsonl": "cc", "test.jsonl": "bb"},
)
DIGEST = "5ec9109dad3c37b38b79e51a91a71cad64479a975fe9af6c6b9c502e0d7c177d"
CHANGES = (
    "epochs 3 → 5; lora.rank 8 → (not set); lora (not set) → null; "
    "input train.jsonl has changed; input dev.jsonl is no longer used; input test.jsonl is new"
)


def finished(path: Path, fingerprint: Fingerprint = TUNE) -> Path:
    with RunFolder.open(path, fingerprint=fingerprint) as folder:
        folder.finish(versions={}, counts={"records": 2})
    return path


def refusal(path: Path, fingerprint: Fingerprint, **options: Any) -> str:
    with pytest.raises(RunFolderError) as caught:
        RunFolder.open(path, fingerprint=fingerprint, **options)
    return str(caught.value)


def test_a_new_folder_is_marked_at_once_and_done_with_its_manifest(tmp_path: Path) -> None:
    path = tmp_path / "runs" / "a"
    seconds = iter([10.0, 12.5])
    with RunFolder.open(path, fingerprint=TUNE, clock=lambda: next(seconds)) as folder:
        assert not folder.is_done
        assert not folder.is_resumed
        assert json.loads((path / "stage.json").read_text())["config"] == TUNE.config
        assert not is_done(path, TUNE)
        folder.finish(versions={"python": "3.11"}, counts={"records": 2}, extra={"template": "t"})
        assert folder.is_done
    manifest = read_manifest(path)
    assert manifest["finished"] >= manifest["created"]
    del manifest["finished"], manifest["created"]
    assert manifest == {
        "stage": "tune",
        "fingerprint": TUNE.digest,
        "config": TUNE.config,
        "inputs": TUNE.inputs,
        "counts": {"records": 2},
        "seconds": 2.5,
        "resumed": False,
        "versions": {"python": "3.11"},
        "extra": {"template": "t"},
    }
    assert sorted(p.name for p in path.iterdir()) == ["manifest.json", "stage.json"]


def test_the_same_settings_find_the_stage_done(tmp_path: Path) -> None:
    path = finished(tmp_path / "a")
    before = (path / "manifest.json").read_bytes()
    with RunFolder.open(path, fingerprint=TUNE) as one, RunFolder.open(path, fingerprint=TUNE) as two:
        assert one.is_done, "a done folder is only read: two may"
        assert two.is_done
    assert (path / "manifest.json").read_bytes() == before
    assert is_done(path, TUNE)
    assert not is_done(path, CHANGED)
    assert not is_done(tmp_path / "none", TUNE)


def test_an_unfinished_folder_is_resumed_and_keeps_its_beginning(tmp_path: Path) -> None:
    path = tmp_path / "a"
    RunFolder.open(path, fingerprint=TUNE).close()
    mark = json.loads((path / "stage.json").read_text())
    (path / "stage.json").write_text(json.dumps({**mark, "created": "2020-01-01T00:00:00+00:00"}))
    with RunFolder.open(path, fingerprint=TUNE) as folder:
        assert folder.is_resumed
        folder.finish(versions={}, counts={})
    assert read_manifest(path)["created"] == "2020-01-01T00:00:00+00:00"
    assert read_manifest(path)["resumed"] is True


def test_other_settings_are_refused_with_what_differs_and_what_to_do(tmp_path: Path) -> None:
    path = finished(tmp_path / "a")
    assert refusal(path, CHANGED) == (
        f"{path} holds a finished 'tune' run with other settings: {CHANGES}. Choose another --out, "
        "or add --again to move it aside to a.old-1 and start afresh"
    )
    (path / "manifest.json").unlink()
    (path / "metrics.jsonl").write_text("{}\n")
    assert refusal(path, CHANGED).startswith(f"{path} holds an unfinished 'tune' run with other settings: ")


def test_a_stage_that_failed_before_it_made_anything_does_not_bar_other_settings(tmp_path: Path) -> None:
    """A misspelt model name ends a stage at once; the corrected command must not need another folder."""
    RunFolder.open(tmp_path / "a", fingerprint=TUNE).close()
    with RunFolder.open(tmp_path / "a", fingerprint=CHANGED) as folder:
        assert not folder.is_resumed
        folder.finish(versions={}, counts={})
    assert read_manifest(tmp_path / "a")["fingerprint"] == CHANGED.digest


def test_many_differences_are_counted(tmp_path: Path) -> None:
    path = finished(tmp_path / "a", Fingerprint("rate", {f"k{n}": 0 for n in range(10)}))
    assert "; k7 0 → 1; and 2 more. Choose" in refusal(
        path, Fingerprint("rate", {f"k{n}": 1 for n in range(10)})
    )


def test_another_stage_is_refused_even_with_again(tmp_path: Path) -> None:
    path = finished(tmp_path / "a")
    for again in (False, True):
        assert refusal(path, Fingerprint("rate"), again=again) == (
            f"{path} holds a finished 'tune' run, not a 'rate' run; choose another --out"
        )


def test_again_moves_a_folder_with_other_settings_aside_each_time(tmp_path: Path) -> None:
    path = finished(tmp_path / "a")
    for fingerprint in (CHANGED, TUNE):
        with RunFolder.open(path, fingerprint=fingerprint, again=True) as folder:
            assert not folder.is_done
            assert not folder.is_resumed
            folder.finish(versions={}, counts={})
    assert is_done(tmp_path / "a.old-1", TUNE)
    assert is_done(tmp_path / "a.old-2", CHANGED)
    assert is_done(path, TUNE)
    assert not (tmp_path / "a.old-1" / ".lock").exists()


def test_again_leaves_a_finished_folder_with_the_same_settings(tmp_path: Path) -> None:
    """A recipe with one new arm, run with --again, must not train the others once more."""
    path = finished(tmp_path / "a")
    with RunFolder.open(path, fingerprint=TUNE, again=True) as folder:
        assert folder.is_done
    assert not (tmp_path / "a.old-1").exists()


def test_again_on_a_new_folder_is_no_matter(tmp_path: Path) -> None:
    with RunFolder.open(tmp_path / "a", fingerprint=TUNE, again=True) as folder:
        assert not folder.is_done


def test_again_works_in_the_current_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(finished(tmp_path / "a"))
    with RunFolder.open(".", fingerprint=CHANGED, again=True):
        assert is_done(tmp_path / "a.old-1", TUNE)
        assert (tmp_path / "a" / "stage.json").exists()


def test_a_folder_of_somebody_else_is_neither_filled_nor_moved(tmp_path: Path) -> None:
    for name in ("a.txt", "b.txt", "c.txt", "d.txt"):
        (tmp_path / name).write_text("mine")
    before = sorted(tmp_path.iterdir())
    expected = (
        f"{tmp_path} is not a run folder, it holds a.txt, b.txt, c.txt and 1 more; "
        "choose another --out or an empty folder"
    )
    assert refusal(tmp_path, TUNE) == expected
    assert refusal(tmp_path, TUNE, again=True) == expected
    with pytest.raises(RunFolderError, match="is not a run folder"):
        move_aside(tmp_path)
    assert sorted(tmp_path.iterdir()) == before


def test_another_programs_manifest_is_not_taken_for_ours(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "manifest.json").write_text('{"name": "a web app"}')
    expected = (
        f"{tmp_path}/a/manifest.json is not as Tunewright wrote it; restore it, delete the folder to run "
        "this stage again, or choose another --out"
    )
    assert refusal(tmp_path / "a", TUNE) == expected
    assert refusal(tmp_path / "a", TUNE, again=True) == expected
    with pytest.raises(RunFolderError, match="is not as Tunewright wrote it"):
        move_aside(tmp_path / "a")


def test_a_file_in_place_of_the_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("x")
    assert refusal(tmp_path / "a", TUNE) == f"{tmp_path}/a is a file, not a folder; choose another --out"
    assert refusal(tmp_path / "a" / "b", TUNE) == (
        f"cannot write {tmp_path}/a/b/.lock: Not a directory; mend that or choose another --out"
    )


def test_a_kill_before_the_mark_leaves_a_folder_that_counts_as_empty(tmp_path: Path) -> None:
    (tmp_path / ".lock").write_text("4711")
    (tmp_path / ".stage.json.4711.tmp").write_text('{"sta')
    with RunFolder.open(tmp_path, fingerprint=TUNE) as folder:
        assert not folder.is_resumed
    assert [p.name for p in tmp_path.iterdir()] == ["stage.json"]


def test_a_manifest_half_written_is_no_manifest(tmp_path: Path) -> None:
    RunFolder.open(tmp_path, fingerprint=TUNE).close()
    (tmp_path / ".manifest.json.4711.tmp").write_text('{"sta')
    with RunFolder.open(tmp_path, fingerprint=TUNE) as folder:
        assert folder.is_resumed
    assert [p.name for p in tmp_path.iterdir()] == ["stage.json"]


def test_a_folder_without_permission_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "open", refuse)
    assert refusal(tmp_path / "a", TUNE) == (
        f"no permission to write {tmp_path}/a/.lock: change the permissions or choose another --out"
    )


def test_a_full_disk_at_the_manifest_leaves_a_folder_to_resume(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with RunFolder.open(tmp_path, fingerprint=TUNE) as folder, monkeypatch.context() as patch:

        def full(*_: object) -> None:
            raise OSError(28, "No space left on device")

        patch.setattr(os, "replace", full)
        with pytest.raises(RunFolderError, match="no space left"):
            folder.finish(versions={}, counts={})
        assert not folder.is_done
    with RunFolder.open(tmp_path, fingerprint=TUNE) as folder:
        assert folder.is_resumed


def test_reading_a_manifest_that_is_not_there_says_what_is(tmp_path: Path) -> None:
    with pytest.raises(RunFolderError) as caught:
        read_manifest(tmp_path)
    assert str(caught.value) == f"{tmp_path} holds no run; check the path"
    RunFolder.open(tmp_path, fingerprint=TUNE).close()
    with pytest.raises(RunFolderError) as caught:
        read_manifest(tmp_path)
    assert str(caught.value) == (
        f"{tmp_path} holds a 'tune' run that is not finished; the command that began it resumes it"
    )


STAGE = """
import os, signal, sys
from tunewright.run import Fingerprint, JsonlLog, RunFolder
with RunFolder.open(sys.argv[1], fingerprint=Fingerprint("count")) as folder:
    with JsonlLog(folder.path / "records.jsonl") as log:
        print("ready", flush=True)
        for n in range(log.num_rows, int(sys.argv[2])):
            log.append({"n": n})
            if sys.argv[3] == f"die at {n}":
                os.kill(os.getpid(), signal.SIGKILL)
        log.sync()
    if sys.argv[3] == "wait":
        print("waiting", flush=True)
        sys.stdin.read()
    folder.finish(versions={}, counts={"records": int(sys.argv[2])})
"""


def stage(path: Path, num_rows: int, then: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", STAGE, str(path), str(num_rows), then],
        env={**os.environ, "PYTHONPATH": str(SRC)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def reap(process: subprocess.Popen[str]) -> None:
    process.communicate()


def test_a_second_process_is_told_who_holds_the_folder_and_a_kill_frees_it(tmp_path: Path) -> None:
    path = tmp_path / "a"
    holder = stage(path, 10, "wait")
    assert holder.stdout is not None
    assert [holder.stdout.readline(), holder.stdout.readline()] == ["ready\n", "waiting\n"]
    count = Fingerprint("count")
    expected = f"{path} is in use by process {holder.pid}; wait for it or choose another --out"
    assert refusal(path, count) == expected
    assert refusal(path, count, again=True) == expected
    with pytest.raises(RunFolderError, match="is in use by process"):
        move_aside(path)
    holder.send_signal(signal.SIGKILL)
    reap(holder)
    assert (path / ".lock").exists(), "the file stays after a kill; the lock on it does not"
    with RunFolder.open(path, fingerprint=count) as folder:
        assert folder.is_resumed
        assert [row["n"] for row in read_jsonl(path / "records.jsonl")] == list(range(10))


def test_a_stage_killed_again_and_again_ends_with_the_same_bytes(tmp_path: Path) -> None:
    reap(stage(tmp_path / "calm", 500, "finish"))
    records = tmp_path / "killed" / "records.jsonl"
    for last_row in (0, 123, 124, 498):
        process = stage(tmp_path / "killed", 500, f"die at {last_row}")
        reap(process)
        assert process.returncode == -signal.SIGKILL
        assert [row["n"] for row in read_jsonl(records)] == list(range(last_row + 1))
        assert not is_done(tmp_path / "killed", Fingerprint("count"))
    reap(stage(tmp_path / "killed", 500, "finish"))
    assert records.read_bytes() == (tmp_path / "calm" / "records.jsonl").read_bytes()
    assert is_done(tmp_path / "killed", Fingerprint("count"))


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


def shuffled(value: Any, dice: random.Random) -> Any:
    if isinstance(value, list):
        return [shuffled(inner, dice) for inner in value]
    if isinstance(value, dict):
        return {key: shuffled(value[key], dice) for key in dice.sample(list(value), len(value))}
    return value


@given(st.dictionaries(st.text(), _JSON), st.randoms(use_true_random=False))
def test_a_fingerprint_does_not_depend_on_the_order_of_keys(
    config: dict[str, Any], dice: random.Random
) -> None:
    one, other = Fingerprint("s", config), Fingerprint("s", shuffled(config, dice))
    assert one.digest == other.digest
    assert one.differences(other) == []


@given(st.dictionaries(st.text(), _JSON), st.dictionaries(st.text(), _JSON))
def test_another_fingerprint_always_has_a_difference_to_name(
    one: dict[str, Any], other: dict[str, Any]
) -> None:
    a, b = Fingerprint("s", one), Fingerprint("s", other)
    assert (a.digest != b.digest) == bool(a.differences(b))


def test_a_dotted_key_differs_from_a_nested_one() -> None:
    assert Fingerprint("s", {"a.b": 1}).differences(Fingerprint("s", {"a": {"b": 1}})) == [
        "a.b 1 → (not set)",
        "a.b (not set) → 1",
    ]


def test_the_fingerprint_is_the_hash_of_the_canonical_json() -> None:
    """printf '{"config":{"a":1,"b":[2.5]},"inputs":{"x":"00"},"stage":"s"}' | sha256sum"""
    assert Fingerprint("s", {"b": [2.5], "a": 1}, {"x": "00"}).digest == DIGEST
    assert Fingerprint("t", {"b": [2.5], "a": 1}, {"x": "00"}).digest != DIGEST


def test_a_killed_log_in_a_folder_is_mended_on_resume(tmp_path: Path) -> None:
    with RunFolder.open(tmp_path, fingerprint=TUNE) as folder, JsonlLog(folder.path / "r.jsonl") as log:
        log.append({"n": 0})
    with (tmp_path / "r.jsonl").open("ab") as file:
        file.write(b'{"n"')
    with RunFolder.open(tmp_path, fingerprint=TUNE) as folder, JsonlLog(folder.path / "r.jsonl") as log:
        assert folder.is_resumed
        assert log.num_rows == 1
