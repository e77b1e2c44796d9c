"""Start a command in several processes on this machine, and end them all when one is lost.

Each gets the variables that `torchrun` would set. The first one prints; what the others print is kept and
shown when one of them is the reason for a failure. No torch is imported here.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from typing import IO, Any

from tunewright.errors import ProcessLost, RecipeError

LAUNCHED = "TUNEWRIGHT_LAUNCHED"  # set in processes started here: their stdin is a pipe from the launcher
INTERRUPTED = 130
LOST_ANOTHER = 75  # exit code of a process that ended because another did (EX_TEMPFAIL: try again)
SECONDS_TO_END = 15.0  # for the others to end by themselves; then they are told, then killed
SECONDS_TO_DIE = 5.0
TAIL_LINES = 12


def is_first() -> bool:
    """Whether this process is the run's only or first one, by the variables `torchrun` sets."""
    return os.environ.get("RANK", "0") == "0"


def should_launch(num: int | None) -> bool:
    """Whether `num` processes are still to be started: not in one of them. A mismatch is a RecipeError."""
    inside = int(os.environ.get("WORLD_SIZE", "1"))
    if num is not None and 1 < inside != num:
        raise RecipeError(f"--nproc {num} inside a run of {inside} processes; leave --nproc out")
    return num is not None and num > 1 and inside == 1


def run_processes(arguments: Sequence[str], num: int) -> int:
    """Run `python -m tunewright ARGUMENTS` in `num` processes; the exit code of the first.

    Ctrl-C and SIGTERM are passed on once to each. When one ends badly the others get seconds to end too.
    Raises `ProcessLost`, naming the one that was the reason, unless it is the first, which has spoken.
    """
    with contextlib.ExitStack() as stack:
        kept = [stack.enter_context(tempfile.TemporaryFile()) for _ in range(num)]
        port = _free_port()
        # on leaving, their pipes are closed, after `_kill` has made sure that they have ended
        processes = [
            stack.enter_context(_start(arguments, rank, num, port, kept[rank])) for rank in range(num)
        ]
        stack.callback(_kill, processes)
        with _passed_on(processes):
            codes = _wait(processes)
        return _exit_code(codes, kept)


def stop_when_launcher_is_gone() -> None:
    """Blocks until the launcher has ended in any way; then this process is told to finish its step."""
    with contextlib.suppress(OSError):
        while os.read(0, 1):
            pass
    os.kill(os.getpid(), signal.SIGTERM)


def _start(
    arguments: Sequence[str], rank: int, num: int, port: int, kept: IO[bytes]
) -> subprocess.Popen[bytes]:
    place = {"RANK": rank, "LOCAL_RANK": rank, "WORLD_SIZE": num, "LOCAL_WORLD_SIZE": num}
    variables = {**os.environ, **{name: str(value) for name, value in place.items()}, LAUNCHED: "1"}
    variables |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    # more threads than cores wait for each other in every product
    variables.setdefault("OMP_NUM_THREADS", str(max(1, num_cores() // num)))
    if "lo" in (name for _, name in socket.if_nameindex()):
        variables.setdefault("GLOO_SOCKET_IFNAME", "lo")
    others: dict[str, Any] = {"stdout": subprocess.DEVNULL, "stderr": kept} if rank else {}
    return subprocess.Popen(
        [sys.executable, "-m", "tunewright", *arguments],
        env=variables,
        stdin=subprocess.PIPE,
        process_group=0,  # a terminal's Ctrl-C would reach them twice: directly and passed on
        **others,
    )


def _wait(processes: Sequence[subprocess.Popen[bytes]]) -> list[int]:
    """The exit codes; `LOST_ANOTHER` for those that had to be ended because one of them failed."""
    deadline = None
    while None in (codes := [process.poll() for process in processes]):
        if deadline is None and any(code not in (None, 0, INTERRUPTED) for code in codes):
            deadline = time.monotonic() + SECONDS_TO_END
        if deadline is not None and time.monotonic() > deadline:
            _kill(processes)
            break
        time.sleep(0.05)
    return [LOST_ANOTHER if code is None else code for code in codes]


def _kill(processes: Sequence[subprocess.Popen[bytes]]) -> None:
    """End those that still run: asked first, killed if they cannot listen (waiting within a collective)."""
    living = [process for process in processes if process.poll() is None]
    for process in living:
        process.terminate()
    end = time.monotonic() + SECONDS_TO_DIE
    for process in living:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(max(0.0, end - time.monotonic()))
    for process in living:
        process.kill()
        process.wait()


def _exit_code(codes: Sequence[int], kept: Sequence[IO[bytes]]) -> int:
    killed = [rank for rank, code in enumerate(codes) if code < 0]
    failed = [rank for rank, code in enumerate(codes) if code not in (0, INTERRUPTED, LOST_ANOTHER)]
    for rank in [*killed, *failed]:
        if rank in killed or 0 not in failed:
            raise ProcessLost(_reason(rank, codes, kept[rank]))
    return next((code for code in codes if code), 0)


def _reason(rank: int, codes: Sequence[int], kept: IO[bytes]) -> str:
    code = codes[rank]
    what = f"ended with code {code}"
    if code < 0:
        what = f"was killed by {signal.Signals(-code).name}"
        what += " (often for memory)" if code == -signal.SIGKILL else ""
    kept.seek(0)
    lines = kept.read().decode(errors="replace").splitlines()[-TAIL_LINES:]
    said = "".join(f"\n  {line}" for line in lines)
    return (
        f"process {rank + 1} of {len(codes)} {what}, and the others were ended; nothing finished is lost, "
        f"the same command goes on from the last checkpoint{said}"
    )


@contextlib.contextmanager
def _passed_on(processes: Sequence[subprocess.Popen[bytes]]) -> Iterator[None]:
    def pass_on(signum: int, frame: Any) -> None:
        for process in processes:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)

    before = {number: signal.signal(number, pass_on) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def num_cores() -> int:
    """The cores that this process may use; all of the machine where the system does not say."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
