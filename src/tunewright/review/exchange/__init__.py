"""Pairs, results and ratings in from everywhere they are made, and out to everywhere they are used."""

from tunewright.review.exchange.counted import Exported
from tunewright.review.exchange.export import FORMATS, export
from tunewright.review.exchange.items import read_items
from tunewright.review.exchange.kinds import Kind, what_is
from tunewright.review.exchange.ratings_in import RatingsTaken, add_ratings
from tunewright.review.exchange.result import Result
from tunewright.review.exchange.results import Taken, add_results, read_results

__all__ = [
    "FORMATS",
    "Exported",
    "Kind",
    "RatingsTaken",
    "Result",
    "Taken",
    "add_ratings",
    "add_results",
    "export",
    "read_items",
    "read_results",
    "what_is",
]
