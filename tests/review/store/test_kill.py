"""kill -9 in the middle of many saves: what was acknowledged is there, and the store goes on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from support.stores import person, queue_of
from tunewright.review.store.audit import events
from tunewright.review.store.database import Database
from tunewright.review.store.revisions import history
from tunewright.review.store.work import next_work

NUM_PEOPLE = 100
# Says "saved ITEM PERSON" on a line of its own, in one write, after a save has come back.
SAVER = """
import os, sys, threading
from tunewright.review.model import Decision, Person, Role
from tunewright.review.store.database import Database
from tunewright.review.store.revisions import save
from tunewright.review.store.work import next_work

db = Database.open(sys.argv[1])

def work(number):
    person = Person(number, f"p{number}", Role.EXPERT)
    while (mine := next_work(db, 1, person)) is not None:
        said = {"decision": Decision.EDIT, "texts": {"output": f"by {number}"}}
        save(db, mine.item.id, person, version=0, **said, seconds=1, seconds_open=1)
        os.write(1, f"saved {mine.item.id} {number}\\n".encode())

for number in range(1, int(sys.argv[2]) + 1):
    threading.Thread(target=work, args=(number,)).start()
"""


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_a_kill_in_the_middle_of_a_hundred_saves_loses_nothing_acknowledged(
    request: pytest.FixtureRequest, kind: str
) -> None:
    db: Database = request.getfixturevalue(f"{kind}_db")
    for number in range(1, NUM_PEOPLE + 1):
        person(db, f"p{number}")
    queue = queue_of(db, 4_000, overlap=2)
    url = db.engine.url.render_as_string(hide_password=False)
    # with 100 threads the pool of 50 connections has all of them waiting somewhere in a save
    command = [sys.executable, "-c", SAVER, url, str(NUM_PEOPLE)]
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=env) as process:
        assert process.stdout is not None
        said = [process.stdout.readline() for _ in range(60)]
        process.send_signal(signal.SIGKILL)
        said += process.stdout.readlines()
    assert process.returncode == -signal.SIGKILL
    acknowledged = [tuple(map(int, line.split()[1:])) for line in said if line.endswith(b"\n")]
    assert 60 <= len(acknowledged) < 8_000

    again = Database.open(url)
    for item_id, person_id in acknowledged:
        texts = [made.texts for made in history(again, item_id) if made.person_id == person_id]
        assert texts == [{"output": f"by {person_id}"}]
    saves = [event for event in events(again, after=NUM_PEOPLE) if event.action == "save"]
    assert len(acknowledged) <= len(saves) <= len(acknowledged) + NUM_PEOPLE
    if again.is_sqlite:
        with again.read() as connection:
            assert connection.exec_driver_sql("PRAGMA integrity_check").scalar() == "ok"
    newcomer = person(again, "newcomer")
    assert next_work(again, queue.id, newcomer) is not None
    again.close()
