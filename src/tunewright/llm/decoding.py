"""Writing answers token by token, for a batch of prompts at once, on any `transformers` causal model.

Our own loop, because each row has its own grammar, temperature and random stream, and because the log
probabilities of the constrained distribution are wanted. Prompts are padded on the left; a row that is done
leaves the batch. The same batch gives the same tokens every time.

Axes: B rows of the batch, T tokens so far, V entries of the vocabulary, N rows that are drawn alike, K top.
"""

from __future__ import annotations

import inspect
import random
import threading
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from tunewright.errors import ModelError
from tunewright.llm.grammar import Constraint
from tunewright.llm.reply import Finish

if TYPE_CHECKING:
    import torch


@dataclass(slots=True)
class Row:
    """One answer in the making. `max_tokens` already respects the model's context."""

    prompt: Sequence[int]
    max_tokens: int
    temperature: float
    top_p: float
    top_logprobs: int
    stream: random.Random
    constraint: Constraint | None = None
    tokens: list[int] = field(default_factory=list)  # of the answer, without the token that ended it
    logprobs: list[tuple[float, list[tuple[int, float]]]] = field(default_factory=list)  # own, likeliest
    num_written: int = 0  # tokens of the answer and the one that ended it
    finish: Finish | None = None


class Interrupted(Exception):
    """The caller asked to stop before all rows were done."""


def decode(
    model: Any, rows: Sequence[Row], *, stop_ids: Sequence[int], interrupt: threading.Event | None = None
) -> None:
    """Fills in every row's tokens, finish and, where asked for, log probabilities.

    A row ends with `stop` at a stop token or when its grammar is complete, with `length` at its max_tokens or
    when a choice had to be made in the model's place, with `other` when its grammar gave up
    (`constraint.problem`).
    Raises ModelError when the model gives no numbers (NaN), Interrupted when `interrupt` gets set.
    """
    import torch

    with torch.inference_mode(), _attention(next(model.parameters()).device):
        batch = _Batch(model, rows)
        while batch.rows:
            if interrupt is not None and interrupt.is_set():
                raise Interrupted
            logits_BV = batch.next_logits()
            chosen = _choose(logits_BV, batch.rows)
            if any(row.top_logprobs for row in batch.rows):
                logprobs_BV = logits_BV.log_softmax(-1)
            for number, (row, token) in enumerate(zip(batch.rows, chosen, strict=True)):
                if row.constraint is not None:
                    token = row.constraint.take(token, tokens_left=row.max_tokens - row.num_written)
                row.num_written += 1
                if token in stop_ids:
                    row.finish = _ended(row)
                    continue
                row.tokens.append(token)
                if row.top_logprobs:
                    row.logprobs.append(_logprobs(logprobs_BV[number], token, row.top_logprobs))
                row.finish = _finish_of(row)
            batch.keep_unfinished()


def rows_that_fit(rows: Sequence[Row], widest: int | None) -> list[list[Row]]:
    """The rows in groups that can be decoded together; one group wherever they all fit.

    A batch is padded to its longest prompt, and a model with a mask of fixed size (GPT-Neo) has no column
    beyond `widest`, padding included. Each row alone fits.
    """
    if widest is None:
        return [list(rows)]
    groups: list[list[Row]] = []
    most_new = 0
    for row in sorted(rows, key=lambda row: len(row.prompt)):  # the last of a group has its longest prompt
        fits = len(row.prompt) + max(most_new, row.max_tokens) <= widest
        if not groups or not fits:
            groups.append([])
            most_new = 0
        groups[-1].append(row)
        most_new = max(most_new, row.max_tokens)
    if len(groups) == 1:
        return [list(rows)]
    return groups


def _attention(device: torch.device) -> AbstractContextManager[None]:
    """On CUDA, any kernel of scaled dot-product attention but cuDNN's.

    That one makes a plan for every new length, and in decoding each token is one: on an H200 46 ms a
    token instead of 9 (a 100 M Llama, 8 rows).
    """
    if device.type != "cuda":
        return nullcontext()
    from torch.nn.attention import SDPBackend, sdpa_kernel

    return sdpa_kernel([SDPBackend.FLASH_ATTENTION, SDPBackend.EFFICIENT_ATTENTION, SDPBackend.MATH])


def _finish_of(row: Row) -> Finish | None:
    constraint = row.constraint
    if constraint is not None and (constraint.problem or constraint.is_finished):
        return _ended(row)
    if row.num_written < row.max_tokens:
        return None
    return _ended(row) if constraint is not None and constraint.is_complete else "length"


def _ended(row: Row) -> Finish:
    """How a row ended that is at its end. What was chosen in the model's place is no answer of its own."""
    if row.constraint is not None and row.constraint.problem:
        return "other"
    return "length" if row.constraint is not None and row.constraint.num_chosen else "stop"


class _Batch:
    """The unfinished rows with all that the model remembers of them."""

    def __init__(self, model: Any, rows: Sequence[Row]) -> None:
        import torch

        self._model, self.rows = model, list(rows)
        self._accepted = set(inspect.signature(model.forward).parameters)
        self._device = next(model.parameters()).device
        longest = max(len(row.prompt) for row in rows)
        # Padding is masked, so any token will do.
        ids = [[0] * (longest - len(row.prompt)) + list(row.prompt) for row in rows]
        mask = [[0] * (longest - len(row.prompt)) + [1] * len(row.prompt) for row in rows]
        self._input_BT = torch.tensor(ids, device=self._device)
        self._mask_BT = torch.tensor(mask, device=self._device)
        self._positions_BT = (self._mask_BT.cumsum(-1) - 1).clamp(min=0)
        self._memory: Any = None

    def next_logits(self) -> torch.Tensor:
        """Float32 (B, V): −inf where a row's grammar does not allow the token."""
        import torch

        arguments = {
            "input_ids": self._input_BT,
            "attention_mask": self._mask_BT,
            "position_ids": self._positions_BT,
            "past_key_values": self._memory,
            "use_cache": True,
            "logits_to_keep": 1,  # the logits of a long prompt would be larger than all the rest
        }
        output = self._model(**{key: value for key, value in arguments.items() if key in self._accepted})
        self._memory = getattr(output, "past_key_values", None)
        if self._memory is None:
            raise ModelError(
                f"{type(self._model).__name__} keeps no key-value cache (a state-space model?); such models "
                "cannot answer in this process: serve it and use openai:NAME"
            )
        logits_BV: torch.Tensor = output.logits[:, -1].float()
        constrained = [number for number, row in enumerate(self.rows) if row.constraint is not None]
        if constrained:
            # The masks are made here, after the call, so that a GPU works meanwhile.
            allowed_BV = np.ones(tuple(logits_BV.shape), np.uint8)
            for number in constrained:
                constraint = self.rows[number].constraint
                assert constraint is not None
                allowed_BV[number] = np.frombuffer(constraint.allowed(), np.uint8)
            allowed = torch.from_numpy(allowed_BV).to(self._device)
            logits_BV = logits_BV.masked_fill(allowed == 0, -torch.inf)
        return logits_BV

    def keep_unfinished(self) -> None:
        """Drops the rows that are done and sets the last token of the others as the next input."""
        import torch

        kept = [number for number, row in enumerate(self.rows) if row.finish is None]
        if not kept:
            self.rows = []
            return
        if len(kept) < len(self.rows):
            index_B = torch.tensor(kept, device=self._device)
            self.rows = [self.rows[number] for number in kept]
            self._mask_BT, self._positions_BT = self._mask_BT[index_B], self._positions_BT[index_B]
            self._memory.batch_select_indices(index_B)
        self._input_BT = torch.tensor([[row.tokens[-1]] for row in self.rows], device=self._device)
        self._mask_BT = torch.cat([self._mask_BT, self._mask_BT.new_ones(len(self.rows), 1)], dim=1)
        self._positions_BT = self._positions_BT[:, -1:] + 1


def _choose(logits_BV: torch.Tensor, rows: Sequence[Row]) -> list[int]:
    """The next token of every row: the likeliest at temperature 0, else drawn from the row's own stream."""
    import torch

    chosen_B = logits_BV.argmax(-1)
    # The largest logit is NaN when any is.
    if bool(torch.isnan(logits_BV.gather(1, chosen_B[:, None])).any()):
        raise ModelError(
            "the model's output is not a number (NaN): its weights are damaged, or it does not fit its "
            "number format (dtype); check the weights or use float32"
        )
    # Whole and cut distributions are drawn differently, so they are kept apart: no row depends on another.
    for is_cut in (False, True):
        drawn = [n for n, row in enumerate(rows) if row.temperature > 0 and (row.top_p < 1) == is_cut]
        if drawn:
            index_N = torch.tensor(drawn, device=logits_BV.device)
            chosen_B[index_N] = _draw(logits_BV[index_N], [rows[number] for number in drawn], is_cut=is_cut)
    chosen: list[int] = chosen_B.tolist()
    return chosen


def _draw(logits_NV: torch.Tensor, rows: Sequence[Row], *, is_cut: bool) -> torch.Tensor:
    """One token per row by inverting the cumulative distribution at a number from the row's stream.

    Top-p keeps the likeliest tokens until their probability reaches `top_p`, the one that reaches it included
    (Holtzman et al. 2020, section 3.1). One random number per token on the CPU: the same on any device, but
    for the rounding of the probabilities.
    """
    import torch

    device = logits_NV.device
    temperature_N1 = torch.tensor([[max(row.temperature, 1e-6)] for row in rows], device=device)
    # The largest becomes 0 first: a tiny temperature would make it infinite.
    shifted_NV = logits_NV - logits_NV.amax(-1, keepdim=True)
    probability_NV = (shifted_NV / temperature_N1).softmax(-1).double()
    if is_cut:
        top_p_N1 = torch.tensor([[row.top_p] for row in rows], device=device, dtype=torch.double)
        probability_NV, order_NV = probability_NV.sort(stable=True, dim=-1, descending=True)
        before_NV = probability_NV.cumsum(-1) - probability_NV
        before_NV[:, 0] = -1.0  # the likeliest token is always kept
        probability_NV = probability_NV.masked_fill(before_NV >= top_p_N1, 0.0)
    cumulative_NV = probability_NV.cumsum(-1)
    uniform_N1 = torch.tensor([[row.stream.random()] for row in rows], device=device, dtype=torch.double)
    place_N1 = torch.searchsorted(cumulative_NV, uniform_N1 * cumulative_NV[:, -1:], right=True)
    # Rounding can put the number at the very end, behind the last token.
    likeliest_N1 = probability_NV.argmax(-1, keepdim=True)
    place_N1 = torch.where(place_N1 < probability_NV.shape[-1], place_N1, likeliest_N1)
    return (order_NV.gather(1, place_N1) if is_cut else place_N1)[:, 0]


def _logprobs(logprobs_V: torch.Tensor, token: int, num_top: int) -> tuple[float, list[tuple[int, float]]]:
    """The token's log probability and the likeliest tokens with theirs, impossible ones left out."""
    values_K, ids_K = logprobs_V.topk(min(num_top, logprobs_V.shape[0]))
    top = [(i, v) for i, v in zip(ids_K.tolist(), values_K.tolist(), strict=True) if v > -np.inf]
    return float(logprobs_V[token]), top
