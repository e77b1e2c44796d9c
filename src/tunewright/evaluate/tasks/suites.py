"""Named lists of standard tasks, and how their results become one number.

`im18` is the list behind the "mean over 18 tasks" of Shi et al. (2024, arXiv 2405.14394): seventeen names in
six categories (ARC's two sets are probably what makes eighteen). The published number is the mean of the six
category means, not of the tasks, and takes TER / 100 for the translation tasks, where lower is better, as if
higher were better. Here a lower-is-better metric is never in a score: translation counts with BLEU / 100.
"""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Member:
    """One name of a suite: the metric that counts in the score, as "metric,filter", and what divides it to
    lie in [0, 1]. `published` is the metric of the paper where it is another one."""

    task: str
    category: str
    metric: str
    scale: float = 1.0
    published: str = ""


@dataclass(frozen=True, slots=True)
class Suite:
    name: str
    members: tuple[Member, ...]
    aggregation: str

    @property
    def categories(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(member.category for member in self.members))


@dataclass(frozen=True, slots=True)
class SuiteScore:
    """A suite's mean in per cent, None while a category is missing; `missing` names what is not in it."""

    suite: str
    value: float | None
    by_category: dict[str, float]
    missing: tuple[str, ...]
    aggregation: str


_KNOWLEDGE = "Language understanding and knowledge"
_MULTILINGUAL = "Multilinguality"
_COMMONSENSE = "Commonsense reasoning"
_MATH_CODE = "Math and coding reasoning"
_FEW_SHOT = "Few-shot learning"
_SAFETY = "Safety and helpfulness"

IM18 = Suite(
    name="im18",
    aggregation="mean over the tasks of each category, then mean over the six categories; a group or tag is "
    "the mean over its documents; translation counts with BLEU / 100 (the paper: TER / 100, lower is better)",
    members=(
        Member("mmlu", _KNOWLEDGE, "acc,none"),
        Member("piqa", _KNOWLEDGE, "acc_norm,none"),
        Member("openbookqa", _KNOWLEDGE, "acc_norm,none"),
        Member("hellaswag", _KNOWLEDGE, "acc_norm,none"),
        Member("lambada", _KNOWLEDGE, "acc,none"),
        Member("lambada_multilingual", _MULTILINGUAL, "acc,none"),
        Member("gpt3_translation_benchmarks", _MULTILINGUAL, "bleu,none", 100.0, published="ter,none"),
        Member("wsc273", _COMMONSENSE, "acc,none"),
        Member("winogrande", _COMMONSENSE, "acc,none"),
        Member("ai2_arc", _COMMONSENSE, "acc_norm,none"),
        Member("coqa", _COMMONSENSE, "f1,none"),
        Member("gsm8k_cot", _MATH_CODE, "exact_match,strict-match"),
        Member("humaneval", _MATH_CODE, "pass@1,create_test", published="the better of two temperatures"),
        Member("bbh_cot_fewshot", _FEW_SHOT, "exact_match,get-answer"),
        Member("truthfulqa_mc2", _SAFETY, "acc,none"),
        Member("toxigen", _SAFETY, "acc,none"),
        Member("hendrycks_ethics", _SAFETY, "acc,none"),
    ),
)
SUITES = {IM18.name: IM18}


def expand(names: Sequence[str], *, leave_out: Sequence[str] = ()) -> list[str]:
    """The names with each suite replaced by its members, each once, without those left out."""
    found: dict[str, None] = {}
    for name in names:
        members = [member.task for member in SUITES[name].members] if name in SUITES else [name]
        found |= dict.fromkeys(members)
    return [name for name in found if name not in leave_out]


def preferred_metric(task: str) -> str | None:
    """The metric of a suite's member that counts; None for any other task."""
    return next((m.metric for suite in SUITES.values() for m in suite.members if m.task == task), None)


def suite_score(suite: Suite, values: Mapping[str, float]) -> SuiteScore:
    """The score from one value per member, in the units of its metric.

    Members without a value are named in `missing` and left out of their category's mean; a category without
    any leaves no score at all, since the mean of nothing is no number.
    """
    by_category = {}
    for category in suite.categories:
        here = [m for m in suite.members if m.category == category and m.task in values]
        if here:
            by_category[category] = 100 * statistics.fmean(values[m.task] / m.scale for m in here)
    complete = len(by_category) == len(suite.categories)
    return SuiteScore(
        suite=suite.name,
        value=statistics.fmean(by_category.values()) if complete else None,
        by_category=by_category,
        missing=tuple(m.task for m in suite.members if m.task not in values),
        aggregation=suite.aggregation,
    )
