"""A role for every token of a rendered conversation, by provenance.

Masks go wrong when they are searched for: marker strings tokenise differently in context, and templates
trim, move or drop content. Here every content character is replaced by a private-use code point of its
own, the chat template is rendered, and the result is accepted only if mapping the code points back gives
the plain rendering exactly. That proves which character of the text came from which message, for any
template. The text is then tokenised once, and each token takes the role of the characters it covers.

What cannot be proved raises `TemplateError` and says why.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tunewright.errors import ModelError, TemplateError
from tunewright.tune.conversation import Message, Role

THINK_MARKS = ("<think>", "</think>")
_PRIVATE_PLANES = (range(0xF0000, 0xFFFFE), range(0x100000, 0x10FFFE))


_TEMPLATE_TEXT = -1  # a character that the template wrote
_PROBE = [Message("user", ((Role.INSTRUCTION, "q"),)), Message("assistant", ((Role.OUTPUT, "a"),))]


@dataclass(frozen=True, slots=True)
class RoledTokens:
    """Token ids and roles of one conversation, with the rendered text and each token's end in it.

    `ids` int64, `roles` int8 and `ends` int64 have one length. `ends[i]` is the character after token i;
    tokens of an appended end-of-sequence end at `len(text)`.
    """

    ids: NDArray[np.int64]
    roles: NDArray[np.int8]
    text: str
    ends: NDArray[np.int64]

    def pieces(self) -> list[str]:
        """The text of each token; the pieces concatenate to `text` (bytes of one character: on the first)."""
        starts = np.concatenate([[0], self.ends[:-1]])
        return [self.text[start:end] for start, end in zip(starts, self.ends, strict=True)]


class Renderer:
    """Renders conversations with one tokenizer and chat template, and proves the role of every token.

    `stop_id` is the token that ends an assistant turn in this template; `appends_eos` says that the
    template writes none, so that the tokenizer's own is appended after the last answer.
    `matches_generation_prompt` says whether a chat call's prompt, rendered with `add_generation_prompt`, is
    token for token what stands before an answer in training; some templates add a thinking block to one of
    the two, and a tuned model then meets a prompt that it never saw.
    """

    def __init__(self, tokenizer: Any, *, chat_template: str | None = None) -> None:
        if not getattr(tokenizer, "is_fast", False):
            raise ModelError(
                f"{type(tokenizer).__name__} gives no character offsets; use a tokenizer with tokenizer.json"
            )
        self.tokenizer = tokenizer
        self.chat_template = chat_template or tokenizer.chat_template
        if isinstance(self.chat_template, dict):
            raise ModelError(
                f"the model carries several chat templates ({', '.join(self.chat_template)}); "
                "write the one to use into a file and name it with --chat-template"
            )
        if not isinstance(self.chat_template, str):
            where = getattr(tokenizer, "name_or_path", "") or "the model"
            raise ModelError(
                f"{where} has no chat template; name one with --chat-template "
                "(tulu, chatml, or a file with a Jinja template)"
            )
        self.longest_token_chars = max(len(token) for token in tokenizer.get_vocab())
        self._control_ids = np.array(sorted(self._find_control_ids()), dtype=np.int64)
        self.stop_id, self.appends_eos = self._find_stop()
        self.matches_generation_prompt = self._matches_generation_prompt()

    def __call__(self, messages: Sequence[Message]) -> RoledTokens:
        """Ids and roles of one conversation. Raises `TemplateError` when a role cannot be proved."""
        text, sources = self._prove(messages)
        return self._tokenise(text, sources, messages)

    def _find_control_ids(self) -> set[int]:
        """Special tokens, and added ones that the template itself writes, whether flagged special or not."""
        special = set(self.tokenizer.all_special_ids)
        added = {}
        for token_id, token in self.tokenizer.added_tokens_decoder.items():
            if getattr(token, "special", True):
                special.add(token_id)
            else:
                added[token_id] = str(token)
        text, (message_of, _) = self._prove(_PROBE)
        template_text = "".join(c for c, number in zip(text, message_of, strict=True) if number < 0)
        return special | {
            number for number, token in added.items() if token.strip() and token in template_text
        }

    def _matches_generation_prompt(self) -> bool:
        text, (message_of, _) = self._prove(_PROBE)
        trained = text[: int(np.flatnonzero(message_of == 1)[0])]
        question = [{"role": "user", "content": _PROBE[0].text}]
        try:
            asked = self.tokenizer.apply_chat_template(
                question, tokenize=False, chat_template=self.chat_template, add_generation_prompt=True
            )
        except Exception:  # whatever Jinja raises: such a template cannot be asked at all
            return False
        ids = [self.tokenizer(part, add_special_tokens=False)["input_ids"] for part in (trained, asked)]
        return bool(ids[0] == ids[1])

    def _find_stop(self) -> tuple[int, bool]:
        """The stop token after an answer, found on a probe conversation; else the tokenizer's own."""
        text, sources = self._prove(_PROBE)
        tail_start = int(np.flatnonzero(sources[0] == 1)[-1]) + 1
        encoded = self.tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
        for token_id, (_, end) in zip(encoded["input_ids"], encoded["offset_mapping"], strict=True):
            if end > tail_start and token_id in self._control_ids:
                return int(token_id), False
        if self.tokenizer.eos_token_id is None:
            raise ModelError(
                "neither the chat template nor the tokenizer has an end-of-turn token: a tuned model would "
                "never stop; set the tokenizer's eos_token"
            )
        return int(self.tokenizer.eos_token_id), True

    # -- which character came from which message ---------------------------------------------------

    def _prove(self, messages: Sequence[Message]) -> tuple[str, tuple[NDArray[np.int32], NDArray[np.int32]]]:
        """The plain rendering; per character the message it came from (-1: template) and its index there.

        Three ways to mark, each weaker: all characters; all but whitespace at the edges (templates that
        trim); all but whitespace and thinking marks (templates that split at them).
        """
        plain = self._render([(message.speaker, message.text) for message in messages])
        problem = ""
        for keep in (_keep_nothing, _keep_edges, _keep_space_and_marks):
            marked, points = _mark(messages, keep, avoid=plain)
            rendered = self._render(marked)
            text, message_of, index_of = _map_back(rendered, points, messages)
            if text != plain:
                problem = (
                    problem or "the template changes or tests the content, so its place cannot be proved"
                )
                continue
            missing = _first_missing(messages, points, message_of, index_of)
            if missing is not None:
                problem = missing
                continue
            _fill_gaps(plain, messages, message_of, index_of)
            return plain, (message_of, index_of)
        raise TemplateError(problem)

    def _render(self, messages: Iterable[tuple[str, str]]) -> str:
        conversation = [{"role": speaker, "content": text} for speaker, text in messages]
        try:
            rendered = self.tokenizer.apply_chat_template(
                conversation, tokenize=False, chat_template=self.chat_template
            )
        except Exception as error:  # templates run arbitrary Jinja: whatever it raises is a refusal
            raise TemplateError(f"the chat template refuses the conversation: {error}") from error
        assert isinstance(rendered, str)
        return rendered

    # -- from characters to tokens -----------------------------------------------------------------

    def _tokenise(
        self, text: str, sources: tuple[NDArray[np.int32], NDArray[np.int32]], messages: Sequence[Message]
    ) -> RoledTokens:
        message_of, index_of = sources
        char_roles = _char_roles(messages, message_of, index_of)
        if self.appends_eos:  # nothing after the last answer but the token that is appended below
            last = int(np.flatnonzero(message_of == len(messages) - 1)[-1]) + 1
            text, char_roles, message_of = text[:last], char_roles[:last], message_of[:last]
        encoded = self.tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
        ids = np.array(encoded["input_ids"], dtype=np.int64)
        offsets = np.array(encoded["offset_mapping"], dtype=np.int64).reshape(-1, 2)
        ends = _checked_ends(text, offsets)
        starts = np.concatenate([[0], ends[:-1]])
        roles, token_message = _token_roles(starts, ends, char_roles, message_of)
        self._refuse_control_tokens(text, ids, (starts, ends), token_message, messages)
        self._close_turns(ids, roles, token_message, messages)
        if len(ids) and ids[0] == self.tokenizer.bos_token_id and token_message[0] < 0:
            roles[0] = Role.BOS
        if self.appends_eos:
            ids = np.append(ids, self.stop_id)
            roles = np.append(roles, np.int8(Role.EOS))
            ends = np.append(ends, len(text))
        return RoledTokens(ids, roles, text, ends)

    def _refuse_control_tokens(
        self,
        text: str,
        ids: NDArray[np.int64],
        spans: tuple[NDArray[np.int64], NDArray[np.int64]],
        token_message: NDArray[np.int64],
        messages: Sequence[Message],
    ) -> None:
        """A special token written out inside content would end a turn where no turn ends."""
        for place in np.flatnonzero(np.isin(ids, self._control_ids) & (token_message >= 0)):
            token = self.tokenizer.convert_ids_to_tokens(int(ids[place]))
            if token not in text[spans[0][place] : spans[1][place]]:
                continue  # an unknown character, which some tokenizers map to a special token
            number = int(token_message[place])
            raise TemplateError(
                f"message {number + 1} ({messages[number].speaker}) contains the control token {token}"
            )

    def _close_turns(
        self,
        ids: NDArray[np.int64],
        roles: NDArray[np.int8],
        token_message: NDArray[np.int64],
        messages: Sequence[Message],
    ) -> None:
        """Mark the template tokens that close each turn: EOS after an answer, SEPARATOR after others."""
        content = np.flatnonzero(token_message >= 0)
        for number, message in enumerate(messages):
            own = np.flatnonzero(token_message == number)
            if not len(own):
                continue
            tail_start = int(own[-1]) + 1
            following = content[content >= tail_start]
            tail_end = int(following[0]) if len(following) else len(ids)
            stops = np.flatnonzero(ids[tail_start:tail_end] == self.stop_id)
            if not len(stops):
                continue
            closed = tail_start + int(stops[0]) + 1
            is_answer = message.speaker == "assistant"
            roles[tail_start:closed] = Role.EOS if is_answer else Role.SEPARATOR
            if not len(following):
                roles[closed:tail_end] = Role.SEPARATOR


Keep = Callable[[str], NDArray[np.bool_]]


def _keep_nothing(content: str) -> NDArray[np.bool_]:
    return np.zeros(len(content), dtype=bool)


def _keep_edges(content: str) -> NDArray[np.bool_]:
    kept = np.zeros(len(content), dtype=bool)
    leading = len(content) - len(content.lstrip())
    kept[:leading] = True
    kept[len(content.rstrip()) :] = True
    return kept


def _keep_space_and_marks(content: str) -> NDArray[np.bool_]:
    kept = np.array([character.isspace() for character in content], dtype=bool)
    for mark in THINK_MARKS:
        start = content.find(mark)
        while start >= 0:
            kept[start : start + len(mark)] = True
            start = content.find(mark, start + len(mark))
    return kept


def _mark(
    messages: Sequence[Message], keep: Keep, *, avoid: str
) -> tuple[list[tuple[str, str]], dict[str, tuple[int, int]]]:
    """The conversation with private code points for content, and where each code point stands for."""
    taken = {character for character in avoid if ord(character) >= 0xF0000}
    free = (chr(point) for plane in _PRIVATE_PLANES for point in plane if chr(point) not in taken)
    points: dict[str, tuple[int, int]] = {}
    marked: list[tuple[str, str]] = []
    for number, message in enumerate(messages):
        kept = keep(message.text)
        characters: list[str] = []
        for index, character in enumerate(message.text):
            if kept[index]:
                characters.append(character)
                continue
            point = next(free, None)
            if point is None:
                raise TemplateError(
                    "the conversation has more than 131,000 characters, more than can be marked at once"
                )
            points[point] = (number, index)
            characters.append(point)
        marked.append((message.speaker, "".join(characters)))
    return marked, points


def _map_back(
    rendered: str, points: Mapping[str, tuple[int, int]], messages: Sequence[Message]
) -> tuple[str, NDArray[np.int32], NDArray[np.int32]]:
    message_of = np.full(len(rendered), _TEMPLATE_TEXT, dtype=np.int32)
    index_of = np.full(len(rendered), -1, dtype=np.int32)
    characters = list(rendered)
    for place, character in enumerate(characters):
        source = points.get(character)
        if source is not None:
            message_of[place], index_of[place] = source
            characters[place] = messages[source[0]].text[source[1]]
    return "".join(characters), message_of, index_of


def _first_missing(
    messages: Sequence[Message],
    points: Mapping[str, tuple[int, int]],
    message_of: NDArray[np.int32],
    index_of: NDArray[np.int32],
) -> str | None:
    """Why a message is not there exactly once, in order; None when all are."""
    expected: dict[int, list[int]] = {}
    for number, index in points.values():
        expected.setdefault(number, []).append(index)
    for number, indices in expected.items():
        found = index_of[message_of == number]
        if len(found) == len(indices) and np.array_equal(found, indices):
            continue
        what = f"message {number + 1} ({messages[number].speaker})"
        if not len(found):
            return f"the chat template drops {what}"
        if len(found) < len(indices):
            return f"the chat template drops a part of {what}"
        return f"the chat template writes {what} more than once or out of order"
    return None


def _fill_gaps(
    text: str, messages: Sequence[Message], message_of: NDArray[np.int32], index_of: NDArray[np.int32]
) -> None:
    """Give unmarked characters between two marked ones of a message to it, where the text agrees."""
    for number, message in enumerate(messages):
        places = np.flatnonzero(message_of == number)
        for here, there in pairwise(places):
            if there == here + 1:
                continue
            first, last = int(index_of[here]) + 1, int(index_of[there])
            if text[here + 1 : there] == message.text[first:last]:
                message_of[here + 1 : there] = number
                index_of[here + 1 : there] = np.arange(first, last)


def _char_roles(
    messages: Sequence[Message], message_of: NDArray[np.int32], index_of: NDArray[np.int32]
) -> NDArray[np.int8]:
    roles = np.full(len(message_of), Role.HEADER, dtype=np.int8)
    for number, message in enumerate(messages):
        own = message_of == number
        piece_roles = np.concatenate(
            [np.full(len(text), role, dtype=np.int8) for role, text in message.pieces]
            or [np.zeros(0, dtype=np.int8)]
        )
        roles[own] = piece_roles[index_of[own]]
    return roles


def _checked_ends(text: str, offsets: NDArray[np.int64]) -> NDArray[np.int64]:
    """Each token's end; a token also owns the whitespace before it that its offsets leave out.

    Byte-level tokenizers trim spaces from offsets, and several tokens share a multi-byte character.
    Characters that no token covers, other than whitespace, would be a role nobody can see: an error.
    """
    ends = np.maximum.accumulate(offsets[:, 1]) if len(offsets) else np.zeros(0, dtype=np.int64)
    previous = np.concatenate([[0], ends[:-1]]).astype(np.int64)
    for place in np.flatnonzero(offsets[:, 0] > previous):
        gap = text[previous[place] : offsets[place, 0]]
        if gap.strip():
            raise TemplateError(f"the tokenizer leaves out {gap!r}; its tokens do not cover the text")
    if text[int(ends[-1]) if len(ends) else 0 :].strip():
        raise TemplateError("the tokenizer leaves out the end of the text")
    return ends


def _token_roles(
    starts: NDArray[np.int64],
    ends: NDArray[np.int64],
    char_roles: NDArray[np.int8],
    message_of: NDArray[np.int32],
) -> tuple[NDArray[np.int8], NDArray[np.int64]]:
    """Role and message of each token. A token that straddles content and template counts as content.

    So the first word of an answer is trained on even where the tokenizer glues the template's space to
    it; a token of zero width (the later bytes of one character) continues the token before it.
    """
    length = len(char_roles)
    is_content = message_of >= 0
    candidates = np.where(is_content, np.arange(length), length)
    next_content = (
        np.append(np.minimum.accumulate(candidates[::-1])[::-1], length) if length else np.array([0])
    )
    first = next_content[np.minimum(starts, length)]
    has_content = first < ends
    place = np.where(has_content, first, np.minimum(starts, max(length - 1, 0)))
    roles = char_roles[place].copy()
    token_message = np.where(has_content, message_of[place], -1).astype(np.int64)
    for token in np.flatnonzero(ends == starts):
        if token:
            roles[token], token_message[token] = roles[token - 1], token_message[token - 1]
    return roles, token_message
