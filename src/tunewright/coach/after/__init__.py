"""What is looked at after the model has written a revision: may it be taken, and what should a person see?

Pure functions over a pair of records, without a model: `invalid` finds why the original must be kept, `flags`
the changed facts, `verify` the claims that can be checked.
"""

from tunewright.coach.after.config import AfterConfig
from tunewright.coach.after.flags import FLAG_KINDS, Flag, flags
from tunewright.coach.after.invalid import invalid
from tunewright.coach.after.problem import FALLBACK_REASONS, Problem
from tunewright.coach.after.verify import Verified, verify

__all__ = [
    "FALLBACK_REASONS",
    "FLAG_KINDS",
    "AfterConfig",
    "Flag",
    "Problem",
    "Verified",
    "flags",
    "invalid",
    "verify",
]
