"""Attention per document: which function does it, and that checkpointing changes memory and nothing else.

No CUDA device is needed and none was at hand: the kernels' calling convention is tested with stand-ins that
compute on the CPU what the kernels promise, so the kernels themselves are proved only where they run.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import pytest
import torch
from torch import Tensor

from support.tiny_models import make_records
from tunewright.tune import varlen
from tunewright.tune.attention import per_document_attention
from tunewright.tune.batches import Micro
from tunewright.tune.examples import Example, make_examples
from tunewright.tune.loop import accumulate_gradients
from tunewright.tune.model import enable_checkpointing, load_model
from tunewright.tune.network import Network
from tunewright.tune.objective_names import parse_objective
from tunewright.tune.roles import Renderer

LENGTHS = [5, 1, 9]


class StandIn:
    """What a kernel promises, by the textbook: softmax(q·kᵀ·scale)·v, causal, within documents and window."""

    def __init__(self, *, wrong: bool = False) -> None:
        self.calls: list[tuple[list[int], int, int]] = []
        self.wrong = wrong

    def __call__(
        self,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        bounds: Tensor,
        longest: int,
        scale: float,
        window: int,
    ) -> Tensor:
        assert bounds.dtype == torch.int32
        self.calls.append((bounds.tolist(), longest, window))
        groups = query.shape[1] // key.shape[1]
        key, value = (tensor.repeat_interleave(groups, dim=1).float() for tensor in (key, value))
        place = torch.arange(query.shape[0])
        document = torch.searchsorted(bounds[1:], place, right=True)
        distance = place[:, None] - place[None, :]
        seen = (document[:, None] == document[None, :]) & (distance >= 0)
        if window >= 0 and not self.wrong:
            seen &= distance <= window
        scores = torch.einsum("thd,shd->hts", query.float(), key) * scale
        weights = scores.masked_fill(~seen, -math.inf).softmax(dim=-1)
        return torch.einsum("hts,shd->thd", weights, value).to(query.dtype)


@pytest.fixture
def kernel(monkeypatch: pytest.MonkeyPatch) -> Iterator[StandIn]:
    """A stand-in as the only kernel there is, on the CPU."""
    stand_in = StandIn()
    monkeypatch.setattr(varlen, "DEVICES", ("cpu",))
    monkeypatch.setattr(varlen, "kernels", lambda: [stand_in])
    varlen._proved.cache_clear()
    yield stand_in
    varlen._proved.cache_clear()


def drawn(dtype: torch.dtype, *, head_size: int = 16) -> tuple[Tensor, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(1)
    query, key, value = (
        torch.randn(1, heads, sum(LENGTHS), head_size, generator=generator).to(dtype) for heads in (4, 2, 2)
    )
    return query, key, value


def attend(parts: tuple[Tensor, Tensor, Tensor], **options: Any) -> Tensor:
    return per_document_attention(torch.nn.Identity(), *parts, None, document_lengths=LENGTHS, **options)[0]


@pytest.mark.parametrize("window", [None, 3, 5, 100])
def test_one_call_gives_what_a_call_per_document_gives(kernel: StandIn, window: int | None) -> None:
    """Grouped heads; windows shorter than one document, than all, than none. A window counts the token."""
    parts = drawn(torch.bfloat16)
    found = attend(parts, sliding_window=window)
    bounds, longest, its_window = kernel.calls[-1]
    assert (bounds, longest) == ([0, 5, 6, 15], 9)
    assert its_window == (-1 if window in (None, 100) else window - 1)
    varlen.DEVICES = ()
    expected = attend(parts, sliding_window=window)
    assert found.shape == expected.shape == (1, 15, 4, 16)
    assert found.dtype == expected.dtype == torch.bfloat16
    torch.testing.assert_close(found.float(), expected.float(), rtol=0, atol=0.02)


def test_a_scale_of_the_model_s_own_reaches_the_kernel(kernel: StandIn) -> None:
    parts = drawn(torch.bfloat16)
    found = attend(parts, scaling=0.5)
    varlen.DEVICES = ()
    torch.testing.assert_close(found.float(), attend(parts, scaling=0.5).float(), rtol=0, atol=0.02)


@pytest.mark.parametrize(
    ("dtype", "options", "head_size"),
    [
        (torch.float32, {}, 16),
        (torch.bfloat16, {"dropout": 0.1}, 16),
        (torch.bfloat16, {}, 12),
        (torch.bfloat16, {}, 264),
    ],
)
def test_what_a_kernel_cannot_do_stays_per_document(
    kernel: StandIn, dtype: torch.dtype, options: dict[str, Any], head_size: int
) -> None:
    """Full precision, dropout, and head sizes that are no multiple of 8 or beyond 256."""
    attend(drawn(dtype, head_size=head_size), **options)
    assert kernel.calls == []


def test_under_autocast_a_kernel_gets_half_precision(kernel: StandIn) -> None:
    """Norms may leave queries in float32 beside values in bfloat16; autocast casts for torch alone."""
    query, key, value = drawn(torch.float32)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = attend((query, key, value.bfloat16()))
    assert found.dtype == torch.bfloat16
    assert kernel.calls[-1][:2] == ([0, 5, 6, 15], 9)


def test_a_kernel_that_computes_something_else_is_not_used(kernel: StandIn) -> None:
    """One that knows no windows proves itself without them, and is left alone where there is one."""
    kernel.wrong = True
    query, key, _ = (part[0].transpose(0, 1) for part in drawn(torch.bfloat16))
    assert varlen.kernel_for(query, key, window=-1) is kernel
    assert varlen.kernel_for(query, key, window=2) is None


def test_a_kernel_that_raises_on_this_device_is_passed_over(
    kernel: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    def too_new(*_: Any) -> Tensor:
        raise RuntimeError("FlashAttention only supports Ampere GPUs or newer")

    monkeypatch.setattr(varlen, "kernels", lambda: [too_new, kernel])
    query, key, _ = (part[0].transpose(0, 1) for part in drawn(torch.bfloat16))
    assert varlen.kernel_for(query, key, window=-1) is kernel


def test_proving_a_kernel_leaves_the_random_numbers_alone(kernel: StandIn) -> None:
    torch.manual_seed(3)
    expected = torch.rand(4)
    torch.manual_seed(3)
    attend(drawn(torch.bfloat16))
    assert torch.equal(torch.rand(4), expected)


def test_torch_s_own_kernel_is_called_by_its_own_names(monkeypatch: pytest.MonkeyPatch) -> None:
    """Windows, scale and grouped heads are given as `varlen_attn` of torch 2.13 names them."""
    module = pytest.importorskip("torch.nn.attention.varlen")
    seen: dict[str, Any] = {}

    def varlen_attn(
        query: Tensor, key: Tensor, value: Tensor, cu_seq_q: Tensor, cu_seq_k: Tensor, max_q: int, max_k: int,
        *, scale: float, window_size: tuple[int, int], enable_gqa: bool,
    ) -> Tensor:  # fmt: skip
        seen.update(scale=scale, window=window_size, gqa=enable_gqa, longest=(max_q, max_k))
        return query

    monkeypatch.setattr(module, "varlen_attn", varlen_attn)
    query, key = torch.zeros(15, 4, 16), torch.zeros(15, 2, 16)
    kernel = varlen._of_torch()
    assert kernel is not None
    kernel(query, key, key, varlen.bounds_of((5, 1, 9), query.device), 9, 0.25, 3)
    assert seen == {"scale": 0.25, "window": (3, 0), "gqa": True, "longest": (9, 9)}


# Gradient checkpointing


@pytest.fixture(scope="module")
def examples(tiny_tokenizer: Any) -> tuple[Example, ...]:
    return make_examples(
        make_records(16), Renderer(tiny_tokenizer), max_tokens=512, explanation=True
    ).kept  # fmt: skip


def network_of(tokenizer: Any, *, checkpointing: bool) -> Network:
    model = load_model("scratch:small", tokenizer, seed=1)
    if checkpointing:
        enable_checkpointing(model)
    return Network.prepare(model, dtype=torch.float32)


def test_checkpointing_gives_the_same_loss_and_gradients_bit_for_bit(
    tiny_tokenizer: Any, examples: tuple[Example, ...]
) -> None:
    found = []
    for checkpointing in (False, True):
        network = network_of(tiny_tokenizer, checkpointing=checkpointing)
        assert network.packed
        sums = accumulate_gradients(network, examples[:6], objective=parse_objective("im"), pack_tokens=200)
        found.append((sums.loss, [p.grad for p in network.model.parameters()]))
    assert found[0][0] == found[1][0]
    assert all(torch.equal(a, b) for a, b in zip(found[0][1], found[1][1], strict=True))


def test_checkpointing_keeps_less_for_the_backward_pass(
    tiny_tokenizer: Any, examples: tuple[Example, ...]
) -> None:
    """Bytes that autograd holds after the forward pass of 6 layers: less than a third."""
    held = [
        _held_bytes(network_of(tiny_tokenizer, checkpointing=checkpointing), examples)
        for checkpointing in (False, True)
    ]
    assert held[1] < held[0] / 3


def _held_bytes(network: Network, examples: tuple[Example, ...]) -> int:
    storages: dict[int, int] = {}

    def keep(tensor: Tensor) -> Tensor:
        storages[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
        return tensor

    parameters = {p.untyped_storage().data_ptr() for p in network.model.parameters()}
    micro = _one_micro(examples)
    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        loss = network.loss(micro)
    assert loss.total.requires_grad
    return sum(size for place, size in storages.items() if place not in parameters)


def _one_micro(examples: tuple[Example, ...]) -> Micro:
    from tunewright.tune.batches import micro_batches

    weights = [parse_objective("it").token_weights(example.roles) for example in examples]
    (micro,) = micro_batches(examples, weights, pack_tokens=10**6, packed=True)
    return micro
