"""The model that a tuned one is to stay near: its own base without the adapter, or a frozen copy."""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch


@dataclass(frozen=True)
class FrozenReference:
    """`model` without gradient; under an adapter the tuned model itself, with the adapter off."""

    model: Any
    is_base: bool

    @classmethod
    def of(cls, model: Any) -> FrozenReference:
        """Take it before the first step: the base under an adapter costs nothing, a copy the model's size."""
        if hasattr(model, "disable_adapter"):
            return cls(model, is_base=True)
        frozen = copy.deepcopy(model).eval()
        frozen.requires_grad_(False)
        return cls(frozen, is_base=False)

    @contextlib.contextmanager
    def asked(self) -> Iterator[Any]:
        """The reference model in eval mode, without gradient, while it lasts."""
        with torch.no_grad():
            if not self.is_base:
                yield self.model
                return
            was_training = self.model.training
            self.model.eval()
            try:
                with self.model.disable_adapter():
                    yield self.model
            finally:
                self.model.train(was_training)
