"""The expert's routes by forms alone, as a browser without JavaScript sends them: nothing typed is lost."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import pytest

from support.review_page import PageClient, client_of, new_database, person
from tunewright.review.model import Arm, Decision, Finding, Queue, Revision, Role
from tunewright.review.store.assignment import assign
from tunewright.review.store.database import Database
from tunewright.review.store.queues import NewItem, add_revise_queue, close_queue
from tunewright.review.store.revisions import history
from tunewright.review.store.work import next_work, work_on
from tunewright.review.web import reasons
from tunewright.review.web.app import create_app

START = 1_800_000_000.0
PAIR = NewItem(
    key="tea-1",
    original={"instruction": "Make tea.", "input": "", "output": "Boil water\r\nand wait."},
    draft={"instruction": "Explain how to make tea.", "input": "", "output": "Boil fresh water,\nthen wait."},
    draft_reason="The answer was thin.",
    findings=(Finding("output", "short_answer", "fewer than 20 words", 0, 4), Finding("", "topic", "food")),
    history=(("user", "Hello"),),
)


class Clock:
    """A clock that stands still until it is told to go on."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def db(tmp_path: Path, clock: Clock) -> Iterator[Database]:
    made = new_database(tmp_path, clock=clock)
    yield made
    made.close()


def others(count: int) -> list[NewItem]:
    return [
        NewItem(key=f"more-{n}", original={"instruction": f"Say {n}.", "output": f"{n}"})
        for n in range(count)
    ]


def queue_of(db: Database, *items: NewItem, **options: object) -> Queue:
    return add_revise_queue(db, "Tea", items or (PAIR, *others(2)), **options)  # type: ignore[arg-type]


app_of = lru_cache(maxsize=1)(create_app)  # one for all clients of a test


def expert(db: Database, name: str = "ann") -> PageClient:
    return client_of(db, person(db, name, Role.EXPERT), app=app_of(db))


def field_values(page: str) -> dict[str, str]:
    """What a browser would send of the form as it stands: line ends as CRLF, no button pressed."""
    values = {}
    for name, text in re.findall(r'<textarea[^>]* name="([^"]+)"[^>]*>\n?(.*?)</textarea>', page, re.DOTALL):
        values[name] = html.unescape(text).replace("\r\n", "\n").replace("\n", "\r\n")
    for name, value in re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', page):
        values[name] = html.unescape(value)
    values.pop("csrf", None)
    return values


def saved(db: Database, item_id: int) -> Revision:
    return history(db, item_id)[-1]


def test_the_next_pair_is_shown_with_both_versions_and_all_that_is_known(db: Database) -> None:
    queue_of(db, criteria=("coachlm", "Keep it short."))
    ann = expert(db)
    answer = ann.get("/revise/1")
    assert (answer.status_code, answer.headers["location"]) == (303, "/item/1")
    page = ann.get("/item/1").text
    assert "<del>Make</del>" in page
    assert "<ins>Explain how to make</ins>" in page
    assert "The answer was thin." in page
    assert (
        '<mark class="found" title="1: short_answer">Boil</mark><sup class="finding-number">1</sup>' in page
    )
    assert "fewer than 20 words" in page
    assert "food" in page
    assert "Does the response offer depth" in page
    assert "Keep it short." in page
    assert "Hello" in page
    assert "0 done by you · 3 still open" in page


def test_accepting_saves_the_draft_exactly_and_goes_on(db: Database) -> None:
    queue_of(db)
    ann = expert(db)
    ann.get("/revise/1")
    page = ann.get("/item/1").text
    answer = ann.submit("/item/1", decision="accept", **field_values(page))
    assert (answer.status_code, answer.headers["location"]) == (303, "/item/2?after=1&how=accept")
    kept = saved(db, 1)
    assert kept.decision is Decision.ACCEPT
    assert kept.texts["output"] == "Boil fresh water,\nthen wait."
    assert kept.shown_draft
    assert "The pair before is accepted." in ann.get("/item/2?after=1&how=accept").text


def test_an_edit_changes_what_was_typed_and_nothing_else(db: Database) -> None:
    """Lines that a browser sends with CRLF come back as they were; NUL and other unfit characters too."""
    odd = NewItem(
        key="odd",
        original={
            "instruction": "\nA\0B\r\nlone\rend",
            "output": "x",
            "system": "Be\r\nkind",
            "explanation": "\x0b",
        },
    )
    queue_of(db, odd)
    ann = expert(db)
    ann.get("/revise/1")
    sent = field_values(ann.get("/item/1").text)
    sent["text.output"] = "one\r\ntwo"
    ann.submit("/item/1", decision="edit", **sent)
    assert saved(db, 1).decision is Decision.EDIT
    assert saved(db, 1).texts == {**odd.original, "input": "", "output": "one\ntwo"}


def test_a_typed_character_that_no_page_can_show_is_never_saved_as_another(db: Database) -> None:
    """It is refused with its place named, and stands in the editor as the sign that it would become."""
    queue_of(db)
    ann = expert(db)
    ann.get("/revise/1")
    sent = field_values(ann.get("/item/1").text)
    sent["text.output"] = "Boil water\0 twice."
    answer = ann.submit("/item/1", decision="edit", **sent)
    assert answer.status_code == 422
    assert "Response holds a character that no page can show (U+0000, after “Boil water”)" in answer.text
    seen = field_values(answer.text)
    assert seen["text.output"] == "Boil water\ufffd twice."
    assert ann.submit("/item/1", decision="reject", **{**seen, "own_words": "b\x1bad"}).status_code == 422
    assert history(db, 1) == []
    assert ann.submit("/item/1", decision="edit", **seen).status_code == 303  # it was seen
    assert saved(db, 1).texts["output"] == "Boil water\ufffd twice."


def test_saving_an_unchanged_text_is_accepting(db: Database) -> None:
    queue_of(db)
    ann = expert(db)
    ann.get("/revise/1")
    ann.submit("/item/1", decision="edit", **field_values(ann.get("/item/1").text))
    assert saved(db, 1).decision is Decision.ACCEPT


def test_accepting_over_changed_texts_asks_first(db: Database) -> None:
    queue_of(db)
    ann = expert(db)
    ann.get("/revise/1")
    sent = field_values(ann.get("/item/1").text) | {"text.output": "My own words."}
    answer = ann.submit("/item/1", decision="accept", **sent)
    assert answer.status_code == 422
    assert "accepting takes the draft without your changes" in answer.text
    assert "My own words.</textarea>" in answer.text
    assert "My own words.</textarea>" in ann.get("/item/1").text  # kept, should this page be closed now
    assert not history(db, 1)
    ann.submit("/item/1", decision="accept-anyway", **field_values(answer.text))
    assert saved(db, 1).decision is Decision.ACCEPT
    assert saved(db, 1).texts["output"] == "Boil fresh water,\nthen wait."


@pytest.mark.parametrize("decision", ["reject", "flag"])
def test_reject_and_flag_need_a_reason(db: Database, decision: str) -> None:
    queue_of(db)
    ann = expert(db)
    ann.get("/revise/1")
    sent = field_values(ann.get("/item/1").text) | {"text.output": "Typed before."}
    answer = ann.submit("/item/1", decision=decision, **sent)
    assert answer.status_code == 422
    assert f"say why you {decision} this pair" in answer.text
    assert "Typed before.</textarea>" in answer.text
    assert re.search(r'<details class="why" id="why"[^>]* open>', answer.text)
    answer = ann.submit(
        "/item/1", decision=decision, why=["safety", "correctness"], **sent | {"own_words": " bad year "}
    )
    assert answer.status_code == 303
    kept = saved(db, 1)
    assert kept.decision == decision
    assert kept.reason == "[correctness, safety] bad year"
    assert kept.texts["output"] == "Typed before."


def test_an_edit_without_a_response_is_refused(db: Database) -> None:
    queue_of(db)
    ann = expert(db)
    ann.get("/revise/1")
    sent = field_values(ann.get("/item/1").text) | {"text.output": "  "}
    answer = ann.submit("/item/1", decision="edit", **sent)
    assert answer.status_code == 422
    assert "needs an instruction and a response" in answer.text


def test_a_form_without_a_decision_saves_nothing_and_loses_nothing(db: Database) -> None:
    queue_of(db)
    ann = expert(db)
    ann.get("/revise/1")
    for decision in ("", "delete", "accept\0"):
        answer = ann.submit("/item/1", decision=decision, **{"version": "0", "text.output": "kept here"})
        assert answer.status_code == 422
        assert "kept here</textarea>" in answer.text
    assert not history(db, 1)


def test_skipping_gives_the_pair_to_others_and_undo_takes_it_back(db: Database) -> None:
    queue_of(db)
    ann = expert(db)
    ann.get("/revise/1")
    answer = ann.submit("/item/1", decision="skip", **field_values(ann.get("/item/1").text))
    assert answer.headers["location"] == "/item/2?after=1&how=skip"
    assert ann.get("/item/1").status_code == 404
    answer = ann.submit("/item/1/undo")
    assert (answer.status_code, answer.headers["location"]) == (303, "/item/1")
    assert ann.get("/item/1").status_code == 200


def test_undo_brings_the_typed_text_back_into_the_editor(db: Database) -> None:
    queue_of(db)
    ann = expert(db)
    ann.get("/revise/1")
    sent = field_values(ann.get("/item/1").text) | {"text.output": "My own words."}
    ann.submit("/item/1", decision="edit", **sent)
    assert "You <b>edited</b> this pair" in ann.get("/item/1").text
    ann.submit("/item/1/undo")
    page = ann.get("/item/1").text
    assert "You <b>" not in page
    assert field_values(page)["text.output"] == "My own words."
    assert field_values(page)["version"] == "2"
    ann.submit("/item/1", decision="edit", **field_values(page))
    assert saved(db, 1).texts["output"] == "My own words."


def test_autosaved_text_is_in_the_editor_when_the_pair_is_opened_again(db: Database) -> None:
    queue_of(db)
    ann = expert(db)
    ann.get("/revise/1")
    assert ann.submit("/item/1/autosave", version="0", **{"text.output": "half a sen"}).status_code == 204
    page = ann.get("/item/1").text
    assert field_values(page)["text.output"] == "half a sen"
    assert field_values(page)["text.instruction"] == "Explain how to make tea."
    assert not history(db, 1)


def test_a_stale_save_is_answered_with_a_merge_that_can_be_saved(db: Database) -> None:
    queue_of(db)
    ann, window = expert(db), expert(db)
    ann.get("/revise/1")
    first = field_values(ann.get("/item/1").text) | {"text.output": "From one window."}
    second = first | {"text.output": "From the other.", "text.instruction": "Explain tea."}
    ann.submit("/item/1", decision="edit", **first)
    assert ann.submit("/item/1/autosave", **second).status_code == 409
    answer = window.submit("/item/1", decision="edit", **second)
    assert answer.status_code == 409
    assert "saved in another window" in answer.text
    for text in ("From one window.", "From the other.", "Boil water"):
        assert text in re.sub("<[^>]+>", "", answer.text)
    merged = field_values(answer.text)
    assert merged["version"] == "1"
    assert merged["text.output"] == "From the other."
    answer = window.submit(
        "/item/1", decision="edit", **merged | {"take.output": "saved", "take.instruction": "mine"}
    )
    assert answer.status_code == 303
    assert saved(db, 1).version == 2
    assert saved(db, 1).texts["output"] == "From one window."
    assert saved(db, 1).texts["instruction"] == "Explain tea."


def test_the_same_save_sent_twice_is_one_save(db: Database) -> None:
    queue_of(db)
    ann = expert(db)
    ann.get("/revise/1")
    sent = field_values(ann.get("/item/1").text) | {"text.output": "Once."}
    for _ in range(2):
        assert ann.submit("/item/1", decision="edit", **sent).status_code == 303
    assert len(history(db, 1)) == 1


def test_a_lease_that_ran_out_keeps_the_text_and_says_what_happened(db: Database, clock: Clock) -> None:
    queue_of(db)
    ann, ben = expert(db), expert(db, "ben")
    ann.get("/revise/1")
    sent = field_values(ann.get("/item/1").text) | {"text.output": "Slowly written."}
    clock.now += 1801
    assert ben.get("/revise/1").headers["location"] == "/item/1"
    answer = ann.submit("/item/1", decision="edit", **sent)
    assert answer.status_code == 410
    assert "went to somebody else" in answer.text
    assert "Slowly written.</textarea>" in answer.text
    assert not history(db, 1)
    assert ann.submit("/item/1/autosave", **sent).status_code == 410


def test_a_lease_that_ran_out_unnoticed_is_taken_again(db: Database, clock: Clock) -> None:
    queue_of(db)
    ann = expert(db)
    ann.get("/revise/1")
    sent = field_values(ann.get("/item/1").text) | {"text.output": "Slowly written."}
    clock.now += 4000
    assert ann.submit("/item/1", decision="edit", **sent).status_code == 303
    assert saved(db, 1).texts["output"] == "Slowly written."


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        ("45.5", (45.5, 100.0)),
        ("9999", (100.0, 100.0)),  # nobody is active longer than the page is open
        ("-3", (100.0, 100.0)),
        ("nan", (100.0, 100.0)),
        ("", (100.0, 100.0)),  # without JavaScript nothing is counted
        ("0", (0.0, 100.0)),
    ],
)
def test_active_time_is_bounded_by_the_clock_of_the_server(
    db: Database, clock: Clock, sent: str, expected: tuple[float, float]
) -> None:
    queue_of(db)
    ann = expert(db)
    ann.get("/revise/1")
    values = field_values(ann.get("/item/1").text)
    clock.now += 100
    ann.submit("/item/1", decision="accept", **values | {"seconds": sent})
    assert (saved(db, 1).seconds, saved(db, 1).seconds_open) == expected


@pytest.mark.parametrize("opened", ["", "1e999", "0", "99999999999", "x"])
def test_a_wrong_opening_time_does_no_harm(db: Database, opened: str) -> None:
    queue_of(db)
    ann = expert(db)
    ann.get("/revise/1")
    values = field_values(ann.get("/item/1").text) | {"opened": opened, "seconds": "1e308"}
    assert ann.submit("/item/1", decision="accept", **values).status_code == 303
    assert 0 <= saved(db, 1).seconds <= saved(db, 1).seconds_open <= 43_200


def test_no_page_was_open_before_its_pair_was_taken_or_saved(db: Database, clock: Clock) -> None:
    """The form's own words about time go no further back than what the database knows."""
    queue_of(db)
    ann = expert(db)
    ann.get("/revise/1")
    clock.now += 100
    lying = {"opened": "0", "seconds": "40000"}
    values = field_values(ann.get("/item/1").text) | lying
    ann.submit("/item/1", decision="accept", **values)
    assert (saved(db, 1).seconds, saved(db, 1).seconds_open) == (100.0, 100.0)
    clock.now += 30
    values = field_values(ann.get("/item/1").text) | lying | {"text.output": "Better."}
    ann.submit("/item/1", decision="edit", **values)
    assert (saved(db, 1).seconds, saved(db, 1).seconds_open) == (30.0, 30.0)


def test_without_a_draft_nothing_of_it_is_in_the_page(db: Database) -> None:
    """The arm of the experiment that shows none must not tell of it in any way."""
    secret = NewItem(
        key="k",
        original={"instruction": "Make tea.", "output": "Boil water."},
        draft={"instruction": "Make TOPSECRET tea.", "output": "TOPSECRET water."},
        draft_reason="TOPSECRET why",
        lineage={"coach": "TOPSECRET model"},
    )
    more = [
        NewItem(key=f"k{n}", original=secret.original, draft=secret.draft, draft_reason="TOPSECRET")
        for n in range(5)
    ]
    queue_of(db, secret, *more, experiment=True)
    ann = expert(db)
    arms = []
    for _ in range(6):
        work = next_work(db, 1, person(db, "ann", Role.EXPERT))
        assert work is not None
        address = f"/item/{work.item.id}"
        pages = [ann.get(f"{address}?view={view}").text for view in ("differences", "draft", "rendered", "x")]
        diff = ann.submit(f"{address}/diff", version="0", **{"text.output": "Cold water."}).text
        hides = work.item.arm is Arm.WITHOUT_DRAFT
        arms.append(hides)
        for page in pages:
            assert ("TOPSECRET" in page) is not hides
            assert ("oach" in page) is not hides
        assert "TOPSECRET" not in diff
        values = field_values(pages[0])
        if hides:
            assert values["text.output"] == "Boil water."
        ann.submit(address, decision="accept", **values)
        assert saved(db, work.item.id).shown_draft is not hides
        assert saved(db, work.item.id).texts["output"] == ("Boil water." if hides else "TOPSECRET water.")
    assert sorted(arms) == [False] * 3 + [True] * 3


def test_the_live_diff_is_against_the_original(db: Database) -> None:
    queue_of(db)
    ann = expert(db)
    ann.get("/revise/1")
    answer = ann.submit("/item/1/diff", version="0", **{"text.instruction": "Make <b>green</b> tea."}).json()
    assert answer == {
        "instruction": {
            "before": "Make tea.",
            "after": "Make <ins>&lt;b&gt;green&lt;/b&gt; </ins>tea.",
            "is_coarse": False,
            "is_equal": False,
        }
    }


def test_the_end_of_a_queue_says_so(db: Database) -> None:
    queue = queue_of(db, *others(1))
    ann, ben = expert(db), expert(db, "ben")
    ann.get("/revise/1")
    assert "Nothing is free just now" in ben.get("/revise/1").text
    answer = ann.submit("/item/1", decision="accept", **field_values(ann.get("/item/1").text))
    assert answer.headers["location"] == "/revise/1?after=1&how=accept"
    page = ann.get(answer.headers["location"]).text
    assert "The queue <bdi>Tea</bdi> is done" in page
    assert "Undo" in page
    close_queue(db, queue.id)
    assert "The queue <bdi>Tea</bdi> is closed" in ben.get("/revise/1").text


@pytest.mark.parametrize(
    "path", ["/item/99", "/item/1", "/revise/99", "/item/0", "/item/9" + 30 * "9", "/item/-1"]
)
def test_what_is_not_theirs_is_not_shown(db: Database, path: str) -> None:
    queue_of(db)
    answer = expert(db).get(path)
    assert answer.status_code == 404
    assert "Boil" not in answer.text


@pytest.mark.parametrize("path", ["/item/1", "/item/1/autosave", "/item/1/undo", "/item/1/diff"])
def test_raters_and_strangers_may_not_revise(db: Database, path: str) -> None:
    queue_of(db)
    rater = client_of(db, person(db, "rae", Role.RATER))
    assert rater.submit(path, decision="accept").status_code == 403
    assert client_of(db, None).post(path, data={"decision": "accept"}).status_code == 401
    assert rater.get("/item/1").status_code == 403


@pytest.mark.parametrize("path", ["", "/autosave", "/undo", "/diff"])
def test_posts_about_no_item_are_refused_without_harm(db: Database, path: str) -> None:
    queue_of(db)
    answer = expert(db).submit(f"/item/77{path}", decision="accept", **{"text.output": "x"})
    assert answer.status_code in (404, 410)


def test_the_address_cannot_put_words_on_the_page(db: Database) -> None:
    queue_of(db)
    ann = expert(db)
    ann.get("/revise/1")
    page = ann.get("/item/1?after=2&how=%3Cscript%3E&view=%3Cscript%3E").text
    assert "<script>" not in page
    assert "The pair before" not in page


def test_a_megabyte_of_text_is_shown_edited_and_saved(db: Database) -> None:
    text = "\n".join(f"Line {n} of a long text, with some words." for n in range(24_000))
    assert len(text) > 1_000_000
    queue_of(db, NewItem(key="long", original={"instruction": "Write.", "output": text}))
    ann = expert(db)
    ann.get("/revise/1")
    values = field_values(ann.get("/item/1").text)
    values["text.output"] = values["text.output"].replace("Line 7 of", "Line seven of")
    assert ann.submit("/item/1", decision="edit", **values).status_code == 303
    assert saved(db, 1).texts["output"] == text.replace("Line 7 of", "Line seven of")


@pytest.mark.parametrize(
    ("picked", "words", "kept"),
    [
        ((), "", ""),
        ((), " plain words ", "plain words"),
        (("relevance",), "", "[relevance]"),
        (("relevance", "correctness"), "the year", "[correctness, relevance] the year"),
        (("unknown",), "", ""),
        ((), "[relevance] not picked", "[] [relevance] not picked"),
    ],
)
def test_reasons_are_one_text_that_can_be_read_back(picked: tuple[str, ...], words: str, kept: str) -> None:
    assert reasons.written(picked, words) == kept
    known = frozenset(picked) - {"unknown"}
    assert reasons.read(kept) == (known, words.strip())


def test_a_reason_is_told_in_sentences() -> None:
    told = reasons.said("[changed-task, correctness] the year is wrong")
    assert told.picked == ("The response is wrong", "The draft changes the task or its data")
    assert told.own_words == "the year is wrong"
    assert reasons.said("see [1]") == reasons.Said((), "see [1]")


def lost_words(answer: object) -> str:
    return re.search(r'<p class="lead">(.*?)</p>', answer.text)[1]  # type: ignore[attr-defined,index]


def test_a_lost_place_says_what_is_so(db: Database, clock: Clock) -> None:
    """A skip that cannot be taken back, a queue given to others or closed since, somebody else's pair."""
    queue = queue_of(db, PAIR)
    ann, ben = expert(db), expert(db, "ben")
    ann.get("/revise/1")
    ann.submit("/item/1", decision="skip", **field_values(ann.get("/item/1").text))
    never = ben.submit("/item/1", decision="accept", version="0")
    assert lost_words(never).startswith("It was never given to you. Your decision was not counted.")
    assert ben.get("/revise/1").headers["location"] == "/item/1"
    stays = "What you had decided stays as it was."
    assert lost_words(ann.submit("/item/1/undo")) == f"You skipped it, so it went to somebody else. {stays}"
    assign(db, queue.id, [person(db, "ben", Role.EXPERT).id])
    others_now = "The lead gives this queue to other people now."
    assert lost_words(ann.submit("/item/1/undo")) == f"{others_now} {stays}"
    assert lost_words(ann.get("/item/1")) == f"{others_now} What you typed here is kept."
    script = ann.post(
        "/item/1/autosave", data={"csrf": ann.session.csrf, "text.output": "Typed.", "version": "1"}
    )
    assert script.json() == {"error": f"{others_now} What you typed is kept on the server."}
    close_queue(db, queue.id)
    assert lost_words(ann.get("/item/1")).startswith("The lead has closed this queue since.")


def test_a_draft_is_the_coachs_only_where_its_lineage_says_so(db: Database) -> None:
    """And in the arm without one nothing is said of any."""
    for number, lineage, title in (
        (1, {}, "Draft"),
        (2, {"coach": {"status": "revised"}}, "Coach’s draft"),
        (3, {"run": {"stage": "revise"}}, "Coach’s draft"),
        (4, {"run": {"stage": "check"}, "revision": {"reviewer": "coach"}}, "Draft"),
    ):
        item = replace(PAIR, lineage=lineage, draft={**PAIR.original, "output": "Boil fresh water."})
        add_revise_queue(db, f"queue {number}", [item])
        ann = expert(db)
        page = ann.get(ann.get(f"/revise/{number}").headers["location"]).text
        assert re.findall(r'<h3 class="draft-title">(.*?)</h3>', page)[0] == title
        by = "coach" if "Coach" in title else "draft"
        assert f"not changed by the {by}</span>" in page
        assert f"<b>The {by}:</b>" in page
        assert ("oach" in page.replace("coach-says", "")) is (by == "coach")
    drawn = [replace(PAIR, key=str(n), lineage={"coach": {"status": "revised"}}) for n in range(4)]
    add_revise_queue(db, "arms", drawn, experiment=True)
    num_without = 0
    for _ in drawn:
        address = ann.get("/revise/5").headers["location"]
        work = work_on(db, int(address.split("?")[0].split("/")[-1]), person(db, "ann", Role.EXPERT))
        page = ann.get(address).text
        assert work is not None
        if work.item.arm is Arm.WITHOUT_DRAFT:
            num_without += 1
            assert "oach" not in page
            assert not re.search(r"[^=]\bdraft", re.sub("<[^>]*>", " ", page), re.IGNORECASE)
        ann.submit(address, decision="accept", **field_values(page))
    assert num_without == 2
