"""SQuAD's exact match and F1 for the harness's question-answering tasks (CoQA and others).

They import these from `transformers.data.metrics`, which transformers 5 no longer has, so that CoQA could not
be built at all. The definitions are those of Rajpurkar et al. (2016) with the answers normalised as in their
script: lower case, no punctuation, no articles, single spaces.
"""

from __future__ import annotations

import contextlib
import importlib.util
import re
import string
import sys
from collections import Counter
from collections.abc import Iterator
from types import ModuleType

_PACKAGE = "transformers.data.metrics"
_MODULE = f"{_PACKAGE}.squad_metrics"
_PUNCTUATION = str.maketrans("", "", string.punctuation)


def normalize_answer(answer: str) -> str:
    """The answer without case, punctuation, articles and double spaces."""
    without = re.sub(r"\b(a|an|the)\b", " ", answer.lower().translate(_PUNCTUATION))
    return " ".join(without.split())


def compute_exact(gold: str, predicted: str) -> int:
    """1 when both are the same after normalising, else 0."""
    return int(normalize_answer(gold) == normalize_answer(predicted))


def compute_f1(gold: str, predicted: str) -> float:
    """F1 of the words that both have, counted as often as both have them; two empty answers agree."""
    gold_words, words = normalize_answer(gold).split(), normalize_answer(predicted).split()
    if not gold_words or not words:
        return float(gold_words == words)
    num_same = sum((Counter(gold_words) & Counter(words)).values())
    return 2 * num_same / (len(gold_words) + len(words))


@contextlib.contextmanager
def where_the_harness_looks() -> Iterator[None]:
    """These functions as `transformers.data.metrics.squad_metrics`, while task files are imported."""
    if _has_its_own():
        yield
        return
    package, module = ModuleType(_PACKAGE), ModuleType(_MODULE)
    for function in (normalize_answer, compute_exact, compute_f1):
        setattr(module, function.__name__, function)
    package.__dict__["squad_metrics"] = module
    sys.modules |= {_PACKAGE: package, _MODULE: module}
    try:
        yield
    finally:
        del sys.modules[_MODULE], sys.modules[_PACKAGE]


def _has_its_own() -> bool:
    try:
        return importlib.util.find_spec(_MODULE) is not None
    except ModuleNotFoundError:
        return False
