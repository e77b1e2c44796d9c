"""The commands as a user meets them: real processes, bad input, Ctrl-C and kill -9."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from support.tiny_models import make_records
from tunewright.records.write import write_records

TUNE = ["--model", "scratch:tiny", "--batch-size", "4", "--epochs", "3"]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("data") / "items.jsonl"
    write_records(make_records(60), path)
    return path


def tunewright(*arguments: object, timeout: float = 120) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        _command(*arguments), capture_output=True, text=True, timeout=timeout, env=_environment()
    )


def start(*arguments: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        _command(*arguments), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=_environment()
    )


def _command(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "tunewright", *map(str, arguments)]


def _environment() -> dict[str, str]:
    return os.environ | {"OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1", "COLUMNS": "200"}


def error_of(*arguments: object) -> str:
    """The one sentence a failing command ends in."""
    done = tunewright(*arguments)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    lines = [line for line in done.stderr.splitlines() if line and not line.startswith("{")]
    assert lines[0].startswith("error: "), done.stderr
    return "\n".join(lines).removeprefix("error: ")


def wait_for(condition: object, process: subprocess.Popen[str], seconds: float = 60) -> None:
    assert callable(condition)
    deadline = time.monotonic() + seconds
    while not condition():
        assert process.poll() is None, process.communicate()[1]
        assert time.monotonic() < deadline, "the process did not get that far"
        time.sleep(0.02)


def test_tune_writes_a_model_losses_and_a_mask(data: Path, tmp_path: Path) -> None:
    done = tunewright("tune", data, "--out", tmp_path / "arm", "--holdout", 12, *TUNE)
    assert done.returncode == 0, done.stderr
    assert "48 rows trained on, 0 dropped" in done.stdout
    assert (tmp_path / "arm/model/model.safetensors").exists()
    assert (tmp_path / "arm/mask.html").read_text(encoding="utf-8").startswith("<!doctype html>")
    assert "epoch 3  heldout" in done.stdout
    events = [json.loads(line) for line in done.stderr.splitlines() if line.startswith("{")]
    assert {event["event"] for event in events} >= {"start", "advance", "finish"}


def test_held_out_files_of_one_name_are_refused_until_they_are_named(data: Path, tmp_path: Path) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        write_records(make_records(6, seed=ord(folder)), tmp_path / folder / "test.jsonl")
    files = [str(tmp_path / folder / "test.jsonl") for folder in ("a", "b")]
    arguments = ["tune", data, "--epochs", 1, "--out", tmp_path / "arm"]
    message = error_of(*arguments, "--heldout", files[0], "--heldout", files[1])
    assert "two held-out sets are called 'test'" in message
    done = tunewright(*arguments, "--heldout", files[0], "--heldout", f"other={files[1]}")
    assert "heldout" not in done.stdout
    assert "epoch 1  test " in done.stdout
    assert "epoch 1  other " in done.stdout


def test_a_kill_in_mid_training_loses_nothing(data: Path, tmp_path: Path) -> None:
    """kill -9 in epoch 2 of 3, the same command again: byte for byte the uninterrupted model."""
    arguments = ["tune", data, *TUNE, "--objective", "im"]
    assert tunewright(*arguments, "--out", tmp_path / "whole").returncode == 0
    process = start(*arguments, "--out", tmp_path / "cut")
    metrics = tmp_path / "cut/metrics.jsonl"
    wait_for(lambda: metrics.exists() and metrics.read_bytes().count(b"\n") >= 17, process)
    process.kill()
    process.communicate()
    assert not (tmp_path / "cut/manifest.json").exists()
    assert tunewright(*arguments, "--out", tmp_path / "cut").returncode == 0
    for name in ("model/model.safetensors", "metrics.jsonl", "losses/epoch-3.jsonl"):
        assert (tmp_path / "whole" / name).read_bytes() == (tmp_path / "cut" / name).read_bytes(), name
    assert json.loads((tmp_path / "cut/manifest.json").read_text())["resumed"] is True


def test_ctrl_c_ends_in_one_sentence_and_a_checkpoint(data: Path, tmp_path: Path) -> None:
    arguments = ["tune", data, *TUNE, "--epochs", 200, "--out", tmp_path / "arm"]
    process = start(*arguments)
    metrics = tmp_path / "arm/metrics.jsonl"
    wait_for(lambda: metrics.exists() and metrics.read_bytes().count(b"\n") >= 3, process)
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in stderr
    assert "interrupted; nothing finished is lost, the same command goes on from here" in stderr
    assert (tmp_path / "arm/checkpoint.safetensors").exists()


def test_a_second_process_on_the_same_folder_says_so(data: Path, tmp_path: Path) -> None:
    arguments = ["tune", data, *TUNE, "--epochs", 200, "--out", tmp_path / "arm"]
    process = start(*arguments)
    wait_for((tmp_path / "arm/stage.json").exists, process)
    try:
        assert "in use" in error_of(*arguments)
    finally:
        process.kill()
        process.communicate()


def test_other_settings_in_a_finished_folder_are_named(data: Path, tmp_path: Path) -> None:
    arguments = ["tune", data, "--model", "scratch:tiny", "--out", tmp_path / "arm"]
    assert tunewright(*arguments, "--epochs", 1).returncode == 0
    message = error_of(*arguments, "--epochs", 2)
    assert "epochs 1 → 2" in message
    assert "--again" in message


def test_mask_shows_roles_and_weights_and_writes_a_page(data: Path, tmp_path: Path) -> None:
    done = tunewright("mask", data, "--objective", "im", "--row", 3)
    assert done.returncode == 0, done.stderr
    assert "instruction 1" in done.stdout
    assert "header      0" in done.stdout
    assert tunewright("mask", data, "--html", tmp_path / "m.html").returncode == 0
    assert "Where the loss goes" in (tmp_path / "m.html").read_text(encoding="utf-8")
    assert "there is no record 61" in error_of("mask", data, "--row", 61)


def test_inspect_prints_lengths_ratio_and_advice(data: Path) -> None:
    done = tunewright("inspect", data)
    assert "60 records (" in done.stdout
    assert "Suggested objective: it" in done.stdout
    assert json.loads(tunewright("inspect", data, "--json").stdout)["summary"]["num_records"] == 60


BAD_FILES = {
    "empty": (b"", "is empty"),
    "pdf": (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n<<>>\nendobj\n", "PDF"),
    "null": (b'{"instruction": "a", "input": "", "output": null}\n', "output"),
    "foreign": (b'{"colour": "red", "size": 3}\n', "colour"),
    "broken": (b'{"instruction": "a", \n', ""),
}


@pytest.mark.parametrize("command", ["inspect", "tune"])
@pytest.mark.parametrize("kind", sorted(BAD_FILES))
def test_a_bad_file_ends_in_one_sentence(kind: str, command: str, tmp_path: Path) -> None:
    content, expected = BAD_FILES[kind]
    file = tmp_path / f"{kind}.jsonl"
    file.write_bytes(content)
    extra = ["--out", tmp_path / "arm"] if command == "tune" else []
    message = error_of(command, file, *extra)
    assert str(file) in message
    assert expected in message


def test_a_directory_and_a_missing_file_are_named(tmp_path: Path) -> None:
    assert str(tmp_path) in error_of("inspect", tmp_path)
    assert "nowhere.jsonl" in error_of("inspect", tmp_path / "nowhere.jsonl")


def test_a_broken_row_is_kept_with_its_place_and_the_rest_goes_on(tmp_path: Path) -> None:
    file = tmp_path / "items.jsonl"
    good = '{"instruction": "Say hi.", "output": "Hi."}\n'
    file.write_text(
        good + '{"instruction": "a", "output": null}\n' + good.replace("hi", "ho"), encoding="utf-8"
    )
    done = tunewright("tune", file, "--epochs", 1, "--out", tmp_path / "arm")
    assert done.returncode == 0, done.stderr
    reject = json.loads((tmp_path / "arm/rejects.jsonl").read_text(encoding="utf-8").splitlines()[0])
    assert (reject["line"], reject["field"]) == (2, "output")
    assert reject["reason"]


def test_a_model_folder_without_a_chat_template_says_how_to_name_one(data: Path, tmp_path: Path) -> None:
    assert tunewright("tune", data, "--epochs", 1, "--out", tmp_path / "arm").returncode == 0
    model = tmp_path / "arm/model"
    (model / "chat_template.jinja").unlink()
    message = error_of("tune", data, "--model", model, "--out", tmp_path / "next")
    assert "no chat template; name one with --chat-template" in message


def test_wrong_models_are_named(data: Path, tmp_path: Path) -> None:
    out = tmp_path / "arm"
    assert "scratch sizes are tiny, small" in error_of("tune", data, "--model", "scratch:huge", "--out", out)
    assert "does not exist" in error_of("tune", data, "--model", "./no/such/folder", "--out", out)
    (tmp_path / "folder").mkdir()
    assert "no config.json" in error_of("tune", data, "--model", tmp_path / "folder", "--out", out)
    assert "cannot be loaded" in error_of("tune", data, "--model", "nobody/nothing", "--out", out)


def test_a_misspelt_recipe_key_names_the_nearest(tmp_path: Path) -> None:
    recipe = tmp_path / "r.yaml"
    recipe.write_text("name: x\ngenerate: {n: 10}\ntune:\n  epohcs: 3\n", encoding="utf-8")
    message = error_of("run", recipe, "--out", tmp_path / "run")
    assert message == f"{recipe}:4: unknown key 'tune.epohcs'; did you mean 'tune.epochs'?"
    recipe.write_text("name: x\ngenerate: {n: 10}\narms:\n  it: {objectiv: it}\n", encoding="utf-8")
    assert "objective" in error_of("run", recipe, "--out", tmp_path / "run")


def test_a_full_disk_ends_in_one_sentence_and_the_same_command_goes_on(data: Path, tmp_path: Path) -> None:
    """A limit on file size stands in for a full disk: the checkpoint does not fit."""
    arguments = [
        *map(str, ("tune", data, "--model", "scratch:tiny", "--epochs", 1, "--out", tmp_path / "arm"))
    ]
    limited = (
        "import resource, signal, sys; signal.signal(signal.SIGXFSZ, signal.SIG_IGN);"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, resource.RLIM_INFINITY));"
        f"sys.argv = ['tunewright', *{arguments!r}];"
        "from tunewright.cli.main import main; main()"
    )
    full = subprocess.run([sys.executable, "-c", limited], capture_output=True, text=True, env=_environment())
    assert full.returncode == 1
    assert "Traceback" not in full.stderr
    assert "cannot be written" in full.stderr
    done = tunewright(*arguments)
    assert done.returncode == 0, done.stderr
    assert list((tmp_path / "arm").glob("*.tmp")) == []


@pytest.mark.parametrize("command", ["run", "generate", "inspect", "mask", "tune", "report", "evaluate"])
def test_every_command_has_help_with_an_example(command: str) -> None:
    done = tunewright(command, "--help")
    assert done.returncode == 0
    if command != "evaluate":
        assert f"Example: tunewright {command}" in " ".join(done.stdout.split())


@pytest.mark.slow
def test_a_kill_of_a_run_with_two_jobs_leaves_no_process_behind_and_goes_on(tmp_path: Path) -> None:
    """The workers end with their main process, give their folders back, and the same command goes on."""
    recipe = tmp_path / "r.yaml"
    recipe.write_text(
        "name: killed\ngenerate: {n: 80}\nholdout: 10\ntune: {epochs: 12, explanation: false}\n"
        "evaluate: {memorisation_prompts: 2, heldout_answers: 2}\n",
        encoding="utf-8",
    )
    arguments = ["run", recipe, "--jobs", 2]
    assert tunewright(*arguments, "--out", tmp_path / "whole", timeout=300).returncode == 0
    process = start(*arguments, "--out", tmp_path / "cut")
    logs = [tmp_path / "cut/tune" / arm / "metrics.jsonl" for arm in ("it-seed1", "im-seed1")]
    wait_for(lambda: all(log.exists() and log.read_bytes().count(b"\n") >= 12 for log in logs), process, 120)
    process.kill()
    process.communicate()  # returns when the workers, which share its pipes, have ended too
    done = tunewright(*arguments, "--out", tmp_path / "cut", timeout=300)
    assert done.returncode == 0, done.stderr
    for name in ("tune/im-seed1/model/model.safetensors", "evaluate/paired.json", "evaluate/answers.jsonl"):
        assert (tmp_path / "whole" / name).read_bytes() == (tmp_path / "cut" / name).read_bytes(), name
