"""E-mail and IP addresses, found from the one byte that each must have: `@`, a dot between digits, a colon.

E-mail and IPv4 addresses are, match for match, those of the two regular expressions of datatrove's `PIIFormatter`
(FineWeb, https://arxiv.org/abs/2406.17557); working from the anchor outwards keeps hostile texts linear, where a
regular expression tries every start.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from numba.types import UniTuple, boolean, int64, uint64

from stages.kernels.native import BYTES, native
from stages.kernels.pii_bytes import ALPHANUMERIC, BYTE_KINDS, DIGIT, HEX, LOCAL, is_kind
from stages.kernels.word_characters import word_after, word_before

Bytes = npt.NDArray[np.uint8]


@native(int64(BYTES, int64, int64), memory="given")
def _octet_end(data: Bytes, at: int, end: int) -> int:
    """Where the digits at `at` end if they are one to three and at most 255; else -1."""
    value = 0
    stop = at
    while is_kind(data, stop, end, DIGIT) and stop - at < 4:
        value = value * 10 + int(data[stop]) - 48
        stop += 1
    return stop if at < stop <= at + 3 and value <= 255 else -1


@native(int64(BYTES, int64, int64), memory="given")
def _literal_end(data: Bytes, at: int, end: int) -> int:
    """Where `1.2.3.4]`, or `1.2.3.name:]`, ends; -1 where something else stands."""
    for _ in range(3):
        at = _octet_end(data, at, end)
        if at < 0 or at >= end or data[at] != 0x2E:
            return -1
        at += 1
    stop = _octet_end(data, at, end)
    if 0 <= stop < end and data[stop] == 0x5D:
        return stop + 1
    stop = at
    while stop < end and (BYTE_KINDS[data[stop]] & ALPHANUMERIC or data[stop] == 0x2D):
        stop += 1
    named = stop > at and data[stop - 1] != 0x2D and stop + 1 < end
    return stop + 2 if named and data[stop] == 0x3A and data[stop + 1] == 0x5D else -1


@native(int64(BYTES, int64, int64), memory="given")
def _domain_end(data: Bytes, at: int, end: int) -> int:
    """Where the domain at `at` ends: two labels or more, or an address in brackets; -1 where there is none."""
    if at < end and data[at] == 0x5B:
        return _literal_end(data, at + 1, end)
    labels = 0
    found = -1
    while is_kind(data, at, end, ALPHANUMERIC):
        stop = at
        while stop < end and (BYTE_KINDS[data[stop]] & ALPHANUMERIC or data[stop] == 0x2D):
            if data[stop] != 0x2D:
                found = stop + 1
            stop += 1
        labels += 1
        if stop >= end or data[stop] != 0x2E or found != stop:
            break
        at = stop + 1
    return found if labels >= 2 else -1


@native(UniTuple(int64, 2)(BYTES, int64, int64, int64, int64, BYTES), memory="given")
def find_email(data: Bytes, low: int, floor: int, end: int, at: int, words: Bytes) -> tuple[int, int]:
    """The e-mail address around the `@` at `at`, or (-1, -1). It starts at `floor` or later; the text at `low`."""
    if at <= floor or not BYTE_KINDS[data[at - 1]] & LOCAL:
        return -1, -1
    stop = _domain_end(data, at + 1, end)
    if stop < 0:
        return -1, -1
    first = -1
    place = at - 1
    while place >= floor:
        byte = data[place]
        if byte == 0x2E:
            if data[place + 1] == 0x2E:
                break
        elif not BYTE_KINDS[byte] & LOCAL:
            break
        elif word_before(data, low, place, words) != (words[byte] != 0):  # `\\b`
            first = place
        place -= 1
    return (first, stop) if first >= 0 else (-1, -1)


@native(UniTuple(int64, 3)(BYTES, int64, int64, int64), memory="given")
def find_ipv4(data: Bytes, floor: int, end: int, dot: int) -> tuple[int, int, int]:
    """The four numbers whose first dot is at `dot`: start, end, and their 32 bits; (-1, -1, -1) for none.

    The bits are -1 where a number has a leading zero: no address, but passed over as one, as datatrove does.
    """
    first = dot
    while first > max(floor, dot - 3) and BYTE_KINDS[data[first - 1]] & DIGIT:
        first -= 1
    if first == dot or not is_kind(data, dot + 1, end, DIGIT):
        return -1, -1, -1
    if _octet_end(data, first, dot) < 0:
        first += 1
    at = first
    bits = 0
    zeros = False
    for number in range(4):
        stop = _octet_end(data, at, end)
        if number == 3 and stop < 0 and is_kind(data, at, end, DIGIT):  # as much of a longer number as fits
            stop = at + 3 if _octet_end(data, at, min(at + 3, end)) == at + 3 else at + 2
        if stop < 0 or (number < 3 and (stop >= end or data[stop] != 0x2E)):
            return -1, -1, -1
        value = 0
        for place in range(at, stop):
            value = value * 10 + int(data[place]) - 48
        zeros = zeros or (data[at] == 0x30 and stop - at > 1)
        bits = bits << 8 | value
        at = stop + 1
    return first, at - 1, -1 if zeros else bits


@native(boolean(int64), memory="given")
def is_public_ipv4(bits: int) -> Any:
    """Whether the address is reachable worldwide (IANA's special-purpose registry, RFC 6890, as of 2024)."""
    first = bits >> 24
    second = bits >> 16
    third = bits >> 8
    if first == 0 or first == 10 or first == 127 or first >= 240:
        return False
    if bits >> 22 == 0x6440 >> 6 or second == 0xA9FE or bits >> 20 == 0xAC1 or second == 0xC0A8:
        return False  # 100.64/10, 169.254/16, 172.16/12, 192.168/16
    if third == 0xC00000:  # 192.0.0/24 but for two anycast addresses
        return bits == 0xC0000009 or bits == 0xC000000A
    if third == 0xC00002 or third == 0xC63364 or third == 0xCB0071:  # for documentation
        return False
    return bits >> 17 != 0xC612 >> 1  # 198.18/15


@native(boolean(uint64), memory="given")
def _is_public_ipv6(high: Any) -> Any:
    """Whether an address with these first 64 bits is reachable worldwide (RFC 6890 and IANA's registry, 2024)."""
    first = high >> np.uint64(32)
    if high >> np.uint64(61) != np.uint64(1):
        return False
    if first == np.uint64(0x20010DB8) or first >> np.uint64(9) == np.uint64(0x20010000 >> 9):
        return False  # documentation; 2001::/23, protocols and Teredo
    return first >> np.uint64(16) != np.uint64(0x2002) and first >> np.uint64(12) != np.uint64(0x3FFF0)


@native(UniTuple(int64, 2)(BYTES, int64, int64, int64, BYTES, boolean), memory="given")
def find_ipv6(data: Bytes, low: int, end: int, colon: int, words: Bytes, public: bool) -> tuple[int, int]:
    """The IPv6 address (RFC 4291, 2.2) whose first colon is at `colon`, or (-1, -1).

    It stands alone: no part of a word, colon or dot touches it. `public`: only global unicast addresses
    (2000::/3) that are not for documentation, tunnels or protocols.
    """
    first = colon
    while first > low and first > colon - 4 and BYTE_KINDS[data[first - 1]] & HEX:
        first -= 1
    if word_before(data, low, first, words) or (first > low and (data[first - 1] == 0x3A or data[first - 1] == 0x2E)):
        return -1, -1
    at = first
    groups = 0
    gap = -1
    high = np.uint64(0)  # the first 64 bits, as far as they stand before the gap
    while at < end:
        if data[at] == 0x3A and at + 1 < end and data[at + 1] == 0x3A and gap < 0:
            gap = groups
            at += 2
        elif data[at] == 0x3A and groups > 0 and gap < groups and is_kind(data, at + 1, end, HEX):
            at += 1
        elif groups > 0 and gap != groups:
            break
        stop = at
        value = np.uint64(0)
        while is_kind(data, stop, end, HEX) and stop - at < 4:
            byte = np.uint64(data[stop])
            value = value << np.uint64(4) | (byte & np.uint64(15)) + np.uint64(9 if byte > 57 else 0)
            stop += 1
        if stop == at:
            break
        if groups < 4 and gap < 0:
            high |= value << np.uint64(48 - 16 * groups)
        groups += 1
        at = stop
        if groups == 8:
            break
    whole = (groups == 8 and gap < 0) or (gap >= 0 and 0 < groups < 8)
    if not whole or word_after(data, at, end, words) or (at < end and data[at] == 0x3A):
        return -1, -1
    if at + 1 < end and data[at] == 0x2E and BYTE_KINDS[data[at + 1]] & ALPHANUMERIC:
        return -1, -1
    return (first, at) if not public or _is_public_ipv6(high) else (-1, -1)
