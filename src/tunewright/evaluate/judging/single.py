"""How good one answer is by itself: a score for each criterion, on the scale of the set."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from tunewright.evaluate.judging.pairwise import Asking
from tunewright.evaluate.judging.showing import PROMPTS, asked_before, exchange, framed
from tunewright.evaluate.outputs.answered import Answered
from tunewright.llm.outcome import Outcome
from tunewright.llm.request import Message, Request
from tunewright.llm.structured import Parser
from tunewright.rate import rater
from tunewright.rate.criteria import CriteriaSet, Criterion, Scale
from tunewright.rate.rater import Rating, reply_schema
from tunewright.records.reject import cut

SCORES_FILE = "scores.jsonl"
MT_BENCH_SINGLE_FILE = "mt_bench_single.jsonl"

# MT-Bench's scale; the question and the anchors are ours
OVERALL = CriteriaSet(
    name="answer",
    scale=Scale(low=1, high=10, step=1),
    high_from=8,
    anchors={
        1: "useless, harmful, or no answer to what was asked",
        4: "a mistake or a gap that the person would have to mend",
        7: "right and complete, with small faults",
        10: "nothing false, nothing wanted left out, a pleasure to read",
    },
    criteria=(Criterion(name="overall", side="response", question="How good is the answer, all in all?"),),
)


@dataclass(frozen=True, slots=True)
class Score:
    """One judge's score of one answer by one criterion; None with the reason why there is none."""

    answered: Answered
    turn: int
    criterion: str
    score: float | None
    status: str  # scored, unparsed, error
    reason: str
    problem: str
    reply: str
    raw: str
    num_calls: int
    is_unanswered: bool

    @classmethod
    def of(cls, answered: Answered, turn: int, criterion: str, outcome: Outcome[Rating]) -> Score:
        failed = "unparsed" if outcome.reason == "unparsable" else "error"
        rating = outcome.value
        return cls(
            answered=answered,
            turn=turn,
            criterion=criterion,
            score=rating.score if rating is not None else None,
            status="scored" if rating is not None else failed,
            reason=rating.reason.encode("utf-8", "replace").decode() if rating is not None else "",
            problem=outcome.problem.encode("utf-8", "replace").decode(),
            reply=outcome.key if outcome.reply is not None else "",
            raw=cut(outcome.reply.text) if rating is None and outcome.reply is not None else "",
            num_calls=outcome.num_calls,
            is_unanswered=outcome.reason == "unanswered",
        )

    def to_row(self, judge: str) -> dict[str, Any]:
        return {
            "question_id": self.answered.question_id,
            "instruction": self.answered.prompts[self.turn - 1],
            "generator": self.answered.generator,
            "category": self.answered.category,
            "turn": self.turn,
            "criterion": self.criterion,
            "judge": judge,
            "score": self.score,
            "status": self.status,
            "reason": self.reason,
            "problem": self.problem,
            "reply": self.reply,
            "calls": self.num_calls,
            "raw": self.raw,
        }

    def to_mt_bench_row(self, judge: str) -> dict[str, Any]:
        """FastChat's row of a single score; −1 is its sign that there is none."""
        number = self.answered.question_id
        return {
            "question_id": int(number) if number.isdecimal() else number,
            "model": self.answered.generator,
            "judge": [judge, f"tunewright-single-{self.criterion}"],
            "judgment": self.reason,
            "score": -1 if self.score is None else self.score,
            "turn": self.turn,
            "tstamp": 0.0,
        }


def to_score(
    answered: Sequence[Answered], criteria: CriteriaSet
) -> Iterator[tuple[Answered, int, Criterion]]:
    """Every answer, turn and criterion, in the order of the files."""
    for one in answered:
        for turn in range(1, len(one.prompts) + 1):
            for criterion in criteria.criteria:
                yield one, turn, criterion


def build(answered: Answered, turn: int, criterion: Criterion, asking: Asking) -> Request:
    """The question of one criterion about the answer to one turn; earlier turns are shown before it."""
    criteria = asking.criteria or OVERALL
    scale = criteria.scale
    texts = framed([*asked_before(answered, turn), *exchange(answered, turn)])
    if asking.prompt is not None:
        body = asking.prompt.render(
            texts=texts, criteria=f"- {criterion.name}: {criterion.question}", num_turns=turn
        )
    else:
        body = PROMPTS.render(
            "single.txt",
            texts=texts,
            question=criterion.question,
            num_turns=turn,
            has_reference=bool(answered.reference(turn).strip()),
            low=f"{scale.low:g}",
            high=f"{scale.high:g}",
            step=f"{scale.step:g}",
            anchors=[
                {"score": f"{score:g}", "means": means}
                for score, means in sorted(criteria.anchors_of(criterion).items())
            ],
        )
    return Request(
        messages=(
            Message("system", PROMPTS.render("system.txt")),
            Message("user", f"{body}\n{PROMPTS.render('single_score.txt')}"),
        ),
        schema=reply_schema(scale, expected=False),
        max_tokens=asking.max_tokens,
        subject=f"{answered.question_id or answered.prompts[0][:40]} turn {turn} {criterion.name}",
    )


def parser(asking: Asking) -> Parser[Rating]:
    """The reading of replies to `build`'s requests: the rater's, for a score is a score."""
    pattern = asking.pattern.pattern if asking.pattern is not None else None
    return rater.parser(asking.criteria or OVERALL, expected=False, pattern=pattern)
