"""Judges that ask nobody: for tests, for baselines that a real judge must beat, and to replay verdicts.

They answer the same requests as a model would, through the same journal and the same reading.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import orjson

from tunewright.errors import DataError, ModelError
from tunewright.evaluate.judging.comparison import Comparison, Order
from tunewright.evaluate.winrate.rows import read_rows
from tunewright.llm.backend import Backend
from tunewright.llm.config import AskConfig
from tunewright.llm.open import open_backend
from tunewright.llm.reply import Answer, Refused, Reply, TokenLogprob, Usage
from tunewright.llm.request import Request
from tunewright.rate.verdict import Verdict
from tunewright.records.row import RowError
from tunewright.run.files import file_sha256

_Decide = Callable[[Request, Comparison, Order], Verdict | None]
_LOG_HALF = math.log(0.5)


def open_judge(config: AskConfig) -> Backend:
    """The backend of a judge: one of `length:`, `random:SEED` and `replay:FILE`, else a model's."""
    kind, _, name = config.model.partition(":")
    if kind == "length":
        return OfflineJudge(config.model, "", _longer)
    if kind == "random":
        if not name.isdecimal():
            raise ModelError(f"{config.model}: write random: and a seed, such as random:7")
        return OfflineJudge(config.model, "", _random(int(name)))
    if kind == "replay":
        return OfflineJudge(f"replay:{Path(name).name}", file_sha256(_file(name)), _replay(name))
    return open_backend(config)


class OfflineJudge:
    """Decides by a function of what is compared, in the form in which a model would reply."""

    batch_size = 1
    max_concurrency: int | None = 1

    def __init__(self, model: str, revision: str, decide: _Decide) -> None:
        self.model, self.revision = model, revision
        self._decide = decide

    async def answer(self, requests: Sequence[Request]) -> list[Answer]:
        return [self._answer(request) for request in requests]

    async def close(self) -> None:
        """Nothing is open."""

    def _answer(self, request: Request) -> Answer:
        comparison, order = request.about
        verdict = self._decide(request, comparison, order)
        if verdict is None:
            return Refused(f"{self.model} has no verdict on this pair")
        return _letter(verdict) if request.schema is None else _object(verdict)


def _longer(request: Request, comparison: Comparison, order: Order) -> Verdict:
    """The longer answer to the turn, in characters."""
    longer = len(comparison.a.answers[comparison.turn - 1]) - len(comparison.b.answers[comparison.turn - 1])
    if longer == 0:
        return "tie"
    return "a" if (longer > 0) == (order == "ab") else "b"


def _random(seed: int) -> _Decide:
    """A or B by a hash of seed and question: the same in any order of calls, and blind to everything."""

    def decide(request: Request, comparison: Comparison, order: Order) -> Verdict:
        known = f"{seed} {request.key(model='', revision='')}".encode()
        return "a" if hashlib.sha256(known).digest()[0] % 2 == 0 else "b"

    return decide


def _replay(name: str) -> _Decide:
    """What the file says of these two answers, whichever of them it has first."""
    known = read_verdicts(name)

    def decide(request: Request, comparison: Comparison, order: Order) -> Verdict | None:
        turn = comparison.turn - 1
        a, b = comparison.a.answers[turn], comparison.b.answers[turn]
        first, second = (a, b) if order == "ab" else (b, a)
        return known.get((comparison.a.prompts[turn].strip(), first, second))

    return decide


def read_verdicts(name: str | Path) -> dict[tuple[str, str, str], Verdict]:
    """The verdicts of a file by instruction, first and second answer, of both orders.

    Rows need `instruction` (or `input`), `output_1`, `output_2`, and `preference` (or `label`: 1, 2, or 1.5
    for a tie). Our own annotations hold each order's verdict too, which then counts for that order. A row
    without a preference has no verdict. DataError when a row is broken, or no row has a verdict.
    """
    found: dict[tuple[str, str, str], Verdict] = {}
    for number, row in enumerate(read_rows(_file(name)), start=1):
        try:
            found |= _verdicts_of(row)
        except RowError as error:
            raise DataError(f"{name}: row {number}: '{error.field}' {error.reason}") from None
    if not found:
        raise DataError(f"{name}: holds no verdict")
    return found


def _verdicts_of(values: Mapping[str, Any]) -> dict[tuple[str, str, str], Verdict]:
    texts = [values.get("instruction", values.get("input")), values.get("output_1"), values.get("output_2")]
    for text, field in zip(texts, ("instruction", "output_1", "output_2"), strict=True):
        if not isinstance(text, str):
            raise RowError(field, "is missing or no text")
    instruction, first, second = (str(text) for text in texts)
    preference = values.get("preference", values.get("label"))
    merged: Verdict | None = None
    if isinstance(preference, int | float) and not isinstance(preference, bool):
        if 1 <= preference <= 2:
            merged = "a" if preference < 1.5 else "b" if preference > 1.5 else "tie"
        elif preference == 0:  # a draw in AlpacaEval's old files
            merged = "tie"
    found: dict[tuple[str, str, str], Verdict] = {}
    for order, key in (("ab", (first, second)), ("ba", (second, first))):
        own = values.get(f"verdict_{order}", merged)
        if own in ("a", "b", "tie"):
            other: dict[Any, Verdict] = {"a": "b", "b": "a", "tie": "tie"}
            found[instruction.strip(), *key] = own if order == "ab" else other[own]
    return found


def _object(verdict: Verdict) -> Reply:
    named = {"a": "A", "b": "B", "tie": "tie"}[verdict]
    return _reply(orjson.dumps({"reason": "", "verdict": named}).decode())


def _letter(verdict: Verdict) -> Reply:
    """A tie is one half each: a letter alone cannot say it."""
    if verdict == "tie":
        both = (("m", _LOG_HALF), ("M", _LOG_HALF))
        return _reply("m", logprobs=(TokenLogprob("m", _LOG_HALF, both),))
    letter = "m" if verdict == "a" else "M"
    return _reply(letter, logprobs=(TokenLogprob(letter, 0.0, ((letter, 0.0),)),))


def _reply(text: str, *, logprobs: tuple[TokenLogprob, ...] | None = None) -> Reply:
    return Reply(text, "stop", Usage(0, 0), 0.0, raw=text, model="offline", logprobs=logprobs)


def _file(name: str | Path) -> Path:
    path = Path(name)
    if not path.is_file():
        raise DataError(f"replay:{name}: there is no such file; name one with annotations")
    return path
