"""A whole rating study with simulated raters, through the review page: from assignment to results.

python benchmarks/review_study.py [--prompts 200] [--systems 5] [--raters 3] [--browser 12]

Draws up a study with training, gold and repeated items, decides beforehand what every rater will say, and
lets the raters say it, all at once over HTTP to a real server: log in, open the item, read the form, send it.
The first rater's first `--browser` items are rated in a real browser by keyboard (skipped where playwright or
Chromium is missing). Then the study is locked, unblinded and counted, and

- every statistic must equal that of the same study whose ratings were written without the page, and
- shares, means, differences and agreement must equal those summed up here from the decided values.

About 4 minutes on 2 cores; nothing is downloaded. Prints a table for benchmarks/README.md.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import itertools
import json
import multiprocessing
import random
import re
import shutil
import socket
import statistics
import tempfile
import threading
import time
import urllib.parse
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tunewright.evaluate.study.folder import StudyFolder
from tunewright.evaluate.study.lock import lock_study, unblind
from tunewright.evaluate.study.materials import Known, Materials
from tunewright.evaluate.study.new import new_study
from tunewright.evaluate.study.questions import load_questions
from tunewright.evaluate.study.ratings import Rating, add_ratings
from tunewright.evaluate.study.results import study_results
from tunewright.review import studies
from tunewright.review.model import Queue, Role
from tunewright.review.store import ratings
from tunewright.review.store.database import Database, migrate
from tunewright.review.store.people import add_person

PASSWORD = "a password for nobody"
NAMES = ("otter", "badger", "heron", "lynx", "marten", "plover", "stoat")
QUESTIONS = {
    "validity": (1, 0),
    "readiness": (4, 3, 2, 1),
    "explanation": (4, 3, 2, 1),
}  # as the form has them
GOOD = {"validity": (1,), "readiness": (4,), "explanation": (3, 4)}
CHROMIUM = Path("/usr/bin/chromium")

Said = Mapping[str, int]  # a value per question


@dataclass(frozen=True)
class Plan:
    """What every rater will say of every item, by (rater, item code), and how long it takes."""

    values: Mapping[tuple[str, str], Said]
    seconds: Mapping[tuple[str, str], float | None]


class Visitor:
    """A browser without JavaScript, just enough: cookies, forms, no redirects followed."""

    def __init__(self, address: str) -> None:
        parts = urllib.parse.urlsplit(address)
        assert parts.hostname is not None
        self.connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=60)
        self.cookies: dict[str, str] = {}
        self.waits: list[float] = []  # seconds until each answer was there

    def get(self, path: str) -> tuple[int, str, str]:
        """Status, the address of a redirect ("" for none), text."""
        return self._ask("GET", path, None)

    def post(self, path: str, fields: Mapping[str, str]) -> tuple[int, str, str]:
        return self._ask("POST", path, urllib.parse.urlencode(fields))

    def log_in(self, name: str) -> None:
        _, _, page = self.get("/login")
        fields = {"csrf": _hidden(page, "csrf"), "name": name, "password": PASSWORD, "next": "/"}
        status, _, _ = self.post("/login", fields)
        assert status == 303, status

    def _ask(self, method: str, path: str, body: str | None) -> tuple[int, str, str]:
        headers = {"accept": "text/html", "cookie": "; ".join(f"{k}={v}" for k, v in self.cookies.items())}
        if body is not None:
            headers["content-type"] = "application/x-www-form-urlencoded"
        begun = time.perf_counter()
        self.connection.request(method, path, body, headers)
        reply = self.connection.getresponse()
        text = reply.read().decode("utf-8")
        self.waits.append(time.perf_counter() - begun)
        for name, value in reply.getheaders():
            if name.lower() == "set-cookie":
                pair = value.partition(";")[0].partition("=")
                self.cookies[pair[0]] = pair[2].strip('"')
        return reply.status, reply.getheader("location") or "", text


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--prompts", type=int, default=200)
    parser.add_argument("--systems", type=int, default=5)
    parser.add_argument("--raters", type=int, default=3)
    parser.add_argument("--browser", type=int, default=12, help="items rated by keyboard in Chromium")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        _run(Path(place), chosen.prompts, chosen.systems, chosen.raters, chosen.browser)


def _run(place: Path, num_prompts: int, num_systems: int, num_raters: int, num_in_browser: int) -> None:
    folder, twin = drawn_up(place, num_prompts, num_systems, num_raters)
    plan = decided(folder)
    db = Database.open(place / "review.sqlite")
    migrate(db)
    for rater in folder.raters:
        add_person(db, rater, Role.RATER, PASSWORD)
    queue = studies.add_study(db, folder, name="Simulated study")
    with _server(place / "review.sqlite") as address:
        in_browser = _rate_in_browser(address, folder.raters[0], queue, plan, num_in_browser)
        measured = {(row.rater, row.item): row.seconds for row in ratings.rating_rows(db, queue.id)}
        plan = Plan(plan.values, {**plan.seconds, **measured})  # the browser took the time itself
        begun = time.perf_counter()
        waits = rate_all(address, folder, queue, plan)
        seconds = time.perf_counter() - begun
    begun = time.perf_counter()
    studies.lock(db, queue)
    studies.unblinded(queue)
    found = study_results(folder)
    results_seconds = time.perf_counter() - begun
    wrong = differences(found, results_of(twin, plan), directly(folder, plan))
    num_items = sum(map(len, folder.assignments.values()))
    print(f"| prompts x systems x raters | {num_prompts} x {num_systems} x {num_raters} |")
    print("| --- | --- |")
    print(f"| items rated | {num_items:,}, of them {in_browser} by keyboard in a browser |")
    print(f"| ratings in the folder | {found['num_ratings']:,} |")
    print(f"| time | {seconds:.0f} s for {len(waits):,} requests |")
    middle, slow = 1000 * statistics.median(waits), 1000 * _p95(waits)
    print(f"| a request, median and p95 | {middle:.0f} and {slow:.0f} ms |")
    print(f"| lock, unblind, results | {results_seconds:.1f} s |")
    print(f"| statistics that differ | {len(wrong)} |")
    for words in wrong[:20]:
        print(words)
    db.close()
    if wrong:
        raise SystemExit(1)


def drawn_up(
    place: Path, num_prompts: int, num_systems: int, num_raters: int
) -> tuple[StudyFolder, StudyFolder]:
    """The study, and a twin of it with the same codes, whose ratings will not go through the page."""
    prompts = {
        f"p{number}": {"instruction": f"Write an item about topic {number}."} for number in range(num_prompts)
    }
    answers = {
        name: {id: {"output": f"text {i} of {id}", "explanation": "a reason"} for id in prompts}
        for i, name in enumerate(NAMES[:num_systems])
    }
    known = [
        Known(
            {"instruction": f"Known {number}."}, ({"output": "no key"},), {"validity": 0}, "There is no key."
        )
        for number in range(12)
    ]
    folder = new_study(
        Materials(prompts, answers, tuple(known[:10]), tuple(known[10:])),
        place / "study",
        raters=[f"rater{number}" for number in range(1, num_raters + 1)],
        overlap=num_raters,
        questions=load_questions(None, pairwise=False),
        repeat=0.05,
        salt="salt",
    )
    shutil.copytree(folder.path, place / "twin" / "study")
    return folder, StudyFolder(place / "twin" / "study")


def decided(folder: StudyFolder, seed: int = 7) -> Plan:
    """What raters will say: systems, prompts and raters differ, and every rating has noise."""
    rng = random.Random(seed)
    key = _key(folder)
    hard: dict[str, float] = defaultdict(lambda: rng.gauss(0, 0.5))
    severe = {rater: rng.gauss(0, 0.3) for rater in folder.raters}
    values, seconds = {}, {}
    for rater in folder.raters:
        for row in folder.assignments[rater]:
            entry = key[row["item"]]
            [system] = entry["answers"].values()
            quality = NAMES.index(system) * 0.25 if system in NAMES else -1.0
            latent = quality - hard[entry.get("prompt", "known")] - severe[rater]
            values[rater, row["item"]] = {
                "validity": int(latent + rng.gauss(0, 0.5) > 0),
                "readiness": min(4, max(1, round(2.5 + latent + rng.gauss(0, 0.7)))),
                "explanation": min(4, max(1, round(2.7 + latent + rng.gauss(0, 0.7)))),
            }
            seconds[rater, row["item"]] = round(rng.lognormvariate(3.2, 0.6), 1)
    return Plan(values, seconds)


def rate_all(address: str, folder: StudyFolder, queue: Queue, plan: Plan) -> list[float]:
    """Every rater rates whatever the page gives them next, all at once; how long each request took."""
    visitors = {rater: Visitor(address) for rater in folder.raters}
    failed: list[BaseException] = []

    def work(rater: str, visitor: Visitor) -> None:
        try:
            visitor.log_in(rater)
            visitor.waits.clear()  # a password takes long by design
            _rate_rest(visitor, rater, queue, plan)
        except BaseException as error:
            failed.append(error)
        finally:
            visitor.connection.close()

    threads = [threading.Thread(target=work, args=pair) for pair in visitors.items()]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failed:
        raise failed[0]
    return [wait for visitor in visitors.values() for wait in visitor.waits]


def _rate_rest(visitor: Visitor, rater: str, queue: Queue, plan: Plan) -> None:
    home = f"/rate/{queue.id}"
    _, here, _ = visitor.get(f"{home}/next")
    while here != home:
        _, _, page = visitor.get(here)
        if "Next <kbd" in page:  # a training item's expected answer
            _, here, _ = visitor.get(f"{home}/next")
            continue
        item = here.rpartition("/")[2]
        fields = {name: _hidden(page, name) for name in ("csrf", "version")}
        fields["seconds"] = str(plan.seconds[rater, item])
        for question, number in _buttons(plan.values[rater, item]).items():
            fields[f"{question}.1"] = str(number)
        status, here, page = visitor.post(here, fields)
        assert status == 303, (status, page)


def _buttons(said: Said) -> dict[str, int]:
    """The numbers of the buttons, from 1, in the order the form has them."""
    return {question: QUESTIONS[question].index(value) + 1 for question, value in said.items()}


def _rate_in_browser(address: str, rater: str, queue: Queue, plan: Plan, most: int) -> int:
    """Rate the first items by keyboard alone; how many."""
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        return 0
    if not CHROMIUM.exists() or most == 0:
        return 0
    done = 0
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox"])
        page = browser.new_page()
        page.goto(f"{address}/login")
        page.fill("[name=name]", rater)
        page.fill("[name=password]", PASSWORD)
        page.keyboard.press("Enter")
        page.wait_for_url(f"{address}/")
        page.goto(f"{address}/rate/{queue.id}/next")
        while done < most:
            if page.query_selector("form.rating") is None:  # an expected answer
                with page.expect_navigation():
                    page.keyboard.press("Enter")
                continue
            item = page.url.rpartition("/")[2]
            for number in _buttons(plan.values[rater, item]).values():
                page.keyboard.press(str(number))
            with page.expect_navigation():
                page.keyboard.press("Enter")
            done += 1
        browser.close()
    return done


def results_of(twin: StudyFolder, plan: Plan) -> dict[str, Any]:
    """The results of the same values, written into the study without any page."""
    rows = []
    for rater in twin.raters:
        for row in twin.assignments[rater]:
            [code] = row["answers"]
            for question, value in plan.values[rater, row["item"]].items():
                seconds = plan.seconds[rater, row["item"]]
                time_said = "2026-05-04T09:00:00+00:00"
                rows.append(Rating(row["item"], code, rater, question, float(value), time_said, seconds))
    add_ratings(twin, rows)
    lock_study(twin)
    unblind(twin)
    return study_results(twin)


def directly(folder: StudyFolder, plan: Plan) -> dict[str, float]:
    """Shares, means, paired differences and agreement, summed up from the decided values by hand."""
    key = _key(folder)
    found: dict[str, float] = {}
    for question, good in GOOD.items():
        by_answer: dict[tuple[str, str], list[int]] = defaultdict(list)
        for (_, item), said in plan.values.items():
            if key[item]["kind"] == "main":
                [system] = key[item]["answers"].values()
                by_answer[system, key[item]["prompt"]].append(said[question])
        systems = sorted({system for system, _ in by_answer})
        shares: dict[str, dict[str, float]] = defaultdict(dict)
        for (system, prompt), values in by_answer.items():
            shares[system][prompt] = sum(value in good for value in values) / len(values)
        for system in systems:
            found[f"{question} {system} share"] = statistics.mean(shares[system].values())
            if question != "validity":  # a nominal question has no mean
                means = [statistics.mean(v) for (own, _), v in by_answer.items() if own == system]
                found[f"{question} {system} mean"] = statistics.mean(means)
        for a, b in itertools.combinations(systems, 2):
            gaps = [shares[a][prompt] - shares[b][prompt] for prompt in shares[a]]
            found[f"{question} {a} - {b}"] = statistics.mean(gaps)
        pairs = [pair for values in by_answer.values() for pair in itertools.combinations(values, 2)]
        found[f"{question} agreement"] = sum(a == b for a, b in pairs) / len(pairs)
    return found


def differences(found: dict[str, Any], twin: dict[str, Any], direct: Mapping[str, float]) -> list[str]:
    """What is not equal, in words: to the twin exactly, to the sums by hand to rounding."""
    wrong = [
        f"{path}: {a!r} in the page's study, {b!r} in the twin"
        for path, a, b in _unequal(found, twin, "")
        if path not in (".locked", ".lock_sha256")  # when, and over files of other times
    ]
    said = _said(found)
    for name, value in direct.items():
        if name not in said or abs(said[name] - value) > 1e-9:
            wrong.append(f"{name}: {said.get(name)} in the results, {value} by hand")
    return wrong


def _said(found: dict[str, Any]) -> dict[str, float]:
    """The results' own numbers under the names of `directly`."""
    said: dict[str, float] = {}
    for question in found["questions"]:
        id = question["id"]
        for row in question["first"]["systems"]:
            said[f"{id} {row['name']} share"] = row["share"]
            if row["mean"] is not None:
                said[f"{id} {row['name']} mean"] = row["mean"]
        for test in question["first"]["tests"]:
            said[f"{id} {test['a']} - {test['b']}"] = test["mean"]
        for coefficient in question["agreement"]["coefficients"]:
            if coefficient["name"] == "percent":
                said[f"{id} agreement"] = coefficient["value"]
    return said


def _unequal(a: Any, b: Any, path: str) -> Iterator[tuple[str, Any, Any]]:
    if isinstance(a, dict) and isinstance(b, dict) and a.keys() == b.keys():
        for name in a:
            yield from _unequal(a[name], b[name], f"{path}.{name}")
    elif isinstance(a, list | tuple) and isinstance(b, list | tuple) and len(a) == len(b):
        for place, (one, other) in enumerate(zip(a, b, strict=True)):
            yield from _unequal(one, other, f"{path}[{place}]")
    elif a != b:
        yield path, a, b


def _key(folder: StudyFolder) -> dict[str, Any]:
    """Who is who, read without a trace in the study: these raters are no people."""
    items: dict[str, Any] = json.loads(folder.key_path.read_text(encoding="utf-8"))["items"]
    return items


def _hidden(page: str, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]*)"', page)
    assert found is not None, f"no field {name!r} in the page"
    return found[1]


def _p95(values: list[float]) -> float:
    return statistics.quantiles(values, n=20)[-1]


@contextlib.contextmanager
def _server(path: Path) -> Iterator[str]:
    """The page in a process of its own, as in use."""
    listener = socket.create_server(("127.0.0.1", 0))
    process = multiprocessing.get_context("fork").Process(target=_serve, args=(path, listener), daemon=True)
    process.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        process.terminate()
        process.join()
        listener.close()


def _serve(path: Path, listener: socket.socket) -> None:
    import uvicorn

    from tunewright.review.web.app import create_app

    config = uvicorn.Config(create_app(Database.open(path)), log_level="warning", lifespan="off")
    uvicorn.Server(config).run(sockets=[listener])


if __name__ == "__main__":
    main()
