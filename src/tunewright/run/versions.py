"""What a run ran on: versions of Python, of Tunewright and of the libraries that can change a result.

Read from the installed packages' metadata: asking for torch's version does not import torch.
"""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path
from typing import Any

import tunewright

LIBRARIES = (
    "datasets",
    "jinja2",
    "numpy",
    "orjson",
    "peft",
    "pyarrow",
    "pydantic",
    "PyYAML",
    "rapidfuzz",
    "sacrebleu",
    "safetensors",
    "tokenizers",
    "torch",
    "transformers",
)


def library_versions(libraries: Iterable[str] = LIBRARIES) -> dict[str, str]:
    """The installed version of each library, by name; one that is not installed is left out."""
    versions = {}
    for library in libraries:
        try:
            versions[library] = metadata.version(library)
        except metadata.PackageNotFoundError:
            continue
    return versions


def environment(libraries: Iterable[str] = LIBRARIES) -> dict[str, Any]:
    """The `versions` entry of a manifest: tunewright, python, libraries, platform, and the processor.

    `num_cpus` counts the processors this process may use, which in a container or under a batch system
    can be fewer than the machine has.
    """
    return {
        "tunewright": tunewright.__version__,
        "python": platform.python_version(),
        "libraries": library_versions(libraries),
        "platform": platform.platform(),
        "cpu": _cpu_name(),
        "num_cpus": _num_usable_cpus(),
    }


def _num_usable_cpus() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _cpu_name(cpuinfo: Path = Path("/proc/cpuinfo")) -> str:
    """The processor's name; Linux says it only in /proc, and there not on every architecture."""
    try:
        text = cpuinfo.read_text(encoding="utf-8", errors="replace")
    except OSError:
        text = ""
    for line in text.splitlines():
        key, _, value = line.partition(":")
        if key.strip() == "model name":
            return value.strip()
    return platform.processor() or platform.machine()
