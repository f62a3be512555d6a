"""What a splitter remembers of short pieces of text: into which words they were cut.

A *piece* is what stands between two white spaces. Pieces of letters are cut faster than they are looked up; the others,
a quarter of web text and most of the work of cutting, come back again and again (`|`, `e.g.`, `(see`). A piece is found
only where all its bytes are equal, so that nothing depends on what is remembered.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt
from numba.types import uint64

from stages.kernels.native import native

Memory = npt.NDArray[np.uint64]

REMEMBERED: Final = 16
"""Bytes of the longest piece that is remembered."""
MOST_REMEMBERED: Final = 6
"""Words of a piece that is remembered at most."""
_SLOT_BITS: Final = 11
MEMORY: Final = 4 << _SLOT_BITS
"""Length of the memory: per slot the sixteen bytes, length and number of words and where each ends, and a spare."""
_SHIFT: Final = np.uint64(64 - _SLOT_BITS)
_STIR: Final = np.uint64(0x9E3779B97F4A7C15)
_OTHER_STIR: Final = np.uint64(0xC2B2AE3D27D4EB4F)


@native(uint64(uint64, uint64), inline="always", memory="given")
def memory_slot(first: Any, second: Any) -> Any:
    """Where the piece of these bytes stands, if it is remembered."""
    state = (first ^ second * _OTHER_STIR) * _STIR
    return ((state ^ (state >> np.uint64(32))) * _STIR >> _SHIFT) << np.uint64(2)
