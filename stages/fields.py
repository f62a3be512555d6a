"""Types for the fields of stages, so that YAML may say `256MB`, `10%` and `30B` and mean one number.

A field's type also says what it is to the fingerprint: `Runtime` fields (worker counts, URLs, timeouts) are in none;
of a `ContentPath` the content counts and the path does not.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final

from pydantic import AfterValidator, BeforeValidator, ValidationInfo

_BYTES: Final = {"": 1, "B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}
_BINARY: Final = {"KIB": 2**10, "MIB": 2**20, "GIB": 2**30, "TIB": 2**40}
_COUNTS: Final = {"": 1, "K": 10**3, "M": 10**6, "B": 10**9, "T": 10**12}
_NUMBER: Final = re.compile(r"\s*([0-9][0-9_]*(?:\.[0-9]+)?)\s*([A-Za-z%]*)\s*")


@dataclass(frozen=True, slots=True)
class Runtime:
    """Marks a field that changes how a stage runs but never what it gives."""


def parse_size(value: object) -> int:
    """Bytes from `256MB` (10^6), `256MiB` (2^20) or a plain number. Raises ValueError with an example."""
    return _parse(value, {**_BYTES, **_BINARY}, "a size such as 256MB, 1GiB or 1000000")


def parse_count(value: object) -> int:
    """A count from `30B` (10^9), `1.5M`, `200k` or a plain number. Raises ValueError with an example."""
    return _parse(value, _COUNTS, "a count such as 30B, 1.5M or 1000")


def parse_share(value: object) -> float:
    """A share of 1 from `10%` or `0.1`. Raises ValueError outside 0..1."""
    share = value
    if isinstance(value, str):
        match = _NUMBER.fullmatch(value)
        if match is None or match[2] not in ("", "%"):
            raise ValueError(f"{value!r} is not a share such as 10% or 0.1")
        share = float(match[1].replace("_", "")) / (100 if match[2] else 1)
    if isinstance(share, bool) or not isinstance(share, int | float) or not 0 <= share <= 1:
        raise ValueError(f"{value!r} is not a share between 0% and 100%")
    return float(share)


def _parse(value: object, units: dict[str, int], example: str) -> int:
    if isinstance(value, bool):
        raise ValueError(f"{value!r} is not {example}")
    if isinstance(value, int) and value >= 0:
        return value
    match = _NUMBER.fullmatch(value) if isinstance(value, str) else None
    if match is None or match[2].upper() not in units:
        raise ValueError(f"{value!r} is not {example}")
    return round(float(match[1].replace("_", "")) * units[match[2].upper()])


class ContentFile(type(Path())):  # type: ignore[misc]
    """A path whose file content, not its name, belongs to the stage's identity."""


def _content_file(value: Path, info: ValidationInfo) -> ContentFile:
    """Resolve a list, model or template against the YAML file's folder (`base` in the validation context)."""
    if not str(value) or str(value) == ".":
        raise ValueError("the path is empty")
    base = (info.context or {}).get("base")
    return ContentFile(Path(base or ".").absolute() / value)


Size = Annotated[int, BeforeValidator(parse_size)]
"""Bytes: `256MB`."""
Count = Annotated[int, BeforeValidator(parse_count)]
"""A number of documents, words or tokens: `30B`."""
Share = Annotated[float, BeforeValidator(parse_share)]
"""A part of one: `10%`."""
ContentPath = Annotated[Path, AfterValidator(_content_file)]
"""A list, model or template file; relative to the YAML file. Its content hash enters the fingerprint."""
