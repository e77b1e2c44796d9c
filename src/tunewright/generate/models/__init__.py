"""All item models: four skill modules, and three of language knowledge."""

from __future__ import annotations

from importlib import import_module

from tunewright.generate.item import ItemModel

_MODULES = ("reading", "listening", "writing", "speaking", "grammar", "vocabulary", "forms")


def _collected() -> tuple[ItemModel, ...]:
    models: list[ItemModel] = []
    for name in _MODULES:
        models.extend(import_module(f"{__name__}.{name}").MODELS)
    assert len({model.name for model in models}) == len(models), "two item models have the same name"
    return tuple(models)


ALL_MODELS: tuple[ItemModel, ...] = _collected()
