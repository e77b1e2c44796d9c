"""Where the loss goes, in numbers worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from tunewright.errors import RecipeError
from tunewright.tune.conversation import Role
from tunewright.tune.objective import Normalisation, parse_objective

# bos header instruction instruction input header output output eos separator
ROLES = np.array([0, 1, 3, 3, 4, 1, 5, 5, 7, 8], dtype=np.int8)


def test_it_weighs_output_and_eos_only() -> None:
    assert parse_objective("it").token_weights(ROLES).tolist() == [0, 0, 0, 0, 0, 0, 1, 1, 1, 0]


def test_im_adds_instruction_and_input_but_no_template_token() -> None:
    assert parse_objective("im").token_weights(ROLES).tolist() == [0, 0, 1, 1, 1, 0, 1, 1, 1, 0]


def test_a_prompt_weight_lies_between() -> None:
    assert parse_objective("im:0.25").token_weights(ROLES).tolist() == [0, 0, 0.25, 0.25, 0.25, 0, 1, 1, 1, 0]


def test_position_zero_is_never_a_target() -> None:
    """Nothing comes before it, so it cannot be predicted, whatever its role."""
    assert parse_objective("im").token_weights(np.array([5, 5], dtype=np.int8)).tolist() == [0, 1]


def test_weight_0_is_it_and_weight_1_is_im_bit_for_bit() -> None:
    for text, same in (("im:0", "it"), ("im:1", "im")):
        ours, theirs = parse_objective(text), parse_objective(same)
        assert ours.weights == theirs.weights
        assert ours.token_weights(ROLES).tobytes() == theirs.token_weights(ROLES).tobytes()


def test_token_mean_divides_by_all_weighted_tokens() -> None:
    weights = [np.array([0, 1, 1], dtype=np.float32), np.array([0, 0.5], dtype=np.float32)]
    found = parse_objective("it", normalisation="token_mean").coefficients(weights)
    assert np.concatenate(found).tolist() == pytest.approx([0, 1 / 3, 1 / 3, 0, 0.5 / 3])


def test_example_mean_gives_every_example_the_same_say_and_skips_empty_ones() -> None:
    weights = [
        np.array([0, 1, 1], dtype=np.float32),
        np.array([0, 1], dtype=np.float32),
        np.zeros(3, np.float32),
    ]
    found = parse_objective("it", normalisation="example_mean").coefficients(weights)
    assert [c.tolist() for c in found] == [[0, 0.25, 0.25], [0, 0.5], [0, 0, 0]]


def test_sum_divides_by_nothing() -> None:
    weights = [np.array([0, 1, 1], dtype=np.float32)]
    assert parse_objective("it", normalisation="sum").coefficients(weights)[0].tolist() == [0, 1, 1]


def test_the_effective_output_share_under_im_is_worked_out() -> None:
    """3 of 6 weighted tokens are answer tokens; by examples: mean of 3/6 and 1/2."""
    second = np.array([3, 3, 5], dtype=np.int8)  # position 0 has no loss: one instruction, one output token
    by_token = parse_objective("im").effective_output_share([ROLES, second])
    by_example = parse_objective("im", normalisation="example_mean").effective_output_share([ROLES, second])
    assert by_token == pytest.approx(4 / 8)
    assert by_example == pytest.approx((3 / 6 + 1 / 2) / 2)
    assert parse_objective("it").effective_output_share([ROLES, second]) == 1.0


def test_no_weight_anywhere_is_an_error() -> None:
    with pytest.raises(RecipeError, match="gives no token of this data any weight"):
        parse_objective("it").effective_output_share([np.array([Role.BOS, Role.HEADER], dtype=np.int8)])


@pytest.mark.parametrize("text", ["", "ip", "it:1", "it:", "im:", "im:x", "im:-1", "im:nan", "im:inf", "plw"])
def test_unknown_objectives_are_errors(text: str) -> None:
    with pytest.raises(RecipeError, match="objective"):
        parse_objective(text)


def test_unknown_normalisation_lists_the_known() -> None:
    with pytest.raises(RecipeError, match="token_mean, example_mean, sum"):
        parse_objective("it", normalisation="mean")


def test_normalisations_read_as_their_names() -> None:
    assert [str(n) for n in Normalisation] == ["token_mean", "example_mean", "sum"]
