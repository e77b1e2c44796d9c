"""What came of a comparison, and the rows in which it is kept: AlpacaEval's, MT-Bench's, and our own."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from tunewright.evaluate.judging.comparison import Comparison, Order
from tunewright.evaluate.judging.pairwise import Decision, Reading, merge, preference_of
from tunewright.llm.outcome import Outcome
from tunewright.rate.summary import Share, share_of
from tunewright.records.reject import cut

ANNOTATIONS_FILE = "annotations.json"
VERDICTS_FILE = "verdicts.jsonl"
SUMMARY_FILE = "summary.json"
MT_BENCH_PAIR_FILE = "mt_bench_pair.jsonl"


@dataclass(frozen=True, slots=True)
class OrderResult:
    """One question to one judge and what became of it. `reply` is the key of its last reply in the journal,
    empty where there is none; `preference` is A against B in the reply alone."""

    order: Order
    decision: Decision
    preference: float | None
    shown: str  # the verdict in terms of places: a is what stood first
    reason: str
    problem: str
    reply: str
    raw: str  # of a reply that could not be read
    num_calls: int
    from_tokens: bool
    is_unanswered: bool

    @classmethod
    def of(cls, order: Order, outcome: Outcome[Reading]) -> OrderResult:
        reading = outcome.value
        decision: Decision = "unparsed" if outcome.reason == "unparsable" else "error"
        preference = None
        if reading is not None:
            decision, preference = reading.of_models(order)
        return cls(
            order=order,
            decision=decision,
            preference=preference,
            shown=reading.verdict if reading is not None else "",
            reason=reading.reason.encode("utf-8", "replace").decode() if reading is not None else "",
            problem=outcome.problem.encode("utf-8", "replace").decode(),
            reply=outcome.key if outcome.reply is not None else "",
            raw=cut(outcome.reply.text) if reading is None and outcome.reply is not None else "",
            num_calls=outcome.num_calls,
            from_tokens=reading.from_tokens if reading is not None else False,
            is_unanswered=outcome.reason == "unanswered",
        )


@dataclass(frozen=True, slots=True)
class Result:
    """One judge on one comparison; `orders` is empty for identical answers."""

    decision: Decision
    preference: float | None
    orders: tuple[OrderResult, ...]

    @classmethod
    def of(cls, orders: Sequence[OrderResult], *, probabilities: bool) -> Result:
        if not orders:  # identical answers: there is nothing to judge
            return cls("tie", 1.5, ())
        decision = merge([one.decision for one in orders])
        readings = [one.preference for one in orders if one.preference is not None]
        return cls(decision, preference_of(decision, readings, probabilities=probabilities), tuple(orders))


@dataclass(frozen=True, slots=True)
class JudgeTable:
    """A judge's decisions. Shares: `first_shown` of decided replies, `consistent` of comparisons with two
    readable replies, `longer` of decided comparisons whose answers differ in length."""

    judge: str
    num: int
    a: int
    b: int
    tie: int
    unparsed: int
    error: int
    identical: int
    num_replies: int
    num_asked_again: int
    num_from_tokens: int
    first_shown: Share
    consistent: Share
    longer: Share


def table_of(judge: str, compared: Sequence[Comparison], results: Sequence[Result]) -> JudgeTable:
    """The counts of one judge; ties include the identical ones, which are counted apart too."""
    decisions = [one.decision for one in results]
    replies = [one for result in results for one in result.orders if one.reply]
    shown = [one.shown for one in replies if one.shown in ("a", "b")]
    twice = [
        result.orders
        for result in results
        if len(result.orders) == 2 and all(one.shown for one in result.orders)
    ]
    by_length = [
        longer == result.decision
        for comparison, result in zip(compared, results, strict=True)
        if result.decision in ("a", "b") and (longer := longer_of(comparison))
    ]
    return JudgeTable(
        judge=judge,
        num=len(results),
        a=decisions.count("a"),
        b=decisions.count("b"),
        tie=decisions.count("tie"),
        unparsed=decisions.count("unparsed"),
        error=decisions.count("error"),
        identical=sum(not one.orders for one in results),
        num_replies=len(replies),
        num_asked_again=sum(one.num_calls > 1 for one in replies),
        num_from_tokens=sum(one.from_tokens for one in replies),
        first_shown=share_of(shown.count("a"), len(shown)),
        consistent=share_of(sum(one.decision == two.decision for one, two in twice), len(twice)),
        longer=share_of(sum(by_length), len(by_length)),
    )


def longer_of(comparison: Comparison) -> str:
    """Whose answer to the turn has more characters: a, b, or empty."""
    a, b = (len(one.answers[comparison.turn - 1]) for one in (comparison.a, comparison.b))
    return "a" if a > b else "b" if b > a else ""


def annotation_row(
    comparison: Comparison, annotator: str, decision: Decision, preference: float | None
) -> dict[str, Any]:
    """AlpacaEval's columns: output_1 is A, the baseline, and a preference of 2 is a win of B. Then ours."""
    turn, a, b = comparison.turn - 1, comparison.a, comparison.b
    return {
        "instruction": a.prompts[turn],
        "output_1": a.answers[turn],
        "generator_1": a.generator,
        "dataset": a.dataset or b.dataset,
        "datasplit": a.datasplit or b.datasplit,
        "output_2": b.answers[turn],
        "generator_2": b.generator,
        "annotator": annotator,
        "preference": preference,
        "question_id": a.question_id,
        "category": a.category,
        "turn": comparison.turn,
        "verdict": decision,
        "identical": comparison.is_same,
    }


def order_columns(result: Result) -> dict[str, Any]:
    """Both orders of one judge, None for an order that was not asked."""
    by_order: dict[str, OrderResult] = {one.order: one for one in result.orders}
    return {
        f"{name}_{order}": getattr(by_order[order], field) if order in by_order else None
        for name, field in (("verdict", "decision"), ("preference", "preference"), ("reply", "reply"))
        for order in ("ab", "ba")
    }


def verdict_rows(comparison: Comparison, judge: str, result: Result) -> Iterable[dict[str, Any]]:
    """A row per question that was put to a judge, with the key of its reply in the journal."""
    for one in result.orders:
        yield {
            "number": comparison.number,
            "question_id": comparison.a.question_id,
            "turn": comparison.turn,
            "order": one.order,
            "judge": judge,
            "verdict": one.decision,
            "shown": one.shown,
            "preference": one.preference,
            "from_tokens": one.from_tokens,
            "reason": one.reason,
            "problem": one.problem,
            "reply": one.reply,
            "calls": one.num_calls,
            "raw": one.raw,
        }


def mt_bench_pair_row(comparison: Comparison, judge: str, result: Result) -> dict[str, Any]:
    """FastChat's row of a pair. What has no verdict is `error` there; an order not asked is `error` too."""
    names = {"a": "model_1", "b": "model_2", "tie": "tie"}
    by_order: dict[str, OrderResult] = {one.order: one for one in result.orders}
    number = comparison.a.question_id
    row: dict[str, Any] = {
        "question_id": int(number) if number.isdecimal() else number,
        "model_1": comparison.a.generator,
        "model_2": comparison.b.generator,
    }
    for game, order in (("g1", "ab"), ("g2", "ba")):
        found = by_order.get(order)
        decision = found.decision if found is not None else "tie" if not by_order else "error"
        row[f"{game}_winner"] = names.get(decision, "error")
        row[f"{game}_judgment"] = found.reason if found is not None else ""
    return row | {"judge": [judge, "tunewright-pair"], "turn": comparison.turn, "tstamp": 0.0}
