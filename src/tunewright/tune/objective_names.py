"""The objectives by name: `it`, `im`, `plw:0.25`, `wit:0.2/0.8` and their kin, each with its normalisation.

    NAME[:NUMBER[/NUMBER]][@MODE]

A mode says whose arithmetic is meant. `@paper` is the equation of Shi et al. (2024): sums, and no template
token in the loss. `@released-code` is what that paper's code did: a mean per example, then over examples;
and for IM a mask that matches only the first header, so that every later template token carries loss.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from tunewright.errors import RecipeError
from tunewright.tune.conversation import Role
from tunewright.tune.objective import ANSWER_ROLES, PROMPT_ROLES, Normalisation, Objective, is_weight

MODES = {"paper": Normalisation.SUM, "released-code": Normalisation.EXAMPLE_MEAN}
SPELLINGS = {
    "it": "loss on outputs, explanations and the end of the answer",
    "im": "on instructions and inputs too",
    "im:W, plw:W": "on instructions with the weight W",
    "wit:P/O": "the weight P on instructions and O on answers",
    "instruction_only": "on instructions and inputs alone (a control)",
    "output_preserving[:W]": "1/n of the answers' loss plus W/m of the instructions', in each example",
    "it_example_weighted": "it, with each example weighted n/(m+n) (a control for im's smaller say)",
}
WEIGHABLE = tuple(role for role in Role if role not in (Role.BOS, Role.PAD))


def parse_objective(
    text: str, *, normalisation: str | None = None, role_weights: Mapping[str, float] | None = None
) -> Objective:
    """The objective that `text` names; λ=0 is IT and λ=1 is IM bit for bit, as the weights are the same.

    `normalisation` None is the objective's own: `token_mean` unless the name or its mode says otherwise.
    `role_weights` sets roles by themselves, by lower-case name: {"explanation": 0.5, "system": 1}.
    """
    name, at, mode = text.partition("@")
    if at and mode not in MODES:
        raise RecipeError(f"objective {text!r}: the modes are {', '.join('@' + known for known in MODES)}")
    objective = _named(text, name)
    kind = name.partition(":")[0]
    if (mode == "released-code" and kind not in ("it", "im")) or (mode and kind == "output_preserving"):
        raise RecipeError(f"objective {text!r}: {kind} was never trained with the arithmetic of @{mode}")
    if mode:
        objective = replace(objective, normalisation=MODES[mode])
        if mode == "released-code" and objective.weights.get(Role.INSTRUCTION):
            own = (*PROMPT_ROLES, *ANSWER_ROLES)
            everything: dict[Role, float] = {role: 1.0 for role in WEIGHABLE if role not in own}
            objective = replace(
                objective, weights={**objective.weights, **everything}, skips_first_header=True
            )
    objective = replace(objective, name=text)
    if normalisation is not None:
        objective = _normalised(objective, normalisation, is_fixed=bool(mode))
    for role, weight in (role_weights or {}).items():
        if mode and role in ("header", "separator"):
            raise RecipeError(f"objective {text!r} says what template tokens weigh; leave out {role}")
        objective = _weighted(objective, role, weight)
    return objective


def _named(text: str, name: str) -> Objective:
    kind, colon, numbers = name.partition(":")
    if (colon and not numbers) or (numbers and kind not in ("im", "plw", "wit", "output_preserving")):
        raise _unknown(text)
    answers, prompts = 1.0, 1.0
    normalisation = Normalisation.TOKEN_MEAN
    match kind:
        case "it" | "it_example_weighted":
            prompts = 0.0
        case "im" | "plw" | "output_preserving" if numbers or kind != "plw":
            prompts = _number(text, numbers) if numbers else 1.0
        case "wit" if numbers.count("/") == 1:
            prompts, answers = (_number(text, part) for part in numbers.split("/"))
        case "instruction_only":
            answers = 0.0
        case _:
            raise _unknown(text)
    if kind == "output_preserving":
        normalisation = Normalisation.OUTPUT_PRESERVING
    elif kind == "it_example_weighted":
        normalisation = Normalisation.EXAMPLE_MEAN
    weights = {role: answers for role in ANSWER_ROLES if answers}
    weights |= {role: prompts for role in PROMPT_ROLES if prompts}
    if not weights:
        raise RecipeError(f"objective {text!r} gives no token any weight")
    return Objective(kind, weights, normalisation, by_output_share=kind == "it_example_weighted")


def _number(text: str, number: str) -> float:
    try:
        value = float(number)
    except ValueError:
        value = float("nan")
    if not is_weight(value):
        raise RecipeError(f"objective {text!r}: a weight must be 0 or from 1e-6 to 1e6, got {number!r}")
    return value


def _unknown(text: str) -> RecipeError:
    modes = ", ".join("@" + mode for mode in MODES)
    return RecipeError(f"objective {text!r} is not known; use one of {'; '.join(SPELLINGS)}; or with {modes}")


def _normalised(objective: Objective, normalisation: str, *, is_fixed: bool) -> Objective:
    try:
        wanted = Normalisation(normalisation)
    except ValueError:
        known = ", ".join(Normalisation)
        raise RecipeError(f"normalisation {normalisation!r} is not known; use one of {known}") from None
    fixed = is_fixed or objective.normalisation is Normalisation.OUTPUT_PRESERVING
    if fixed and wanted is not objective.normalisation:
        raise RecipeError(
            f"objective {objective.name!r} means the normalisation {objective.normalisation}; "
            f"leave out {wanted}, or name the objective without its mode"
        )
    return replace(objective, normalisation=wanted)


def _weighted(objective: Objective, role: str, weight: float) -> Objective:
    names = {known.name.lower(): known for known in WEIGHABLE}
    if role not in names:
        raise RecipeError(f"role_weights: {role!r} is no role with loss; use {', '.join(names)}")
    if not is_weight(weight):
        raise RecipeError(f"role_weights: the weight of {role} must be 0 or from 1e-6 to 1e6, got {weight}")
    weights = {**objective.weights, names[role]: float(weight)}
    return replace(objective, weights={known: value for known, value in weights.items() if value})
