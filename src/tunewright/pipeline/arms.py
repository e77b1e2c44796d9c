"""Arms as short texts: `it`, `im`, `plw:.25`, `im+neftune`, `it+kl:0.1+lr=1e-4`, `revised=it+data:new.jsonl`.

    [NAME=]OBJECTIVE[+MODIFIER…]

An objective is written as in `tune.objective_names`. A modifier is a setting of `TuneConfig` with its value
(`lr:1e-4`, `schedule=cosine`, `model:PATH`), `data` with records of the arm's own, a role with its weight
(`system:1`) or the name of a normalisation. Some settings have a usual value that need not be written:
`neftune`, `kl`, `lora`.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from pathlib import PurePath
from typing import Any

from tunewright.errors import RecipeError
from tunewright.tune.config import TuneConfig
from tunewright.tune.objective import Normalisation
from tunewright.tune.objective_names import WEIGHABLE

USUAL = {"neftune": 5.0, "kl": 0.1, "lora": 16}
NOT_AN_ARMS = ("seed", "objective", "role_weights")
PATHS = ("data", "model", "chat_template")  # a name has their last part only
NORMALISATIONS = tuple(str(known) for known in Normalisation)
ROLES = tuple(role.name.lower() for role in WEIGHABLE)


def parse_arms(texts: Sequence[str]) -> dict[str, dict[str, Any]]:
    """The arms by name, each with the tune settings in which it differs; `RecipeError` names what is wrong.

    The name is the one that is given, or the text with numbers written one way and no character that a folder
    cannot have: `plw:.25` and `plw(.25)` are both `plw-0.25`.
    """
    arms: dict[str, dict[str, Any]] = {}
    for text in texts:
        name, settings = parse_arm(text)
        if name in arms:
            raise RecipeError(f"arm {name!r} is given twice")
        arms[name] = settings
    if not arms:
        raise RecipeError("no arms are given; name some, such as it,im")
    return arms


def split_arms(text: str) -> list[str]:
    """The arms in a comma-separated text; commas in parentheses do not part: `it,wit(0.2,0.8)` is two."""
    return [part.strip() for part in re.split(r",(?![^(]*\))", text) if part.strip()]


def parse_arm(text: str) -> tuple[str, dict[str, Any]]:
    """An arm's name and the settings that its text means."""
    # the + of 1e+4 joins nothing
    first, *modifiers = re.split(r"(?<![0-9][eE])\+", text.strip())
    given, sign, rest = first.partition("=")
    if sign:
        first = rest
    objective = _objective(first)
    settings: dict[str, Any] = {"objective": objective}
    names = [objective]
    for modifier in modifiers:
        name, value = _modifier(modifier.strip(), text)
        names.append(_add(settings, name, value, text))
    if sign:
        return given.strip(), settings
    return "+".join(re.sub(r"[^A-Za-z0-9._-]", "-", name) for name in names), settings


def parse_setting(text: str) -> tuple[str, Any]:
    """`key=value` as a setting of tune: `warmup=0.1` → ("warmup", 0.1)."""
    key, sign, value = text.partition("=")
    if not sign or not key or not value:
        raise RecipeError(f"--set {text!r}: write KEY=VALUE, such as warmup=0.1")
    if key in ("seed", "objective"):
        raise RecipeError(f"--set {text!r}: use --{'seeds' if key == 'seed' else 'arms'}")
    return key, _scalar(value)


def same_settings(first: Mapping[str, Any], second: Mapping[str, Any]) -> bool:
    """Whether two arms' whole settings mean the same training: `plw:0` is `it`, whatever it is called."""
    one, other = (TuneConfig.model_validate(dict(settings)) for settings in (first, second))
    return _meaning(one) == _meaning(other)


def _meaning(config: TuneConfig) -> dict[str, Any]:
    objective = config.parsed_objective()
    ways = ("normalisation", "by_output_share", "skips_first_header")
    means = {way: getattr(objective, way) for way in ways} | {"weights": dict(objective.weights)}
    return config.settings() | {"objective": means, "role_weights": None, "normalisation": None}


def _objective(text: str) -> str:
    """The objective with numbers written one way: `plw(.25)` → `plw:0.25`; its own reader checks it."""
    text = re.sub(
        r"\(([^()]*)\)", lambda found: ":" + found[1].replace(",", "/").replace(" ", ""), text.strip()
    )
    name, at, mode = text.partition("@")
    kind, colon, numbers = name.partition(":")
    return kind + colon + "/".join(_number(part) for part in numbers.split("/")) + at + mode


def _number(text: str) -> str:
    try:
        return repr(float(text)).removesuffix(".0").replace("e+", "e")
    except ValueError:
        return text


def _modifier(modifier: str, arm: str) -> tuple[str, Any]:
    """A modifier's name and value; None where it has no value."""
    found = re.fullmatch(r"([A-Za-z_@-]+)(?:[:=](.+)|\((.+)\))?", modifier)
    if found is None:
        raise RecipeError(
            f"arm {arm!r}: {modifier!r} is no modifier; write NAME or NAME:VALUE, such as lr:1e-4"
        )
    name, value = found[1], found[2] or found[3]
    return name, None if value is None else _scalar(value)


def _scalar(text: str) -> Any:
    """A number, true or false where the text is one, as in a recipe; else the text."""
    try:
        return float(text) if re.search("[.eE]", text) else int(text)
    except ValueError:
        return {"true": True, "false": False}.get(text, text)


def _add(settings: dict[str, Any], name: str, value: Any, arm: str) -> str:
    """Put a modifier into the settings; gives back how it is written in the arm's name."""
    if name in NORMALISATIONS and value is None:
        name, value, written = "normalisation", name, name
    elif name in ROLES and value is not None:
        weights = settings.setdefault("role_weights", {})
        if name in weights:
            raise RecipeError(f"arm {arm!r} gives the weight of {name!r} twice")
        weights[name] = value
        return f"{name}-{_number(str(value))}"
    elif name in PATHS:
        if not isinstance(value, str):
            raise RecipeError(f"arm {arm!r}: {name} needs a file, folder or id, such as {name}:PATH")
        written = f"{name}-{PurePath(value).stem}"
    elif name in TuneConfig.model_fields and name not in NOT_AN_ARMS:
        value = USUAL.get(name) if value is None else value
        if value is None:
            raise RecipeError(f"arm {arm!r}: {name} needs a value, such as {name}:VALUE")
        if name in USUAL and isinstance(USUAL[name], float) and isinstance(value, int):
            value = float(value)
        written = name if value == USUAL.get(name) else f"{name}-{_number(str(value))}"
    else:
        raise RecipeError(_unknown(name, arm))
    if name in settings:
        raise RecipeError(f"arm {arm!r} gives {name!r} twice")
    settings[name] = value
    return written


def _unknown(name: str, arm: str) -> str:
    if name == "seed":
        return f"arm {arm!r} sets a seed; seeds are for all arms alike: use --seeds"
    settings = [key for key in TuneConfig.model_fields if key not in NOT_AN_ARMS]
    known = ["data", *settings, *NORMALISATIONS, *ROLES]
    nearest = difflib.get_close_matches(name, known, n=1)
    hint = f"; did you mean {nearest[0]!r}?" if nearest else ""
    return f"arm {arm!r}: {name!r} is no setting of tune, no normalisation and no role with its weight{hint}"
