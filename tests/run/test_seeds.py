from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from tunewright.run import derive_seed

SRC = Path(__file__).resolve().parents[2] / "src"
SHUFFLE = 747302591584317376
ZERO = 7520536977032167579


def test_the_seeds_are_these_for_ever() -> None:
    """First 63 bits of `printf '[7,"tune","shuffle",1]' | sha256sum`, and of `[0]`."""
    assert derive_seed(7, "tune", "shuffle", 1) == SHUFFLE
    assert derive_seed(0) == ZERO


def test_another_process_with_another_hash_seed_derives_the_same() -> None:
    code = "from tunewright.run.seeds import derive_seed; print(derive_seed(7, 'tune', 'shuffle', 1))"
    environment = {**os.environ, "PYTHONPATH": str(SRC), "PYTHONHASHSEED": "12"}
    found = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, check=True)
    assert int(found.stdout) == SHUFFLE


def test_names_do_not_run_into_one_another() -> None:
    seeds = {derive_seed(1, "ab", "c"), derive_seed(1, "a", "bc"), derive_seed(1, "abc"), derive_seed(1)}
    assert len(seeds) == 4
    assert derive_seed(1, "2") != derive_seed(1, 2)


@given(st.integers(), st.lists(st.text() | st.integers()))
def test_a_seed_has_63_bits(seed: int, names: list[str | int]) -> None:
    assert 0 <= derive_seed(seed, *names) < 2**63
