"""How many bytes spaCy's rules for English split off before, after and inside a word; 0 where they split nothing.

The rules are those of spaCy 3.8 (MIT licence), `spacy/lang/punctuation.py` and `spacy/lang/en/punctuation.py`: regular
expressions there, the same decisions by character class here. A look-behind sees no further back than the given start,
as there.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
from numba.types import boolean, int64

from stages.kernels.code_points import before, code_point
from stages.kernels.native import BYTES, native
from stages.kernels.words_cases import UNIT, WORDS, Words, find_entry
from stages.kernels.words_classes import ALPHA, BEFORE_STOP, ICON, LOWER, PREFIX, QUOTE, SUFFIX, UPPER

Bytes = npt.NDArray[np.uint8]

_STOP: Final = 0x2E
_ELLIPSIS: Final = 0x2026
_LONGEST_UNIT: Final = 5  # characters


@native(boolean(BYTES, int64, int64), memory="given")
def digit_at(data: Bytes, at: int, end: int) -> bool:
    """Whether one of 0 to 9 stands at `at`, before `end`."""
    return bool(at < end and 0x30 <= data[np.uint64(at)] <= 0x39)


@native(int64(BYTES, int64, int64, WORDS), memory="given")
def prefix_width(data: Bytes, start: int, end: int, classes: Words) -> int:
    """What is split off at the start of [start, end), which is not empty."""
    point, width = code_point(data, start)
    if classes[np.uint64(point)] & np.uint32(PREFIX):
        return width
    if point == 0x2B:  # "+" but not "+1"
        return 0 if digit_at(data, start + 1, end) else 1
    if point == _STOP:
        at = start + 1
        while at < end and data[at] == _STOP:
            at += 1
        return at - start if at > start + 1 else 0
    at = start  # "US$", "C$", "A$"
    if point == 0x55 and at + 1 < end and data[at + 1] == 0x53:
        at += 1
    elif point != 0x43 and point != 0x41:
        return 0
    return at + 2 - start if at + 1 < end and data[at + 1] == 0x24 else 0


@native(int64(BYTES, int64, int64, WORDS), memory="given")
def _stops(data: Bytes, start: int, last: int, classes: Words) -> int:
    """For a span that ends in a full stop at `last`: the whole run of stops, or the one if its neighbours let it go."""
    if last == start:
        return 0
    at = last
    while at > start and data[at - 1] == _STOP:
        at -= 1
    if at < last:
        return last + 1 - at
    one = before(data, start, last)
    point = code_point(data, one)[0]
    kind = classes[np.uint64(point)]
    if kind & np.uint32(BEFORE_STOP):
        return 1
    if one == start:
        return 0
    other = code_point(data, before(data, start, one))[0]
    if kind & np.uint32(UPPER) and classes[np.uint64(other)] & np.uint32(UPPER):
        return 1
    degrees = other == 0xB0 and (point | 0x20 == 0x66 or point | 0x20 == 0x63 or point | 0x20 == 0x6B)
    return 1 if degrees else 0


@native(int64(BYTES, int64, int64, WORDS, WORDS), memory="given")
def suffix_width(data: Bytes, start: int, end: int, classes: Words, cases: Words) -> int:
    """What is split off at the end of [start, end)."""
    if start >= end:
        return 0
    last = before(data, start, end)
    point, width = code_point(data, last)
    kind = classes[np.uint64(point)]
    if point == _ELLIPSIS and end - start >= 6:
        two = before(data, start, last)
        return 6 if code_point(data, two)[0] == _ELLIPSIS else width
    if kind & np.uint32(SUFFIX):
        return width
    if point == _STOP:
        return _stops(data, start, last, classes)
    if point == 0x2B:
        return 1 if last > start and digit_at(data, last - 1, end) else 0
    if (point == 0x73 or point == 0x53) and last > start:  # 's
        mark = before(data, start, last)
        sign = code_point(data, mark)[0]
        if sign == 0x27 or sign == 0x2019:
            return end - mark
    at = end
    for _ in range(_LONGEST_UNIT):
        at = before(data, start, at)
        if at <= start:
            return 0
        if digit_at(data, at, end):
            return 0
        if digit_at(data, at - 1, end):
            return end - at if find_entry(data, at, end, cases, UNIT) > 0 else 0
    return 0


@native(int64(BYTES, int64, int64, int64, int64, WORDS), memory="given")
def infix_width(data: Bytes, at: int, end: int, previous: int, point: int, classes: Words) -> int:
    """What is cut out at `at`, where `point` stands after the code point `previous`."""
    if point == _ELLIPSIS:
        return 3
    kind = classes[np.uint64(point)]
    width = 1 if point < 0x80 else 2 if point < 0x800 else 3 if point < 0x10000 else 4
    if kind & np.uint32(ICON):
        return width
    if at + width >= end:
        return 0
    following = code_point(data, at + width)[0]
    if point == _STOP and following == _STOP:
        stop = at + 2
        while stop < end and data[stop] == _STOP:
            stop += 1
        return stop - at
    behind, ahead = classes[np.uint64(previous)], classes[np.uint64(following)]
    after_digit = 0x30 <= previous <= 0x39
    if point == _STOP:
        left, right = behind & np.uint32(LOWER | QUOTE), ahead & np.uint32(UPPER | QUOTE)
        return 1 if left and right else 0
    if point == 0x2C:
        return 1 if behind & np.uint32(ALPHA) and ahead & np.uint32(ALPHA) else 0
    calculates = point == 0x2B or point == 0x2D or point == 0x2A or point == 0x5E
    if after_digit and calculates and (0x30 <= following <= 0x39 or following == 0x2D):
        return 1
    if not (after_digit or behind & np.uint32(ALPHA)):
        return 0
    if point == 0x3A or 0x3C <= point <= 0x3E or point == 0x2F:  # : < = > /
        return 1 if ahead & np.uint32(ALPHA) else 0
    if point != 0x2D and point != 0x2013 and point != 0x2014 and point != 0x7E:
        return 0
    if ahead & np.uint32(ALPHA):
        return width
    if following != point or point == 0x2013 or point == 0x7E:
        return 0
    stop = at + 2 * width  # "--", "——" and "---"
    if point == 0x2D and stop < end and data[stop] == 0x2D:
        stop += 1
    if stop < end and classes[np.uint64(code_point(data, stop)[0])] & np.uint32(ALPHA):
        return stop - at
    return 0
