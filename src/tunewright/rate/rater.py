"""The rater: one request per record and criterion, and the reading of what comes back.

Prompts are the text files in `prompts/`; a record's texts enter them as values, so nothing in a record is
ever a template, and each stands between lines with a code that the record cannot contain.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tunewright.errors import RecipeError
from tunewright.llm.prompt_files import PromptFiles, frame_code
from tunewright.llm.reply import Reply
from tunewright.llm.request import Message, Request
from tunewright.llm.structured import Parser, Unparsable, json_object
from tunewright.rate.criteria import CriteriaSet, Criterion, Scale, Side
from tunewright.rate.scores import Expected, expected_score
from tunewright.records.record import Record

PROMPTS = PromptFiles("tunewright.rate")
_TOP_LOGPROBS = 20  # the most that OpenAI-compatible endpoints give
_MOST_LISTED = 21  # scores listed one by one in the schema; longer scales are given by their ends
_SCORE = re.compile(r'"score"\s*:\s*"?\s*([0-9])')
_SUBJECT: Mapping[Side, str] = {
    "instruction": "the instruction (with its input)",
    "response": "the response",
    "explanation": "the explanation",
    "record": "this record as a whole",
}


@dataclass(frozen=True, slots=True)
class Rating:
    """A score on the scale, the rater's reason (empty where only the score was asked), the distribution."""

    score: float
    reason: str = ""
    expected: Expected | None = None

    @property
    def value(self) -> float:
        """The score that counts: the expected one where there is one."""
        return self.score if self.expected is None else self.expected.score


def build(
    record: Record, criterion: Criterion, criteria: CriteriaSet, *, expected: bool, max_tokens: int
) -> Request:
    """The question of one criterion about one record.

    With `expected` only the score is asked, with the probabilities of the likeliest tokens; else a reason and
    then the score, so that the score follows the reason. A rater of the instruction does not see the
    response, a rater of the response not the explanation.
    """
    parts = _parts(record, criterion.side)
    scale = criteria.scale
    text = PROMPTS.render(
        "rate_expected.txt" if expected else "rate.txt",
        question=criterion.question,
        low=f"{scale.low:g}",
        high=f"{scale.high:g}",
        step=f"{scale.step:g}",
        anchors=[
            {"score": f"{score:g}", "means": means}
            for score, means in sorted(criteria.anchors_of(criterion).items())
        ],
        parts=parts,
        code=frame_code(part["text"] for part in parts),
        subject=_SUBJECT[criterion.side],
    )
    return Request(
        messages=(Message("system", PROMPTS.render("system.txt")), Message("user", text)),
        schema=reply_schema(scale, expected=expected),
        subject=f"{record.id} {criterion.key}",
        temperature=0.0,
        max_tokens=max_tokens,
        top_logprobs=_TOP_LOGPROBS if expected else 0,
    )


def parser(criteria: CriteriaSet, *, expected: bool, pattern: str | None = None) -> Parser[Rating]:
    """The reading of replies to `build`'s requests; it raises Unparsable in words for the model.

    A score counts only when it is a number on the scale. Without probabilities in the reply, or where
    they cannot be read, an expected rating is the plain score. A whole reply without a JSON object is read
    by `pattern`, where one is given: a regular expression with a group `score` and, if it likes, `reason`.

    A reply that was cut at its token limit is no rating, though its JSON may parse: a backend that
    constrains decoding closes the object with whatever score costs no more tokens.
    """
    scale = _whole_digits(criteria) if expected else criteria.scale
    words = re.compile(pattern) if pattern is not None else None

    def parse(reply: Reply) -> Rating:
        if reply.finish == "length":
            raise Unparsable("the answer was cut at the length limit; answer more briefly")
        try:
            found = json_object(reply)
        except Unparsable:
            is_whole = reply.finish != "filtered"
            match = words.search(reply.text) if words is not None and is_whole else None
            if match is None:
                raise
            reason = match.groupdict().get("reason") or ""
            return Rating(_score(match.groupdict(), scale), reason=reason.strip())
        score = _score(found, scale)
        if expected:
            return Rating(score, expected=_expected(reply, scale, score))
        reason = found.get("reason")
        if not isinstance(reason, str) or not reason.strip():
            raise Unparsable('"reason" must be a text of one to three sentences')
        return Rating(score, reason=reason.strip())

    return parse


def has_something_to_rate(record: Record, criterion: Criterion) -> bool:
    """Whether the criterion's side is there at all: a record without explanation gets no score for one."""
    return criterion.side != "explanation" or bool(record.explanation.strip())


def check_expected(criteria: CriteriaSet) -> None:
    """RecipeError when the set's scale does not fit the expected score, which needs one digit per score."""
    _whole_digits(criteria)


def prompt_hashes() -> dict[str, str]:
    """SHA-256 of each prompt file: part of a rating's fingerprint."""
    return PROMPTS.hashes()


def _parts(record: Record, side: Side) -> list[dict[str, str]]:
    """The texts that the rater of this side sees, in the order of the conversation, without empty ones."""
    turns = [
        (f"earlier {turn.speaker} message {n}", turn.text) for n, turn in enumerate(record.history, start=1)
    ]
    texts = [("system message", record.system), *turns]
    texts += [("instruction", record.instruction), ("input", record.input)]
    if side != "instruction":
        texts.append(("response", record.output))
    if side in ("explanation", "record"):
        texts.append(("explanation", record.explanation))
    return [{"name": name, "text": text} for name, text in texts if text.strip()]


def reply_schema(scale: Scale, *, expected: bool) -> dict[str, Any]:
    """The shape of the replies that `parser` reads.

    Reason before score in the properties: servers that constrain decoding write them in this order.
    """
    score = (
        {"type": "integer", "enum": [int(one) for one in _digits(scale)]}
        if expected
        else _score_schema(scale)
    )
    properties = {"score": score} if expected else {"reason": {"type": "string"}, "score": score}
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _score_schema(scale: Scale) -> dict[str, Any]:
    whole = all(one.is_integer() for one in (scale.low, scale.step))
    if scale.num_scores <= _MOST_LISTED:
        scores = [int(one) if one.is_integer() else one for one in scale.scores()]
        return {"type": "integer" if whole else "number", "enum": scores}
    ends = {"minimum": scale.low, "maximum": scale.high}
    if whole:
        return {"type": "integer", **{name: int(end) for name, end in ends.items()}}
    return {"type": "number", **ends}


def _score(found: Mapping[str, Any], scale: Scale) -> float:
    if "score" not in found:
        raise Unparsable('"score" is missing')
    given = found["score"]
    value = _number(given)
    score = scale.nearest(value) if value is not None else None
    if score is None:
        steps = "" if scale.step == 1 else f" in steps of {scale.step:g}"
        raise Unparsable(
            f'"score" is {str(given)[:40]!r}; it must be a number from {scale.low:g} to {scale.high:g}{steps}'
        )
    return score


def _number(given: Any) -> float | None:
    """A number, or a text that is one and nothing else. True and "4/5" are none."""
    if isinstance(given, bool) or not isinstance(given, int | float | str):
        return None
    try:
        value = float(given)
    except (ValueError, OverflowError):
        return None
    return value if abs(value) < 1e12 else None  # also false for NaN


def _digits(scale: Scale) -> list[float]:
    return [one for one in scale.scores() if one.is_integer()]


def _whole_digits(criteria: CriteriaSet) -> Scale:
    """The whole numbers of the scale, each of which is one digit and so one token."""
    scale = criteria.scale
    whole = scale.low.is_integer() and scale.high.is_integer() and (1 / scale.step).is_integer()
    if not whole or scale.low < 0 or scale.high > 9:
        raise RecipeError(
            f"'{criteria.name}' scores from {scale.low:g} to {scale.high:g} in steps of {scale.step:g}; "
            "the expected score needs whole numbers from 0 to 9, of which each is one token: "
            "rate without --expected, or write criteria on such a scale"
        )
    return Scale(low=scale.low, high=scale.high, step=1)


def _expected(reply: Reply, scale: Scale, score: float) -> Expected | None:
    """The distribution at the digit of the score; None where the first digit found is another score's."""
    if not reply.logprobs:
        return None
    text = "".join(token.token for token in reply.logprobs)
    found = _SCORE.search(text)
    if found is None or float(found.group(1)) != score:
        return None
    return expected_score(reply.logprobs, found.start(1), {f"{one:g}": one for one in scale.scores()})
