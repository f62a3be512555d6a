"""The front of a `.bin` or `.ftz` file of fastText's: its header, and the labels in its dictionary.

Apart from what reads the rest, because a plan is checked with the labels alone, and the rest needs numba, which takes
most of a CPU-second to load. The format is that of version 12 (https://github.com/facebookresearch/fastText,
`src/fasttext.cc`, `dictionary.cc`).
"""

from __future__ import annotations

import mmap
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Final, TypeVar

from stages.errors import StageError

Read = TypeVar("Read")

LABEL_PREFIX: Final = b"__label__"
HEADER: Final = struct.Struct("<14id")
DICTIONARY: Final = struct.Struct("<iiiqq")
LABEL: Final = 1
"""The kind of an entry that is a label; 0 is a word."""
CUT_OFF: Final = "its dictionary is cut off"

_MAGIC: Final = 793712314
_VERSION: Final = 12
_SUPERVISED: Final = 3


def read_part(path: Path, part: Callable[[mmap.mmap], Read]) -> Read:
    """What `part` reads of a classifier's file. Raises StageError where it finds a fault; OSError without the file."""
    try:
        with path.open("rb") as file:
            return part(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
    except (struct.error, ValueError, IndexError, UnicodeDecodeError) as fault:
        raise StageError(
            f"{path} is no fastText classifier that can be used: {fault}\n"
            "    mend: name a .bin or .ftz file written by `fasttext supervised` or `fasttext quantize`"
        ) from fault


def read_labels(path: Path) -> tuple[str, ...]:
    """The labels of the classifier in a file of fastText's, without its matrices. Raises what `read_part` does."""
    return read_part(path, _labels)


def entries_of(data: mmap.mmap) -> tuple[int, int]:
    """How many entries the dictionary has, and where the first one stands. Raises ValueError for what is no classifier.

    An entry is its name, a zero, how often it was seen in 8 bytes, and its kind in one.
    """
    magic, version, *_, kind, _, _, _, _, _ = HEADER.unpack_from(data)
    if magic != _MAGIC or version != _VERSION:
        raise ValueError(f"it does not start as version {_VERSION} of the format does")
    if kind != _SUPERVISED:
        raise ValueError("it holds word vectors, not a classifier")
    size, *_ = DICTIONARY.unpack_from(data, HEADER.size)
    if size < 0:
        raise ValueError(CUT_OFF)
    return size, HEADER.size + DICTIONARY.size


def label_of_entry(name: bytes) -> str:
    """The label as it was given to fastText, from the name of its entry."""
    return name.removeprefix(LABEL_PREFIX).decode()


def _labels(data: mmap.mmap) -> tuple[str, ...]:
    size, at = entries_of(data)
    labels = []
    # A step per entry, 0.3 µs each: lid.176 has 7,000 of them, and a million take less than loading a kernel.
    for _ in range(size):
        end = data.find(b"\0", at)
        if end < 0 or end + 10 > len(data):
            raise ValueError(CUT_OFF)
        if data[end + 9] == LABEL:
            labels.append(label_of_entry(data[at:end]))
        at = end + 10
    return tuple(labels)
