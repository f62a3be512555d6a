"""Phone numbers, payment cards and bank accounts, found from the first digit; cards and accounts prove themselves.

Each is looked for where a run of digits starts, and reads a few dozen bytes at most.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt
from numba.types import UniTuple, boolean, int64, uint8

from stages.kernels.native import BYTES, native
from stages.kernels.pii_bytes import BYTE_KINDS, DIGIT, is_kind, run_end
from stages.kernels.word_characters import word_after, word_before

Bytes = npt.NDArray[np.uint8]

_IBAN_LENGTHS: Final = (
    "AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BI27 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DJ27 DK18 DO28 EE20 EG29 "
    "ES24 FI18 FK18 FO18 FR27 GB22 GE22 GI23 GL18 GR27 GT28 HN28 HR21 HU28 IE22 IL23 IQ23 IS26 IT27 JO30 KW30 KZ20 "
    "LB28 LC32 LI21 LT20 LU20 LV21 LY25 MC27 MD24 ME22 MK19 MN20 MR27 MT31 MU30 NI28 NL18 NO15 OM23 PK24 PL28 PS29 "
    "PT25 QA29 RO24 RS22 RU33 SA24 SC31 SD18 SE24 SI19 SK24 SM27 SO23 ST25 SV28 TL23 TN24 TR26 UA29 VA22 VG24 XK20 "
    "YE30"
)
"""SWIFT's IBAN registry: how long the numbers of a country are."""

_LENGTHS: Final = np.zeros(26 * 26, np.uint8)
for _entry in _IBAN_LENGTHS.split():
    _LENGTHS[(ord(_entry[0]) - 65) * 26 + ord(_entry[1]) - 65] = int(_entry[2:])


@native(boolean(uint8), memory="given")
def _links(byte: int) -> Any:
    return byte == 0x2E or byte == 0x2D or byte == 0x2F or byte == 0x2B


@native(boolean(BYTES, int64, int64, int64, int64, BYTES), memory="given")
def _stands_alone(data: Bytes, low: int, start: int, stop: int, end: int, words: Bytes) -> Any:
    """Whether no part of a word touches [start, stop), nor a dot, dash, slash or plus that links it to more digits."""
    if word_before(data, low, start, words) or word_after(data, stop, end, words):
        return False
    if start - 1 > low and _links(data[start - 1]) and BYTE_KINDS[data[start - 2]] & DIGIT:
        return False
    return not (stop < end and _links(data[stop]) and is_kind(data, stop + 1, end, DIGIT))


@native(boolean(BYTES, int64, int64), memory="given")
def _is_issued(data: Bytes, at: int, digits: int) -> Any:
    """Whether a card of so many digits may start like that (ISO/IEC 7812 issuer ranges of the large networks)."""
    head = 0
    for place in range(at, at + 4):
        head = head * 10 + int(data[place]) - 48
    first, second, third = head // 1000, head // 100, head // 10
    if first == 4:
        return digits == 13 or digits == 16 or digits == 19
    if 51 <= second <= 55 or 2221 <= head <= 2720:
        return digits == 16
    if second == 34 or second == 37:
        return digits == 15
    if second == 36 or second == 38 or 300 <= third <= 305:
        return digits == 14
    if head == 6011 or second == 65 or 644 <= third <= 649 or second == 35 or second == 62:
        return 16 <= digits <= 19
    return False


@native(UniTuple(int64, 2)(BYTES, int64, int64, int64, BYTES), memory="given")
def find_card(data: Bytes, low: int, end: int, at: int, words: Bytes) -> tuple[int, int]:
    """The card number that starts at `at`, or (-1, -1): 13 to 19 digits of a known issuer that pass Luhn's check.

    Written without a gap, or in the groups printed on the card with one blank or dash between.
    """
    stop = run_end(data, at, min(end, at + 20), DIGIT)
    gap = np.uint8(0)
    if stop - at == 4 and stop < end and (data[stop] == 0x20 or data[stop] == 0x2D):
        gap = data[stop]
        head = (int(data[at]) - 48) * 10 + int(data[at + 1]) - 48
        american, diners = head == 34 or head == 37, head == 30 or head == 36 or head == 38
        groups = 3 if american or diners else 4
        for group in range(1, groups):
            size = 4
            if groups == 3:
                size = 6 if group == 1 else 5 if american else 4
            if stop >= end or data[stop] != gap or run_end(data, stop + 1, end, DIGIT) != stop + 1 + size:
                return -1, -1
            stop += 1 + size
    if stop - at < 13 or not _stands_alone(data, low, at, stop, end, words):
        return -1, -1
    total = digits = 0
    place = stop - 1
    while place >= at:
        if data[place] != gap:
            digit = int(data[place]) - 48
            doubled = 2 * digit
            total += digit if digits % 2 == 0 else doubled - 9 if doubled > 9 else doubled
            digits += 1
        place -= 1
    return (at, stop) if total % 10 == 0 and _is_issued(data, at, digits) else (-1, -1)


@native(UniTuple(int64, 2)(BYTES, int64, int64, int64, BYTES), memory="given")
def find_iban(data: Bytes, low: int, end: int, at: int, words: Bytes) -> tuple[int, int]:
    """The IBAN (ISO 13616) whose check digits start at `at`, or (-1, -1): right length for its country, rest 1 mod 97.

    In capitals; without a gap, or with one blank after every fourth character.
    """
    start = at - 2
    if start < low or not (65 <= data[start] <= 90 and 65 <= data[start + 1] <= 90):
        return -1, -1
    length = int(_LENGTHS[(int(data[start]) - 65) * 26 + int(data[start + 1]) - 65])
    if length == 0 or word_before(data, low, start, words):
        return -1, -1
    spaced = start + 4 < end and data[start + 4] == 0x20
    place = start
    rest = head = 0
    for index in range(length):
        if spaced and index > 0 and index % 4 == 0:
            if place >= end or data[place] != 0x20:
                return -1, -1
            place += 1
        if place >= end:
            return -1, -1
        byte = int(data[place])
        if not (48 <= byte <= 57 or 65 <= byte <= 90):
            return -1, -1
        value = byte - 48 if byte <= 57 else byte - 55
        if index < 4:  # country and check digits come last in the sum
            head = (head * (10 if value < 10 else 100) + value) % 97
        else:
            rest = (rest * (10 if value < 10 else 100) + value) % 97
        place += 1
    # Two letters and two digits are six digits, and 10^6 = 27 mod 97.
    if (rest * 27 + head) % 97 != 1 or word_after(data, place, end, words):
        return -1, -1
    return start, place


@native(boolean(uint8), memory="given")
def _separates(byte: int) -> Any:
    return byte == 0x20 or byte == 0x28 or byte == 0x29 or 0x2D <= byte <= 0x2F


@native(int64(BYTES, int64, int64), memory="given")
def _international_end(data: Bytes, at: int, end: int) -> int:
    if not is_kind(data, at, end, DIGIT) or data[at] == 0x30:
        return -1
    digits = 0
    stop = -1
    while is_kind(data, at, end, DIGIT):
        stop = run_end(data, at, min(end, at + 16), DIGIT)
        digits += stop - at
        at = stop
        while at < min(end, stop + 2) and _separates(data[at]):
            at += 1
        if digits > 15:
            return -1
    return stop if digits >= 8 else -1


@native(int64(BYTES, int64, int64), memory="given")
def _american_end(data: Bytes, at: int, end: int) -> int:
    if data[at] == 0x31 and at + 1 < end and (data[at + 1] == 0x2D or data[at + 1] == 0x2E or data[at + 1] == 0x20):
        at += 2
    bracket = at < end and data[at] == 0x28
    at += bracket
    for group in range(3):
        size = 4 if group == 2 else 3
        if run_end(data, at, min(end, at + 5), DIGIT) != at + size or (group < 2 and data[at] < 0x32):
            return -1
        at += size
        if group == 0 and bracket:
            if at >= end or data[at] != 0x29:
                return -1
            at += 1
            at += at < end and data[at] == 0x20
        elif group < 2:
            if at >= end or not (data[at] == 0x2D or data[at] == 0x2E):
                return -1
            at += 1
    return at


@native(UniTuple(int64, 2)(BYTES, int64, int64, int64, BYTES), memory="given")
def find_phone(data: Bytes, low: int, end: int, at: int, words: Bytes) -> tuple[int, int]:
    """The phone number that starts at `at` with `+`, `(` or a digit, or (-1, -1).

    `+` and 8 to 15 digits (ITU-T E.164) with at most two of blank, dot, dash, slash and bracket between groups; or a
    North American number with its separators: `(212) 555-0123`, `212-555-0123`, `1.212.555.0123`.
    """
    stop = _international_end(data, at + 1, end) if data[at] == 0x2B else _american_end(data, at, end)
    return (at, stop) if stop >= 0 and _stands_alone(data, low, at, stop, end, words) else (-1, -1)
