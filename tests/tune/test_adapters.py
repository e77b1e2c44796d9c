"""Adapters: what they are put on, that the base stays within reach, and that saving changes no logit."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tunewright.errors import ModelError, RecipeError
from tunewright.records.record import Record
from tunewright.tune import adapters
from tunewright.tune.adapters import (
    Adapter,
    AdapterKind,
    Save,
    add_adapter,
    check_adapter,
    split_targets,
    without_adapter,
)
from tunewright.tune.batches import micro_batches
from tunewright.tune.conversation import Role
from tunewright.tune.examples import Example, make_examples
from tunewright.tune.model import enable_checkpointing, load_model, load_tokenizer, save_model
from tunewright.tune.network import Network
from tunewright.tune.roles import Renderer

pytestmark = pytest.mark.filterwarnings("ignore:.*is_gradient_checkpointing:FutureWarning")  # peft's own
IDS = torch.arange(10, 34)[None]
KINDS = [AdapterKind.LORA, AdapterKind.DORA]


@pytest.fixture(scope="module")
def examples(records: list[Record], tiny_tokenizer: Any) -> tuple[Example, ...]:
    return make_examples(records, Renderer(tiny_tokenizer), max_tokens=512, explanation=True).kept


@pytest.fixture(scope="module")
def base_folder(tiny_tokenizer: Any, tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("base") / "model"
    save(load_model("scratch:tiny", tiny_tokenizer, seed=3), tiny_tokenizer, folder)
    return str(folder)


def save(model: Any, tokenizer: Any, folder: Path, how: Save = Save.MERGED) -> None:
    save_model(model, tokenizer, folder, stop_ids=[2, 5], chat_template=tokenizer.chat_template, save=how)


def adapted(base: str, tokenizer: Any, adapter: Adapter) -> Any:
    """A base with an adapter that has learnt something: all its weights are moved at random."""
    model = add_adapter(load_model(base, tokenizer, seed=3), adapter, seed=4)
    torch.manual_seed(5)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if parameter.requires_grad:
                scale = 0.05 if "lora_" in name and "magnitude" not in name else 0.01
                parameter.add_(torch.randn_like(parameter) * scale)
    return model.eval()


@torch.no_grad()
def logits(model: Any) -> torch.Tensor:
    return model.eval()(IDS).logits


def trained(model: Any) -> set[str]:
    """The last parts of the names of the layers that have trainable weights."""
    names = [name for name, parameter in model.named_parameters() if parameter.requires_grad]
    return {name.split(".lora_")[0].rpartition(".")[2] for name in names}


ALL = {"q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"}


@pytest.mark.parametrize(
    ("targets", "expected", "num_layers"),
    [
        (None, ALL, 28),
        ("q_proj,v_proj", {"q_proj", "v_proj"}, 8),
        (["down_proj"], {"down_proj"}, 4),
        (["layers.1.mlp.up_proj"], {"up_proj"}, 1),
        (r".*layers\.[01]\.self_attn\.[qk]_proj", {"q_proj", "k_proj"}, 4),
    ],
)
def test_targets_are_suffixes_or_one_expression_over_whole_names(
    tiny_tokenizer: Any, targets: Any, expected: set[str], num_layers: int
) -> None:
    model = load_model("scratch:tiny", tiny_tokenizer, seed=3)
    model = add_adapter(model, Adapter(2, targets=targets), seed=4)
    assert trained(model) == expected
    assert sum("lora_A" in name for name, _ in model.named_parameters()) == num_layers


@pytest.mark.parametrize("targets", ["qproj", ["q_proj", "query"], r".*\.query", "mlp", "roj", []])
def test_a_target_that_matches_nothing_lists_the_names_there_are(tiny_tokenizer: Any, targets: Any) -> None:
    model = load_model("scratch:tiny", tiny_tokenizer, seed=3)
    expected = r"matches no linear layer; there are q_proj \(4\), k_proj \(4\), .*model\.layers\.0"
    with pytest.raises(ModelError, match=expected):
        add_adapter(model, Adapter(2, targets=targets), seed=4)


def test_the_head_takes_no_adapter(tiny_tokenizer: Any) -> None:
    """The tiled loss reads the head's weight itself, so an adapter on it would be passed over in silence."""
    model = load_model("scratch:tiny", tiny_tokenizer, seed=3)
    with pytest.raises(ModelError, match="'lm_head' is the model's head"):
        add_adapter(model, Adapter(2, targets="q_proj,lm_head"), seed=4)


def test_a_broken_expression_is_said_to_be_one() -> None:
    with pytest.raises(RecipeError, match="is no regular expression"):
        split_targets("(q_proj")


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_seed_gives_the_same_adapter_and_at_first_the_bases_logits(
    tiny_tokenizer: Any, kind: AdapterKind
) -> None:
    base = load_model("scratch:tiny", tiny_tokenizer, seed=3)
    expected = logits(base)
    one = add_adapter(base, Adapter(2, kind=kind), seed=4)
    torch.testing.assert_close(logits(one), expected, rtol=0, atol=1e-5)
    other = add_adapter(load_model("scratch:tiny", tiny_tokenizer, seed=3), Adapter(2, kind=kind), seed=4)
    assert all(torch.equal(a, b) for a, b in zip(one.parameters(), other.parameters(), strict=True))
    assert one.peft_config["default"].lora_alpha == 4


@pytest.mark.parametrize("kind", KINDS)
def test_without_its_adapter_the_model_is_the_base_bit_for_bit(
    base_folder: str, tiny_tokenizer: Any, kind: AdapterKind
) -> None:
    expected = logits(load_model(base_folder, tiny_tokenizer, seed=3))
    model = adapted(base_folder, tiny_tokenizer, Adapter(4, kind=kind))
    before = logits(model)
    with without_adapter(model):
        assert torch.equal(logits(model), expected)
    assert torch.equal(logits(model), before)
    assert (before - expected).abs().max() > 1e-2


def test_a_reference_taken_between_forward_and_backward_leaves_the_gradients_alone(
    base_folder: str, tiny_tokenizer: Any
) -> None:
    """As a KL term does it: the adapter is off while the graph of the first forward is waiting."""

    def gradients(reference: bool) -> list[torch.Tensor]:
        model = adapted(base_folder, tiny_tokenizer, Adapter(4)).train()
        enable_checkpointing(model)
        loss = model(IDS, labels=IDS).loss
        if reference:
            with without_adapter(model), torch.no_grad():
                model(IDS)
        loss.backward()
        return [p.grad for p in model.parameters() if p.requires_grad]

    without, between = gradients(False), gradients(True)
    assert len(without) == 56
    assert all(torch.equal(a, b) for a, b in zip(without, between, strict=True))


@pytest.mark.parametrize("kind", KINDS)
def test_a_merged_model_is_an_ordinary_folder_with_the_same_logits(
    base_folder: str, tiny_tokenizer: Any, tmp_path: Path, kind: AdapterKind
) -> None:
    from transformers import AutoModelForCausalLM

    model = adapted(base_folder, tiny_tokenizer, Adapter(4, kind=kind))
    expected = logits(model)
    save(model, tiny_tokenizer, tmp_path / "arm/model")
    loaded = AutoModelForCausalLM.from_pretrained(tmp_path / "arm/model")
    torch.testing.assert_close(logits(loaded), expected, rtol=0, atol=1e-5)
    assert loaded.generation_config.eos_token_id == [2, 5]
    assert (tmp_path / "arm/adapter/adapter_model.safetensors").exists()


@pytest.mark.parametrize("kind", KINDS)
def test_an_adapter_saved_alone_loads_from_anywhere(
    base_folder: str, tiny_tokenizer: Any, tmp_path: Path, kind: AdapterKind, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Through transformers and through `load_model`; the base was named by a path from another folder."""
    from transformers import AutoModelForCausalLM, GenerationConfig

    monkeypatch.chdir(Path(base_folder).parent)
    model = adapted("./model", tiny_tokenizer, Adapter(4, kind=kind, targets="q_proj,up_proj"))
    expected = logits(model)
    folder = tmp_path / "arm/model"
    save(model, tiny_tokenizer, folder, Save.ADAPTER)
    monkeypatch.chdir(tmp_path)
    assert not list(folder.glob("model*.safetensors"))
    torch.testing.assert_close(
        logits(AutoModelForCausalLM.from_pretrained(folder)), expected, rtol=0, atol=1e-5
    )
    tokenizer = load_tokenizer(str(folder), [])
    assert tokenizer.chat_template == tiny_tokenizer.chat_template
    merged = load_model(str(folder), tokenizer, seed=0)
    torch.testing.assert_close(logits(merged), expected, rtol=0, atol=1e-5)
    assert merged.config._name_or_path == ""
    assert GenerationConfig.from_pretrained(folder).eos_token_id == [2, 5]


def test_gpt2_layers_that_are_stored_the_other_way_round_take_an_adapter(tmp_path: Path) -> None:
    from transformers import GPT2Config, GPT2LMHeadModel

    torch.manual_seed(0)
    model = GPT2LMHeadModel(GPT2Config(vocab_size=64, n_positions=64, n_embd=16, n_layer=1, n_head=2)).eval()
    expected = logits(model)
    model = add_adapter(model, Adapter(2, targets="c_attn,c_proj"), seed=1)
    torch.testing.assert_close(logits(model), expected, rtol=0, atol=1e-5)
    assert trained(model) == {"c_attn", "c_proj"}


@pytest.mark.parametrize(
    ("spec", "adapter", "how", "error"),
    [
        ("scratch:tiny", Adapter(4), Save.ADAPTER, "nowhere to be loaded from"),
        ("x", None, Save.ADAPTER, "without an adapter there is none to save"),
        ("x", Adapter(0), Save.MERGED, "rank of an adapter is at least 1"),
        ("x", Adapter(4, kind=AdapterKind.QLORA), Save.MERGED, "cannot be merged without changing"),
        ("scratch:tiny", Adapter(4, kind=AdapterKind.QLORA), Save.ADAPTER, "scratch:tiny"),
    ],
)
def test_what_could_not_be_saved_is_refused_at_once(
    spec: str, adapter: Adapter | None, how: Save, error: str
) -> None:
    with pytest.raises((RecipeError, ModelError), match=error):
        check_adapter(spec, adapter, how)


def test_an_adapter_on_an_adapter_is_merged_or_refused(
    base_folder: str, tiny_tokenizer: Any, tmp_path: Path
) -> None:
    folder = str(tmp_path / "arm/model")
    save(adapted(base_folder, tiny_tokenizer, Adapter(4)), tiny_tokenizer, Path(folder), Save.ADAPTER)
    with pytest.raises(RecipeError, match="is an adapter itself"):
        check_adapter(folder, Adapter(4), Save.ADAPTER)
    again = adapted(folder, tiny_tokenizer, Adapter(4))
    expected = logits(again)
    save(again, tiny_tokenizer, tmp_path / "second/model")
    assert not (tmp_path / "second/adapter").exists()
    torch.testing.assert_close(
        logits(load_model(str(tmp_path / "second/model"), tiny_tokenizer, seed=0)),
        expected,
        rtol=0,
        atol=1e-5,
    )


def test_qlora_without_its_package_says_what_to_install(
    base_folder: str, tiny_tokenizer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(adapters.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ModelError, match="pip install bitsandbytes"):
        check_adapter(base_folder, Adapter(4, kind=AdapterKind.QLORA), Save.ADAPTER)
    with pytest.raises(ModelError, match="pip install bitsandbytes"):
        load_model(base_folder, tiny_tokenizer, seed=0, quantised=True)


def test_qlora_on_a_cpu_is_refused(base_folder: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(adapters.importlib.util, "find_spec", lambda name: object())
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(ModelError, match="qlora needs a CUDA device"):
        check_adapter(base_folder, Adapter(4, kind=AdapterKind.QLORA), Save.ADAPTER)


@pytest.mark.gpu
def test_qlora_trains_on_four_bit_layers_and_is_loaded_as_it_was_trained(
    tiny_tokenizer: Any, tmp_path: Path
) -> None:
    """After the probes in evaluation mode, as in a run."""
    bitsandbytes = pytest.importorskip("bitsandbytes")
    from transformers import AutoModelForCausalLM, LlamaConfig, LlamaForCausalLM

    torch.manual_seed(0)
    sizes = {"hidden_size": 128, "intermediate_size": 256, "num_hidden_layers": 2, "num_attention_heads": 4}
    base = LlamaForCausalLM(LlamaConfig(vocab_size=len(tiny_tokenizer), **sizes))
    save(base, tiny_tokenizer, tmp_path / "base")
    model = load_model(str(tmp_path / "base"), tiny_tokenizer, seed=0, quantised=True)
    assert isinstance(model.model.layers[0].mlp.up_proj, bitsandbytes.nn.Linear4bit)
    model = add_adapter(model, Adapter(4, kind=AdapterKind.QLORA), seed=1).train()
    network = Network.prepare(model, dtype=torch.bfloat16)
    assert network.packed
    assert network.plain_head
    optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=1e-2)
    losses = []
    for _ in range(5):
        loss = model(IDS.to(model.device), labels=IDS.to(model.device)).loss
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        losses.append(float(loss.detach()))
    assert losses[-1] < losses[0] - 0.1
    save(model, tiny_tokenizer, tmp_path / "model", Save.ADAPTER)
    loaded = AutoModelForCausalLM.from_pretrained(tmp_path / "model", **adapters.quantised_loading())
    torch.testing.assert_close(logits(loaded).float(), logits(model).float(), rtol=0, atol=0.1)


@pytest.mark.parametrize("adapter", [None, Adapter(4, dropout=0.5)])
def test_checkpointing_leaves_loss_and_gradients_as_they_are(
    base_folder: str, tiny_tokenizer: Any, examples: tuple[Example, ...], adapter: Adapter | None
) -> None:
    """Through packed documents and the tiled head; dropout draws the same numbers again."""

    def taken(checkpointing: bool) -> tuple[float, list[torch.Tensor], int]:
        model = load_model(base_folder, tiny_tokenizer, seed=0)
        if adapter is not None:
            model = add_adapter(model, adapter, seed=1)
        if checkpointing:
            enable_checkpointing(model)
        network = Network.prepare(model, dtype=torch.float32)
        assert network.packed
        assert network.plain_head
        weights = [(example.roles == Role.OUTPUT).astype(np.float32) for example in examples]
        kept: list[int] = []
        loss = 0.0
        torch.manual_seed(7)
        for micro in micro_batches(examples, weights, pack_tokens=300, packed=True):
            with torch.autograd.graph.saved_tensors_hooks(lambda t: kept.append(t.nbytes) or t, lambda t: t):
                part = network.loss(micro).total
            part.backward()
            loss += float(part.detach())
        grads = [p.grad for p in model.parameters() if p.grad is not None]
        return loss, grads, sum(kept)

    plain, checkpointed = taken(False), taken(True)
    assert checkpointed[0] == plain[0]
    assert len(plain[1]) == (38 if adapter is None else 56)
    assert all(torch.equal(a, b) for a, b in zip(plain[1], checkpointed[1], strict=True))
    assert checkpointed[2] < plain[2] / 2, "less is kept for the backward pass"


def test_a_model_without_checkpointing_is_said_to_have_none() -> None:
    from transformers import PreTrainedConfig, PreTrainedModel

    class Bare(PreTrainedModel):
        config_class = PreTrainedConfig

        def __init__(self) -> None:
            super().__init__(PreTrainedConfig())

    with pytest.raises(ModelError, match="Bare has no gradient checkpointing; leave it off"):
        enable_checkpointing(Bare())


def test_weights_load_in_the_type_asked_for(base_folder: str, tiny_tokenizer: Any) -> None:
    assert load_model(base_folder, tiny_tokenizer, seed=0).dtype == torch.float32
    assert load_model(base_folder, tiny_tokenizer, seed=0, dtype=torch.bfloat16).dtype == torch.bfloat16
    assert load_model("scratch:tiny", tiny_tokenizer, seed=0, dtype=torch.bfloat16).dtype == torch.bfloat16


def test_an_adapter_as_wide_as_its_layers_is_refused(base_folder: str, tiny_tokenizer: Any) -> None:
    """scratch:tiny is 128 wide: 127 is still an adapter, 128 is no longer one."""
    add_adapter(load_model(base_folder, tiny_tokenizer, seed=1), Adapter(127), seed=1)
    with pytest.raises(ModelError, match=r"as wide as the layers themselves \(128\)"):
        add_adapter(load_model(base_folder, tiny_tokenizer, seed=1), Adapter(128), seed=1)


def test_the_saved_settings_name_the_layers_in_one_order(
    base_folder: str, tiny_tokenizer: Any, tmp_path: Path
) -> None:
    model = add_adapter(load_model(base_folder, tiny_tokenizer, seed=1), Adapter(4), seed=1)
    save(model, tiny_tokenizer, tmp_path / "model", Save.ADAPTER)
    named = json.loads((tmp_path / "model/adapter_config.json").read_text())["target_modules"]
    assert len(named) > 1
    assert named == sorted(named)
