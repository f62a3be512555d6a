"""Words as `str.split()` cuts them: at Unicode white space, nowhere else.

The fast default of every rule that counts words. For white space alone no table is needed: above ASCII it has four
lead bytes only.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from numba.types import UniTuple, int64, void

from stages.kernels.native import BYTES, LONGS, native
from stages.kernels.texts import Texts


def count_words(texts: Texts) -> npt.NDArray[np.int64]:
    """The number of words of each text."""
    counts = np.empty(len(texts), np.int64)
    _count_words(texts.data, texts.starts, texts.ends, counts)
    return counts


@native(int64(BYTES, int64, int64), inline="always", memory="given")
def whitespace_width(data: npt.NDArray[np.uint8], at: int, end: int) -> int:
    """Bytes of the white space character that starts at `at`; 0 where another character or no character starts."""
    place = np.uint64(at)
    lead = data[place]
    if lead < 0x80:
        return 1 if lead == 32 or 9 <= lead <= 13 or 28 <= lead <= 31 else 0
    if lead == 0xC2 and at + 1 < end:
        second = data[place + np.uint64(1)]
        return 2 if second == 0x85 or second == 0xA0 else 0
    if at + 2 >= end or not 0xE1 <= lead <= 0xE3:
        return 0
    second = data[place + np.uint64(1)]
    third = data[place + np.uint64(2)]
    if lead == 0xE1:
        return 3 if second == 0x9A and third == 0x80 else 0
    if lead == 0xE3:
        return 3 if second == 0x80 and third == 0x80 else 0
    if second == 0x81:
        return 3 if third == 0x9F else 0
    return 3 if second == 0x80 and (third <= 0x8A or third == 0xA8 or third == 0xA9 or third == 0xAF) else 0


@native(UniTuple(int64, 2)(BYTES, int64, int64), memory="given")
def strip_span(page: npt.NDArray[np.uint8], start: int, end: int) -> tuple[int, int]:
    """The span without the white space at both its ends; it is empty if there is nothing else."""
    width = 1
    while start < end and width > 0:
        width = whitespace_width(page, start, end)
        start += width
    while end > start:
        last = end - 1
        while page[np.uint64(last)] & 0xC0 == 0x80:
            last -= 1
        if whitespace_width(page, last, end) == 0:
            break
        end = last
    return start, end


@native(void(BYTES, LONGS, LONGS, int64[::1]), memory="given")
def _count_words(
    data: npt.NDArray[np.uint8],
    starts: npt.NDArray[np.int64],
    ends: npt.NDArray[np.int64],
    counts: npt.NDArray[np.int64],
) -> None:
    for row in range(len(starts)):
        words = 0
        inside = False
        at = starts[row]
        end = ends[row]
        while at < end:
            width = whitespace_width(data, at, end)
            if width > 0:
                inside = False
                at += width
            else:
                words += not inside
                inside = True
                at += 1
        counts[row] = words
