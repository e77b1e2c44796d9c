"""The lead's pages: numbers as in the store, studies that open only after the lock, people who stay apart."""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from support.review_page import PageClient, cheap_hashes, client_of, new_database, person
from support.studies import SYSTEMS, study
from tunewright.evaluate.study.lock import lock_study
from tunewright.evaluate.study.results import study_results
from tunewright.rate.agreement import measure_agreement, rating_table
from tunewright.review import studies
from tunewright.review.model import Arm, Decision, Person, Queue, Role
from tunewright.review.store import lead, overview, people, queues, ratings, revisions, sessions, work
from tunewright.review.store.database import Database
from tunewright.review.store.overview import DAY, Totals
from tunewright.review.store.queues import NewItem
from tunewright.review.web.experiment_page import experiment
from tunewright.review.web.lead_pages import forecast
from tunewright.review.web.live_agreement import agreements
from tunewright.review.web.people_page import PeoplePage

HOSTILE = "<script>alert(1)</script>"


@pytest.fixture
def boss(db: Database) -> Person:
    return person(db, "mia", Role.LEAD)


@pytest.fixture
def client(db: Database, boss: Person) -> PageClient:
    return client_of(db, boss)


def pairs(num: int, *, name: str = "", draft: bool = True) -> list[NewItem]:
    return [
        NewItem(
            f"{name}k{number}",
            {"instruction": f"Name fruit {number}.", "output": "Apple."},
            {"instruction": f"Name fruit {number}.", "output": "An apple."} if draft else None,
        )
        for number in range(num)
    ]


def finish(
    db: Database,
    queue: Queue,
    who: Person,
    num: int,
    *,
    decision: Decision = Decision.ACCEPT,
    seconds: Callable[[Arm | None], float] = lambda _: 60.0,
) -> None:
    for _ in range(num):
        task = work.next_work(db, queue.id, who)
        assert task is not None
        shown = task.item.draft or task.item.original
        item = queues.item(db, task.item.id)
        assert item is not None
        took = seconds(item.arm)
        revisions.save(
            db,
            item.id,
            who,
            version=task.version,
            decision=decision,
            texts=shown,
            seconds=took,
            seconds_open=took,
        )


def test_the_list_shows_how_far_each_queue_is(db: Database, client: PageClient) -> None:
    first = queues.add_revise_queue(db, "Spring set", pairs(4))
    queues.add_revise_queue(db, f"Hostile {HOSTILE}", pairs(2, name="h"), overlap=3)
    finish(db, first, person(db, "ann", Role.EXPERT), 3)
    text = client.get("/lead").text
    assert "3 of 4" in text
    assert "0 of 6" in text
    assert HOSTILE not in text
    assert "&lt;script&gt;" in text


def test_totals_count_places_what_is_in_hand_and_what_was_said(db: Database) -> None:
    queue = queues.add_revise_queue(db, "q", pairs(5), overlap=2)
    ann, bob = person(db, "ann", Role.EXPERT), person(db, "bob", Role.EXPERT)
    finish(db, queue, ann, 2)
    finish(db, queue, ann, 1, decision=Decision.FLAG)
    finish(db, queue, bob, 1, decision=Decision.SKIP)
    work.next_work(db, queue.id, bob)
    assert overview.totals(db)[queue.id] == Totals(
        num_places=10, num_done=3, num_held=1, num_flagged=1, num_skipped=1
    )


def test_a_queue_counts_the_revisions_that_are_wanted(db: Database, client: PageClient) -> None:
    queue = queues.add_revise_queue(db, "q", pairs(5), overlap=2)
    finish(db, queue, person(db, "ann", Role.EXPERT), 2)
    assert "of 10 revisions done" in client.get(f"/lead/{queue.id}").text
    assert "100 items for two people each are 200 revisions" in client.get("/lead").text


def test_the_expected_end_takes_the_days_since_the_first_work_of_the_week() -> None:
    found = forecast([0] * 11 + [6, 0, 3], left=9, now=1000.0)
    assert found is not None
    assert found.per_day == 3.0  # 9 in 3 days
    assert found.ends == 1000 + 3 * DAY
    assert forecast([0] * 14, left=9, now=1000.0) is None
    assert forecast([5] * 14, left=0, now=1000.0) is None


def test_finished_items_are_counted_by_day(tmp_path: Path) -> None:
    now = [1_000_000_000.0]
    db = new_database(tmp_path, clock=lambda: now[0])
    queue = queues.add_revise_queue(db, "q", pairs(9))
    ann = person(db, "ann", Role.EXPERT)
    finish(db, queue, ann, 4)
    now[0] += 2.5 * DAY
    finish(db, queue, ann, 1)
    finish(db, queue, ann, 1, decision=Decision.SKIP)
    assert overview.finished_per_day(db, queue.id, num_days=4) == [0, 4, 0, 1]
    db.close()


def test_a_queue_is_closed_and_opened(db: Database, client: PageClient) -> None:
    queue = queues.add_revise_queue(db, "q", pairs(2))
    assert client.submit(f"/lead/{queue.id}/close").headers["location"] == f"/lead/{queue.id}?said=closed"
    assert work.next_work(db, queue.id, person(db, "ann", Role.EXPERT)) is None
    assert "nothing more is given out" in client.get(f"/lead/{queue.id}?said=closed").text
    client.submit(f"/lead/{queue.id}/open")
    assert work.next_work(db, queue.id, person(db, "ann", Role.EXPERT)) is not None


def test_the_experiment_page_shows_the_known_saving(db: Database, client: PageClient) -> None:
    """Five people of different speed; with the draft everything takes 18 % less. The interval holds 18 %."""
    queue = queues.add_revise_queue(db, "q", pairs(120), experiment=True)
    rng = np.random.default_rng(1)
    for number, name in enumerate(("ann", "bob", "cem", "dai", "eva")):
        speed = 100.0 * (number + 1)
        finish(
            db,
            queue,
            person(db, name, Role.EXPERT),
            24,
            seconds=lambda arm, speed=speed: (
                speed * math.exp(rng.normal(0, 0.4)) * (0.82 if arm is Arm.WITH_DRAFT else 1.0)
            ),
        )
    found = experiment(db, queue)
    assert found.saving is not None
    assert (found.saving.num_people, found.saving.num_pairs) == (5, 120)
    assert found.saving.interval.low < 0.18 < found.saving.interval.high
    assert [arm.num_finished for arm in found.arms] == [60, 60]
    # accepted as shown: "Apple." became "An apple." with the draft (a word more and one changed)
    assert [arm.mean_words for arm in found.arms] == [2, 0]
    assert [arm.mean_typed_words for arm in found.arms] == [0, 0]
    text = client.get(f"/lead/{queue.id}/experiment").text.replace("\u00a0", " ").replace("\u2060", "")
    assert f"a pair took {100 * found.saving.share:.0f} % less active time" in text
    assert "Published: 15–20 %." in text
    assert "5 people, 120 pairs" in text


def test_all_visits_to_a_pair_count_and_given_up_ones_too(db: Database) -> None:
    queue = queues.add_revise_queue(db, "q", pairs(4), experiment=True)
    ann = person(db, "ann", Role.EXPERT)
    finish(db, queue, ann, 1, seconds=lambda _: 100.0)
    [(item, revision)] = revisions.revisions(db, queue.id)
    revisions.save(
        db,
        item.id,
        ann,
        version=revision.version,
        decision=Decision.EDIT,
        texts={**revision.texts, "output": "A pear."},
        seconds=3.0,
        seconds_open=3.0,
    )
    finish(db, queue, ann, 1, decision=Decision.SKIP, seconds=lambda _: 40.0)
    found = experiment(db, queue)
    assert sum(arm.hours for arm in found.arms) * 3600 == pytest.approx(143.0)
    assert sum(arm.num_skipped for arm in found.arms) == 1
    assert sum(arm.num_finished for arm in found.arms) == 1


def test_the_owner_sees_a_sample_without_names_and_the_lead_the_shares(
    db: Database, client: PageClient
) -> None:
    queue = queues.add_revise_queue(db, "q", pairs(10))
    finish(db, queue, person(db, "ann-the-expert", Role.EXPERT), 6)
    finish(db, queue, person(db, "bob-the-expert", Role.EXPERT), 4)
    assert client.submit(f"/lead/{queue.id}/sample", percent="100").status_code == 303
    owner = client_of(db, person(db, "tom", Role.OWNER))
    for number in range(5):
        text = owner.get("/owner").text
        assert "the-expert" not in text
        assert "<ins>" in text  # what the draft added
        [item] = set(re.findall(r'action="/owner/(\d+)"', text))
        [seen] = re.findall(r'name="seen" value="(\w+)"', text)
        if number == 0:
            refused = owner.submit(f"/owner/{item}", verdict="bad", seen=seen)
            assert refused.status_code == 422
            assert "Say in a sentence what is wrong" in refused.text
            owner.submit(f"/owner/{item}", verdict="bad", reason=f"wrong {HOSTILE}", seen=seen)
        else:
            owner.submit(f"/owner/{item}", verdict="good", seen=seen)
    found = {one.expert: one for one in overview.sampled_by_expert(db, queue.id)}
    assert sum(one.num_drawn for one in found.values()) == 10
    assert sum(one.num_seen for one in found.values()) == 5
    assert sum(one.num_good for one in found.values()) == 4
    assert found["ann-the-expert"].num_drawn == 6
    # items come in order: ann's first five were looked at, four of them good; Wilson gives 38 to 96 %
    text = client.get(f"/lead/{queue.id}").text
    assert "80 %" in text
    assert "38–96 %" in text


@pytest.mark.parametrize("percent", ["", "many", "-1", "101", "nan", "inf"])
def test_a_share_that_is_none_draws_nothing(db: Database, client: PageClient, percent: str) -> None:
    queue = queues.add_revise_queue(db, "q", pairs(2))
    finish(db, queue, person(db, "ann", Role.EXPERT), 2)
    assert client.submit(f"/lead/{queue.id}/sample", percent=percent).status_code == 422
    assert lead.verdicts(db, queue.id) == []


def rate_everything(db: Database, queue: Queue, *, leave: int = 0) -> None:
    """Raters agree mostly: the answer's code decides, and eve always takes the highest."""
    asked = ratings.questions(db, queue.id).questions
    for name in ("ann", "bob", "eve"):
        rater = person(db, name, Role.RATER)
        done, total, _ = ratings.tasks_of(db, queue.id, rater)
        for _ in range(total - done - leave):
            task = ratings.next_task(db, queue.id, rater)
            assert task is not None
            values = {
                (one.id, code): one.scale()[-1 if name == "eve" else sum(map(ord, code)) % len(one.scale())]
                for one in asked
                if one.kind == "choice"
                for code, _ in task.answers
            }
            ratings.rate(
                db, queue.id, task.item, rater, version=task.version, values=values, comment="", seconds=20.0
            )


def test_agreement_is_live_and_equals_that_of_the_results(
    db: Database, client: PageClient, boss: Person, tmp_path: Path
) -> None:
    """Shown before the lock and without the key; the results, which know the systems, say the same."""
    folder = study(tmp_path / "study", num_gold=2, repeat=0.2)
    queue = studies.add_study(db, folder, by=boss)
    assert {one.problem for one in agreements(db, queue.id)} == {"Nothing has been rated yet."}
    rate_everything(db, queue, leave=1)
    assert folder.times_opened() == []
    page = client.get(f"/lead/{queue.id}").text
    assert "Krippendorff&#39;s alpha" in page
    assert not any(system in page for system in SYSTEMS)
    assert folder.times_opened() == []
    rate_everything(db, queue)
    studies.lock(db, queue, by=boss)
    shown = {
        (one.id, measure.name): measure.value for one in agreements(db, queue.id) for measure in one.measures
    }
    for question in study_results(folder)["questions"]:
        for one in question["agreement"]["coefficients"]:
            if one["name"] == "alpha":
                name = "Krippendorff's alpha" + (
                    "" if one["weighting"] == "nominal" else f", {one['weighting']}"
                )
                assert shown[question["id"], name] == f"{one['value']:.2f}".replace("-", "−")


def test_agreement_leaves_out_gold_repeated_and_training_items(
    db: Database, boss: Person, tmp_path: Path
) -> None:
    folder = study(tmp_path / "study", num_gold=3, repeat=0.3)
    queue = studies.add_study(db, folder, by=boss)
    rate_everything(db, queue)
    main = {code for code, kind in folder.kinds().items() if kind == "main"}
    rows = list(overview.main_ratings(db, queue.id, ["validity"]))
    assert {row.item for row in rows} == main
    table = rating_table(
        [(f"{row.item} {row.answer}", row.rater, row.value) for row in rows], scale=(0.0, 1.0)
    )
    expected = measure_agreement(table).get("percent")
    assert expected.value is not None
    [found] = [one for one in agreements(db, queue.id) if one.id == "validity"]
    assert found.measures[0].value == f"{100 * expected.value:.0f} %"


def test_a_study_is_unblinded_only_after_its_lock(
    db: Database, client: PageClient, boss: Person, tmp_path: Path
) -> None:
    folder = study(tmp_path / "study")
    queue = studies.add_study(db, folder, by=boss)
    rate_everything(db, queue, leave=1)
    assert client.submit(f"/lead/{queue.id}/unblind").status_code == 409
    assert client.get(f"/lead/{queue.id}/results").status_code == 404
    assert not folder.is_locked
    assert folder.times_opened() == []
    refused = client.submit(f"/lead/{queue.id}/lock")
    assert refused.status_code == 409
    assert "3 ratings are missing: wait for them, or tick the box" in refused.text
    assert str(tmp_path) not in refused.text
    assert "3 of " in client.get(f"/lead/{queue.id}").text
    assert client.submit(f"/lead/{queue.id}/lock", missing="yes").status_code == 303
    assert folder.is_locked
    digest = hashlib.sha256(folder.lock_path.read_bytes()).hexdigest()
    assert digest in client.get(f"/lead/{queue.id}").text
    page = client.get(f"/lead/{queue.id}").text
    assert "Unblind and compute the results" in page
    assert not any(system in page for system in SYSTEMS)
    assert client.submit(f"/lead/{queue.id}/open").status_code == 409
    assert client.submit(f"/lead/{queue.id}/unblind").headers["location"] == f"/lead/{queue.id}/results"
    shown = client.get(f"/lead/{queue.id}/results")
    assert SYSTEMS[0] in shown.text
    assert shown.headers["content-security-policy"].startswith("sandbox allow-popups; default-src 'none'")


def test_ratings_that_a_lock_elsewhere_left_behind_are_told(
    db: Database, client: PageClient, boss: Person, tmp_path: Path
) -> None:
    folder = study(tmp_path / "study", overlap=3)
    queue = studies.add_study(db, folder, by=boss)
    assert "<code>tunewright review lock</code>" in client.get(f"/lead/{queue.id}").text
    lock_study(folder, allow_missing=True)  # `tunewright study lock`, which knows no database
    assert "are only here and do not count" not in client.get(f"/lead/{queue.id}").text
    rated = study(tmp_path / "other", overlap=3)
    queue = studies.add_study(db, rated, by=boss)
    rate_everything(db, queue, leave=1)
    num = len(list(ratings.rating_rows(db, queue.id)))
    lock_study(rated, allow_missing=True)
    page = client.get(f"/lead/{queue.id}").text
    assert f"{num} ratings are only here and do not count" in page
    assert f'href="/adjudicate/{queue.id}"' in page


def test_a_study_whose_folder_is_gone_says_so(
    db: Database, client: PageClient, boss: Person, tmp_path: Path
) -> None:
    folder = study(tmp_path / "study")
    queue = studies.add_study(db, folder, by=boss)
    folder.path.rename(tmp_path / "moved")
    page = client.get(f"/lead/{queue.id}")
    assert page.status_code == 200
    assert "study" in page.text
    assert str(tmp_path) not in page.text
    assert client.submit(f"/lead/{queue.id}/lock").status_code == 409


def test_people_are_added_changed_and_locked_out(
    db: Database, client: PageClient, boss: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    cheap_hashes(monkeypatch)
    client.submit("/people", name="ann", role="expert", password="correct horse battery")
    ann = people.person_named(db, "ann")
    assert ann is not None
    assert people.check_password(db, "ann", "correct horse battery") == ann
    client.submit(f"/people/{ann.id}/role", role="owner")
    assert people.person_named(db, "ann").role is Role.OWNER  # type: ignore[union-attr]
    session = sessions.begin_session(db, ann)
    client.submit(f"/people/{ann.id}/password", password="another long password")
    assert sessions.session_of(db, session) is None
    session = sessions.begin_session(db, ann)
    client.submit(f"/people/{ann.id}/sessions")
    assert sessions.session_of(db, session) is None
    client.submit(f"/people/{ann.id}/active", active="no")
    assert people.check_password(db, "ann", "another long password") is None
    assert "locked out" in client.get("/people").text


def test_mistakes_on_the_people_page_are_told_and_change_nothing(
    db: Database, client: PageClient, boss: Person
) -> None:
    short = client.submit("/people", name=HOSTILE, role="expert", password="short")
    assert short.status_code == 422
    assert "10 to" in short.text
    assert HOSTILE not in short.text
    assert client.submit("/people", name="x", role="king").status_code == 422
    assert client.submit("/people", name="mia", role="expert").status_code == 422
    assert [one.name for one in people.people(db)] == ["mia"]
    own = client.submit(f"/people/{boss.id}/role", role="rater")
    assert "cannot take the lead" in own.text
    assert "cannot lock yourself out" in client.submit(f"/people/{boss.id}/active", active="no").text
    assert client.submit("/people/999/sessions").status_code == 404


@pytest.mark.parametrize(
    ("link", "is_told"),
    [
        ("http://127.0.0.1:8377/enter/x", True),
        ("http://localhost:8377/enter/x", True),
        ("http://[::1]:8377/enter/x", True),
        ("http://192.168.1.7:8377/enter/x", False),
        ("https://review.example.org/enter/x", False),
        ("", False),
    ],
)
def test_a_link_that_leads_nobody_here_from_elsewhere_is_known(link: str, is_told: bool) -> None:
    assert PeoplePage((), link=link).is_link_of_this_machine is is_told


def test_whoever_is_added_without_a_password_is_open_for_one(client: PageClient) -> None:
    added = client.submit("/people", name="zoe", role="expert").headers["location"]
    page = client.get(added).text
    assert page.count("<details open>") == 1
    assert "Added. Give them a password, or a link." in page


def test_a_link_logs_in_once_and_is_shown_once(db: Database, client: PageClient) -> None:
    ann = person(db, "ann", Role.EXPERT)
    text = client.submit(f"/people/{ann.id}/link").text
    [token] = re.findall(r"/enter/([\w-]+)", text)
    assert token not in client.get("/people").text
    assert sessions.use_link(db, token) == ann
    assert sessions.use_link(db, token) is None


def test_a_queue_that_is_not_there_is_said_to_be_missing(db: Database, client: PageClient) -> None:
    queue = queues.add_revise_queue(db, "q", pairs(2))
    for path in (
        "/lead/99",
        "/lead/99/experiment",
        f"/lead/{queue.id}/experiment",
        f"/lead/{queue.id}/results",
    ):
        assert client.get(path).status_code == 404, path
    for path in ("/lead/99/close", f"/lead/{queue.id}/lock", f"/lead/{queue.id}/unblind"):
        assert client.submit(path).status_code == 404, path
