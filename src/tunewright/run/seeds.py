"""Sub-seeds by name: every random choice of a run follows from its one seed and the name of the choice.

Drawing seeds one after another from a generator would change all later ones when a stage is added or the
work is split differently; a seed by name depends on nothing but the name.
"""

from __future__ import annotations

import hashlib
import json


def derive_seed(seed: int, *names: str | int) -> int:
    """An integer in 0 … 2⁶³−1 for the choice called `names`, e.g. `derive_seed(7, "tune", "shuffle", epoch)`.

    The first 63 bits of SHA-256 over the JSON list [seed, *names], so it is the same in every process,
    on every machine and in every Python version (unlike `hash`). The list form keeps names apart:
    ("ab", "c") differs from ("a", "bc"), and 1 from "1". Fits `random.Random`, `numpy.random.default_rng`
    and `torch.manual_seed`; the old `numpy.random.seed` takes 32 bits only.
    """
    name = json.dumps([seed, *names], separators=(",", ":")).encode("ascii")
    return int.from_bytes(hashlib.sha256(name).digest()[:8], "big") >> 1
