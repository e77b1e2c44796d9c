"""What a team would bring to the review page: items for an English test that a coach has revised, a study.

make_run(folder) is a finished run of `tunewright revise`, make_study(folder) a rating study, both made by the
commands themselves. All texts are our own. The browser's story and the pictures in docs/review use them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from typer import Typer
from typer.testing import CliRunner

from tunewright.cli import revise, study
from tunewright.coach.forms.lines import LinesForm
from tunewright.coach.revision import with_texts
from tunewright.records import Record

# (the record, what the coach makes of it: fields that differ; none where it keeps the record)
PAIRS: Sequence[tuple[Mapping[str, str], Mapping[str, str]]] = (
    (
        {
            "id": "b1-prepositions-07",
            "instruction": "Write a multiple-choice item on prepositions of time, level B1, with "
            "key and explanation.",
            "output": "My sister was born ___ the morning of 3 June.\n\nA) at\nB) in\nC) on\nD) by\n\nKey: B",
            "explanation": "We say 'in the morning', so B is correct.",
        },
        {
            "instruction": "Write a multiple-choice item on prepositions of time, level B1. Give "
            "four options, "
            "the key and an explanation.",
            "output": "My sister was born ___ the morning of 3 June.\n\nA) at\nB) in\nC) on\nD) by\n\nKey: C",
            "explanation": "We say 'in the morning', but 'on' when a day or a date follows, so C is correct.",
        },
    ),
    (
        {
            "id": "a2-notice-12",
            "instruction": "Read the notice and write one statement about it that is true or false. "
            "Say which.",
            "input": "TOWN LIBRARY\nMonday to Thursday 9 to 7, Friday 9 to 6.\nReturn books at the desk. "
            "After closing time use the box at the door.",
            "output": "You can return books when the library is closed. True.",
            "explanation": "There is a box.",
        },
        {
            "output": "You can give back a book at eight o'clock on a Friday evening. True.",
            "explanation": "On Friday the library closes at six, and after closing time there is a "
            "box at the door.",
        },
    ),
    (
        {
            "id": "b1-since-for-03",
            "instruction": "Explain the difference between 'since' and 'for' to a learner at B1.",
            "output": "We use since for a point in time and for for a period.",
        },
        {
            "output": "Use 'since' with the moment when something began, and 'for' with how long it "
            "has lasted.\n\n"
            "- I have lived here **since** 2019.\n- I have lived here **for** six years.",
        },
    ),
    (
        {
            "id": "b2-conditional-21",
            "instruction": "Write a gap-fill sentence that tests the third conditional, with the key.",
            "output": "If I ___ (know) that you were coming, I would have baked a cake.\n\nKey: had known",
            "explanation": "The third conditional has the past perfect after if.",
        },
        {
            "output": "If I ___ (know) about your visit, I ___ (bake) a cake.\n\nKey: had known, would bake",
            "explanation": "The third conditional has the past perfect after 'if'.",
        },
    ),
    (
        {
            "id": "b1-dialogue-05",
            "instruction": "Write a short dialogue at a pharmacy for a listening task, level B1.",
            "output": "Customer: I have a headache.\nPharmacist: Take two of these, then two more "
            "every hour.\n"
            "Customer: Thank you. How much is it?\nPharmacist: Four pounds fifty.",
        },
        {
            "output": "Customer: Good morning. I have had a headache since last night.\nPharmacist: "
            "Take two of "
            "these, then two more every hour.\nCustomer: Thank you. How much is it?\nPharmacist: "
            "Four pounds fifty.",
        },
    ),
    (
        {
            "id": "b1-false-friends-02",
            "instruction": "Explain the false friend 'actually' to speakers of German, in English.",
            "output": "Actually means really, not now.",
        },
        {
            "output": "'Actually' looks like German 'aktuell', but means 'really' or 'in fact'. For "
            "'aktuell' say "
            "'current' or 'at the moment'.",
        },
    ),
    (
        {
            "id": "a2-plurals-09",
            "instruction": "Write one sentence with the plural of 'child' and of 'knife'.",
            "output": "The children put the knives back into the drawer.",
        },
        {},
    ),
)  # fmt: skip

SYSTEMS = ("heron-base", "heron-tuned")
RATERS = ("ann", "bob")
# of each prompt the answer of either system, as (output, explanation); the first has faults
_ASKED: Mapping[str, tuple[tuple[str, str], tuple[str, str]]] = {
    "Write a multiple-choice item that tests 'make' and 'do', level A2, with key and explanation.": (
        ("Please ___ your homework.\n\nA) make\nB) do\nC) take", "It is a collocation."),
        ("Please ___ your homework before dinner.\n\nA) make\nB) do\nC) take\n\nKey: B",
         "We 'do' homework; 'make' is for things that did not exist before, such as a cake."),
    ),
    "Write a gap-fill sentence for 'used to', level B1, with key and explanation.": (
        ("I ___ (live) in Leeds, but now I live in York.", "Key: used to live or lived."),
        ("There ___ (be) a cinema here, but it closed years ago.\n\nKey: used to be",
         "'Used to' is for what was so for a time and no longer is."),
    ),
    "Write a true-or-false statement on this notice: 'Dogs on leads only. No ball games.' Say which it is.": (
        ("Dogs are not allowed. True or false?", ""),
        ("You may bring a dog if you keep it on a lead.\n\nKey: true",
         "The notice asks for leads, so dogs themselves are welcome."),
    ),
    "Write a question that tests reported speech, level B2, with key and explanation.": (
        ("'I am tired,' she said. Report it.", "Tenses change."),
        ("Report in one sentence: 'I will call you tomorrow,' he said to me.\n\n"
         "Key: He told me (that) he would call me the next day.",
         "'Will' becomes 'would', and 'tomorrow' is seen from then: 'the next day'."),
    ),
}  # fmt: skip
_KNOWN = {
    "instruction": "Write a multiple-choice item on irregular verbs, level A2, with key and explanation.",
    "output": "Yesterday she ___ to school.\n\nA) go\nB) goes\nC) gone\nD) going\n\nKey: A",
    "explanation": "After 'yesterday' we need the past.",
    "expected": {"validity": 0, "readiness": 2},
}
_TRAINING = {
    "instruction": "Write a multiple-choice item on articles, level A1, with key and explanation.",
    "output": "She is ___ engineer.\n\nA) a\nB) an\nC) the\n\nKey: A",
    "explanation": "We use 'a' before a job.",
    "expected": {"validity": 0, "readiness": 3},
    "feedback": "The key is wrong: *engineer* begins with a vowel, so **B** is right. Mending it "
    "takes a moment.",
}
INSTRUCTIONS = """Imagine that the item goes into next week's test.

Read the **whole** answer, solve the item yourself, then look at the key."""


def make_run(
    folder: Path,
    pairs: Sequence[tuple[Mapping[str, str], Mapping[str, str]]] = PAIRS,
    *,
    name: str = "revise",
) -> Path:
    """The folder of a finished run of `tunewright revise`, by a coach whose replies are written down."""
    data = _rows(folder / f"{name}-data.jsonl", [record for record, _ in pairs])
    rules = [
        {"contains": record["instruction"], "reply": _reply(record, changes)} for record, changes in pairs
    ]
    script = folder / f"{name}-script.yaml"
    script.write_text(yaml.safe_dump({"rules": rules}, allow_unicode=True), encoding="utf-8")
    app = Typer()
    app.command()(revise.command)
    _run(app, data, "--coach", f"scripted:{script}", "--out", folder / name)
    return folder / name


def make_study(folder: Path, *, raters: Sequence[str] = RATERS, name: str = "items-2026") -> Path:
    """The folder of a study of two systems: a training and a gold item, four prompts, two raters each."""
    answers = [
        _rows(
            folder / f"{system}.jsonl",
            [
                {"instruction": prompt, "output": given[place][0], "explanation": given[place][1]}
                for prompt, given in _ASKED.items()
            ],
        )
        for place, system in enumerate(SYSTEMS)
    ]
    (folder / "instructions.md").write_text(INSTRUCTIONS, encoding="utf-8")
    systems = ",".join(f"{system}={file}" for system, file in zip(SYSTEMS, answers, strict=True))
    _run(
        study.app,
        *("new", "--systems", systems, "--raters", ",".join(raters), "--overlap", 2, "--repeat", 0),
        *("--prompts", _rows(folder / "prompts.jsonl", [{"instruction": prompt} for prompt in _ASKED])),
        *("--gold", _rows(folder / "gold.jsonl", [_KNOWN])),
        *("--training", _rows(folder / "training.jsonl", [_TRAINING])),
        *("--instructions", folder / "instructions.md", "--out", folder / name),
    )
    return folder / name


def _reply(record: Mapping[str, str], changes: Mapping[str, str]) -> str:
    before = Record(**record)
    return LinesForm().target(before, with_texts(before, changes))  # type: ignore[arg-type]


def _rows(file: Path, rows: Sequence[Mapping[str, Any]]) -> Path:
    file.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return file


def _run(app: Typer, *arguments: object) -> None:
    done = CliRunner().invoke(app, [str(argument) for argument in arguments])
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    assert done.exit_code == 0, done.output
