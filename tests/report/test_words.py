"""The exact wording of every kind of finding."""

from __future__ import annotations

import pytest

from tunewright.evaluate.intervals import Interval
from tunewright.evaluate.losses import Distribution, Paired
from tunewright.report import words
from tunewright.report.gather import Difference


def made(
    value: float,
    low: float,
    high: float,
    *,
    by_seed: tuple[float, ...] = (),
    set_name: str = "heldout",
    epoch: int = 3,
    best: tuple[int, int] | None = None,
) -> Difference:
    seeds = by_seed or (value, value)
    paired = Paired("it", "im", set_name, epoch, 297, len(seeds), value, Interval(low, high), 0.4, seeds)
    return Difference(paired, best or (epoch, epoch), best is not None)


def plain(sentence: str) -> str:
    return sentence.replace("\u00a0", " ")


def test_a_higher_loss_is_said_with_its_interval_examples_and_seeds() -> None:
    assert plain(words.end_sentence(made(0.888, 0.712, 1.085))) == (
        "At the end of training (epoch 3) the held-out output loss of arm im is 0.89 nats/token higher than "
        "that of arm it (95 % interval 0.71 to 1.08; 297 examples, 2 seeds; higher on both seeds)."
    )


def test_a_lower_loss_gives_its_interval_in_sizes_from_small_to_large() -> None:
    """The sentence says "lower", so −0.50 to −0.10 reads as 0.10 to 0.50."""
    found = made(-0.3, -0.5, -0.1, by_seed=(-0.2, -0.3, -0.4), set_name="other_templates")
    assert plain(words.end_sentence(found)) == (
        "At the end of training (epoch 3) the output loss on other_templates of arm im is 0.30 nats/token "
        "lower than that of arm it (95 % interval 0.10 to 0.50; 297 examples, 3 seeds; lower on all 3 seeds)."
    )


def test_an_interval_that_contains_zero_is_no_difference_found() -> None:
    assert plain(words.end_sentence(made(0.03, -0.02, 0.08, by_seed=(-0.01, 0.07)))) == (
        "At the end of training (epoch 3) no difference in held-out output loss was found between arms it "
        "and im (im − it: +0.03 nats/token; 95 % interval −0.02 to 0.08 contains zero; 297 examples, "
        "2 seeds; im lower on 1 of 2 seeds)."
    )


@pytest.mark.parametrize(("low", "high"), [(0.0, 0.3), (-0.3, 0.0), (0.0, 0.0)])
def test_an_interval_that_touches_zero_contains_it(low: float, high: float) -> None:
    assert words.verdict(Interval(low, high)) is words.Verdict.NONE_FOUND


def test_seeds_that_disagree_are_counted() -> None:
    sentence = words.end_sentence(made(0.5, 0.1, 0.9, by_seed=(0.9, 0.7, -0.1)))
    assert sentence.endswith("297 examples, 3 seeds; higher on 2 of 3 seeds).")


def test_with_one_seed_nothing_is_said_about_others() -> None:
    sentence = words.end_sentence(made(0.5, 0.1, 0.9, by_seed=(0.5,)))
    assert sentence.endswith("297 examples, 1 seed).")
    assert words.seeds_sentence(1) == (
        "With one seed the interval speaks about other examples of this kind, not about other seeds."
    )


def test_a_narrow_interval_gets_a_third_decimal() -> None:
    assert "0.012 nats/token higher" in words.end_sentence(made(0.0121, 0.0052, 0.0196))
    assert "0.005 to 0.020" in words.end_sentence(made(0.0121, 0.0052, 0.0196))


def test_best_epochs_that_are_the_last_ones_add_nothing() -> None:
    end = made(0.5, 0.1, 0.9)
    assert words.best_sentence(made(0.5, 0.1, 0.9, best=(3, 3)), end) == (
        "Both arms are at their best at that epoch, so comparing each at its own best gives the same."
    )


def test_best_epochs_that_agree_with_the_end_are_given_beside_it() -> None:
    sentence = words.best_sentence(made(0.2, 0.1, 0.3, best=(2, 3)), made(0.5, 0.1, 0.9))
    assert plain(sentence) == (
        "To explore, with each arm at its own best epoch on these rows (it: 2, im: 3), that of im is 0.20 "
        "nats/token higher "
        "(95 % interval 0.10 to 0.30; 297 examples, 2 seeds; higher on both seeds)."
    )


@pytest.mark.parametrize(
    ("value", "low", "high", "said"),
    [(-0.2, -0.3, -0.1, "that of im is 0.20 nats/token lower"), (0.0, -0.1, 0.1, "no difference was found")],
)
def test_best_epochs_that_disagree_with_the_end_are_said_to(
    value: float, low: float, high: float, said: str
) -> None:
    sentence = words.best_sentence(made(value, low, high, best=(1, 3)), made(0.5, 0.1, 0.9))
    assert said in sentence
    assert sentence.endswith("The two comparisons disagree: the answer depends on when training stops.")


def test_numbers_have_a_true_minus_and_zero_has_no_sign() -> None:
    assert words.number(-0.25, signed=True) == "−0.25"
    assert words.number(0.25, signed=True) == "+0.25"
    assert words.number(-0.001) == "0.00"
    assert words.number(0.001, signed=True) == "0.00"


def test_one_arm_alone_is_described_not_compared() -> None:
    found = Distribution("it", "train", 2, 1200, 1, 3.0, Interval(2.9, 3.1), 2.8, 1.0, 5.0)
    assert plain(words.level_sentence(found)) == (
        "After epoch 2 the output loss on training rows of arm it is 3.00 nats/token "
        "(95 % interval 2.90 to 3.10; 1,200 examples, 1 seed)."
    )


def test_the_gap_names_every_arm() -> None:
    sentence = words.gap_sentence({"it": 0.31, "im": -0.05}, "heldout")
    assert "changes by, in nats/token, +0.31 for arm it and −0.05 for arm im" in sentence


def test_budget_sentences_name_arms_in_the_singular_and_plural() -> None:
    assert "of arm im was lowest at the last epoch" in words.still_falling_sentence(["im"], "heldout")
    assert "of arms it, im and plw was" in words.still_falling_sentence(["it", "im", "plw"], "heldout")
    assert "lowest before the end for it (epoch 2)" in words.past_best_sentence({"it": 2}, "heldout")


def test_a_model_s_size_is_rounded_to_what_matters() -> None:
    assert words.parameters(1_000_576) == "1.0 million parameters"
    assert words.parameters(124_439_808) == "124 million parameters"
    assert words.parameters(1_235_814_400) == "1.24 billion parameters"
