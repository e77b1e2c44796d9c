"""What tests of the review page share: a database, and one browser for all of them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from support.review_page import chromium, new_database
from tunewright.review.store.database import Database


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    """An empty review database in a folder of this test."""
    made = new_database(tmp_path)
    yield made
    made.close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Chromium, started once a file; tests open their own profiles in it (`support.review_page.page_of`).

    No longer than a file: while it runs no other test of the process can have an event loop.
    """
    with chromium() as started:
        yield started
