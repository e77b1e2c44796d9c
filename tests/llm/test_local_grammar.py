"""Answers held to a JSON schema: random weights give valid JSON, at any budget that can hold it."""

from __future__ import annotations

import json
import math
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from llm.local_models import answers, asking, on_cpu, random_llama, real_model, replies
from support.tiny_models import STYLES
from tunewright.llm.local import LocalBackend
from tunewright.llm.reply import Refused, Reply


def closed(**properties: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


TEXT, NUMBER = {"type": "string"}, {"type": "number"}
RATING = closed(score={"type": "integer", "enum": [0, 1, 2, 3, 4, 5]}, reason=TEXT)
NESTED = closed(
    notes={"type": "array", "items": closed(quote=TEXT, kind={"enum": ["fact", "style"]})},
    size=NUMBER,
    fine={"type": "boolean"},
    remark={"anyOf": [TEXT, {"type": "null"}]},
)
TREE = {
    "$defs": {"node": closed(name=TEXT, parts={"type": "array", "items": {"$ref": "#/$defs/node"}})},
    "$ref": "#/$defs/node",
}
LIST = {"type": "array", "items": {"type": "string", "minLength": 3}, "minItems": 3}
FOREIGN = closed(größe={"enum": ["klein", "groß", "巨大"]}, wort={"type": "string", "maxLength": 9})
FREE = {"type": "object"}
SCHEMAS = {
    "rating": RATING,
    "nested": NESTED,
    "tree": TREE,
    "list": LIST,
    "foreign": FOREIGN,
    "free": FREE,
    "number": {"type": "integer"},
}
KINDS = [*sorted(STYLES), "stories260K", "tinystories-instruct-3m-chat"]


@pytest.fixture(scope="module")
def backend_of(tmp_path_factory: pytest.TempPathFactory) -> Any:
    @cache
    def make(kind: str) -> LocalBackend:
        if kind not in STYLES:
            return on_cpu(real_model(kind))
        return on_cpu(random_llama(tmp_path_factory.mktemp("models") / kind, STYLES[kind]()))

    return make


def assert_rating(value: Any) -> None:
    assert set(value) == {"score", "reason"}
    assert value["score"] in range(6)
    assert isinstance(value["reason"], str)


@pytest.mark.parametrize("kind", KINDS)
def test_random_weights_give_a_valid_rating_at_every_budget(kind: str, backend_of: Any) -> None:
    """Greedy and sampled, up to almost uniform tokens, from 40 tokens of budget up."""
    requests = [
        asking("Rate: 你好 world", schema=RATING, temperature=temperature, max_tokens=most, sample=sample)
        for temperature in (0.0, 1.0, 10.0)
        for most in (40, 41, 55)
        for sample in range(2)
    ]
    for reply in replies(backend_of(kind), requests):
        assert reply.finish == "stop"
        assert_rating(json.loads(reply.text))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", sorted(SCHEMAS))
def test_every_kind_of_schema_is_closed_in_time(kind: str, name: str, backend_of: Any) -> None:
    requests = [
        asking("Go.", schema=SCHEMAS[name], temperature=temperature, max_tokens=most)
        for temperature in (1.0, 8.0)
        for most in (75, 90)
    ]
    for reply in replies(backend_of(kind), requests):
        json.loads(reply.text)
        assert reply.finish == "stop"


def test_a_reply_is_only_forced_when_its_tokens_run_out(backend_of: Any) -> None:
    """With a bounded string nothing needs to be forced; with a free one, random weights go on to the end
    of the budget, but for a few tokens kept to end it: the schema shortens no string."""
    backend = backend_of("byte_level")
    short = closed(word={"type": "string", "maxLength": 5})
    bounded, *free = replies(
        backend,
        [
            asking("Go.", schema=short, max_tokens=200),
            *(
                asking("Go.", schema=closed(word=TEXT), max_tokens=200, temperature=5.0, sample=n)
                for n in range(6)
            ),
        ],
    )
    assert json.loads(bounded.raw)["forced_tokens"] == 0
    forced = [reply for reply in free if json.loads(reply.raw)["forced_tokens"]]
    assert forced  # some of the six meet a closing quote by chance before
    assert all(reply.usage.output_tokens >= 190 for reply in forced)
    assert all(json.loads(reply.raw)["forced_tokens"] <= 3 for reply in forced)


def test_a_budget_below_the_shortest_answer_is_reported_as_cut(backend_of: Any) -> None:
    (reply,) = replies(backend_of("byte_level"), [asking("Go.", schema=NESTED, max_tokens=10)])
    assert reply.finish == "length"
    assert reply.usage.output_tokens == 10


def test_a_pattern_is_followed_but_may_be_cut(backend_of: Any) -> None:
    """No way out is known through a pattern whose end only one letter brings; the text so far fits it."""
    schema = closed(code={"type": "string", "pattern": "^[0-9]{4}-[a-w]+x$"})
    requests = [asking("Go.", schema=schema, temperature=1.0, max_tokens=60, sample=n) for n in range(4)]
    for reply in replies(backend_of("byte_level"), requests):
        assert reply.text[9:13].isdigit()
        assert reply.text[13] == "-"
        assert (reply.finish == "stop") == reply.text.endswith('x"}')


def test_a_context_too_short_for_the_schema_is_refused_with_the_numbers(tmp_path: Path) -> None:
    backend = on_cpu(random_llama(tmp_path / "m", STYLES["chatml"](), context=50))
    (answer,) = answers(backend, [asking("Go.", schema=NESTED, max_tokens=500)])
    assert isinstance(answer, Refused)
    assert "answer needs at least" in answer.problem
    assert "context is 50" in answer.problem


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ({"type": "object", "properties": {"a": {"not": TEXT}}}, "Unimplemented keys"),
        ({"$ref": "#/$defs/missing"}, "does not exist"),
        ({"type": "string", "pattern": "(?=a)b"}, "regex"),
        (closed(a={"type": "string", "minLength": 9, "maxLength": 2}), "schema"),
    ],
)
def test_schemas_that_cannot_be_held_are_refused(schema: dict[str, Any], words: str, backend_of: Any) -> None:
    (answer,) = answers(backend_of("byte_level"), [asking("Go.", schema=schema)])
    assert isinstance(answer, Refused), answer
    assert words in answer.problem


def test_rows_with_and_without_a_schema_share_a_batch(backend_of: Any) -> None:
    backend = backend_of("chatml")
    free = asking("Go on.", max_tokens=30)
    held = asking("Rate it.", schema=RATING, max_tokens=50)
    first, second, third = replies(backend, [free, held, free])
    assert first.text == third.text == replies(backend, [free])[0].text
    assert_rating(json.loads(second.text))


def test_log_probabilities_of_a_score_are_over_the_allowed_scores(backend_of: Any) -> None:
    """At the place of the score only 0 to 5 have a probability, and together it is 1."""
    backend = backend_of("byte_level")
    (reply,) = replies(backend, [asking("Rate it.", schema=RATING, max_tokens=60, top_logprobs=20)])
    assert reply.logprobs is not None
    score = str(json.loads(reply.text)["score"])
    (place,) = [one for one in reply.logprobs if len(one.top) == 6 and one.token == score]
    assert {token for token, _ in place.top} == set("012345")
    assert sum(math.exp(value) for _, value in place.top) == pytest.approx(1, abs=1e-5)
    assert place.top[0] == (score, place.logprob)


def test_a_grammar_that_gives_up_breaks_its_own_reply_only(
    backend_of: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Past llguidance's limits: that row is Broken with the reason, its neighbour is a reply."""
    from tunewright.llm.grammar import Constraint

    def allowed(self: Constraint) -> bytes:
        self.problem = "lexer too complex"
        return b"\x01" * len(backend_of("byte_level")._loaded[1].pieces)

    backend = backend_of("byte_level")
    replies(backend, [asking("Go.", max_tokens=1)])
    monkeypatch.setattr(Constraint, "allowed", allowed)
    broken, fine = answers(backend, [asking("Go.", schema=RATING), asking("Go.")])
    assert not isinstance(broken, Reply)
    assert "lexer too complex" in broken.problem
    assert isinstance(fine, Reply)


def test_a_score_is_the_models_own_or_the_reply_is_cut(backend_of: Any) -> None:
    """A reason that fills the budget is closed; the score after it is not chosen in the model's place."""
    backend = backend_of("byte_level")
    schema = closed(reason=TEXT, score={"type": "integer", "enum": [0, 1, 2, 3, 4, 5]})
    requests = [
        asking("Rate it.", schema=schema, max_tokens=60, temperature=8.0, sample=sample)
        for sample in range(40)
    ]
    found = replies(backend, requests)
    raw = [json.loads(reply.raw) for reply in found]
    assert sum(one["forced_tokens"] > 0 for one in raw) > 20
    assert all(one["chosen_tokens"] == 0 for one in raw)
    assert {reply.finish for reply in found} == {"stop"}
    assert len({json.loads(reply.text)["score"] for reply in found}) >= 4  # at this temperature nearly any


def test_a_choice_made_for_the_model_counts_as_cut(backend_of: Any) -> None:
    """So many digits do not fit: the number is ended, and the reply says that it was cut."""
    backend = backend_of("byte_level")
    schema = closed(a={"type": "array", "items": {"type": "integer"}, "minItems": 4, "maxItems": 4})
    requests = [asking("Go.", schema=schema, max_tokens=16, temperature=8.0, sample=n) for n in range(20)]
    found = replies(backend, requests)
    assert any(json.loads(reply.raw)["chosen_tokens"] for reply in found)
    for reply in found:
        assert (reply.finish == "length") >= bool(json.loads(reply.raw)["chosen_tokens"])
