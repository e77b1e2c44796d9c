"""What was seen when others, and we, trained with IT and with IM, and which sets are most like one's own.

The seven published sets are those of Shi et al. (2024, arXiv 2405.14394): Llama-2-7B, one run each, no seeds.
Length ratios are in that paper's words; see `lengths.py`. BLEU, of what is repeated from training data, is
better when lower, and is never averaged with the scores.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

PAPER = "Shi et al. 2024, arXiv 2405.14394; Llama-2-7B, single runs"


@dataclass(frozen=True, slots=True)
class Published:
    """One data set and its scores, each as (IT, IM). `bleu` measures memorisation, in per cent."""

    name: str
    num_records: int
    word_ratio: float
    nlp_mean: tuple[float, float]
    mt_bench: tuple[float, float]
    alpaca_eval_1: tuple[float, float]
    alpaca_eval_2: tuple[float, float]
    bleu: tuple[float, float]


PUBLISHED = (
    Published("Alpagasus Alpaca 5k", 5_305, 0.567,
              (45.29, 47.47), (3.62, 3.48), (16.29, 19.52), (2.46, 3.29), (72.26, 70.50)),
    Published("Alpagasus Dolly 3k", 2_996, 0.644,
              (46.58, 48.95), (4.23, 4.06), (13.42, 15.11), (2.00, 2.44), (60.99, 59.04)),
    Published("Alpagasus Dolly 9k", 9_229, 0.297,
              (45.54, 48.00), (4.33, 4.55), (21.54, 30.77), (2.28, 2.67), (61.76, 60.61)),
    Published("Less Tydiqa", 13_533, 5.86,
              (48.21, 48.70), (4.08, 4.36), (5.12, 10.10), (1.88, 2.88), (69.21, 65.63)),
    Published("Less MMLU Chat", 13_533, 26.3,
              (47.18, 47.84), (3.86, 4.54), (4.42, 9.78), (1.20, 1.93), (72.43, 69.20)),
    Published("Less BBH ICL", 13_533, 3.27,
              (48.28, 49.15), (4.78, 5.03), (36.20, 44.15), (2.36, 3.56), (60.96, 53.94)),
    Published("LIMA", 1_030, 0.094,
              (48.79, 49.60), (4.77, 4.83), (33.06, 32.94), (2.58, 2.47), (18.15, 17.30)),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Near:
    """A published set with its distance in natural logarithms: 0.69 is a factor of two in one of the two."""

    published: Published
    distance: float


def nearest(*, num_records: int, word_ratio: float, count: int = 3) -> tuple[Near, ...]:
    """The `count` sets nearest in (ln ratio, ln N), by Euclidean distance; both arguments must be positive.

    A factor in length counts as much as the same factor in size, for want of a better measure.
    """
    found = [
        Near(one, math.hypot(math.log(word_ratio / one.word_ratio), math.log(num_records / one.num_records)))
        for one in PUBLISHED
    ]
    return tuple(sorted(found, key=lambda near: near.distance)[:count])


# docs/it-against-im.md: differences are IM − IT, paired by example and seed, with 95 % intervals.
SEEN_HERE = (
    "3.4 M pretrained model, 500 T0 prompts 13 times as long as outputs, 3 seeds, last epoch: output loss "
    "+1.06 (+0.91 to +1.22) on training rows, −0.49 (−0.74 to −0.25) held out; each arm at its best epoch "
    "−0.15 (−0.64 to +0.34). Exact answers: IT 28 %, IM 21 %.",
    "the same rows, a small model from nothing: +0.98 (+0.30 to +1.67) on training rows, −0.14 (−0.47 to "
    "+0.19) held out. Exact answers: IT 27 %, IM 16 %.",
)
