"""What every stage of a run shares: settings, the run folder, progress, seeds and versions.

Names are imported when first used, so that asking for `Progress` does not import pydantic.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tunewright.run.config import Config, json_schema, parse_config, to_yaml
    from tunewright.run.files import JsonlLog, file_sha256, read_jsonl, write_json_atomic, write_text_atomic
    from tunewright.run.fingerprint import Fingerprint
    from tunewright.run.folder import RunFolder, is_done, move_aside, read_manifest
    from tunewright.run.progress import Event, NullSink, Progress, Sink
    from tunewright.run.seeds import derive_seed
    from tunewright.run.strict_yaml import load_yaml
    from tunewright.run.versions import environment, library_versions

__all__ = [
    "Config",
    "Event",
    "Fingerprint",
    "JsonlLog",
    "NullSink",
    "Progress",
    "RunFolder",
    "Sink",
    "derive_seed",
    "environment",
    "file_sha256",
    "is_done",
    "json_schema",
    "library_versions",
    "load_yaml",
    "move_aside",
    "parse_config",
    "read_jsonl",
    "read_manifest",
    "to_yaml",
    "write_json_atomic",
    "write_text_atomic",
]

_NAMES_OF = {
    "config": ("Config", "json_schema", "parse_config", "to_yaml"),
    "files": ("JsonlLog", "file_sha256", "read_jsonl", "write_json_atomic", "write_text_atomic"),
    "fingerprint": ("Fingerprint",),
    "folder": ("RunFolder", "is_done", "move_aside", "read_manifest"),
    "progress": ("Event", "NullSink", "Progress", "Sink"),
    "seeds": ("derive_seed",),
    "strict_yaml": ("load_yaml",),
    "versions": ("environment", "library_versions"),
}
_MODULE_OF = {name: module for module, names in _NAMES_OF.items() for name in names}


def __getattr__(name: str) -> object:
    if name not in _MODULE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_MODULE_OF[name]}"), name)
