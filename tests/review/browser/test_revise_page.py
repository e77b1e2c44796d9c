"""An expert's day in a real browser: by keyboard, on a phone, without a network, in two windows, by forms."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from support.review_page import axe_violations, new_database, overflow_pixels, page_of, person, serving
from tunewright.review.model import Decision, Finding, Person, Revision, Role
from tunewright.review.store import sessions
from tunewright.review.store.database import Database
from tunewright.review.store.queues import NewItem, add_revise_queue
from tunewright.review.store.revisions import history, save
from tunewright.review.store.work import next_work, work_on

EVIL = "</textarea><script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\">"
PAIRS = [
    NewItem(
        key="tea",
        original={"instruction": "Make tea.", "output": "Boil water and wait."},
        draft={"instruction": "Explain how to make tea.", "output": "Boil fresh water, then wait a little."},
        draft_reason="The answer was thin.",
        findings=(Finding("output", "short_answer", "fewer than 20 words", 0, 4),),
        history=(("user", "Good morning"), ("assistant", "Good morning!")),
    ),
    NewItem(
        key="arabic",
        original={"instruction": "اشرح معنى كلمة «الحاسوب».", "output": "آلة تحسب بسرعه كبيره، مثل PC."},
        draft={"instruction": "اشرح معنى «الحاسوب» لطفل.", "output": "آلة ذكية تحسب بسرعة كبيرة، مثل PC."},
    ),
    NewItem(
        key="chinese",
        original={"instruction": "什么是光合作用？", "output": "光合作用是植物吃阳光。"},
        draft={"instruction": "用一句话解释光合作用。", "output": "光合作用是植物利用阳光制造养分的过程。"},
    ),
    NewItem(
        key="evil",
        original={
            "instruction": EVIL,
            "input": "[x](javascript:alert(1)) ![i](https://example.org/i.png)",
            "output": EVIL,
        },
        draft={"instruction": EVIL + "\u202e", "output": "\n" + EVIL + "\0<style>*{display:none}</style>"},
        draft_reason=EVIL,
        findings=(Finding("output", EVIL, EVIL, 0, 9),),
    ),
    NewItem(
        key="code",
        original={"instruction": "Write f.", "output": "def f(x):\n    return x\n\nprint(f(1))"},
        draft={"instruction": "Write f.", "output": "def f(x: int) -> int:\n    return x + 1\n\nprint(f(1))"},
    ),
    NewItem(key="bare", original={"instruction": "Name a colour.", "output": "Blue"}),
]  # fmt: skip


class Clock:
    """The real time, and what is added to it."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def __call__(self) -> float:
        return time.time() + self.ahead


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def db(tmp_path: Path, clock: Clock) -> Iterator[Database]:
    made = new_database(tmp_path, clock=clock)
    add_revise_queue(made, "Pairs", PAIRS, criteria=("coachlm",))
    yield made
    made.close()


@pytest.fixture
def ann(db: Database) -> Person:
    return person(db, "ann", Role.EXPERT)


@pytest.fixture
def address(db: Database) -> Iterator[str]:
    with serving(db) as found:
        yield found


def saved(db: Database, item_id: int) -> list[Revision]:
    return history(db, item_id)


def wait_until(holds: Any, seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it did not come to pass"
        time.sleep(0.05)


def take(db: Database, who: Person, item_id: int) -> None:
    """Give `who` this very pair, by skipping in their name what comes before."""
    while (work := next_work(db, 1, who)) is not None and work.item.id != item_id:
        skip = {"decision": Decision.SKIP, "texts": {}, "seconds": 0, "seconds_open": 0}
        save(db, work.item.id, who, version=work.version, **skip)  # type: ignore[arg-type]
    assert work is not None


def edit_response(page: Any) -> None:
    """By the key of the third field."""
    page.keyboard.press("3")
    page.wait_for_function("document.activeElement.name === 'text.output'")


def test_a_day_by_keyboard(browser: Any, db: Database, address: str, ann: Person) -> None:
    page = page_of(browser, address, db, ann)
    page.goto(f"{address}/revise/1")
    page.keyboard.press("a")  # tea: accept
    page.wait_for_url("**/item/2**")
    edit_response(page)  # arabic: write at its end
    assert page.evaluate("document.activeElement.name") == "text.output"
    page.keyboard.press("Control+End")
    page.keyboard.type(" arsf")  # letters that are keys elsewhere
    page.keyboard.press("Control+Enter")
    page.wait_for_url("**/item/3**")
    page.keyboard.press("r")  # chinese: reject, which asks why
    page.keyboard.press("Space")
    page.keyboard.press("Enter")
    page.wait_for_url("**/item/4**")
    page.keyboard.press("s")  # evil: skip
    page.wait_for_url("**/item/5**")
    page.keyboard.press("f")  # code: flag, in own words
    page.locator("#own-words").fill("Is this a test?")
    page.locator("#own-words").press("Control+Enter")
    page.wait_for_url("**/item/6**")
    page.keyboard.press("u")  # take the flag back
    page.wait_for_url("**/item/5")
    page.keyboard.press("a")
    page.wait_for_url("**/item/6**")
    page.keyboard.press("?")
    keys = page.locator("#keys dl").inner_text()
    for words in ("Good as it is", "Edit", "Save your text", "Reject", "Flag", "Skip", "Undo", "Next view"):
        assert words in keys
    decided = {item_id: [one.decision.value for one in saved(db, item_id)] for item_id in range(1, 7)}
    assert decided == {1: ["accept"], 2: ["edit"], 3: ["reject"], 4: ["skip"], 5: ["flag", "accept"], 6: []}
    assert saved(db, 2)[0].texts["output"] == "آلة ذكية تحسب بسرعة كبيرة، مثل PC. arsf"
    assert saved(db, 3)[0].reason == "[feasibility]"
    assert saved(db, 5)[0].reason == "Is this a test?"
    for one in (1, 2, 3):
        kept = saved(db, one)[0]
        assert 0 < kept.seconds <= kept.seconds_open + 0.01
    assert page.complaints == []


def test_the_next_pair_comes_quickly(browser: Any, db: Database, address: str, ann: Person) -> None:
    """From the key to the next page laid out; on a quiet machine of two cores 60 to 90 ms."""
    page = page_of(browser, address, db, ann)
    page.goto(f"{address}/revise/1")
    times = []
    for item_id in (2, 3, 4):
        page.keyboard.press("a")
        page.wait_for_url(f"**/item/{item_id}**")
        times.append(page.evaluate("performance.getEntriesByType('navigation')[0].domContentLoadedEventEnd"))
    assert min(times) < 2000, times


def test_typing_is_autosaved_and_compared(browser: Any, db: Database, address: str, ann: Person) -> None:
    page = page_of(browser, address, db, ann)
    page.goto(f"{address}/revise/1")
    edit_response(page)
    page.locator("#text-output").fill("Boil water and wait <b>long</b>.")
    page.locator("#state", has_text="saved ").wait_for()
    output = page.locator("[data-field=output]")
    assert output.locator("[data-live=after] ins").all_inner_texts() == [" <b>long</b>"]
    assert output.locator("[data-live=before] del").count() == 0
    work = work_on(db, 1, ann)
    assert work is not None
    assert work.autosaved is not None
    assert work.autosaved["output"] == "Boil water and wait <b>long</b>."
    assert not saved(db, 1)
    again = page_of(browser, address, db, ann)
    again.goto(f"{address}/item/1")
    assert again.locator("#text-output").input_value() == "Boil water and wait <b>long</b>."


def test_edit_goes_to_the_first_field_that_the_draft_changed_or_where_one_was(
    browser: Any, db: Database, address: str, ann: Person
) -> None:
    page = page_of(browser, address, db, ann)
    field = "document.activeElement.name"
    page.goto(f"{address}/revise/1")
    page.keyboard.press("e")  # tea: instruction and response are changed
    assert page.evaluate(field) == "text.instruction"
    page.locator("[data-field=output] summary[data-key]").focus()
    page.keyboard.press("e")
    assert page.evaluate(field) == "text.output"
    page.locator("#accept").focus()
    page.keyboard.press("e")
    assert page.evaluate(field) == "text.output"
    take(db, ann, 5)
    page.goto(f"{address}/item/5")
    page.keyboard.press("e")  # code: only the response is changed
    assert page.evaluate(field) == "text.output"
    page.locator("#accept").click()
    page.wait_for_url("**/item/6**")
    page.keyboard.press("e")  # bare: there is no draft
    assert page.evaluate(field) == "text.output"


def test_ones_own_text_can_be_saved_only_where_it_differs(
    browser: Any, db: Database, address: str, ann: Person
) -> None:
    page = page_of(browser, address, db, ann)
    page.goto(f"{address}/revise/1")
    save, output = page.locator("#save"), page.locator("#text-output")
    assert save.is_disabled()
    edit_response(page)
    page.keyboard.press("Control+Enter")  # nothing to save: it is said, and nothing happens
    page.locator("#state", has_text="nothing changed yet").wait_for()
    output.press("Control+End")
    output.type("!")
    assert save.is_enabled()
    output.press("Backspace")
    assert save.is_disabled()
    output.type("!")
    page.locator("#state", has_text="saved ").wait_for()
    page.reload()  # what was typed before is in the editor, and differs still
    assert save.is_enabled()
    assert not saved(db, 1)
    page.keyboard.press("Control+Enter")
    page.wait_for_url("**/item/2**")
    assert saved(db, 1)[0].texts["output"] == "Boil fresh water, then wait a little.!"


def test_the_decisions_come_before_the_reasons_and_the_clock_says_what_it_is(
    browser: Any, db: Database, address: str, ann: Person
) -> None:
    page = page_of(browser, address, db, ann)
    page.goto(f"{address}/revise/1")
    page.locator("#accept").focus()
    order = []
    for _ in range(6):
        order.append(page.evaluate("document.activeElement.firstChild.textContent.trim()"))
        page.keyboard.press("Tab")
    assert order == ["Accept draft", "Edit", "Reject", "Flag", "Skip", "Reasons"]
    clock = page.get_by_role("timer", name="Active time on this pair")
    assert clock.inner_text().endswith(" active")


@pytest.mark.parametrize("width", [390, 700, 1000, 1280])
def test_no_button_moves_while_somebody_types(
    browser: Any, db: Database, address: str, ann: Person, width: int
) -> None:
    """What the bar says beside the buttons comes and goes; who is about to press one must hit that one."""
    page = page_of(browser, address, db, ann, width=width)
    page.goto(address + "/revise/1")
    edit_response(page)
    places = """() => [...document.querySelectorAll('.actions button:not(.why-panel *), #why > summary')]
        .map(one => [one.innerText, one.getBoundingClientRect().left, one.getBoundingClientRect().top])"""
    before = page.evaluate(places)
    assert len(before) == 7
    page.locator("#text-output").press_sequentially("x")
    page.locator("#state", has_text="saved ").wait_for()
    assert page.evaluate(places) == before


def test_without_a_network_the_text_is_kept_and_sent_later(
    browser: Any, db: Database, address: str, ann: Person
) -> None:
    page = page_of(browser, address, db, ann)
    page.goto(f"{address}/revise/1")
    edit_response(page)
    page.context.set_offline(True)
    page.locator("#text-output").fill("Written in a tunnel.")
    page.locator("#state", has_text="no connection").wait_for()
    page.keyboard.press("Control+Enter")  # must not lead to the browser's error page
    page.wait_for_timeout(300)
    assert page.locator("#text-output").input_value() == "Written in a tunnel."
    page.context.set_offline(False)
    page.locator("#state", has_text="saved ").wait_for()
    page.keyboard.press("Control+Enter")
    page.wait_for_url("**/item/2**")
    assert saved(db, 1)[0].texts["output"] == "Written in a tunnel."


def log_in_elsewhere(page: Any, db: Database, who: Person) -> None:
    """A new login in another tab of this browser: the same cookie, another session."""
    cookies = page.context.cookies()
    assert len(cookies) == 1
    page.context.add_cookies([{**cookies[0], "value": sessions.begin_session(db, who)}])


def type_until_logged_out(page: Any, db: Database, who: Person) -> None:
    edit_response(page)
    page.keyboard.type("Before. ")
    page.locator("#state", has_text="saved ").wait_for()
    sessions.end_sessions_of(db, who)
    page.keyboard.type("After. ")
    page.locator("#kept-text", has_text="You are logged out.").wait_for()


def test_after_a_new_login_in_another_tab_the_page_goes_on_without_a_reload(
    browser: Any, db: Database, address: str, ann: Person
) -> None:
    page = page_of(browser, address, db, ann)
    page.goto(f"{address}/revise/1")
    loads = []
    page.on("framenavigated", lambda frame: loads.append(frame.url))
    type_until_logged_out(page, db, ann)
    log_in_elsewhere(page, db, ann)
    page.keyboard.press("Control+Enter")
    page.wait_for_url("**/item/2**")
    assert len(loads) == 1
    assert [one.texts["output"][:15] for one in saved(db, 1)] == ["Before. After. "]
    page.keyboard.press("a")
    page.wait_for_url("**/item/3**")


def test_after_a_new_login_autosave_goes_on_by_itself_and_the_words_go(
    browser: Any, db: Database, address: str, ann: Person
) -> None:
    page = page_of(browser, address, db, ann)
    page.goto(f"{address}/revise/1")
    type_until_logged_out(page, db, ann)
    log_in_elsewhere(page, db, ann)
    page.keyboard.type("Later. ")
    page.locator("#state", has_text="saved ").wait_for()
    assert page.locator("#kept-text").is_hidden()
    assert (work_on(db, 1, ann).autosaved or {})["output"].startswith("Before. After. Later. ")  # type: ignore[union-attr]


def test_the_page_of_a_decision_without_a_login_sends_it_with_one_press_after_it(
    browser: Any, db: Database, address: str, ann: Person
) -> None:
    page = page_of(browser, address, db, ann)
    page.goto(f"{address}/revise/1")
    sessions.end_sessions_of(db, ann)
    page.keyboard.press("a")
    page.get_by_role("heading", name="You are logged out").wait_for()
    assert page.evaluate("document.activeElement.textContent") == "Log in, in a new tab"
    assert axe_violations(page) == []
    log_in_elsewhere(page, db, ann)
    page.get_by_role("button", name="Send it again").click()
    page.wait_for_url("**/item/2**")
    assert [one.decision for one in saved(db, 1)] == [Decision.ACCEPT]


def test_what_was_typed_is_not_sent_under_the_name_of_somebody_else(
    browser: Any, db: Database, address: str, ann: Person
) -> None:
    page = page_of(browser, address, db, ann)
    page.goto(f"{address}/revise/1")
    type_until_logged_out(page, db, ann)
    log_in_elsewhere(page, db, person(db, "ben", Role.EXPERT))
    page.keyboard.press("Control+Enter")
    page.locator("#kept-text", has_text="You are logged in as ben now").wait_for()
    assert page.locator("#text-output").input_value().startswith("Before. After. ")
    assert not saved(db, 1)
    log_in_elsewhere(page, db, ann)
    page.keyboard.press("Control+Enter")
    page.wait_for_url("**/item/2**")
    assert [one.person_id for one in saved(db, 1)] == [ann.id]


def test_the_key_of_an_open_editor_goes_into_it(
    browser: Any, db: Database, address: str, ann: Person
) -> None:
    page = page_of(browser, address, db, ann)
    page.goto(f"{address}/revise/1")
    edit_response(page)
    for _ in range(2):
        page.keyboard.press("Escape")
        assert page.evaluate("document.activeElement.tagName") == "SUMMARY"
        page.keyboard.press("3")
        assert page.evaluate("document.activeElement.name") == "text.output"
    page.keyboard.press("Escape")
    page.keyboard.press("Enter")  # of the summary itself: closed
    assert page.locator("#text-output").is_hidden()


def test_a_crashed_tab_finds_its_text_again(browser: Any, db: Database, address: str, ann: Person) -> None:
    page = page_of(browser, address, db, ann)
    page.goto(f"{address}/revise/1")
    edit_response(page)
    page.context.set_offline(True)
    page.locator("#text-output").fill("Written before the crash.")
    page.wait_for_timeout(100)
    page.close()  # nothing reached the server
    assert work_on(db, 1, ann).autosaved is None  # type: ignore[union-attr]
    after = page.context.new_page()
    page.context.set_offline(False)
    after.goto(f"{address}/item/1")
    assert after.locator("#text-output").input_value() == "Written before the crash."
    assert "is back in the editor" in after.locator("#kept-text").inner_text()
    wait_until(lambda: (work_on(db, 1, ann).autosaved or {}).get("output") == "Written before the crash.")  # type: ignore[union-attr]


def test_two_windows_merge(browser: Any, db: Database, address: str, ann: Person) -> None:
    first, second = (page_of(browser, address, db, ann) for _ in range(2))
    for page in (first, second):
        page.goto(f"{address}/revise/1")
        edit_response(page)
    first.locator("#text-output").fill("From the first window.")
    first.keyboard.press("Control+Enter")
    first.wait_for_url("**/item/2**")
    second.locator("#text-output").fill("From the second window.")
    second.locator("button", has_text="Compare both").click()
    second.wait_for_selector("#merge")
    assert axe_violations(second) == []
    assert "From the first window." in second.locator("main").inner_text()
    second.locator("#text-output").fill("From both windows.")
    second.keyboard.press("Control+Enter")
    second.wait_for_url("**/item/2**")
    assert [one.texts["output"] for one in saved(db, 1)] == ["From the first window.", "From both windows."]


def test_a_lost_lease_is_told_while_typing(
    browser: Any, db: Database, address: str, ann: Person, clock: Clock
) -> None:
    page = page_of(browser, address, db, ann)
    page.goto(f"{address}/revise/1")
    clock.ahead = 1_900
    taken = next_work(db, 1, person(db, "ben", Role.EXPERT))
    assert taken is not None
    assert taken.item.id == 1
    edit_response(page)
    page.locator("#text-output").fill("Too late.")
    page.locator("#kept-text", has_text="went to somebody else").wait_for()
    assert page.locator("#text-output").input_value() == "Too late."
    page.keyboard.press("Control+Enter")
    page.wait_for_selector("text=so it went to somebody else")
    assert page.locator("textarea").last.input_value() == "Too late."
    assert axe_violations(page) == []
    assert not saved(db, 1)


def test_reasons_are_asked_and_can_be_left(browser: Any, db: Database, address: str, ann: Person) -> None:
    page = page_of(browser, address, db, ann)
    page.goto(f"{address}/revise/1")
    page.keyboard.press("f")
    assert page.locator("#why-title").inner_text().startswith("Why do you flag it?")
    assert axe_violations(page) == []
    page.keyboard.press("Enter")  # no reason yet: nothing happens
    page.keyboard.press("Escape")
    assert not page.locator(".why-panel").is_visible()
    page.wait_for_timeout(200)
    assert not saved(db, 1)


@pytest.mark.parametrize("words", ["bad answer", "Not usable as it is", "?! sad facts", "1 2 3 u"])
def test_who_is_asked_why_and_begins_to_type_gives_the_reason_and_decides_nothing_else(
    browser: Any, db: Database, address: str, ann: Person, words: str
) -> None:
    page = page_of(browser, address, db, ann)
    page.goto(f"{address}/revise/1")
    page.keyboard.press("r")
    page.keyboard.type(words, delay=20)
    assert page.locator("#own-words").input_value() == words
    assert page.locator("#why input:checked").count() == 0
    assert not saved(db, 1)
    page.keyboard.press("Control+Enter")
    page.wait_for_url("**/item/2**")
    [kept] = saved(db, 1)
    assert kept.decision is Decision.REJECT
    assert words in kept.reason
    assert not saved(db, 2)


def test_the_views_are_switched_and_remembered(browser: Any, db: Database, address: str, ann: Person) -> None:
    page = page_of(browser, address, db, ann)
    page.goto(f"{address}/revise/1")
    output = page.locator("[data-field=output]")
    assert output.locator("ins").first.is_visible()
    page.keyboard.press("v")
    assert not output.locator("ins").first.is_visible()
    assert not output.locator(".original").is_visible()
    page.keyboard.press("v")
    assert output.locator(".draft .rendered").is_visible()
    page.reload()
    assert output.locator(".draft .rendered").is_visible()


def test_hostile_texts_do_nothing(browser: Any, db: Database, address: str, ann: Person) -> None:
    take(db, ann, 4)
    page = page_of(browser, address, db, ann)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    for view in ("differences", "draft", "rendered"):
        page.goto(f"{address}/item/4?view={view}")
        assert page.title() == "evil · Pairs · Tunewright"
        assert page.locator("main script, main img, main style").count() == 0
    edit_response(page)
    page.keyboard.press("Control+End")
    page.keyboard.type("!")
    page.locator("#state", has_text="saved ").wait_for()
    assert page.title() == "evil · Pairs · Tunewright"
    assert all(url.startswith(address) for url in asked)
    assert page.complaints == []
    page.keyboard.press("Control+Enter")
    page.wait_for_url("**/item/5**")
    assert saved(db, 4)[-1].texts["output"] == "\n" + EVIL + "\ufffd<style>*{display:none}</style>!"
    assert saved(db, 4)[-1].texts["instruction"] == EVIL + "\u202e"


@pytest.mark.parametrize(("width", "scheme"), [(1280, "dark"), (390, "light")])
def test_every_pair_is_accessible_and_fits(
    browser: Any, db: Database, address: str, ann: Person, width: int, scheme: str
) -> None:
    page = page_of(browser, address, db, ann, width=width, scheme=scheme)
    page.goto(f"{address}/revise/1")
    for item_id in range(1, 7):
        assert overflow_pixels(page) == 0
        page.locator("details.editor summary").last.click()
        page.locator("details.criteria summary").last.click()
        assert overflow_pixels(page) == 0
        assert axe_violations(page) == [], PAIRS[item_id - 1].key
        page.locator("#accept").click()
        page.wait_for_url(f"**/item/{item_id + 1}**" if item_id < 6 else "**/revise/1**")
    assert axe_violations(page) == []  # the end of the queue
    assert "Pairs is done" in page.locator("h1").inner_text()


def test_right_to_left_texts_run_from_the_right(
    browser: Any, db: Database, address: str, ann: Person
) -> None:
    take(db, ann, 2)
    page = page_of(browser, address, db, ann)
    page.goto(f"{address}/item/2")
    edit_response(page)
    direction = "element => getComputedStyle(element).direction"
    assert page.locator("[data-field=output] [data-live=before]").evaluate(direction) == "rtl"
    assert page.locator("#text-output").evaluate(direction) == "rtl"
    assert page.locator("h1").evaluate(direction) == "ltr"


def test_without_script_forms_do_everything(browser: Any, db: Database, address: str, ann: Person) -> None:
    page = page_of(browser, address, db, ann, script=False)
    page.goto(f"{address}/revise/1")
    page.locator("[data-field=output] summary").last.click()
    page.locator("#text-output").fill("Typed without script.")
    page.locator("button[value=accept]").click()
    assert "accepting takes the draft without your changes" in page.locator("[role=alert]").inner_text()
    page.locator("main button[value=edit]").click()
    page.wait_for_url("**/item/2**")
    assert saved(db, 1)[0].texts["output"] == "Typed without script."
    page.locator("button[value=reject]").click()
    assert "say why" in page.locator("[role=alert]").inner_text()
    page.locator("input[value=safety]").check()
    page.locator("input[value=safety]").press("Enter")  # presses the form's first button, which saves nothing
    assert "choose accept" in page.locator("[role=alert]").inner_text()
    assert not saved(db, 2)
    page.locator("button[value=reject]").click()
    page.wait_for_url("**/item/3**")
    page.locator("button:has-text('Undo')").click()
    page.wait_for_url("**/item/2")
    page.locator("a:has-text('Rendered')").click()
    page.wait_for_url("**/item/2?view=rendered")
    page.locator("button[value=skip]").click()
    page.wait_for_url("**/item/3**")
    assert [one.decision.value for one in saved(db, 2)] == ["reject", "skip"]
