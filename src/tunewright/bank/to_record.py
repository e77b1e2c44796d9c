"""From a question to a record: a seed with the same columns that item models and the seed set have."""

from __future__ import annotations

from typing import Any

from tunewright.bank.question import Option, Question
from tunewright.records import Record

DEFAULT_INSTRUCTIONS = {
    "choice": "Choose the correct answer.",
    "multiple_response": "Choose all correct answers.",
    "cloze": "Fill each gap.",
    "short_answer": "Answer the question.",
    "essay": "Write an answer.",
}


def record_of(question: Question) -> Record:
    """The record of a question; `question_of` gives the question back.

    A question without an instruction gets the usual one for its kind. An essay without a model answer has an
    empty output, which no file of records can be read with.
    """
    meta: dict[str, Any] = {
        **question.meta,
        "kind": question.kind,
        "passage": question.passage,
        "stem": question.prompt,
        "shuffle": question.shuffle,
    }
    if question.kind == "cloze":
        shown, output = _cloze(question, meta)
    elif question.options:
        meta["options"] = [_row(option) for option in question.options]
        meta["key"] = question.key[0] if question.kind == "choice" else list(question.key)
        shown = question.prompt
        output = "\n".join(f"{o.id}) {o.text}" for o in question.options if o.correct)
    else:
        shown, output = question.prompt, question.answers[0] if question.answers else ""
        meta["answers"] = list(question.answers)
        meta["answer"] = output
    options = "\n".join(f"{option.id}) {option.text}" for option in question.options)
    return Record(
        id=question.id,
        instruction=question.instruction or DEFAULT_INSTRUCTIONS[question.kind],
        input="\n\n".join(part for part in (question.passage, shown, options) if part),
        output=output,
        explanation=question.explanation,
        meta=meta,
    )


def _cloze(question: Question, meta: dict[str, Any]) -> tuple[str, str]:
    """What is shown, with numbered gaps and their options, and the numbered answers; both also in `meta`."""
    meta["pieces"] = list(question.pieces)
    meta["gaps"] = [
        {"answers": list(gap.answers)} if gap.answers else {"options": [_row(o) for o in gap.options]}
        for gap in question.gaps
    ]
    meta["cloze_prompt"] = question.prompt
    single = len(question.gaps) == 1
    shown, answers, choices = question.pieces[0], [], []
    for number, (gap, piece) in enumerate(zip(question.gaps, question.pieces[1:], strict=True), 1):
        shown += ("____" if single else f"({number}) ____") + piece
        right = gap.answers or tuple(o.text for o in gap.options if o.correct)
        answer = right[0] + (f" (or: {', '.join(right[1:])})" if right[1:] else "")
        answers.append(answer if single else f"{number} {answer}")
        if gap.options:
            label = "" if single else f"{number} "
            choices.append(label + " ".join(f"{o.id}) {o.text}" for o in gap.options))
    meta["stem"] = shown
    parts = [question.prompt, shown, "\n".join(choices)]
    return "\n\n".join(part for part in parts if part), "\n".join(answers)


def _row(option: Option) -> dict[str, Any]:
    row: dict[str, Any] = {"letter": option.id, "text": option.text, "correct": option.correct}
    return row | ({"misconception": option.feedback} if option.feedback else {})
