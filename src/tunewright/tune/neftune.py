"""NEFTune: uniform noise on the embeddings while training (Jain et al. 2023, arXiv 2310.05914).

Noise is U(−1, 1)·α/√(L·d), where L is the length of a document and d the width of the embeddings. Under
packing the row is longer than any of its documents, and taking its length would make the noise smaller; so
noise is made per document. It follows from the seed, the step and the document's place in the step, so it is
the same however a step is cut into forward passes or shared among processes.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from tunewright.run.seeds import derive_seed
from tunewright.tune.batches import Micro


@dataclass(frozen=True, slots=True)
class Neftune:
    """The noise of one optimizer step: strength α, and what its documents' noise is drawn from."""

    alpha: float
    seed: int
    step: int

    def document(self, place: int, length: int, width: int) -> Tensor:
        """Noise [length, width] for the document at `place` in the step, on the CPU in float32."""
        generator = torch.Generator().manual_seed(derive_seed(self.seed, "neftune", self.step, place))
        bound = self.alpha / (length * width) ** 0.5
        return torch.empty(length, width).uniform_(-bound, bound, generator=generator)

    def of(self, micro: Micro, width: int) -> Tensor:
        """Noise [B, T, width] for one forward pass: zero where a row is filled up."""
        if micro.is_packed:
            documents = zip(micro.documents, micro.lengths, strict=True)
            return torch.cat([self.document(*document, width) for document in documents])[None]
        noise_BTD = torch.zeros(*micro.ids_BT.shape, width)
        for row, (place, length) in enumerate(zip(micro.documents, micro.lengths, strict=True)):
            noise_BTD[row, :length] = self.document(place, length, width)
        return noise_BTD


@contextlib.contextmanager
def added_to_embeddings(model: Any, noise_BTD: Tensor | None) -> Iterator[None]:
    """While it lasts, the model's input embeddings come with this noise."""
    if noise_BTD is None:
        yield
        return

    def add(module: torch.nn.Module, inputs: Any, output: Tensor) -> Tensor:
        return output + noise_BTD.to(output)

    handle = model.get_input_embeddings().register_forward_hook(add)
    try:
        yield
    finally:
        handle.remove()
