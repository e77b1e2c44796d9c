"""Adjudicating over HTTP: after the lock, by size, without anybody's name, first ratings kept."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from support.rated_studies import RATERS, SYSTEMS, full_study, owner, rating_queue
from support.review_page import PageClient, client_of, new_database, person
from tunewright.evaluate.study.folder import StudyFolder
from tunewright.evaluate.study.ratings import counting_ratings
from tunewright.review import studies
from tunewright.review.model import Queue, Role
from tunewright.review.store import ratings
from tunewright.review.store.database import Database

Study = tuple[Database, StudyFolder, Queue]

READINESS = {"ann": (4.0, 4.0, 1.0), "bob": (3.0, 4.0, 4.0), "eve": (3.0, 4.0, 1.0)}  # by system


def _rate_all(db: Database, folder: StudyFolder, queue: Queue) -> None:
    """Readiness as above: one step apart on the first system's answers, none, three steps on the last's.
    Gold and repeats get the same from all, so no disagreement is theirs."""
    key = json.loads(folder.key_path.read_text("utf-8"))["items"]
    for rater in RATERS:
        who = person(db, rater, Role.RATER)
        for row in folder.assignments[rater]:
            [code] = row["answers"]
            entry = key[row["item"]]
            place = SYSTEMS.index(entry["answers"][code]) if entry["kind"] == "main" else None
            readiness = 1.0 if place is None else READINESS[rater][place]
            values: dict[tuple[str, str], Any] = {
                ("validity", code): 1.0,
                ("readiness", code): readiness,
                ("explanation", code): 2.0,
            }
            if rater == "bob" and place == 2:
                values["comment", code] = "The <b>key</b> is right."
            ratings.rate(db, queue.id, row["item"], who, version=0, values=values, seconds=9.0)


@pytest.fixture
def study(tmp_path: Path) -> Study:
    db = new_database(tmp_path)
    folder = full_study(tmp_path / "study", num_prompts=2, overlap=3)
    queue = rating_queue(db, folder)
    _rate_all(db, folder, queue)
    return db, folder, queue


@pytest.fixture
def locked(study: Study) -> Study:
    studies.lock(study[0], study[2])
    return study


def _client(db: Database) -> PageClient:
    return client_of(db, owner(db))


def _addresses(html: str) -> list[str]:
    return re.findall(r'<th scope="row" dir="auto"><a href="([^"]+)"', html)


def test_before_the_lock_nobody_sees_a_disagreement(study: Study) -> None:
    db, folder, queue = study
    client = _client(db)
    page = client.get(f"/adjudicate/{queue.id}")
    assert "Adjudication begins when a lead locks the study" in page.text
    assert _addresses(page.text) == []
    item = next(iter(folder.items))
    assert client.get(f"/adjudicate/{queue.id}/{item}/readiness/1").status_code == 409
    assert client.submit(f"/adjudicate/{queue.id}/{item}/readiness/1", before="0").status_code == 409


def test_what_is_missing_is_counted_while_raters_are_at_work(tmp_path: Path) -> None:
    db = new_database(tmp_path)
    folder = full_study(tmp_path / "study", num_prompts=2, overlap=3)
    queue = rating_queue(db, folder)
    num = sum(map(len, folder.assignments.values()))
    assert f"{num} items are not rated yet" in _client(db).get(f"/adjudicate/{queue.id}").text


def test_disagreements_stand_furthest_apart_first(locked: Study) -> None:
    """Two prompts: two answers rated 1, 4, 1 and two rated 4, 3, 3; four agreed ones are left out."""
    db, _, queue = locked
    page = _client(db).get(f"/adjudicate/{queue.id}").text
    assert re.findall(r"\d steps? of \d", page) == ["3 steps of 3"] * 2 + ["1 step of 3"] * 2
    assert len(_addresses(page)) == 4
    assert page.count("Reject ×2, Ready as it is") == 2
    assert page.count("Minor edit ×2, Ready as it is") == 2


def test_no_page_names_a_system_or_a_rater(locked: Study) -> None:
    db, folder, queue = locked
    client = _client(db)
    addresses = _addresses(client.get(f"/adjudicate/{queue.id}").text)
    answers = [client.get(f"/adjudicate/{queue.id}")]
    answers += [client.get(address) for address in addresses]
    answers += [client.submit(address, **{_field(address): "1", "before": "0"}) for address in addresses]
    answers += [client.get(f"/adjudicate/{queue.id}"), client.get(addresses[0])]
    codes = {answer["answer"] for item in folder.items.values() for answer in item["answers"]}
    for answer in answers:
        said = f"{answer.headers}\n{answer.url}\n{answer.text}"
        assert not [word for word in (*SYSTEMS, *codes) if word in said]
        assert not re.search(rf"\b({'|'.join(RATERS)}|gold|repeat)\b", said)


def test_each_first_rating_is_shown_under_a_letter_drawn_anew_per_item(locked: Study) -> None:
    db, _, queue = locked
    client = _client(db)
    orders = set()
    for address in _addresses(client.get(f"/adjudicate/{queue.id}").text)[:2]:
        page = client.get(address).text
        said = re.findall(r'<th scope="row">(Rater [ABC])</th><td>([^<]+)', page)
        assert [letter for letter, _ in said] == ["Rater A", "Rater B", "Rater C"]
        assert sorted(value for _, value in said) == ["Ready as it is", "Reject", "Reject"]
        assert "The &lt;b&gt;key&lt;/b&gt; is right." in page
        orders.add(tuple(value for _, value in said))
    from tunewright.review.web.adjudicate_page import _drawn

    firsts = {_drawn(queue, f"item{number}", dict.fromkeys(RATERS))[0] for number in range(30)}
    assert firsts == set(RATERS)


def test_a_decision_stands_beside_the_first_ratings_in_database_and_folder(locked: Study) -> None:
    db, folder, queue = locked
    client = _client(db)
    before = sorted(map(repr, counting_ratings(folder)))
    addresses = _addresses(client.get(f"/adjudicate/{queue.id}").text)
    fields = {_field(addresses[0]): "3", "before": "0", "reason": "One key only."}
    done = client.submit(addresses[0], **fields)
    assert (done.status_code, done.headers["location"]) == (303, addresses[1])
    [row] = [json.loads(line) for line in folder.adjudications_path.read_text("utf-8").splitlines()]
    item = addresses[0].split("/")[3]
    [code] = [answer["answer"] for answer in folder.items[item]["answers"]]
    assert {**row, "time": ""} == {
        "item": item,
        "system": code,
        "question": "readiness",
        "value": 2.0,  # the third button: major edit
        "adjudicator": "olga",
        "reason": "One key only.",
        "time": "",
        "after_unblinding": False,
    }
    assert sorted(map(repr, counting_ratings(StudyFolder(folder.path)))) == before
    page = client.get(f"/adjudicate/{queue.id}").text
    assert "3 left to decide, 1 decided" in page
    assert _addresses(page) == [*addresses[1:], addresses[0]]


def test_the_last_decision_leads_back_to_the_list(locked: Study) -> None:
    db, _, queue = locked
    client = _client(db)
    addresses = _addresses(client.get(f"/adjudicate/{queue.id}").text)
    going = [
        client.submit(address, **{_field(address): "1", "before": "0"}).headers["location"]
        for address in addresses
    ]
    assert going == [*addresses[1:], f"/adjudicate/{queue.id}"]


def test_a_decision_on_what_somebody_decided_meanwhile_is_not_taken_unseen(locked: Study) -> None:
    db, folder, queue = locked
    first, second = _client(db), client_of(db, person(db, "oscar", Role.OWNER))
    address = _addresses(first.get(f"/adjudicate/{queue.id}").text)[0]
    field = _field(address)
    fields = {field: "1", "before": "0", "reason": "The key <is> right."}
    assert first.submit(address, **fields).status_code == 303
    late = second.submit(address, **{field: "4", "before": "0", "reason": "mine"})
    assert late.status_code == 409
    assert "somebody decided this one meanwhile, “Ready as it is”" in late.text
    assert "and wrote: The key &lt;is&gt; right." in late.text
    assert 'name="before" value="1"' in late.text
    assert ">\nmine</textarea>" in late.text
    assert second.submit(address, **{field: "4", "before": "1"}).status_code == 303
    values = [json.loads(line)["value"] for line in folder.adjudications_path.read_text("utf-8").splitlines()]
    assert values == [4.0, 1.0]  # both are kept


def test_a_decision_needs_a_choice(locked: Study) -> None:
    db, folder, queue = locked
    client = _client(db)
    address = _addresses(client.get(f"/adjudicate/{queue.id}").text)[0]
    answer = client.submit(address, before="0", reason="typed")
    assert answer.status_code == 422
    assert "Please answer this one." in answer.text
    assert ">\ntyped</textarea>" in answer.text
    assert not folder.adjudications_path.exists()


def test_only_owners_and_leads_adjudicate(locked: Study) -> None:
    db, _, queue = locked
    address = _addresses(_client(db).get(f"/adjudicate/{queue.id}").text)[0]
    for role in (Role.RATER, Role.EXPERT):
        client = client_of(db, person(db, f"a-{role}", role))
        assert client.get(f"/adjudicate/{queue.id}").status_code == 403
        assert client.get(address).status_code == 403
        assert client.submit(address, **{_field(address): "1", "before": "0"}).status_code == 403
    lead = client_of(db, person(db, "lea", Role.LEAD))
    assert lead.get(address).status_code == 200


def test_what_is_no_disagreement_is_not_there(locked: Study) -> None:
    db, folder, queue = locked
    client = _client(db)
    kinds = folder.kinds()
    gold = next(item for item, kind in kinds.items() if kind == "gold")
    for path in (f"{gold}/readiness/1", f"{gold}/readiness/9", "nonesuch/readiness/1", f"{gold}/comment/1"):
        assert client.get(f"/adjudicate/{queue.id}/{path}").status_code == 404
    assert client.get(f"/adjudicate/{queue.id + 1}").status_code == 404


def test_of_a_pair_the_opposite_verdicts_stand_before_a_tie(tmp_path: Path) -> None:
    db = new_database(tmp_path)
    folder = full_study(tmp_path / "study", num_prompts=2, overlap=2, raters=("ann", "bob"), pairwise=True)
    queue = rating_queue(db, folder)
    pairs = sorted(item for item, kind in folder.kinds().items() if kind == "main")
    for rater in folder.raters:
        who = person(db, rater, Role.RATER)
        for row in folder.assignments[rater]:
            codes = sorted(row["answers"])
            value = codes[0]
            if rater == "bob" and row["item"] == pairs[3]:
                value = codes[1]
            if rater == "bob" and row["item"] == pairs[0]:
                value = "tie"
            values = {("preference", ""): value, ("comment", ""): "The first one is longer."}
            ratings.rate(db, queue.id, row["item"], who, version=0, values=values, seconds=1.0)
    studies.lock(db, queue)
    client = _client(db)
    page = client.get(f"/adjudicate/{queue.id}").text
    assert [address.split("/")[3:] for address in _addresses(page)] == [
        [pairs[3], "preference", "0"],
        [pairs[0], "preference", "0"],
    ]
    assert page.index("opposite") < page.index("one sees no difference")
    decide = client.get(_addresses(page)[0]).text
    assert "First answer" in decide
    turned = sum(row["answers"] != _codes_of(folder, pairs[3]) for row in _rows_of(folder, pairs[3]))
    assert decide.count("Saw the two answers the other way round.") == turned


def _codes_of(folder: StudyFolder, item: str) -> list[str]:
    return [answer["answer"] for answer in folder.items[item]["answers"]]


def _rows_of(folder: StudyFolder, item: str) -> list[dict[str, Any]]:
    return [row for rows in folder.assignments.values() for row in rows if row["item"] == item]


def _field(address: str) -> str:
    question, place = address.split("/")[4:]
    return f"{question}.{place}"
