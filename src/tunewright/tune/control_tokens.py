"""Tokenising a rendered conversation, and what to do with control tokens written out inside content.

A control token is a special token, or an added one that the chat template itself writes. In an answer it
would end a turn where none ends. `ControlTokens.REFUSE` refuses such content by name; `TEXT` cuts it out and
tokenises it as ordinary text, and checks that no control token came out of content.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from itertools import chain, pairwise
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from tunewright.errors import TemplateError
from tunewright.tune.provenance import THINK_MARKS, Proof
from tunewright.tune.refusals import called

Policy = Literal["refuse", "text"]
_LEADS = ("\n", ".", "a", " ")  # written before a piece, so that no prefix space is put in front of it
_MOST_ROUNDS = 8


@dataclass(frozen=True, slots=True)
class Tokens:
    """Ids and the text each token covers, `starts[i]` to `ends[i]`: end to end, without gaps."""

    ids: NDArray[np.int64]
    starts: NDArray[np.int64]
    ends: NDArray[np.int64]


class Encoder:
    """Encodes texts as the tokenizer's own call does, with the span of each token."""

    def __init__(self, tokenizer: Any) -> None:
        self.tokenizer = tokenizer
        self._backend: Tokenizer = tokenizer.backend_tokenizer
        self._without_added: Tokenizer | None = None

    def encode(self, text: str) -> Tokens:
        self._reset()
        try:
            encoding = self._backend.encode(text, add_special_tokens=False)
        except (TypeError, UnicodeEncodeError) as error:
            raise TemplateError(
                f"the tokenizer cannot read the text, which holds half a surrogate pair: {error}"
            ) from error
        return _tokens(encoding, text)

    def encode_many(self, texts: list[str]) -> list[Tokens | None]:
        """The same for several texts at once; None for all when one of them cannot be encoded."""
        self._reset()
        try:
            encodings = self._backend.encode_batch(texts, add_special_tokens=False)
            return [_tokens(encoding, text) for encoding, text in zip(encodings, texts, strict=True)]
        except (TypeError, UnicodeEncodeError, TemplateError):
            return [None] * len(texts)

    def encode_pieces(self, text: str, plain: list[tuple[int, int]]) -> Tokens:
        """The text with the spans `plain` (in order, apart) tokenised as if no token had been added."""
        bounds = [0, *chain.from_iterable(plain), len(text)]
        parts: list[Tokens] = []
        for number, (start, end) in enumerate(pairwise(bounds)):
            if end > start:
                backend = self._ordinary() if number % 2 else self._backend
                part = _encode_inside(backend, text[start:end]) if start else self.encode(text[start:end])
                parts.append(Tokens(part.ids, part.starts + start, part.ends + start))
        return Tokens(
            np.concatenate([part.ids for part in parts]),
            np.concatenate([part.starts for part in parts]),
            np.concatenate([part.ends for part in parts]),
        )

    def _reset(self) -> None:
        """Undo truncation or padding that another use of the tokenizer left switched on."""
        backend = self._backend
        if backend.truncation is not None or backend.padding is not None or backend.encode_special_tokens:
            self.tokenizer("", add_special_tokens=False)

    def _ordinary(self) -> Tokenizer:
        """The tokenizer without its added tokens."""
        if self._without_added is None:
            settings = json.loads(self._backend.to_str())
            settings |= {"added_tokens": [], "post_processor": None, "truncation": None, "padding": None}
            self._without_added = Tokenizer.from_str(json.dumps(settings))
        return self._without_added


def control_ids(tokenizer: Any, template_text: str) -> tuple[NDArray[np.bool_], frozenset[int]]:
    """Per id whether it is a control token; and the ids of thinking marks, which an assistant may write."""
    control = set(tokenizer.all_special_ids)
    thinking = set()
    for token_id, token in tokenizer.added_tokens_decoder.items():
        written = str(token)
        if written in THINK_MARKS:
            thinking.add(token_id)
            if not getattr(token, "special", True):
                control.discard(token_id)
        elif getattr(token, "special", True) or (written.strip() and written in template_text):
            control.add(token_id)
    is_control = np.zeros(max(tokenizer.get_vocab().values()) + 1, dtype=bool)
    is_control[sorted(control)] = True
    return is_control, frozenset(thinking)


def tokenise(
    encoder: Encoder,
    proof: Proof,
    control: NDArray[np.bool_],
    thinking: frozenset[int],
    policy: Policy,
    tokens: Tokens | None = None,
) -> Tokens:
    """The tokens of a proved rendering, with no control token made of content.

    `tokens` is the plain encoding, where there is one already. Raises `TemplateError` naming the message and
    the token: at once under "refuse"; under "text" when the tokenizer cannot write it any other way.
    """
    text = proof.text
    tokens = tokens if tokens is not None else encoder.encode(text)
    suspects = _in_content(tokens, proof, control, thinking, encoder)
    if not suspects:
        return tokens
    plain: list[tuple[int, int]] = []
    for _ in range(_MOST_ROUNDS if policy == "text" else 0):
        plain = _joined([*plain, *((int(tokens.starts[i]), int(tokens.ends[i])) for i, _ in suspects)])
        if any(np.any(proof.sources[start:end] < 0) for start, end in plain):
            break  # it is made of content and template text together
        tokens = encoder.encode_pieces(text, plain)
        suspects = _in_content(tokens, proof, control, thinking, encoder)
        if not suspects:
            return tokens
    place, number = suspects[0]
    token = encoder.tokenizer.convert_ids_to_tokens(int(tokens.ids[place]))
    more = ", which cannot be written as ordinary text" if policy == "text" else ""
    raise TemplateError(f"{called(proof.origins.messages, number)} contains the control token {token}{more}")


def _in_content(
    tokens: Tokens, proof: Proof, control: NDArray[np.bool_], thinking: frozenset[int], encoder: Encoder
) -> list[tuple[int, int]]:
    """The control tokens that cover content, each with the number of the message."""
    found: list[tuple[int, int]] = []
    for place in np.flatnonzero(control[tokens.ids]).tolist():
        start, end = int(tokens.starts[place]), int(tokens.ends[place])
        own = proof.owners[start:end]
        own = own[own >= 0]
        if not len(own):
            continue
        token_id, number = int(tokens.ids[place]), int(own[0])
        if token_id in thinking and proof.origins.messages[number].speaker == "assistant":
            continue
        # an unknown character, which some tokenizers map to a special token, is not that token written out
        if encoder.tokenizer.convert_ids_to_tokens(token_id) in proof.text[start:end]:
            found.append((place, number))
    return found


def _joined(spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """The spans in order, those that touch or overlap made one."""
    joined: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return joined


def _encode_inside(backend: Tokenizer, piece: str) -> Tokens:
    """A piece as it stands within a text: encoded after a lead, whose tokens are taken away again."""
    for lead in _LEADS:
        tokens = _tokens(backend.encode(lead + piece, add_special_tokens=False), lead + piece)
        own = tokens.starts >= len(lead)
        if np.all(tokens.ends[~own] <= len(lead)):
            return Tokens(tokens.ids[own], tokens.starts[own] - len(lead), tokens.ends[own] - len(lead))
    raise TemplateError(f"the tokenizer joins {piece[:40]!r} to whatever is before it")


def _tokens(encoding: Any, text: str) -> Tokens:
    """Ids and spans; a token also owns the white space before it that its offsets leave out.

    Byte-level tokenizers trim spaces from offsets, and several tokens share a multi-byte character.
    Characters that no token covers, other than white space, would be a role nobody can see: an error.
    """
    ids = np.array(encoding.ids, dtype=np.int64)
    flat = np.fromiter(chain.from_iterable(encoding.offsets), dtype=np.int64, count=2 * len(ids))
    first, last = flat[::2], flat[1::2]
    ends = np.maximum.accumulate(last) if len(ids) else last
    starts = np.concatenate([[0], ends[:-1]]) if len(ids) else first
    for place in np.flatnonzero(first > starts).tolist():
        gap = text[int(starts[place]) : int(first[place])]
        if gap.strip():
            raise TemplateError(f"the tokenizer leaves out {gap!r}; its tokens do not cover the text")
    if text[int(ends[-1]) if len(ids) else 0 :].strip():
        raise TemplateError("the tokenizer leaves out the end of the text")
    return Tokens(ids, starts, ends)
