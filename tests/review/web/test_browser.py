"""What every page shares, in a real browser: keys, the link of the start, and no hurdle that axe finds."""

from __future__ import annotations

from typing import Any

import pytest

from support.review_page import PASSWORD, axe_violations, overflow_pixels, page_of, person, serving
from tunewright.review.model import Role
from tunewright.review.store import sessions
from tunewright.review.store.database import Database
from tunewright.review.store.queues import NewItem, add_revise_queue

ITEMS = [NewItem(f"r{n}", {"instruction": f"Ask {n}.", "output": "Answer."}) for n in range(12)]


def test_the_shared_pages_have_no_hurdle_in_either_size_and_scheme(db: Database, browser: Any) -> None:
    """axe finds nothing, nothing is wider than the window, the console has no complaint of the policy."""
    lead = person(db, "a-rather-long-name-of-somebody", Role.LEAD)
    add_revise_queue(db, "An uncommonly_long_name_of_a_queue_" + "x" * 50, ITEMS)
    with serving(db) as address:
        for width, scheme in ((1280, "light"), (390, "dark")):
            for who, path in ((None, "/login"), (lead, "/"), (lead, "/nowhere")):
                page = page_of(browser, address, db, who, width=width, scheme=scheme)
                page.goto(address + path)
                assert axe_violations(page) == [], (path, width, scheme)
                assert overflow_pixels(page) == 0, (path, width, scheme)
                assert [said for said in page.complaints if "404" not in said] == []
                page.context.close()


def test_a_question_mark_shows_the_keys_and_escape_closes_them(db: Database, browser: Any) -> None:
    lead = person(db, "lea", Role.LEAD)
    add_revise_queue(db, "pilot", ITEMS)
    with serving(db) as address:
        page = page_of(browser, address, db, lead)
        page.goto(address)
        page.keyboard.press("?")
        shown = page.locator("#keys dd").all_text_contents()
        assert shown == [
            *("Work", "Quality", "Look up", "Lead"),
            *("Start revising: pilot", "This list", "Close"),
        ]
        assert axe_violations(page) == []
        page.keyboard.press("Escape")
        assert not page.locator("#keys").is_visible()
        page.context.close()


def test_keys_act_but_not_while_somebody_types_and_not_when_switched_off(db: Database, browser: Any) -> None:
    lead = person(db, "lea", Role.LEAD)
    with serving(db) as address:
        page = page_of(browser, address, db, lead)
        page.goto(f"{address}/nowhere")
        page.keyboard.press("g")
        page.keyboard.press("w")
        page.wait_for_url(f"{address}/")
        page.evaluate("document.querySelector('main').append(document.createElement('textarea'))")
        page.locator("textarea").focus()
        page.keyboard.type("g d ?")
        assert page.url == f"{address}/"
        assert page.locator("textarea").input_value() == "g d ?"
        page.locator("textarea").evaluate("(field) => field.blur()")
        page.keyboard.press("?")
        page.locator("#keys-on").uncheck()
        page.keyboard.press("Escape")
        page.reload()
        page.keyboard.press("g")
        page.keyboard.press("d")
        page.wait_for_timeout(200)
        assert page.url == f"{address}/"
        page.context.close()


def test_caps_lock_and_another_alphabet_do_not_change_what_a_key_does(db: Database, browser: Any) -> None:
    lead = person(db, "lea", Role.LEAD)
    with serving(db) as address:
        for key, code in (("G", "KeyG"), ("п", "KeyG"), ("g", "")):
            page = page_of(browser, address, db, lead)
            page.goto(f"{address}/nowhere")
            for name, place in ((key, code), ("w", "KeyW")):
                page.evaluate(
                    "([key, code]) => document.body.dispatchEvent("
                    "new KeyboardEvent('keydown', {key, code, bubbles: true}))",
                    [name, place],
                )
            page.wait_for_url(f"{address}/")
            page.context.close()


@pytest.mark.parametrize("script", [True, False])
def test_the_link_of_the_start_lets_in_and_leaves_no_trace(db: Database, browser: Any, script: bool) -> None:
    """With a script it takes no click; without one a button. The token is in no address of the history."""
    token = sessions.make_link(db, person(db, "lea", Role.LEAD))
    with serving(db) as address:
        page = page_of(browser, address, db, None, script=script)
        seen = []
        page.on("framenavigated", lambda frame: seen.append(frame.url))
        page.goto(f"{address}/enter/{token}")
        if not script:
            page.get_by_role("button", name="Come in").click()
        page.wait_for_url(f"{address}/")
        assert page.locator(".who .name").text_content() == "lea"
        assert not any(token in url for url in seen)
        page.context.close()


@pytest.mark.parametrize("script", [True, False])
def test_login_and_logout_work_by_keyboard_with_and_without_a_script(
    db: Database, browser: Any, script: bool
) -> None:
    person(db, "ann", Role.EXPERT, PASSWORD)
    with serving(db) as address:
        page = page_of(browser, address, db, None, script=script)
        page.goto(address)
        page.keyboard.type("ann")
        page.keyboard.press("Tab")
        page.keyboard.type(PASSWORD)
        page.keyboard.press("Enter")
        page.wait_for_url(f"{address}/")
        assert page.get_by_role("heading", level=1).text_content() == "Nothing waits for you"
        page.get_by_role("button", name="Log out").click()
        page.wait_for_url(f"{address}/login")
        assert page.context.cookies() == [] or "visit" in page.context.cookies()[0]["name"]
        page.context.close()
