"""One tiny tuned model for all tests of standard tasks, and a cache of data sets of their own."""

from __future__ import annotations

from pathlib import Path

import pytest

from tunewright.records.record import Record
from tunewright.tune.config import TuneConfig
from tunewright.tune.stage import tune


@pytest.fixture(scope="session")
def tuned_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    words = ["milk", "moon", "sky"]
    records = [Record(word, f"Say {word}.", f"I say {word}.") for word in words]
    out = tmp_path_factory.mktemp("runs") / "tuned"
    tune(TuneConfig(epochs=3, batch_size=3), records, out)
    return out


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    import datasets.config

    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path_factory.mktemp("datasets"))
