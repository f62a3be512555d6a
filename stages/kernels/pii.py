"""Personal data and secrets in texts: where they stand, as spans of bytes.

The idea: every kind has a byte that it must contain and that is rare in prose (`@`, a dot between digits, …). One pass
looks each byte up in a table, and only at such an anchor is anything compared; so clean text costs a nanosecond a byte
whatever is looked for.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from numba.types import boolean, int32, int64, uint8

from stages.kernels.native import BYTES, LONGS, native
from stages.kernels.pii_addresses import find_email, find_ipv4, find_ipv6, is_public_ipv4
from stages.kernels.pii_bytes import BYTE_KINDS, DIGIT
from stages.kernels.pii_keys import find_key
from stages.kernels.pii_numbers import find_card, find_iban, find_phone
from stages.kernels.texts import Texts
from stages.kernels.word_characters import word_characters

Bytes = npt.NDArray[np.uint8]
Longs = npt.NDArray[np.int64]

KINDS: Final = ("email", "ipv4", "ipv6", "phone", "card", "iban", "key")
"""The kinds, in the order of their numbers."""
_ANCHORS: Final = {
    "email": "@",
    "ipv4": ".",
    "ipv6": ":",
    "phone": "+(0123456789",
    "card": "0123456789",
    "iban": "0123456789",
    "key": "KIzJ_-=:",
}


@dataclass(frozen=True, slots=True)
class PiiSpans:
    """Spans sorted by row and start, disjoint. `start`, `end`: byte offsets in the text. `kind`: index of KINDS."""

    row: npt.NDArray[np.int32]
    start: Longs
    end: Longs
    kind: Bytes


def pii_spans(texts: Texts, kinds: Collection[str], *, public_addresses_only: bool = True) -> PiiSpans:
    """All personal data of these kinds. E-mail addresses come first where things overlap, then what starts first."""
    anchors = np.zeros(256, np.uint8)
    for number, kind in enumerate(KINDS):
        if kind in kinds:
            anchors[list(_ANCHORS[kind].encode())] |= np.uint8(1 << number)
    # Nothing found is shorter than `a@b.c`. Pages that are never written to are never given by the system.
    room = int((texts.ends - texts.starts).sum()) // 5 + 1
    row, number_of = np.empty(room, np.int32), np.empty(room, np.uint8)
    start, end = np.empty(room, np.int64), np.empty(room, np.int64)
    args = (texts.data, texts.starts, texts.ends, anchors, word_characters(), public_addresses_only)
    count = _find(*args, row, start, end, number_of)
    base = texts.starts[row[:count]]
    return PiiSpans(row[:count].copy(), start[:count] - base, end[:count] - base, number_of[:count].copy())


@native(
    int64(BYTES, LONGS, LONGS, BYTES, BYTES, boolean, int32[::1], int64[::1], int64[::1], uint8[::1]), memory="given"
)
def _find(
    data: Bytes,
    starts: Longs,
    ends: Longs,
    anchors: Bytes,
    words: Bytes,
    public: bool,
    found_row: npt.NDArray[np.int32],
    found_start: Longs,
    found_end: Longs,
    found_kind: Bytes,
) -> int:
    count = 0
    for row in range(len(starts)):
        low, end = int(starts[row]), int(ends[row])
        before = count  # spans of earlier rows
        email_end = ip_end = low
        at = low
        while at < end:
            while at + 8 <= end:  # eight at a time is twice as fast as one by one
                place = np.uint64(at)
                seen = anchors[data[place]] | anchors[data[place + np.uint64(1)]] | anchors[data[place + np.uint64(2)]]
                seen |= anchors[data[place + np.uint64(3)]] | anchors[data[place + np.uint64(4)]]
                seen |= anchors[data[place + np.uint64(5)]] | anchors[data[place + np.uint64(6)]]
                if seen | anchors[data[place + np.uint64(7)]]:
                    break
                at += 8
            if at == end:
                break
            wanted = anchors[data[np.uint64(at)]]
            if wanted == 0:
                at += 1
                continue
            start, stop, kind = -1, -1, 0
            if wanted & 1:
                start, stop = find_email(data, low, email_end, end, at, words)
                if start >= 0:
                    email_end = ip_end = stop
                    while count > before and found_end[count - 1] > start:
                        count -= 1
            if wanted & 2 and at > low and BYTE_KINDS[data[np.uint64(at - 1)]] & DIGIT:
                start, stop, bits = find_ipv4(data, ip_end, end, at)
                if start >= 0:
                    ip_end = stop
                    if bits < 0 or (public and not is_public_ipv4(bits)):
                        start = -1
                        at = stop - 1
                kind = 1
            if wanted & 4 and start < 0:
                start, stop = find_ipv6(data, low, end, at, words, public)
                kind = 2
            inside = at > low and BYTE_KINDS[data[np.uint64(at - 1)]] & DIGIT
            if wanted & 32 and not inside:
                start, stop = find_iban(data, low, end, at, words)
                kind = 5
            if wanted & 16 and start < 0 and not inside:
                start, stop = find_card(data, low, end, at, words)
                kind = 4
            if wanted & 8 and start < 0 and not inside:
                start, stop = find_phone(data, low, end, at, words)
                kind = 3
            if wanted & 64 and start < 0:
                start, stop = find_key(data, low, end, at, words)
                kind = 6
            at += 1
            if start >= 0 and (count == before or found_end[count - 1] <= start):
                found_row[count], found_kind[count] = row, kind
                found_start[count], found_end[count] = start, stop
                count += 1
                at = max(at, stop)
    return count
