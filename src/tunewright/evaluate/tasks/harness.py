"""Calls of lm-evaluation-harness: a loaded model and built tasks go in, its results come out, in silence.

Its `evaluate` is called rather than its `simple_evaluate`, which for every call asks pip and git about the
machine; what that sets besides (few-shot number and seed) is set here the same way.
"""

from __future__ import annotations

import contextlib
import io
import os
from collections.abc import Iterator, Mapping
from typing import Any

from tunewright.errors import ModelError
from tunewright.evaluate.tasks.config import TasksConfig
from tunewright.evaluate.tasks.preflight import quiet

_SEED = 1234  # the harness's own, for few-shot examples and sampling
_BOOTSTRAP_SAMPLES = 1000


def harness_results(config: TasksConfig, lm: Any, tasks: Mapping[str, Any]) -> dict[str, Any]:
    """What lm-evaluation-harness finds for these tasks, with its samples; nothing is printed.

    ModelError with the harness's reason when it stops, as for a model too short for what a task generates.
    """
    import torch
    from lm_eval.evaluator import evaluate

    for task in tasks.values():
        # a task that sets 0 examples keeps them, as in the harness
        if task.get_config("num_fewshot") is None:
            task.set_config(key="num_fewshot", value=config.num_fewshot or 0)
        elif config.num_fewshot is not None and task.get_config("num_fewshot") != 0:
            task.set_config(key="num_fewshot", value=config.num_fewshot)
        task.set_fewshot_seed(seed=_SEED)
    torch.manual_seed(_SEED)
    try:
        with _silent():
            found = evaluate(
                lm=lm,
                task_dict={"tasks": dict(tasks)},
                limit=config.limit,
                bootstrap_iters=_BOOTSTRAP_SAMPLES,
                log_samples=True,
                apply_chat_template=config.chat,
                fewshot_as_multiturn=config.chat,
                confirm_run_unsafe_code=config.run_code,
            )
    except Exception as error:  # a task's own code can raise anything
        reason = str(error).strip().partition("\n")[0] or type(error).__name__
        raise ModelError(f"{', '.join(tasks)}: the harness stopped: {reason}") from error
    return dict(found)


def harness_model(model: Any, tokenizer: Any, *, batch_size: int = 8) -> Any:
    """A loaded model as the harness wants it."""
    from lm_eval.models.huggingface import HFLM

    with quiet():
        return HFLM(pretrained=model, tokenizer=tokenizer, batch_size=batch_size)


def num_cut(lm: Any, task: Any) -> int:
    """Documents with a request longer than the model; the harness cuts their beginning, with a warning at
    most."""
    most = lm.max_length
    cut = set()
    for request in task.instances:
        if request.request_type == "loglikelihood":
            num_tokens = len(lm.tok_encode("".join(request.args))) - 1
        elif request.request_type == "generate_until":
            num_tokens = len(lm.tok_encode(request.args[0]))
            num_tokens += int((request.args[1] or {}).get("max_gen_toks", lm.max_gen_toks))
        else:
            continue  # rolling: long documents are scored in windows
        if num_tokens > most:
            cut.add(request.doc_id)
    return len(cut)


@contextlib.contextmanager
def _silent() -> Iterator[None]:
    """Without the harness's bars, prints and logs, and without its pool of processes for a bootstrap."""
    before = os.environ.get("DISABLE_MULTIPROC")
    os.environ["DISABLE_MULTIPROC"] = "1"
    try:
        with quiet(), contextlib.redirect_stderr(io.StringIO()), contextlib.redirect_stdout(io.StringIO()):
            yield
    finally:
        if before is None:
            del os.environ["DISABLE_MULTIPROC"]
        else:
            os.environ["DISABLE_MULTIPROC"] = before
