"""Holding a model to a JSON schema while it writes, so that even random weights give a valid answer.

llguidance says, before every token, which tokens keep the text on the schema. That alone does not end an
answer in time: a weak model never closes its string. So a `Constraint` also knows the way out, a short list
of tokens that completes the text from where it is, and takes it when the tokens left would soon be too few
for it. Until then the model has the whole budget: strings get no length limit of our making.

What is taken from the model is the quote that ends its string and what the schema demands after it. Every
choice, a score above all, stays the model's own; where none fits any more the answer counts as cut.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tunewright.llm.prompt import Unaskable

_LONGEST_WAY_OUT_TOKENS = 4096  # beyond it, or where a pattern hides it, there is no ending in time


_SPARE_TOKENS = 6  # kept for each choice still to be made: a number of a few digits


@dataclass(frozen=True, slots=True)
class WayOut:
    """Tokens that complete a text. `num_before_choice` of them close what is open or are demanded by the
    schema; the next one, where there is one, chooses among several; `num_choices` such there are."""

    tokens: list[int]
    num_before_choice: int
    num_choices: int

    @property
    def num_wanted(self) -> int:
        """Tokens to keep, so that the model itself can choose wherever there is a choice."""
        return len(self.tokens) + _SPARE_TOKENS * self.num_choices


class Grammars:
    """The vocabulary of one model as llguidance sees it; starts constraints, each schema compiled once.

    `num_tokens` is the width of the model's logits, often more than the tokenizer has; `stop_ids` are the
    tokens that may end an answer.
    """

    def __init__(self, tokenizer: Any, *, num_tokens: int, stop_ids: Sequence[int]) -> None:
        self._tokenizer = _vocabulary(tokenizer, num_tokens, list(stop_ids))
        self.pieces: list[bytes] = [
            b"" if self._tokenizer.is_special_token(token) else self._tokenizer.decode_bytes([token])
            for token in range(num_tokens)
        ]
        self._closers = _closers(self.pieces)
        self._preference_V = np.array([_preference(piece) for piece in self.pieces])
        self._compiled: dict[str, tuple[Any, WayOut | None]] = {}

    def start(self, schema: Mapping[str, Any]) -> Constraint:
        """A constraint before the first token. Raises Unaskable for a schema that cannot be followed."""
        key = json.dumps(schema)
        if key not in self._compiled:
            matcher = self._compile(key)
            self._compiled[key] = matcher, self.way_out(matcher, most=_LONGEST_WAY_OUT_TOKENS)
        matcher, way_out = self._compiled[key]
        return Constraint(self, matcher.deep_copy(), way_out)

    def _compile(self, schema: str) -> Any:
        from llguidance import LLMatcher

        # No free whitespace: weak models love it, and none is needed.
        grammar = LLMatcher.grammar_from_json_schema(schema, overrides={"whitespace_flexible": False})
        matcher = LLMatcher(self._tokenizer, grammar, log_level=0)
        if matcher.is_error():
            why = matcher.get_error().strip().splitlines()[0]
            raise Unaskable(f"the JSON schema cannot be turned into a grammar: {why}; simplify the schema")
        return matcher

    def way_out(self, matcher: Any, *, most: int) -> WayOut | None:
        """A short way to complete the text; None when it would take more than `most` tokens.

        Greedy, not minimal: close what is open, else follow what the grammar forces, else take a token that
        opens nothing new. The matcher is left as it was.
        """
        at = matcher.deep_copy()
        path: list[int] = []
        num_before_choice = -1
        num_choices = 0
        while not at.is_accepting():
            step, is_choice = self._step_out(at)
            if not step or len(path) + len(step) > most:
                return None
            if is_choice:
                num_before_choice = len(path) if num_choices == 0 else num_before_choice
                num_choices += 1
            path += step
        return WayOut(path, len(path) if num_choices == 0 else num_before_choice, num_choices)

    def _step_out(self, matcher: Any) -> tuple[list[int], bool]:
        """Consumes and gives the next tokens of the way out, and whether they choose; none at a dead end."""
        forced = matcher.compute_ff_bytes()
        if forced:
            tokens: list[int] = self._tokenizer.tokenize_bytes(forced)
            taken = matcher.try_consume_tokens(tokens)
            if taken:
                return tokens[:taken], False
        for token in self._closers:
            if matcher.validate_tokens([token]):
                return [token] if matcher.consume_token(token) else [], False
        allowed_V = np.frombuffer(matcher.compute_logit_bias(), np.uint8)
        token = int(np.where(allowed_V > 0, self._preference_V, -np.inf).argmax())
        return [token] if matcher.consume_token(token) else [], True

    def bytes_of(self, tokens: Sequence[int]) -> bytes:
        return b"".join(self.pieces[token] for token in tokens)


class Constraint:
    """Where one answer stands in its grammar.

    `take` is told how many tokens are left and ends the answer in time. It looks for the way out only as
    often as it must: one token is taken to lengthen the way out by at most the length of a whole shortest
    answer, so with much room left many tokens pass unchecked. A schema whose single tokens open more than
    that can still be cut; so can one with no known way out (`shortest_tokens` is None: mostly a string with a
    `pattern`). The answer is then reported as cut, and so is one in which a choice had to be made for the
    model (`num_chosen`).
    """

    def __init__(self, grammars: Grammars, matcher: Any, whole: WayOut | None) -> None:
        self._grammars = grammars
        self._matcher = matcher
        self.shortest_tokens = None if whole is None else len(whole.tokens)
        self._most_growth = 0 if whole is None else whole.num_wanted  # of the way out, by one token
        self._unchecked_tokens = 0
        self._way_out: list[int] = []
        self.num_forced = 0  # tokens that were not the model's own
        self.num_chosen = 0  # those of them that decided something, such as a score
        self.problem = ""  # why llguidance gave up, e.g. because the schema is too complex for its limits

    def allowed(self) -> bytes:
        """One byte per token of the vocabulary; 0: not allowed here."""
        allowed: bytes = self._matcher.compute_logit_bias()
        if self._matcher.is_error() or allowed.count(0) == len(allowed):
            self.problem = self._matcher.get_error() or "the JSON schema leaves no token to go on with"
        return allowed

    @property
    def is_complete(self) -> bool:
        """Whether the text so far fulfils the schema."""
        return bool(self._matcher.is_accepting())

    @property
    def is_finished(self) -> bool:
        """Whether nothing can be added to the text."""
        return bool(self._matcher.is_stopped())

    def take(self, token: int, *, tokens_left: int) -> int:
        """Goes on by the token, or by another one where this one would leave no room to finish.

        `tokens_left` counts this token. Gives the token that was taken.
        """
        if self.problem:
            return token
        if self._way_out:
            return self._force(self._way_out)
        if self.shortest_tokens is None:
            return self._consume(token)
        if self._unchecked_tokens:
            self._unchecked_tokens -= 1
            return self._consume(token)
        after = self._matcher.deep_copy()
        if not after.consume_token(token):
            return self._consume(token)  # fails there too, and is noted
        left = tokens_left - 1
        path = self._grammars.way_out(after, most=left)
        if path is None or path.num_wanted > left:
            here = self._grammars.way_out(self._matcher, most=tokens_left)
            if here is not None and here.num_before_choice:
                return self._force(here.tokens[: here.num_before_choice])
            if here is not None and path is None:
                self.num_chosen += 1
                return self._force(here.tokens[:1])
        else:
            self._unchecked_tokens = (left - path.num_wanted) // (self._most_growth + 1)
        if path is None:
            return self._consume(token)
        self._matcher = after
        return token

    def _force(self, path: list[int]) -> int:
        self._way_out = path[1:]
        self.num_forced += 1
        return self._consume(path[0])

    def _consume(self, token: int) -> int:
        if not self._matcher.consume_token(token):
            self.problem = self._matcher.get_error()
        return token


def _vocabulary(tokenizer: Any, num_tokens: int, stop_ids: list[int]) -> Any:
    """llguidance's view of the tokenizer, made from the pieces where it misreads the tokenizer's decoder."""
    import llguidance
    import llguidance.hf

    probe = '{"a b": 1}'
    try:
        vocabulary = llguidance.hf.from_tokenizer(tokenizer, n_vocab=num_tokens, eos_token=stop_ids)
        ids = tokenizer(probe, add_special_tokens=False).input_ids
        if vocabulary.decode_bytes(ids).lstrip() == probe.encode():
            return vocabulary
    except (ValueError, RuntimeError):
        pass
    return llguidance.LLTokenizer(
        llguidance.TokenizerWrapper(_Pieces(tokenizer, num_tokens, stop_ids[0])),
        n_vocab=num_tokens,
        eos_token=stop_ids,
    )


class _Pieces:
    """What llguidance's TokenizerWrapper asks of a tokenizer, for SentencePiece-like vocabularies whose
    decoder llguidance does not know: ▁ is a space and <0x41> is a byte."""

    def __init__(self, tokenizer: Any, num_tokens: int, stop_id: int) -> None:
        self._encode = tokenizer
        self.eos_token_id = stop_id
        self.bos_token_id = tokenizer.bos_token_id
        specials = set(tokenizer.all_special_ids)
        names = tokenizer.convert_ids_to_tokens(list(range(num_tokens)))
        # Ids without a token are holes of the vocabulary or padding of the model's output.
        specials |= {token for token, name in enumerate(names) if name is None}
        self.tokens = [
            f"\ufffd{token}".encode() if token in specials else _piece_bytes(name)
            for token, name in enumerate(names)
        ]
        self.special_token_ids = sorted(specials)

        self._token_of = {piece: token for token, piece in enumerate(self.tokens) if token not in specials}

    def __call__(self, text: str | bytes) -> list[int]:
        """Tokens whose bytes are exactly the text's, without the space that such tokenizers add."""
        wanted = text.encode() if isinstance(text, str) else text
        ids: list[int] = self._encode(wanted.decode("utf-8"), add_special_tokens=False).input_ids
        if ids and b"".join(self.tokens[token] for token in ids) == b" " + wanted:
            return [*self._longest_pieces(self.tokens[ids[0]][1:]), *ids[1:]]
        if b"".join(self.tokens[token] for token in ids) == wanted:
            return ids
        return self._longest_pieces(wanted)

    def _longest_pieces(self, text: bytes) -> list[int]:
        ids: list[int] = []
        while text:
            end = next((end for end in range(len(text), 0, -1) if text[:end] in self._token_of), 0)
            if not end:
                return ids  # llguidance goes on with what there is
            ids.append(self._token_of[text[:end]])
            text = text[end:]
        return ids


def _piece_bytes(name: str) -> bytes:
    if len(name) == 6 and name.startswith("<0x") and name.endswith(">"):
        return bytes([int(name[3:5], 16)])
    return name.replace("▁", " ").encode()


def _closers(pieces: Sequence[bytes]) -> list[int]:
    """The tokens that close something, most at once first. A quote comes before a brace: within a string
    a brace closes nothing. The comma is last: it leads to what an object still needs."""
    ends = [token for token, piece in enumerate(pieces) if 0 < len(piece) <= 3 and not piece.strip(b'"}]')]
    ends.sort(key=lambda token: (b'"' not in pieces[token], -len(pieces[token]), token))
    return ends + [token for token, piece in enumerate(pieces) if piece == b","][:1]


def _preference(piece: bytes) -> float:
    """How much a token that closes nothing helps to come to an end."""
    if piece in (b"0", b"null"):
        return 1000.0
    if not piece or b"{" in piece or b"[" in piece:
        return -1.0
    return float(len(piece))
