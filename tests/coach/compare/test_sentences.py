"""The page's sentences: no difference is claimed where the interval holds none."""

from __future__ import annotations

from typing import Any

from tunewright.coach.compare import sentences
from tunewright.coach.compare.words import number, p_value, percent


def share(count: int, of: int) -> dict[str, Any]:
    return {"count": count, "of": of, "share": count / of, "interval": {"low": 0.0, "high": 1.0}}


def interval(low: float, high: float) -> dict[str, float]:
    return {"low": low, "high": high}


def data(**parts: Any) -> dict[str, Any]:
    edits = {
        "changed": share(5, 10),
        "longer_chars": share(parts.pop("longer", 2), 10),
        "fields": [{"field": "output", "words_before": 10.0, "words_after": 12.0}],
        "numbers_in_input": [],
    }
    nothing = dict.fromkeys(("ratings", "judge", "student", "detectors", "bookkeeping"))
    return {"edits": edits, **nothing, **parts}


def rating(low: float, high: float, *, controlled: tuple[float, float] | None) -> dict[str, Any]:
    gain = {
        "key": "response",
        "mean": 0.2,
        "interval": interval(low, high),
        "num_pairs": 10,
        "changed_mean": 0.4,
        "num_changed": 5,
        "num_near": 0,
        "near": None,
        "near_interval": None,
        "equal_length": None if controlled is None else 0.1,
        "equal_length_interval": None if controlled is None else interval(*controlled),
    }
    comparison = {
        "key": "response",
        "mean_before": 3.95,
        "mean_after": 4.15,
        "high_before": share(2, 10),
        "high_after": share(4, 10),
    }
    return {
        "main_side": "response",
        "scale": [0, 5],
        "high_from": 4.5,
        "same_rater": True,
        "comparisons": [comparison],
        "gains": [gain],
    }


def judge(low: float, high: float, controlled: tuple[float, float] | None) -> dict[str, Any]:
    return {
        "rates": {"num_pairs": 50, "wr1": {"value": 0.6, "interval": interval(low, high)}},
        "controlled": None
        if controlled is None
        else {"rate": {"value": 0.52, "interval": interval(*controlled)}, "num_near": 4},
        "num_without": 1,
        "position": {"first_shown": share(60, 100)},
    }


def test_a_gain_that_length_explains_is_not_called_better_at_equal_length() -> None:
    given = data(ratings=rating(0.1, 0.3, controlled=(-0.1, 0.3)))
    assert sentences.verdict(given) == (
        "Is it better? The ratings: better, at equal length no difference found."
    )
    first, second = sentences.findings(given)
    assert "from 3.95 to 4.15: +0.20 (95\u00a0% interval 0.10 to 0.30)" in first
    assert "from 20.0\u00a0% to 40.0\u00a0% of all 10" in first
    assert "+0.10 (95\u00a0% interval −0.10 to 0.30, which contains zero: no difference found)" in second


def test_a_gain_that_stays_at_equal_length_is_called_so() -> None:
    given = data(ratings=rating(0.1, 0.3, controlled=(0.05, 0.3)))
    assert sentences.verdict(given).endswith("better, at equal length too.")
    given = data(ratings=rating(-0.3, -0.1, controlled=(-0.3, -0.05)))
    assert sentences.verdict(given).endswith("worse, at equal length too.")


def test_no_gain_found_is_said_so() -> None:
    given = data(ratings=rating(-0.1, 0.3, controlled=None))
    assert sentences.verdict(given).endswith("no difference found.")
    assert "No changed record keeps its length" in sentences.findings(given)[1]


def test_a_win_rate_is_held_against_one_half() -> None:
    given = data(judge=judge(0.55, 0.65, (0.45, 0.58)))
    assert sentences.verdict(given).endswith("The judge: better, at equal length no difference found.")
    text, missing = sentences.findings(given)
    assert (
        "in 60.0\u00a0% of 50 changed pairs, ties counting half (95\u00a0% interval 55.0 to 65.0\u00a0%)"
        in text
    )
    assert "at equal length in 52.0\u00a0%" in text
    assert "contains one half: no preference found" in text
    assert missing == "1 judged pair lacks a readable verdict and is in no rate."
    assert any("Only 4 judged pairs" in one for one in sentences.claims(given))


def test_longer_responses_come_with_a_warning() -> None:
    assert "longer than before" in sentences.claims(data(longer=8))[0]
    assert sentences.claims(data(longer=2)) == []


def test_numbers_are_written_as_people_read_them() -> None:
    assert percent(0.17754) == "17.8\u00a0%"
    assert percent(0.0004) == "0.04\u00a0%"
    assert percent(0.0) == "0\u00a0%"
    assert percent(None) == "–"
    assert number(-0.001) == "0.00"
    assert number(-1.5, signed=True) == "−1.50"
    assert p_value(0.00002) == "< 0.0001"
