"""The journal keeps every finished call, and nothing twice."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from tunewright.errors import RunFolderError
from tunewright.llm.journal import Journal, Spent
from tunewright.llm.reply import Refused, Reply, TokenLogprob, Usage
from tunewright.llm.request import Message, Request

REQUEST = Request(messages=(Message("user", "Wie heißt du? 你好"),), subject="row 1")
REPLY = Reply(
    "Ich heiße …", "stop", Usage(12, 5), 0.25, raw='{"x": 1}', model="m",
    logprobs=(TokenLogprob("Ich", -0.5, (("Ich", -0.5), ("Mein", -1.5))), TokenLogprob("…", 0.0)),
)  # fmt: skip


def test_a_reply_comes_back_as_it_was(tmp_path: Path) -> None:
    with Journal(tmp_path / "j.sqlite") as journal:
        journal.put([("k", "m", REQUEST, REPLY)])
        assert journal.get("k") == REPLY
        assert journal.get("other") is None
        (call,) = journal.calls()
    assert (call.number, call.key, call.model, call.request, call.answer) == (1, "k", "m", REQUEST, REPLY)
    assert call.request.subject == "row 1"


def test_a_refusal_is_finished_too(tmp_path: Path) -> None:
    with Journal(tmp_path / "j.sqlite") as journal:
        journal.put([("k", "m", REQUEST, Refused("too long", "raw"))])
        assert journal.get("k") == Refused("too long", "raw")
        assert journal.spent() == Spent(1, 0, 0)


def test_the_first_answer_of_a_key_stays(tmp_path: Path) -> None:
    with Journal(tmp_path / "j.sqlite") as journal:
        journal.put([("k", "m", REQUEST, REPLY)])
        journal.put([("k", "m", REQUEST, Refused("later")), ("l", "m", REQUEST, REPLY)])
        assert journal.get("k") == REPLY
        assert journal.spent() == Spent(2, 24, 10)


def test_a_batch_is_kept_whole_or_not_at_all(tmp_path: Path) -> None:
    with Journal(tmp_path / "j.sqlite") as journal:
        with pytest.raises(AttributeError):
            journal.put([("k", "m", REQUEST, REPLY), ("l", "m", REQUEST, None)])  # type: ignore[list-item]
        assert journal.get("k") is None
        journal.put([("k", "m", REQUEST, REPLY)])
        assert journal.get("k") == REPLY


@pytest.mark.parametrize(
    ("text", "count"),
    [("", 2), ("heißt", 1), ("你好", 1), ("heiße", 1), ("row 1", 1), ("xyz", 0), ("nope", 1)],
)
def test_calls_are_found_by_what_people_see_in_them(tmp_path: Path, text: str, count: int) -> None:
    plain = Request(messages=(Message("user", "plain"),))
    with Journal(tmp_path / "j.sqlite") as journal:
        journal.put([("k", "m", REQUEST, REPLY), ("l", "m", plain, Refused("nope"))])
        assert len(list(journal.calls(containing=text))) == count


def test_lone_surrogates_are_kept(tmp_path: Path) -> None:
    request = Request(messages=(Message("user", "\udc80"),))
    with Journal(tmp_path / "j.sqlite") as journal:
        journal.put([("k", "m", request, REPLY)])
        assert next(journal.calls()).request == request


def test_another_file_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "j.sqlite"
    path.write_text("not a database, but long enough to be taken for one" * 50)
    before = path.read_bytes()
    with pytest.raises(RunFolderError, match=r"j\.sqlite cannot be used as a journal"):
        Journal(path)
    assert path.read_bytes() == before


def test_a_journal_of_another_version_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "j.sqlite"
    with Journal(path) as journal:
        journal.set_fact("format", "99")
    with pytest.raises(RunFolderError, match="format 99, this one reads 1"):
        Journal(path)


def test_reading_does_not_make_a_journal(tmp_path: Path) -> None:
    with pytest.raises(RunFolderError, match="no model was asked there"):
        Journal(tmp_path / "none.sqlite", read_only=True)
    assert not (tmp_path / "none.sqlite").exists()


def test_a_kill_loses_nothing_that_was_put(tmp_path: Path) -> None:
    """Law: every put that came back is there after kill -9."""
    script = textwrap.dedent("""
        import sys
        from tunewright.llm.journal import Journal
        from tunewright.llm.reply import Reply, Usage
        from tunewright.llm.request import Message, Request
        journal = Journal(sys.argv[1])
        number = 0
        while True:
            journal.put([(f"{number}-{i}", "m", Request((Message("user", str(number)),)),
                          Reply("x" * 500, "stop", Usage(1, 1), 0.0)) for i in range(4)])
            print(number, flush=True)
            number += 1
    """)
    process = subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path / "j.sqlite")], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    lines = [process.stdout.readline() for _ in range(50)]
    os.kill(process.pid, signal.SIGKILL)
    lines += process.stdout.readlines()
    process.stdout.close()
    process.wait()
    said = int([line for line in lines if line.endswith("\n")][-1])
    with Journal(tmp_path / "j.sqlite") as journal:
        assert all(journal.get(f"{n}-{i}") is not None for n in range(said + 1) for i in range(4))
        assert journal.spent().num_calls % 4 == 0
    with sqlite3.connect(tmp_path / "j.sqlite") as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    database.close()
