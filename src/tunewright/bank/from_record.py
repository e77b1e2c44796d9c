"""From a record to a question, by rules that are the same for items of models, seeds and plain pairs.

Options in `meta` make a choice item; gaps `____` with their answers a cloze; else the output is a short
answer when it is one line of at most `SHORT_CHARS` characters, and an essay's model answer when longer.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from tunewright.bank.answered import contradiction
from tunewright.bank.question import Gap, Kind, Option, Question
from tunewright.generate.render import LETTERS, MODEL_ANSWER_CHARS
from tunewright.records import Record

SHORT_CHARS = MODEL_ANSWER_CHARS
META_KEYS = ("skill", "level", "task", "topic", "language", "construct", "evidence", "original_id")

_GAP = re.compile(r"(?:\(\d+\) ?)?_{3,}")
_NUMBERED = re.compile(r"(?m)^\(?(\d+)[.)]? (.+)$")
_NAMES_A_LETTER = re.compile(
    r"\b(?:[Oo]ptions?|[Aa]nswers?(?: is)?|[Cc]hoices?) \(?[A-H]\b"
    r"|^\(?[A-H][).] |\b[B-H] is \b|^A is (?:right|wrong)"
    r"|\b(?:[Aa]ll|[Nn]one|[Bb]oth|[Nn]either|[Ee]ither) of (?:the above|the others?|these|them)\b"
    r"|\b[Bb]oth [A-H] and [A-H]\b|\b[A-H] and [A-H] are\b",
    re.MULTILINE,
)


class NotAQuestion(ValueError):
    """Why a record cannot be a question of an item bank."""


def question_of(record: Record) -> Question:
    """The question a record asks. NotAQuestion, with the reason, when it asks none.

    `shuffle` is False where a text names an option by its letter or place. An item of a model brings its
    reason without letters (`why`) and each option's mistake, which become explanation and option feedback.
    """
    if record.history:
        raise NotAQuestion("is a conversation of several turns")
    if record.meta.get("mode") == "author":
        raise NotAQuestion("is a task for an author of items, not a question for learners")
    meta = record.meta
    passage, prompt = _shown(record)
    common: dict[str, Any] = {
        "id": record.id.strip(),
        "instruction": _clean(record.instruction),
        "passage": passage,
        "prompt": prompt,
        "meta": {key: _clean(meta[key]) for key in META_KEYS if isinstance(meta.get(key), str) and meta[key]},
        "explanation": _clean(record.explanation),
    }
    if isinstance(meta.get("pieces"), list) and isinstance(meta.get("gaps"), list):
        return _stored_cloze(record, common)
    if meta.get("options"):
        return _choice(record, common)
    answers = _answers(record)
    if meta.get("kind") in (
        "short_answer",
        "essay",
    ):  # imported: `____` may be text
        return _written(common, meta, answers)
    return _cloze(common, answers) or _written(common, meta, answers)


def _shown(record: Record) -> tuple[str, str]:
    """Passage and prompt: what `meta` says, else the input without its lettered options, split at its last
    blank line when options follow."""
    meta = record.meta
    if isinstance(meta.get("stem"), str):
        return _clean(meta.get("passage", "")), _clean(meta["stem"])
    text = _clean(record.input)
    options = meta.get("options") or []
    lines = [f"{o.get('letter')}) {_clean(str(o.get('text')))}" for o in options if isinstance(o, Mapping)]
    listed = "\n".join(lines)
    if not listed or not text.endswith(listed):
        return "", text
    text = text.removesuffix(listed).rstrip("\n")
    passage, _, prompt = text.rpartition("\n\n")
    return passage, prompt


def _choice(record: Record, common: dict[str, Any]) -> Question:
    meta = record.meta
    rows = meta["options"]
    if not isinstance(rows, Sequence) or not all(isinstance(row, Mapping) and "text" in row for row in rows):
        raise NotAQuestion("'options' is not a list of objects with a text")
    key = meta.get("key") or []
    keys = re.findall(r"\w+", key) if isinstance(key, str) else [str(letter) for letter in key]
    ids = [str(row.get("letter") or row.get("id") or f"option_{n}") for n, row in enumerate(rows, 1)]
    lost = [letter for letter in keys if letter not in ids]
    if lost:
        raise NotAQuestion(f"the key names {lost[0]!r}, but the options are {', '.join(ids)}")
    options = tuple(
        Option(
            id=identifier,
            text=_clean(str(row["text"])),
            correct=bool(row["correct"]) if "correct" in row else identifier in keys,
            feedback=_clean(str(row.get("feedback") or row.get("misconception") or "")),
        )
        for identifier, row in zip(ids, rows, strict=True)
    )
    marked = [option.id for option in options if option.correct]
    if keys and sorted(keys) != sorted(marked):
        raise NotAQuestion(f"the key says {', '.join(keys)}, the options marked correct are {marked}")
    if fault := contradiction(_clean(record.output), options):
        raise NotAQuestion(fault)
    kind: Kind = (
        "multiple_response" if len(marked) > 1 or meta.get("kind") == "multiple_response" else "choice"
    )
    why = meta.get("why")
    if isinstance(why, str) and why and why in record.explanation and any(o.feedback for o in options):
        common["explanation"] = _clean(why)
    said = [common["explanation"], *(o.text for o in options), *(o.feedback for o in options)]
    free = not any(_NAMES_A_LETTER.search(text) for text in said)
    shuffle = meta["shuffle"] if isinstance(meta.get("shuffle"), bool) else free
    return Question(kind=kind, options=options, shuffle=shuffle, **common)


def _answers(record: Record) -> list[str]:
    stored = record.meta.get("answers")
    if isinstance(stored, list) and stored:
        return [_clean(str(answer)) for answer in stored]
    answer = record.meta.get("answer")
    return [_clean(answer if isinstance(answer, str) and answer else record.output)]


def _cloze(common: dict[str, Any], answers: list[str]) -> Question | None:
    """A cloze when the prompt's gaps and the answers agree in number, else None.

    NotAQuestion when several gaps meet short answers of another number: as a short answer, one word of
    them would be fully right.
    """
    answers = [answer.strip() for answer in answers]
    found = list(_GAP.finditer(common["prompt"]))
    if not found:
        return None
    if len(found) == 1:
        accepted = [_alternatives(answer) for answer in answers]
        groups = [[text for group in accepted for text in group]]
    else:
        given = answers if len(answers) == len(found) else _in_order(answers, len(found))
        if given is None:
            if all(len(answer) <= SHORT_CHARS and "\n" not in answer for answer in answers):
                raise NotAQuestion(
                    f"has {len(found)} gaps, but which answer belongs to which cannot be told from "
                    f"{'; '.join(answers)!r}; give a list 'answers' with one for each gap"
                )
            return None
        groups = [_alternatives(text) for text in given]
    if any(not text or "\n" in text or len(text) > SHORT_CHARS for group in groups for text in group):
        return None
    prompt, pieces, start = common["prompt"], [], 0
    for match in found:
        pieces.append(prompt[start : match.start()])
        start = match.end()
    gaps = tuple(Gap(answers=tuple(dict.fromkeys(group))) for group in groups)
    return Question(kind="cloze", pieces=(*pieces, prompt[start:]), gaps=gaps, **(common | {"prompt": ""}))


def _in_order(answers: list[str], num_gaps: int) -> list[str] | None:
    """One answer for each gap, from one text of numbered lines or with `;` between them; else None."""
    if len(answers) != 1:
        return None
    numbered = _NUMBERED.findall(answers[0])
    if [int(number) for number, _ in numbered] == list(range(1, num_gaps + 1)):
        return [text for _, text in numbered]
    parted = [part.strip() for part in answers[0].split(";")]
    return parted if len(parted) == num_gaps and all(parted) else None


def _alternatives(text: str) -> list[str]:
    """ "when (or: as, once)" accepts all three."""
    first, _, others = text.partition(" (or: ")
    if not others.endswith(")"):
        return [text.strip()]
    return [first.strip(), *(other.strip() for other in others[:-1].split(","))]


def _written(common: dict[str, Any], meta: Mapping[str, Any], answers: list[str]) -> Question:
    if not any(answer.strip() for answer in answers):
        raise NotAQuestion("has no answer")
    stripped = [answer.strip() for answer in answers]
    longest = float("inf") if meta.get("kind") == "short_answer" else SHORT_CHARS
    short = all("\n" not in answer and len(answer) <= longest for answer in stripped)
    kind: Kind = "short_answer" if short and meta.get("kind") != "essay" else "essay"
    answers = stripped if kind == "short_answer" else answers
    return Question(kind=kind, answers=tuple(dict.fromkeys(answers)), **common)


def _stored_cloze(record: Record, common: dict[str, Any]) -> Question:
    """A cloze that `record_of` wrote."""
    common["prompt"] = _clean(str(record.meta.get("cloze_prompt") or ""))
    try:
        gaps = tuple(
            Gap(
                answers=tuple(gap.get("answers", ())),
                options=tuple(
                    Option(o["letter"], o["text"], bool(o["correct"])) for o in gap.get("options", ())
                ),
            )
            for gap in record.meta["gaps"]
        )
    except (KeyError, TypeError, AttributeError):
        raise NotAQuestion("'gaps' is not a list of objects with answers or options") from None
    return Question(kind="cloze", pieces=tuple(map(str, record.meta["pieces"])), gaps=gaps, **common)


def _clean(text: str) -> str:
    """Line ends as "\\n", which is what every format can give back."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def letter_of(place: int) -> str:
    """A, B, … H, then option_9 and so on."""
    return LETTERS[place] if place < len(LETTERS) else f"option_{place + 1}"
