"""Arms as texts: what they mean, what they are called, and what is wrong with the others."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunewright.errors import RecipeError
from tunewright.pipeline.arms import parse_arm, parse_arms, parse_setting, same_settings, split_arms


@pytest.mark.parametrize(
    ("text", "name", "settings"),
    [
        ("it", "it", {"objective": "it"}),
        ("plw:.25", "plw-0.25", {"objective": "plw:0.25"}),
        ("plw(.25)", "plw-0.25", {"objective": "plw:0.25"}),
        ("im:0.3", "im-0.3", {"objective": "im:0.3"}),
        ("wit:0.2/0.8", "wit-0.2-0.8", {"objective": "wit:0.2/0.8"}),
        ("wit(0.2,0.8)", "wit-0.2-0.8", {"objective": "wit:0.2/0.8"}),
        ("im@released-code", "im-released-code", {"objective": "im@released-code"}),
        ("plw:.5@paper", "plw-0.5-paper", {"objective": "plw:0.5@paper"}),
        ("im+neftune", "im+neftune", {"objective": "im", "neftune": 5.0}),
        ("im+neftune:5", "im+neftune", {"objective": "im", "neftune": 5.0}),
        ("im + neftune(10)", "im+neftune-10", {"objective": "im", "neftune": 10.0}),
        ("it+kl", "it+kl", {"objective": "it", "kl": 0.1}),
        ("it+kl:1", "it+kl-1", {"objective": "it", "kl": 1.0}),
        (
            "im+explanation:0.5+system:1",
            "im+explanation-0.5+system-1",
            {"objective": "im", "role_weights": {"explanation": 0.5, "system": 1}},
        ),
        ("im+example_mean", "im+example_mean", {"objective": "im", "normalisation": "example_mean"}),
        ("it+lora", "it+lora", {"objective": "it", "lora": 16}),
        ("it+lora:8", "it+lora-8", {"objective": "it", "lora": 8}),
        ("it+lr:1e-4", "it+lr-0.0001", {"objective": "it", "lr": 0.0001}),
        ("it+lr:1e+2+clip=2.0", "it+lr-100+clip-2", {"objective": "it", "lr": 100.0, "clip": 2.0}),
        (
            "it+schedule=cosine+epochs=6",
            "it+schedule-cosine+epochs-6",
            {"objective": "it", "schedule": "cosine", "epochs": 6},
        ),
        ("it+data:runs/new.jsonl", "it+data-new", {"objective": "it", "data": "runs/new.jsonl"}),
        ("im+model:org/tiny-1b", "im+model-tiny-1b", {"objective": "im", "model": "org/tiny-1b"}),
        ("revised=it+data:new.jsonl", "revised", {"objective": "it", "data": "new.jsonl"}),
        (" half = plw:.5 ", "half", {"objective": "plw:0.5"}),
    ],
)
def test_an_arm_means_settings_and_has_the_name_of_a_folder(
    text: str, name: str, settings: dict[str, Any]
) -> None:
    assert parse_arm(text) == (name, settings)


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        ([], "no arms are given"),
        (["it", "it"], "arm 'it' is given twice"),
        (["plw:.25", "plw(0.25)"], "arm 'plw-0.25' is given twice"),
        (["im+neftun"], "did you mean 'neftune'?"),
        (["it+seed:3"], "use --seeds"),
        (["it+lr"], "lr needs a value"),
        (["it+system"], "'system' is no setting of tune, no normalisation and no role with its weight"),
        (["it+"], "'' is no modifier"),
        (["it+kl+kl:2"], "gives 'kl' twice"),
        (["it+system:1+system:2"], "gives the weight of 'system' twice"),
        (["it+model"], "model needs a file, folder or id, such as model:PATH"),
        (["it+data"], "data needs a file"),
        (["it+objective:im"], "'objective' is no setting"),
    ],
)
def test_what_is_no_arm_says_why(texts: list[str], message: str) -> None:
    with pytest.raises(RecipeError) as caught:
        parse_arms(texts)
    assert message in str(caught.value)


def test_commas_in_parentheses_part_no_arms() -> None:
    assert split_arms("it, wit(0.2,0.8),im,") == ["it", "wit(0.2,0.8)", "im"]


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        ("plw:0", "it", True),
        ("im:1", "im", True),
        ("im:0.25", "plw:0.25", True),
        ("it+token_mean", "it", True),
        ("im+instruction:0+input:0", "it", True),
        ("it_example_weighted", "it+example_mean", False),
        ("im", "im+neftune", False),
        ("im@released-code", "im+example_mean", False),
    ],
)
def test_arms_are_the_same_when_they_mean_the_same_training(first: str, second: str, same: bool) -> None:
    assert same_settings(parse_arm(first)[1], parse_arm(second)[1]) is same


@given(weight=st.floats(0.001, 10), way=st.sampled_from(["({!r})", ":{!r}"]))
def test_any_weight_makes_a_safe_folder_name_and_survives(weight: float, way: str) -> None:
    name, settings = parse_arm("plw" + way.format(weight))
    assert float(settings["objective"].removeprefix("plw:")) == weight
    assert set(name) <= set("abcdefghijklmnopqrstuvwxyz0123456789.-+")


@pytest.mark.parametrize(
    ("text", "setting"),
    [
        ("warmup=0.1", ("warmup", 0.1)),
        ("pack_tokens=512", ("pack_tokens", 512)),
        ("schedule=cosine", ("schedule", "cosine")),
        ("explanation=false", ("explanation", False)),
    ],
)
def test_a_setting_for_all_arms_is_read_as_a_recipe_reads_it(text: str, setting: tuple[str, Any]) -> None:
    assert parse_setting(text) == setting


@pytest.mark.parametrize("text", ["warmup", "=1", "warmup=", "seed=3", "objective=im"])
def test_what_is_no_setting_for_all_arms_is_refused(text: str) -> None:
    with pytest.raises(RecipeError, match="--set"):
        parse_setting(text)
