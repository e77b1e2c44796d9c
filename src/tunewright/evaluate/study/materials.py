"""What a study is about: prompts, each system's answer to every one of them, and items with known answers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tunewright.errors import DataError
from tunewright.rate.agreement.rows import whole_rows
from tunewright.records import Record, read_records

_ANSWERED = {"output", "response", "instances"}
Answer = Mapping[str, str]  # "output" and, where there is one, "explanation"


@dataclass(frozen=True, slots=True)
class Known:
    """A gold or training item: answers and what a careful rater says of them.

    `answers` has one answer, or two in a pairwise study, the better first. `expected` maps a question to its
    value; for a preference "first", "second" or "tie".
    """

    prompt: Mapping[str, Any]
    answers: tuple[Answer, ...]
    expected: Mapping[str, Any]
    feedback: str = ""


@dataclass(frozen=True, slots=True)
class Materials:
    """Prompts by id and answers[system][prompt id]; every system has an answer to every prompt."""

    prompts: Mapping[str, Mapping[str, Any]]
    answers: Mapping[str, Mapping[str, Answer]]
    gold: tuple[Known, ...] = ()
    training: tuple[Known, ...] = ()

    def num_named(self) -> int:
        """Answers in whose text a system's name occurs, so that a rater may guess who wrote them."""
        names = [name.casefold() for name in self.answers if len(name) > 2]
        texts = [
            " ".join(answer.values()).casefold() for own in self.answers.values() for answer in own.values()
        ]
        return sum(any(name in text for name in names) for text in texts)


def read_materials(
    systems: Mapping[str, Path],
    prompts: Path,
    *,
    gold: Path | None = None,
    training: Path | None = None,
    pairwise: bool = False,
) -> Materials:
    """The materials from files: records with the prompts, and one file of records with each system's answers.

    Answers are joined to prompts by the prompt's text (system message, earlier turns, instruction, input).
    DataError when a system lacks an answer, answers a prompt twice or has a prompt's id with another text, or
    when two prompts are the same.
    """
    if not systems:
        raise DataError("no system; give --systems NAME=FILE,…")
    if len(systems) < 2 and pairwise:
        raise DataError("--pairwise needs two systems or more")
    shown: dict[str, Mapping[str, Any]] = {}
    id_of_text: dict[Any, str] = {}
    for record in _prompt_records(prompts):
        key = _text_key(record)
        if key in id_of_text:
            raise DataError(
                f"{prompts}: the prompts {id_of_text[key]!r} and {record.id!r} are the same; keep one"
            )
        if record.id in shown:
            raise DataError(f"{prompts}: two prompts have the id {record.id!r}; give each its own")
        id_of_text[key] = record.id
        shown[record.id] = _prompt(record)
    return Materials(
        prompts=shown,
        answers={name: _answers(name, file, shown, id_of_text) for name, file in systems.items()},
        gold=_known(gold, pairwise),
        training=_known(training, pairwise),
    )


def named_systems(texts: Sequence[str]) -> dict[str, Path]:
    """System names and files of `NAME=FILE` or `FILE` (its stem is the name). DataError for a name used
    twice.
    """
    systems: dict[str, Path] = {}
    for text in texts:
        name, sign, file = text.partition("=")
        path = Path(file) if sign else Path(text)
        name = name if sign else path.name.split(".")[0]
        if name in systems:
            raise DataError(f"two systems are called {name!r}; name them: NAME=FILE")
        systems[name] = path
    return systems


def _answers(
    name: str, file: Path, prompts: Mapping[str, Any], id_of_text: Mapping[Any, str]
) -> dict[str, Answer]:
    found: dict[str, Answer] = {}
    for record in read_records(file):
        id = id_of_text.get(_text_key(record))
        if id is None and record.id in prompts:
            raise DataError(
                f"{file}: system {name!r} answers another text under the id {record.id!r} of a prompt; give "
                "both the same instruction and input, or the answer another id"
            )
        if id is None:
            continue  # an answer to a prompt that this study does not ask
        if id in found:
            raise DataError(f"{file}: system {name!r} answers the prompt {id!r} twice; keep one answer")
        answer = {"output": record.output}
        if record.explanation:
            answer["explanation"] = record.explanation
        found[id] = answer
    missing = [id for id in prompts if id not in found]
    if missing:
        raise DataError(
            f"{file}: system {name!r} has no answer to {len(missing):,} of {len(prompts):,} prompts "
            f"(first: {missing[0]!r}); a study needs the same prompts for all systems"
        )
    return found


def _prompt_records(file: Path) -> Iterator[Record]:
    """The prompts of a file of records, or of JSON rows that have an instruction and no answer yet."""
    if file.suffix in (".json", ".jsonl") and file.is_file():
        rows = list(whole_rows(file))
        if all("instruction" in row and not row.keys() & _ANSWERED for _, row in rows):
            yield from (_unanswered(file, line, row, number) for number, (line, row) in enumerate(rows, 1))
            return
    yield from read_records(file)


def _unanswered(file: Path, line: int, row: Mapping[str, Any], number: int) -> Record:
    texts = {name: row.get(name) or "" for name in ("instruction", "input", "system")}
    wrong = next((name for name, text in texts.items() if not isinstance(text, str)), None)
    if wrong or not texts["instruction"]:
        raise DataError(f"{file}:{line}: {wrong or 'instruction'!r} must be a text that is not empty")
    return Record(
        id=str(row.get("id", f"p{number}")),
        instruction=texts["instruction"],
        input=texts["input"],
        system=texts["system"],
        output="",
    )


def _text_key(record: Record) -> tuple[Any, ...]:
    turns = tuple((turn.speaker, turn.text) for turn in record.history)
    return record.system, turns, record.instruction.strip(), record.input.strip()


def _prompt(record: Record) -> dict[str, Any]:
    prompt: dict[str, Any] = {"instruction": record.instruction}
    if record.input:
        prompt["input"] = record.input
    if record.system:
        prompt["system"] = record.system
    if record.history:
        prompt["history"] = [{"speaker": turn.speaker, "text": turn.text} for turn in record.history]
    return prompt


def _known(file: Path | None, pairwise: bool) -> tuple[Known, ...]:
    if file is None:
        return ()
    known = []
    for line, row in whole_rows(file):
        prompt = {key: row[key] for key in ("instruction", "input", "system") if row.get(key)}
        texts = all(isinstance(text, str) for text in prompt.values())
        if not texts or "instruction" not in prompt or not isinstance(row.get("expected"), dict):
            raise DataError(
                f"{file}:{line}: an item with a known answer needs 'instruction', 'output' (or 'answers') "
                "and 'expected', such as {\"validity\": 0}"
            )
        answers = row.get("answers", [row])
        wanted = 2 if pairwise else 1
        if not isinstance(answers, list) or len(answers) != wanted or not all(map(_is_answer, answers)):
            raise DataError(
                f"{file}:{line}: {wanted} answer{'s' * (wanted - 1)} with a text 'output' needed; a pairwise "
                "study takes 'answers': [{'output': …}, {'output': …}]"
            )
        # nothing else of a row may reach raters, nor an empty explanation where others have none
        shown = [{key: one[key] for key in ("output", "explanation") if one.get(key)} for one in answers]
        feedback = str(row.get("feedback") or "")
        known.append(Known(prompt, tuple({"output": "", **one} for one in shown), row["expected"], feedback))
    return tuple(known)


def _is_answer(answer: Any) -> bool:
    return (
        isinstance(answer, dict)
        and isinstance(answer.get("output"), str)
        and isinstance(answer.get("explanation") or "", str)
    )
