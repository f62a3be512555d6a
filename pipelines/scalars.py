"""What a plain YAML scalar means: the core schema of YAML 1.2.2 (https://yaml.org/spec/1.2.2/#103-core-schema).

PyYAML speaks YAML 1.1, where `no` (Norwegian) is False, `0777` is 511, `1e3` is a word and `12:30` is 750. Here a word
is a word.
"""

from __future__ import annotations

import math
import re
from typing import Final

Scalar = str | int | float | bool | None

_NULL: Final = re.compile(r"~|null|Null|NULL|")
_TRUE: Final = re.compile(r"true|True|TRUE")
_FALSE: Final = re.compile(r"false|False|FALSE")
_DECIMAL: Final = re.compile(r"[-+]?[0-9]+")
_OCTAL: Final = re.compile(r"0o[0-7]+")
_HEXADECIMAL: Final = re.compile(r"0x[0-9a-fA-F]+")
_FLOAT: Final = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")

_LARGEST: Final = 2**63 - 1


def read_scalar(text: str) -> Scalar:
    """The value of a plain (unquoted) scalar.

    Raises ValueError for numbers that no fingerprint or column can hold: infinite, not a number, beyond 64 bits.
    """
    if _NULL.fullmatch(text):
        return None
    if _TRUE.fullmatch(text):
        return True
    if _FALSE.fullmatch(text):
        return False
    for pattern, base in ((_DECIMAL, 10), (_OCTAL, 8), (_HEXADECIMAL, 16)):
        if pattern.fullmatch(text):
            return _whole(text, base)
    if _FLOAT.fullmatch(text):
        return _real(text)
    return text


def write_scalar(value: Scalar) -> str:
    """The YAML spelling of a value, for text in which it stands."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else repr(value)


def _whole(text: str, base: int) -> int:
    if len(text) > 24:
        raise ValueError(f"{text[:24]}… does not fit into 64 bits")
    number = int(text, 10) if base == 10 else int(text[2:], base)
    if abs(number) > _LARGEST:
        raise ValueError(f"{text} does not fit into 64 bits")
    return number


def _real(text: str) -> float:
    special = text.lstrip("+-").lower() in (".inf", ".nan")
    number = math.inf if special else float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text} is not a finite number")
    return number
