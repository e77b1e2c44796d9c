"""Accepting or rejecting each revision: by rating gain, the student's loss, meaning kept, or preference."""

from tunewright.coach.accept.config import (
    AcceptConfig,
    Embeddings,
    MeaningKept,
    Preference,
    RatingGain,
    StudentLoss,
)
from tunewright.coach.accept.decision import (
    POLICIES,
    Decision,
    Decisions,
    accept_inputs,
    accept_settings,
    decide,
    requests_estimate,
)

__all__ = [
    "POLICIES",
    "AcceptConfig",
    "Decision",
    "Decisions",
    "Embeddings",
    "MeaningKept",
    "Preference",
    "RatingGain",
    "StudentLoss",
    "accept_inputs",
    "accept_settings",
    "decide",
    "requests_estimate",
]
