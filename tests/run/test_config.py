"""Settings: what a recipe may say, and the sentence for what it may not."""

from __future__ import annotations

import enum
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

import pydantic
import pytest

from tunewright.errors import RecipeError
from tunewright.run import Config, json_schema, load_yaml, parse_config, to_yaml


class Packing(enum.Enum):
    NONE = "none"
    DENSE = "dense"


class Lora(Config):
    rank: int = pydantic.Field(8, ge=1)


class Tune(Config):
    no_effect: ClassVar[frozenset[str]] = frozenset({"out"})
    model: str = pydantic.Field(description="a Hugging Face id or a folder")
    epochs: int = pydantic.Field(3, gt=0)
    learning_rate: float | Literal["auto"] = 1e-4
    loss_on: Literal["output", "all"] = "output"
    packing: Packing = Packing.DENSE
    shuffle: bool = True
    files: tuple[Path, ...] = ()
    lora: Lora | None = None
    out: Path = Path("runs/tune")

    @pydantic.field_validator("epochs")
    @classmethod
    def _few(cls, epochs: int) -> int:
        if epochs > 100:
            raise ValueError("more than 100 epochs only memorise")
        return epochs


class Recipe(Config):
    name: str = "run"
    tune: Tune | None = None
    also: tuple[Tune, ...] = ()
    weights: dict[str, float] = pydantic.Field(default_factory=dict)
    from_: str = pydantic.Field("", alias="from")


def message(mapping: dict[str, Any], cls: type[Config] = Recipe, **names: str) -> str:
    with pytest.raises(RecipeError) as caught:
        parse_config(cls, mapping, where="r.yaml", **names)
    return str(caught.value)


def test_a_recipe_becomes_frozen_settings_with_defaults() -> None:
    recipe = parse_config(
        Recipe, {"tune": {"model": "m", "packing": "none", "files": ["a.jsonl"]}}, where="r.yaml"
    )
    assert recipe.tune is not None
    assert recipe.tune.epochs == 3
    assert recipe.tune.packing is Packing.NONE
    assert recipe.tune.files == (Path("a.jsonl"),)
    with pytest.raises(pydantic.ValidationError, match="frozen"):
        recipe.tune.epochs = 4  # type: ignore[misc]


def test_a_whole_number_does_for_a_number() -> None:
    assert parse_config(Tune, {"model": "m", "learning_rate": 1}, where="r").learning_rate == 1.0


def test_python_users_may_write_a_text_for_a_path_and_a_list_for_a_tuple() -> None:
    config = Tune.model_validate({"model": "m", "files": ["a"], "out": "b"})
    assert (config.files, config.out) == ((Path("a"),), Path("b"))


@pytest.mark.parametrize(
    ("tune", "expected"),
    [
        ({"epochs": "three"}, "r.yaml: 'tune.epochs' is 'three'; it must be a whole number"),
        ({"epochs": "3"}, "r.yaml: 'tune.epochs' is '3'; it must be a whole number"),
        ({"epochs": True}, "r.yaml: 'tune.epochs' is true; it must be a whole number"),
        ({"epochs": 2.5}, "r.yaml: 'tune.epochs' is 2.5; it must be a whole number"),
        ({"epochs": None}, "r.yaml: 'tune.epochs' is empty; it must be a whole number"),
        ({"epochs": [3]}, "r.yaml: 'tune.epochs' is a list; it must be a whole number"),
        ({"epochs": {"max": 3}}, "r.yaml: 'tune.epochs' is a table of settings; it must be a whole number"),
        ({"epochs": 0}, "r.yaml: 'tune.epochs' is 0; it must be greater than 0"),
        ({"epochs": 200}, "r.yaml: 'tune.epochs' is 200: more than 100 epochs only memorise"),
        (
            {"learning_rate": "fast"},
            "r.yaml: 'tune.learning_rate' is 'fast'; it must be a number or 'auto'",
        ),
        (
            {"learning_rate": "atuo"},
            "r.yaml: 'tune.learning_rate' is 'atuo'; it must be a number or 'auto'; did you mean 'auto'?",
        ),
        (
            {"learning_rate": float("nan")},
            "r.yaml: 'tune.learning_rate' is nan; it must be a finite number or 'auto'",
        ),
        (
            {"loss_on": "outputs"},
            "r.yaml: 'tune.loss_on' is 'outputs'; it must be 'output' or 'all'; did you mean 'output'?",
        ),
        ({"packing": "x"}, "r.yaml: 'tune.packing' is 'x'; it must be 'none' or 'dense'"),
        (
            {"shuffle": "no"},
            "r.yaml: 'tune.shuffle' is 'no'; it must be true or false (in YAML 1.2 the word is a text)",
        ),
        ({"files": "a.jsonl"}, "r.yaml: 'tune.files' is 'a.jsonl'; it must be a list"),
        ({"files": ["a", 1]}, "r.yaml: 'tune.files[1]' is 1; it must be a text"),
        ({"lora": {"rank": 0}}, "r.yaml: 'tune.lora.rank' is 0; it must be at least 1"),
        ({"lora": 8}, "r.yaml: 'tune.lora' is 8; it must be a table of settings"),
        ({"epohcs": 3}, "r.yaml: unknown key 'tune.epohcs'; did you mean 'tune.epochs'?"),
        ({"lora": {"rnak": 8}}, "r.yaml: unknown key 'tune.lora.rnak'; did you mean 'tune.lora.rank'?"),
        (
            {"zzz": 3},
            "r.yaml: unknown key 'tune.zzz'; the keys known here are "
            "epochs, files, learning_rate, lora, loss_on, model, out, packing, shuffle",
        ),
    ],
)
def test_a_wrong_setting_is_one_sentence_naming_key_finding_and_cure(
    tune: dict[str, Any], expected: str
) -> None:
    assert message({"tune": {"model": "m", **tune}}) == expected


def test_a_missing_key_is_named_with_its_meaning() -> None:
    assert message({"tune": {}}) == (
        "r.yaml: 'tune.model' is missing; it must be given: a Hugging Face id or a folder"
    )


def test_each_problem_has_its_own_line() -> None:
    assert message({"nmae": "x", "tune": {"model": 3}}) == (
        "r.yaml: 'tune.model' is 3; it must be a text\nr.yaml: unknown key 'nmae'; did you mean 'name'?"
    )


def test_keys_in_lists_and_free_tables_are_named_too() -> None:
    assert message({"also": [{"model": "m"}, {"model": "m", "epoch": 1}]}) == (
        "r.yaml: unknown key 'also[1].epoch'; did you mean 'also[1].epochs'?"
    )
    assert message({"weights": {"prompt": "x"}}) == "r.yaml: 'weights.prompt' is 'x'; it must be a number"


class Cosine(Config):
    kind: Literal["cosine"] = "cosine"
    cycles: int = 1


class Linear(Config):
    kind: Literal["linear"] = "linear"
    floor: float = 0.0

    @pydantic.model_validator(mode="after")
    def _low(self) -> Linear:
        if self.floor > 1:
            raise ValueError("the floor is a share, at most 1")
        return self


class Schedules(Config):
    chosen: Annotated[Cosine | Linear, pydantic.Field(discriminator="kind")] = Cosine()
    either: Cosine | Literal["none"] | None = None
    betas: float | tuple[float, float] = 0.9


@pytest.mark.parametrize(
    ("mapping", "expected"),
    [
        (
            {"chosen": {"kind": "step"}},
            "r.yaml: 'chosen.kind' is 'step'; it must be one of 'cosine', 'linear'",
        ),
        ({"chosen": {}}, "r.yaml: 'chosen.kind' is missing; it must be given"),
        (
            {"chosen": {"kind": "linear", "cycles": 2}},
            "r.yaml: the key 'chosen.cycles' does not go with the other keys here",
        ),
        (
            {"chosen": {"kind": "linear", "floor": 2}},
            "r.yaml: 'chosen': the floor is a share, at most 1",
        ),
        ({"either": {"cycles": "x"}}, "r.yaml: 'either.cycles' is 'x'; it must be a whole number"),
        (
            {"either": "non"},
            "r.yaml: 'either' is 'non'; it must be a table of settings or 'none'; did you mean 'none'?",
        ),
        ({"betas": [0.9, "x"]}, "r.yaml: 'betas[1]' is 'x'; it must be a number"),
        ({"betas": [1, 2, 3]}, "r.yaml: 'betas' is a list; it must be a number or at most 2 long"),
    ],
)
def test_of_several_alternatives_the_one_that_was_meant_is_explained(
    mapping: dict[str, Any], expected: str
) -> None:
    assert message(mapping, Schedules) == expected


def test_a_rule_for_the_whole_is_told_in_its_own_words() -> None:
    assert message({"floor": 2}, Linear) == "r.yaml: the floor is a share, at most 1"


def test_an_alias_is_the_name_in_the_recipe() -> None:
    assert parse_config(Recipe, {"from": "a"}, where="r").from_ == "a"
    assert message({"form": "a"}) == "r.yaml: unknown key 'form'; did you mean 'from'?"


def test_a_part_of_a_recipe_is_named_by_its_table() -> None:
    assert message({"model": "m", "epochs": "x"}, Tune, table="tune") == (
        "r.yaml: 'tune.epochs' is 'x'; it must be a whole number"
    )


def test_settings_from_a_file_are_named_with_their_line(tmp_path: Path) -> None:
    path = tmp_path / "r.yaml"
    path.write_text(
        "name: x\ntune:\n  model: m\n  lora:\n    rank: eight\n  epohcs: 3\nalso:\n  - epochs: 2\n"
    )
    assert message(load_yaml(path)) == (
        "r.yaml:5: 'tune.lora.rank' is 'eight'; it must be a whole number\n"
        "r.yaml:6: unknown key 'tune.epohcs'; did you mean 'tune.epochs'?\n"
        "r.yaml:7: 'also[0].model' is missing; it must be given: a Hugging Face id or a folder"
    )


def test_the_resolved_recipe_reads_back_equal(tmp_path: Path) -> None:
    recipe = parse_config(
        Recipe,
        {"tune": {"model": "no", "learning_rate": 1e-05, "lora": {}}, "from": "1e-3", "weights": {"on": 0.5}},
        where="r",
    )
    (tmp_path / "r.yaml").write_text(to_yaml(recipe), encoding="utf-8")
    assert parse_config(Recipe, load_yaml(tmp_path / "r.yaml"), where="r") == recipe
    assert "epochs: 3\n" in to_yaml(recipe), "defaults are written out"
    assert "from: '1e-3'\n" in to_yaml(recipe)


def test_settings_leave_out_what_cannot_change_a_result() -> None:
    one = parse_config(Recipe, {"tune": {"model": "m", "out": "a"}}, where="r").settings()
    two = parse_config(Recipe, {"tune": {"model": "m", "out": "b"}}, where="r").settings()
    assert one == two
    assert one["tune"]["epochs"] == 3
    assert "out" not in one["tune"]


def test_the_schema_for_editors_forbids_unknown_keys_and_carries_descriptions() -> None:
    schema = json_schema(Recipe)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema["additionalProperties"] is False
    assert "from" in schema["properties"]
    assert schema["$defs"]["Tune"]["properties"]["model"]["description"] == "a Hugging Face id or a folder"
