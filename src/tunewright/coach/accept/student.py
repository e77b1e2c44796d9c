"""The student's own loss: does the revision make a record that the model to be tuned can learn more from?

After "Selective Reflection-Tuning" (Li et al., Findings of ACL 2024, arXiv 2402.10110) and its published code
(`selection_code/get_select_data.py`). With s(·) the mean loss in nats per token of a text, x an instruction
with its input, y a response:

    IFD(y|x)   = s(y|x) / s(y)  of losses      ("From Quantity to Quality", Li et al., NAACL 2024)
               = exp(s(y|x) − s(y))  of perplexities      (Superfiltering, and the selection code above)
    r-IFD(x|y) = the same with x and y exchanged: how much the response tells of its instruction

A changed instruction is accepted when IFD goes up: what is asked became more of a task. A changed response is
accepted when r-IFD goes down: the instruction is easier to guess from it. Both must be below 1 for the
revision.

Where we differ. The code measures s(y) on the bare text; here the response stands after an empty question in
the student's own chat template, so that both losses are over the same tokens at the same place. The paper
revises instruction and response in two steps; here one revision may change both, and then both must pass: IFD
of the whole revised pair against the whole original, r-IFD of the revised instruction given the new response
against the old one. And r-IFD's prompt is in our words.

A student that cannot follow that prompt makes r-IFD noise: a 3 M chat model told 80 of 128 responses from a
stranger's by it (and 48 of 64 by `response: loss`), with an r-IFD above 1 on most. Look at the scores before
trusting a small one.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from tunewright.coach.accept.config import StudentLoss
from tunewright.coach.accept.finding import Finding, question_of, response_of
from tunewright.coach.revision import Revision
from tunewright.llm.prompt_files import PromptFiles
from tunewright.records.record import Record

PROMPTS = PromptFiles("tunewright.coach.accept")
FAILED = "student could not measure it"
NOT_HARDER = "instruction no harder for the student"
NOT_GUESSED = "response tells the student less"
NOT_LIKELIER = "response no likelier for the student"
NOT_BELOW_ONE = "student's difficulty not below 1"


def texts_to_measure(revision: Revision, config: StudentLoss) -> dict[str, Record]:
    """The losses that the rules need, by name: each is the mean loss of the record's output.

    `y1|x1` is the revised response after the revised instruction, `y1` the same after an empty one, `x1|y0`
    the revised instruction guessed from the original response, and so on. A side that was empty before has
    no loss and is left out.
    """
    original, revised = revision.original, revision.revised
    x0, y0 = question_of(original), response_of(original)
    x1, y1 = question_of(revised), response_of(revised)
    found: dict[str, Record] = {}
    needs_ifd = config.below_one or x0 != x1
    needs_reverse = config.below_one or (y0 != y1 and config.response == "r_ifd")
    if needs_ifd or (y0 != y1 and config.response == "loss"):
        found["y1|x1"] = _answered(revised, y1)
    if needs_ifd:
        found["y1"] = _alone(revised, y1)
    if needs_reverse:
        found["x1|y1"] = _guessed(revised, x1, y1)
        found["x1"] = _alone(revised, x1)
    if x0 != x1 and x0.strip() and y0.strip():
        found["y0|x0"] = _answered(original, y0)
        found["y0"] = _alone(original, y0)
    if y0 != y1 and y0.strip():
        if config.response == "r_ifd":
            found["x1|y0"] = _guessed(revised, x1, y0)
        else:
            found["y0|x1"] = _answered(revised, y0)
    return found


def judge(losses: Mapping[str, float | None], config: StudentLoss) -> Finding:
    """The finding on one revision from its losses; a loss of None could not be measured."""
    known = {name: loss for name, loss in losses.items() if loss is not None}
    if len(known) < len(losses):
        return Finding(FAILED)
    scores: dict[str, float] = {}
    if "y1" in known:
        scores["ifd.after"] = difficulty(known["y1|x1"], known["y1"], ratio=config.ratio)
    if "y0" in known:
        scores["ifd.before"] = difficulty(known["y0|x0"], known["y0"], ratio=config.ratio)
    if "x1" in known:
        scores["r_ifd.after"] = difficulty(known["x1|y1"], known["x1"], ratio=config.ratio)
    if "x1|y0" in known:
        scores["r_ifd.before"] = difficulty(known["x1|y0"], known["x1"], ratio=config.ratio)
    if "y0|x1" in known:
        scores |= {"loss.before": known["y0|x1"], "loss.after": known["y1|x1"]}
    if not all(map(math.isfinite, scores.values())):
        return Finding(FAILED)
    return Finding(_reason(scores, config), scores)


def difficulty(conditional: float, alone: float, *, ratio: str) -> float:
    """IFD, or r-IFD, from two mean losses in nats per token; infinite for a quotient by 0."""
    if ratio == "loss":
        return conditional / alone if alone else math.inf
    try:
        return math.exp(conditional - alone)
    except OverflowError:
        return math.inf


def _reason(scores: Mapping[str, float], config: StudentLoss) -> str:
    if "ifd.before" in scores and not scores["ifd.after"] > scores["ifd.before"]:
        return NOT_HARDER
    if "r_ifd.before" in scores and not scores["r_ifd.after"] < scores["r_ifd.before"]:
        return NOT_GUESSED
    if "loss.before" in scores and not scores["loss.after"] < scores["loss.before"]:
        return NOT_LIKELIER
    if config.below_one and not (scores["ifd.after"] < 1 and scores["r_ifd.after"] < 1):
        return NOT_BELOW_ONE
    return ""


def _answered(record: Record, response: str) -> Record:
    """The response where it belongs: after its instruction, system message and earlier turns included."""
    return Record(
        id=record.id,
        instruction=record.instruction,
        input=record.input,
        output=response,
        system=record.system,
        history=record.history,
    )


def _alone(record: Record, text: str) -> Record:
    return Record(id=record.id, instruction="", output=text)


def _guessed(record: Record, question: str, response: str) -> Record:
    prompt = PROMPTS.render("guess_instruction.txt", response=response)
    return Record(id=record.id, instruction=prompt, output=question)
