"""A recipe and the stages it names, run in order; and a comparison of arms, which is one without a file."""

from tunewright.pipeline.compare import Comparison, compare
from tunewright.pipeline.recipe import Recipe, load_recipe
from tunewright.pipeline.stages import run

__all__ = ["Comparison", "Recipe", "compare", "load_recipe", "run"]
