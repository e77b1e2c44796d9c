"""Where the loss goes, in numbers worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from tunewright.errors import RecipeError
from tunewright.tune.conversation import Role
from tunewright.tune.objective import Normalisation
from tunewright.tune.objective_names import parse_objective

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


# two instruction and one output token; one instruction, two output tokens; nothing to weigh
DOCUMENTS = [
    np.array([1, 3, 3, 5], dtype=np.int8),
    np.array([1, 3, 5, 5], dtype=np.int8),
    np.array([1, 1], dtype=np.int8),
]


@pytest.mark.parametrize(
    ("normalisation", "expected"),
    [
        ("token_mean", [[0, 1 / 12, 1 / 12, 1 / 6], [0, 1 / 12, 1 / 6, 1 / 6], [0, 0]]),
        ("weight_mean", [[0, 1 / 9, 1 / 9, 2 / 9], [0, 1 / 9, 2 / 9, 2 / 9], [0, 0]]),
        ("example_mean", [[0, 1 / 12, 1 / 12, 1 / 6], [0, 1 / 12, 1 / 6, 1 / 6], [0, 0]]),
        ("sum", [[0, 0.5, 0.5, 1], [0, 0.5, 1, 1], [0, 0]]),
        ("output_preserving", [[0, 1 / 8, 1 / 8, 1 / 2], [0, 1 / 4, 1 / 4, 1 / 4], [0, 0]]),
    ],
)
def test_each_normalisation_divides_by_what_its_name_says(
    normalisation: str, expected: list[list[float]]
) -> None:
    """plw:0.5. Six weighted tokens of summed weight 4.5; three in each of the two examples that count."""
    if normalisation == "output_preserving":
        objective = parse_objective("output_preserving:0.5")
    else:
        objective = parse_objective("plw:0.5", normalisation=normalisation)
    found = objective.coefficients(DOCUMENTS)
    for document, wanted in zip(found, expected, strict=True):
        assert document.dtype == np.float32
        assert document.tolist() == pytest.approx(wanted)


def test_record_weights_multiply_a_documents_loss_and_a_weight_of_0_takes_it_out() -> None:
    it = parse_objective("it", normalisation="example_mean")
    assert [c.tolist() for c in it.coefficients(DOCUMENTS, [2, 0.5, 1])] == [
        [0, 0, 0, 1],  # twice a mean over 1 token, over 2 examples
        [0, 0, 0.125, 0.125],  # half a mean over 2 tokens, over 2 examples
        [0, 0],
    ]
    alone = it.coefficients(DOCUMENTS, [2, 0, 1])
    assert [c.tolist() for c in alone] == [[0, 0, 0, 2], [0, 0, 0, 0], [0, 0]]
    by_weight = parse_objective("it", normalisation="weight_mean").coefficients(DOCUMENTS, [2, 0.5, 1])
    assert by_weight[0].tolist() == pytest.approx([0, 0, 0, 2 / 3])


def test_it_example_weighted_gives_output_tokens_exactly_what_im_gives_them() -> None:
    """n/(m+n) times 1/n is 1/(m+n): the control with IM's smaller say for answers, and no loss on prompts."""
    control = parse_objective("it_example_weighted").coefficients(DOCUMENTS)
    im = parse_objective("im", normalisation="example_mean").coefficients(DOCUMENTS)
    for document, ours, theirs in zip(DOCUMENTS, control, im, strict=True):
        assert ours[document == 5].tolist() == pytest.approx(theirs[document == 5].tolist())
        assert not ours[document == 3].any()


@pytest.mark.parametrize("normalisation", ["token_mean", "weight_mean", "example_mean", "sum"])
def test_weight_0_and_1_are_it_and_im_under_every_normalisation_bit_for_bit(normalisation: str) -> None:
    for text, same in (("plw:0", "it"), ("im:1", "im"), ("wit:0/1", "it"), ("wit:1/1", "im")):
        ours, theirs = (parse_objective(name, normalisation=normalisation) for name in (text, same))
        for found, expected in zip(ours.coefficients(DOCUMENTS), theirs.coefficients(DOCUMENTS), strict=True):
            assert found.tobytes() == expected.tobytes()


def test_output_preserving_without_prompts_is_it_with_an_example_mean() -> None:
    it = parse_objective("it", normalisation="example_mean").coefficients(DOCUMENTS)
    for found, expected in zip(
        parse_objective("output_preserving:0").coefficients(DOCUMENTS), it, strict=True
    ):
        assert found.tobytes() == expected.tobytes()


def test_instruction_only_weighs_no_answer() -> None:
    assert parse_objective("instruction_only").token_weights(ROLES).tolist() == [0, 0, 1, 1, 1, 0, 0, 0, 0, 0]


def test_wit_weighs_both_sides_by_themselves() -> None:
    found = parse_objective("wit:0.25/0.5").token_weights(ROLES)
    assert found.tolist() == [0, 0, 0.25, 0.25, 0.25, 0, 0.5, 0.5, 0.5, 0]


def test_the_paper_mode_is_the_equation_and_the_released_mode_what_its_code_did() -> None:
    """Eq. 4: a sum, no template token. The code: only the first header is masked, the mean is by example."""
    paper, released = parse_objective("im@paper"), parse_objective("im@released-code")
    assert (paper.normalisation, released.normalisation) == ("sum", "example_mean")
    assert paper.token_weights(ROLES).tolist() == parse_objective("im").token_weights(ROLES).tolist()
    assert released.token_weights(ROLES).tolist() == [0, 0, 1, 1, 1, 1, 1, 1, 1, 1]
    assert parse_objective("it@released-code").weights == parse_objective("it").weights


def test_single_roles_can_be_weighed_by_themselves() -> None:
    roles = np.array([1, 2, 3, 5, 6, 7, 8], dtype=np.int8)  # header system instruction output explanation eos
    found = parse_objective("it", role_weights={"explanation": 0.5, "system": 1, "eos": 0})
    assert found.token_weights(roles).tolist() == [0, 1, 0, 1, 0.5, 0, 0]


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


UNKNOWN = [
    "",
    "ip",
    "it:1",
    "it:",
    "im:",
    "im:x",
    "im:-1",
    "im:nan",
    "im:inf",
    "plw",
    "wit",
    "wit:1",
    "wit:1/2/3",
]


@pytest.mark.parametrize("text", [*UNKNOWN, "wit:0/0", "plw:1/2", "it@", "it@home", "instruction_only:1"])
def test_unknown_objectives_are_errors(text: str) -> None:
    with pytest.raises(RecipeError, match="objective"):
        parse_objective(text)


def test_unknown_normalisation_lists_the_known() -> None:
    with pytest.raises(RecipeError, match="token_mean, weight_mean, example_mean, sum, output_preserving"):
        parse_objective("it", normalisation="mean")


def test_normalisations_read_as_their_names() -> None:
    expected = ["token_mean", "weight_mean", "example_mean", "sum", "output_preserving"]
    assert [str(n) for n in Normalisation] == expected


@pytest.mark.parametrize("text", ["im@paper", "im@released-code", "output_preserving"])
def test_a_normalisation_that_contradicts_the_objectives_own_is_refused(text: str) -> None:
    with pytest.raises(RecipeError, match="means the normalisation"):
        parse_objective(text, normalisation="token_mean")


@pytest.mark.parametrize("weights", [{"pad": 1}, {"answer": 1}, {"system": -1}, {"system": float("nan")}])
def test_weights_of_no_role_or_no_weights_are_refused(weights: dict[str, float]) -> None:
    with pytest.raises(RecipeError, match="role_weights"):
        parse_objective("it", role_weights=weights)


@pytest.mark.parametrize(
    "text",
    [f"{name}@paper" for name in ("it", "im", "plw:0.5", "wit:0.5/0", "instruction_only")]
    + [f"{name}@released-code" for name in ("it", "im")],
)
def test_a_mode_never_changes_what_prompts_and_answers_weigh(text: str) -> None:
    content = np.isin(ROLES, (3, 4, 5, 7))
    plain, found = parse_objective(text.partition("@")[0]), parse_objective(text)
    assert found.token_weights(ROLES)[content].tolist() == plain.token_weights(ROLES)[content].tolist()


@pytest.mark.parametrize("mode", ["paper", "released-code"])
def test_a_mode_says_what_template_tokens_weigh(mode: str) -> None:
    with pytest.raises(RecipeError, match="says what template tokens weigh"):
        parse_objective(f"im@{mode}", role_weights={"header": 1})


def test_another_weighted_role_takes_nothing_from_prompts_under_output_preserving() -> None:
    roles = np.array(
        [1, 2, 2, 2, 3, 3, 5], dtype=np.int8
    )  # header, three system, two instruction, one output
    objective = parse_objective("output_preserving", role_weights={"system": 0.03})
    found = objective.coefficients([roles])[0].tolist()
    assert found == pytest.approx([0, 0.01, 0.01, 0.01, 0.5, 0.5, 1])


@pytest.mark.parametrize(
    "text", ["instruction_only@released-code", "plw:0.5@released-code", "output_preserving@paper"]
)
def test_an_arithmetic_that_nobody_used_is_refused(text: str) -> None:
    with pytest.raises(RecipeError, match="was never trained with the arithmetic of @"):
        parse_objective(text)


@pytest.mark.parametrize("text", ["plw:1e-50", "plw:1e39", "wit:1e9/1"])
def test_weights_that_float32_cannot_hold_are_refused(text: str) -> None:
    with pytest.raises(RecipeError, match="0 or from 1e-6 to 1e6"):
        parse_objective(text)


@pytest.mark.parametrize("weights", [[1.0], [1.0, float("nan"), 1.0], [1.0, -1.0, 1.0]])
def test_record_weights_that_are_none_are_refused(weights: list[float]) -> None:
    with pytest.raises(ValueError, match="one record weight for each document"):
        parse_objective("it").coefficients(DOCUMENTS, weights)


def test_the_control_counts_only_the_answer_tokens_that_are_trained_on() -> None:
    roles = [np.array([1, 3, 3, 5, 6, 6, 7], dtype=np.int8)]
    given = {"role_weights": {"explanation": 0}}
    control = parse_objective("it_example_weighted", **given).coefficients(roles)[0]
    im = parse_objective("im", normalisation="example_mean", **given).coefficients(roles)[0]
    assert control[3] == pytest.approx(im[3]) == pytest.approx(0.25)
