from __future__ import annotations

import platform
from pathlib import Path

import pydantic

import tunewright
from tunewright.run.versions import _cpu_name, environment, library_versions


def test_versions_are_those_of_the_installed_packages() -> None:
    versions = library_versions(["pydantic", "no-such-library-at-all"])
    assert versions == {"pydantic": pydantic.VERSION}


def test_the_environment_names_python_package_and_processor() -> None:
    found = environment()
    assert found["python"] == platform.python_version()
    assert found["tunewright"] == tunewright.__version__
    assert found["libraries"]["pydantic"] == pydantic.VERSION
    assert found["num_cpus"] >= 1
    assert found["cpu"]
    assert sorted(found) == ["cpu", "libraries", "num_cpus", "platform", "python", "tunewright"]


def test_the_processor_name_comes_from_linux_where_it_says_it(tmp_path: Path) -> None:
    (tmp_path / "cpuinfo").write_text("processor : 0\nmodel name\t: Example 9000 @ 2: fast\n")
    assert _cpu_name(tmp_path / "cpuinfo") == "Example 9000 @ 2: fast"
    assert _cpu_name(tmp_path / "missing") == (platform.processor() or platform.machine())
