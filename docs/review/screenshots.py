"""Draws the pictures of the review page in this folder: `python docs/review/screenshots.py [NAME …]`, 1 min.

It makes a team's week in a throw-away database (texts and times are made up; the experiment's saving is
18 %), serves the page, and photographs it in Debian's Chromium. Needs the extras `review` and `dev`.
"""

from __future__ import annotations

import io
import math
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import typer
from PIL import Image
from typer.testing import CliRunner

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1] / "tests"))  # the story, the server and the browser are the tests' own

from support import review_page  # noqa: E402
from support.review_story import PAIRS, make_run, make_study  # noqa: E402
from tunewright.cli import check  # noqa: E402
from tunewright.review.import_data import import_data  # noqa: E402
from tunewright.review.model import Arm, Decision, Person, Role  # noqa: E402
from tunewright.review.store import lead, queues, ratings, revisions, work  # noqa: E402
from tunewright.review.store.database import Database  # noqa: E402
from tunewright.review.web.app import create_app  # noqa: E402

EXPERTS = ("Eva Lindgren", "Jonas Weber", "Amina Diallo")
RATERS = ("ann", "bob", "chris")
SECONDS = (150.0, 190.0, 120.0)  # each expert's usual time for a pair without a draft
SAVING = 0.18
DAY = 86_400.0
NUM_A_DAY = 6  # pairs that each expert revises in the first queue
# Only the default size of letters is that of a desk; the font is one that every Debian has.
STYLE = ':root { --sans: "Liberation Sans", Arial, sans-serif; --mono: "Liberation Mono", monospace; }'
MOST_BYTES = 150_000
# what one expert writes in two windows
SAVED = """Use 'since' with the moment when something began, and 'for' with a period.

- I have lived here **since** 2019."""
MINE = """Use 'since' with the moment when something began, and 'for' with how long it has lasted.

- I have lived here **since** March.
- I have lived here **for** six months."""


class Clock:
    """The time of the database: it begins seven days ago at eight, and the work puts it on."""

    def __init__(self) -> None:
        self.now = (time.time() // DAY - 7) * DAY + 8 * 3600

    def next_morning(self) -> None:
        self.now = (self.now // DAY + 1) * DAY + 8 * 3600

    def __call__(self) -> float:
        return self.now


def main(names: list[str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        db = a_week(place)
        review_page.create_app = lambda db, **settings: create_app(
            db, run_folders=[place / "runs"], **settings
        )
        with review_page.serving(db) as address, review_page.chromium() as browser:
            for name, shoot in PICTURES.items():
                if not names or name in names:
                    _write(HERE / f"{name}.png", shoot(Camera(browser, address, db)))
        db.close()


class Camera:
    """Opens pages as somebody; every picture has its own profile."""

    def __init__(self, browser: Any, address: str, db: Database) -> None:
        self.browser, self.address, self.db = browser, address, db

    def open(self, name: str, path: str, *, width: int = 1280, height: int = 800) -> Any:
        context = self.browser.new_context(
            viewport={"width": width, "height": height},
            bypass_csp=True,
            reduced_motion="reduce",
            has_touch=width < 500,
            is_mobile=width < 500,
        )
        who = review_page.person(self.db, name, Role.LEAD)
        secret = review_page.sessions.begin_session(self.db, who)
        cookie = review_page.Site().session_cookie
        context.add_cookies([{"name": cookie, "value": secret, "url": self.address}])
        page = context.new_page()
        self.goto(page, path)
        return page

    def goto(self, page: Any, path: str) -> None:
        page.goto(self.address + path)
        dress(page)


def dress(page: Any) -> None:
    page.add_style_tag(content=STYLE)


# ---- the pictures


def revise(camera: Camera) -> bytes:
    page = camera.open("Eva Lindgren", "/revise/1", height=860)
    return bytes(page.screenshot())


def revise_narrow(camera: Camera) -> bytes:
    page = camera.open("Eva Lindgren", "/revise/1", width=390, height=844)
    return bytes(page.screenshot())


def merge(camera: Camera) -> bytes:
    first = camera.open("Amina Diallo", "/revise/1", height=860)
    second = first.context.new_page()
    second.goto(first.url)
    _save_text(second, SAVED)
    second.wait_for_url(lambda url: url != first.url)
    _save_text(first, MINE)
    first.get_by_role("heading", name="This pair was saved").wait_for()
    dress(first)
    return bytes(first.screenshot())


def _save_text(page: Any, text: str) -> None:
    page.keyboard.press("e")
    page.locator("#text-output").fill(text)
    page.keyboard.press("Control+Enter")


def rate(camera: Camera) -> bytes:
    page = camera.open("chris", "/rate/2/next", height=860)
    page.keyboard.press("2")
    page.keyboard.press("3")
    return bytes(page.screenshot())


def lead_page(camera: Camera) -> bytes:
    page = camera.open("Maria Keller", "/lead/1", height=860)
    return bytes(page.screenshot())


def experiment(camera: Camera) -> bytes:
    page = camera.open("Maria Keller", "/lead/3/experiment", height=860)
    return bytes(page.screenshot())


def record(camera: Camera) -> bytes:
    page = camera.open("Maria Keller", "/record/1", height=1390)
    return bytes(page.screenshot())


PICTURES: dict[str, Callable[[Camera], bytes]] = {
    "revise": revise,
    "revise-390": revise_narrow,
    "rate": rate,
    "lead": lead_page,
    "experiment": experiment,
    "record": record,
    "merge": merge,
}


# ---- the week


def a_week(place: Path) -> Database:
    """A database with three queues: pairs half done, a study with some items left, an experiment."""
    clock = Clock()
    db = review_page.new_database(place, clock=clock)
    boss = review_page.person(db, "Maria Keller", Role.LEAD)
    owner = review_page.person(db, "Olga Petrova", Role.OWNER)
    experts = [review_page.person(db, name, Role.EXPERT) for name in EXPERTS]
    runs = place / "runs"
    runs.mkdir()
    plain = list(_more_pairs(180))
    done = [PAIRS[3], PAIRS[4], PAIRS[5], PAIRS[6], *plain[: 6 * 3 * NUM_A_DAY - 4]]
    pairs = [*done, PAIRS[0], PAIRS[2], PAIRS[1], *plain[len(done) :]]  # today begins with PAIRS[0]
    run = make_run(runs, pairs)
    _check(runs / "revise-data.jsonl", runs / "check")
    import_data(db, run, name="March items", findings=[runs / "check"])
    import_data(db, make_study(place, raters=RATERS), name="Items 2026")
    import_data(
        db, make_run(runs, list(_more_pairs(520)), name="draft-trial"), name="Draft trial", experiment=True
    )

    rng = np.random.default_rng(18)
    for _ in range(6):
        clock.next_morning()
        for expert, pace in zip(experts, SECONDS, strict=True):
            _revise(db, clock, 1, expert, pace, num=NUM_A_DAY, rng=rng)
            _revise(db, clock, 3, expert, pace, num=24, rng=rng)
    lead.sample_for_owner(db, 1, 0.2, 7, by=boss)
    for number in range(18):
        if (found := lead.owner_work(db, owner, queue_id=1)) is not None:
            is_good = found.why == "drawn" and number != 7
            lead.owner_verdict(
                db, found.item.id, owner, is_good, "" if is_good else "Right: this must not go out."
            )
    for rater, num in zip(RATERS, (8, 6, 5), strict=True):
        _rate(db, clock, review_page.person(db, rater, Role.RATER), num, rng)
    clock.now = time.time()
    return db


def _more_pairs(num: int) -> Iterator[tuple[dict[str, str], dict[str, str]]]:
    verbs = ("borrow", "lend", "remember", "forget", "begin", "teach", "choose", "forgive", "steal", "break")
    for number in range(num):
        verb, level = verbs[number % len(verbs)], ("A2", "B1", "B2")[number % 3]
        yield (
            {
                "id": f"{level.lower()}-verbs-{number:03}",
                "instruction": f"Write a gap-fill sentence for the past of '{verb}', level {level}, "
                f"number {number}.",
                "output": f"Last week they ___ ({verb}).",
            },
            {"output": f"Last week my neighbours ___ ({verb}) something. Write the verb in the past."},
        )


def _check(data: Path, out: Path) -> None:
    app = typer.Typer()
    app.command()(check.command)
    done = CliRunner().invoke(app, [str(data), "--out", str(out)])
    assert done.exit_code in (0, 1), done.output


def _revise(
    db: Database, clock: Clock, queue_id: int, who: Person, pace: float, *, num: int, rng: np.random.Generator
) -> None:
    for _ in range(num):
        task = work.next_work(db, queue_id, who)
        if task is None:
            return
        item = queues.item(db, task.item.id)
        assert item is not None
        has_help = item.arm is not Arm.WITHOUT_DRAFT
        seconds = pace * math.exp(rng.normal(-0.05, 0.3)) * (1 - SAVING if has_help else 1)
        decision, reason = _decision(task.item.key, task.item.draft is not None, rng)
        texts = dict(task.item.draft or task.item.original)
        if decision is Decision.EDIT:
            texts["output"] = texts["output"].replace("something", "a bicycle").replace("they", "our friends")
            if task.item.key.startswith("b2-conditional"):
                texts["output"] = (
                    "If I ___ (know) about your visit, I would have baked a cake.\n\nKey: had known"
                )
        clock.now += seconds / len(EXPERTS)  # they work at the same time
        revisions.save(
            db,
            task.item.id,
            who,
            version=task.version,
            decision=decision,
            texts=texts,
            reason=reason,
            seconds=seconds,
            seconds_open=seconds * 1.2,
        )


def _decision(key: str, has_draft: bool, rng: np.random.Generator) -> tuple[Decision, str]:
    if key.startswith("b1-dialogue"):
        return Decision.FLAG, "[safety] Two tablets an hour is dangerous advice."
    if key.startswith("b2-conditional"):
        return Decision.EDIT, "[changed-task] The draft's key 'would bake' is wrong; one gap is enough."
    draw = rng.random()
    if draw < 0.03:
        return Decision.REJECT, "[feasibility]"
    if draw < 0.05:
        return Decision.FLAG, "[correctness] Is this the key we want?"
    if draw < (0.5 if has_draft else 0.85):
        return Decision.EDIT, "[richness]"
    return Decision.ACCEPT, ""


def _rate(db: Database, clock: Clock, rater: Person, num: int, rng: np.random.Generator) -> None:
    for _ in range(num):
        task = ratings.next_task(db, 2, rater)
        if task is None:
            return
        values = {}
        for question in ratings.questions(db, 2).questions:
            if question.kind == "choice":
                for code, text in task.answers:
                    scale = sorted(question.scale())
                    good = ("Key:" in text) - (rng.random() < 0.15)
                    values[question.id, code] = scale[-1] if good > 0 else scale[0]
        clock.now += 50
        ratings.rate(
            db,
            2,
            task.item,
            rater,
            version=task.version,
            values=values,
            comment="",
            seconds=float(rng.normal(48, 6)),
        )


def _write(path: Path, png: bytes) -> None:
    """The picture with as few colours as it needs: 256, which is a third of the bytes."""
    image = Image.open(io.BytesIO(png)).convert("RGB")
    image.quantize(256, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE).save(path, optimize=True)
    size = path.stat().st_size
    typer.echo(f"{path.name}: {image.width} x {image.height}, {size / 1000:.0f} kB")
    assert size < MOST_BYTES, f"{path.name} is too large"


if __name__ == "__main__":
    main(sys.argv[1:])
