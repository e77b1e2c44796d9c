"""Advice before training: what is in the data, what was seen on data like it, and which objective to try."""

from tunewright.evaluate.advice.advise import Advice, advise

__all__ = ["Advice", "advise"]
