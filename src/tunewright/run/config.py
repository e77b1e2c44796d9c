"""The settings of a stage: a table in a recipe becomes a frozen, checked object, or one clear sentence.

Every stage's config (`GenerateConfig`, `TuneConfig`, …) derives from `Config`, which is the only use of
inheritance for settings. A recipe is checked strictly (a text is never taken for a number); the same class
called from Python takes what Python users write, a `str` for a path or a list for a tuple.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, TypeVar

import pydantic
import pydantic_core

from tunewright.errors import RecipeError
from tunewright.run.problems import key_of, problems
from tunewright.run.strict_yaml import dump_yaml

C = TypeVar("C", bound="Config")


class Config(pydantic.BaseModel):
    """Frozen settings; unknown names, infinities and NaN are refused.

    `no_effect` names the fields that cannot change a result (where it goes, how many workers, …): they
    are left out of `settings`, so changing one does not make a finished stage run again.
    """

    model_config = pydantic.ConfigDict(
        frozen=True, extra="forbid", allow_inf_nan=False, protected_namespaces=()
    )
    no_effect: ClassVar[frozenset[str]] = frozenset()

    def settings(self) -> dict[str, Any]:
        """All that can change the result, as JSON-like data: the `config` of a run folder's fingerprint.

        A nested config leaves out its own `no_effect` fields in the same way.
        """
        kept = self.model_dump(mode="json", by_alias=True, exclude=set(self.no_effect))
        for name in type(self).model_fields:
            value = getattr(self, name)
            if isinstance(value, Config) and name not in self.no_effect:
                kept[key_of(type(self), name)] = value.settings()
        return kept


def parse_config(cls: type[C], mapping: Mapping[str, Any], *, where: str, table: str = "") -> C:
    """The config in `mapping`. `where` names the file or command, `table` the part of it, e.g. "tune".

    Raises RecipeError with one sentence per problem: where it is (with the line, when `mapping` comes
    from `load_yaml`), what was found, what is accepted; an unknown key names the nearest known one.
    """
    try:
        # In JSON mode "strict" means what a recipe needs: no text for a number, but a list for a tuple
        # and a text for a path or an enumeration, which YAML cannot say otherwise.
        return cls.model_validate_json(pydantic_core.to_json(mapping, inf_nan_mode="constants"), strict=True)
    except pydantic.ValidationError as error:
        raise RecipeError("\n".join(problems(cls, mapping, error, where=where, table=table))) from None


def to_yaml(config: Config) -> str:
    """The resolved config, defaults and all, as YAML that `load_yaml` and `parse_config` read back equal."""
    return dump_yaml(config.model_dump(mode="json", by_alias=True))


def json_schema(cls: type[Config]) -> dict[str, Any]:
    """A JSON schema (draft 2020-12) of the recipe, for editors that complete and check YAML."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **cls.model_json_schema()}
