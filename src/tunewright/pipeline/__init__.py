"""A recipe and the stages it names, run in order."""

from tunewright.pipeline.recipe import Recipe, load_recipe
from tunewright.pipeline.stages import run

__all__ = ["Recipe", "load_recipe", "run"]
