"""A rating that is killed again and again ends with the same bytes, and repeats no finished call.

The model is random and runs in the process; what it says means nothing, that it is the same does.
"""

from __future__ import annotations

import contextlib
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import orjson
import pytest
from transformers import PreTrainedTokenizerFast

from llm.local_models import random_llama
from support.tiny_models import TEXTS
from tunewright.llm.journal import Journal
from tunewright.llm.reply import Reply
from tunewright.rate.rater import PROMPTS
from tunewright.tune.scratch import train_bpe
from tunewright.tune.templates import TULU

FILES = ["records.jsonl", "ratings.jsonl", "rejects.jsonl", "summary.json", "summary.html"]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random model whose tokenizer knows the words of the prompts, so that they are short."""
    prompts = [PROMPTS.text(name) for name in PROMPTS.names()]
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=train_bpe([*prompts, *TEXTS], vocabulary=2000),
        bos_token="<|bos|>",
        eos_token="<|end|>",
        chat_template=TULU,
    )
    return random_llama(tmp_path_factory.mktemp("model"), tokenizer, context=4096)


def write_data(path: Path, n: int) -> Path:
    """Records of many lengths, some twice, some empty, one broken."""
    words = [
        "the",
        "quick",
        "brown",
        "fox",
        "jumps",
        "over",
        "a",
        "lazy",
        "dog",
        "while",
        "你好",
        "waits",
        "🙂",
    ]
    with path.open("wb") as file:
        for i in range(n):
            text = " ".join(words[(i * k) % len(words)] for k in range(1, 3 + i % 17))
            row = {
                "instruction": f"Say it {i % (n // 2)}: {text}",
                "input": "",
                "output": text[::-1] * (i % 7 != 3),
            }
            file.write(orjson.dumps(row) + b"\n" if i != n // 3 else b'{"instruction": \n')
    return path


def command(data: Path, model: Path, out: Path) -> list[str]:
    words = [sys.executable, "-m", "tunewright", "rate", str(data), "--model", f"hf:{model}"]
    return [*words, "--max-tokens", "24", "--batch-size", "16", "--ask-again", "1", "--out", str(out)]


def run_killed(words: list[str], journal: Path, *, at_calls: list[int]) -> None:
    """Run the command and kill it each time so many more calls are finished (0: soon); then to its end."""
    environment = os.environ | {"OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}
    for num_calls in at_calls:
        before = count_calls(journal)
        process = subprocess.Popen(
            words, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        while process.poll() is None and count_calls(journal) < before + num_calls:
            time.sleep(0.02)
        time.sleep(random.uniform(0.0, 0.3))
        assert process.poll() is None, "it ended before it was killed: nothing was tested"
        process.send_signal(signal.SIGKILL)
        process.wait()
    done = subprocess.run(words, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def count_calls(journal: Path) -> int:
    if not journal.exists():
        return 0
    with contextlib.closing(sqlite3.connect(f"file:{journal}?mode=ro", uri=True)) as database:
        try:
            return int(database.execute("SELECT COUNT(*) FROM calls").fetchone()[0])
        except sqlite3.Error:  # the table is not there yet
            return 0


def texts(journal: Path) -> dict[str, str]:
    with Journal(journal) as opened:
        return {call.key: call.answer.text for call in opened.calls() if isinstance(call.answer, Reply)}


def compare(data: Path, model: Path, folder: Path, *, at_calls: list[int]) -> None:
    whole, parts = folder / "whole", folder / "parts"
    run_killed(command(data, model, whole), whole / "replies.sqlite", at_calls=[])
    run_killed(command(data, model, parts), parts / "replies.sqlite", at_calls=at_calls)
    for name in FILES:
        assert (parts / name).read_bytes() == (whole / name).read_bytes(), name
    assert texts(parts / "replies.sqlite") == texts(whole / "replies.sqlite")


def test_a_killed_rating_ends_with_the_same_bytes(tmp_path: Path, model: Path) -> None:
    compare(write_data(tmp_path / "data.jsonl", 56), model, tmp_path, at_calls=[16])


@pytest.mark.slow
def test_2000_records_killed_ten_times_end_with_the_same_bytes(tmp_path: Path, model: Path) -> None:
    data = write_data(tmp_path / "data.jsonl", 2000)
    dice = random.Random(5)
    compare(data, model, tmp_path, at_calls=[0, 1, *(dice.randrange(1, 300) for _ in range(8))])
