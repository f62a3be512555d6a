"""Whether a word is an address as spaCy's rules see it, and so stays whole.

`spacy/lang/tokenizer_exceptions.py` (spaCy 3.8, MIT licence) has a regular expression for it, after Diego Perini's
(https://gist.github.com/dperini/729294, MIT licence): a protocol and a user may stand before a host, a port and a path
after it. The host is an IPv4 address that is not private, or names with dots of which the last has letters alone.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from numba.types import UniTuple, boolean, int64

from stages.kernels.characters import LETTER
from stages.kernels.code_points import code_point
from stages.kernels.native import BYTES, native
from stages.kernels.words_affixes import digit_at
from stages.kernels.words_cases import WORDS, Words
from stages.kernels.words_classes import DIGIT, LOWER, NUMBER

Bytes = npt.NDArray[np.uint8]


@native(boolean(BYTES, int64, int64, WORDS), memory="given")
def _is_rest(data: Bytes, start: int, end: int, classes: Words) -> bool:
    """A port of two to five digits and a path, each of which may be missing."""
    at = start
    if at < end and data[at] == 0x3A:
        at += 1
        digits = 0
        while at < end:
            point, width = code_point(data, at)
            if classes[np.uint64(point)] & np.uint32(DIGIT) == 0:
                break
            at += width
            digits += 1
        if not 2 <= digits <= 5:
            return False
    return bool(at == end or data[at] == 0x2F or data[at] == 0x3F or data[at] == 0x23)


@native(int64(BYTES, int64, int64, WORDS), memory="given")
def _after_domain(data: Bytes, start: int, end: int, classes: Words) -> int:
    """Where names with dots end that start at `start`; 0 if there are none."""
    at, names = start, 0
    while True:
        name, characters, ends_well = at, 0, False
        while at < end:
            point, width = code_point(data, at)
            lower = point | 0x20
            ends_well = 0x61 <= lower <= 0x7A or 0x30 <= point <= 0x39 or 0xA1 <= point <= 0xFFFF
            if not ends_well and (characters == 0 or (point != 0x5F and point != 0x2D)):
                break
            at += width
            characters += 1
        if at >= end or data[at] != 0x2E:
            break
        last = data[at - 1]
        if not 1 <= characters <= 64 or last == 0x5F or last == 0x2D:
            return 0
        names += 1
        at += 1
    if names == 0:
        return 0
    at, characters = name, 0
    while at < end:
        point, width = code_point(data, at)
        if classes[np.uint64(point)] & np.uint32(LOWER) == 0:
            break
        at += width
        characters += 1
    return at if 2 <= characters <= 63 else 0


@native(UniTuple(int64, 2)(BYTES, int64, int64), memory="given")
def _number(data: Bytes, start: int, end: int) -> tuple[int, int]:
    """The number of up to three digits that starts at `start`, and how many digits it has."""
    value, digits = 0, 0
    while digits < 4 and digit_at(data, start + digits, end):
        value = value * 10 + int(data[start + digits]) - 0x30
        digits += 1
    return value, digits


@native(int64(BYTES, int64, int64), memory="given")
def _after_ip(data: Bytes, start: int, end: int) -> int:
    """Where an IPv4 address ends that starts at `start` and is neither private nor reserved; 0 if there is none."""
    one, digits = _number(data, start, end)
    at = start + digits
    if not 1 <= one <= 223 or data[start] == 0x30 or digits > 3 or one == 10 or one == 127:
        return 0
    two = -1
    for part in range(3):
        if at >= end or data[at] != 0x2E:
            return 0
        value, digits = _number(data, at + 1, end)
        leads_with_zero = digits > 0 and data[at + 1] == 0x30
        if digits == 0 or digits > 3 or (digits == 3 and leads_with_zero) or value > 255:
            return 0
        if part == 0:
            two = value
            private = (one == 169 and two == 254) or (one == 192 and two == 168) or (one == 172 and 16 <= two <= 31)
            if private and digits == (2 if one == 172 else 3):
                return 0
        if part == 2 and (leads_with_zero or value == 0 or value == 255):
            return 0
        at += 1 + digits
    return at


@native(boolean(BYTES, int64, int64, WORDS), memory="given")
def _host_and_rest(data: Bytes, start: int, end: int, classes: Words) -> bool:
    at = _after_ip(data, start, end)
    if at > 0 and _is_rest(data, at, end, classes):
        return True
    at = _after_domain(data, start, end, classes)
    return bool(at > 0 and _is_rest(data, at, end, classes))


@native(boolean(BYTES, int64, int64, WORDS), memory="given")
def is_url(data: Bytes, start: int, end: int, classes: Words) -> bool:
    """Whether all of [start, end) is an address."""
    stops = colons = signs = 0
    for at in range(np.uint64(start), np.uint64(end)):
        byte = data[at]
        stops += byte == 0x2E
        colons += byte == 0x3A
        signs += byte == 0x40
    if stops == 0:
        return False
    if _host_and_rest(data, start, end, classes):
        return True
    if colons + signs == 0:
        return False
    at, characters = start, 0
    while at < end:
        point, width = code_point(data, at)
        known = point == 0x5F or point == 0x2B or point == 0x2D or point == 0x2E
        if not known and classes[np.uint64(point)] & np.uint32(LETTER | NUMBER) == 0:
            break
        at += width
        characters += 1
    protocol = characters >= 2 and at + 3 <= end and data[at] == 0x3A and data[at + 1] == 0x2F and data[at + 2] == 0x2F
    if protocol and _host_and_rest(data, at + 3, end, classes):
        return True
    found = False
    for at in range(start + 1, end):
        found = found or (data[at] == 0x40 and _host_and_rest(data, at + 1, end, classes))
    return found
