"""The loss of single tokens: the same for any layout, and the same sums as the losses by group."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn.functional import cross_entropy

from tunewright.errors import RunFolderError
from tunewright.records.record import Record
from tunewright.tune.conversation import Role
from tunewright.tune.examples import Example, make_examples
from tunewright.tune.measure import example_losses
from tunewright.tune.network import Network
from tunewright.tune.objective_names import parse_objective
from tunewright.tune.roles import Renderer
from tunewright.tune.scratch import scratch_model
from tunewright.tune.token_losses import TokenWatch, choose, read_token_losses, token_losses, token_texts


@pytest.fixture(scope="module")
def renderer(tiny_tokenizer: Any) -> Renderer:
    return Renderer(tiny_tokenizer)


@pytest.fixture(scope="module")
def examples(records: list[Record], renderer: Renderer) -> tuple[Example, ...]:
    return make_examples(records, renderer, max_tokens=512, explanation=True).kept


@pytest.fixture(scope="module")
def network(tiny_tokenizer: Any) -> Network:
    torch.manual_seed(0)
    return Network.prepare(scratch_model("tiny", tiny_tokenizer).train(), dtype=torch.float32)


def test_each_loss_is_the_cross_entropy_of_the_model_read_alone(
    network: Network, examples: tuple[Example, ...]
) -> None:
    example = examples[0]
    (found,) = token_losses(network, [example], pack_tokens=512)
    network.model.eval()
    ids = torch.from_numpy(example.ids)
    with torch.no_grad():
        logits = network.model(input_ids=ids[None], use_cache=False).logits[0]
    network.model.train()
    expected = cross_entropy(logits[:-1], ids[1:], reduction="none").numpy()
    assert np.isnan(found[0])
    np.testing.assert_allclose(found[1:], expected, rtol=2e-5, atol=2e-5)


@pytest.mark.parametrize("packed", [True, False])
def test_losses_do_not_depend_on_how_examples_are_laid_out(
    network: Network, examples: tuple[Example, ...], packed: bool
) -> None:
    assert network.packed
    alone = token_losses(network, examples, pack_tokens=1)
    laid_out = Network(network.model, packed, network.plain_head, network.dtype)
    together = token_losses(laid_out, examples[::-1], pack_tokens=4000)[::-1]
    for one, other in zip(alone, together, strict=True):
        np.testing.assert_allclose(one, other, rtol=2e-5, atol=2e-5)


def test_training_mode_and_gradients_are_as_before(network: Network, examples: tuple[Example, ...]) -> None:
    network.model.train()
    token_losses(network, examples[:2], pack_tokens=512)
    assert network.model.training
    assert all(parameter.grad is None for parameter in network.model.parameters())


def test_tokens_add_up_to_the_losses_by_group(network: Network, examples: tuple[Example, ...]) -> None:
    by_token = token_losses(network, examples, pack_tokens=700)
    for example, nll, losses in zip(
        examples, by_token, example_losses(network, examples, pack_tokens=900), strict=True
    ):
        output = example.roles == Role.OUTPUT
        assert losses.groups["output"].num_tokens == int(output.sum())
        assert losses.groups["output"].nll == pytest.approx(float(nll[output].sum()), rel=1e-5)


def test_a_diverged_model_gives_nan_and_not_fewer_tokens(
    tiny_tokenizer: Any, examples: tuple[Example, ...]
) -> None:
    model = scratch_model("tiny", tiny_tokenizer)
    broken = Network.prepare(model, dtype=torch.float32)
    with torch.no_grad():
        next(model.parameters()).fill_(float("nan"))
    (losses,) = example_losses(broken, examples[:1], pack_tokens=512)
    assert np.isnan(losses.groups["output"].nll)
    assert losses.groups["output"].num_tokens == examples[0].count(Role.OUTPUT)


def test_the_chosen_examples_do_not_depend_on_their_order(examples: tuple[Example, ...]) -> None:
    chosen = choose(examples, 5)
    assert len(chosen) == 5
    assert [e.id for e in choose(examples[::-1], 5)] == [e.id for e in chosen]
    assert all(len(e) <= 30 for e in choose(examples, 99, longest=30))


def test_texts_are_the_rendering_also_of_a_cut_example(records: list[Record], renderer: Renderer) -> None:
    (whole,) = make_examples(records[:1], renderer, max_tokens=512, explanation=True).kept
    texts = token_texts(whole, records[0], renderer, explanation=True)
    assert records[0].output in "".join(texts)
    cut = Example(whole.id, whole.ids[:-3], whole.roles[:-3])
    assert token_texts(cut, records[0], renderer, explanation=True) == texts[:-3]


def test_without_its_record_a_token_is_decoded_by_itself(records: list[Record], renderer: Renderer) -> None:
    (example,) = make_examples(records[:1], renderer, max_tokens=512, explanation=True).kept
    texts = token_texts(example, records[1], renderer, explanation=True)
    assert len(texts) == len(example)
    assert texts[5] == renderer.tokenizer.decode([int(example.ids[5])])


def test_the_watch_writes_each_epoch_once(
    records: list[Record],
    renderer: Renderer,
    examples: tuple[Example, ...],
    network: Network,
    tmp_path: Path,
) -> None:
    objective = parse_objective("plw:0.25")
    heavy = [Example(e.id, e.ids, e.roles, weight=2.0) for e in examples]
    watch = TokenWatch(
        {"train": heavy[:12], "heldout": heavy[12:]},
        {"train": records[:12], "heldout": records[12:]},
        renderer,
        objective,
        tmp_path,
        explanation=True,
        pack_tokens=512,
    )
    watch.measure(network, 0)
    file = tmp_path / "tokens" / "epoch-0.jsonl"
    before = file.read_bytes()
    rows = read_token_losses(file)
    assert [row.set for row in rows].count("train") == 8
    assert {row.set for row in rows} == {"train", "heldout"}
    for row in rows:
        assert row.nll[0] is None
        assert None not in row.nll[1:]
        by_role = dict(zip(row.roles, row.weights, strict=True))
        assert by_role["instruction"] == 0.5
        assert by_role["output"] == 2.0
    watch.measure(network, 0)
    assert file.read_bytes() == before


def test_a_file_of_something_else_is_refused_with_its_line(tmp_path: Path) -> None:
    file = tmp_path / "epoch-0.jsonl"
    file.write_text('{"set":"train"}\n')
    with pytest.raises(RunFolderError, match=r"epoch-0\.jsonl:1: not the tokens"):
        read_token_losses(file)
