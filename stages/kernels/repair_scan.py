"""One pass over texts that tells what is to be removed, and which texts may have mojibake or be unnormalised.

ASCII costs one look-up a byte; the rules of neighbours and the normal form are looked at where other characters are.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from numba import types
from numba.types import int32, int64, uint8, uint16, uint32

from stages.kernels.code_points import code_point
from stages.kernels.mojibake import PAIRS, neighbours
from stages.kernels.native import BYTES, LONGS, native
from stages.kernels.normal_quick_check import Form, quick_check
from stages.kernels.texts import Texts

Bytes = npt.NDArray[np.uint8]
Longs = npt.NDArray[np.int64]

RULES: Final = (
    "control_characters",
    "byte_order_marks",
    "zero_width",
    "bidi_marks",
    "soft_hyphens",
    "line_endings",
)
"""What is removed, in the order of the numbers; of line endings only the CR before LF, and a CR alone becomes LF."""
_CHARACTERS: Final = {
    "control_characters": "0-8 B E-1F 7F 206A-206F FFF9-FFFC",
    "byte_order_marks": "FEFF",
    "zero_width": "200B 2060-2064 180E",
    "bidi_marks": "61C 200E-200F 202A-202E 2066-2069",
    "soft_hyphens": "AD",
    "line_endings": "D",
}
MOJIBAKE: Final = 1
UNNORMALISED: Final = 2
_PERHAPS: Final = np.uint16(0x100)
_PAIRS: Final = np.uint32(PAIRS)
_KINDS: Final = types.Array(uint16, 1, "C", readonly=True)
_MASKS: Final = types.Array(uint32, 1, "C", readonly=True)


@dataclass(frozen=True, slots=True)
class RepairTables:
    """What a stage looks for: `removed` uint8 by code point (number of the rule + 1), and the tables of both checks."""

    removed: Bytes
    first: npt.NDArray[np.uint32]
    second: npt.NDArray[np.uint32]
    third: npt.NDArray[np.uint32]
    normal: npt.NDArray[np.uint16]


@dataclass(frozen=True, slots=True)
class RepairScan:
    """`flags` uint8 by row: MOJIBAKE, UNNORMALISED. Spans to remove, sorted and disjoint: bytes of the text, and the
    number of the rule; a span of line endings that is a CR alone has `alone`."""

    flags: Bytes
    row: npt.NDArray[np.int32]
    start: Longs
    end: Longs
    rule: Bytes
    alone: npt.NDArray[np.bool_]


def repair_tables(rules: Collection[str], *, mojibake: bool, form: Form | None) -> RepairTables:
    """The tables for these rules; without mojibake or a form nothing is suspected of them."""
    removed = np.zeros(0x110000, np.uint8)
    for number, rule in enumerate(RULES):
        for span in _CHARACTERS[rule].split() if rule in rules else ():
            start, _, end = span.partition("-")
            removed[int(start, 16) : int(end or start, 16) + 1] = number + 1
    masks = neighbours()
    nothing = np.zeros(0x10000, np.uint32)
    first = masks.first if mojibake else nothing
    # The C1 controls stand in no rule of neighbours: they are suspect by themselves.
    if mojibake:
        first = first.copy()
        first[0x80:0xA0] = 0xFFFFFFFF
    normal = np.zeros(0x110000, np.uint16) if form is None else quick_check(form)
    return RepairTables(removed, first, masks.second, masks.third, normal)


def repair_scan(texts: Texts, tables: RepairTables) -> RepairScan:
    """Look at each text once."""
    room = int((texts.ends - texts.starts).sum())  # pages that are never written to are never given by the system
    flags = np.zeros(len(texts), np.uint8)
    row, rule = np.empty(room, np.int32), np.empty(room, np.uint8)
    start, end = np.empty(room, np.int64), np.empty(room, np.int64)
    args = (tables.removed, tables.first, tables.second, tables.third, tables.normal)
    count = _scan(texts.data, texts.starts, texts.ends, *args, flags, row, start, end, rule)
    base = texts.starts[row[:count]]
    numbers = rule[:count]
    return RepairScan(
        flags, row[:count].copy(), start[:count] - base, end[:count] - base, numbers & np.uint8(0x7F), numbers >= 0x80
    )


@native(int64(BYTES, int64, int64), memory="given")
def _escape_end(data: Bytes, at: int, end: int) -> int:
    """Where the terminal's escape sequence at `at` ends (ECMA-48 `ESC [ … letter`, as ftfy removes it)."""
    stop = at + 1
    if stop < end and data[stop] == 0x5B:
        stop += 1
        while stop < end and (48 <= data[stop] <= 57 or data[stop] == 0x3B):
            stop += 1
        if stop < end and (65 <= data[stop] <= 90 or 97 <= data[stop] <= 122):
            return stop + 1
    return at + 1


@native(
    int64(
        *(BYTES, LONGS, LONGS, BYTES, _MASKS, _MASKS, _MASKS, _KINDS),
        *(uint8[::1], int32[::1], int64[::1], int64[::1], uint8[::1]),
    ),
    memory="given",
)
def _scan(
    data: Bytes,
    starts: Longs,
    ends: Longs,
    removed: Bytes,
    first: npt.NDArray[np.uint32],
    second: npt.NDArray[np.uint32],
    third: npt.NDArray[np.uint32],
    normal: npt.NDArray[np.uint16],
    flags: Bytes,
    rows: npt.NDArray[np.int32],
    span_starts: Longs,
    span_ends: Longs,
    span_rules: Bytes,
) -> int:
    count = 0
    for row in range(len(starts)):
        at, end = int(starts[row]), int(ends[row])
        one = two = np.uint32(0)
        order = np.uint16(0)
        before = count
        while at < end:
            lead = data[np.uint64(at)]
            if lead < 0x80:
                point, width = int(lead), 1
                order = np.uint16(0)
            else:
                point, width = code_point(data, at)
                kind = normal[np.uint64(point)]
                classed = kind & np.uint16(0xFF)
                if kind & _PERHAPS or (classed != 0 and classed < order):
                    flags[row] |= np.uint8(2)
                order = classed
            if lead >= 0x80 or (one | two) != 0:
                place = np.uint64(min(point, 0xFFFF))
                three = two & third[place]
                two = one & second[place]
                one = first[place] if lead >= 0x80 and point < 0x10000 else np.uint32(0)
                if three | (two & _PAIRS) or (0x80 <= point < 0xA0 and one):
                    flags[row] |= np.uint8(1)
            rule = removed[np.uint64(point)]
            if rule:
                stop = _escape_end(data, at, end) if point == 0x1B else at + width
                number = np.uint8(rule - 1)
                if point == 0x0D and (stop >= end or data[stop] != 0x0A):
                    number = np.uint8(number | 0x80)
                if count > before and span_ends[count - 1] == at and span_rules[count - 1] == number < 0x80:
                    span_ends[count - 1] = stop
                else:
                    rows[count], span_rules[count] = row, number
                    span_starts[count], span_ends[count] = at, stop
                    count += 1
                at = stop
            else:
                at += width
    return count
