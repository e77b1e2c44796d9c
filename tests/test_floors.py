"""The floors: imports go down, never up or sideways, and heavy libraries stay where they belong."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

SOURCE = Path(__file__).resolve().parents[1] / "src" / "tunewright"

# What stands on one line may not import each other; every package may import from lower lines only.
FLOORS = [
    {"errors"},
    {"records", "run", "duplicates"},
    {"llm"},
    {"rate", "tune"},
    {"generate"},
    {"evaluate", "bank", "coach"},
    {"report", "review"},
    {"pipeline"},
    {"cli"},
]
FLOOR_OF = {name: floor for floor, names in enumerate(FLOORS) for name in names}
HEAVY = {"torch", "transformers", "peft", "datasets"}
MAY_LOAD_HEAVY = {"tune", "evaluate"}  # datasets, for hub ids, is imported inside a function of records
FORBIDDEN_NAMES = {"utils", "util", "common", "helpers", "helper", "manager", "misc"}


def package_of(path: Path) -> str:
    return path.relative_to(SOURCE).parts[0].removesuffix(".py")


def imports_of(path: Path, *, only_at_load: bool = False) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    nodes = tree.body if only_at_load else list(ast.walk(tree))
    found = set()
    for node in nodes:
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute here"
            found.add(node.module or "")
    return found


def modules() -> list[Path]:
    return [path for path in SOURCE.rglob("*.py") if package_of(path) in FLOOR_OF]


def test_every_package_stands_on_a_floor() -> None:
    packages = {package_of(path) for path in SOURCE.rglob("*.py")} - {"__init__", "__main__"}
    assert packages == set(FLOOR_OF)


def test_imports_go_down_only() -> None:
    wrong = []
    for path in modules():
        own = package_of(path)
        for module in imports_of(path):
            parts = module.split(".")
            if parts[0] != "tunewright" or len(parts) < 2 or parts[1] == own:
                continue
            if FLOOR_OF[parts[1]] >= FLOOR_OF[own]:
                wrong.append(f"{path.relative_to(SOURCE)} imports {module}")
    assert not wrong, "\n".join(wrong)


def test_heavy_libraries_are_loaded_only_where_models_are() -> None:
    wrong = [
        f"{path.relative_to(SOURCE)} imports {module}"
        for path in modules()
        if package_of(path) not in MAY_LOAD_HEAVY
        for module in imports_of(path, only_at_load=True)
        if module.split(".")[0] in HEAVY
    ]
    assert not wrong, "\n".join(wrong)


def test_only_the_command_line_prints() -> None:
    wrong = [
        str(path.relative_to(SOURCE))
        for path in modules()
        if package_of(path) != "cli"
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print"
    ]
    assert not wrong, wrong


def test_no_module_has_a_name_that_says_nothing() -> None:
    assert not [path for path in SOURCE.rglob("*.py") if path.stem in FORBIDDEN_NAMES]


def test_help_and_data_commands_load_no_heavy_library() -> None:
    """`--help`, and reading records, must not pay for torch or transformers."""
    unwanted = [*sorted(HEAVY), "pyarrow", "numpy", "matplotlib"]
    code = (
        "import sys; import tunewright.cli.main, tunewright.records, tunewright.generate, tunewright.run;"
        f"print([name for name in {unwanted} if name in sys.modules])"
    )
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert loaded.stdout.strip() == "[]"


def test_help_costs_at_most_0_3_seconds_of_cpu() -> None:
    """The promise of the README, measured as the process's own CPU time: busy neighbours do not count."""
    code = (
        "import resource, subprocess, sys;"
        "subprocess.run([sys.executable, '-m', 'tunewright', '--help'], check=True, capture_output=True);"
        "usage = resource.getrusage(resource.RUSAGE_CHILDREN); print(usage.ru_utime + usage.ru_stime)"
    )
    seconds = [
        float(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout)
        for _ in range(3)
    ]
    assert min(seconds) <= 0.3
