"""Rating over HTTP, as a browser without JavaScript does it, and everything a rater must never learn."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from support.rated_studies import (
    SYSTEMS,
    codes_in_order,
    fields_of,
    full_study,
    hidden,
    rate_everything,
    rater_client,
    rating_queue,
    submit_as_script,
)
from support.review_page import PageClient, client_of, new_database, person
from tunewright.evaluate.study.folder import StudyFolder
from tunewright.review import studies
from tunewright.review.model import Queue, Role
from tunewright.review.store import queues, ratings
from tunewright.review.store.database import Database
from tunewright.review.web import rate_page


class Clock:
    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


Study = tuple[Database, StudyFolder, Queue]


def _study(tmp_path: Path, **settings: Any) -> Study:
    db = new_database(tmp_path, clock=Clock())
    folder = full_study(tmp_path / "study", **settings)
    return db, folder, rating_queue(db, folder)


@pytest.fixture
def study(tmp_path: Path) -> Study:
    return _study(tmp_path)


@pytest.fixture
def pairs(tmp_path: Path) -> Study:
    return _study(tmp_path, pairwise=True)


def _everything(client: PageClient, folder: StudyFolder, queue: Queue, rater: str) -> list[Any]:
    """Every answer a rater can get: the pages of each item before and after its rating, and around them."""
    home = f"/rate/{queue.id}"
    answers = [
        client.get("/"),
        client.get(home),
        client.get(f"{home}/instructions"),
        client.get(f"{home}/pause"),
    ]
    for row in folder.assignments[rater]:
        address = f"{home}/{row['item']}"
        before = client.get(address)
        fields = fields_of(before.text)
        answers += [
            before,
            client.submit(address, version="0"),
            client.submit(address, **fields | {"comment.1": "good"}),
            client.submit(address, **fields_of(before.text, 2)),
            client.get(address),
        ]
    return [*answers, client.get(home), client.get(f"{home}/next"), client.get("/")]


def _words_of(answer: Any) -> str:
    """Status line, headers and body of an answer."""
    return f"{answer.status_code} {answer.reason_phrase}\n{answer.headers}\n{answer.url}\n{answer.text}"


@pytest.mark.parametrize("pairwise", [False, True])
def test_nothing_a_rater_gets_names_a_system_or_a_kind(tmp_path: Path, pairwise: bool) -> None:
    db, folder, queue = _study(tmp_path, pairwise=pairwise, num_prompts=2)
    answers = _everything(rater_client(db, "ann"), folder, queue, "ann")
    assert {answer.status_code for answer in answers} == {200, 303, 409, 422}
    for answer in answers:
        said = _words_of(answer).casefold()
        for word in (
            *SYSTEMS,
            *(name.partition("-")[0] for name in SYSTEMS),
            "gold",
            "repeat",
            ".jsonl",
            "key.json",
        ):
            assert word not in said, (word, answer.url)


@pytest.mark.parametrize("pairwise", [False, True])
def test_no_answers_code_and_no_other_raters_item_is_in_a_page(tmp_path: Path, pairwise: bool) -> None:
    db, folder, queue = _study(tmp_path, pairwise=pairwise, num_prompts=2)
    rate_everything(rater_client(db, "bob"), queue)
    own = {row["item"] for row in folder.assignments["ann"]}
    codes = {answer["answer"] for item in folder.items.values() for answer in item["answers"]}
    for answer in _everything(rater_client(db, "ann"), folder, queue, "ann"):
        said = _words_of(answer)
        assert not [code for code in codes | (folder.items.keys() - own) if code in said], answer.url


def _bare(html: str) -> str:
    """A page without its place, texts and their headings: its skeleton."""
    html = re.sub(r"(/rate/\d+/)[a-z0-9]{8}", r"\1ITEM", html)
    html = re.sub(r"\d+ of \d+", "N of M", html)
    html = re.sub(r'value="\d+" max="\d+"', "", html)
    html = re.sub(r'<a class="button quiet" data-key="ArrowLeft.*', "", html)  # the first has none
    texts = r'(<h3>(Explanation|Input)</h3>\s*)?<div class="rendered" dir="auto">.*?</div>\s*'
    return re.sub(r"\s+", " ", re.sub(texts, "", html, flags=re.S))


def test_pages_of_known_and_repeated_items_are_built_like_any_other(pairs: Study) -> None:
    """Gold answers have no explanation here and others do; that is the material, not the page."""
    db, folder, queue = pairs
    kinds, client = folder.kinds(), rater_client(db, "ann")
    skeletons: dict[str, set[str]] = {}
    for item in codes_in_order(folder, "ann"):
        skeletons.setdefault(kinds[item], set()).add(_bare(client.get(f"/rate/{queue.id}/{item}").text))
    assert skeletons.keys() == {"main", "gold", "repeat"}
    assert len(set.union(*skeletons.values())) == 1


def test_the_rating_page_never_reads_an_items_kind(study: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    """Same code path: what the database is asked for gold, repeated and main items is equal."""
    from sqlalchemy import event

    db, folder, queue = study
    kinds, client = folder.kinds(), rater_client(db, "ann")
    asked: list[str] = []
    event.listen(
        db.engine, "before_cursor_execute", lambda c, cursor, statement, *rest: asked.append(statement)
    )
    statements: dict[str, set[tuple[str, ...]]] = {}
    for item in codes_in_order(folder, "ann"):
        asked.clear()
        page = client.get(f"/rate/{queue.id}/{item}")
        client.submit(f"/rate/{queue.id}/{item}", **fields_of(page.text))
        statements.setdefault(kinds[item], set()).add(tuple(asked))
    assert statements["gold"] == statements["main"] == statements["repeat"]
    assert len(statements["main"]) == 1


def test_answers_stand_in_the_order_drawn_for_this_rater(pairs: Study) -> None:
    db, folder, queue = pairs
    orders = Counter()
    for rater in folder.raters:
        client = rater_client(db, rater)
        for row in folder.assignments[rater]:
            texts = {one["answer"]: one["output"] for one in folder.items[row["item"]]["answers"]}
            html = client.get(f"/rate/{queue.id}/{row['item']}").text
            first, second = (html.index(f'<p dir="auto">{texts[code]}</p>') for code in row["answers"])
            assert first < second
            orders[row["answers"] == sorted(row["answers"])] += 1
    assert min(orders.values()) > 0  # both orders occur, so the test can fail


def test_a_chosen_place_is_kept_as_the_code_that_stood_there(pairs: Study) -> None:
    """Of a preference: button 1 is the answer shown first, 2 the second, 3 a tie."""
    db, folder, queue = pairs
    client = rater_client(db, "ann")
    rows = folder.assignments["ann"]
    wanted = []
    for row, number in zip(rows, [1, 2, 3, 1, 2, 3], strict=False):
        address = f"/rate/{queue.id}/{row['item']}"
        assert client.submit(address, **fields_of(client.get(address).text, number)).status_code == 303
        wanted.append((row["item"], [*row["answers"], "tie"][number - 1]))
    found = {row.item: row.value for row in ratings.rating_rows(db, queue.id)}
    assert found == dict(wanted)


def test_numbers_of_buttons_become_the_values_of_the_options(study: Study) -> None:
    db, folder, queue = study
    client = rater_client(db, "ann")
    row = folder.assignments["ann"][0]
    address = f"/rate/{queue.id}/{row['item']}"
    fields = fields_of(client.get(address).text, {"validity.1": 2, "readiness.1": 1, "explanation.1": 4})
    client.submit(address, **fields | {"comment.1": "  No key. "})
    [code] = row["answers"]
    found = {(one.question, one.system): one.value for one in ratings.rating_rows(db, queue.id)}
    assert found == {  # as the study's own questions order their options
        ("validity", code): 0.0,
        ("readiness", code): 4.0,
        ("explanation", code): 1.0,
        ("comment", code): "No key.",
    }


def test_training_comes_first_and_tells_what_was_expected_only_after_it_was_rated(study: Study) -> None:
    db, folder, queue = study
    client = rater_client(db, "ann")
    first = client.get(f"/rate/{queue.id}/next").headers["location"]
    assert first.rpartition("/")[2] in codes_in_order(folder, "ann", "training")
    before = client.get(first)
    assert "Training: item 1 of" in before.text
    assert "It has no key" not in before.text
    saved = client.submit(
        first, **fields_of(before.text, {"validity.1": 2, "readiness.1": 1, "explanation.1": 1})
    )
    assert saved.headers["location"] == first
    lesson = client.get(first).text
    assert "1 of 2 as expected" in lesson
    assert "It has no key, see rule" in lesson
    assert re.search(r"is-right.*?<td[^>]*>Not valid</td>", lesson, re.S)
    assert re.search(
        r'is-other.*?<td[^>]*>Ready as it is</td>.*?<span class="expected">Reject</span>', lesson, re.S
    )
    rated_again = client.submit(first, **fields_of(before.text, 2))
    assert rated_again.status_code == 303
    kept = {one.question: one.value for one in ratings.rating_rows(db, queue.id)}
    assert (kept["validity"], kept["readiness"]) == (0.0, 4.0)  # said before the lesson


def test_every_page_of_a_rater_names_the_study_as_its_queue_is_named(study: Study) -> None:
    db, _, queue = study
    client = rater_client(db, "ann")
    first = client.get(f"/rate/{queue.id}/next").headers["location"]
    for address in (f"/rate/{queue.id}", f"/rate/{queue.id}/instructions", first):
        assert f"<bdi>{queue.name}</bdi>" in client.get(address).text, address
    assert "digits choose from top to bottom" in client.get(f"/rate/{queue.id}/instructions").text


def test_a_required_answer_that_is_missing_is_asked_for_and_the_others_stay_chosen(study: Study) -> None:
    db, folder, queue = study
    client = rater_client(db, "ann")
    address = f"/rate/{queue.id}/{codes_in_order(folder, 'ann')[0]}"
    fields = fields_of(client.get(address).text, 2)
    del fields["readiness.1"]
    answer = client.submit(address, **fields | {"comment.1": "<b>typed</b>"})
    assert answer.status_code == 422
    assert answer.text.count("Please answer this one.") == 1
    assert len(re.findall(r"checked", answer.text)) - answer.text.count('id="keys-on" checked') == 2
    assert "&lt;b&gt;typed&lt;/b&gt;" in answer.text
    assert not list(ratings.rating_rows(db, queue.id))


@pytest.mark.parametrize("sent", ["0", "3", "-1", "01x", "", "first", "٢", "1" * 400])
def test_a_value_that_no_button_has_counts_as_no_answer(study: Study, sent: str) -> None:
    db, folder, queue = study
    client = rater_client(db, "ann")
    address = f"/rate/{queue.id}/{codes_in_order(folder, 'ann')[0]}"
    fields = fields_of(client.get(address).text) | {"validity.1": sent}
    assert client.submit(address, **fields).status_code == 422
    assert not list(ratings.rating_rows(db, queue.id))


def test_an_earlier_rating_can_be_changed_until_the_lock(study: Study) -> None:
    db, folder, queue = study
    client = rater_client(db, "ann")
    address = f"/rate/{queue.id}/{codes_in_order(folder, 'ann')[0]}"
    assert client.submit(address, **fields_of(client.get(address).text, 1)).status_code == 303
    page = client.get(address).text
    assert "Save the change" in page
    changed = fields_of(page, 2) | {"version": hidden(page, "version")}
    assert client.submit(address, **changed).status_code == 303
    assert client.get(address).text.count(" checked required") == 3
    studies.lock(db, queue, allow_missing=True)
    assert client.submit(address, **changed | {"version": "2"}).status_code == 409
    assert client.get(address).status_code == 409
    home = client.get(f"/rate/{queue.id}").text
    assert "Rating has ended" in home
    assert f'{address}"' not in home


def test_a_save_from_an_old_tab_gets_both_versions_and_overwrites_nothing(study: Study) -> None:
    db, folder, queue = study
    client = rater_client(db, "ann")
    address = f"/rate/{queue.id}/{codes_in_order(folder, 'ann')[0]}"
    old_tab = fields_of(client.get(address).text, 2) | {"comment.1": "from the old tab"}
    client.submit(address, **fields_of(client.get(address).text, 1))
    stale = client.submit(address, **old_tab)
    assert stale.status_code == 409
    assert stale.text.count('class="is-other"') == 4
    row = re.search(r"Does the answer do.*?</tr>", stale.text, re.S)
    assert row is not None
    assert re.findall(r"<td[^>]*>(.*?)</td>", row[0]) == ["Valid", "Not valid"]
    assert {one.value for one in ratings.rating_rows(db, queue.id)} == {1.0, 4.0}
    merged = dict(re.findall(r'type="hidden" name="([^"]+)" value="([^"]*)"', stale.text))
    assert client.submit(address, **{k: v for k, v in merged.items() if k != "csrf"}).status_code == 303
    assert {one.question: one.value for one in ratings.rating_rows(db, queue.id)}[
        "comment"
    ] == "from the old tab"


def test_the_same_form_sent_twice_is_saved_once(study: Study) -> None:
    db, folder, queue = study
    client = rater_client(db, "ann")
    address = f"/rate/{queue.id}/{codes_in_order(folder, 'ann')[0]}"
    fields = fields_of(client.get(address).text, 1)
    assert [client.submit(address, **fields).status_code for _ in range(2)] == [303, 303]
    task = ratings.task(db, queue.id, address.rpartition("/")[2], person(db, "ann", Role.RATER))
    assert task is not None
    assert task.version == 1


def test_a_comment_can_be_taken_back_and_an_empty_one_is_never_kept(study: Study) -> None:
    db, folder, queue = study
    client = rater_client(db, "ann")
    address = f"/rate/{queue.id}/{codes_in_order(folder, 'ann')[0]}"

    def comment(text: str) -> list[Any]:
        client.submit(address, **fields_of(client.get(address).text) | {"comment.1": text})
        return [one.value for one in ratings.rating_rows(db, queue.id) if one.question == "comment"]

    assert comment("") == []
    assert comment("unclear stem") == ["unclear stem"]
    assert comment(" ") == [""]  # so that the folder, to which rows are only added, hears of it too


def test_each_rater_sees_only_their_own_items(tmp_path: Path) -> None:
    db, folder, queue = _study(tmp_path, overlap=1)
    of_ann = set(codes_in_order(folder, "ann"))
    of_bob = [item for item in codes_in_order(folder, "bob") if item not in of_ann]
    client = rater_client(db, "ann")
    for item in [*of_bob[:3], "nonesuch", "%2e%2e%2fkey"]:
        assert client.get(f"/rate/{queue.id}/{item}").status_code == 404
        assert (
            client.submit(f"/rate/{queue.id}/{item}", version="0", **{"validity.1": "1"}).status_code == 404
        )


def test_who_is_no_rater_of_a_study_cannot_tell_it_from_none(study: Study) -> None:
    db, folder, queue = study
    item = codes_in_order(folder, "ann")[0]
    for role in Role:
        stranger = client_of(db, person(db, f"stranger-{role}", role))
        for path in ("", "/next", "/instructions", "/pause", f"/{item}"):
            here = stranger.get(f"/rate/{queue.id}{path}")
            nowhere = stranger.get(f"/rate/{queue.id + 1}{path}")
            assert (here.status_code, nowhere.status_code) == (404, 404)
            assert here.text.replace(f"/rate/{queue.id}", "") == nowhere.text.replace(
                f"/rate/{queue.id + 1}", ""
            )


def test_progress_tells_what_is_done_and_the_time_left_at_ones_own_pace(study: Study) -> None:
    """Five items of 240 s each done: 4 min for each that is left."""
    db, folder, queue = study
    client = rater_client(db, "ann")
    num = len(folder.assignments["ann"])
    for count in range(5):
        address = client.get(f"/rate/{queue.id}/next").headers["location"]
        page = client.get(address).text
        assert f"{count} of {num} done" in page
        assert ("at your pace" in page) == (count >= 3)
        client.submit(address, **fields_of(page) | {"seconds": "240"})
    left = (num - 5) * 4
    assert f"5 of {num} done, about {left} min left at your pace" in client.get(f"/rate/{queue.id}").text


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "1 min"), (90, "2 min"), (89 * 60, "89 min"), (90 * 60, "1.5 h"), (7 * 3600 + 500, "7 h")],
)
def test_time_left_is_said_as_roughly_as_it_is_known(seconds: float, words: str) -> None:
    assert rate_page.Progress(1, 5, seconds).words == f"1 of 5 done, about {words} left at your pace"


@pytest.mark.parametrize("sent", ["", "-1", "nan", "inf", "1e9", "x", "14401"])
def test_a_time_that_cannot_be_is_no_time(study: Study, sent: str) -> None:
    db, folder, queue = study
    client = rater_client(db, "ann")
    address = f"/rate/{queue.id}/{codes_in_order(folder, 'ann')[0]}"
    client.submit(address, **fields_of(client.get(address).text) | {"seconds": sent})
    assert {one.seconds for one in ratings.rating_rows(db, queue.id)} == {0.0}
    studies.sync_ratings(db, queue)
    rows = [json.loads(line) for line in folder.ratings_path("ann").read_text("utf-8").splitlines()]
    assert {row["seconds"] for row in rows} == {None}


def test_a_script_is_told_where_to_go_and_gets_errors_as_it_asked(study: Study) -> None:
    db, folder, queue = study
    client = rater_client(db, "ann")
    first, second = codes_in_order(folder, "ann")[:2]
    fields = fields_of(client.get(f"/rate/{queue.id}/{first}").text)
    training = codes_in_order(folder, "ann", "training")
    answer = submit_as_script(client, f"/rate/{queue.id}/{first}", **fields)
    assert (answer.status_code, answer.json()) == (200, {"next": f"/rate/{queue.id}/{training[0]}"})
    assert submit_as_script(client, f"/rate/{queue.id}/{second}", version="0").status_code == 422
    assert (
        submit_as_script(
            client, f"/rate/{queue.id}/{first}", **fields_of(client.get(f"/rate/{queue.id}/{second}").text, 2)
        ).status_code
        == 409
    )


def test_pause_shows_no_text_of_any_item(study: Study) -> None:
    db, _folder, queue = study
    page = rater_client(db, "ann").get(f"/rate/{queue.id}/pause").text
    assert "Paused" in page
    assert not any(text in page for text in ("Write an item", "Answer 0", "Known item"))


def test_previous_is_the_item_before_in_the_raters_own_list(study: Study) -> None:
    db, folder, queue = study
    client = rater_client(db, "ann")
    items = [row["item"] for row in folder.assignments["ann"]]
    assert "ArrowLeft|Backspace" not in client.get(f"/rate/{queue.id}/{items[0]}").text
    page = client.get(f"/rate/{queue.id}/{items[5]}").text
    assert f'data-key="ArrowLeft|Backspace" href="/rate/{queue.id}/{items[4]}"' in page


def test_hostile_answers_and_instructions_are_inert(tmp_path: Path) -> None:
    db = new_database(tmp_path)
    folder = full_study(tmp_path / "study", instructions="<script>alert(1)</script>")
    for item in (
        rows := [json.loads(line) for line in (folder.for_raters / "items.jsonl").read_text().splitlines()]
    ):
        for answer in item["answers"]:
            answer["output"] = "<img src=x onerror=alert(1)>\n[click](javascript:alert(1))\n\x00\x1b[31m"
            answer["explanation"] = "x" * 200_000 + "</div><script>alert(2)</script>"
    (folder.for_raters / "items.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    queue = rating_queue(db, StudyFolder(folder.path))
    client = rater_client(db, "ann")
    page = client.get(f"/rate/{queue.id}/{codes_in_order(folder, 'ann')[0]}")
    assert page.status_code == 200
    assert not re.search(r"<script(?![^>]*src=)|<img src=x|href=.javascript|\x00|\x1b", page.text)
    assert page.text.count("&lt;script&gt;") >= 2


def test_a_closed_queue_takes_no_rating(study: Study) -> None:
    db, folder, queue = study
    client = rater_client(db, "ann")
    address = f"/rate/{queue.id}/{codes_in_order(folder, 'ann')[0]}"
    fields = fields_of(client.get(address).text)
    queues.close_queue(db, queue.id)
    assert client.submit(address, **fields).status_code == 409
    assert client.get(f"/rate/{queue.id}/next").headers["location"] == f"/rate/{queue.id}"


def test_each_save_is_on_disk_before_it_is_acknowledged(study: Study, tmp_path: Path) -> None:
    """A second connection, as another process has it, sees the rating when the answer arrives."""
    db, _folder, queue = study
    client = rater_client(db, "ann")
    other = Database.open(tmp_path / "review.sqlite")
    for count in range(1, 4):
        address = client.get(f"/rate/{queue.id}/next").headers["location"]
        assert client.submit(address, **fields_of(client.get(address).text)).status_code == 303
        assert ratings.tasks_of(other, queue.id, person(db, "ann", Role.RATER))[0] == count
    other.close()
