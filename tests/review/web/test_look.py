"""Looking up: what is found, one record's whole life, reports that can do no harm."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from support.review_page import PageClient, client_of, person
from tunewright.review.model import Arm, Decision, Finding, Person, Role
from tunewright.review.store import lead, outside, queues, revisions, work
from tunewright.review.store.database import Database
from tunewright.review.store.outside import Outside
from tunewright.review.store.queues import NewItem
from tunewright.review.web.app import create_app

HOSTILE = "<img src=x onerror=alert(1)>"


@pytest.fixture
def client(db: Database) -> PageClient:
    return client_of(db, person(db, "tom", Role.OWNER))


def item(number: int, **more: object) -> NewItem:
    texts = {"instruction": f"Name fruit {number}.", "output": "Apple."}
    return NewItem(f"key-{number}", texts, {**texts, "output": "An apple."}, **more)  # type: ignore[arg-type]


def save(
    db: Database, queue_id: int, who: Person, decision: Decision, output: str = "", reason: str = ""
) -> int:
    task = work.next_work(db, queue_id, who)
    assert task is not None
    shown = dict(task.item.draft or task.item.original)
    texts = shown | ({"output": output} if output else {})
    revisions.save(
        db,
        task.item.id,
        who,
        version=task.version,
        decision=decision,
        texts=texts,
        reason=reason,
        seconds=61.0,
        seconds_open=70.0,
    )
    return task.item.id


def test_records_are_found_by_text_person_decision_and_flag(db: Database, client: PageClient) -> None:
    queue = queues.add_revise_queue(db, "Spring", [item(number) for number in range(6)])
    ann = person(db, "ann", Role.EXPERT)
    save(db, queue.id, ann, Decision.EDIT, "A mango from Peru.")
    save(db, queue.id, ann, Decision.FLAG, reason="is it one?")
    assert found(client, "/look") == [0, 1, 2, 3, 4, 5]
    assert found(client, "/look?q=MANGO") == [0]
    assert found(client, "/look?q=key-3") == [3]
    assert found(client, "/look?person=ann") == [0, 1]
    assert found(client, "/look?person=ann&decision=edit") == [0]
    assert found(client, "/look?flagged=yes") == [1]
    assert found(client, "/look?status=open") == [2, 3, 4, 5]
    assert found(client, f"/look?queue={queue.id}&q=nothing") == []
    assert "Nothing was found" in client.get("/look?q=nothing").text


def found(client: PageClient, address: str) -> list[int]:
    text = client.get(address).text
    return [number for number in range(6) if f"<code>key-{number}</code>" in text]


def test_filters_that_name_nothing_known_are_left_out(db: Database, client: PageClient) -> None:
    queues.add_revise_queue(db, "Spring", [item(0)])
    for query in (
        "queue=99&person=nobody&decision=x&status=y",
        "from=-5",
        "from=x",
        "queue=%00",
        "person=%F0",
    ):
        assert found(client, f"/look?{query}") == [0], query


def test_long_lists_have_pages_that_keep_the_filters(db: Database, client: PageClient) -> None:
    queues.add_revise_queue(db, "Spring & more", [item(number) for number in range(120)])
    first = client.get("/look?q=fruit").text
    assert "1 to 50" in first
    assert 'href="/look?q=fruit&amp;from=50"' in first
    last = client.get("/look?q=fruit&from=100").text
    assert "101 to 120" in last
    assert 'rel="next"' not in last
    assert 'href="/look?q=fruit&amp;from=50"' in last


def test_what_is_searched_for_is_shown_as_text(db: Database, client: PageClient) -> None:
    queues.add_revise_queue(db, HOSTILE, [item(0)])
    page = client.get("/look", params={"q": f'"{HOSTILE}'}).text
    assert HOSTILE not in page
    assert "&lt;img src=x" in page


def test_a_life_is_told_from_the_import_over_each_persons_edit_to_the_owners_word(
    db: Database, client: PageClient
) -> None:
    boss = person(db, "mia", Role.LEAD)
    finding = Finding("output", "curt", "says one word only")
    queue = queues.add_revise_queue(
        db,
        "Spring",
        [item(0, findings=(finding,), draft_reason="kinder", lineage={"rating": 4})],
        overlap=2,
        by=boss,
    )
    ann, bob = person(db, "ann", Role.EXPERT), person(db, "bob", Role.EXPERT)
    id = save(db, queue.id, ann, Decision.EDIT, "An apple, say.", "[richness] too thin")
    again = work.work_on(db, id, ann)
    assert again is not None
    texts = {**item(0).original, "output": "An apple, for one."}
    revisions.save(
        db, id, ann, version=again.version, decision=Decision.EDIT, texts=texts, seconds=5.0, seconds_open=5.0
    )
    save(db, queue.id, bob, Decision.REJECT, reason=HOSTILE)
    lead.sample_for_owner(db, queue.id, 1.0, 7)
    tom = person(db, "tom", Role.OWNER)
    assert lead.owner_work(db, tom) is not None
    lead.owner_verdict(db, id, tom, False, "bob is right")
    page = client.get(f"/record/{id}").text
    told = [
        "imported by mia",
        "Name fruit 0.",
        "says one word only",
        "kinder",
        'Edited <span class="by">by ann</span>',
        "The response is thin</p>",
        "too thin",
        "Changes from the coach&#39;s draft:",
        "Changes from their version 1:",
        'Rejected <span class="by">by bob</span>',
        "The owner finds it not good",
        "bob is right",
    ]
    places = [page.find(words) for words in told]
    assert -1 not in places, told[places.index(-1)]
    assert places == sorted(places)
    assert HOSTILE not in page
    assert "[richness]" not in page
    assert "active time 1 min 01 s" in page
    assert "Name the folders of your runs" in page


def test_a_result_of_another_tool_is_told_as_its_experts(db: Database, client: PageClient) -> None:
    queues.add_revise_queue(db, "Spring", [item(0)])
    ann, boss = person(db, "ann", Role.EXPERT), person(db, "mia", Role.LEAD)
    texts = {**item(0).original, "output": "A ripe apple."}
    made = Outside(1, ann, Decision.EDIT, texts, "", None, 61.0, 61.0, shown_draft=True)
    list(outside.add_outside(db, [made], tool="potato", by=boss))
    page = client.get("/record/1").text
    assert 'Edited <span class="by">by ann</span>' in page
    assert "brought in from potato" in page
    assert "<del>An</del><ins>A ripe</ins> apple." in page


def test_a_draft_that_the_experiment_hides_is_hidden_here_until_the_queue_is_closed(
    db: Database, client: PageClient
) -> None:
    """An owner may work in the experiment too, and must not see what it withholds."""
    meta = {"revision": {"status": "revised", "proposal": {"output": "An apple."}}}
    queue = queues.add_revise_queue(
        db, "Spring", [item(number, meta=meta) for number in range(8)], experiment=True
    )
    ids = {Arm.WITH_DRAFT: 0, Arm.WITHOUT_DRAFT: 0}
    for number in range(1, 9):
        one = queues.item(db, number)
        assert one is not None and one.arm is not None  # noqa: PT018
        ids[one.arm] = number
    assert "An" in client.get(f"/record/{ids[Arm.WITH_DRAFT]}").text.split("Coach&#39;s draft")[-1]
    hidden = client.get(f"/record/{ids[Arm.WITHOUT_DRAFT]}").text
    assert "Hidden while the experiment is open" in hidden
    assert "<ins>" not in hidden
    queues.close_queue(db, queue.id)
    assert "Hidden" not in client.get(f"/record/{ids[Arm.WITHOUT_DRAFT]}").text


def test_very_long_texts_are_cut_and_said_to_be(db: Database, client: PageClient) -> None:
    long = {"instruction": "x" * 1_000_000, "output": "y\n" * 300_000}
    queues.add_revise_queue(db, "Long", [NewItem("k", long, {**long, "output": "z\n" * 300_000})])
    begun = time.perf_counter()
    page = client.get("/record/1")
    assert time.perf_counter() - begun < 5
    assert len(page.text) < 2_000_000
    assert "Only the first 20,000 characters are shown." in page.text


def test_a_record_that_is_not_there_is_said_to_be_missing(client: PageClient) -> None:
    assert client.get("/record/99").status_code == 404
    assert client.get("/record/x").status_code == 404


def runs(folder: Path) -> Path:
    """A finished check with a page that would like to do harm."""
    run = folder / "runs" / "check"
    run.mkdir(parents=True)
    manifest = {"stage": "check", "finished": "2026-11-20T22:35:14+00:00"}
    (run / "manifest.json").write_text(json.dumps(manifest), "utf-8")
    (run / "findings.jsonl").write_text(
        json.dumps({"id": "key-0", "findings": [{"detector": "d", "message": HOSTILE}]}) + "\n", "utf-8"
    )
    (run / "summary.html").write_text(f"<h1>Fine</h1><script>alert(1)</script>{HOSTILE}", "utf-8")
    return folder / "runs"


def test_reports_are_linked_by_digest_and_shown_in_a_sandbox(db: Database, tmp_path: Path) -> None:
    queues.add_revise_queue(db, "Spring", [item(0)])
    app = create_app(db, run_folders=[runs(tmp_path)])
    client = client_of(db, person(db, "tom", Role.OWNER), app=app)
    page = client.get("/look").text
    assert "runs/check/summary.html" in page
    assert str(tmp_path) not in page
    address = page.split('href="/look/report/')[1].split('"')[0]
    report = client.get(f"/look/report/{address}")
    policy = report.headers["content-security-policy"]
    assert policy.startswith("sandbox allow-popups; default-src 'none'")
    assert "allow-scripts" not in policy
    assert "allow-same-origin" not in policy
    assert report.headers["x-content-type-options"] == "nosniff"
    life = client.get("/record/1").text
    assert "Checked: 1 finding" in life
    assert HOSTILE not in life
    assert f"/look/report/{address}" in life


@pytest.mark.parametrize(
    "address",
    [
        "../../../etc/passwd",
        "..%2f..%2f..%2fetc%2fpasswd",
        "%2e%2e/summary.html",
        "runs/check/summary.html",
        "0" * 32,
    ],
)
def test_no_address_leads_to_a_file_that_was_not_found_in_the_folders(
    db: Database, tmp_path: Path, address: str
) -> None:
    app = create_app(db, run_folders=[runs(tmp_path)])
    client = client_of(db, person(db, "tom", Role.OWNER), app=app)
    response = client.get(f"/look/report/{address}")
    assert response.status_code == 404
    assert "root:" not in response.text
