"""What kind an ASCII byte is to the patterns of personal data: one table from bytes to bits."""

from __future__ import annotations

from string import ascii_letters, digits
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from numba.types import boolean, int64

from stages.kernels.native import BYTES, native

DIGIT: Final = 1
ALPHANUMERIC: Final = 2
LOCAL: Final = 4
"""What the part of an e-mail address before the `@` consists of, but for the dot (RFC 5322, `atext`)."""
TOKEN: Final = 8
"""Letters, digits, `_` and `-`: what keys consist of (base64url)."""
HEX: Final = 16
VALUE: Final = 32
"""What a secret behind `api_key=` consists of: base64 of both kinds, and dots."""

BYTE_KINDS: Final = np.array(
    [
        DIGIT * (chr(byte) in digits)
        | ALPHANUMERIC * (chr(byte) in ascii_letters + digits)
        | LOCAL * (chr(byte) in ascii_letters + digits + "!#$%&'*+/=?^_`{|}~-")
        | TOKEN * (chr(byte) in ascii_letters + digits + "_-")
        | HEX * (chr(byte) in digits + "abcdefABCDEF")
        | VALUE * (chr(byte) in ascii_letters + digits + "_-+/=.~")
        for byte in range(256)
    ],
    np.uint8,
)


@native(boolean(BYTES, int64, int64, int64), memory="given")
def is_kind(data: npt.NDArray[np.uint8], at: int, end: int, kind: int) -> Any:
    """Whether a byte of the kind stands at `at`, before `end`."""
    return at < end and BYTE_KINDS[data[np.uint64(at)]] & kind != 0


@native(int64(BYTES, int64, int64, int64), memory="given")
def run_end(data: npt.NDArray[np.uint8], at: int, end: int, kind: int) -> int:
    """Where the bytes of the kind that start at `at` end."""
    while at < end and BYTE_KINDS[data[at]] & kind != 0:
        at += 1
    return at
