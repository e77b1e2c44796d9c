"""Several arms against one: what may be claimed after Holm, in words, tables and figures."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from report.folders import write_run
from tunewright.report import comparison, comparison_grids
from tunewright.report.caveats import caveats
from tunewright.report.gather import Run, gather
from tunewright.report.stage import report


def against(
    arm: str,
    value: float,
    interval: tuple[float, float],
    p: float,
    *,
    at: str = "last",
    epochs: Sequence[int] = (2, 2),
) -> dict[str, Any]:
    """A row of `paired.json`: the arm minus it on the held-out rows, three seeds."""
    row = {
        "at": at,
        "first": "it",
        "second": arm,
        "set": "heldout",
        "epoch": epochs[1],
        "num_examples": 300,
        "num_seeds": 3,
        "difference": value,
        "interval": {"low": interval[0], "high": interval[1]},
        "share_lower": 0.5,
        "by_seed": [value] * 3,
        "p": p,
    }
    return row | ({} if at == "epoch" else {"epochs": list(epochs)})


def three_arms(tmp_path: Path, rows: Sequence[dict[str, Any]]) -> Run:
    return gather(write_run(tmp_path / "run", arms=("it", "im", "plw"), seeds=(1, 2, 3), paired=rows))


def test_p_is_corrected_for_the_comparisons_with_the_first_arm(tmp_path: Path) -> None:
    """Holm of .01 and .04: 2 · .01 = .02, and 1 · .04. The pair without the first arm is left out."""
    rows = [
        against("im", -0.3, (-0.5, -0.1), 0.01),
        against("plw", -0.2, (-0.39, -0.01), 0.04),
        against("plw", 0.1, (0.05, 0.2), 0.001) | {"first": "im"},
    ]
    family = comparison.judged(three_arms(tmp_path, rows))
    assert [(one.arm, one.p) for one in family] == [("im", 0.02), ("plw", 0.04)]


def test_an_interval_that_excludes_zero_is_no_claim_when_holm_says_so(tmp_path: Path) -> None:
    """.03 and .04 become .06 and .06: neither may be claimed, though both intervals exclude zero."""
    rows = [against("im", -0.3, (-0.5, -0.1), 0.03), against("plw", -0.2, (-0.39, -0.01), 0.04)]
    run = three_arms(tmp_path, rows)
    assert comparison.sentences(run) == [
        "No difference from arm it at the last epoch may be claimed over 3 seeds after Holm’s correction for "
        "2 comparisons: none was found for im (heldout) and plw (heldout), which is not proof that there is "
        "none.",
        "If these differences are as large as they look, showing them in 80 % of repeats takes: for im on "
        "heldout about 4 seeds or 3 examples; for plw on heldout about 4 seeds or 3 examples.",
    ]


def test_sentences_say_what_may_be_claimed_and_what_not(tmp_path: Path) -> None:
    rows = [
        against("im", -0.3, (-0.5, -0.1), 0.001),
        against("im", -0.1, (-0.4, 0.1), 0.4, at="best", epochs=(1, 2)),
        against("plw", 0.2, (0.1, 0.3), 0.002),
        against("kl", 0.2, (-0.1, 0.5), 0.2),
    ]
    arms = ("it", "im", "plw", "kl")
    run = gather(write_run(tmp_path / "run", arms=arms, seeds=(1, 2, 3), paired=rows))
    assert len(comparison.judged(run)) == 3
    assert comparison.sentences(run) == [
        "What may be claimed at the last epoch over 3 seeds after Holm’s correction for 3 comparisons, in "
        "nats/token: a lower output loss than arm it for im (heldout −0.30); a higher output loss than arm "
        "it for plw (heldout +0.20).",
        "No difference from arm it was found for kl (heldout), which is not proof that there is none.",
        "If this difference is as large as it looks, showing it in 80 % of repeats takes: for kl on heldout "
        "about 4 seeds or 3 examples.",
    ]


def test_best_epochs_are_neither_claimed_nor_counted(tmp_path: Path) -> None:
    """They are picked on the rows they are compared on; a p of an earlier evaluation changes nothing."""
    rows = [
        against("im", -0.1, (-0.4, 0.1), 0.4),
        against("im", -0.3, (-0.5, -0.1), 0.0001, at="best", epochs=(1, 2)),
        against("plw", -0.2, (-0.4, -0.1), 0.02),
    ]
    run = three_arms(tmp_path, rows)
    assert [(one.arm, one.p) for one in comparison.judged(run)] == [("im", 0.4), ("plw", 0.04)]
    assert [found["at"] for found in comparison.as_json(run)["comparisons"]] == ["last", "last"]


def test_without_its_baseline_nothing_is_compared(tmp_path: Path) -> None:
    """The recipe's first arm failed: the next one does not take its place."""
    folder = write_run(tmp_path / "run", arms=("im", "plw"), seeds=(1, 2, 3))
    recipe = json.loads((folder / "recipe.yaml").read_text())
    recipe["arms"] = {"it": {"objective": "it"}, **recipe["arms"]}
    (folder / "recipe.yaml").write_text(json.dumps(recipe))
    (folder / "evaluate/paired.json").write_text(
        json.dumps([against("plw", -0.3, (-0.5, -0.1), 0.001) | {"first": "im"}])
    )
    run = gather(folder)
    said = (
        "Nothing is compared: arm it, which the others are to be compared with, has no finished model. Train "
        "it, or put another arm first (compare: --baseline ARM)."
    )
    assert comparison.sentences(run) == [said]
    found = comparison.as_json(run)
    assert (found["baseline"], found["comparisons"]) == ("it", [])
    page = report(folder).read_text(encoding="utf-8")
    assert said in page
    assert "may be claimed" not in page
    assert "baseline" not in str(comparison_grids.levels(run)[0].rows)


def test_one_seed_is_said(tmp_path: Path) -> None:
    rows = [against("im", -0.3, (-0.5, -0.1), 0.01) | {"num_seeds": 1, "by_seed": [-0.3]}]
    run = gather(write_run(tmp_path / "run", seeds=(1,), paired=rows))
    assert comparison.sentences(run) == [
        "What may be claimed at the last epoch for this one seed, in nats/token: a lower output loss "
        "than arm it for im (heldout −0.30)."
    ]


def test_an_evaluation_without_p_values_makes_no_family(tmp_path: Path) -> None:
    row = against("im", -0.3, (-0.5, -0.1), 0.01)
    row.pop("p")
    assert comparison.judged(three_arms(tmp_path, [row])) == []


def test_the_table_has_each_arm_at_both_moments(tmp_path: Path) -> None:
    rows = [
        against("im", -0.3, (-0.5, -0.1), 0.001),
        against("im", -0.1, (-0.4, 0.1), 0.4, at="best", epochs=(1, 2)),
        against("plw", 0.002, (0.001, 0.003), 0.2),
        against("plw", 0.002, (0.001, 0.003), 0.2, at="best"),
    ]
    (grid,) = comparison_grids.levels(three_arms(tmp_path, rows), training_too=True)
    assert grid.rows == [
        ["it", "3", "3.000", "4.000 (2)", "baseline", "", "", "4.000 (2)", "baseline", ""],
        [
            *("im", "3", "4.500", "4.750 (2)", "−0.30 (−0.50 to −0.10)", "0.002", "lower"),
            *("4.750 (2)", "−0.10 (−0.40 to +0.10)", ""),
        ],
        [
            *("plw", "3", "4.500", "4.750 (2)", "+0.0020 (+0.0010 to +0.0030)", "0.200", "none found"),
            *("4.750 (2)", "as at the last", "≈ 4 seeds or 3 examples"),
        ],
    ]
    assert grid.head[-3:] == ["Best (epoch)", "exploratory: − it (95\u00a0% interval)", "To settle it"]
    assert "p by Holm for 2 comparisons; best epochs are picked on these rows" in grid.caption


def test_costs_are_means_over_seeds(tmp_path: Path) -> None:
    """Per seed two steps of 4 tokens with loss and 150 read, in 10 seconds; BLEU 20 and 30."""
    grid = comparison_grids.costs(gather(write_run(tmp_path / "run")))
    assert grid.rows[0][:1] + grid.rows[0][3:] == ["it", "8", "300", "100.0 %", "10.0 s", "30", "512 MiB"]
    assert grid.rows[0][1] == "25.0"


def test_the_page_shows_the_family_as_a_figure_and_a_table(tmp_path: Path) -> None:
    rows = [against("im", -0.3, (-0.5, -0.1), 0.001), against("plw", 0.2, (0.1, 0.3), 0.002)]
    page = report(three_arms(tmp_path, rows).folder).read_text(encoding="utf-8")
    assert "Every arm against arm it on the same examples" in page
    assert 'aria-label="Against it: im −0.30, lower; plw +0.20, higher."' in page
    assert "p by Holm for 2 comparisons" in page
    assert page.index("What may be claimed at the last epoch over 3 seeds") < page.index("Rows of each set")
    assert "Epoch by epoch" in page


def test_many_arms_have_a_legend_and_a_scale_of_their_own(tmp_path: Path) -> None:
    """Epoch 0 at 8.00 would squeeze what lies between 3 and 5.5; its value stands in the title."""
    arms = ("it", "im", "plw", "kl")
    page = report(write_run(tmp_path / "run", arms=arms)).read_text(encoding="utf-8")
    assert page.count("<bdi>kl</bdi></span>") == 1
    assert "Held-out rows (8.00 at epoch 0)" in page


def test_an_arm_that_failed_is_named_with_its_reason(tmp_path: Path) -> None:
    folder = write_run(tmp_path / "run")
    failed = {"failures": [{"arm": "plw", "seed": 1, "reason": "the loss is nan at step 3"}]}
    (folder / "comparison.json").write_text(json.dumps(failed))
    recipe = json.loads((folder / "recipe.yaml").read_text())
    recipe["arms"]["plw"] = {"objective": "plw:0.5"}
    (folder / "recipe.yaml").write_text(json.dumps(recipe))
    missing = gather(folder).missing
    assert "Arm plw, seed 1 failed and is left out: the loss is nan at step 3" in missing


@pytest.mark.parametrize("digits", [(0.004, 4), (0.04, 3), (0.4, 2)])
def test_decimals_follow_the_interval(digits: tuple[float, int], tmp_path: Path) -> None:
    width, expected = digits
    rows = [
        against("im", 0.1, (0.1 - width / 2, 0.1 + width / 2), 0.01),
        against("plw", 0.2, (0.1, 0.3), 0.01),
    ]
    first = comparison.judged(three_arms(tmp_path, rows))[0]
    assert comparison.digits_of(first.difference.paired.interval) == expected


def test_arms_that_got_other_budgets_are_not_said_to_have_had_the_same(tmp_path: Path) -> None:
    folder = write_run(tmp_path / "run", seeds=(1,))
    assert any("The arms get equal rows and steps, not equal" in one for one in caveats(gather(folder)))
    change(folder / "tune/im-seed1/manifest.json", lambda made: made["counts"].update(steps=9))
    assert any("The arms do not get equal rows and steps, nor" in one for one in caveats(gather(folder)))


def test_rows_dropped_in_one_arm_only_are_that_arms(tmp_path: Path) -> None:
    folder = write_run(tmp_path / "run", seeds=(1,))
    assert any("1 training row was dropped in every arm" in one for one in caveats(gather(folder)))
    change(folder / "tune/im-seed1/manifest.json", lambda made: made["extra"].update(dropped={"too long": 4}))
    assert any("Training rows were dropped: 1 of it and 4 of im" in one for one in caveats(gather(folder)))


def test_heldout_prompts_that_one_arm_was_trained_on_stand_beside_the_claim(tmp_path: Path) -> None:
    rows = [against("im", -0.3, (-0.5, -0.1), 0.001), against("plw", -0.2, (-0.39, -0.01), 0.001)]
    folder = tmp_path / "run"
    three_arms(tmp_path, rows)
    for arm, num in (("it", 0), ("im", 7), ("plw", 0)):
        for seed in (1, 2, 3):
            leak = {"heldout_prompts_in_training": {"heldout": num}}
            change(
                folder / f"tune/{arm}-seed{seed}/manifest.json",
                lambda made, leak=leak: made["extra"].update(leak),
            )
    *_, said = comparison.sentences(gather(folder))
    assert said.startswith(
        "Not a fair comparison on heldout: of its prompts 7 in those of im are in the arm’s"
    )
    assert said in caveats(gather(folder))


def test_arms_that_are_equal_to_the_last_digit_need_no_more_seeds(tmp_path: Path) -> None:
    """im and plw have the same losses here."""
    run = gather(
        write_run(
            tmp_path / "run",
            arms=("im", "plw"),
            seeds=(1, 2),
            paired=[against("plw", 0.0, (0.0, 0.0), 1.0) | {"first": "im"}],
        )
    )
    assert "80 %" not in " ".join(comparison.sentences(run))
    assert "100 seeds" not in " ".join(comparison.sentences(run))
    (grid,) = comparison_grids.levels(run)
    assert grid.rows[1][-1] == "nothing to show: the means are equal"


def test_a_table_without_comparisons_speaks_of_no_correction(tmp_path: Path) -> None:
    run = gather(write_run(tmp_path / "run", arms=("it", "im"), paired=[]))
    assert "Holm" not in comparison_grids.levels(run)[0].caption


def change(file: Path, by: Callable[[dict[str, Any]], None]) -> None:
    """Edit a JSON file of a run in place."""
    made = json.loads(file.read_text())
    by(made)
    file.write_text(json.dumps(made))
