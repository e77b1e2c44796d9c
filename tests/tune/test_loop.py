"""The loop's promises: the plain formula's gradients, and the same result however a run is cut."""

from __future__ import annotations

import copy
import dataclasses
import datetime
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from support.tiny_models import make_records
from tunewright.errors import DataError, ModelError
from tunewright.records.record import Record
from tunewright.run.files import read_jsonl
from tunewright.run.progress import Progress
from tunewright.tune.batches import micro_batches, steps_of_epoch
from tunewright.tune.config import TuneConfig
from tunewright.tune.conversation import Role
from tunewright.tune.examples import Example, make_examples
from tunewright.tune.loop import accumulate_gradients, schedule_factor
from tunewright.tune.measure import example_losses
from tunewright.tune.model import load_model, load_tokenizer
from tunewright.tune.network import Network
from tunewright.tune.objective import Objective
from tunewright.tune.objective_names import parse_objective
from tunewright.tune.roles import Renderer
from tunewright.tune.stage import tune
from tunewright.tune.templates import TUNEWRIGHT

SHARED = Path(__file__).resolve().parents[2].parent / "shared"


@pytest.fixture(scope="module")
def examples(records: list[Record], tiny_tokenizer: Any) -> tuple[Example, ...]:
    made = make_examples(records, Renderer(tiny_tokenizer), max_tokens=512, explanation=True)
    assert not made.dropped
    return made.kept


@pytest.fixture(scope="module")
def network(tiny_tokenizer: Any) -> Network:
    return Network.prepare(load_model("scratch:tiny", tiny_tokenizer, seed=1), dtype=torch.float32)


def gradients(network: Network) -> list[torch.Tensor]:
    return [p.grad.clone() for p in network.model.parameters() if p.grad is not None]


def ours(
    network: Network, examples: Any, objective: Objective, pack_tokens: int
) -> tuple[float, list[torch.Tensor]]:
    network.model.zero_grad()
    sums = accumulate_gradients(network, examples, objective=objective, pack_tokens=pack_tokens)
    return sums.loss, gradients(network)


def plain(network: Network, examples: Any, objective: Objective) -> tuple[float, list[torch.Tensor]]:
    """The same loss through transformers' own forward with labels, one example at a time."""
    model = network.model
    before = model.config._attn_implementation
    if network.packed:
        model.set_attn_implementation("sdpa")
    model.zero_grad()
    masks = [torch.from_numpy(objective.token_weights(example.roles)) != 0 for example in examples]
    divisor = sum(int(mask.sum()) for mask in masks)
    total = 0.0
    for example, mask in zip(examples, masks, strict=True):
        ids = torch.from_numpy(example.ids)[None]
        labels = torch.where(mask, ids[0], torch.full_like(ids[0], -100))[None]
        loss = model(input_ids=ids, labels=labels).loss * int(mask.sum()) / divisor
        loss.backward()
        total += loss.item()
    if network.packed:
        model.set_attn_implementation(before)
    return total, gradients(network)


def assert_close(found: list[torch.Tensor], expected: list[torch.Tensor], atol: float = 1e-5) -> None:
    for a, b in zip(found, expected, strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=atol)


@pytest.mark.parametrize("name", ["it", "im"])
def test_loss_and_gradients_equal_a_plain_transformers_forward(
    network: Network, examples: tuple[Example, ...], name: str
) -> None:
    objective = parse_objective(name)
    loss, found = ours(network, examples, objective, 4096)
    expected_loss, expected = plain(network, examples, objective)
    assert loss == pytest.approx(expected_loss, abs=1e-5)
    assert_close(found, expected)


@pytest.mark.parametrize("normalisation", ["token_mean", "weight_mean", "example_mean", "sum"])
def test_any_micro_batch_split_gives_the_same_loss_and_gradients(
    network: Network, examples: tuple[Example, ...], normalisation: str
) -> None:
    objective = parse_objective("im", normalisation=normalisation)
    whole, expected = ours(network, examples, objective, 10**6)
    scale = max(1.0, max(float(g.abs().max()) for g in expected))
    for pack_tokens in (8, 64, 301):
        loss, found = ours(network, examples, objective, pack_tokens)
        assert loss == pytest.approx(whole, rel=1e-6)
        assert_close(found, expected, atol=1e-5 * scale)


def test_any_order_within_the_pack_gives_the_same_loss_and_gradients(
    network: Network, examples: tuple[Example, ...]
) -> None:
    weighted = [dataclasses.replace(example, weight=1 + index / 4) for index, example in enumerate(examples)]
    objective = parse_objective("plw:0.25", normalisation="weight_mean")
    whole, expected = ours(network, weighted, objective, 10**6)
    for order in np.random.default_rng(0).permuted(np.tile(np.arange(len(weighted)), (3, 1)), axis=1):
        loss, found = ours(network, [weighted[index] for index in order], objective, 300)
        assert loss == pytest.approx(whole, rel=1e-6)
        assert_close(found, expected)


def test_im_with_weight_0_gives_its_gradients_bit_for_bit(
    network: Network, examples: tuple[Example, ...]
) -> None:
    it, zero = (ours(network, examples, parse_objective(name), 200) for name in ("it", "im:0"))
    assert it[0] == zero[0]
    assert all(torch.equal(a, b) for a, b in zip(it[1], zero[1], strict=True))


def test_a_padded_layout_gives_what_the_packed_one_gives(
    network: Network, examples: tuple[Example, ...]
) -> None:
    """Models whose attention cannot be replaced run right-padded; causal attention keeps that exact."""
    objective = parse_objective("im")
    packed = ours(network, examples, objective, 300)
    network.model.set_attn_implementation("sdpa")
    padded = ours(dataclasses.replace(network, packed=False), examples, objective, 300)
    network.model.set_attn_implementation("tunewright_per_document")
    assert padded[0] == pytest.approx(packed[0], abs=1e-5)
    assert_close(padded[1], packed[1])


def test_the_full_logits_path_gives_what_the_tiled_head_gives(
    network: Network, examples: tuple[Example, ...]
) -> None:
    objective = parse_objective("it")
    tiled = ours(network, examples, objective, 300)
    full = ours(dataclasses.replace(network, plain_head=False), examples, objective, 300)
    assert full[0] == pytest.approx(tiled[0], abs=1e-5)
    assert_close(full[1], tiled[1])


def test_only_weighted_rows_reach_the_head(examples: tuple[Example, ...]) -> None:
    objective = parse_objective("it")
    weights = [objective.token_weights(example.roles) for example in examples]
    micros = list(micro_batches(examples, weights, pack_tokens=10**6, packed=True))
    rows = sum(len(micro.rows_N) for micro in micros)
    assert rows == sum(example.count(Role.OUTPUT, Role.EXPLANATION, Role.EOS) for example in examples)


def test_no_target_is_the_first_token_of_a_document(examples: tuple[Example, ...]) -> None:
    """Across a boundary the last token of one document would predict the first of the next."""
    objective = parse_objective("im")
    weights = [objective.token_weights(example.roles) for example in examples]
    for micro in micro_batches(examples, weights, pack_tokens=10**6, packed=True):
        starts = np.cumsum([0, *micro.lengths[:-1]])
        targets = micro.rows_N.numpy() + 1
        assert not set(starts.tolist()) & set(targets.tolist())


def test_the_order_is_a_permutation_that_depends_on_seed_and_epoch() -> None:
    rows = [
        np.concatenate(steps_of_epoch(10, batch_size=4, seed=s, epoch=e)).tolist()
        for s, e in ((1, 0), (1, 1), (2, 0))
    ]
    assert all(sorted(order) == list(range(10)) for order in rows)
    assert rows[0] != rows[1] != rows[2]
    assert [len(step) for step in steps_of_epoch(10, batch_size=4, seed=1, epoch=0)] == [4, 4, 2]


def test_the_measured_loss_does_not_depend_on_the_batch_size(
    network: Network, examples: tuple[Example, ...]
) -> None:
    one = example_losses(network, examples, pack_tokens=8)
    all_ = example_losses(network, examples, pack_tokens=10**6)
    for a, b in zip(one, all_, strict=True):
        assert a.id == b.id
        assert a.groups.keys() == b.groups.keys()
        for name in a.groups:
            assert a.groups[name].num_tokens == b.groups[name].num_tokens
            assert a.groups[name].nll == pytest.approx(b.groups[name].nll, abs=1e-4)


def test_the_measured_output_loss_is_the_mean_over_output_tokens(
    network: Network, examples: tuple[Example, ...]
) -> None:
    example = examples[1]
    network.model.eval()
    with torch.no_grad():
        logits = network.model(input_ids=torch.from_numpy(example.ids)[None]).logits[0]
    network.model.train()
    nll = torch.nn.functional.cross_entropy(logits[:-1], torch.from_numpy(example.ids[1:]), reduction="none")
    expected = nll[torch.from_numpy(example.roles[1:] == Role.OUTPUT)].mean().item()
    assert example_losses(network, [example], pack_tokens=512)[0].groups["output"].mean == pytest.approx(
        expected, abs=1e-5
    )


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        ("constant", [0.5, 1, 1, 1, 1]),
        ("linear", [0.5, 1, 1, 2 / 3, 1 / 3]),
        ("cosine", [0.5, 1, 1, 0.75, 0.25]),
    ],
)
def test_schedules_warm_up_and_then_decay(schedule: str, expected: list[float]) -> None:
    """Five steps, two of warm-up; then 3, 2, 1 thirds are left (cosine: (1+cos(π·k/3))/2)."""
    config = TuneConfig.model_validate({"schedule": schedule, "warmup": 0.4})
    assert [schedule_factor(step, 5, config) for step in range(5)] == pytest.approx(expected)


class Killed(Exception):
    pass


class KillAt:
    """A progress sink that stops the run at the n-th step, as a kill between two steps would."""

    def __init__(self, steps: int) -> None:
        self.left = steps

    def __call__(self, event: Any) -> None:
        if event.kind == "advance" and event.unit == "steps":
            self.left -= 1
            if self.left == 0:
                raise Killed


class EveryEvent(Progress):
    """Progress without thinning, so that a test can stop at an exact step."""

    def advance(self, n: int = 1, **fields: Any) -> None:
        self._last_sent = float("-inf")
        super().advance(n, **fields)


EXTRAS: list[dict[str, Any]] = [
    {},
    {"lora": 4},
    {"neftune": 5.0},
    {"kl": 0.1},
    {"lora": 4, "kl": 1.0, "neftune": 5.0, "objective": "plw:0.25"},
]


@pytest.mark.filterwarnings("ignore:.*is_gradient_checkpointing:FutureWarning")  # peft's own
@pytest.mark.parametrize("extra", EXTRAS)
def test_a_resumed_run_equals_an_uninterrupted_one_exactly(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, extra: dict[str, Any]
) -> None:
    """Killed in the middle of epoch 2 of 3: the same weights, metrics and losses, byte for byte."""
    monkeypatch.setattr("tunewright.tune.clock.CHECKPOINT_SECONDS", 0.0)
    monkeypatch.setattr("tunewright.tune.clock.CHECKPOINT_PAUSE", 0.0)
    records = make_records(30)
    config = TuneConfig.model_validate({"epochs": 3, "batch_size": 8, "objective": "im", "lr": 1e-3, **extra})
    heldout = {"heldout": records[24:]}
    tune(config, records[:24], tmp_path / "whole", heldout=heldout)
    with pytest.raises(Killed):
        tune(config, records[:24], tmp_path / "cut", heldout=heldout, progress=EveryEvent(KillAt(5)))
    assert not (tmp_path / "cut/manifest.json").exists()
    tune(config, records[:24], tmp_path / "cut", heldout=heldout)
    for name in ("model/model.safetensors", "metrics.jsonl", "losses/epoch-3.jsonl", "losses/epoch-1.jsonl"):
        assert (tmp_path / "whole" / name).read_bytes() == (tmp_path / "cut" / name).read_bytes(), name
    assert len(list(read_jsonl(tmp_path / "cut/metrics.jsonl"))) == 9


def test_examples_without_weight_are_counted_and_add_a_finite_zero(
    network: Network, examples: tuple[Example, ...]
) -> None:
    """Two of the rows have a record weight of 0: a step of them alone has the loss 0 and no gradient."""
    empty = [dataclasses.replace(example, weight=0.0) for example in examples[:2]]
    network.model.zero_grad()
    both = accumulate_gradients(
        network, [*empty, examples[2]], objective=parse_objective("it"), pack_tokens=300
    )
    assert (both.num_without, both.num_tokens) == (
        2,
        examples[2].count(Role.OUTPUT, Role.EXPLANATION, Role.EOS),
    )
    none = accumulate_gradients(network, empty, objective=parse_objective("it"), pack_tokens=300)
    assert (none.loss, none.num_tokens, none.num_without) == (0.0, 0, 2)


def test_another_number_of_trained_tokens_than_the_masks_have_aborts(
    network: Network, examples: tuple[Example, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    def loses_one(*args: Any, **given: Any) -> Any:
        *first, last = micro_batches(*args, **given)
        yield from first
        yield dataclasses.replace(
            last,
            rows_N=last.rows_N[1:],
            targets_N=last.targets_N[1:],
            coefficients_N=last.coefficients_N[1:],
        )

    monkeypatch.setattr("tunewright.tune.loop.micro_batches", loses_one)
    with pytest.raises(ModelError, match=r"\d+ tokens were trained on where the masks have \d+"):
        accumulate_gradients(network, examples, objective=parse_objective("it"), pack_tokens=300)


def test_cut_rows_keep_their_beginning_and_are_counted(tiny_tokenizer: Any) -> None:
    """Cut rows lose their end of turn; a row cut within its prompt has nothing to learn and goes."""
    renderer = Renderer(tiny_tokenizer)
    records = [
        Record("short", "Say.", "Yes."),
        Record("long answer", "Say.", "yes " * 50),
        Record("long prompt", "say " * 50, "Yes."),
    ]
    whole = {e.id: e for e in make_examples(records, renderer, max_tokens=512, explanation=True).kept}
    made = make_examples(records, renderer, max_tokens=32, explanation=True, too_long="cut")
    assert [example.id for example in made.kept] == ["short", "long answer"]
    assert made.num_cut == 1
    assert made.kept[1].ids.tolist() == whole["long answer"].ids[:32].tolist()
    assert made.kept[1].count(Role.EOS) == 0
    assert [(drop.id, drop.reason) for drop in made.dropped] == [("long prompt", "no output token")]


def test_a_row_that_loses_only_what_follows_its_end_has_lost_nothing(tiny_tokenizer: Any) -> None:
    """The template writes a line break after the stop token."""
    renderer = Renderer(tiny_tokenizer)
    record = Record("long enough", "Say it.", "Yes, and yes again.")
    whole = make_examples([record], renderer, max_tokens=64, explanation=True).kept[0]
    assert whole.roles[-2:].tolist() == [Role.EOS, Role.SEPARATOR]
    for tokens, num_cut in ((len(whole) - 1, 0), (len(whole) - 2, 1)):
        made = make_examples([record], renderer, max_tokens=tokens, explanation=True, too_long="cut")
        assert made.num_cut == num_cut


def test_record_weights_come_from_a_column_and_what_is_none_is_dropped_by_name(tiny_tokenizer: Any) -> None:
    values: list[Any] = [2, 0.5, 0, -1, "1", None, True, 1e39, "x"]
    records = [Record(str(n), "Say.", "Yes.", meta={"w": value}) for n, value in enumerate(values)]
    made = make_examples(
        records, Renderer(tiny_tokenizer), max_tokens=64, explanation=True, weight_column="w"
    )
    assert [example.weight for example in made.kept] == [2.0, 0.5, 0.0, 1.0]  # a CSV file's are texts
    assert {drop.reason for drop in made.dropped} == {"no weight"}
    assert made.dropped[0].detail == "column 'w' holds -1, not 0 or a number from 1e-6 to 1e6"


def test_a_finished_arm_is_not_run_again(tmp_path: Path) -> None:
    records = make_records(8)
    config = TuneConfig(epochs=1)
    first = tune(config, records, tmp_path / "arm")
    assert tune(config, records, tmp_path / "arm", progress=EveryEvent(KillAt(1))) == first


def test_the_saved_model_loads_and_stops_at_its_end_token(tmp_path: Path) -> None:
    """One fact, learnt by heart: the loaded model answers it and stops by itself."""
    from transformers import AutoModelForCausalLM, AutoTokenizer

    records = [Record("a", "Say yes.", "Yes."), Record("b", "Say no.", "No.")]
    manifest = tune(TuneConfig(epochs=30, batch_size=2), records, tmp_path / "arm")
    model = AutoModelForCausalLM.from_pretrained(tmp_path / "arm/model")
    tokenizer = AutoTokenizer.from_pretrained(tmp_path / "arm/model")
    prompt = tokenizer.apply_chat_template(
        [{"role": "user", "content": "Say no."}],
        add_generation_prompt=True,
        return_tensors="pt",
        return_dict=True,
    )
    out = model.generate(**prompt, max_new_tokens=20, do_sample=False)[0, prompt["input_ids"].shape[1] :]
    assert tokenizer.decode(out) == "No.<|end|>"
    assert manifest["extra"]["stop_token"] == "<|end|>"


@pytest.mark.parametrize("packed", [True, False])
def test_padding_with_the_end_token_masks_no_end(
    records: list[Record], tiny_tokenizer: Any, packed: bool
) -> None:
    """Where the end token also pads, as in many tokenizers, the end of every answer is trained on."""
    tokenizer = copy.deepcopy(tiny_tokenizer)
    tokenizer.pad_token = tokenizer.eos_token
    made = make_examples(records, Renderer(tokenizer), max_tokens=512, explanation=True).kept
    objective = parse_objective("it")
    coefficients = objective.coefficients([example.roles for example in made])
    micros = list(micro_batches(made, coefficients, pack_tokens=600, packed=packed))
    ends = sum(int((micro.targets_N == tokenizer.eos_token_id).sum()) for micro in micros)
    assert ends == sum(example.count(Role.EOS) for example in made) >= len(made)


def test_a_loss_that_explodes_names_the_step_and_the_way_out(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"at step \d+; try a lower --lr"):
        tune(TuneConfig(lr=1e30, epochs=20, clip=1e30), make_records(8), tmp_path / "arm")


@pytest.mark.parametrize("name", ["stories260K", "tinystories-instruct-3m-chat"])
def test_real_models_give_the_plain_gradients_too(records: list[Record], name: str) -> None:
    """A Llama that packs, and a GPT-Neo whose own attention makes it run padded."""
    folder = SHARED / "models" / name
    if not folder.exists():
        pytest.skip("the shared models are not beside this checkout")
    from tunewright.tune.templates import TULU

    tokenizer = load_tokenizer(str(folder), records)
    examples = make_examples(
        records, Renderer(tokenizer, chat_template=TULU), max_tokens=250, explanation=True
    ).kept
    network = Network.prepare(load_model(str(folder), tokenizer, seed=0), dtype=torch.float32)
    assert network.packed == (name == "stories260K")
    for objective in (parse_objective("it"), parse_objective("im")):
        loss, found = ours(network, examples, objective, 500)
        expected_loss, expected = plain(network, examples, objective)
        assert loss == pytest.approx(expected_loss, abs=1e-5)
        assert_close(found, expected)


def test_a_resumed_run_keeps_its_number_of_threads(tmp_path: Path) -> None:
    """Sums in another number of threads round differently: the run goes on with the number it began with."""
    records = make_records(8)
    with pytest.raises(Killed):
        tune(TuneConfig(epochs=3), records, tmp_path / "arm", progress=EveryEvent(KillAt(2)))
    (tmp_path / "arm/threads.txt").write_text("2")
    manifest = tune(TuneConfig(epochs=3), records, tmp_path / "arm")
    assert manifest["extra"]["threads"] == 2
    assert torch.get_num_threads() == 1, "and what comes after it keeps its own"


def test_a_template_that_writes_the_date_is_told_that_of_the_first_day(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed on one day and gone on with on the next: the same rows and weights as without the night."""

    class Day(datetime.date):
        now = "2026-11-20"

        @classmethod
        def today(cls) -> Day:
            return cls.fromisoformat(cls.now)

    monkeypatch.setattr("tunewright.tune.stage.date", Day)
    monkeypatch.setattr("tunewright.tune.clock.CHECKPOINT_SECONDS", 0.0)
    template = "{{ strftime_now('%d %b %Y') }}\n" + TUNEWRIGHT
    config = TuneConfig.model_validate({"epochs": 2, "batch_size": 4, "chat_template": template})
    records = make_records(8)
    tune(config, records, tmp_path / "whole")
    with pytest.raises(Killed):
        tune(config, records, tmp_path / "cut", progress=EveryEvent(KillAt(2)))
    Day.now = "2026-11-21"
    tune(config, records, tmp_path / "cut")
    shown = json.loads((tmp_path / "cut/mask.json").read_text(encoding="utf-8"))[0]["tokens"]
    assert "".join(text for text, *_ in shown).startswith("20 Nov 2026")
    weights = [(tmp_path / name / "model/model.safetensors").read_bytes() for name in ("whole", "cut")]
    assert weights[0] == weights[1]


def test_rows_that_tokenise_otherwise_are_not_gone_on_with(tmp_path: Path) -> None:
    """Another version of the tokenizer may cut the same text into other tokens."""
    records = make_records(8)
    with pytest.raises(Killed):
        tune(TuneConfig(epochs=3), records, tmp_path / "arm", progress=EveryEvent(KillAt(2)))
    (tmp_path / "arm/rows.txt").write_text("of yesterday")
    with pytest.raises(DataError, match="do not tokenise as when this run began"):
        tune(TuneConfig(epochs=3), records, tmp_path / "arm")


def test_held_out_prompts_that_are_trained_on_are_counted(tmp_path: Path) -> None:
    records = make_records(12)
    manifest = tune(TuneConfig(epochs=1), records[:10], tmp_path / "arm", heldout={"mine": records[8:]})
    assert manifest["extra"]["heldout_prompts_in_training"] == {"mine": 2}


def test_a_held_out_set_of_which_nothing_is_left_is_an_error(tmp_path: Path) -> None:
    long = [Record("long", "word " * 600, "x")]
    with pytest.raises(DataError, match=r"held-out set 'mine' is left; the first, long: too long"):
        tune(TuneConfig(max_tokens=512), make_records(8), tmp_path / "arm", heldout={"mine": long})


@pytest.mark.filterwarnings("ignore:.*is_gradient_checkpointing:FutureWarning")  # peft's own
def test_an_adapter_is_kept_where_its_base_can_be_loaded(tmp_path: Path) -> None:
    """On a saved model: adapter on base equals the merged folder. A scratch base is nowhere to be found."""
    from peft import PeftModel
    from transformers import AutoModelForCausalLM

    records = make_records(8)
    tune(TuneConfig(epochs=1, lora=4), records, tmp_path / "scratch")
    assert not (tmp_path / "scratch/adapter").exists()
    base = str(tmp_path / "scratch/model")
    tune(TuneConfig(model=base, epochs=1, lora=4, lr=1e-2), records, tmp_path / "arm")
    adapted = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(base), tmp_path / "arm/adapter")
    merged = AutoModelForCausalLM.from_pretrained(tmp_path / "arm/model")
    ids = torch.arange(10, 30)[None]
    with torch.no_grad():
        theirs, ours = adapted(ids).logits, merged(ids).logits
        before = AutoModelForCausalLM.from_pretrained(base)(ids).logits
    torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-4)
    assert (ours - before).abs().max() > 1e-3, "the adapter has learnt something"


@pytest.mark.parametrize(
    "settings",
    [
        {"adapter": "dora"},
        {"lora_targets": "q_proj"},
        {"save": "adapter"},
        {"min_delta": 0.1},
        {"stop_on": "other"},
    ],
)
def test_a_setting_that_would_do_nothing_is_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="does nothing without"):
        TuneConfig.model_validate(settings)


def test_a_local_model_with_other_weights_is_another_input(tmp_path: Path) -> None:
    """The size of a weights file says nothing: two models of one shape have the same."""
    from tunewright.tune.model_input import model_input

    digests = []
    for seed in (1, 2, 1):
        torch.manual_seed(seed)
        (tmp_path / "model.safetensors").write_bytes(torch.randn(300, 300).numpy().tobytes())
        digests.append(model_input(str(tmp_path))["model"])
    assert digests[0] == digests[2] != digests[1]


def test_held_out_rows_need_no_record_weight(tmp_path: Path) -> None:
    weighted = [dataclasses.replace(record, meta={"w": 2}) for record in make_records(8)]
    manifest = tune(
        TuneConfig(epochs=1, record_weight="w"), weighted, tmp_path / "arm", heldout={"held": make_records(4)}
    )
    assert manifest["counts"]["heldout.held"] == 4
