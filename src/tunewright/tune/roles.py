"""A role for every token of a rendered conversation, by provenance.

Masks go wrong when they are searched for: marker strings tokenise differently in context, and templates
trim, move or drop content. Here it is proved which character of the rendering came from which message
(`provenance.py`); the text is tokenised once, and each token takes the role of the characters it covers.
What cannot be proved raises `TemplateError`, naming the message and the reason.

    renderer = Renderer(tokenizer)
    roled = renderer([{"role": "user", "content": "Name a city."}, {"role": "assistant", "content": "Paris"}])
    weights = parse_objective("im").token_weights(roled.roles)

The policies, all of which the tests hold:

- A token that covers any character of content counts as content, also where the tokenizer glued the
  template's space to it.
- `Role.EOS`, trained with the answer, is the template text from the last character of an answer to its stop
  token. What closes any other turn is `Role.SEPARATOR` and never trained; so is what follows the stop token.
- What an assistant must write itself to call a tool, or to open and close its thinking, is `Role.OUTPUT`.
  Where its own text begins is where the generation prompt ends; when that is not plain, the row is refused.
- Thinking that the template drops whole from an earlier answer is left out; any other loss is refused.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tunewright.errors import ModelError, TemplateError
from tunewright.tune.control_tokens import Encoder, Policy, Tokens, control_ids, tokenise
from tunewright.tune.conversation import Message, Role, read_messages
from tunewright.tune.provenance import Proof, prove
from tunewright.tune.refusals import called
from tunewright.tune.rendering import ChatTemplate, with_date
from tunewright.tune.turns import close_turns, token_roles

_BATCH = 64  # conversations tokenised together by `Renderer.many`

Conversation = Sequence[Message | Mapping[str, Any]]


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

    `control_tokens` says what to do with a control token written out in content: "refuse" it, or tokenise
    it as ordinary "text". `settings` are further arguments of the template, such as `enable_thinking`;
    `today` is what one that writes the date is told.
    """

    def __init__(
        self,
        tokenizer: Any,
        *,
        chat_template: str | None = None,
        control_tokens: Policy = "refuse",
        settings: Mapping[str, Any] | None = None,
        today: date | None = None,
    ) -> None:
        if not getattr(tokenizer, "is_fast", False):
            raise ModelError(
                f"{type(tokenizer).__name__} gives no character offsets; use a tokenizer with tokenizer.json"
            )
        if control_tokens not in ("refuse", "text"):
            raise ModelError(f"control_tokens is {control_tokens!r}; it can be 'refuse' or 'text'")
        self.tokenizer = tokenizer
        self.chat_template = _chat_template(tokenizer, chat_template)
        self.control_tokens = control_tokens
        self.longest_token_chars = max(len(token) for token in tokenizer.get_vocab())
        shown = self.chat_template if today is None else with_date(self.chat_template, today)
        self._template = ChatTemplate(shown, tokenizer.special_tokens_map, settings)
        self._encoder = Encoder(tokenizer)
        probe = prove(self._template, self._template.probe)
        template_text = "".join(c for c, own in zip(probe.text, probe.sources, strict=True) if own < 0)
        self._is_control, self._thinking_ids = control_ids(tokenizer, template_text)
        self.stop_id, self.appends_eos = self._find_stop(probe)
        self.matches_generation_prompt = self._matches_generation_prompt(probe)

    def __call__(self, messages: Conversation, *, tools: Sequence[Any] | None = None) -> RoledTokens:
        """Ids and roles of one conversation, given as messages or as Hugging Face dicts.

        `tools` go to the template; what it writes of them is template text. Raises `TemplateError` when a
        role cannot be proved and `DataError` when a dict is malformed.
        """
        proof = self._prove(read_messages(messages), tools)
        return self._with_roles(proof, None, tools)

    def many(
        self, conversations: Iterable[Conversation], *, tools: Sequence[Any] | None = None
    ) -> Iterator[RoledTokens | TemplateError]:
        """The same for each conversation in order, or the error that refuses it; tokenised in batches."""
        rows = iter(conversations)
        while batch := list(islice(rows, _BATCH)):
            proofs: list[Proof | TemplateError] = []
            for messages in batch:
                try:
                    proofs.append(self._prove(read_messages(messages), tools))
                except TemplateError as error:
                    proofs.append(error)
            encoded = self._encoder.encode_many([p.text for p in proofs if isinstance(p, Proof)])
            tokens = iter(encoded)
            for proof in proofs:
                if isinstance(proof, TemplateError):
                    yield proof
                    continue
                try:
                    yield self._with_roles(proof, next(tokens), tools)
                except TemplateError as error:
                    yield error

    # -- what the template does --------------------------------------------------------------------

    def _find_stop(self, probe: Proof) -> tuple[int, bool]:
        """The stop token after an answer, found on probe conversations; else the tokenizer's own.

        It is the first control token after the last answer; but where the template writes the tokenizer's
        end-of-sequence token after answers that go on, it is that one (others may stand before it).
        """
        messages = self._template.probe
        eos_id = self.tokenizer.eos_token_id
        try:
            longer = prove(self._template, [*messages, *messages[-2:]])
        except TemplateError:  # a template for one turn
            between = np.zeros(0, dtype=np.int64)
        else:
            between = self._control_tokens_after(longer, len(messages) - 1)
        if eos_id is not None and eos_id in between:
            return int(eos_id), False
        after = self._control_tokens_after(probe, len(messages) - 1)
        if len(after):
            return int(after[0]), False
        if eos_id is None:
            raise ModelError(
                "neither the chat template nor the tokenizer has an end-of-turn token: a tuned model would "
                "never stop; set the tokenizer's eos_token"
            )
        return int(eos_id), True

    def _control_tokens_after(self, probe: Proof, number: int) -> NDArray[np.int64]:
        """The control tokens between a message and the next content or the end."""
        start = int(np.flatnonzero(probe.owners == number)[-1]) + 1
        later = np.flatnonzero(probe.owners[start:] >= 0)
        end = start + int(later[0]) if len(later) else len(probe.text)
        tokens = self._encoder.encode(probe.text)
        inside = (tokens.ends > start) & (tokens.starts < end) & self._is_control[tokens.ids]
        return tokens.ids[inside]

    def _matches_generation_prompt(self, probe: Proof) -> bool:
        answer = len(self._template.probe) - 1
        trained = probe.text[: int(np.flatnonzero(probe.owners == answer)[0])]
        try:
            asked = self._template.render(self._template.probe[:-1], generation_prompt=True)
        except TemplateError:  # such a template cannot be asked at all
            return False
        return np.array_equal(self._encoder.encode(trained).ids, self._encoder.encode(asked).ids)

    # -- from characters to tokens -----------------------------------------------------------------

    def _prove(self, messages: list[Message], tools: Sequence[Any] | None) -> Proof:
        proof = prove(self._template, messages, tools=tools)
        if self.appends_eos and messages[-1].speaker == "assistant":
            if messages[-1].tool_calls:
                raise TemplateError(
                    f"{called(messages, len(messages) - 1)} calls a tool, and the chat template writes no "
                    "stop token: where the call ends cannot be proved"
                )
            own = np.flatnonzero(proof.owners == len(messages) - 1)
            if len(own):  # nothing stands after the last answer but the token that is appended
                end = int(own[-1]) + 1
                proof = Proof(proof.text[:end], proof.codes[:end], proof.sources[:end], proof.origins)
        return proof

    def _with_roles(self, proof: Proof, tokens: Tokens | None, tools: Sequence[Any] | None) -> RoledTokens:
        messages = proof.origins.messages
        tokens = tokenise(
            self._encoder, proof, self._is_control, self._thinking_ids, self.control_tokens, tokens
        )
        roles, owner = token_roles(tokens, proof)
        close_turns(self._template, proof, tokens, roles, owner, stop_id=self.stop_id, tools=tools)
        ids, ends = tokens.ids, tokens.ends
        if len(ids) and ids[0] == self.tokenizer.bos_token_id and owner[0] < 0:
            roles[0] = Role.BOS
        if self.appends_eos and messages[-1].speaker == "assistant":
            ids = np.append(ids, self.stop_id)
            roles = np.append(roles, np.int8(Role.EOS))
            ends = np.append(ends, len(proof.text))
        return RoledTokens(ids, roles, proof.text, ends)


def _chat_template(tokenizer: Any, chat_template: str | None) -> str:
    found = tokenizer.chat_template if chat_template is None else chat_template
    if found == "":
        raise ModelError("the chat template is empty; give a file that holds one, tulu or chatml")
    if isinstance(found, dict):
        raise ModelError(
            f"the model carries several chat templates ({', '.join(found)}); "
            "write the one to use into a file and name it with --chat-template"
        )
    if not isinstance(found, str):
        where = getattr(tokenizer, "name_or_path", "") or "the model"
        raise ModelError(
            f"{where} has no chat template; name one with --chat-template "
            "(tulu, chatml, or a file with a Jinja template)"
        )
    return found
