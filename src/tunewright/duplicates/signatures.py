"""Signatures: some bits for a text's tokens, to see cheaply that two texts have too little in common.

Every token, the k-th time it occurs, flips one bit. Bits in which two signatures differ are at most the
tokens that are in one text and not in the other, so a pair that differs in more bits than the rule leaves
room for is no duplicate, whatever the order of its tokens.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from tunewright.duplicates.tokens import IntArray

NUM_WORDS = 8  # of 64 bits
LONG_NUM_WORDS = 128  # for texts of more than LONG_TOKENS, with which 512 bits are flipped at random
LONG_TOKENS = 256
_STEP = 37  # from a token's bit at its k-th occurrence to that at the next; odd, so that all bits are used
Signatures = npt.NDArray[np.uint64]


def signatures(
    text: IntArray, token: IntArray, occurrence: IntArray, num_texts: int, *, num_words: int = NUM_WORDS
) -> Signatures:
    """One row of `num_words` words per text, from (text, token, how often it was there before) triples.

    Token numbers follow the order of first use, so that frequent tokens have small ones and bits apart.
    """
    num_bits = 64 * num_words
    bit = (token + _STEP * occurrence) % num_bits
    # which bits are flipped an odd number of times, counted per text and bit, some texts at a time
    words = np.zeros((num_texts, num_words), dtype=np.uint64)
    step = (1 << 21) // num_bits  # whose counts are 16 MiB
    edges = np.searchsorted(text, np.arange(0, num_texts + step, step))
    for i, first in enumerate(range(0, num_texts, step)):
        part = slice(edges[i], edges[i + 1])
        num_here = min(step, num_texts - first)
        cell = (text[part] - first) * num_bits + bit[part]
        odd = (np.bincount(cell, minlength=num_here * num_bits) & 1).astype(np.uint8)
        packed = np.packbits(odd, bitorder="little").view("<u8")
        words[first : first + num_here] = packed.reshape(num_here, num_words)
    return words


def signature(tokens: Sequence[int]) -> Signatures:
    """The signature of one text: the same as `signatures` gives."""
    num_bits = 64 * NUM_WORDS
    bits = 0
    seen: dict[int, int] = {}
    for token in tokens:
        occurrence = seen.get(token, 0)
        seen[token] = occurrence + 1
        bits ^= 1 << (token + _STEP * occurrence) % num_bits
    return np.frombuffer(bits.to_bytes(num_bits // 8, "little"), dtype="<u8").astype(np.uint64)


def folded(words: Signatures) -> Signatures:
    """64 bits for each row: what differs there differs in the whole, too."""
    sums: Signatures = np.bitwise_xor.reduce(words, axis=-1)
    return sums
