"""Keys and tokens, found from a byte that each must have: those of services by their prefix, others by what names them.

The prefixes are those that the services document for secret scanners. A secret behind `api_key=` has no prefix; it is
taken for one when it is long, mixed and has an entropy that words do not reach.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt
from numba.types import UniTuple, boolean, int64

from stages.kernels.native import BYTES, native
from stages.kernels.pii_bytes import ALPHANUMERIC, BYTE_KINDS, DIGIT, TOKEN, VALUE, is_kind, run_end
from stages.kernels.word_characters import word_before

Bytes = npt.NDArray[np.uint8]

_NAMES: Final = (
    *("apikey", "api_key", "api-key", "accesskey", "access_key", "access-key", "secretkey", "secret_key"),
    *("secret-key", "privatekey", "private_key", "private-key", "secret", "token", "password", "passwd"),
)
_LONGEST: Final = max(map(len, _NAMES))
_ENDINGS: Final = np.zeros((len(_NAMES), _LONGEST), np.uint8)
for _row, _name in enumerate(_NAMES):
    _ENDINGS[_row, : len(_name)] = list(_name[::-1].encode())
_LENGTHS: Final = np.array([len(name) for name in _NAMES])

_BEGIN: Final = np.frombuffer(b"-----BEGIN ", np.uint8)
_END: Final = np.frombuffer(b"-----END ", np.uint8)
_PRIVATE: Final = np.frombuffer(b"PRIVATE KEY", np.uint8)
_GITHUB: Final = np.frombuffer(b"github_pat_", np.uint8)
_LIVE: Final = np.frombuffer(b"_live_", np.uint8)
_TEST: Final = np.frombuffer(b"_test_", np.uint8)

_ENTROPY: Final = 3.5
"""Bits for each character; 20 random letters and digits have 4, words and names with digits around 3."""


@native(boolean(BYTES, int64, int64), memory="given")
def _has_digit(data: Bytes, start: int, stop: int) -> Any:
    while start < stop and not BYTE_KINDS[data[start]] & DIGIT:
        start += 1
    return start < stop


@native(UniTuple(int64, 2)(BYTES, int64, int64, int64))
def _named_secret(data: Bytes, low: int, end: int, at: int) -> tuple[int, int]:
    """What stands behind `api_key=`, `"token": "`, and the like, if it is a secret: 20 characters or more."""
    place = at - 1
    while place > max(low, at - 4) and (data[place] == 0x20 or data[place] == 0x22 or data[place] == 0x27):
        place -= 1
    if place < low:
        return -1, -1
    last = data[place] | 0x20
    if last != 0x79 and last != 0x74 and last != 0x6E and last != 0x64:
        return -1, -1
    named = False
    for name in range(len(_LENGTHS)):
        same = place - _LENGTHS[name] + 1 >= low
        step = 0
        while same and step < _LENGTHS[name]:
            byte = data[place - step]
            same = (byte | 0x20 if 65 <= byte <= 90 else byte) == _ENDINGS[name, step]
            step += 1
        named = named or same
    start = at + 1
    while start < min(end, at + 4) and not BYTE_KINDS[data[start]] & ALPHANUMERIC:
        start += 1
    if not named or not is_kind(data, start, end, VALUE):
        return -1, -1
    stop = run_end(data, start, min(end, start + 513), VALUE)
    if not 20 <= stop - start <= 512 or not _has_digit(data, start, stop):
        return -1, -1
    counts = np.zeros(128, np.int64)
    for spot in range(start, stop):
        counts[data[spot]] += 1
    bits = 0.0
    for count in counts:
        if count:
            bits -= count / (stop - start) * np.log2(count / (stop - start))
    return (start, stop) if bits >= _ENTROPY else (-1, -1)


@native(int64(BYTES, int64, int64), memory="given")
def _after_dashes(data: Bytes, at: int, end: int) -> int:
    while at < end and data[at] == 0x2D:
        at += 1
    return at


@native(boolean(BYTES, int64, int64, BYTES), memory="given")
def _stands(data: Bytes, at: int, end: int, pattern: Bytes) -> Any:
    """Whether the pattern stands at `at`."""
    if at + len(pattern) > end:
        return False
    step = 0
    while step < len(pattern) and data[at + step] == pattern[step]:
        step += 1
    return step == len(pattern)


@native(UniTuple(int64, 2)(BYTES, int64, int64, int64), memory="given")
def _private_key(data: Bytes, low: int, end: int, at: int) -> tuple[int, int]:
    """A private key in PEM (RFC 7468), from `-----BEGIN` to the end of `-----END …-----`, or to the next dashes."""
    if (at > low and data[at - 1] == 0x2D) or not _stands(data, at, end, _BEGIN):
        return -1, -1
    place = at + len(_BEGIN)
    private = False
    while place < min(end, at + 80) and data[place] != 0x2D:
        private = private or _stands(data, place, end, _PRIVATE)
        place += 1
    if not private:
        return -1, -1
    place = _after_dashes(data, place, end)
    body = place
    while place < end and not (data[place] == 0x2D and place + 1 < end and data[place + 1] == 0x2D):
        place += 1
    if place - body < 16:
        return -1, -1
    if not _stands(data, place, end, _END):
        return at, place
    place += len(_END)
    while place < end and data[place] != 0x2D and data[place] != 0x0A:
        place += 1
    return at, _after_dashes(data, place, end)


@native(UniTuple(int64, 2)(BYTES, int64, int64, int64, BYTES), memory="given")
def _web_token(data: Bytes, low: int, end: int, start: int, words: Bytes) -> tuple[int, int]:
    """A JSON web token (RFC 7519): header and claims begin with `{"`, which is `eyJ` in base64, and a signature."""
    if start < low or data[start] != 0x65 or data[start + 1] != 0x79 or word_before(data, low, start, words):
        return -1, -1
    at = start
    for part in range(3):
        stop = run_end(data, at, min(end, at + 8192), TOKEN)
        if stop - at < 10 or (part == 1 and not (data[at] == 0x65 and data[at + 1] == 0x79 and data[at + 2] == 0x4A)):
            return -1, -1
        if part < 2:
            if stop >= end or data[stop] != 0x2E:
                return -1, -1
            stop += 1
        at = stop
    return start, at


@native(UniTuple(int64, 2)(BYTES, int64, int64, int64, BYTES), memory="given")
def find_key(data: Bytes, low: int, end: int, at: int, words: Bytes) -> tuple[int, int]:
    """The key with the byte at `at` in its prefix or before it (one of `K I z J _ - = :`), or (-1, -1)."""
    byte = data[at]
    if byte == 0x3D or byte == 0x3A:
        return _named_secret(data, low, end, at)
    if byte == 0x2D and at + 1 < end and data[at + 1] == 0x2D:
        return _private_key(data, low, end, at)
    start, rest, most, kind, mixed = -1, 0, 512, ALPHANUMERIC, False
    least = 0
    if byte == 0x4B or byte == 0x49:  # AKIA, ASIA: AWS
        start, rest, least, most = (at - 1, at + 3, 16, 16) if byte == 0x4B else (at - 2, at + 2, 16, 16)
        whole = start >= low and rest <= end and data[start] == 0x41 and data[rest - 2] == 0x49
        if not whole or data[rest - 1] != 0x41 or (byte == 0x49 and data[at - 1] != 0x53):
            return -1, -1
    elif byte == 0x7A:  # AIza: Google
        start, rest, least, most, kind = at - 2, at + 2, 35, 35, TOKEN
        if start < low or rest > end or data[start] != 0x41 or data[at - 1] != 0x49 or data[at + 1] != 0x61:
            return -1, -1
    elif byte == 0x4A:  # eyJ: a JSON web token
        return _web_token(data, low, end, at - 2, words)
    elif at - 2 < low:
        return -1, -1
    elif data[at - 1] == 0x6B and (
        data[at - 2] == 0x73 or data[at - 2] == 0x72
    ):  # sk- sk_live_ rk_test_: OpenAI, Stripe
        start, rest, least, kind, mixed = at - 2, at + 1, 20, TOKEN, True
        if byte == 0x5F:
            if not (_stands(data, at, end, _LIVE) or _stands(data, at, end, _TEST)):
                return -1, -1
            rest, least, kind = at + 6, 16, ALPHANUMERIC
    elif byte == 0x5F and at - 3 >= low and data[at - 3] == 0x67 and data[at - 2] == 0x68:  # ghp_ gho_ ghu_ ghs_ ghr_
        start, rest, least = at - 3, at + 1, 36
        sort = data[at - 1]
        if not (sort == 0x70 or sort == 0x6F or sort == 0x75 or sort == 0x73 or sort == 0x72):
            return -1, -1
    elif byte == 0x5F and at - 6 >= low and _stands(data, at - 6, end, _GITHUB):
        start, rest, least, kind = at - 6, at + 5, 22, TOKEN
    elif byte == 0x2D and at - 4 >= low and data[at - 4] == 0x78 and data[at - 3] == 0x6F and data[at - 2] == 0x78:
        start, rest, least, kind, mixed = at - 4, at + 1, 10, TOKEN, True  # xoxb- and others: Slack
    if start < low or word_before(data, low, start, words):
        return -1, -1
    stop = run_end(data, rest, min(end, rest + most + 1), kind)
    if not least <= stop - rest <= most or (mixed and not _has_digit(data, rest, stop)):
        return -1, -1
    return start, stop
