"""The memory that counting works in, made once per batch, so that it stays in the processor's cache."""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
from numba import types
from numba.types import int32, int64, uint8, uint64

from stages.kernels.loads import SPARE
from stages.kernels.native import native
from stages.kernels.spans import Ints
from stages.kernels.word_grams import LONGEST_GRAM
from stages.kernels.words_memory import MEMORY

Bytes = npt.NDArray[np.uint8]
Hashes = npt.NDArray[np.uint64]
Longs = npt.NDArray[np.int64]


class Scratch(NamedTuple):
    """Memory for the text at hand: what is found in it before it is counted.

    `page`, `squeezed`: its bytes, and those of its words in a row · `begins`, `ends`: of words or paragraphs ·
    `line_starts`, `line_ends` · `letters`: code points before each word · `at`: bytes before each word in `squeezed` ·
    `hashes`, `slots`: of a table (`spans.py`) · `once`, `twice`: bits of n-grams (`word_grams.py`) · `found`: what a
    count tells · `memory`: of the splitter, from text to text.
    """

    page: Bytes
    squeezed: Bytes
    begins: Ints
    ends: Ints
    line_starts: Ints
    line_ends: Ints
    letters: Ints
    at: Ints
    slots: Ints
    hashes: Hashes
    once: Hashes
    twice: Hashes
    memory: Hashes
    found: Longs


SCRATCH: Final = types.NamedTuple((*(uint8[::1],) * 2, *(int32[::1],) * 7, *(uint64[::1],) * 4, int64[::1]), Scratch)
"""Numba's type of it."""


@native(SCRATCH(int64))
def scratch_for(longest: int) -> Scratch:
    """For texts of up to `longest` bytes."""
    most = longest + 2
    slots = 16
    while slots < 2 * most:
        slots *= 2
    return Scratch(
        np.empty(longest + 2 * SPARE, np.uint8),
        np.empty(longest + 2 * SPARE, np.uint8),
        np.empty(most, np.int32),
        np.empty(most, np.int32),
        np.empty(most, np.int32),
        np.empty(most, np.int32),
        np.empty(most, np.int32),
        np.empty(most, np.int32),
        np.empty(slots, np.int32),
        np.empty(most, np.uint64),
        np.empty(most // 2 + 16, np.uint64),
        np.empty(most // 2 + 16, np.uint64),
        np.zeros(MEMORY, np.uint64),
        np.zeros(LONGEST_GRAM + 1, np.int64),
    )
