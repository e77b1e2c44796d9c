"""All published expert revisions through the forms that a coach reads and writes."""

from __future__ import annotations

from pathlib import Path

import pytest

from tunewright.coach.forms import FORMS
from tunewright.coach.mended import read_mended
from tunewright.coach.revision import FIELDS, Revision

PUBLISHED = (
    Path(__file__).resolve().parents[2].parent / "shared" / "data" / "coachlm" / "expert_revisions.json"
)


@pytest.fixture(scope="module")
def revisions() -> list[Revision]:
    if not PUBLISHED.exists():
        pytest.skip("the published revisions are not beside the checkout")
    return read_mended(PUBLISHED).revisions


def comes_back(revision: Revision, form: str) -> bool:
    written = FORMS[form].target(revision.original, revision.revised)
    read = FORMS[form].read(revision.original, written)
    return all(getattr(read, name) == getattr(revision.revised, name) for name in FIELDS)


@pytest.mark.parametrize("form", ["lines", "marked"])
def test_every_published_revision_comes_back_from_a_lossless_form(
    revisions: list[Revision], form: str
) -> None:
    assert len(revisions) == 2301
    assert all(comes_back(revision, form) for revision in revisions)


def test_once_mended_they_all_come_back_from_the_published_form_too(revisions: list[Revision]) -> None:
    assert all(comes_back(revision, "flat") for revision in revisions)
