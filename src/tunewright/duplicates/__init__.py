"""Near-duplicates: the published ROUGE-L rule, exactly, at a million texts or one at a time."""

from tunewright.duplicates.batch import near_duplicates
from tunewright.duplicates.duplicate import Duplicate
from tunewright.duplicates.pool import Pool
from tunewright.duplicates.tokens import Tokens

__all__ = ["Duplicate", "Pool", "Tokens", "near_duplicates"]
