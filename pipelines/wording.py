"""How sizes, counts, types and measured values are worded, in whatever textmill prints.

The one idea: people meet the same words everywhere: types are named as the YAML and the documentation name them
(`float32`, where Arrow says `float`), and small things are not rounded away.
"""

from __future__ import annotations

from typing import Final

import pyarrow as pa

_UNITS: Final = ("B", "kB", "MB", "GB", "TB")
_TYPES: Final = {pa.float32(): "float32", pa.float64(): "float64"}


def size_text(size: int) -> str:
    """Bytes as people read them: `1.5 MB`."""
    number, unit = float(size), 0
    while number >= 1000 and unit < len(_UNITS) - 1:
        number, unit = number / 1000, unit + 1
    return f"{number:,.1f} {_UNITS[unit]}" if unit else f"{size} B"


def count_text(number: int, what: str) -> str:
    """`1 shard`, `1,200 shards`."""
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def type_text(kind: pa.DataType) -> str:
    """A column's type: `float32`, `list<string>`, `list<struct<kind, start, end>>`."""
    if pa.types.is_list(kind):
        return f"list<{type_text(kind.value_type)}>"
    if pa.types.is_struct(kind):
        return f"struct<{', '.join(field.name for field in kind)}>"
    return _TYPES.get(kind, str(kind))


def value_text(value: float) -> str:
    """A measured value or a limit: whole numbers to their last digit, others to six digits."""
    return f"{value:.0f}" if float(value).is_integer() and abs(value) < 1e15 else f"{value:.6g}"
