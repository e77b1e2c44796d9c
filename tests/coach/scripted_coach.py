"""A coach that revises well, and fails in every way there is, each for a known share of the records.

What it does follows from the number in the record's id alone, so a run can be killed and repeated. As a
program it revises a set: `python scripted_coach.py DATA COACH OUT [SECONDS]`.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson

from tunewright.coach.forms import form_named
from tunewright.coach.leakage import pair_digest
from tunewright.coach.prompt import prompt_hash
from tunewright.llm.reply import Answer, Broken, Refused, Reply, Usage
from tunewright.llm.request import Request
from tunewright.records.record import Record

# What happens to record number n is WAYS[n % len(WAYS)]; the reasons are those of the fall back.
WAYS = (
    "revised",
    "unchanged",
    "unparsable",
    "revised",
    "cut",
    "empty_field",
    "revised",
    "foreign_script",
    "repetition",
    "over_long",
    "unchanged",
    "changed_task_data",
    "dropped_constraint",
    "refused",
    "mended",  # cannot be parsed, but asked again it is revised
    "broken",  # no answer at first, then it is revised
    "too_long",
    "thinking",  # a draft before the answer: revised
    "flagged",  # a number of the input changes: revised, for a person to look at
    "filtered",
)
ANIMALS, VERBS, PLACES = (
    words.split()
    for words in (
        "otter heron badger lynx weasel stoat marten raven osprey plover dunlin curlew",
        "finds hides carries follows watches counts guards shares loses keeps wants meets",
        "river meadow forest bridge harbour garden market tower valley island quarry orchard",
    )
)


def row(n: int) -> dict[str, Any]:
    """Record number n: an instruction with a constraint, an input with a number, a short English output."""
    return {
        "id": f"r{n}",
        "instruction": f"Summarise the report about the {ANIMALS[n % 12]} in at most 20 words.",
        "input": f"On day {n} the {ANIMALS[n % 12]} {VERBS[n // 12 % 12]} 14 eggs near the "
        f"{PLACES[n // 144 % 12]}, and the warden writes that down.",
        "output": f"the {ANIMALS[n % 12]} {VERBS[n // 12 % 12]} eggs number {n}",
        "source": "made up",
    }


def write_data(path: Path, n: int) -> Path:
    """n records with two broken rows between them."""
    lines = [orjson.dumps(row(number)) for number in range(n)]
    lines.insert(n // 3, b'{"instruction": \n')
    lines.insert(2 * n // 3, b'{"instruction": "No output here."}')
    path.write_bytes(b"\n".join(line.strip() for line in lines) + b"\n")
    return path


def write_coach(folder: Path, trained: Iterable[Record] = (), *, form: str = "lines") -> Path:
    """A folder as `tunewright coach train` leaves it, but for the weights: a backend stands in for them."""
    (folder / "tune" / "model").mkdir(parents=True)
    (folder / "tune" / "model" / "config.json").write_text("{}")
    manifest = {
        "stage": "coach",
        "config": {"form": form},
        "inputs": {},
        "created": "then",
        "versions": {},
        "extra": {
            "prompt_sha256": prompt_hash("trained", form),
            "version": "c0ac" * 16,
            "max_tokens": 2048,
        },
    }
    (folder / "manifest.json").write_text(json.dumps(manifest))
    lines = [
        json.dumps({"split": "training", "original": digest, "revised": digest})
        for digest in (pair_digest(record).hex() for record in trained)
    ]
    (folder / "pairs.jsonl").write_text("".join(f"{line}\n" for line in lines))
    return folder


class ScriptedCoach:
    """A backend. `only` makes it do one thing with every record; `seconds` is how long a call takes."""

    batch_size = 1
    max_concurrency: int | None = None
    model = "fake:coach"
    revision = "1"

    def __init__(self, *, only: str = "", form: str = "lines", seconds: float = 0.0) -> None:
        self.only = only
        self.form = form_named(form)
        self.seconds = seconds
        self.requests: list[Request] = []
        self._was_broken: set[str] = set()

    async def answer(self, requests: Sequence[Request]) -> list[Answer]:
        await asyncio.sleep(self.seconds)
        self.requests += requests
        return [self._answer(request) for request in requests]

    async def close(self) -> None:
        """Nothing is open."""

    def _answer(self, request: Request) -> Answer:
        record: Record = request.about
        way = self.only or WAYS[int(record.id[1:]) % len(WAYS)]
        is_again = len(request.messages) > 2
        if way == "refused":
            return Refused("400 the content policy does not allow it")
        if way == "too_long":
            return Refused("400 this model's maximum context length is 512 tokens")
        if way == "broken" and record.id not in self._was_broken:
            self._was_broken.add(record.id)
            return Broken("the connection was reset")
        if way == "unparsable" or (way == "mended" and not is_again):
            return reply("Here is a better version of it!")
        text = self.form.target(record, replace(record, **revised(record, way)))
        if way == "cut":
            return reply(text[: len(text) // 2], finish="length")
        if way == "filtered":
            return reply("", finish="filtered")
        return reply(f"<think>keep, or not?\nend</think>\n{text}" if way == "thinking" else text)


def revised(record: Record, way: str) -> dict[str, str]:
    """The fields that this way of revising changes."""
    good = record.output[0].upper() + record.output[1:] + "."
    number = int(record.id[1:])
    words = [ANIMALS, VERBS, PLACES]
    changes = {
        "unchanged": {},
        "empty_field": {"output": ""},
        "foreign_script": {"output": "Выдра нашла яйца у реки и спрятала их."},
        "repetition": {"output": "The otter finds the eggs by the river. " * 30},
        "over_long": {
            "output": " ".join(
                f"{words[n % 3][(n * n + number) % 12]}{'.' if n % 9 == 8 else ''}{n}" for n in range(900)
            )
        },
        "changed_task_data": {"input": "Something quite different stands here now: no bird, no beast."},
        "dropped_constraint": {
            "output": f"{good[:-1]}, and then another twenty things happen that nobody wrote down, because "
            "the warden was asleep, the rain had come, and all of the pencils were lost."
        },
        "flagged": {"input": record.input.replace("14 eggs", "15 eggs"), "output": good},
    }
    return changes.get(way, {"output": good})


def reply(text: str, *, finish: Any = "stop") -> Reply:
    return Reply(text, finish, Usage(200, max(1, len(text) // 4)), 0.0)


def main(data: str, coach: str, out: str, seconds: str = "0") -> None:
    from tunewright.coach.revise import revise
    from tunewright.coach.revise_config import ReviseConfig
    from tunewright.run.config import parse_config

    settings = {"coach": coach, "ask": {"max_asked_again": 1, "concurrency": 8}, "language": "en"}
    config = parse_config(ReviseConfig, settings, where="test")
    revise(config, data, out, backend=ScriptedCoach(seconds=float(seconds)))


if __name__ == "__main__":
    main(*sys.argv[1:])
