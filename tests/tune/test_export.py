"""Rows for other trainers: exact ids and labels, the same loss there as here, or a refusal with a reason."""

from __future__ import annotations

import importlib.util
import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType
from typing import Any

import datasets
import numpy as np
import pyarrow.parquet as pq
import pytest
import torch
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from support.tiny_models import chatml, make_records
from tunewright.errors import DataError, ModelError, RecipeError, RunFolderError
from tunewright.records.record import Record
from tunewright.run.config import parse_config
from tunewright.run.files import read_jsonl
from tunewright.tune.config import TuneConfig
from tunewright.tune.conversation import Role
from tunewright.tune.examples import Example
from tunewright.tune.exports import rows as rows_module
from tunewright.tune.exports.config import ExportConfig
from tunewright.tune.exports.stage import export_tokens
from tunewright.tune.exports.targets import target_of
from tunewright.tune.loop import accumulate_gradients
from tunewright.tune.model import load_model
from tunewright.tune.network import Network
from tunewright.tune.objective_names import parse_objective
from tunewright.tune.prepare import prepare
from tunewright.tune.scratch import scratch_model

STEP = 8  # examples of an optimizer step


def config_of(to: str, objective: str = "im", **changes: Any) -> ExportConfig:
    outer = {name: changes.pop(name) for name in ("packing", "rows") if name in changes}
    tune = TuneConfig(model="scratch:tiny", objective=objective, batch_size=STEP, max_tokens=256, **changes)
    return ExportConfig(to=to, tune=tune, **outer)  # type: ignore[arg-type]


def read(folder: Path) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = pq.read_table(folder / "data/train.parquet").to_pylist()
    return rows


# --- what is in the rows


@pytest.mark.parametrize(
    ("objective", "roles"),
    [
        ("it", {Role.OUTPUT, Role.EXPLANATION, Role.EOS}),
        ("im", {Role.OUTPUT, Role.EXPLANATION, Role.EOS, Role.INSTRUCTION, Role.INPUT}),
        ("plw:1", {Role.OUTPUT, Role.EXPLANATION, Role.EOS, Role.INSTRUCTION, Role.INPUT}),
        ("instruction_only", {Role.INSTRUCTION, Role.INPUT}),
    ],
)
def test_a_label_is_the_token_where_its_role_has_loss_and_minus_100_elsewhere(
    tmp_path: Path, records: list[Record], objective: str, roles: set[Role]
) -> None:
    config = config_of("trl", objective)
    manifest = export_tokens(config, records, tmp_path / "x")
    kept = prepare(config.tune, records, {}).train.kept
    rows = read(tmp_path / "x")
    assert [row["id"] for row in rows] == [record.id for record in records]
    for row, example in zip(rows, kept, strict=True):
        assert row["input_ids"] == example.ids.tolist()
        wanted = [
            int(i) if role in roles else -100 for i, role in zip(example.ids, example.roles, strict=True)
        ]
        assert row["labels"] == [-100, *wanted[1:]]
    num_labels = sum(label != -100 for row in rows for label in row["labels"])
    assert manifest["counts"]["weighted_tokens"] == num_labels
    assert manifest["counts"]["tokens"] == sum(len(row["labels"]) for row in rows)


def test_jsonl_holds_what_parquet_holds(tmp_path: Path, records: list[Record]) -> None:
    export_tokens(config_of("hf", "plw:0.25"), records, tmp_path / "a")
    export_tokens(config_of("hf", "plw:0.25", rows="jsonl"), records, tmp_path / "b")
    lines = (tmp_path / "b/data/train.jsonl").read_text().splitlines()
    assert [json.loads(line) for line in lines] == read(tmp_path / "a")


def test_each_tool_gets_its_columns(tmp_path: Path, records: list[Record]) -> None:
    columns = {}
    for to in ("trl", "axolotl", "hf"):
        export_tokens(config_of(to), records, tmp_path / to)
        columns[to] = pq.read_schema(tmp_path / to / "data/train.parquet").names
    export_tokens(config_of("hf", "plw:.25"), records, tmp_path / "w")
    assert columns == {
        "trl": ["id", "input_ids", "labels"],
        "axolotl": ["input_ids", "attention_mask", "labels"],
        "hf": ["id", "input_ids", "labels"],
    }
    assert pq.read_schema(tmp_path / "w/data/train.parquet").names[3:] == ["weights", "divisor"]


def test_text_in_other_scripts_comes_through(tmp_path: Path) -> None:
    record = Record(id="r", instruction="把“小”换成“大”：مرحبا 🙂", output="שלום नमस्ते")
    export_tokens(config_of("hf"), [record], tmp_path / "x")
    tokenizer = module_of(tmp_path / "x").AutoTokenizer.from_pretrained(tmp_path / "x/tokenizer")
    row = read(tmp_path / "x")[0]
    answer = [label for label in row["labels"] if label != -100]
    assert tokenizer.decode(answer) == record.instruction + record.output + "<|end|>"


def test_what_cannot_be_trained_on_is_named_with_its_reason(tmp_path: Path, records: list[Record]) -> None:
    long = Record(id="long", instruction="x " * 3000, output="y")
    manifest = export_tokens(config_of("trl"), [*records, long], tmp_path / "x")
    assert manifest["counts"]["dropped"] == 1
    assert manifest["counts"]["rows"] == len(records)
    rejects = list(read_jsonl(tmp_path / "x/rejects.jsonl"))
    assert [(row["id"], row["reason"]) for row in rejects] == [("long", "too long")]


def test_the_tokenizer_carries_the_template_that_was_used(tmp_path: Path, records: list[Record]) -> None:
    manifest = export_tokens(config_of("trl", chat_template="tulu"), records, tmp_path / "x")
    template = (tmp_path / "x/tokenizer/chat_template.jinja").read_text()
    assert template.startswith("{% for message in messages %}<|{{ message.role }}|>")
    plain = export_tokens(config_of("trl"), records, tmp_path / "y")
    assert manifest["extra"]["template_sha256"] != plain["extra"]["template_sha256"]
    assert manifest["extra"]["tokenizer_sha256"] == plain["extra"]["tokenizer_sha256"]


def test_a_row_without_loss_stays_and_is_counted(tmp_path: Path, records: list[Record]) -> None:
    rows = [replace(record, meta={"w": number % 2}) for number, record in enumerate(records)]
    manifest = export_tokens(config_of("trl", "it", record_weight="w"), rows, tmp_path / "x")
    assert manifest["counts"]["rows_without_weight"] == 12
    assert {label for row in read(tmp_path / "x")[::2] for label in row["labels"]} == {-100}


# --- the law of the columns

OBJECTIVES = ["it", "im", "plw:0.25", "wit:0.2/0.8", "it@paper", "im@released-code", "output_preserving:0.5"]
OBJECTIVES += ["it_example_weighted", "instruction_only"]


@st.composite
def steps(draw: st.DrawFn) -> list[Example]:
    roles = st.lists(st.sampled_from([role for role in Role if role != Role.PAD]), min_size=1, max_size=12)
    weight = st.sampled_from([0.0, 0.25, 1.0, 3.0])
    return [
        Example(f"r{number}", np.arange(len(row)) + 7, np.array(row, dtype=np.int8), draw(weight))
        for number, row in enumerate(draw(st.lists(roles, min_size=1, max_size=5)))
    ]


@given(steps(), st.sampled_from(OBJECTIVES), st.sampled_from([None, "weight_mean", "example_mean", "sum"]))
@settings(deadline=None)
def test_weights_over_divisors_are_the_objectives_loss_for_any_rows_of_a_step(
    step: list[Example], name: str, normalisation: str | None
) -> None:
    """Σ weight·nll / Σ divisor = Σ coefficient·nll, and a token has a label just where it has a weight."""
    fixed = "@" in name or name.startswith("output")
    objective = parse_objective(name, normalisation=None if fixed else normalisation)
    targets = [target_of(example, objective) for example in step]
    nlls = [np.cos(example.ids) + 2 for example in step]
    coefficients = objective.coefficients([e.roles for e in step], [e.weight for e in step])
    expected = sum(float((c * nll).sum()) for c, nll in zip(coefficients, nlls, strict=True))
    total = sum(float((t.weights * nll).sum()) for t, nll in zip(targets, nlls, strict=True))
    divisor = sum(target.divisor for target in targets)
    assert total / (divisor or 1.0) == pytest.approx(expected, rel=1e-5)
    for example, target in zip(step, targets, strict=True):
        assert np.array_equal(target.labels != -100, target.weights != 0)
        assert target.labels[0] == -100
        assert set(target.labels) <= {-100, *example.ids}


# --- the loss there is the loss here


@dataclass
class FirstStep:
    """Of a trainer's first optimizer step: the loss it logs, its gradients, and the rows it took."""

    loss: float
    gradients: dict[str, torch.Tensor]
    batches: list[dict[str, torch.Tensor]]

    def documents(self) -> set[tuple[int, ...]]:
        """The token ids of every document, found again in padded or packed batches."""
        found = set()
        for batch in self.batches:
            if "position_ids" in batch:
                starts = (batch["position_ids"][0] == 0).nonzero().flatten().tolist()
                pieces = batch["input_ids"][0].tensor_split(starts[1:])
                found |= {tuple(piece.tolist()) for piece in pieces}
            else:
                for ids, mask in zip(batch["input_ids"], batch["attention_mask"], strict=True):
                    found.add(tuple(ids[mask.bool()].tolist()))
        return found


def first_step(trainer: Any) -> FirstStep:
    from transformers import TrainerCallback

    seen: dict[str, torch.Tensor] = {}
    batches: list[dict[str, torch.Tensor]] = []
    original: Callable[..., Any] = trainer.compute_loss

    def spy(model: Any, inputs: Any, *arguments: Any, **named: Any) -> Any:
        batches.append(dict(inputs))
        return original(model, inputs, *arguments, **named)

    class Gradients(TrainerCallback):  # type: ignore[misc]
        def on_pre_optimizer_step(self, *arguments: Any, model: Any = None, **named: Any) -> None:
            for name, parameter in model.named_parameters():
                seen[name] = parameter.grad.clone()

    trainer.compute_loss = spy
    trainer.add_callback(Gradients())
    trainer.train()
    loss = next(row["loss"] for row in trainer.state.log_history if "loss" in row)
    return FirstStep(loss, seen, batches)


ARGUMENTS: dict[str, Any] = {
    "use_cpu": True,
    "max_steps": 1,
    "logging_steps": 1,
    "save_strategy": "no",
    "disable_tqdm": True,
    "max_grad_norm": 0.0,  # the gradients as they are
}


def check_same_as_here(there: FirstStep, config: ExportConfig, records: list[Record], num_rows: int) -> None:
    """The trainer's loss and gradients against Σ c·nll of plain logits, and against our own loop."""
    prepared = prepare(config.tune, records, {})
    documents = there.documents()
    step = [example for example in prepared.train.kept if tuple(example.ids.tolist()) in documents]
    assert len(step) == len(documents) == num_rows
    objective = config.tune.parsed_objective()
    model = load_model("scratch:tiny", prepared.renderer.tokenizer, seed=0)
    model.load_state_dict(torch.load(_WEIGHTS[0]))
    coefficients = objective.coefficients([e.roles for e in step], [e.weight for e in step])
    plain = 0.0
    for example, coefficient in zip(step, coefficients, strict=True):
        ids = torch.from_numpy(example.ids)
        with torch.no_grad():
            logits = model(input_ids=ids[None]).logits[0, :-1]
        nll = torch.nn.functional.cross_entropy(logits, ids[1:], reduction="none")
        plain += float((torch.from_numpy(coefficient)[1:] * nll).sum())
    assert there.loss == pytest.approx(plain, rel=1e-5)
    network = Network.prepare(model, dtype=torch.float32)
    ours = accumulate_gradients(network, step, objective=objective, pack_tokens=100)
    assert there.loss == pytest.approx(ours.loss, rel=1e-5)
    for name, parameter in model.named_parameters():
        torch.testing.assert_close(
            there.gradients[name], parameter.grad, rtol=1e-3, atol=2e-6 * max(1, plain)
        )


_WEIGHTS: list[Path] = []


@pytest.fixture
def exported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Path]]:
    """Exports, and remembers the weights that the tool will begin with."""
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    datasets.disable_progress_bars()

    def make(config: ExportConfig, records: list[Record]) -> Path:
        from transformers import AutoModelForCausalLM

        folder = tmp_path / "export"
        export_tokens(config, records, folder)
        model = AutoModelForCausalLM.from_pretrained(folder / "model")
        torch.save(model.state_dict(), tmp_path / "weights.pt")
        _WEIGHTS[:] = [tmp_path / "weights.pt"]
        return folder

    yield make
    datasets.enable_progress_bars()


def module_of(folder: Path) -> ModuleType:
    """The script train.py that stands in an export."""
    spec = importlib.util.spec_from_file_location("exported_train", folder / "train.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("objective", "batch"), [("it", 8), ("im", 8), ("im", 2), ("it", 1)], ids=["it", "im", "im 4×2", "it 8×1"]
)
def test_a_plain_trainer_takes_the_step_that_tuning_here_takes(
    exported: Callable[..., Path], records: list[Record], objective: str, batch: int
) -> None:
    from transformers import Trainer

    config = config_of("hf", objective)
    folder = exported(config, records)
    split = {"per_device_train_batch_size": batch, "gradient_accumulation_steps": STEP // batch}
    trainer = module_of(folder).make_trainer(folder, **ARGUMENTS, **split)
    assert type(trainer) is Trainer
    there = first_step(trainer)
    assert len(there.batches) == STEP // batch
    check_same_as_here(there, config, records, STEP)


@pytest.mark.parametrize(
    ("objective", "normalisation", "batch"),
    [
        ("plw:0.25", None, 8),
        ("plw:0.25", None, 2),
        ("wit:0.2/0.8", "weight_mean", 2),
        ("im@paper", None, 2),
        ("im@released-code", None, 2),
        ("it_example_weighted", None, 8),
        ("output_preserving:0.5", None, 2),
    ],
)
def test_the_weighted_trainer_takes_the_step_that_tuning_here_takes(
    exported: Callable[..., Path],
    records: list[Record],
    objective: str,
    normalisation: str | None,
    batch: int,
) -> None:
    """With weights of records too, 0 among them, which no label could say."""
    rows = [replace(record, meta={"w": number % 3 / 2}) for number, record in enumerate(records)]
    config = config_of("hf", objective, normalisation=normalisation, record_weight="w")
    folder = exported(config, rows)
    split = {"per_device_train_batch_size": batch, "gradient_accumulation_steps": STEP // batch}
    there = first_step(module_of(folder).make_trainer(folder, **ARGUMENTS, **split))
    check_same_as_here(there, config, rows, STEP)


# TRL 1.16's own default; transformers 5.23 has another name for it
@pytest.mark.filterwarnings("ignore:`gradient_checkpointing` is deprecated:FutureWarning")
@pytest.mark.parametrize("packing", [False, True], ids=["padded", "packed"])
@pytest.mark.parametrize("objective", ["it", "im"])
def test_trl_takes_the_step_that_tuning_here_takes(
    exported: Callable[..., Path],
    records: list[Record],
    objective: str,
    packing: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Through trl's own reading of trl.yaml, as `trl sft --config trl.yaml` does it."""
    trl = pytest.importorskip("trl")
    config = config_of("trl", objective, packing=packing)
    folder = exported(config, records)
    monkeypatch.chdir(folder)
    changes = ARGUMENTS | {"bf16": False}
    given = [text for name, value in changes.items() for text in (f"--{name}", str(value))]
    parser = trl.TrlParser((trl.ScriptArguments, trl.SFTConfig, trl.ModelConfig))
    script, arguments, model = parser.parse_args_and_config(["--config", "trl.yaml", *given])
    arguments.model_init_kwargs = {"dtype": model.dtype}
    rows = datasets.load_dataset(script.dataset_name)[script.dataset_train_split]
    trainer = trl.SFTTrainer(model=model.model_name_or_path, args=arguments, train_dataset=rows)
    there = first_step(trainer)
    num_rows = len(there.documents()) if packing else STEP
    assert num_rows >= STEP
    check_same_as_here(there, config, records, num_rows)


# --- the configs


def test_trl_is_told_to_leave_the_labels_alone(tmp_path: Path, records: list[Record]) -> None:
    manifest = export_tokens(config_of("trl", neftune=5.0), records, tmp_path / "x")
    settings = yaml.safe_load((tmp_path / "x/trl.yaml").read_text())
    assert settings["dataset_kwargs"] == {"skip_prepare_dataset": True}
    assert settings["max_length"] == manifest["extra"]["longest_tokens"]
    assert (settings["assistant_only_loss"], settings["completion_only_loss"]) == (False, False)
    assert settings["neftune_noise_alpha"] == 5.0
    export_tokens(config_of("trl", packing=True), records, tmp_path / "y")
    packed = yaml.safe_load((tmp_path / "y/trl.yaml").read_text())
    assert "dataset_kwargs" not in packed
    assert (packed["packing"], packed["max_length"]) == (True, 256)


def test_axolotl_is_given_a_tokenised_set_without_a_type(tmp_path: Path, records: list[Record]) -> None:
    export_tokens(config_of("axolotl", packing=True), records, tmp_path / "x")
    settings = yaml.safe_load((tmp_path / "x/axolotl.yaml").read_text())
    assert settings["datasets"] == [{"path": "data/train.parquet", "ds_type": "parquet"}]
    assert (settings["sample_packing"], settings["sequence_len"]) == (True, 256)
    assert {row for each in read(tmp_path / "x") for row in each["attention_mask"]} == {1}
    # 24 rows of 746 tokens: 8 examples are some 249 tokens, about one row of 256
    assert settings["micro_batch_size"] * settings["gradient_accumulation_steps"] == 1


def test_a_local_model_is_named_by_its_place_and_not_copied(tmp_path: Path, records: list[Record]) -> None:
    folder = save(chatml(), tmp_path / "base")
    config = ExportConfig(to="trl", tune=TuneConfig(model=str(folder), max_tokens=512))
    export_tokens(config, records, tmp_path / "x")
    settings = yaml.safe_load((tmp_path / "x/trl.yaml").read_text())
    assert settings["model_name_or_path"] == str(folder)
    assert not (tmp_path / "x/model").exists()


def test_the_end_of_an_answer_is_learnt_where_padding_has_its_token(
    tmp_path: Path, records: list[Record]
) -> None:
    folder = save(chatml(), tmp_path / "base")  # its pad token is its end of turn
    config = ExportConfig(to="hf", tune=TuneConfig(model=str(folder), objective="it", max_tokens=512))
    export_tokens(config, records, tmp_path / "x")
    tokenizer = module_of(tmp_path / "x").AutoTokenizer.from_pretrained(tmp_path / "x/tokenizer")
    assert tokenizer.pad_token_id == tokenizer.eos_token_id
    assert all(tokenizer.eos_token_id in row["labels"] for row in read(tmp_path / "x"))


def save(tokenizer: Any, folder: Path) -> Path:
    scratch_model("tiny", tokenizer).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


# --- refusals


@pytest.mark.parametrize("to", ["trl", "axolotl"])
@pytest.mark.parametrize(
    ("objective", "changes", "reason"),
    [
        ("plw:0.25", {}, "gives tokens the weights 0.25 and 1, and a label is there or it is not"),
        ("wit:0.5/0.5", {}, "its loss under token_mean is 0.5 times that of the labels"),
        ("im", {"role_weights": {"system": 0.5}}, "gives tokens the weights 0.5 and 1"),
        ("im", {"normalisation": "example_mean"}, "means the normalisation example_mean"),
        ("im@paper", {}, "means the normalisation sum"),
        ("output_preserving", {}, "means the normalisation output_preserving"),
        ("it_example_weighted", {}, "weights each example by the share of its answer"),
    ],
)
def test_what_labels_cannot_say_is_refused_with_the_reason_and_a_way_out(
    to: str, objective: str, changes: dict[str, Any], reason: str
) -> None:
    given = {"to": to, "tune": {"objective": objective, **changes}}
    with pytest.raises(RecipeError) as raised:
        parse_config(ExportConfig, given, where="the command line")
    assert reason in str(raised.value)
    assert "export to hf, whose train.py takes a weight for every token" in str(raised.value)


def test_equal_weights_are_labels_under_weight_mean(tmp_path: Path, records: list[Record]) -> None:
    export_tokens(config_of("trl", "wit:0.5/0.5", normalisation="weight_mean"), records, tmp_path / "x")
    export_tokens(config_of("trl", "im"), records, tmp_path / "y")
    assert read(tmp_path / "x") == read(tmp_path / "y")


def test_a_records_weight_that_is_no_label_is_refused_by_its_id(
    tmp_path: Path, records: list[Record]
) -> None:
    rows = [replace(record, meta={"w": 0.5 if record.id == "r3" else 1}) for record in records]
    with pytest.raises(RecipeError, match=r"record r3 has the weight 0.5"):
        export_tokens(config_of("trl", record_weight="w"), rows, tmp_path / "x")
    manifest = export_tokens(config_of("hf", record_weight="w"), rows, tmp_path / "x")
    assert manifest["extra"]["objective"]["as"] == "weights"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"kl": 0.1}, "kl: TRL has no divergence from the untuned model"),
        ({"lora": 8}, "lora: is not carried into an export"),
    ],
)
def test_settings_that_a_tool_would_not_follow_are_refused(changes: dict[str, Any], reason: str) -> None:
    with pytest.raises(RecipeError, match=reason):
        parse_config(ExportConfig, {"to": "trl", "tune": changes}, where="the command line")


def test_a_plain_trainer_does_not_pack() -> None:
    with pytest.raises(RecipeError, match="transformers' Trainer does not pack"):
        parse_config(ExportConfig, {"to": "hf", "packing": True}, where="the command line")


def test_no_data_no_rows_and_no_loss_are_errors_that_leave_the_folder_free(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="there are no training records"):
        export_tokens(config_of("trl"), [], tmp_path / "x")
    with pytest.raises(DataError, match="no training record is left: all 2 were dropped"):
        export_tokens(
            config_of("trl"), [Record(id=i, instruction="q " * 900, output="a") for i in "ab"], tmp_path / "x"
        )
    none = [replace(record, meta={"w": 0}) for record in make_records(3)]
    with pytest.raises(DataError, match="objective 'im' gives no token of these records any weight"):
        export_tokens(config_of("trl", record_weight="w"), none, tmp_path / "x")
    assert export_tokens(config_of("trl"), make_records(3), tmp_path / "x")["counts"]["rows"] == 3


def test_a_model_without_a_chat_template_asks_for_one(tmp_path: Path, records: list[Record]) -> None:
    tokenizer = chatml()
    tokenizer.chat_template = None
    folder = save(tokenizer, tmp_path / "base")
    config = ExportConfig(to="trl", tune=TuneConfig(model=str(folder), max_tokens=512))
    with pytest.raises(ModelError, match="chat template"):
        export_tokens(config, records, tmp_path / "x")


# --- the folder


def test_a_finished_export_is_not_written_again_and_other_settings_are_refused(
    tmp_path: Path, records: list[Record]
) -> None:
    first = export_tokens(config_of("trl"), records, tmp_path / "x")
    before = {file: file.stat().st_mtime_ns for file in (tmp_path / "x").rglob("*")}
    assert export_tokens(config_of("trl"), records, tmp_path / "x") == first
    assert {file: file.stat().st_mtime_ns for file in (tmp_path / "x").rglob("*")} == before
    with pytest.raises(RunFolderError, match=r'other settings: tune\.objective "im" → "it"'):
        export_tokens(config_of("trl", "it"), records, tmp_path / "x")
    export_tokens(config_of("trl", "it"), records, tmp_path / "x", again=True)
    assert (tmp_path / "x.old-1/manifest.json").exists()


def test_a_folder_with_other_files_is_left_alone(tmp_path: Path, records: list[Record]) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(RunFolderError):
        export_tokens(config_of("trl"), records, tmp_path)
    assert [file.name for file in tmp_path.iterdir()] == ["mine.txt"]


@pytest.mark.parametrize("suffix", ["parquet", "jsonl"])
def test_an_interrupted_export_goes_on_to_the_same_files(
    tmp_path: Path, records: list[Record], suffix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = config_of("hf", "plw:.25", rows=suffix)
    export_tokens(config, records, tmp_path / "whole")

    def stop_in_the_middle(example: Example, objective: Any) -> Any:
        if example.id == "r20":
            raise KeyboardInterrupt
        return target_of(example, objective)

    monkeypatch.setattr(rows_module, "PART_ROWS", 4)
    with monkeypatch.context() as patch:
        # the first call is the search for any loss at all, which ends at the first record
        patch.setattr("tunewright.tune.exports.stage.target_of", stop_in_the_middle)
        with pytest.raises(KeyboardInterrupt):
            export_tokens(config, records, tmp_path / "cut")
    assert not (tmp_path / "cut/manifest.json").exists()
    assert not (tmp_path / f"cut/data/train.{suffix}").exists()
    monkeypatch.undo()
    export_tokens(config, records, tmp_path / "cut")
    for file in (tmp_path / "whole").rglob("*"):
        if file.is_file() and file.name not in ("manifest.json", "stage.json"):
            assert (tmp_path / "cut" / file.relative_to(tmp_path / "whole")).read_bytes() == file.read_bytes()
    assert {f.name for f in (tmp_path / "cut/data").iterdir()} == {f"train.{suffix}"}


def test_rows_that_the_disk_did_not_keep_are_noticed(
    tmp_path: Path, records: list[Record], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = rows_module._read_parquet
    monkeypatch.setattr(rows_module, "_read_parquet", lambda path: list(whole(path))[:-1])
    with pytest.raises(RunFolderError, match="was read back where"):
        export_tokens(config_of("trl"), records, tmp_path / "x")


def test_moving_the_folder_does_not_break_it(
    exported: Callable[..., Path], records: list[Record], tmp_path: Path
) -> None:
    folder = exported(config_of("hf"), records)
    shutil.move(folder, tmp_path / "elsewhere")
    trainer = module_of(tmp_path / "elsewhere").make_trainer(tmp_path / "elsewhere", **ARGUMENTS)
    assert len(trainer.train_dataset) == len(records)
