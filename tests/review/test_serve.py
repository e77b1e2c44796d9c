"""Starting the page: who is kept out, whom the link is for, the server with one worker and with two."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from support.review_page import PASSWORD, PageClient, person
from tunewright.errors import DataError, RecipeError
from tunewright.review import serve as serving
from tunewright.review import workers
from tunewright.review.config import ReviewConfig, is_loopback
from tunewright.review.model import Role
from tunewright.review.serve import keep_strangers_out, link_person, serve, site_of
from tunewright.review.store import people
from tunewright.review.store.database import Database
from tunewright.review.web.app import create_app


@pytest.mark.parametrize(
    ("host", "is_ours"),
    [
        *(("127.0.0.1", True), ("127.8.8.8", True), ("::1", True), ("localhost", True)),
        *(
            ("0.0.0.0", False),
            ("::", False),
            ("192.168.1.7", False),
            ("localhost.example", False),
            ("", False),
        ),
    ],
)
def test_only_loopback_is_this_machine(host: str, is_ours: bool) -> None:
    assert is_loopback(host) is is_ours


@pytest.mark.parametrize(
    "where", [{"host": "0.0.0.0"}, {"host": "::"}, {"url": "https://review.example.org"}]
)
def test_others_may_come_only_when_a_lead_has_a_password(db: Database, where: dict[str, str]) -> None:
    config = ReviewConfig(db="here.sqlite", **where)
    person(db, "no-password", Role.LEAD)
    person(db, "no-lead", Role.OWNER, PASSWORD)
    person(db, "gone", Role.LEAD, PASSWORD)
    people.set_active(db, "gone", False)
    with pytest.raises(RecipeError, match=r"review users add NAME --role lead --db here\.sqlite"):
        keep_strangers_out(db, config)
    person(db, "lea", Role.LEAD, PASSWORD)
    keep_strangers_out(db, config)


def test_on_this_machine_no_account_is_needed(db: Database) -> None:
    keep_strangers_out(db, ReviewConfig())
    keep_strangers_out(db, ReviewConfig(host="::1", url="http://localhost:9000"))


def test_the_refusal_comes_before_the_port_is_open(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serving, "_listening", None)  # would raise TypeError
    with pytest.raises(RecipeError, match="no lead has a password"):
        serve(ReviewConfig(db=str(tmp_path / "r.sqlite"), host="0.0.0.0"), say=print)


def test_a_taken_port_is_said(tmp_path: Path) -> None:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(RecipeError, match=f"127.0.0.1:{port} cannot be used .*--port 0"):
            serve(ReviewConfig(db=str(tmp_path / "r.sqlite"), port=port), say=print)


@pytest.mark.parametrize(
    "settings",
    [
        {"host": "0.0.0.0"},
        {"runs": ("gone",)},
        {"data": "gone.jsonl"},
        {"data": "pairs.jsonl", "name": ""},
        {"data": "pairs.jsonl", "person": "nobody"},
        {"db": "gone/r.sqlite"},
    ],
)
def test_a_start_that_is_refused_leaves_nothing(
    settings: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("pairs.jsonl").write_text('{"id": "a", "instruction": "Ask.", "output": "Answer."}\n')
    said: list[str] = []
    with pytest.raises((RecipeError, DataError)):
        serve(
            ReviewConfig(**{"db": "r.sqlite", "port": 0, "open_browser": False, **settings}), say=said.append
        )
    assert [one.name for one in tmp_path.iterdir()] == ["pairs.jsonl"]
    assert said == []


def test_rows_that_cannot_be_read_and_repeated_ids_are_told_at_the_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = tmp_path / "pairs.jsonl"
    row = '{"id": "a", "instruction": "Ask.", "output": "Answer."}\n'
    data.write_text(row + '{"instruction": 7}\n' + row)
    monkeypatch.setattr(serving, "answer", lambda config, listener: None)
    said: list[str] = []
    for _ in range(2):
        serve(
            ReviewConfig(data=data, db=str(tmp_path / "r.sqlite"), port=0, open_browser=False),
            say=said.append,
        )
    first, second = said[: len(said) // 2], said[len(said) // 2 :]
    assert first[0] == f"{data}: imported as 'pairs', 2 items to revise"
    assert second[0] == f"{data}: is there already, queue 'pairs', 2 items to revise"
    assert first[1].startswith(f"{data}:2: ")
    assert first[2:4] == [
        f"{data}:3: the id 'a' is an earlier record's; kept as 'a~2'",
        "1 row left out, the rest is there",
    ]
    assert second[1:4] == first[1:4]


def test_no_line_of_the_start_holds_a_password() -> None:
    config = ReviewConfig(db="postgresql://ann:geheim@127.0.0.1:1/r", host="0.0.0.0", port=0)
    with pytest.raises(DataError) as caught:
        serve(config, say=print)
    assert "geheim" not in str(caught.value)


def test_https_makes_the_cookies_secure_and_names_the_host() -> None:
    site = site_of(ReviewConfig(url="https://review.example.org"))
    assert site.secure
    assert site.is_ours("review.example.org")
    assert site.is_ours("127.0.0.1:8377")  # who looks from this machine whether it runs
    assert not site_of(ReviewConfig()).secure
    assert not site_of(ReviewConfig()).is_ours("192.168.1.7")


@pytest.mark.parametrize("url", ["review.example.org", "ftp://x", "https://", "https://x.org/review"])
def test_a_url_that_is_no_origin_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="without a path"):
        ReviewConfig(url=url)


def test_the_first_link_makes_whoever_sits_here_a_lead(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("getpass.getuser", lambda: "maria")
    assert (link_person(db, None).name, link_person(db, None).role) == ("maria", Role.LEAD)
    person(db, "ann", Role.RATER)
    assert link_person(db, "ann").role is Role.RATER


def test_an_only_lead_gets_the_link_whatever_they_are_called_here(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("getpass.getuser", lambda: "root")
    person(db, "lea", Role.LEAD)
    assert link_person(db, None).name == "lea"
    person(db, "max", Role.LEAD)
    with pytest.raises(DataError, match="say who you are with --person: lea, max"):
        link_person(db, None)


@pytest.mark.parametrize("name", ["nobody", "gone"])
def test_a_link_for_nobody_is_refused(db: Database, name: str) -> None:
    person(db, "gone", Role.LEAD)
    people.set_active(db, "gone", False)
    with pytest.raises(DataError, match="nobody active is called so"):
        link_person(db, name)


@pytest.mark.parametrize("num_workers", [1, 2])
def test_the_command_serves_until_it_is_stopped(tmp_path: Path, num_workers: int) -> None:
    """From the printed link to the first page, then SIGINT: it ends by itself and says so."""
    data = tmp_path / "pairs.jsonl"
    data.write_text('{"id": "a", "instruction": "Ask.", "output": "Answer."}\n', encoding="utf-8")
    program = (
        "import sys\n"
        "from tunewright.review.config import ReviewConfig\n"
        "from tunewright.review.serve import serve\n"
        "if __name__ == '__main__':\n"
        "    config = ReviewConfig(data=sys.argv[1], db=sys.argv[2], port=0, workers=int(sys.argv[3]),\n"
        "                          open_browser=False)\n"
        "    serve(config, say=lambda line: print(line, flush=True))\n"
    )
    script = tmp_path / "start.py"
    script.write_text(program, encoding="utf-8")
    process = subprocess.Popen(
        [sys.executable, "-W", "error", script, data, tmp_path / "r.sqlite", str(num_workers)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        lines = [process.stdout.readline().strip() for _ in range(3)]
        if not lines[0]:
            pytest.fail(process.communicate()[1])
        assert lines[0] == f"{data}: imported as 'pairs', 1 item to revise"
        address, token = re.fullmatch(
            r"review page: (http://127\.0\.0\.1:\d+)/enter/(\S+)", lines[1]
        ).groups()  # type: ignore[union-attr]
        opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())
        entered = opener.open(f"{address}/enter/{token}", timeout=60).read().decode()
        secret = re.search('name="csrf" value="([^"]+)"', entered)[1]  # type: ignore[index]
        home = opener.open(f"{address}/enter", data=f"csrf={secret}".encode(), timeout=60).read().decode()
        assert "Start revising" in home
    finally:
        process.send_signal(signal.SIGINT)
        rest, complaints = process.communicate(timeout=60)
    assert rest.splitlines()[-1] == "stopped"
    assert (process.returncode, complaints) == (0, "")
    with pytest.raises(urllib.error.URLError):
        urllib.request.urlopen(address, timeout=5)


@pytest.mark.slow
def test_killed_workers_are_replaced_and_workers_end_with_a_killed_command(tmp_path: Path) -> None:
    script = tmp_path / "start.py"
    script.write_text(
        "import sys\n"
        "from tunewright.review.config import ReviewConfig\n"
        "from tunewright.review.serve import serve\n"
        "if __name__ == '__main__':\n"
        "    config = ReviewConfig(db=sys.argv[1], port=0, workers=2, open_browser=False)\n"
        "    serve(config, say=lambda line: print(line, flush=True))\n",
        encoding="utf-8",
    )
    process = subprocess.Popen(
        [sys.executable, script, tmp_path / "r.sqlite"], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    address = re.search(r"http://127\.0\.0\.1:\d+", process.stdout.readline())[0]  # type: ignore[index]
    assert urllib.request.urlopen(f"{address}/login", timeout=60).status == 200
    time.sleep(workers.TOO_SOON_SECONDS + 1)
    first = _workers(process.pid)
    assert len(first) == 2
    for worker in first:  # one after the other, as for want of memory
        subprocess.run(["kill", "-9", str(worker)], check=True)
        time.sleep(0.5)
    _wait_until(lambda: len(set(_workers(process.pid)) - set(first)) == 2)
    assert process.poll() is None
    assert urllib.request.urlopen(f"{address}/login", timeout=60).status == 200
    orphans = _workers(process.pid)
    process.kill()
    process.communicate()
    _wait_until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in orphans))


def _workers(parent: int) -> list[int]:
    """The processes of `parent` that answer; multiprocessing's own tracker is not one."""
    found = []
    for place in Path("/proc").glob("[0-9]*"):
        try:
            status = (place / "stat").read_text()
            command = (place / "cmdline").read_bytes()
        except OSError:
            continue
        if int(status.rpartition(")")[2].split()[1]) == parent and b"spawn_main" in command:
            found.append(int(place.name))
    return sorted(found)


def _wait_until(is_true) -> None:
    deadline = time.monotonic() + 30
    while not is_true():
        assert time.monotonic() < deadline, "waited 30 s"
        time.sleep(0.1)


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0", "10.0.0.5"])
@pytest.mark.parametrize(
    "asked", ["10.0.0.5", "203.0.113.9:8377", "[2001:db8::1]", "evil.example", "0.0.0.0"]
)
def test_with_a_url_the_page_answers_to_that_name_and_to_no_other(
    host: str, asked: str, db: Database
) -> None:
    site = site_of(ReviewConfig(url="https://review.example.org", host=host))
    client = PageClient(create_app(db, site=site))
    assert client.get("/login", headers={"host": asked}).status_code == 400
    assert client.get("/login", headers={"host": "review.example.org"}).status_code == 200
    assert client.get("/login", headers={"host": "localhost:8377"}).status_code == 200
    assert site_of(ReviewConfig(host=host)).is_ours(asked) is (
        host != "127.0.0.1" and asked != "evil.example"
    )


def test_two_databases_of_one_name_in_two_folders_have_cookies_of_their_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cookies = []
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        monkeypatch.chdir(tmp_path / name)
        here = site_of(ReviewConfig()).session_cookie
        whole = str(tmp_path / name / "review.sqlite")
        for same in (whole, f"sqlite:///{whole}", f"../{name}/review.sqlite"):
            assert site_of(ReviewConfig(db=same)).session_cookie == here
        cookies.append(here)
    assert cookies[0] != cookies[1]


def test_the_cookie_of_a_server_does_not_depend_on_its_password() -> None:
    one, two, other = (
        site_of(ReviewConfig(db=f"postgresql://ann{word}@db.example/{name}")).session_cookie
        for word, name in ((":one", "r"), ("", "r"), ("", "other"))
    )
    assert one == two != other
