"""Sentences of a span: they end with terminal punctuation that is followed by white space or the end."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from numba.types import int64

from stages.kernels.native import BYTES, native


@native(int64(BYTES, int64, int64))
def count_sentences(page: npt.NDArray[np.uint8], start: int, end: int) -> int:
    """How many sentences the span has; what follows the last terminal punctuation is one, too."""
    found = 0
    open_ = False
    for at in range(start, end):
        byte = page[np.uint64(at)]
        if byte == 0x20 or byte == 0x0A:
            continue
        ends = byte == 0x2E or byte == 0x21 or byte == 0x3F
        after = page[np.uint64(at + 1)] if at + 1 < end else np.uint8(0x20)
        open_ = True
        if ends and after == 0x20:
            found += 1
            open_ = False
    return found + open_
