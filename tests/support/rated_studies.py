"""A study of every kind of item, on disk and as a queue, for the tests of the rating page."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from support.review_page import PageClient, client_of, person
from tunewright.evaluate.study.folder import StudyFolder
from tunewright.evaluate.study.materials import Known, Materials
from tunewright.evaluate.study.new import new_study
from tunewright.evaluate.study.questions import load_questions
from tunewright.review.model import Person, Queue, Role
from tunewright.review.store.database import Database
from tunewright.review.studies import add_study

SYSTEMS = ("aardvark-7b", "buffalo-it", "chameleon-im")
RATERS = ("ann", "bob", "eve")


def full_study(
    path: Path,
    *,
    pairwise: bool = False,
    num_prompts: int = 4,
    overlap: int = 2,
    raters: tuple[str, ...] = RATERS,
    instructions: str = "Read the **whole** answer first.",
) -> StudyFolder:
    """Two training items, two gold ones, repeats; every answer with an explanation."""
    prompts = {
        f"p{number}": {"instruction": f"Write an item about topic {number}.", "input": "Level B1."}
        for number in range(num_prompts)
    }
    answers = {
        system: {
            id: {"output": f"Answer {place} to {id}", "explanation": f"because {place}"} for id in prompts
        }
        for place, system in enumerate(SYSTEMS)
    }
    texts = ({"output": "a right one"}, {"output": "a wrong one"})
    known = [
        Known(
            {"instruction": f"Known item {number}."},
            texts if pairwise else texts[1:],
            {"preference": "first"} if pairwise else {"validity": 0, "readiness": 1},
            feedback=f"It has no key, see rule {number}.",
        )
        for number in range(4)
    ]
    return new_study(
        Materials(prompts, answers, tuple(known[:2]), tuple(known[2:])),
        path,
        raters=raters,
        overlap=overlap,
        questions=load_questions(None, pairwise=pairwise),
        pairwise=pairwise,
        repeat=0.2,
        instructions=instructions,
        salt="salt",
    )


def rating_queue(db: Database, folder: StudyFolder, *, name: str = "Autumn study") -> Queue:
    """The study as a queue, its raters with accounts."""
    for rater in folder.raters:
        person(db, rater, Role.RATER)
    return add_study(db, folder, name=name)


def rater_client(db: Database, name: str, *, app: Any = None) -> PageClient:
    return client_of(db, person(db, name, Role.RATER), app=app)


def submit_as_script(client: PageClient, address: str, /, **fields: str) -> Any:
    """POST as the page's script does: it wants JSON."""
    assert client.session is not None
    return client.post(
        address, data=fields, headers={"accept": "application/json", "x-csrf": client.session.csrf}
    )


def codes_in_order(folder: StudyFolder, rater: str, part: str = "main") -> list[str]:
    """The rater's item codes of a part, in the order shown."""
    return [row["item"] for row in folder.assignments[rater] if row["part"] == part]


def hidden(html: str, name: str) -> str:
    """The value of a hidden field of a page."""
    found = re.search(rf'name="{name}" value="([^"]*)"', html)
    assert found is not None, f"no field {name!r}"
    return found[1]


def fields_of(html: str, choice: Mapping[str, int] | int = 1) -> dict[str, str]:
    """A filled form: of each radio group the button with a number, the hidden fields as they are."""
    names = dict.fromkeys(re.findall(r'type="radio" name="([^"]+)"', html))
    numbers = {name: choice if isinstance(choice, int) else choice[name] for name in names}
    return {"version": hidden(html, "version"), "seconds": "12.5"} | {
        name: str(number) for name, number in numbers.items()
    }


def rate_everything(
    client: PageClient, queue: Queue, choose: Any = lambda html, item: 1, *, limit: int = 10_000
) -> int:
    """Rate as a browser without JavaScript does, from next to next; `choose(html, item)` as in `fields_of`.

    How many items were rated."""
    for count in range(limit):
        address = client.get(f"/rate/{queue.id}/next").headers["location"]
        if address == f"/rate/{queue.id}":
            return count
        page = client.get(address)
        assert page.status_code == 200, page.text
        answer = client.submit(address, **fields_of(page.text, choose(page.text, address.rpartition("/")[2])))
        assert answer.status_code == 303, answer.text
    return limit


def owner(db: Database) -> Person:
    return person(db, "olga", Role.OWNER)
