"""Which of two answers is better: asked in both orders, read, and merged.

A win needs both orders to name the same model, otherwise it is a tie (as LLM-as-a-judge work does since
Zheng et al. 2023). A reply that cannot be read is `unparsed`, one that never comes is `error`: neither is a
tie, and neither is a vote.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from tunewright.evaluate.judging.comparison import Comparison, Order
from tunewright.evaluate.judging.showing import (
    PROMPTS,
    OwnPrompt,
    asked_before,
    criteria_text,
    exchange,
    framed,
)
from tunewright.llm.reply import Reply, TokenLogprob
from tunewright.llm.request import Message, Request
from tunewright.llm.structured import Parser, Unparsable, without_thoughts
from tunewright.rate.criteria import CriteriaSet
from tunewright.rate.verdict import SCHEMA, Verdict, read_verdict

Decision = Literal["a", "b", "tie", "unparsed", "error"]  # of the models, whatever the order

_TOP_LOGPROBS = 20  # the most that OpenAI-compatible endpoints give
_MOST_LOGPROB = 1e-6  # servers round a certain token's a little above 0
_LETTERS: Mapping[str, Verdict] = {"m": "a", "M": "b"}
_LETTER = re.compile(r"\A[\s\"'`*(\[]*([mM])(?![^\W_])")
_POINTS: Mapping[Verdict, float] = {"a": 1.0, "tie": 1.5, "b": 2.0}
_OTHER: Mapping[Verdict, Verdict] = {"a": "b", "b": "a", "tie": "tie"}


@dataclass(frozen=True, slots=True)
class Reading:
    """What one reply says of the two as they were shown.

    `preference` lies between 1 (the first is better) and 2 (the second), as in AlpacaEval. `from_tokens`
    says that it comes from token probabilities.
    """

    verdict: Verdict
    preference: float
    reason: str = ""
    from_tokens: bool = False

    def of_models(self, order: Order) -> tuple[Verdict, float]:
        """Verdict and preference of A against B: p becomes 3 − p where B was shown first."""
        if order == "ab":
            return self.verdict, self.preference
        return _OTHER[self.verdict], 3 - self.preference


@dataclass(frozen=True, slots=True)
class Asking:
    """How a pair is put to a judge."""

    probabilities: bool = False
    criteria: CriteriaSet | None = None
    prompt: OwnPrompt | None = None
    max_tokens: int = 512
    pattern: re.Pattern[str] | None = None


def build(comparison: Comparison, order: Order, asking: Asking) -> Request:
    """The question about one comparison in one order. Of a later turn both whole conversations are shown."""
    turn = comparison.turn
    labels = ("m", "M") if asking.probabilities else ("A", "B")
    shown = (comparison.a, comparison.b) if order == "ab" else (comparison.b, comparison.a)
    parts = asked_before(comparison.a, turn)
    for label, answered in zip(labels, shown, strict=True):
        parts += exchange(answered, turn, who=label)
    texts, criteria = framed(parts), criteria_text(asking.criteria)
    if asking.prompt is not None:
        question = asking.prompt.render(texts=texts, criteria=criteria, num_turns=turn)
    else:
        question = PROMPTS.render(
            "pair.txt",
            first=labels[0],
            second=labels[1],
            texts=texts,
            criteria=criteria,
            num_turns=turn,
            has_reference=bool(comparison.reference.strip()),
        )
    closing = PROMPTS.render("pair_letter.txt" if asking.probabilities else "pair_verdict.txt")
    name = comparison.a.question_id or str(comparison.number)
    return Request(
        messages=(
            Message("system", PROMPTS.render("system.txt")),
            Message("user", f"{question}\n{closing}"),
        ),
        schema=None if asking.probabilities else SCHEMA,
        max_tokens=asking.max_tokens,
        top_logprobs=_TOP_LOGPROBS if asking.probabilities else 0,
        subject=f"{name} turn {turn} {order}",
        about=(comparison, order),
    )


def parser(asking: Asking) -> Parser[Reading]:
    """The reading of replies to `build`'s requests; it raises Unparsable in words for the model."""

    def parse(reply: Reply) -> Reading:
        if asking.probabilities:
            return read_letter(reply)
        verdict, reason = read_verdict(reply, pattern=asking.pattern)
        return Reading(verdict, _POINTS[verdict], reason)

    return parse


def read_letter(reply: Reply) -> Reading:
    """AlpacaEval's preference, p = 2 − P(m) with P(m) = e^{lp(m)} / (e^{lp(m)} + e^{lp(M)}).

    A letter that is not among the likeliest tokens has probability 0. Read at the first token that is the
    letter, thoughts and quotation marks aside; tokens that differ in white space count together. Without
    probabilities in the reply the letter itself counts, as 1 or 2.
    """
    text = without_thoughts(reply.text)
    found = _LETTER.match(text)
    if found is None or reply.finish == "filtered":
        raise Unparsable("it does not begin with the letter m or M alone; reply with that one letter")
    letter = found.group(1)
    likely = _probabilities(reply.logprobs or (), letter)
    if likely is None:
        verdict = _LETTERS[letter]
        return Reading(verdict, _POINTS[verdict])
    p = 2 - likely["m"] / (likely["m"] + likely["M"])
    return Reading("a" if p < 1.5 else "b" if p > 1.5 else "tie", p, from_tokens=True)


def _probabilities(tokens: Sequence[TokenLogprob], letter: str) -> dict[str, float] | None:
    """Of both letters at the token that is the reply's letter; None where there is no such token."""
    token = _token_of_letter(tokens)
    if token is None or token.token.strip() != letter:
        return None
    likely = dict(token.top)
    likely.setdefault(token.token, token.logprob)
    sums = {"m": 0.0, "M": 0.0}
    for text, logprob in likely.items():
        # what comes from a server is not trusted: the journal gives NaN back as None
        if text.strip() in sums and isinstance(logprob, int | float) and logprob <= _MOST_LOGPROB:
            sums[text.strip()] += math.exp(logprob)
    return sums if sums["m"] + sums["M"] > 0 else None


def _token_of_letter(tokens: Sequence[TokenLogprob]) -> TokenLogprob | None:
    whole = "".join(token.token for token in tokens)
    answer = without_thoughts(whole)
    found = _LETTER.match(answer)
    if found is None:
        return None
    place = len(whole) - len(answer) + found.start(1)
    for token in tokens:
        if place < len(token.token):
            return token
        place -= len(token.token)
    return None


def merge(decisions: Sequence[Decision]) -> Decision:
    """What the orders say together: both must name the same model, otherwise it is a tie.

    An `error` or `unparsed` in either order stays what it is: half a comparison would be one that the
    place may have decided. One decision alone is itself.
    """
    for missing in ("error", "unparsed"):
        if missing in decisions:
            return missing
    return decisions[0] if len(set(decisions)) == 1 else "tie"


def preference_of(decision: Decision, readings: Sequence[float], *, probabilities: bool) -> float | None:
    """The preference of a merged comparison: the mean of both orders' where it comes from probabilities,
    else 1, 1.5 or 2 by the decision; None where there is no decision."""
    if decision in ("unparsed", "error"):
        return None
    if probabilities:
        return math.fsum(readings) / len(readings)
    return {"a": 1.0, "tie": 1.5, "b": 2.0}[decision]


def prompt_hashes() -> dict[str, Any]:
    """SHA-256 of each prompt file: part of a judging's fingerprint."""
    return PROMPTS.hashes()
