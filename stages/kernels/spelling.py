"""Whether tokens spell the text they came from: each token's bytes are compared with the text, in one pass."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
from numba import types
from numba.types import int32, int64, void

from stages.kernels.native import BYTES, LONGS, native

READ_INTS: Final = types.Array(int32, 1, "C", readonly=True)

Longs = npt.NDArray[np.int64]
Bytes = npt.NDArray[np.uint8]


@native(void(BYTES, LONGS, LONGS, BYTES, LONGS, READ_INTS, LONGS, int64[::1]), memory="given")
def first_differences(
    data: Bytes,
    starts: Longs,
    ends: Longs,
    spelled: Bytes,
    edges: Longs,
    ids: npt.NDArray[np.int32],
    offsets: Longs,
    found: Longs,
) -> None:
    """For each text the byte at which its tokens spell something else, -1 where they spell it whole.

    Token i spells `spelled[edges[i] : edges[i + 1]]`; text j has the tokens `ids[offsets[j] : offsets[j + 1]]`.
    """
    for row in range(len(starts)):
        at = starts[row]
        end = ends[row]
        same = True
        for index in range(offsets[row], offsets[row + 1]):
            byte = edges[ids[index]]
            last = edges[ids[index] + 1]
            while byte < last and at < end and spelled[byte] == data[at]:
                byte += 1
                at += 1
            if byte < last:
                same = False
                break
        found[row] = -1 if same and at == end else at - starts[row]
