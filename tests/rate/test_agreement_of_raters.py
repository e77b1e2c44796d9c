"""Agreement of raters: published values, other implementations, defined edges, speed."""

from __future__ import annotations

import csv
import json
import random
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tunewright.errors import DataError
from tunewright.rate.agreement import RaterAgreement, measure_agreement, rating_table
from tunewright.rate.agreement.resample import student_point

SHARED = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "elpa"

# Krippendorff (2011), "Computing Krippendorff's alpha-reliability": four observers, twelve units; 0: missing.
FOUR_OBSERVERS = [
    [1, 2, 3, 3, 2, 1, 4, 1, 2, 0, 0, 0],
    [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, 0, 3],
    [0, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, 0],
    [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, 0],
]
# The three coders of the encyclopaedia articles on alpha, fifteen units.
THREE_CODERS = [
    [0, 0, 0, 0, 0, 3, 4, 1, 2, 1, 1, 3, 3, 0, 3],
    [1, 0, 2, 1, 3, 3, 4, 3, 0, 0, 0, 0, 0, 0, 0],
    [0, 0, 2, 1, 3, 4, 4, 0, 2, 1, 1, 3, 3, 0, 4],
]


def measured(
    rows: list[list[int]], *, scale: tuple[float, ...] = (), replicates: int = 200
) -> RaterAgreement:
    """Of a row of values per rater, 0 where one is missing."""
    triples = [
        (f"item {item}", f"rater {rater}", float(value))
        for rater, values in enumerate(rows)
        for item, value in enumerate(values)
        if value
    ]
    return measure_agreement(rating_table(triples, scale=scale), replicates=replicates)


def value(found: RaterAgreement, name: str, weighting: str = "nominal") -> float:
    result = found.get(name, weighting).value
    assert result is not None
    return result


def test_krippendorffs_four_observers_have_the_published_alphas() -> None:
    found = measured(FOUR_OBSERVERS)
    assert round(value(found, "alpha", "nominal"), 3) == 0.743
    assert round(value(found, "alpha", "ordinal"), 3) == 0.815
    assert round(value(found, "alpha", "interval"), 3) == 0.849


def test_the_four_observers_have_the_values_of_gwets_own_package() -> None:
    """irrCAC (R) documents for the same table: AC1 .77544, Fleiss .76117; pa .81818."""
    found = measured(FOUR_OBSERVERS)
    assert round(value(found, "ac1"), 5) == 0.77544
    assert round(value(found, "fleiss"), 5) == 0.76117
    assert round(value(found, "percent"), 5) == 0.81818


def test_the_three_coders_have_the_published_alphas() -> None:
    found = measured(THREE_CODERS)
    assert round(value(found, "alpha", "nominal"), 3) == 0.691
    assert round(value(found, "alpha", "interval"), 3) == 0.811


def test_cohens_kappa_of_a_table_worked_by_hand() -> None:
    """Both yes 20, first only 5, second only 10, neither 15: (.7 − .5) / (1 − .5) = .4."""
    first = [2] * 25 + [1] * 25
    second = [2] * 20 + [1] * 5 + [2] * 10 + [1] * 15
    found = measured([first, second])
    assert value(found, "cohen") == pytest.approx(0.4)
    assert value(found, "cohen", "quadratic") == pytest.approx(
        0.4
    )  # two categories: all weights are the same
    [nominal] = [pair for pair in found.pairs if pair.weighting == "nominal"]
    # Fleiss, Cohen and Everitt (1969): p = (.4, .1, .2, .3), rows .5/.5, columns .6/.4
    # Σ p(w(1−pe) − (w̄r + w̄c)(1−po))² − (po·pe − 2pe + po)² = .0670 − .0025 ... gives se .1270
    assert nominal.interval is not None
    assert (nominal.interval.high - nominal.interval.low) / 2 / 1.959964 == pytest.approx(0.1270, abs=5e-4)


def test_fleiss_table_of_psychiatrists_style_by_hand() -> None:
    """Two items, three raters: (3, 0) and (1, 2). Pa = (1 + 1/3)/2 = 2/3, Pe = (4/6)² + (2/6)² = 5/9: 1/4."""
    assert value(measured([[1, 1], [1, 2], [1, 2]]), "fleiss") == pytest.approx(0.25)


def test_high_percent_with_one_sided_prevalence_has_low_kappa_and_high_ac1() -> None:
    """95 equal on 2, one equal on 1, four apart: percent .96, κ near .31, AC1 near .96, as the notes warn."""
    first = [2] * 95 + [1] + [1, 1, 2, 2]
    second = [2] * 95 + [1] + [2, 2, 1, 1]
    found = measured([first, second])
    assert value(found, "percent") == pytest.approx(0.96)
    assert value(found, "cohen") == pytest.approx(0.3127, abs=1e-4)
    assert value(found, "ac1") == pytest.approx(0.9575, abs=1e-4)
    assert found.prevalence == pytest.approx((0.03, 0.97))


def test_gug_has_the_values_of_the_method_notes() -> None:
    file = SHARED / "gug" / "gug_annotations.tsv"
    if not file.exists():
        pytest.skip("the GUG ratings are not beside this checkout")
    crowd, everyone = [], []
    with file.open(encoding="utf-8") as stream:
        for row in csv.DictReader(stream, delimiter="\t", quoting=csv.QUOTE_NONE):
            votes = json.loads(row["Crowd Flower Judgements"])
            if len(votes) != 5:  # 110 sentences have the expert's rating only
                continue
            crowd += [(row["Id"], f"crowd {place}", float(vote)) for place, vote in enumerate(votes)]
            everyone.append((row["Id"], "expert", float(row["Expert Judgement"])))
    found = measure_agreement(rating_table(crowd + everyone), replicates=50)
    assert (found.num_items, found.num_raters) == (3019, 6)
    assert round(value(found, "alpha", "nominal"), 6) == 0.177414
    assert round(value(found, "alpha", "ordinal"), 6) == 0.363036
    assert round(value(found, "alpha", "interval"), 6) == 0.368886
    assert round(value(measure_agreement(rating_table(crowd), replicates=50), "fleiss"), 6) == 0.158232


def test_cefr_sp_has_the_values_of_other_implementations() -> None:
    """The Wikipedia part of CEFR-SP, 7,453 sentences: κ by scikit-learn 1.9.1, α by krippendorff 0.9.0.

    The notes' values (.213790, .506561, .750048, .738466) are of all 10,004 sentences; the rest is not at
    hand.
    """
    files = sorted((SHARED / "cefr_sp_wiki").glob("*.txt"))
    if not files:
        pytest.skip("the CEFR-SP sentences are not beside this checkout")
    lines = [line.split("\t") for file in files for line in file.read_text("utf-8").splitlines()]
    triples = [
        (str(number), rater, float(level))
        for number, (_, *levels) in enumerate(lines)
        for rater, level in zip(("a", "b"), levels, strict=True)
    ]
    found = measure_agreement(rating_table(triples), replicates=50)
    assert found.num_items == 7453
    assert round(value(found, "cohen"), 6) == 0.194361
    assert round(value(found, "cohen", "linear"), 6) == 0.453046
    assert round(value(found, "cohen", "quadratic"), 6) == 0.695198
    assert round(value(found, "alpha"), 6) == 0.189217
    assert round(value(found, "alpha", "ordinal"), 6) == 0.662782
    assert round(value(found, "alpha", "interval"), 6) == 0.686364


@settings(max_examples=30, deadline=None)
@given(st.integers(2, 5), st.integers(5, 30), st.randoms(use_true_random=False))
def test_alpha_equals_the_krippendorff_package(num_raters: int, num_items: int, rng: random.Random) -> None:
    krippendorff = pytest.importorskip("krippendorff")
    rows = [[rng.choice((0, 1, 2, 4, 5)) for _ in range(num_items)] for _ in range(num_raters)]
    rows[0][0], rows[1][0], rows[0][1], rows[1][1] = 1, 2, 5, 5  # something to measure
    data = np.array([[entry or np.nan for entry in row] for row in rows])
    found = measured(rows, replicates=2)
    for level in ("nominal", "ordinal", "interval"):
        theirs = krippendorff.alpha(reliability_data=data, level_of_measurement=level)
        assert value(found, "alpha", level) == pytest.approx(theirs, abs=1e-9)


@settings(max_examples=30, deadline=None)
@given(st.integers(5, 60), st.randoms(use_true_random=False))
def test_kappas_equal_scikit_learn_and_statsmodels(num_items: int, rng: random.Random) -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    rows = [[rng.choice((1, 2, 3, 4)) for _ in range(num_items)] for _ in range(2)]
    rows[0][:4], rows[1][:4] = [1, 2, 3, 4], [2, 1, 3, 4]
    found = measured(rows, replicates=2)
    for ours, theirs in (("nominal", None), ("linear", "linear"), ("quadratic", "quadratic")):
        expected = metrics.cohen_kappa_score(rows[0], rows[1], weights=theirs)
        assert value(found, "cohen", ours) == pytest.approx(expected, abs=1e-9)


@settings(max_examples=20, deadline=None)
@given(st.integers(3, 5), st.integers(5, 40), st.randoms(use_true_random=False))
def test_fleiss_equals_statsmodels(num_raters: int, num_items: int, rng: random.Random) -> None:
    theirs = pytest.importorskip("statsmodels.stats.inter_rater")
    rows = [[rng.choice((1, 2, 3)) for _ in range(num_items)] for _ in range(num_raters)]
    rows[0][:3] = [1, 2, 3]
    counts = [[sum(row[item] == v for row in rows) for v in (1, 2, 3)] for item in range(num_items)]
    assert value(measured(rows, replicates=2), "fleiss") == pytest.approx(
        theirs.fleiss_kappa(np.array(counts), method="fleiss"), abs=1e-9
    )


@settings(max_examples=25, deadline=None)
@given(st.integers(4, 20), st.integers(2, 4), st.randoms(use_true_random=False))
def test_order_and_names_of_raters_and_items_change_nothing(
    num_items: int, num_raters: int, rng: random.Random
) -> None:
    rows = [[rng.choice((0, 1, 2, 3)) for _ in range(num_items)] for _ in range(num_raters)]
    rows[0][:2], rows[1][:2] = [1, 3], [2, 3]
    places = rng.sample(range(num_items), num_items)
    turned = [[row[place] for place in places] for row in reversed(rows)]
    before, after = measured(rows, replicates=2), measured(turned, replicates=2)
    for one in before.coefficients:
        assert after.get(one.name, one.weighting).value == pytest.approx(one.value, abs=1e-12)


def test_unanimous_ratings_have_no_kappa_and_say_why() -> None:
    found = measured([[2] * 30, [2] * 30])
    assert value(found, "percent") == 1
    interval = found.get("percent").interval
    assert interval is not None
    assert interval.low == pytest.approx(0.8865, abs=1e-4)  # Wilson, 30 of 30
    for name in ("cohen", "fleiss", "alpha"):
        one = found.get(name)
        assert (one.value, one.interval, one.problem) == (None, None, "undefined: no variation")
    assert found.get("ac1").problem == "undefined: one category; give the whole scale"


def test_unanimous_ratings_on_a_known_scale_have_ac1_one() -> None:
    found = measured([[2] * 30, [2] * 30], scale=(1, 2, 3))
    assert value(found, "ac1") == 1
    assert found.get("ac1").interval is None
    assert found.get("alpha").problem == "undefined: no variation"


def test_perfect_agreement_on_varied_items_is_one() -> None:
    found = measured([[1, 2, 3, 1, 2, 3] * 5] * 3)
    assert all(one.value == pytest.approx(1) for one in found.coefficients)


def test_a_rater_who_gives_one_value_is_named_and_has_kappa_zero() -> None:
    found = measured([[1, 2, 1, 2, 1, 2], [2] * 6])
    assert value(found, "cohen") == pytest.approx(0)
    assert any("rater rater 1 gave 2 to every item" in note for note in found.notes)


def test_one_rater_is_an_error_that_says_so() -> None:
    with pytest.raises(DataError, match="there is only one rater"):
        measured([[1, 2, 3]])


def test_raters_without_a_common_item_are_an_error() -> None:
    with pytest.raises(DataError, match="let raters overlap"):
        measured([[1, 0], [0, 2]])


def test_no_rating_is_an_error() -> None:
    with pytest.raises(DataError, match="no rating"):
        rating_table([])


def test_a_pair_that_shares_no_item_is_undefined_among_others() -> None:
    found = measured([[1, 2, 0, 0], [1, 2, 1, 2], [0, 0, 1, 2]])
    problems = {
        (pair.first, pair.second): pair.problem for pair in found.pairs if pair.weighting == "nominal"
    }
    assert problems["rater 0", "rater 2"] == "undefined: no item in common"
    assert value(found, "cohen") == pytest.approx(1)  # the mean of the two pairs that have one


def test_rating_an_item_twice_is_refused() -> None:
    with pytest.raises(DataError, match="'ann' rated item 'x' twice"):
        rating_table([("x", "ann", 1.0), ("x", "ann", 2.0)])


def test_a_value_off_the_scale_is_refused() -> None:
    with pytest.raises(DataError, match=r"7\.0 is not on the scale"):
        rating_table([("x", "ann", 7.0)], scale=(1, 2, 3))


def test_texts_have_nominal_measures_only() -> None:
    found = measure_agreement(
        rating_table([("x", "a", "yes"), ("x", "b", "yes"), ("y", "a", "no"), ("y", "b", "yes")]),
        replicates=2,
    )
    assert {one.weighting for one in found.coefficients} == {"nominal"}


def test_items_with_one_rating_change_prevalence_and_not_alpha() -> None:
    both = [[1, 2, 3, 1, 2, 2], [1, 2, 3, 2, 2, 2]]
    alone = [[*both[0], 3, 3], [*both[1], 0, 0]]
    assert value(measured(alone), "alpha", "ordinal") == value(measured(both), "alpha", "ordinal")
    assert measured(alone).prevalence != measured(both).prevalence


def test_clustered_items_have_wider_intervals() -> None:
    """Ten copies of each item in one cluster are ten times fewer observations."""
    rng = random.Random(5)
    triples, cluster_of = [], {}
    for prompt in range(40):
        pair = rng.choice([(1.0, 1.0), (2.0, 2.0), (1.0, 2.0)])
        for copy in range(10):
            item = f"{prompt}/{copy}"
            cluster_of[item] = str(prompt)
            triples += [(item, "a", pair[0]), (item, "b", pair[1])]
    apart = measure_agreement(rating_table(triples)).get("alpha").interval
    together = measure_agreement(rating_table(triples, cluster_of=cluster_of)).get("alpha").interval
    assert apart is not None
    assert together is not None
    assert (together.high - together.low) > 2.5 * (apart.high - apart.low)


def test_fifty_thousand_ratings_take_at_most_five_seconds() -> None:
    rng = np.random.default_rng(0)
    truth = rng.integers(1, 6, 10_000)
    triples = [
        (str(item), str(rater), float(np.clip(truth[item] + rng.integers(-1, 2), 1, 5)))
        for item in range(10_000)
        for rater in range(5)
    ]
    start = time.process_time()
    found = measure_agreement(rating_table(triples))
    assert found.num_ratings == 50_000
    assert time.process_time() - start <= 5


@pytest.mark.parametrize(("freedom", "point"), [(5, 2.5706), (9, 2.2622), (29, 2.0452), (1000, 1.9623)])
def test_students_points_are_those_of_the_tables(freedom: int, point: float) -> None:
    assert student_point(freedom) == pytest.approx(point, abs=1e-3)


def test_a_small_simulation_covers_as_announced() -> None:
    """150 studies of 60 items, three raters: 88 % is four standard errors below 95 %."""
    rng = np.random.default_rng(7)

    def study(num_items: int, replicates: int, seed: int) -> RaterAgreement:
        truth = rng.integers(1, 4, num_items)
        kept = rng.random((num_items, 3)) < 0.6
        values = np.where(kept, truth[:, None], rng.integers(1, 4, (num_items, 3)))
        triples = [(str(i), str(r), float(values[i, r])) for i in range(num_items) for r in range(3)]
        return measure_agreement(rating_table(triples, scale=(1, 2, 3)), replicates=replicates, seed=seed)

    # a rater keeps the truth with .6: two agree on it by .36, so every chance-corrected measure is .36
    covered = {"alpha": 0, "fleiss": 0, "ac1": 0}
    for seed in range(150):
        found = study(60, 100, seed)
        for name in covered:
            interval = found.get(name).interval
            covered[name] += interval is not None and interval.low <= 0.36 <= interval.high
    assert all(count / 150 >= 0.88 for count in covered.values()), covered
