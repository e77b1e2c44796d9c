"""The rating page in a real browser: by keyboard, on a phone, without JavaScript, without a connection."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from support.rated_studies import codes_in_order, full_study, owner, rating_queue
from support.review_page import axe_violations, overflow_pixels, page_of, person, serving
from tunewright.evaluate.study.folder import StudyFolder
from tunewright.review import studies
from tunewright.review.model import Queue, Role
from tunewright.review.store import ratings, sessions
from tunewright.review.store.database import Database


class Site:
    """A single study and one of pairs, served."""

    def __init__(self, db: Database, address: str, single: StudyFolder, pairs: StudyFolder) -> None:
        self.db, self.address = db, address
        self.single, self.pairs = single, pairs
        self.single_queue = rating_queue(db, single, name="One answer")
        self.pairs_queue = rating_queue(db, pairs, name="Two answers")

    def open(self, browser: Any, path: str, **settings: Any) -> Any:
        page = page_of(browser, self.address, self.db, person(self.db, "ann", Role.RATER), **settings)
        page.goto(self.address + path)
        return page

    def item(self, browser: Any, *, pairwise: bool = False, place: int = 0, **settings: Any) -> Any:
        folder, queue = (self.pairs, self.pairs_queue) if pairwise else (self.single, self.single_queue)
        return self.open(browser, f"/rate/{queue.id}/{codes_in_order(folder, 'ann')[place]}", **settings)

    def values(self, queue: Queue) -> list[tuple[str, str, Any]]:
        return [(row.item, row.question, row.value) for row in ratings.rating_rows(self.db, queue.id)]


@pytest.fixture
def site(db: Database, tmp_path: Path) -> Iterator[Site]:
    with serving(db) as address:
        yield Site(
            db,
            address,
            full_study(tmp_path / "single", num_prompts=4),
            full_study(tmp_path / "pairs", num_prompts=4, pairwise=True),
        )


def _press_and_go(page: Any, key: str) -> None:
    with page.expect_navigation():
        page.keyboard.press(key)


def test_ten_items_are_rated_by_keyboard_alone(site: Site, browser: Any) -> None:
    """From the start page: Enter begins, numbers answer, Enter saves, Enter leaves each expected answer."""
    page = site.open(browser, f"/rate/{site.single_queue.id}")
    _press_and_go(page, "Enter")
    for count in range(10):
        for key in "234":
            page.keyboard.press(key if key != "3" else "1")
        assert page.evaluate("document.activeElement.textContent").startswith("Save")
        _press_and_go(page, "Enter")
        if page.query_selector(".lesson"):
            _press_and_go(page, "Enter")
        assert f"{count + 1} of 15 done" in page.inner_text(".rating-head")
    items = [row["item"] for row in site.single.assignments["ann"][:10]]
    assert sorted(site.values(site.single_queue)) == sorted(
        row
        for item in items
        for row in [(item, "validity", 0.0), (item, "readiness", 4.0), (item, "explanation", 1.0)]
    )
    assert page.complaints == []
    page.context.close()


def test_back_changes_what_was_said_and_arrows_still_choose_inside_a_group(site: Site, browser: Any) -> None:
    page = site.item(browser, place=1)
    here = page.url
    page.keyboard.press("1")  # the focus is now in the second group
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowLeft")
    assert page.url == here
    assert page.evaluate("document.querySelector('[name=\"readiness.1\"]:checked').value") == "2"
    _press_and_go(page, "Backspace")
    assert page.url.endswith(codes_in_order(site.single, "ann")[0])
    page.go_back()
    assert page.evaluate("document.querySelector('[name=\"readiness.1\"]:checked').value") == "2"  # the draft
    page.evaluate("document.activeElement.blur()")
    _press_and_go(page, "ArrowLeft")
    assert page.url.endswith(codes_in_order(site.single, "ann")[0])
    page.context.close()


def test_instructions_are_one_key_away_and_pause_hides_every_text(site: Site, browser: Any) -> None:
    page = site.item(browser)
    page.keyboard.press("i")
    assert page.is_visible("dialog.instructions")
    assert "Read the whole answer first." in page.inner_text("dialog.instructions")
    page.keyboard.press("1")  # nothing is answered behind it
    page.keyboard.press("i")
    assert page.is_hidden("dialog.instructions")
    assert page.query_selector("input:checked[type=radio]") is None
    page.keyboard.press("p")
    assert "Answer" not in page.inner_text("main")
    page.keyboard.press("1")
    page.keyboard.press("p")
    assert page.is_visible("form.rating")
    assert page.query_selector("input:checked[type=radio]") is None
    page.context.close()


def test_active_time_leaves_out_pauses_and_idle_stretches(site: Site, browser: Any) -> None:
    """5 s of reading, 10 min of pause, 5 s, then 10 min idle of which one minute counts: 70 s."""
    page = page_of(browser, site.address, site.db, person(site.db, "ann", Role.RATER))
    page.clock.install(time=0)
    page.clock.pause_at(1000)
    page.goto(f"{site.address}/rate/{site.single_queue.id}/{codes_in_order(site.single, 'ann')[0]}")
    for seconds, key in ((5, "p"), (600, "p"), (5, "1"), (600, "1"), (0, "1")):
        page.clock.run_for(1000 * seconds)
        page.keyboard.press(key)
    _press_and_go(page, "Enter")
    [seconds] = {row.seconds for row in ratings.rating_rows(site.db, site.single_queue.id)}
    assert seconds == pytest.approx(70, abs=1)
    page.context.close()


def test_enter_with_answers_missing_goes_to_the_first_of_them(site: Site, browser: Any) -> None:
    page = site.item(browser)
    page.keyboard.press("1")
    page.keyboard.press("Enter")
    assert page.locator(".asked.is-missing").count() == 2
    assert page.evaluate("document.activeElement.name") == "readiness.1"
    page.keyboard.press("3")
    assert page.locator(".asked.is-missing").count() == 1
    page.context.close()


def test_without_a_connection_nothing_chosen_is_lost(site: Site, browser: Any) -> None:
    page = site.item(browser)
    page.fill("textarea", "A comment, half")
    page.keyboard.press("Tab")  # away from the text
    for key in "111":
        page.keyboard.press(key)
    page.route("**/rate/**", lambda route: route.abort())
    page.keyboard.press("Enter")
    page.get_by_text("Not saved: there is no connection.").wait_for()
    page.unroute("**/rate/**")
    page.reload()
    assert page.input_value("textarea") == "A comment, half"
    assert page.locator("input[type=radio]:checked").count() == 3
    page.locator("button[type=submit].primary").focus()
    _press_and_go(page, "Enter")
    assert "A comment, half" in [value for _, _, value in site.values(site.single_queue)]
    page.context.close()


def test_after_a_new_login_in_another_tab_a_rating_is_saved_without_a_reload(
    site: Site, browser: Any
) -> None:
    page = site.item(browser)
    here = page.url
    ann = person(site.db, "ann", Role.RATER)
    page.fill("textarea", "Short")
    page.keyboard.press("Tab")
    for key in "111":
        page.keyboard.press(key)
    sessions.end_sessions_of(site.db, ann)
    page.keyboard.press("Enter")
    page.get_by_text("Not saved: you are logged out.").wait_for()
    cookie = page.context.cookies()[0]
    for who, words in ((person(site.db, "bob", Role.RATER), "You are logged in as bob now"), (ann, "")):
        page.context.add_cookies([{**cookie, "value": sessions.begin_session(site.db, who)}])
        assert page.url == here
        assert page.input_value("textarea") == "Short"
        if words:
            page.keyboard.press("Enter")
            page.get_by_text(words).wait_for()
            assert site.values(site.single_queue) == []
        else:
            _press_and_go(page, "Enter")
    assert "Short" in [value for _, _, value in site.values(site.single_queue)]
    page.context.close()


def test_without_javascript_a_refused_rating_shows_its_comment_and_is_sent_again(
    site: Site, browser: Any
) -> None:
    page = site.item(browser, script=False)
    ann = person(site.db, "ann", Role.RATER)
    page.fill("textarea", "Short")
    for group in page.locator("fieldset.asked").all():
        group.locator("input").first.check()
    sessions.end_sessions_of(site.db, ann)
    page.locator("button[type=submit].primary").click()
    assert "You are logged out" in page.locator("h1").inner_text()
    assert "Short" in [area.input_value() for area in page.locator("textarea").all()]
    cookie = page.context.cookies()[0]
    page.context.add_cookies([{**cookie, "value": sessions.begin_session(site.db, ann)}])
    page.get_by_text("Send it again").click()
    page.get_by_role("button", name="Send it again").press("Enter")
    page.wait_for_url("**/rate/**")
    assert "Short" in [value for _, _, value in site.values(site.single_queue)]
    page.context.close()


def test_a_stale_tab_is_shown_both_versions(site: Site, browser: Any) -> None:
    page = site.item(browser, pairwise=True)
    other = page.context.new_page()
    other.goto(page.url)
    other.keyboard.press("2")
    _press_and_go(other, "Enter")
    page.keyboard.press("1")
    _press_and_go(page, "Enter")
    assert page.inner_text("h1") == "This item was saved meanwhile"
    assert [cell.strip() for cell in page.locator(".merge td").all_inner_texts()][:2] == [
        "The second",
        "The first",
    ]
    assert axe_violations(page) == []
    page.get_by_role("button", name="Save what I chose now").click()
    page.wait_for_selector("form.rating")
    item = codes_in_order(site.pairs, "ann")[0]
    order = next(row["answers"] for row in site.pairs.assignments["ann"] if row["item"] == item)
    assert site.values(site.pairs_queue) == [(item, "preference", order[0])]
    page.context.close()


def test_without_javascript_an_item_is_rated_changed_and_paused(site: Site, browser: Any) -> None:
    page = site.item(browser, pairwise=True, script=False)
    page.get_by_label("The second").check()
    page.get_by_role("button", name="Save and go on").click()
    page.wait_for_selector("h1")
    [(item, _, value)] = site.values(site.pairs_queue)
    page.goto(f"{site.address}/rate/{site.pairs_queue.id}/{item}")
    assert page.get_by_label("The second").is_checked()
    page.get_by_label("No difference").check()
    page.get_by_role("button", name="Save the change").click()
    page.wait_for_selector("h1")
    assert [kept for _, _, kept in site.values(site.pairs_queue)] == ["tie"] != [value]
    page.get_by_role("link", name="Pause").click()
    assert page.inner_text("h1") == "Paused"
    page.context.close()


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
@pytest.mark.parametrize("pairwise", [False, True])
def test_pages_fit_the_window_and_axe_finds_nothing(
    site: Site, browser: Any, width: int, scheme: str, pairwise: bool
) -> None:
    folder, queue = (site.pairs, site.pairs_queue) if pairwise else (site.single, site.single_queue)
    home = f"/rate/{queue.id}"
    page = site.open(browser, home, width=width, scheme=scheme)
    for path in ("", "/instructions", "/pause", f"/{codes_in_order(folder, 'ann')[0]}", "/next"):
        page.goto(site.address + home + path)
        assert (axe_violations(page), overflow_pixels(page)) == ([], 0), path
    for key in "111":
        page.keyboard.press(key)
    _press_and_go(page, "Enter")
    assert page.query_selector(".lesson") is not None
    assert (axe_violations(page), overflow_pixels(page)) == ([], 0)
    assert page.complaints == []
    page.context.close()


def test_two_answers_stand_side_by_side_and_on_a_phone_one_below_the_other(site: Site, browser: Any) -> None:
    for width in (1280, 390):
        page = site.item(browser, pairwise=True, width=width)
        first, second = (box.bounding_box() for box in page.locator("article").all())
        assert page.locator("article h2").all_inner_texts() == ["First answer", "Second answer"]
        is_beside = first["y"] == second["y"] and first["x"] < second["x"]
        is_below = first["x"] == second["x"] and first["y"] < second["y"]
        assert (is_beside, is_below) == (width == 1280, width == 390)
        page.context.close()


@pytest.mark.parametrize("width", [1280, 390])
def test_disagreements_are_decided_by_keyboard(site: Site, browser: Any, width: int) -> None:
    for rater, value in (("ann", 1.0), ("bob", 4.0), ("eve", 4.0)):
        who = person(site.db, rater, Role.RATER)
        for row in site.single.assignments[rater]:
            [code] = row["answers"]
            values = {("validity", code): 1.0, ("readiness", code): value, ("explanation", code): 1.0}
            ratings.rate(
                site.db, site.single_queue.id, row["item"], who, version=0, values=values, seconds=1.0
            )
    studies.lock(site.db, site.single_queue)
    page = page_of(browser, site.address, site.db, owner(site.db), width=width)
    page.goto(f"{site.address}/adjudicate/{site.single_queue.id}")
    num = int(page.inner_text(".lead").split()[0])
    assert (axe_violations(page), overflow_pixels(page)) == ([], 0)
    _press_and_go(page, "Enter")
    for left in range(num - 1, -1, -1):
        if left == num - 1:
            assert (axe_violations(page), overflow_pixels(page)) == ([], 0)
        page.keyboard.press("3")
        _press_and_go(page, "Enter")
    assert f"0 left to decide, {num} decided" in page.inner_text(".lead")
    assert len(site.single.adjudications_path.read_text("utf-8").splitlines()) == num
    assert page.complaints == []
    page.context.close()
