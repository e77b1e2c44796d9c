"""Who revises: a coach that was trained, or any model with the coach's prompt; and how it is asked."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tunewright.coach.coach_folder import Coach, read_coach
from tunewright.coach.forms import FormName, form_named
from tunewright.coach.leakage import pair_digest
from tunewright.coach.prompt import Style, build, prompt_hash
from tunewright.coach.proposal import parser
from tunewright.coach.revise_config import LEAST_TOKENS, Decoding, ReviseConfig
from tunewright.errors import ModelError, RecipeError
from tunewright.llm.ask import identity_of
from tunewright.llm.backend import Backend
from tunewright.llm.config import AskConfig
from tunewright.llm.open import open_backend
from tunewright.llm.request import Request
from tunewright.llm.structured import ParserByRequest
from tunewright.records.record import Record
from tunewright.run.seeds import derive_seed


@dataclass(frozen=True)
class AskedCoach:
    """A coach with all that decides its replies. `version` is the trained coach's own; of another model a
    hash of who it is and of what it is told. `trained` is empty for a model that was trained elsewhere."""

    backend: Backend
    ask: AskConfig
    form: FormName
    style: Style
    max_tokens: int
    decoding: Decoding
    version: str
    trained: frozenset[bytes]

    @property
    def prompt_hash(self) -> str:
        return prompt_hash(self.style, self.form)

    def was_trained_on(self, record: Record) -> bool:
        return bool(self.trained) and pair_digest(record) in self.trained

    def request(self, record: Record) -> Request:
        """The question about one record. Its seed follows from the record's id, so that no record's revision
        depends on the others; greedy decoding has none."""
        decoding = self.decoding
        seed = None
        if decoding.temperature > 0:
            seed = derive_seed(decoding.seed, "revise", record.id) % 2**31  # endpoints take 31 bits
        request = build(
            record,
            self.form,
            style=self.style,
            max_tokens=self.max_tokens,
            temperature=decoding.temperature,
            top_p=decoding.top_p,
            seed=seed,
        )
        return replace(request, about=record)

    def parser(self) -> ParserByRequest[Record]:
        return parser(form_named(self.form))

    def settings(self) -> dict[str, Any]:
        """All of it that can change a reply: a part of the run's fingerprint."""
        who = identity_of(self.backend, self.ask)
        return {
            "coach": self.version,
            "form": self.form,
            "style": self.style,
            "prompt": self.prompt_hash,
            "decoding": self.decoding.settings() | {"max_tokens": self.max_tokens},
            "ask": self.ask.settings() | {"model": who.model, "revision": who.revision},
        }


def find_coach(config: ReviseConfig, backend: Backend | None = None) -> AskedCoach:
    """The coach that the config names; nothing is loaded or connected yet. A `backend` given answers for it.

    RecipeError for another form or style than a coach was trained in, ModelError for a folder that holds no
    coach and for a spec that names no kind of model.
    """
    _check_place(config.coach)
    if not Path(config.coach).is_dir():
        style = config.style or "guided"
        ask = _ask(config, model=config.ask.model, style=style)
        return _asked(config, ask, backend, form=config.form or "lines", style=style)
    coach = read_coach(config.coach)
    _check_trained_so(config, coach.form)
    ask = _ask(config, model=config.ask.model or f"hf:{coach.model_path}", style="trained")
    return _asked(config, ask, backend, form=coach.form, style="trained", coach=coach)


def _asked(
    config: ReviseConfig,
    ask: AskConfig,
    backend: Backend | None,
    *,
    form: FormName,
    style: Style,
    coach: Coach | None = None,
) -> AskedCoach:
    backend = backend or open_backend(ask)
    least_tokens = LEAST_TOKENS if coach is None else max(LEAST_TOKENS, coach.max_tokens)
    return AskedCoach(
        backend=backend,
        ask=ask,
        form=form,
        style=style,
        max_tokens=config.decoding.max_tokens or least_tokens,
        decoding=config.decoding,
        version=_version_of_model(backend, ask, style, form) if coach is None else coach.version,
        trained=frozenset() if coach is None or config.revise_trained else coach.trained,
    )


def _ask(config: ReviseConfig, *, model: str, style: Style) -> AskConfig:
    ask = config.ask.model_copy(update={"model": model})
    if style == "trained" and "max_asked_again" not in config.ask.model_fields_set:
        # it has never seen a correction, and a greedy one would say the same again
        ask = ask.model_copy(update={"max_asked_again": 0})
    return ask


def _check_place(coach: str) -> None:
    if (Path(coach) / "config.json").is_file():
        raise ModelError(
            f"{coach}: is a model, not the folder of a coach; write hf:{coach} to ask it as it is"
        )
    if ":" not in coach and not Path(coach).is_dir():
        raise ModelError(
            f"{coach}: there is no such folder; give that of a 'tunewright coach train' run, or a model such "
            "as openai:NAME or hf:PATH"
        )


def _check_trained_so(config: ReviseConfig, form: FormName) -> None:
    for name, given, known in (("form", config.form, form), ("style", config.style, "trained")):
        if given is not None and given != known:
            raise RecipeError(
                f"{name} is '{given}', but the coach in {config.coach} was trained with '{known}'; "
                "leave it out"
            )


def _version_of_model(backend: Backend, ask: AskConfig, style: Style, form: FormName) -> str:
    who = identity_of(backend, ask)
    known = "\0".join((who.model, who.revision, prompt_hash(style, form)))
    return hashlib.sha256(known.encode()).hexdigest()
