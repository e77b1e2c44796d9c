"""The published list, and how it becomes one number."""

from __future__ import annotations

import pytest

from tunewright.evaluate.tasks.suites import IM18, expand, preferred_metric, suite_score

HALF = {member.task: 0.5 * member.scale for member in IM18.members}


def test_the_list_is_the_published_one() -> None:
    assert expand(["im18"]) == [
        "mmlu",
        "piqa",
        "openbookqa",
        "hellaswag",
        "lambada",
        "lambada_multilingual",
        "gpt3_translation_benchmarks",
        "wsc273",
        "winogrande",
        "ai2_arc",
        "coqa",
        "gsm8k_cot",
        "humaneval",
        "bbh_cot_fewshot",
        "truthfulqa_mc2",
        "toxigen",
        "hendrycks_ethics",
    ]
    assert len(IM18.categories) == 6


def test_names_come_once_and_can_be_left_out() -> None:
    assert expand(["piqa", "im18", "own"], leave_out=["humaneval", "mmlu"])[:3] == [
        "piqa",
        "openbookqa",
        "hellaswag",
    ]
    assert expand(["im18"], leave_out=["humaneval"]).count("humaneval") == 0


def test_the_score_is_the_mean_of_category_means_not_of_tasks() -> None:
    """All .5 but the one task of few-shot learning at 1: (5 · 50 + 100) / 6; over 17 tasks it were 52.9."""
    score = suite_score(IM18, HALF | {"bbh_cot_fewshot": 1.0})
    assert score.value == pytest.approx(350 / 6)
    assert score.by_category["Few-shot learning"] == pytest.approx(100)
    assert score.missing == ()
    assert "mean over the six categories" in score.aggregation


def test_translation_counts_with_bleu_and_never_with_ter() -> None:
    assert preferred_metric("gpt3_translation_benchmarks") == "bleu,none"
    score = suite_score(IM18, HALF | {"gpt3_translation_benchmarks": 30.0})
    assert score.by_category["Multilinguality"] == pytest.approx((50 + 30) / 2)
    assert not any(member.metric.startswith(("ter", "perplexity")) for member in IM18.members)
    assert [member.published for member in IM18.members if member.task.startswith("gpt3")] == ["ter,none"]


def test_a_missing_task_is_named_and_a_missing_category_leaves_no_score() -> None:
    without = {task: value for task, value in HALF.items() if task != "humaneval"}
    score = suite_score(IM18, without)
    assert score.value == pytest.approx(50)
    assert score.missing == ("humaneval",)
    del without["gsm8k_cot"]
    assert suite_score(IM18, without).value is None
    assert suite_score(IM18, {}).value is None
