"""A judging before its first call: the files read and joined, the settings checked, the fingerprint."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tunewright.errors import DataError, RecipeError
from tunewright.evaluate.judging.comparison import (
    Comparison,
    Joined,
    Order,
    comparisons,
    join,
    key_of,
    with_references,
)
from tunewright.evaluate.judging.config import JudgeConfig
from tunewright.evaluate.judging.offline import open_judge
from tunewright.evaluate.judging.pairwise import Asking, prompt_hashes
from tunewright.evaluate.judging.showing import OwnPrompt
from tunewright.evaluate.outputs.answered import Answered, read_answers
from tunewright.evaluate.outputs.questions import Question, mt_bench_questions
from tunewright.llm.backend import Backend
from tunewright.rate.criteria import load_criteria
from tunewright.records.reject import Reject
from tunewright.run.fingerprint import Fingerprint
from tunewright.run.seeds import derive_seed


@dataclass(frozen=True)
class Job:
    """What is judged, and how it is asked. `joined` is there where two models are compared; `answered`
    holds the answers of all files."""

    config: JudgeConfig
    asking: Asking
    answered: tuple[Answered, ...]
    joined: Joined | None
    rejects: tuple[Reject, ...]
    num_references: int
    paths: tuple[str, ...]

    def compared(self) -> list[Comparison]:
        assert self.joined is not None, "only pairs are compared"
        return list(comparisons(self.joined))

    def orders(self, comparison: Comparison) -> tuple[Order, ...]:
        """In which orders a comparison is asked; none for identical answers. All turns of a pair have one."""
        if comparison.is_same:
            return ()
        if self.config.orders == "both":
            return ("ab", "ba")
        drawn = derive_seed(self.config.seed, "order", comparison.number, *comparison.a.prompts)
        return ("ab",) if drawn % 2 == 0 else ("ba",)


def prepare(config: JudgeConfig, a: str | Path, b: str | Path | None) -> Job:
    """Read everything and check that it fits together.

    DataError when a file cannot be used or no instruction is in both, RecipeError when settings do not fit
    the files.
    """
    if b is None and config.mode == "pair":
        raise RecipeError("two files are compared: name a second one, or score one by itself (mode: single)")
    rejects: list[Reject] = []
    questions = _questions(config, rejects)
    files = [a] if b is None else [a, b]
    read = [read_answers(file, questions=questions, on_reject=rejects.append) for file in files]
    if len(read) == 2 and read[0][0].generator == read[1][0].generator:
        raise DataError(
            f"{a} and {b} both name their model '{read[0][0].generator}', so no result could tell them "
            "apart; give one another name ('generator' in its rows, or 'tunewright evaluate answers --name')"
        )
    num_references = 0
    if config.references is not None:
        known = _references(config.references, questions, rejects)
        found = [with_references(answered, known) for answered in read]
        read, num_references = [answered for answered, _ in found], found[0][1]
        if not num_references:
            raise DataError(f"{config.references}: no reference belongs to an instruction of {a}")
    asking = Asking(
        probabilities=config.probabilities,
        criteria=load_criteria(config.criteria) if config.criteria is not None else None,
        prompt=OwnPrompt(config.prompt) if config.prompt is not None else None,
        max_tokens=config.max_tokens,
        pattern=config.compiled_pattern(),
    )
    return Job(
        config=config,
        asking=asking,
        answered=tuple(one for answered in read for one in answered),
        joined=join(*read) if config.mode == "pair" else None,
        rejects=tuple(rejects),
        num_references=num_references,
        paths=tuple(str(file) for file in files),
    )


def open_judges(config: JudgeConfig) -> list[Backend]:
    """The judges' backends, in order; nothing is loaded or connected yet."""
    return [open_judge(one) for one in config.judges]


def fingerprint(job: Job, backends: Sequence[Backend]) -> Fingerprint:
    """All that the result depends on: texts and settings, not where the files lie."""
    config, asking = job.config, job.asking
    settings: dict[str, Any] = config.settings()
    settings["judges"] = {  # by number, so that a refusal names the setting that differs
        str(number): known | {"model": backend.model, "revision": one.revision or backend.revision}
        for number, (known, one, backend) in enumerate(
            zip(config.judges_settings(), config.judges, backends, strict=True), start=1
        )
    }
    settings["criteria"] = asking.criteria.settings() if asking.criteria is not None else None
    settings["prompt"] = asking.prompt.sha256 if asking.prompt is not None else None
    settings["prompts"] = prompt_hashes()
    return Fingerprint("judge", settings, {"answers": _digest(job)})


def _questions(config: JudgeConfig, rejects: list[Reject]) -> dict[str, Question]:
    if config.questions is None:
        return {}
    found = mt_bench_questions(config.questions, on_reject=rejects.append)
    return {one.question_id: one for one in found}


def _references(
    file: Path, questions: dict[str, Question], rejects: list[Reject]
) -> dict[tuple[str, ...], tuple[str, ...]]:
    """Reference answers in either form of answers; the first one of an instruction counts."""
    found: dict[tuple[str, ...], tuple[str, ...]] = {}
    for one in read_answers(file, questions=questions, on_reject=rejects.append):
        found.setdefault(key_of(one), one.answers)
    return found


def _digest(job: Job) -> str:
    digest = hashlib.sha256()
    for text in _texts(job):
        encoded = text.encode("utf-8", "replace")
        digest.update(len(encoded).to_bytes(8, "big"))
        digest.update(encoded)
    return digest.hexdigest()


def _texts(job: Job) -> Iterator[str]:
    for one in job.answered:
        yield from (one.generator, one.question_id, one.dataset, one.datasplit, one.category)
        yield from (*one.prompts, "", *one.answers, "", *one.references)
        yield from (text for message in one.before for text in (message.role, message.text))
    for reject in job.rejects:
        yield str(reject.line)
