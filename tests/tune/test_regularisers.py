"""What is added to the loss: noise on the embeddings, and the divergence from the model before tuning."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest
import torch

from tunewright.records.record import Record
from tunewright.tune.batches import micro_batches
from tunewright.tune.examples import Example, make_examples
from tunewright.tune.head import Reference, weighted_cross_entropy
from tunewright.tune.loop import accumulate_gradients
from tunewright.tune.model import add_lora, load_model
from tunewright.tune.neftune import Neftune
from tunewright.tune.network import Network
from tunewright.tune.objective_names import parse_objective
from tunewright.tune.roles import Renderer

IM = parse_objective("im")


@pytest.fixture(scope="module")
def examples(records: list[Record], tiny_tokenizer: Any) -> tuple[Example, ...]:
    return make_examples(records[:9], Renderer(tiny_tokenizer), max_tokens=512, explanation=True).kept


def moved(model: Any) -> Any:
    """The model a little away from where it began, so that it differs from its reference."""
    generator = torch.Generator().manual_seed(3)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.requires_grad:
                parameter += 0.05 * torch.randn(parameter.shape, generator=generator)
    return model


@pytest.fixture(scope="module")
def near(tiny_tokenizer: Any) -> Network:
    network = Network.prepare(load_model("scratch:tiny", tiny_tokenizer, seed=1), dtype=torch.float32, kl=1.0)
    moved(network.model)
    return network


def gradients_of(network: Network, examples: Any, **given: Any) -> tuple[float, list[torch.Tensor]]:
    network.model.zero_grad()
    given = {"pack_tokens": 400, "objective": IM, **given}
    sums = accumulate_gradients(network, examples, **given)
    return sums.loss, [p.grad.clone() for p in network.model.parameters() if p.grad is not None]


# -- the divergence ---------------------------------------------------------------------------------


def test_the_divergence_and_its_gradients_equal_the_plain_formula() -> None:
    """Σ_v p·log(p/q) by autograd over whole logits, for tiles that do not fit exactly."""
    torch.manual_seed(0)
    hidden, near_hidden = torch.randn(300, 16, requires_grad=True), torch.randn(300, 16)
    weight, near_weight = torch.randn(50, 16, requires_grad=True), torch.randn(50, 16)
    bias, near_bias = torch.randn(50, requires_grad=True), torch.randn(50)
    targets, coefficients = torch.randint(0, 50, (300,)), torch.rand(300)

    log_p = (hidden @ weight.T + bias).log_softmax(1)
    log_q = (near_hidden @ near_weight.T + near_bias).log_softmax(1)
    kl = (log_p.exp() * (log_p - log_q)).sum(1)
    nll = -log_p.gather(1, targets[:, None])[:, 0]
    expected = torch.autograd.grad(((nll + 0.7 * kl) * coefficients).sum(), [hidden, weight, bias])

    reference = Reference(near_hidden, near_weight, near_bias, 0.7)
    loss = weighted_cross_entropy(hidden, weight, bias, targets, coefficients, reference=reference)
    found = torch.autograd.grad(loss.total, [hidden, weight, bias])
    assert loss.kl_N is not None
    torch.testing.assert_close(loss.kl_N, kl.detach(), rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(loss.nll_N, nll.detach())
    for ours, theirs in zip(found, expected, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-3, atol=1e-4)


def test_at_weight_1_the_divergence_does_not_cancel_the_loss(
    near: Network, examples: tuple[Example, ...]
) -> None:
    """The released term, λ(log p − log q) of the data's own tokens, has the gradient (1−λ)∇NLL: 0 at λ=1."""
    plain = dataclasses.replace(near, reference=None)
    _, with_kl = gradients_of(near, examples)
    _, without = gradients_of(plain, examples)
    norm = torch.cat([g.flatten() for g in with_kl]).norm()
    of_kl_alone = torch.cat([(a - b).flatten() for a, b in zip(with_kl, without, strict=True)])
    nll = torch.cat([b.flatten() for b in without])
    assert norm > 0.1 * nll.norm()
    cosine = torch.nn.functional.cosine_similarity(of_kl_alone, -nll, dim=0)
    assert of_kl_alone.norm() > 1e-2
    assert abs(float(cosine)) < 0.9, "it is no multiple of the loss' own gradient"


def test_the_divergence_from_itself_is_zero_and_pulls_nowhere(
    tiny_tokenizer: Any, examples: tuple[Example, ...]
) -> None:
    network = Network.prepare(load_model("scratch:tiny", tiny_tokenizer, seed=1), dtype=torch.float32, kl=1.0)
    plain = dataclasses.replace(network, reference=None)
    loss, found = gradients_of(network, examples)
    expected_loss, expected = gradients_of(plain, examples)
    assert loss == pytest.approx(expected_loss, abs=1e-6)
    for ours, theirs in zip(found, expected, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-6)


def test_whole_logits_give_the_same_divergence(near: Network, examples: tuple[Example, ...]) -> None:
    tiled = gradients_of(near, examples)
    whole = gradients_of(dataclasses.replace(near, plain_head=False), examples)
    assert whole[0] == pytest.approx(tiled[0], abs=1e-5)
    for ours, theirs in zip(tiled[1], whole[1], strict=True):
        torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-5)


@pytest.mark.filterwarnings("ignore:.*is_gradient_checkpointing:FutureWarning")  # peft's own
def test_under_an_adapter_the_reference_is_the_base(
    tiny_tokenizer: Any, examples: tuple[Example, ...]
) -> None:
    """With its adapter off the model gives what a frozen copy of the base gives; no second model is held."""
    base = load_model("scratch:tiny", tiny_tokenizer, seed=1)
    copy = load_model("scratch:tiny", tiny_tokenizer, seed=1)
    network = Network.prepare(moved(add_lora(base, rank=4, alpha=None, seed=2)), dtype=torch.float32, kl=1.0)
    assert network.reference is not None
    assert network.reference.is_base
    assert network.reference.model is network.model
    frozen = dataclasses.replace(network.reference, model=copy.eval().requires_grad_(False), is_base=False)
    copy.set_attn_implementation("tunewright_per_document")
    ours = gradients_of(network, examples)
    theirs = gradients_of(dataclasses.replace(network, reference=frozen), examples)
    assert ours[0] == pytest.approx(theirs[0], abs=1e-6)
    assert network.model.training
    assert sum(float(g.norm()) for g in ours[1]) > 0
    for a, b in zip(ours[1], theirs[1], strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=1e-6)


# -- noise on the embeddings ------------------------------------------------------------------------


def test_noise_is_uniform_within_alpha_over_the_root_of_the_documents_own_size() -> None:
    noise = Neftune(5.0, seed=1, step=0).document(0, length=64, width=100)
    bound = 5.0 / 80
    assert noise.shape == (64, 100)
    assert 0.98 * bound < noise.abs().max() <= bound
    assert noise.std().item() == pytest.approx(bound / 3**0.5, rel=0.02)


def test_packed_and_padded_documents_get_the_same_noise(examples: tuple[Example, ...]) -> None:
    coefficients = IM.coefficients([example.roles for example in examples])
    noise = Neftune(5.0, seed=1, step=4)
    by_layout = {}
    for packed in (True, False):
        for micro in micro_batches(examples, coefficients, pack_tokens=10**6, packed=packed):
            rows = noise.of(micro, 8)
            starts = np.cumsum([0, *micro.lengths[:-1]])
            for row, (place, length) in enumerate(zip(micro.documents, micro.lengths, strict=True)):
                own = rows[0, starts[row] : starts[row] + length] if packed else rows[row, :length]
                by_layout[packed, place] = own
                assert packed or not rows[row, length:].any(), "what fills a row up stays as it is"
    for place in range(len(examples)):
        assert torch.equal(by_layout[True, place], by_layout[False, place])
    assert not torch.equal(by_layout[True, 0][:4], by_layout[True, 1][:4])


def test_noise_changes_the_loss_alike_however_the_step_is_cut(
    near: Network, examples: tuple[Example, ...]
) -> None:
    plain = dataclasses.replace(near, reference=None)
    noise = Neftune(50.0, seed=1, step=4)
    quiet, _ = gradients_of(plain, examples)
    whole, expected = gradients_of(plain, examples, noise=noise, pack_tokens=10**6)
    cut, found = gradients_of(plain, examples, noise=noise, pack_tokens=64)
    assert abs(whole - quiet) > 1e-4
    assert cut == pytest.approx(whole, rel=1e-6)
    for ours, theirs in zip(found, expected, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-5)


def test_the_noise_is_gone_after_the_step(near: Network, examples: tuple[Example, ...]) -> None:
    plain = dataclasses.replace(near, reference=None)
    before = gradients_of(plain, examples)[0]
    gradients_of(plain, examples, noise=Neftune(50.0, seed=1, step=4))
    assert gradients_of(plain, examples)[0] == before
