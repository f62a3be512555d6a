"""Reads the head of a GGUF file: enough to refuse a wrong file at plan time and to know its context before loading it.

The format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md (magic, version, counts, typed key-value pairs).
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

_PLAIN: Final = {0: "<B", 1: "<b", 2: "<H", 3: "<h", 4: "<I", 5: "<i", 6: "<f", 7: "<?", 10: "<Q", 11: "<q", 12: "<d"}
_STRING: Final = 8
_ARRAY: Final = 9
_LONGEST: Final = 64 * 2**20

Value = str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class Head:
    """What a model says of itself: its name, the tokens it was trained for, and whether it knows how to chat."""

    name: str | None
    context: int | None
    chats: bool


def read_head(path: Path) -> Head:
    """The head of a GGUF file. Raises ValueError when it is none or torn, OSError when it cannot be read."""
    with path.open("rb") as file:
        if file.read(4) != b"GGUF":
            raise ValueError("this is no GGUF file")
        version = _number(file, "<I")
        if version not in (2, 3):
            raise ValueError(f"GGUF version {version} is not known, only 2 and 3")
        _number(file, "<Q")
        pairs = int(_number(file, "<Q"))
        if pairs > 1_000_000:
            raise ValueError("the head of this GGUF file is damaged")
        told: dict[str, Value] = {}
        for _ in range(pairs):
            key = _string(file)
            told[key] = _value(file, int(_number(file, "<I")))
    name, context = told.get("general.name"), told.get(f"{told.get('general.architecture')}.context_length")
    return Head(
        name if isinstance(name, str) else None,
        context if isinstance(context, int) else None,
        isinstance(told.get("tokenizer.chat_template"), str),
    )


def _value(file: BinaryIO, kind: int) -> Value:
    """A value; of an array nothing but its end is of interest."""
    if kind == _STRING:
        return _string(file)
    if kind in _PLAIN:
        return _number(file, _PLAIN[kind])
    if kind != _ARRAY:
        raise ValueError(f"the head of this GGUF file holds a value of the unknown type {kind}")
    inner, length = int(_number(file, "<I")), int(_number(file, "<Q"))
    if length > _LONGEST:
        raise ValueError("the head of this GGUF file is damaged")
    if inner in _PLAIN:
        file.seek(length * struct.calcsize(_PLAIN[inner]), 1)
        return None
    for _ in range(length):
        _value(file, inner)
    return None


def _number(file: BinaryIO, form: str) -> int | float:
    data = file.read(struct.calcsize(form))
    if len(data) < struct.calcsize(form):
        raise ValueError("this GGUF file ends in its head")
    found: int | float = struct.unpack(form, data)[0]
    return found


def _string(file: BinaryIO) -> str:
    length = int(_number(file, "<Q"))
    if length > _LONGEST:
        raise ValueError("the head of this GGUF file is damaged")
    data = file.read(length)
    if len(data) < length:
        raise ValueError("this GGUF file ends in its head")
    return data.decode("utf-8", "replace")
