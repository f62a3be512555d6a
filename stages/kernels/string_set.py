"""A large set of strings, such as a blocklist of millions of domains, looked up a whole column at a time.

The strings stay where Arrow has them; the set is a table of their numbers, four to eight bytes a string. A look-up
compares bytes, so it is exact.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from numba.types import int32, int64, void

from stages.kernels.native import BYTES, LONGS, native
from stages.kernels.spans import Ints, hash_span
from stages.kernels.texts import Texts, texts_of

Longs = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class StringSet:
    """Strings with an open-addressed table of their numbers (-1 = empty) whose size is a power of two."""

    strings: Texts
    slots: Ints

    def __len__(self) -> int:
        return len(self.strings)


def string_set(column: pa.Array) -> StringSet:
    """The set of a string column; of equal strings the first is the one found. Takes 0.2 s for a million."""
    strings = texts_of(column)
    slots = np.full(max(16, 1 << (2 * len(strings)).bit_length()), -1, np.int32)
    _enter(strings.data, strings.starts, strings.ends, slots)
    return StringSet(strings, slots)


def find(known: StringSet, texts: Texts) -> Longs:
    """For each text the number of the string that equals it, or -1; the empty text is never found."""
    return _found(known, texts, -1)


def find_domain(known: StringSet, hosts: Texts) -> Longs:
    """For each host the number of the longest listed domain that it is or stands below, or -1."""
    return _found(known, hosts, ord("."))


def _found(known: StringSet, texts: Texts, cut: int) -> Longs:
    found = np.empty(len(texts), np.int64)
    strings = known.strings
    sought = (texts.data, texts.starts, texts.ends, cut)
    _find(strings.data, strings.starts, strings.ends, known.slots, *sought, found)
    return found


@native(int64(BYTES, LONGS, LONGS, int32[::1], BYTES, int64, int64), memory="given")
def _slot_of(
    data: npt.NDArray[np.uint8],
    starts: Longs,
    ends: Longs,
    slots: Ints,
    sought: npt.NDArray[np.uint8],
    start: int,
    end: int,
) -> int:
    """The slot of the string that equals [start, end) of `sought`, or the empty one where it would stand."""
    mask = len(slots) - 1
    # The upper half stirred in: the lower bits alone are those of a product, the weakest it has.
    hashed = hash_span(sought, start, end)
    slot = np.int64((hashed ^ (hashed >> np.uint64(29))) & np.uint64(mask))
    while slots[slot] >= 0:
        number = slots[slot]
        if ends[number] - starts[number] == end - start:
            at, twin, stop = np.uint64(start), np.uint64(starts[number]), np.uint64(end)
            while at < stop and sought[at] == data[twin]:
                at += np.uint64(1)
                twin += np.uint64(1)
            if at == stop:
                return int(slot)
        slot = (slot + 1) & mask
    return int(slot)


@native(void(BYTES, LONGS, LONGS, int32[::1]), memory="given")
def _enter(data: npt.NDArray[np.uint8], starts: Longs, ends: Longs, slots: Ints) -> None:
    for number in range(len(starts)):
        slot = _slot_of(data, starts, ends, slots, data, starts[number], ends[number])
        if slots[slot] < 0:
            slots[slot] = number


@native(void(BYTES, LONGS, LONGS, int32[::1], BYTES, LONGS, LONGS, int64, int64[::1]), memory="given")
def _find(
    data: npt.NDArray[np.uint8],
    starts: Longs,
    ends: Longs,
    slots: Ints,
    sought: npt.NDArray[np.uint8],
    sought_starts: Longs,
    sought_ends: Longs,
    cut: int,
    found: Longs,
) -> None:
    """Try each text, and where it is not found what follows each `cut` byte in it, in turn."""
    for row in range(len(sought_starts)):
        at, end = sought_starts[row], sought_ends[row]
        found[row] = -1
        while at < end:
            number = slots[_slot_of(data, starts, ends, slots, sought, at, end)]
            if number >= 0:
                found[row] = number
                break
            while at < end and (cut < 0 or sought[np.uint64(at)] != cut):
                at += 1
            at += 1
