"""Standard tasks from local data with a tiny model, offline, end to end."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("lm_eval", reason="standard tasks need lm-eval: pip install 'tunewright[tasks]'")

import torch

from tunewright.errors import ModelError, RecipeError, RunFolderError
from tunewright.evaluate.tasks import run as stage
from tunewright.evaluate.tasks.config import TasksConfig
from tunewright.evaluate.tasks.run import read_documents, run_tasks

LOCAL_TASKS = Path(__file__).parent / "local_tasks"
SHARED_MODELS = Path(__file__).resolve().parents[3].parent / "shared" / "models"


def config(*tasks: str, **settings: Any) -> TasksConfig:
    return TasksConfig(tasks=tasks, include=LOCAL_TASKS, **settings)


def metrics_of(row: dict[str, Any]) -> dict[str, float]:
    return {metric["metric"]: metric["value"] for metric in row["metrics"]}


def test_a_task_from_local_data_gives_results_and_a_row_per_document(tuned_run: Path, tmp_path: Path) -> None:
    summary = run_tasks(config("habits"), {"tuned": str(tuned_run)}, tmp_path / "out")
    [row] = summary["results"]
    assert (row["model"], row["task"], row["main"], row["version"]) == ("tuned", "habits", "acc,none", "1.0")
    assert (row["num_documents"], row["num_all"], row["limit"], row["is_limited"]) == (10, 10, None, False)
    documents = read_documents(tmp_path / "out", "tuned", "habits")
    assert [document["doc_id"] for document in documents] == list(range(10))
    assert documents[0]["context"] == "A cat likes to drink"
    assert documents[0]["continuations"] == [" milk", " sand", " paint"]
    for document in documents:
        likeliest = max(range(3), key=document["log_likelihoods"].__getitem__)
        assert document["correct"] is (likeliest == document["target"])
    right = sum(document["correct"] for document in documents)
    assert metrics_of(row)["acc,none"] == right / 10
    assert row["metrics"][0]["stderr"] == pytest.approx((right / 10 * (1 - right / 10) / 9) ** 0.5)
    assert json.loads((tmp_path / "out" / "results.json").read_text()) == json.loads(json.dumps(summary))


def plain_log_likelihood(model: Any, tokenizer: Any, context: str, continuation: str) -> tuple[float, bool]:
    """Σ log p of the continuation's tokens in one forward pass of one text, without padding or harness."""
    context_ids = tokenizer(context)["input_ids"]
    ids = tokenizer(context + continuation)["input_ids"]
    assert ids[: len(context_ids)] == context_ids, "the continuation begins at a token's border"
    with torch.no_grad():
        log_p_TV = torch.log_softmax(model(torch.tensor([ids])).logits[0].double(), dim=-1)
    targets = ids[len(context_ids) :]
    places = range(len(context_ids) - 1, len(ids) - 1)
    total = sum(float(log_p_TV[place, target]) for place, target in zip(places, targets, strict=True))
    greedy = all(
        int(log_p_TV[place].argmax()) == target for place, target in zip(places, targets, strict=True)
    )
    return total, greedy


@pytest.mark.parametrize("name", ["scratch", "stories260K", "tinystories-instruct-3m-chat"])
def test_log_likelihoods_are_those_of_plain_torch(name: str, tuned_run: Path, tmp_path: Path) -> None:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    folder = tuned_run / "model" if name == "scratch" else SHARED_MODELS / name
    if not folder.is_dir():
        pytest.skip(f"{folder} is not here")
    run_tasks(config("habits", "last_words"), {"m": str(folder)}, tmp_path)
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    tokenizer = AutoTokenizer.from_pretrained(folder)
    num = 0
    for task in ("habits", "last_words"):
        for row in read_documents(tmp_path, "m", task):
            for text, found, is_greedy in zip(
                row["continuations"], row["log_likelihoods"], row["is_greedy"], strict=True
            ):
                expected, greedy = plain_log_likelihood(model, tokenizer, row["context"], text)
                assert found == pytest.approx(expected, abs=1e-5)
                assert is_greedy is greedy
                num += 1
    assert num == 10 * 3 + 6


def test_generated_texts_and_both_filters_share_a_documents_row(tuned_run: Path, tmp_path: Path) -> None:
    summary = run_tasks(config("sums"), {"m": str(tuned_run)}, tmp_path)
    [row] = summary["results"]
    assert row["num_fewshot"] == 1
    assert row["main"] == "exact_match,all"
    by_name = {metric["metric"]: metric for metric in row["metrics"]}
    assert by_name["ter,all"]["higher_is_better"] is False
    assert by_name["exact_match,all"]["is_mean"]
    documents = read_documents(tmp_path, "m", "sums")
    assert len(documents) == 5
    assert set(documents[0]["metrics"]) == {
        "exact_match,all",
        "exact_match,number",
    }  # TER has no single number
    assert isinstance(documents[0]["texts"][0], str)
    assert documents[0]["context"].count("make") == 2  # one example, then the question


def test_limited_results_are_stamped_in_every_place(tuned_run: Path, tmp_path: Path) -> None:
    models = {"a": str(tuned_run), "b": str(tuned_run)}
    summary = run_tasks(config("small", limit=4), models, tmp_path)
    assert summary["is_limited"] is True
    assert summary["limit"] == 4
    for row in [*summary["results"], *summary["aggregates"], *summary["comparisons"]]:
        assert row["is_limited"] is True
    assert [(row["num_documents"], row["num_all"]) for row in summary["results"][:2]] == [(4, 10), (4, 6)]
    manifest = json.loads((tmp_path / "a" / "habits" / "manifest.json").read_text())
    assert manifest["extra"]["is_limited"] is True
    assert manifest["config"]["limit"] == 4


def test_a_limit_beyond_the_end_is_no_limit(tuned_run: Path, tmp_path: Path) -> None:
    assert run_tasks(config("last_words", limit=6), {"m": str(tuned_run)}, tmp_path)["is_limited"] is False


@pytest.mark.parametrize("name", ["small", "everyday"])
def test_a_group_and_a_tag_have_a_row_weighted_by_documents(
    name: str, tuned_run: Path, tmp_path: Path
) -> None:
    summary = run_tasks(config(name), {"m": str(tuned_run)}, tmp_path)
    acc = {row["task"]: metrics_of(row)["acc,none"] for row in summary["results"]}
    [row] = summary["aggregates"]
    assert (row["name"], row["metric"], row["num_tasks"], row["num_documents"]) == (name, "acc,none", 2, 16)
    assert row["value"] == pytest.approx((10 * acc["habits"] + 6 * acc["last_words"]) / 16)


def test_the_same_model_twice_differs_on_no_document(tuned_run: Path, tmp_path: Path) -> None:
    summary = run_tasks(config("habits"), {"a": str(tuned_run), "b": str(tuned_run / "model")}, tmp_path)
    [one] = summary["comparisons"]
    assert (one["difference"], one["gained"], one["lost"], one["p"]) == (0.0, 0, 0, 1.0)
    assert one["interval"]["low"] < 0 < one["interval"]["high"]


def test_a_killed_run_goes_on_with_the_task_it_was_in(
    tuned_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = run_tasks(config("habits", "sums"), {"m": str(tuned_run)}, tmp_path / "whole")
    run, ran = stage._run, []

    def killed_in_the_second(folder: Any, *rest: Any) -> None:
        ran.append(folder.path.name)
        if len(ran) == 2:
            (folder.path / "documents.jsonl").write_text('{"doc_id": 0}\n{"doc')
            raise KeyboardInterrupt
        run(folder, *rest)

    monkeypatch.setattr(stage, "_run", killed_in_the_second)
    out = tmp_path / "out"
    with pytest.raises(KeyboardInterrupt):
        run_tasks(config("habits", "sums"), {"m": str(tuned_run)}, out)
    assert not (out / "results.json").exists()
    first = (out / "m" / "habits" / "manifest.json").read_bytes()
    assert run_tasks(config("habits", "sums"), {"m": str(tuned_run)}, out) == whole
    assert ran == ["habits", "sums", "sums"]
    assert (out / "m" / "habits" / "manifest.json").read_bytes() == first
    assert read_documents(out, "m", "sums") == read_documents(tmp_path / "whole", "m", "sums")


def test_what_is_finished_loads_no_model_again(
    tuned_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = run_tasks(config("habits"), {"m": str(tuned_run)}, tmp_path)
    monkeypatch.setattr(stage, "_load", lambda *_: pytest.fail("a model was loaded"))
    assert run_tasks(config("habits", batch_size=2), {"m": str(tuned_run)}, tmp_path) == first


def test_other_settings_are_refused_and_run_afresh_with_again(tuned_run: Path, tmp_path: Path) -> None:
    run_tasks(config("habits"), {"m": str(tuned_run)}, tmp_path)
    with pytest.raises(RunFolderError, match="limit null → 3"):
        run_tasks(config("habits", limit=3), {"m": str(tuned_run)}, tmp_path)
    assert run_tasks(config("habits", limit=3), {"m": str(tuned_run)}, tmp_path, again=True)["is_limited"]


def test_the_batch_size_does_not_change_a_log_likelihood(tuned_run: Path, tmp_path: Path) -> None:
    for size in (1, 7):
        run_tasks(config("habits", batch_size=size), {"m": str(tuned_run)}, tmp_path / str(size))
    one, seven = (read_documents(tmp_path / size, "m", "habits") for size in ("1", "7"))
    for first, second in zip(one, seven, strict=True):
        assert first["log_likelihoods"] == pytest.approx(second["log_likelihoods"], abs=1e-5)


def test_the_chat_template_is_used_when_asked(tuned_run: Path, tmp_path: Path) -> None:
    summary = run_tasks(config("habits", limit=1, chat=True), {"m": str(tuned_run)}, tmp_path)
    assert summary["chat"] is True
    [row] = read_documents(tmp_path, "m", "habits")
    assert row["context"] != "A cat likes to drink"
    assert "A cat likes to drink" in row["context"]


def test_chat_needs_a_template(tmp_path: Path) -> None:
    if not (SHARED_MODELS / "stories260K").is_dir():
        pytest.skip("stories260K is not here")
    with pytest.raises(ModelError, match="has no chat template; leave --chat out"):
        run_tasks(config("habits", chat=True), {"m": str(SHARED_MODELS / "stories260K")}, tmp_path)


def test_documents_longer_than_the_model_are_counted(tuned_run: Path, tmp_path: Path) -> None:
    """Its 2,048 positions hold none of a text of 3,000 words, and the harness cuts its beginning."""
    long = json.dumps({"text": "a dog " * 1500, "word": "x"})
    for name in ("last_words.yaml", "last_words.jsonl"):
        (tmp_path / name).write_text((LOCAL_TASKS / name).read_text())
    with (tmp_path / "last_words.jsonl").open("a") as file:
        file.write(long + "\n")
    asked = TasksConfig(tasks=("last_words",), include=tmp_path)
    [row] = run_tasks(asked, {"m": str(tuned_run)}, tmp_path / "out")["results"]
    assert (row["num_documents"], row["num_cut"]) == (7, 1)


def test_changed_data_are_noticed(tuned_run: Path, tmp_path: Path) -> None:
    for name in ("last_words.yaml", "last_words.jsonl"):
        (tmp_path / name).write_text((LOCAL_TASKS / name).read_text())
    asked = TasksConfig(tasks=("last_words",), include=tmp_path)
    run_tasks(asked, {"m": str(tuned_run)}, tmp_path / "out")
    changed = (tmp_path / "last_words.jsonl").read_text().replace("ball", "kite")
    (tmp_path / "last_words.jsonl").write_text(changed)
    with pytest.raises(RunFolderError, match="input documents has changed"):
        run_tasks(asked, {"m": str(tuned_run)}, tmp_path / "out")


def test_a_model_too_short_for_a_task_is_said_in_words(tuned_run: Path, tmp_path: Path) -> None:
    task = (LOCAL_TASKS / "sums.yaml").read_text().replace("max_gen_toks: 8", "max_gen_toks: 5000")
    (tmp_path / "sums.yaml").write_text(task)
    (tmp_path / "sums.jsonl").write_text((LOCAL_TASKS / "sums.jsonl").read_text())
    with pytest.raises(ModelError, match=r"sums: the harness stopped: .*less than model's maximum"):
        run_tasks(TasksConfig(tasks=("sums",), include=tmp_path), {"m": str(tuned_run)}, tmp_path / "out")


def test_question_answering_tasks_get_squads_metrics(tuned_run: Path, tmp_path: Path) -> None:
    """As CoQA: its file imports them from a module that transformers 5 no longer has."""
    (tmp_path / "answers.jsonl").write_text('{"q": "Who?"}\n{"q": "What?"}\n')
    (tmp_path / "scores.py").write_text(
        "import transformers.data.metrics.squad_metrics as squad_metrics\n\n\n"
        "def process_results(doc, results):\n"
        "    return {'f1': squad_metrics.compute_f1('The red, red cat', 'a red cat')}\n"
    )
    (tmp_path / "answers.yaml").write_text(
        "task: answers\ndataset_path: json\ndataset_kwargs: {data_files: {test: answers.jsonl}}\n"
        "output_type: generate_until\ntest_split: test\ndoc_to_text: '{{q}}'\ndoc_to_target: x\n"
        "generation_kwargs: {until: ['\\n'], max_gen_toks: 4}\n"
        "process_results: !function scores.process_results\n"
        "metric_list:\n  - {metric: f1, aggregation: mean, higher_is_better: true}\n"
    )
    asked = TasksConfig(tasks=("answers",), include=tmp_path)
    [row] = run_tasks(asked, {"m": str(tuned_run)}, tmp_path / "out")["results"]
    assert metrics_of(row) == {"f1,none": pytest.approx(0.8)}  # 2 of 3 and of 2 words


def test_no_model_is_said_before_anything_is_built(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="no model"):
        run_tasks(config("habits"), {}, tmp_path)
