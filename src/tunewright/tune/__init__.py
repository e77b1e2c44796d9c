"""Tuning with control over where the loss goes: roles, objectives, batches, the loop.

`tune`, `prepare` and `mask` are imported when first used, since they bring torch or transformers.
"""

from __future__ import annotations

import importlib

_MODULE_OF = {
    "TuneConfig": "config",
    "tune": "stage",
    "prepare": "prepare",
    "export_tokens": "exports.stage",
    "ExportConfig": "exports.config",
    "mask": "preview",
    "mask_html": "preview",
    "inspect": "inspect",
    "recommend": "recommend",
    "Renderer": "roles",
    "Role": "conversation",
    "parse_objective": "objective_names",
}
__all__ = sorted(_MODULE_OF)


def __getattr__(name: str) -> object:
    if name not in _MODULE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_MODULE_OF[name]}"), name)
