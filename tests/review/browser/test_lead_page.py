"""The lead's and the owner's day in a real browser: by mouse and by keys, at a desk and on a phone."""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from support import review_page
from support.review_page import axe_violations, overflow_pixels, page_of, person, serving
from support.studies import SYSTEMS, study
from tunewright.review import studies
from tunewright.review.model import Arm, Decision, Role
from tunewright.review.store import lead, queues, ratings, revisions, work
from tunewright.review.store.database import Database
from tunewright.review.store.queues import NewItem
from tunewright.review.web.app import create_app

EXPERTS = ("Ann Lindqvist", "Beatriz Souza", "陳偉")
ARABIC = "اختر الإجابة الصحيحة."


@pytest.fixture
def team(db: Database, tmp_path: Path) -> Database:
    """A team at work: an experiment (queue 1) with flags and a sample, a study (2) that misses one rating."""
    boss = person(db, "mia", Role.LEAD)
    person(db, "tom", Role.OWNER)
    items = []
    for number in range(60):
        texts = {
            "instruction": f"Name fruit {number}. {ARABIC if number % 7 == 0 else ''}",
            "output": "Apple." * (200 if number == 3 else 1),
        }
        items.append(NewItem(f"k{number}", texts, {**texts, "output": f"An apple, number {number}."}))
    queue = queues.add_revise_queue(db, "Spring set", items, experiment=True, by=boss)
    rng = np.random.default_rng(4)
    for place, name in enumerate(EXPERTS):
        who = person(db, name, Role.EXPERT)
        for number in range(18):
            task = work.next_work(db, queue.id, who)
            assert task is not None
            arm = getattr(queues.item(db, task.item.id), "arm", None)
            took = 90 * (place + 1) * math.exp(rng.normal(0, 0.3)) * (0.7 if arm is Arm.WITH_DRAFT else 1)
            revisions.save(
                db,
                task.item.id,
                who,
                version=task.version,
                decision=Decision.FLAG if number == 9 else Decision.EDIT,
                texts={**task.item.original, "output": "A ripe apple, of course."},
                reason="[richness] too thin",
                seconds=took,
                seconds_open=took,
            )
    lead.sample_for_owner(db, queue.id, 0.2, 7, by=boss)
    rated = studies.add_study(db, study(tmp_path / "study", num_prompts=6), name="Which are valid?", by=boss)
    for name in ("ann", "bob", "eve"):
        rater = person(db, name, Role.RATER)
        while (one := ratings.next_task(db, rated.id, rater)) is not None:
            values = {
                (question.id, code): question.scale()[sum(map(ord, code)) % len(question.scale())]
                for question in ratings.questions(db, rated.id).questions
                if question.kind == "choice"
                for code, _ in one.answers
            }
            ratings.rate(
                db, rated.id, one.item, rater, version=one.version, values=values, comment="", seconds=9.0
            )
            if name == "eve" and sum(ratings.tasks_of(db, rated.id, rater)[:1]) == 5:
                break
    return db


@pytest.fixture
def address(team: Database) -> Iterator[str]:
    with serving(team) as found:
        yield found


PAGES = {
    "mia": [
        "/lead",
        "/lead/1",
        "/lead/1/experiment",
        "/lead/2",
        "/people",
        "/look",
        "/look?q=nothing",
        "/record/4",
    ],
    "tom": ["/owner", "/look?flagged=yes"],
}


@pytest.mark.parametrize(("width", "scheme"), [(1280, "dark"), (390, "light")])
def test_every_page_is_for_everybody_and_fits(
    browser: Any, team: Database, address: str, width: int, scheme: str
) -> None:
    for name, paths in PAGES.items():
        page = page_of(browser, address, team, person(team, name, Role.LEAD), width=width, scheme=scheme)
        for path in paths:
            page.goto(address + path)
            assert axe_violations(page) == [], path
            assert overflow_pixels(page) == 0, path
            for summary in page.locator("summary").all():
                summary.click()
            assert axe_violations(page) == [], f"{path}, all opened"
            assert overflow_pixels(page) == 0, f"{path}, all opened"
        assert page.complaints == []
        page.context.close()


@pytest.mark.parametrize("width", [1280, 390])
def test_a_leads_day_by_mouse(browser: Any, team: Database, address: str, width: int) -> None:
    page = page_of(browser, address, team, person(team, "mia", Role.LEAD), width=width)
    page.on("dialog", lambda dialog: dialog.accept())
    page.goto(f"{address}/lead")
    page.get_by_role("link", name="Spring set", exact=True).click()
    page.get_by_role("link", name="The experiment").click()
    assert "less active time" in page.locator(".claim").inner_text()
    assert page.locator("figure svg").is_visible()
    page.get_by_role("link", name="Spring set").click()
    page.get_by_label("Draw of all finished items").fill("50")
    page.get_by_role("button", name="Draw", exact=True).click()
    page.get_by_text("The sample is drawn.").wait_for()
    page.get_by_role("button", name="Close the queue").click()
    page.get_by_role("button", name="Open the queue").wait_for()
    page.goto(f"{address}/lead/2")
    page.get_by_role("button", name="Lock the study").click()
    assert "ratings are missing" in page.locator("main").inner_text()
    page.go_back()
    page.get_by_label("missing").check()
    page.get_by_role("button", name="Lock the study").click()
    page.get_by_text("The study is locked.").wait_for()
    assert not any(system in page.content() for system in SYSTEMS)
    page.get_by_role("button", name="Unblind").click()
    page.wait_for_url("**/lead/2/results")
    assert SYSTEMS[0] in page.content()
    page.context.close()


def test_a_leads_way_by_keys(browser: Any, team: Database, address: str) -> None:
    page = page_of(browser, address, team, person(team, "mia", Role.LEAD))
    page.goto(f"{address}/")
    page.keyboard.press("g")
    page.keyboard.press("d")
    page.wait_for_url("**/lead")
    page.keyboard.press("1")
    page.wait_for_url("**/lead/1")
    page.keyboard.press("e")
    page.wait_for_url("**/experiment")
    page.keyboard.press("g")
    page.keyboard.press("l")
    page.wait_for_url("**/look")
    page.keyboard.press("/")
    page.keyboard.type("number 12")
    page.keyboard.press("Enter")
    page.wait_for_url("**q=number*")
    assert page.locator("tbody tr").count() == 1
    assert page.complaints == []
    page.context.close()


def test_times_are_the_readers_own_where_scripts_run(browser: Any, team: Database, address: str) -> None:
    """5.5 hours on from UTC, which stays in the title."""
    mia = person(team, "mia", Role.LEAD)
    page = page_of(browser, address, team, mia)
    page.context.new_cdp_session(page).send("Emulation.setTimezoneOverride", {"timezoneId": "Asia/Kolkata"})
    page.goto(f"{address}/lead/1")
    time = page.locator("td time").first
    utc = datetime.strptime(time.get_attribute("datetime"), "%Y-%m-%dT%H:%M:%SZ")
    local = utc + timedelta(hours=5, minutes=30)
    assert time.inner_text() == f"{local.day} {local:%b %Y, %H:%M}"
    assert time.get_attribute("title") == f"{utc.day} {utc:%b %Y, %H:%M} UTC"
    end = page.locator(".numbers time")
    assert end.inner_text().count(" ") == 2  # a day has no time of day
    page.context.close()
    plain = page_of(browser, address, team, mia, script=False)
    plain.goto(f"{address}/lead/1")
    assert plain.locator("td time").first.inner_text() == f"{utc.day} {utc:%b %Y, %H:%M} UTC"
    plain.context.close()


def test_an_owners_day_by_keys(browser: Any, team: Database, address: str) -> None:
    page = page_of(browser, address, team, person(team, "tom", Role.OWNER))
    page.goto(f"{address}/owner")
    assert "flagged by an expert" in page.locator("main").inner_text()
    before = page.locator("form.verdict").get_attribute("action")
    page.keyboard.press("r")  # "not good" needs a reason: the next keys are that, whatever their letters do
    page.keyboard.type("A rare article is missing.")
    assert page.locator("#reason").input_value() == "A rare article is missing."
    page.keyboard.press("Control+Enter")
    page.wait_for_function(
        "old => document.querySelector('form.verdict').getAttribute('action') !== old", arg=before
    )
    before = page.locator("form.verdict").get_attribute("action")
    page.keyboard.press("a")
    page.wait_for_function(
        "old => document.querySelector('form.verdict').getAttribute('action') !== old", arg=before
    )
    given = [one for one in lead.verdicts(team, 1) if one.is_good is not None]
    assert sorted(one.is_good for one in given) == [False, True]
    assert [one.reason for one in given if not one.is_good] == ["A rare article is missing."]
    assert page.complaints == []
    page.context.close()


def test_all_of_it_works_without_javascript(browser: Any, team: Database, address: str) -> None:
    page = page_of(browser, address, team, person(team, "mia", Role.LEAD), script=False)
    page.goto(f"{address}/people")
    page.get_by_label("Name").fill("zoë")
    page.get_by_label("rater rates").check()
    page.get_by_role("button", name="Add").click()
    page.get_by_text("Added.").wait_for()
    page.get_by_role("button", name="Make a one-time link for zoë").click()  # her forms are open
    assert "/enter/" in (page.get_by_label("One-time link for zoë").input_value())
    page.goto(f"{address}/owner")
    page.get_by_role("button", name="Good", exact=True).click()
    page.goto(f"{address}/look")
    page.get_by_label("Text or id").fill("k5")
    page.get_by_role("button", name="Search").click()
    page.locator("tbody th a").first.click()
    assert "The life of record" in page.locator("h1").inner_text()
    page.context.close()


def test_a_report_with_a_script_runs_none(
    browser: Any, team: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "runs" / "check"
    folder.mkdir(parents=True)
    (folder / "summary.html").write_text("<h1>Fine</h1><script>document.title = 'owned'</script>", "utf-8")
    made = partial(create_app, run_folders=[tmp_path / "runs"])
    monkeypatch.setattr(review_page, "create_app", made)
    with serving(team) as address:
        page = page_of(browser, address, team, person(team, "tom", Role.OWNER))
        page.goto(f"{address}/look")
        with page.context.expect_page() as opened:
            page.get_by_role("link", name="Summary").click()
        report = opened.value
        report.wait_for_load_state()
        assert report.locator("h1").inner_text() == "Fine"
        assert report.title() != "owned"
        page.context.close()
