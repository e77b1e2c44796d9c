"""The prompts of a step: text files in a folder `prompts` beside its code, filled in with values.

A text from outside enters as a value, so nothing in it is ever a template, and it stands between lines with
a code that it cannot contain. How messages become tokens is another matter: `llm.prompt`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from importlib import resources

from jinja2 import FunctionLoader, StrictUndefined
from jinja2.sandbox import ImmutableSandboxedEnvironment


class PromptFiles:
    """The files `prompts/*.txt` of a package, each a Jinja template that may include the others."""

    def __init__(self, package: str) -> None:
        self._folder = resources.files(package) / "prompts"
        self._environment = ImmutableSandboxedEnvironment(
            loader=FunctionLoader(self.text),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            keep_trailing_newline=True,  # a file ends a line wherever it is included
        )

    def names(self) -> list[str]:
        """The files' names in the order of the alphabet."""
        return sorted(file.name for file in self._folder.iterdir() if file.name.endswith(".txt"))

    def text(self, name: str) -> str:
        """A file as it is written."""
        return (self._folder / name).read_text(encoding="utf-8")

    def render(self, name: str, /, **values: object) -> str:
        """A file filled in, without white space around it. A value that the file needs and does not get is
        jinja2.UndefinedError."""
        return self._environment.get_template(name).render(**values).strip()

    def hashes(self) -> dict[str, str]:
        """SHA-256 of each file by name: part of a step's fingerprint."""
        return {name: hashlib.sha256((self._folder / name).read_bytes()).hexdigest() for name in self.names()}


def frame_code(texts: Iterable[str]) -> str:
    """Twelve hexadecimal digits that none of the texts contains, so that none can end its own frame: the
    same for the same texts."""
    joined = "\0".join(texts)
    for attempt in range(1000):
        digest = hashlib.sha256(f"{attempt}\0{joined}".encode("utf-8", "surrogatepass")).hexdigest()[:12]
        if digest not in joined:
            return digest
    raise AssertionError("a text that contains a thousand hashes of itself")
