"""A grown data set on a hub: the records, the card and the manifest, and nothing else of the folder."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from tunewright.errors import DataError, RecipeError
from tunewright.generate.grow.finished import check_finished

PUSHED = ("records.jsonl", "README.md", "DATASHEET.md", "manifest.json")
_PART = r"[A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9_])?"


def check_name(repo: str) -> None:
    """RecipeError for what cannot be a repository of the hub, by the rule of `huggingface_hub`."""
    fits = re.fullmatch(rf"(?:{_PART}/)?{_PART}", repo) and len(repo.rpartition("/")[2]) <= 96
    if not fits or "--" in repo or ".." in repo or repo.endswith(".git"):
        raise RecipeError(
            f"--push {repo!r} is no name of a data-set repository: give NAME or OWNER/NAME of letters, "
            "digits, '-', '_' and '.', with neither '-' nor '.' at an end or twice in a row, and no .git"
        )


def push(folder: str | Path, repo: str, *, private: bool = True, hub: Any = None) -> str:
    """Upload a finished folder to the data-set repository `repo` ("name/data") and give back its address.

    The repository is made, private unless told otherwise, when it is not there. Replies and rejects stay
    here. `hub` is a `huggingface_hub.HfApi`; by default one with the user's own login. Raises RunFolderError
    for a folder that is not finished or not as its run left it, DataError when the hub refuses.
    """
    check_name(repo)
    check_finished(folder)
    if missing := [name for name in PUSHED if not (Path(folder) / name).is_file()]:
        raise DataError(f"{folder} has no {' and no '.join(missing)}: give the folder of a grown set")
    if hub is None:
        try:
            from huggingface_hub import HfApi
        except ImportError:
            raise DataError("--push needs huggingface_hub: pip install huggingface_hub") from None
        hub = HfApi()
    try:
        hub.create_repo(repo, repo_type="dataset", private=private, exist_ok=True)
        hub.upload_folder(
            repo_id=repo, repo_type="dataset", folder_path=str(folder), allow_patterns=list(PUSHED)
        )
    except Exception as error:  # the hub's client raises errors of several libraries
        raise DataError(
            f"{repo}: the hub did not take it: {error}. Everything is in {folder}; log in and push again"
        ) from error
    return f"datasets/{repo}"
