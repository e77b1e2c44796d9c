"""The tiled head equals the obvious formula, in value and gradient."""

from __future__ import annotations

import pytest
import torch
from torch.nn.functional import cross_entropy

from tunewright.tune import head
from tunewright.tune.head import weighted_cross_entropy

STRIP_ROWS, TILE_ROWS = 8, 20  # a tile is no whole number of strips


@pytest.mark.parametrize("rows", [1, STRIP_ROWS, STRIP_ROWS + 1, TILE_ROWS, TILE_ROWS + 1, 2 * TILE_ROWS + 5])
@pytest.mark.parametrize("with_bias", [False, True])
def test_loss_and_gradients_equal_the_plain_formula(
    rows: int, with_bias: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """d/dh, d/dW and d/db of Σ c·CE, for tiles and strips that fit exactly, partly, and more than once."""
    monkeypatch.setattr(head, "TILE_BYTES", TILE_ROWS * 50 * 4)
    monkeypatch.setattr(head, "STRIP_BYTES", STRIP_ROWS * 50 * 4)
    torch.manual_seed(0)
    hidden = torch.randn(rows, 16, requires_grad=True)
    weight = torch.randn(50, 16, requires_grad=True)
    bias = torch.randn(50, requires_grad=True) if with_bias else None
    targets = torch.randint(0, 50, (rows,))
    coefficients = torch.rand(rows)
    leaves = [leaf for leaf in (hidden, weight, bias) if leaf is not None]

    logits = hidden @ weight.T + (bias if bias is not None else 0)
    nll = cross_entropy(logits, targets, reduction="none")
    expected = torch.autograd.grad((nll * coefficients).sum(), leaves)

    loss = weighted_cross_entropy(hidden, weight, bias, targets, coefficients)
    found = torch.autograd.grad(loss.total, leaves)

    torch.testing.assert_close(loss.nll_N, nll.detach())
    for ours, theirs in zip(found, expected, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-5)


def test_no_rows_give_a_finite_zero_with_a_gradient() -> None:
    hidden = torch.randn(0, 8, requires_grad=True)
    weight = torch.randn(5, 8, requires_grad=True)
    loss = weighted_cross_entropy(hidden, weight, None, torch.zeros(0, dtype=torch.long), torch.zeros(0))
    loss.total.backward()
    assert loss.total.item() == 0.0
    assert weight.grad is not None
    assert weight.grad.abs().max().item() == 0.0


def test_the_gradient_scales_with_what_comes_from_above() -> None:
    weight = torch.randn(5, 8, requires_grad=True)
    hidden = torch.randn(3, 8)
    targets, ones = torch.tensor([0, 1, 2]), torch.ones(3)
    once = torch.autograd.grad(weighted_cross_entropy(hidden, weight, None, targets, ones).total, weight)[0]
    twice = torch.autograd.grad(
        2 * weighted_cross_entropy(hidden, weight, None, targets, ones).total, weight
    )[0]
    torch.testing.assert_close(twice, 2 * once)


@pytest.mark.parametrize("size", [1.0, 100.0, 1e4])
def test_large_logits_lose_no_digits(size: float) -> None:
    """The loss comes from the largest share, so it neither overflows nor is rounded to zero."""
    torch.manual_seed(0)
    hidden, weight = torch.randn(40, 8) * size, torch.randn(30, 8)
    targets = torch.randint(0, 30, (40,))
    expected = cross_entropy((hidden.double() @ weight.double().T), targets, reduction="none")
    found = weighted_cross_entropy(hidden, weight, None, targets, torch.ones(40)).nll_N
    torch.testing.assert_close(found.double(), expected, rtol=1e-5, atol=1e-5)


def test_measuring_forms_no_gradient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A parameter asks for a gradient even under `no_grad`; forming it would double the time of measuring."""
    hidden, weight = torch.randn(5, 8), torch.nn.Parameter(torch.randn(30, 8))
    wanted = []
    forward = head._TiledCrossEntropy.forward
    monkeypatch.setattr(
        head._TiledCrossEntropy,
        "forward",
        staticmethod(lambda ctx, *given: (wanted.append(ctx.needs_input_grad), forward(ctx, *given))[1]),
    )
    with torch.no_grad():
        weighted_cross_entropy(hidden, weight, None, torch.arange(5), torch.ones(5))
    assert not any(wanted[0])
