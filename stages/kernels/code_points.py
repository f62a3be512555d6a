"""The code points of UTF-8 text, forwards and backwards (RFC 3629). The text is known to be valid."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from numba.types import UniTuple, int64

from stages.kernels.native import BYTES, native

Bytes = npt.NDArray[np.uint8]


@native(UniTuple(int64, 2)(BYTES, int64), memory="given")
def code_point(data: Bytes, at: int) -> tuple[int, int]:
    """The code point that starts at `at`, and its width in bytes."""
    place = np.uint64(at)
    lead = int(data[place])
    point, width = lead, 1
    if lead >= 0x80:
        point = (lead & 0x1F) << 6 | int(data[place + np.uint64(1)]) & 0x3F
        width = 2
        if lead >= 0xE0:
            point = (point & 0x3FF) << 6 | int(data[place + np.uint64(2)]) & 0x3F
            width = 3
            if lead >= 0xF0:
                point = (point & 0x7FFF) << 6 | int(data[place + np.uint64(3)]) & 0x3F
                width = 4
    return point, width


@native(int64(BYTES, int64, int64), memory="given")
def before(data: Bytes, start: int, at: int) -> int:
    """Where the code point that ends at `at` starts; `start` if that is where the text begins."""
    place = at - 1
    while place > start and (data[np.uint64(place)] & 0xC0) == 0x80:
        place -= 1
    return place
