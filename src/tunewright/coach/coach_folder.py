"""A trained coach on disk: the model, and what must be known to ask it as it was trained."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

from tunewright.coach.forms import FormName
from tunewright.coach.prompt import prompt_hash
from tunewright.errors import ModelError
from tunewright.run.folder import read_manifest

STAGE = "coach"
PAIRS_FILE = "pairs.jsonl"
MODEL_FOLDER = Path("tune") / "model"


@dataclass(frozen=True)
class Coach:
    """`model_path` is a transformers folder. `version` tells two coaches apart: SHA-256 over the weights, the
    tokenizer and the prompt. `trained` are the digests of all pairs it was trained on, of both sides."""

    model_path: Path
    form: FormName
    version: str
    max_tokens: int
    trained: frozenset[bytes]
    style: str = "trained"


def is_coach(path: str | Path) -> bool:
    """Whether the path is a finished folder of `tunewright coach train`."""
    manifest = Path(path) / "manifest.json"
    if not manifest.is_file():
        return False
    try:
        return bool(json.loads(manifest.read_bytes()).get("stage") == STAGE)
    except (ValueError, AttributeError):
        return False


def read_coach(path: str | Path) -> Coach:
    """The coach in a folder of `tunewright coach train`.

    ModelError when the folder holds something else, or when the prompt has changed since the coach was
    trained: a coach asked in other words than it learnt is another coach.
    """
    path = Path(path)
    manifest = read_manifest(path)
    if manifest["stage"] != STAGE:
        raise ModelError(
            f"{path}: holds a '{manifest['stage']}' run, not a coach; give a folder of "
            "'tunewright coach train'"
        )
    form = manifest["config"]["form"]
    if form not in get_args(FormName):
        raise ModelError(f"{path}: was trained in the form {form!r}, which this version does not know")
    if manifest["extra"]["prompt_sha256"] != prompt_hash("trained", form):
        raise ModelError(
            f"{path}: was trained by version {manifest['versions'].get('tunewright', 'of then')} with "
            "another prompt; revise with that version, or train the coach again"
        )
    model = path / MODEL_FOLDER
    if not (model / "config.json").is_file():
        raise ModelError(f"{path}: its model is gone ({model}); put it back or train the coach again")
    return Coach(
        model_path=model,
        form=form,
        version=manifest["extra"]["version"],
        max_tokens=manifest["extra"]["max_tokens"],
        trained=frozenset(_digests(path)),
    )


def _digests(path: Path) -> Iterator[bytes]:
    from tunewright.run.files import read_jsonl

    if not (path / PAIRS_FILE).is_file():
        raise ModelError(
            f"{path}: {PAIRS_FILE} is gone, which says what the coach was trained on; put it back"
        )
    for row in read_jsonl(path / PAIRS_FILE):
        if row["split"] != "training":
            continue
        yield bytes.fromhex(row["original"])
        yield bytes.fromhex(row["revised"])
