"""The documentation says what the code does: generated pages are current, commands exist, links lead on."""

from __future__ import annotations

import importlib.util
import inspect
import os
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from tunewright.cli import tune as tune_command
from tunewright.tune.config import TuneConfig

ROOT = Path(__file__).resolve().parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])


def generator() -> ModuleType:
    spec = importlib.util.spec_from_file_location("generate_reference", ROOT / "docs/generate_reference.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_generated_reference_pages_are_what_the_code_says() -> None:
    for name, text in generator().pages().items():
        assert (ROOT / "docs/reference" / name).read_text(encoding="utf-8") == text, f"run make docs: {name}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_between_pages_lead_to_files(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+?)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
        if not target.startswith(("http://", "https://", "mailto:")):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_command_shown_exists_with_its_options(page: Path) -> None:
    """`tunewright tune … --objective` in a page must be in the generated reference."""
    reference = (ROOT / "docs/reference/cli.md").read_text(encoding="utf-8")
    shown = re.findall(r"^(?:\$ )?tunewright (.+)$", page.read_text(encoding="utf-8"), flags=re.MULTILINE)
    for line in shown:
        words = line.split()
        if words[0].startswith("-"):
            continue
        commands = [" ".join(words[:2]), words[0]]  # `coach select` has a section of its own
        command = next((name for name in commands if f"## tunewright {name}\n" in reference), None)
        assert command is not None, line
        section = reference.split(f"## tunewright {command}\n")[1].split("\n## ")[0]
        for option in re.findall(r"(?<=\s)--[a-z-]+", line.split("#")[0]):
            assert option in section, f"{page.name}: {line}"


def test_the_tune_commands_defaults_are_the_configs() -> None:
    """They are written twice so that --help does not pay for pydantic; they must not drift apart."""
    parameters = inspect.signature(tune_command.command).parameters
    for name, field in TuneConfig.model_fields.items():
        if name in parameters:
            assert parameters[name].default == field.default, name
    missing = set(TuneConfig.model_fields) - set(parameters)
    given_one_by_one = {"role_weights", "trackers"}  # as --role-weight and --tracker
    only_in_recipes = {"clip", "lora_alpha", "measured_rows", "min_delta", "pack_tokens"}
    assert missing == given_one_by_one | only_in_recipes


def test_every_module_of_the_package_opens_with_its_purpose() -> None:
    for path in (ROOT / "src").rglob("*.py"):
        assert path.read_text(encoding="utf-8").startswith(('"""', "'''")), path


@pytest.mark.parametrize("example", sorted((ROOT / "examples").glob("*.py")), ids=lambda path: path.name)
def test_every_example_runs_and_prints_what_its_head_says(example: Path) -> None:
    """The last number printed stands in the head comment, to one decimal (libraries round differently)."""
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    done = subprocess.run([sys.executable, str(example)], capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    last = float(done.stdout.split()[-1])
    head = example.read_text(encoding="utf-8").split('"""')[1]
    assert any(abs(last - float(number)) < 0.06 for number in re.findall(r"\d+\.\d+", head)), done.stdout
