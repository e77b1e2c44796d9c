"""Fixtures of the training tests; one thread, so that their losses are the same on any machine load."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from support.tiny_models import STYLES, make_records
from tunewright.records.record import Record
from tunewright.tune.scratch import scratch_tokenizer

torch.set_num_threads(1)


@pytest.fixture(scope="session", params=sorted(STYLES))
def any_tokenizer(request: pytest.FixtureRequest) -> Any:
    return STYLES[request.param]()


@pytest.fixture(scope="session")
def records() -> list[Record]:
    return make_records(24)


@pytest.fixture(scope="session")
def tiny_tokenizer(records: list[Record]) -> Any:
    return scratch_tokenizer("tiny", records)
