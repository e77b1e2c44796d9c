"""What is missing is said before a model is loaded, in words, all of it at once."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("lm_eval", reason="standard tasks need lm-eval: pip install 'tunewright[tasks]'")

from tunewright.errors import DataError, RecipeError
from tunewright.evaluate.tasks.config import TasksConfig
from tunewright.evaluate.tasks.preflight import preflight
from tunewright.evaluate.tasks.troubles import Problem, Trouble, describe

LOCAL_TASKS = Path(__file__).parent / "local_tasks"
TROUBLED_TASKS = Path(__file__).parent / "troubled_tasks"


def troubles(*tasks: str, **settings: object) -> list[tuple[str, Trouble]]:
    found = preflight(TasksConfig(tasks=tasks, include=TROUBLED_TASKS, **settings))
    return [(problem.task, problem.trouble) for problem in found.problems]


def test_local_tasks_are_ready_with_their_groups_and_tags() -> None:
    found = preflight(TasksConfig(tasks=("small", "sums"), include=LOCAL_TASKS))
    assert [(unit.name, unit.tasks) for unit in found.units] == [
        ("small", ("habits", "last_words")),
        ("sums", ("sums",)),
    ]
    assert found.problems == ()
    found.demand()


def test_data_lie_beside_the_task_file_or_in_the_current_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "tasks").mkdir()
    (tmp_path / "tasks" / "habits.yaml").write_text((LOCAL_TASKS / "habits.yaml").read_text())
    (tmp_path / "habits.jsonl").write_text((LOCAL_TASKS / "habits.jsonl").read_text())
    monkeypatch.chdir(tmp_path)
    found = preflight(TasksConfig(tasks=("habits",), include=Path("tasks")))
    assert found.problems == ()


def test_a_relative_folder_of_tasks_has_its_data_beside_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """As the how-to page writes it: --include my_tasks."""
    monkeypatch.chdir(LOCAL_TASKS.parent)
    assert preflight(TasksConfig(tasks=("habits",), include=Path(LOCAL_TASKS.name))).problems == ()


@pytest.mark.parametrize(
    ("data", "said"),
    [('{"start": "x"\n', "JSON parse error"), ("", "its data hold no document")],
)
def test_broken_data_are_named_by_what_is_wrong_with_them(tmp_path: Path, data: str, said: str) -> None:
    (tmp_path / "habits.yaml").write_text((LOCAL_TASKS / "habits.yaml").read_text())
    (tmp_path / "habits.jsonl").write_text(data)
    with pytest.raises(DataError, match=said):
        preflight(TasksConfig(tasks=("habits",), include=tmp_path)).demand()


def test_a_task_file_that_is_no_yaml_is_named(tmp_path: Path) -> None:
    """The harness leaves it out without a word, and the task is unknown."""
    (tmp_path / "mine.yaml").write_text("task: [")
    (tmp_path / "other.yaml").write_text("task: mine_too")
    with pytest.raises(DataError, match=r"mine\.yaml: it cannot be built: .*parsing"):
        preflight(TasksConfig(tasks=("mine",), include=tmp_path)).demand()


def test_what_cannot_run_is_told_apart() -> None:
    assert troubles("at_import", "no_file", "runs_code", "needs_package") == [
        ("at_import", Trouble.NEEDS_HUB),
        ("no_file", Trouble.NO_LOCAL_FILE),
        ("runs_code", Trouble.RUNS_CODE),
        ("needs_package", Trouble.NEEDS_PACKAGE),
    ]


def test_code_of_the_model_runs_only_when_allowed() -> None:
    assert troubles("runs_code", run_code=True) == [("runs_code", Trouble.NO_LOCAL_FILE)]


def test_every_trouble_says_what_to_do() -> None:
    tasks = ("at_import", "no_file", "runs_code", "needs_package")
    with pytest.raises(DataError) as caught:
        preflight(TasksConfig(tasks=tasks, include=TROUBLED_TASKS)).demand()
    said = str(caught.value)
    assert "cannot run offline, even with its data here" in said
    assert "--leave-out at_import" in said
    assert "no_file: a data file of it is missing: Unable to find" in said
    assert "no_file.yaml" in said
    assert "runs code that the model wrote, on this machine; allow it with --run-code" in said
    assert "needs_package: needs package_that_nobody_has, which is not installed; install it or" in said


def test_without_hub_and_cache_the_missing_data_set_and_the_way_to_bring_it_are_named(tmp_path: Path) -> None:
    """In a process of its own, as a user's: offline, with an empty cache."""
    code = (
        "import sys\n"
        "from tunewright.errors import DataError\n"
        "from tunewright.evaluate.tasks.config import TasksConfig\n"
        "from tunewright.evaluate.tasks.run import run_tasks\n"
        "try:\n"
        "    config = TasksConfig(tasks=('on_hub',), include=sys.argv[1])\n"
        "    run_tasks(config, {'m': 'org/model'}, sys.argv[2])\n"
        "except DataError as error:\n"
        "    print(error)\n"
    )
    env = os.environ | {"HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path / "home")}
    words = [sys.executable, "-c", code, str(TROUBLED_TASKS), str(tmp_path / "out")]
    done = subprocess.run(words, env=env, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == [
        "the data of one task are not on this machine (HF_HUB_OFFLINE is set):",
        "  on_hub: data set nobody/no-such-data",
        "To bring them: on a machine with a network run",
        f"  HF_HOME=FOLDER tunewright evaluate tasks --check --tasks on_hub --include {TROUBLED_TASKS}",
        "copy FOLDER here, and run this command again with HF_HOME=FOLDER HF_HUB_OFFLINE=1",
    ]
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_the_suite_offline_names_all_data_sets_and_humaneval(tmp_path: Path) -> None:
    """Reads the harness's 14,000 task files."""
    code = (
        "from tunewright.evaluate.tasks.config import TasksConfig\n"
        "from tunewright.evaluate.tasks.preflight import preflight\n"
        "from tunewright.evaluate.tasks.troubles import describe\n"
        "names = ('im18', 'helaswag')\n"
        "print(describe(preflight(TasksConfig(tasks=names)).problems))\n"
    )
    env = os.environ | {"HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path / "home")}
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True)
    assert "unknown task 'helaswag'; did you mean" in done.stdout
    assert "hellaswag" in done.stdout
    assert "  mmlu (57 tasks): data set cais/mmlu" in done.stdout
    assert "  ai2_arc (2 tasks): data set allenai/ai2_arc" in done.stdout
    assert "humaneval: runs code that the model wrote" in done.stdout
    assert "  coqa: data set EleutherAI/coqa" in done.stdout  # its code is imported, with our SQuAD metrics
    assert "ConnectionError" not in done.stdout


def test_a_module_that_an_installed_package_lost_is_not_called_uninstalled() -> None:
    problem = Problem("t", "t", Trouble.NEEDS_PACKAGE, "json.nothing")
    said = describe([problem])
    assert said == "t: imports json.nothing, which the installed json does not have; leave it out"


def test_a_task_asked_for_twice_is_refused() -> None:
    with pytest.raises(RecipeError, match="habits is asked for twice, by small and habits"):
        preflight(TasksConfig(tasks=("small", "habits"), include=LOCAL_TASKS))


def test_a_missing_folder_of_tasks_is_named(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="no such folder"):
        preflight(TasksConfig(tasks=("habits",), include=tmp_path / "nowhere"))


def test_nothing_left_is_an_error() -> None:
    with pytest.raises(RecipeError, match="every task is left out"):
        preflight(TasksConfig(tasks=("habits",), leave_out=("habits",), include=LOCAL_TASKS))


def test_an_unknown_task_names_near_ones() -> None:
    problem = Problem("habbits", "habbits", Trouble.UNKNOWN, "habits")
    assert describe([problem]) == "unknown task 'habbits'; did you mean habits?"
