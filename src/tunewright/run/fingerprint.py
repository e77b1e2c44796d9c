"""What a stage's result depends on, as one short text: the same fingerprint means the same result."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


def canonical_json(value: Any) -> str:
    """JSON with sorted keys and no spaces: equal data gives equal text. NaN or infinity is a ValueError."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)


@dataclass(frozen=True)
class Fingerprint:
    """All that a stage's result depends on.

    `config` is JSON-like (see `Config.settings`); `inputs` gives the SHA-256 of each input by its name.
    """

    stage: str
    config: Mapping[str, Any] = field(default_factory=dict)
    inputs: Mapping[str, str] = field(default_factory=dict)

    @property
    def digest(self) -> str:
        """SHA-256 of the canonical JSON, in hexadecimal: the same for any order of keys."""
        return hashlib.sha256(canonical_json(self._data()).encode("ascii")).hexdigest()

    def differences(self, new: Fingerprint) -> list[str]:
        """What changes from this one to `new`, e.g. ["epochs 3 → 5", "input train.jsonl has changed"]."""
        old_leaves, new_leaves = _leaves(self.config), _leaves(new.config)
        changed = [
            f"{'.'.join(path)} {_shown(old_leaves, path)} → {_shown(new_leaves, path)}"
            for path in dict.fromkeys([*old_leaves, *new_leaves])
            if old_leaves.get(path) != new_leaves.get(path)
        ]
        for name in dict.fromkeys([*self.inputs, *new.inputs]):
            if name not in new.inputs:
                changed.append(f"input {name} is no longer used")
            elif name not in self.inputs:
                changed.append(f"input {name} is new")
            elif self.inputs[name] != new.inputs[name]:
                changed.append(f"input {name} has changed")
        return changed

    def _data(self) -> dict[str, Any]:
        return {"stage": self.stage, "config": self.config, "inputs": self.inputs}


def _leaves(value: Any, path: tuple[str, ...] = ()) -> dict[tuple[str, ...], str]:
    """Every single setting in nested ones by its path, as JSON text; an empty table is a leaf."""
    if isinstance(value, Mapping) and (value or not path):
        leaves: dict[tuple[str, ...], str] = {}
        for key, inner in value.items():
            leaves |= _leaves(inner, (*path, str(key)))
        return leaves
    return {path: json.dumps(value, ensure_ascii=False, sort_keys=True)}


def _shown(leaves: Mapping[tuple[str, ...], str], path: tuple[str, ...]) -> str:
    text = leaves.get(path, "(not set)")
    return text if len(text) <= 60 else f"{text[:59]}…"
