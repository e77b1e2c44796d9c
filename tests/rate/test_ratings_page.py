"""The page of a rating: what it says first, that it is whole, and that texts from outside stay texts."""

from __future__ import annotations

import copy
import re
from html.parser import HTMLParser
from typing import Any

import pytest

from tunewright.rate.agreement import agreement, compare
from tunewright.rate.criteria import CriteriaSet, load_criteria
from tunewright.rate.page import lead, render
from tunewright.rate.rater import Rating
from tunewright.rate.results import CriterionResult, RecordRating
from tunewright.rate.tally import Tally, headline
from tunewright.records.record import Record

ACCURACY = load_criteria("accuracy")
VOID = {"meta", "rect", "line", "br", "link", "img"}
EVIL = '<script>alert(1)</script> & "quotes" \u202e\x07 {{ 7 * 7 }}'


def summary(
    scores: list[float | None], criteria: CriteriaSet = ACCURACY, text: str = "Say hello."
) -> dict[str, Any]:
    tally = Tally(criteria, worst=3)
    for number, score in enumerate(scores):
        record = Record(id=f"r{number}", instruction=text, output=text)
        results = [
            CriterionResult(one.key, "rated", Rating(score, text))
            if score is not None
            else CriterionResult(one.key, "unparsable", problem="no JSON", raw=text)
            for one in criteria.criteria
        ]
        tally.add(record, RecordRating.of(record.id, results, criteria))
    return {
        "criteria": criteria.name,
        "about": criteria.about,
        "scale": [criteria.scale.low, criteria.scale.high],
        "model": "openai:some-model",
        "revision": "",
        "data": "data.jsonl",
        "meta_key": "rating_accuracy",
        "main_side": criteria.main_side,
        "expected": False,
        "num_rejected_rows": 0,
        **tally.summary(),
        "agreement": None,
        "comparison": None,
    }


class Checker(HTMLParser):
    """Every element is closed in order; collects the names of elements, attributes' values and texts."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.names: set[str] = set()
        self.values: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.add(tag)
        self.values += [value for name, value in attrs if value and name in ("href", "src", "action")]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def checked(page: str) -> Checker:
    checker = Checker()
    checker.feed(page)
    assert checker.open == []
    return checker


def test_the_lead_gives_both_denominators_where_they_differ() -> None:
    with_failed = summary([5, 4.5, 3, None])
    assert lead(headline(with_failed, "response")).startswith(
        "2 of 4 records (50.0 %) score 4.5 or more; of the 3 with a rating it is 66.7 %. The mean is 4.17 ["
    )
    assert lead(headline(summary([5, 3]), "response")).startswith(
        "1 of 2 records (50.0 %) score 4.5 or more. The mean is 4.00 ["
    )


def test_the_lead_of_a_rating_that_failed_says_so() -> None:
    assert lead(headline(summary([None, None]), "response")) == "None of 2 records could be rated."


def test_the_page_is_well_formed_and_needs_nothing_beside_itself() -> None:
    page = render(summary([5, 4.5, 3, None]))
    found = checked(page)
    assert "script" not in found.names
    assert not [value for value in found.values if not value.startswith("#")]
    assert not re.search(r"url\((?!#)|@import|https?://", page)


@pytest.mark.parametrize("scores", [[None], [0.0], [5.0] * 30, [1.0, None, 2.0]])
def test_odd_ratings_have_a_page_too(scores: list[float | None]) -> None:
    checked(render(summary(scores)))


def test_texts_from_records_and_replies_stay_texts() -> None:
    data = summary([1.0, None], text=EVIL)
    data["data"] = data["model"] = EVIL
    found = checked(render(data))
    assert "script" not in found.names
    assert found.text.count("<script>alert(1)</script>") >= 5
    assert "{{ 7 * 7 }}" in found.text
    assert "\x07" not in found.text


def test_bins_flags_worst_and_failed_records_are_shown() -> None:
    text = checked(render(summary([5.0] * 19 + [2.0] + [None] * 2))).text
    for words in (
        "[4.5, 5]",
        "the reply could not be read",
        "19 of 20 scores are 5: the rater hardly tells these records apart",
        "2 of 22 records have no score",
        "17 more records have the last score shown here",
        "2 of 22 ratings came to nothing",
        "no human ratings were given",
    ):
        assert words in text, words


def test_agreement_and_comparison_are_shown_with_their_numbers() -> None:
    data = summary([5, 4.5, 3])
    model = {"r0": 5.0, "r1": 4.5, "r2": 3.0}
    from dataclasses import asdict

    data["agreement"] = asdict(agreement("response", model, {"r0": 5, "r1": 4.5, "r2": 4}, ACCURACY))
    data["comparison"] = {
        "before": "runs/old",
        "same_rater": False,
        "model_before": "openai:other",
        "sides": [asdict(compare("response", {"r0": 3.0, "r2": 4.0}, model, ACCURACY))],
    }
    text = checked(render(data)).text
    assert "3 records have both a model’s and a human score of response" in text
    assert "exactly equal66.7 %" in re.sub(r"\s*\n\s*", "", text)
    assert "The earlier ratings are by another model or another way of asking (openai:other)" in text
    assert "the mean goes from 3.50 to 4.00, a difference of 0.50" in text
    assert "1 better, 0 the same, 1 worse" in text


def test_undefined_agreement_says_why() -> None:
    from dataclasses import asdict

    data = summary([4, 4])
    data["agreement"] = asdict(agreement("response", {"r0": 4.0, "r1": 4.0}, {"r0": 4, "r1": 2}, ACCURACY))
    assert "Undefined: no variation in the model's scores." in checked(render(data)).text


def test_the_same_summary_gives_the_same_page() -> None:
    data = summary([5, 4.5, 3, None], load_criteria("coachlm"))
    assert render(data) == render(copy.deepcopy(data))


def test_every_criterion_of_a_long_set_has_its_chart() -> None:
    page = render(summary([50, 90, None], load_criteria("coachlm")))
    assert page.count("<svg") == 12  # two sides and ten criteria
