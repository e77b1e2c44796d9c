"""A team's whole day on one database, through the command itself: accounts, passwords, a server, real pages.

A lead makes people; an expert revises in one window and in two; a rater rates blind, pauses, changes her
mind; the owner judges and settles; the lead watches, locks, unblinds, and looks a record up. Every page that
is met is held against axe, and none may be wider than its window.
"""

from __future__ import annotations

import json
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from support.review_page import PASSWORD, axe_violations, overflow_pixels
from support.review_story import SYSTEMS, make_run, make_study
from tunewright.cli import review as command

BY_KEYS, BY_MOUSE = "keys", "mouse"
TOO_WIDE = """[...document.querySelectorAll('main *')]
    .filter(one => one.getBoundingClientRect().right > innerWidth).map(one => one.outerHTML.slice(0, 80))"""
PEOPLE = {"Olga": "owner", "Eva": "expert", "Jonas": "expert", "ann": "rater", "bob": "rater"}


def _review(*arguments: object, typed: str = "") -> str:
    done = CliRunner().invoke(command.app, [str(argument) for argument in arguments], input=typed)
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done.output


@contextmanager
def _started(*arguments: object) -> Iterator[str]:
    """The address that `tunewright review` prints, while it runs."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tunewright", "review", *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        bufsize=1,
    )
    assert process.stdout is not None
    try:
        said = ""
        deadline = time.monotonic() + 60
        while not (found := re.search(r"(http://127\.0\.0\.1:\d+)/enter/", said)):
            assert time.monotonic() < deadline, said
            assert process.poll() is None, process.communicate()[1]
            if select.select([process.stdout], [], [], 1)[0]:
                said += process.stdout.readline()
        yield found[1]
    finally:
        process.send_signal(signal.SIGINT)
        _, complaints = process.communicate(timeout=30)
    assert complaints == "", complaints


class Visitor:
    """Somebody at the page with a password, on a screen of some width, who works by keys or by mouse."""

    def __init__(self, browser: Any, address: str, name: str, width: int, hands: str, seen: set[str]) -> None:
        context = browser.new_context(
            viewport={"width": width, "height": 800},
            has_touch=width < 500 and hands == BY_MOUSE,
            reduced_motion="reduce",
        )
        context.set_default_timeout(30_000)
        self.address, self.name, self.hands, self.is_narrow = address, name, hands, width < 500
        self._seen, self.complaints = seen, []
        self.page = self.window(context)

    def window(self, context: Any = None) -> Any:
        """Another window of the same login."""
        page = (context or self.page.context).new_page()
        page.on("console", lambda said: said.type == "error" and self.complaints.append(said.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("dialog", lambda dialog: dialog.accept())
        return page

    def go(self, path: str) -> None:
        self.page.goto(self.address + path)
        self.look()

    def look(self, state: str = "", page: Any = None) -> None:
        """Hold the page against axe and its window, once for every kind of page and state."""
        page = page or self.page
        title = " ".join(page.locator("h1").first.inner_text().split()[:2])
        where = re.sub(r"/[a-z0-9]{8}(?=$|/)", "/CODE", page.url.removeprefix(self.address).split("?")[0])
        kind = re.sub(r"\d+", "N", f"{where} {state or title}")
        assert overflow_pixels(page) == 0, f"{kind}: {page.evaluate(TOO_WIDE)}"
        if kind not in self._seen:
            self._seen.add(kind)
            assert axe_violations(page) == [], kind

    def does(self, key: str, button: str, *, leads: str | Callable[[str], bool] = "") -> None:
        """Press the key, or the button (or link) so called; wait for the page it leads to."""

        def act() -> None:
            if self.hands == BY_KEYS:
                self.page.keyboard.press(key)
            else:
                named = re.compile(rf"^({button})(?! to the content)")
                one = self.page.get_by_role("button", name=named)
                one.or_(self.page.get_by_role("link", name=named)).first.click()

        if not leads:
            act()
            return
        with self.page.expect_navigation(url=leads):
            act()
        self.look()

    def comes_in(self) -> None:
        self.go("/")  # leads to the login
        self.page.get_by_label("Name").fill(self.name)
        self.page.get_by_label("Password").fill(PASSWORD)
        if self.hands == BY_KEYS:
            self.page.keyboard.press("Enter")
        else:
            self.page.get_by_role("button", name="Log in").click()
        self.page.wait_for_url(f"{self.address}/")
        self.look("home of " + self.name)

    def leaves(self, *, expected: tuple[str, ...] = ()) -> None:
        """Log out. `expected`: the refusals that the console may name."""
        self.page.get_by_role("button", name="Log out").click()
        self.page.wait_for_url("**/login**")
        assert [one for one in self.complaints if not any(code in one for code in expected)] == []
        self.page.context.close()


def _makes_people(lead: Visitor) -> None:
    lead.go("/lead")
    lead.does("p", "People", leads="**/people")
    for name, role in PEOPLE.items():
        lead.page.get_by_label("Name", exact=True).fill(name)
        lead.page.locator(f"input[name=role][value={role}]").check()
        lead.page.get_by_label("Password", exact=True).fill(PASSWORD)
        lead.page.get_by_role("button", name="Add", exact=True).click()
        lead.page.get_by_text("Added.").wait_for()
    lead.page.locator("summary", has_text="Olga").click()
    lead.look("people, one opened")


def _revises(eva: Visitor) -> None:
    """Accept and take it back; edit, with a reload in between; two windows; reject, flag, skip, undo."""
    page = eva.page
    page.keyboard.press("g")  # a chord that leads nowhere hinders nothing
    eva.does("1", "Start revising", leads="**/item/1**")
    eva.does("a", "Accept draft", leads="**/item/2**")
    eva.does("u", "Undo", leads="**/item/1")
    eva.does("a", "Accept draft", leads="**/item/2**")

    _opens_editor(eva)
    page.locator("#text-output").fill("You can give back a book on Friday at eight. True.")
    page.locator("#state", has_text="saved ").wait_for()
    eva.look("typing")
    page.reload()
    assert page.locator("#text-output").input_value() == "You can give back a book on Friday at eight. True."
    eva.does("Control+Enter", "Save my text", leads="**/item/3**")

    other = eva.window()
    other.goto(page.url)
    _opens_editor(eva)
    page.locator("#text-output").fill("From the first window.")
    other.locator(".editor summary[data-key]").nth(2).click()
    other.locator("#text-output").fill("From the second window.")
    other.get_by_role("button", name=re.compile("^Save my text")).click()
    other.wait_for_url("**/item/4**")
    other.close()
    page.locator("#text-output").press("End")
    eva.does("Control+Enter", "Save my text")
    page.get_by_role("heading", name="This pair was saved in another window").wait_for()
    eva.look("the merge")
    assert "From the second window." in page.locator("main").inner_text()
    page.locator("#text-output").fill("From both windows.")
    eva.does("Control+Enter", "Save these texts", leads="**/item/4**")

    eva.does("r", "Reject")
    eva.look("why")
    page.locator("input[value=correctness]").check()
    page.locator("#why-send").click()
    page.wait_for_url("**/item/5**")
    eva.does("f", "Flag")
    page.locator("#own-words").fill("Two tablets an hour is dangerous advice.")
    page.locator("#own-words").press("Control+Enter")
    page.wait_for_url("**/item/6**")
    eva.does("s", "Skip", leads="**/item/7**")
    page.keyboard.press("?")
    eva.look("the keys")
    page.keyboard.press("Escape")
    eva.does("a", "Accept draft|Good as it is", leads="**/revise/1**")
    assert "Nothing is left for you" in page.locator("h1").inner_text()


def _opens_editor(one: Visitor) -> None:
    if one.hands == BY_KEYS:
        one.page.keyboard.press("e")
    else:
        one.page.locator(".editor summary[data-key]").nth(2).click()
    one.page.wait_for_function("() => document.activeElement.name === 'text.output'")


def _rates(rater: Visitor, is_valid: Callable[[str], bool]) -> None:
    """The start, the training item with its lesson, a pause, every item, an earlier one again, the end."""
    page = rater.page
    rater.does("Enter", "Start rating", leads="**/rate/*")
    rater.does("Enter", "Begin", leads="**/rate/*/*")
    rater.does("p", "Pause")
    rater.look("paused")
    assert "Answer" not in page.locator("main").inner_text()
    rater.does("p", "Go on")
    rater.does("i", "Instructions")
    rater.look("instructions")
    rater.does("i", "Close")
    for count in range(1, 11):
        texts = page.locator(".rating-texts").inner_text()
        assert not any(system in page.content() for system in SYSTEMS)
        _answers(rater, is_valid(texts))
        rater.does("Enter", "Save and go on|Save", leads="**/rate/**")
        if count == 1:
            assert "B is right" in page.locator(".lesson").inner_text()
            rater.does("Enter", "Next", leads="**/rate/**")
    assert "All items are done" in page.locator("main").inner_text()
    rater.look("the end of the list")
    page.get_by_role("link", name="Item 3, done").click()
    page.get_by_label("Anything to add?").fill("Looked at again: the key is fine.")
    rater.look("an item again")
    rater.does("Control+Enter", "Save", leads="**/rate/**")


def _answers(rater: Visitor, is_good: bool) -> None:
    for question, number in (
        ("validity", 1 if is_good else 2),
        ("readiness", 1 if is_good else 3),
        ("explanation", 1),
    ):
        if rater.hands == BY_KEYS:
            rater.page.keyboard.press(str(number))
        else:
            rater.page.locator(f"input[name^='{question}.'][value='{number}']").check()


def _owns(olga: Visitor) -> None:
    """The flagged pair, then the sample."""
    page = olga.page
    olga.go("/owner")
    assert "flagged by an expert" in page.locator("main").inner_text()
    page.get_by_label("What the expert should know").fill("Right: this must not go out.")
    page.locator("h1").click()  # out of the field
    num = int(page.locator("main .figures").first.inner_text().split()[0])
    assert num >= 3
    olga.does("r", "Not good", leads="**/owner**")
    for _ in range(num - 1):
        olga.does("a", "Good", leads="**/owner**")
    assert "Nothing waits" in page.locator("h1").inner_text()


def _settles(olga: Visitor) -> None:
    """One of the places where the raters differ, decided."""
    page = olga.page
    olga.go("/adjudicate/2")
    olga.does("Enter", "Decide the first", leads="**/adjudicate/2/**")
    page.keyboard.press("2") if olga.hands == BY_KEYS else page.locator("input[value='2']").check()
    olga.does("Enter", "Decide and go on", leads="**/adjudicate/2/**")
    olga.does("ArrowLeft", "All disagreements", leads="**/adjudicate/2")
    assert "1 decided" in page.locator("main").inner_text()


def _locks(maria: Visitor) -> None:
    """Paces and agreement, then the lock: no name of a system yet."""
    page = maria.page
    maria.go("/lead")
    maria.does("2", "items-2026", leads="**/lead/2")
    assert "All ratings are there." in page.locator("main").inner_text()
    assert page.locator(".agreement").count() == 3
    page.get_by_role("button", name="Lock the study").click()
    page.get_by_text("The study is locked.").wait_for()
    assert not any(system in page.content() for system in SYSTEMS)
    maria.look("locked")


def _leads(maria: Visitor) -> None:
    """The results, the experiment, one record's life."""
    page = maria.page
    maria.go("/lead/2")
    page.get_by_role("button", name="Unblind and compute the results").click()
    page.wait_for_url("**/lead/2/results")
    assert all(system in page.content() for system in SYSTEMS)
    assert overflow_pixels(page) == 0
    maria.go("/lead")
    maria.does("3", "saving", leads="**/lead/3")
    maria.does("e", "The experiment", leads="**/lead/3/experiment")
    maria.go("/look")
    if maria.hands == BY_KEYS:
        page.keyboard.press("/")
    page.get_by_label("Text or id").fill("pharmacy")
    page.keyboard.press("Enter")
    page.wait_for_url("**q=pharmacy*")
    maria.look("found")
    page.locator("tbody th a").first.click()
    page.wait_for_url("**/record/**")
    maria.look()
    life = page.locator(".life").inner_text()
    for words in (
        "Coach's draft",
        "Flagged for the owner by Eva",
        "Two tablets an hour",
        "finds it not good",
    ):
        assert words in life, words


@pytest.mark.parametrize(
    ("width", "hands"),
    [
        (1280, BY_KEYS),
        pytest.param(390, BY_MOUSE, marks=pytest.mark.slow),
        pytest.param(1280, BY_MOUSE, marks=pytest.mark.slow),
        pytest.param(390, BY_KEYS, marks=pytest.mark.slow),
    ],
)
def test_a_teams_whole_day(browser: Any, tmp_path: Path, width: int, hands: str) -> None:
    run, db = make_run(tmp_path), tmp_path / "review.sqlite"
    _review("users", "add", "Maria", "--role", "lead", "--db", db, typed=f"{PASSWORD}\n")
    said = _review("import", run, "--name", "March items", "--db", db)
    assert said == "queue 'March items' made: 7 items\n"
    seen: set[str] = set()

    def visitor(name: str) -> Visitor:
        one = Visitor(browser, address, name, width, hands, seen)
        one.comes_in()
        return one

    with _started("--db", db, "--port", 0, "--no-browser", "--runs", tmp_path) as address:
        maria = visitor("Maria")
        _makes_people(maria)
        # brought in while the page is open
        _review("import", make_study(tmp_path), "--db", db)
        _review("import", run, "--name", "saving", "--experiment", "--db", db)

        eva = visitor("Eva")
        _revises(eva)
        eva.leaves(expected=("409",))
        jonas = visitor("Jonas")
        jonas.does("1", "Start revising", leads="**/item/6**")  # what Eva skipped
        jonas.does("a", "Accept draft", leads="**/revise/1**")
        jonas.go("/revise/3")
        for _ in range(4):
            jonas.does("a", "Accept draft|Good as it is", leads="**/item/**")
        jonas.leaves()
        for name, is_valid in (("ann", lambda texts: "Key:" in texts), ("bob", lambda texts: True)):
            rater = visitor(name)
            _rates(rater, is_valid)
            rater.leaves()

        maria.go("/lead/1")
        assert "Eva" in maria.page.locator("table").first.inner_text()
        maria.page.get_by_label("Draw of all finished items").fill("60")
        maria.page.get_by_role("button", name="Draw", exact=True).click()
        maria.page.get_by_text("The sample is drawn.").wait_for()
        _locks(maria)
        olga = visitor("Olga")
        _owns(olga)
        _settles(olga)
        olga.leaves()
        _leads(maria)
        maria.leaves()

        _review("export", "March items", "--format", "pairs", "--out", tmp_path / "out.jsonl", "--db", db)
        _review("export", "items-2026", "--format", "ratings", "--out", tmp_path / "rows.jsonl", "--db", db)
    pairs = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text("utf-8").splitlines()]
    assert {pair["id"]: pair["decision"] for pair in pairs} == {
        "b1-prepositions-07": "accept",
        "a2-notice-12": "edit",
        "b1-since-for-03": "edit",
        "b1-false-friends-02": "accept",
        "a2-plurals-09": "accept",
    }  # without the rejected and the flagged one
    assert pairs[2]["revised"]["output"] == "From both windows."
    rows = (tmp_path / "rows.jsonl").read_text("utf-8").splitlines()
    assert len(rows) == 2 * 10 * 3 + 2  # two raters, ten items, three questions; a comment each
