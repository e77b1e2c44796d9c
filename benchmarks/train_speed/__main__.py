"""Training speed and memory: Tunewright, two versions of TRL and the plain Trainer on the same steps.

    python benchmarks/train_speed --dolly FILE --t0 FILE --out DIR [--quick] \\
        --python trl-1.16=ENV/bin/python --python trl-1.9=OTHER/bin/python

The two TRL contenders need environments of their own, with torch of this one's version and
`trl==1.16.0` or `trl==1.9.2`; a contender without one is left out. FILEs are any that `tunewright` reads: one
with short instructions, one with long instructions and short outputs.

Every cell (data set, objective, number format) goes through all contenders in turn, each in its own process,
one thread; the whole is repeated. Seconds are CPU seconds of the training steps, after a warm-up step; memory
is the peak above what was resident before training. The loss of every step must be the same in all float32
contenders to one part in 10,000, or nothing is reported. Takes about 12 CPU minutes, with --quick about 3.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cells import Cell, labelled_rows, make_model, make_rows, multiplications

from report import Result, check_same_losses, tables

HERE = Path(__file__).parent
LR = 1e-4


@dataclass(frozen=True)
class Contender:
    """`environment` names the Python that runs `script`; `layout` is how it lays out a batch."""

    name: str
    environment: str
    script: tuple[str, ...]
    layout: str


CONTENDERS = [
    Contender("tunewright", "here", ("with_tunewright.py",), "packed"),
    Contender("trl-1.16 padded", "trl-1.16", ("with_trainer.py", "trl"), "padded"),
    Contender("trl-1.16 packed", "trl-1.16", ("with_trainer.py", "trl"), "packed"),
    Contender("trl-1.9 padded", "trl-1.9", ("with_trainer.py", "trl"), "padded"),
    Contender("trl-1.9 packed", "trl-1.9", ("with_trainer.py", "trl"), "packed"),
    Contender("transformers", "here", ("with_trainer.py", "transformers"), "padded"),
]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--dolly", type=Path, required=True, help="short instructions")
    parser.add_argument("--t0", type=Path, required=True, help="long instructions, short outputs")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--python", action="append", default=[], metavar="NAME=PYTHON")
    parser.add_argument("--contenders", nargs="+", help="only those whose name begins so")
    parser.add_argument("--cells", nargs="+", help="only these, such as alpaca-it-f32")
    parser.add_argument("--steps", type=int, default=1, help="measured, of 8 examples each; at most 8")
    parser.add_argument("--repeats", type=int, default=2)
    parser.add_argument("--quick", action="store_true", help="alpaca-like data and IT alone, once")
    arguments = parser.parse_args()
    if arguments.quick:
        arguments.repeats = 1
        arguments.cells = arguments.cells or ["alpaca-it-f32", "alpaca-it-bf16"]
    arguments.out.mkdir(parents=True, exist_ok=True)
    model = make_model([arguments.dolly, arguments.t0], arguments.out)
    files = {"alpaca": arguments.dolly, "long": arguments.t0}
    for name, file in files.items():
        facts = make_rows(file, model, name, arguments.out)
        print(f"{name}: " + ", ".join(f"{key} {value:.0f}" for key, value in facts.items()))
    results: list[Result] = []
    for result in measure(arguments, model):
        results.append(result)
        check_same_losses(results)
        (arguments.out / "results.json").write_text(json.dumps([vars(one) for one in results]))
        (arguments.out / "tables.md").write_text(tables(results))
    print(tables(results))


def measure(arguments: argparse.Namespace, model: Path) -> Iterator[Result]:
    """All cells through all contenders, interleaved, so that a busy hour of the machine meets them alike."""
    pythons = {"here": sys.executable} | dict(pair.split("=", 1) for pair in arguments.python)
    contenders = [
        contender
        for contender in CONTENDERS
        if contender.environment in pythons
        and (not arguments.contenders or contender.name.startswith(tuple(arguments.contenders)))
    ]
    cells = [
        Cell(f"{data}-{objective}-{precision}", str(arguments.out / f"{data}.json"), objective, precision)
        for objective, data, precision in itertools.product(("it", "im"), ("alpaca", "long"), ("f32", "bf16"))
    ]
    cells = [cell for cell in cells if not arguments.cells or cell.name in arguments.cells]
    processes = {(one.environment, one.script) for one in contenders} | {("here", ("with_matmul.py",))}
    workers = {
        (environment, script): Worker([pythons[environment], *script], arguments.out)
        for environment, script in processes
    }
    for repeat, cell in itertools.product(range(arguments.repeats), cells):
        rows = labelled_rows(cell, arguments.steps)
        limits = workers["here", ("with_matmul.py",)](limit_job(cell, rows, arguments.steps))
        for contender in contenders:
            job = {
                "model": str(model),
                "data": cell.data,
                "rows": rows,
                "objective": cell.objective,
                "precision": cell.precision,
                "layout": contender.layout,
                "num_steps": arguments.steps,
                "lr": LR,
            }
            answer = workers[contender.environment, contender.script](job)
            result = Result(cell.name, contender.name, repeat, needed(rows), limits, **answer)
            print(f"{cell.name:18} {contender.name:16} {result.seconds:7.2f} s", file=sys.stderr)
            yield result
    for worker in workers.values():
        worker.close()


def needed(rows: list[dict[str, list[int]]]) -> float:
    """Floating-point operations of the measured steps."""
    measured = rows[8:]
    supervised = sum(label != -100 for row in measured for label in row["labels"])
    return multiplications([len(row["input_ids"]) for row in measured], supervised)


def limit_job(cell: Cell, rows: list[dict[str, list[int]]], num_steps: int) -> dict[str, Any]:
    measured = rows[8:]
    return {
        "precision": cell.precision,
        "tokens": sum(len(row["input_ids"]) for row in measured) // num_steps,
        "supervised": sum(label != -100 for row in measured for label in row["labels"]) // num_steps,
    }


class Worker:
    """A process that runs jobs one after another, on one thread."""

    def __init__(self, command: list[str], out: Path) -> None:
        environment = os.environ | {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}
        environment |= {"TOKENIZERS_PARALLELISM": "false", "TRL_EXPERIMENTAL_SILENCE": "1"}
        self._name = "-".join(Path(part).stem for part in command[1:])
        self._answer = out / f"{self._name}-{id(self)}.json"
        self._log = (out / f"{self._name}.log").open("a")
        self._process = subprocess.Popen(
            [command[0], str(HERE / command[1]), *command[2:]],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
            env=environment,
        )
        self._heard("ready")

    def __call__(self, job: dict[str, Any]) -> dict[str, Any]:
        assert self._process.stdin is not None
        print(json.dumps({**job, "result": str(self._answer)}), file=self._process.stdin, flush=True)
        self._heard("done")
        answer: dict[str, Any] = json.loads(self._answer.read_text())
        self._answer.unlink()
        if "error" in answer:
            sys.exit(f"{self._name} failed:\n{answer['error']}")
        return answer

    def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()

    def _heard(self, word: str) -> None:
        assert self._process.stdout is not None
        if self._process.stdout.readline().strip() != word:
            sys.exit(f"{self._name} ended; its output is in {self._log.name}")


if __name__ == "__main__":
    main()
