"""How the files of a source are cut into splits: by data and settings alone, never by machine or workers.

The law: files in order of locator. A file larger than `split_size` is cut, Parquet between row groups, plain JSON Lines
at line starts; all other files stay whole. Smaller files are joined in order until `split_size` would be passed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import BinaryIO, Final

from stages.read import parquet
from stages.read.inputs import InputFile, Piece, Split
from stages.read.stage import Read
from stages.read.storage import open_file

_PROBE: Final = 64 * 2**10


def plan_splits(read: Read, files: Sequence[InputFile]) -> tuple[Split, ...]:
    """The splits of a source, in order; split k becomes part k. Every byte of every file is in exactly one piece."""
    groups: list[tuple[Piece, ...]] = []
    joined: list[Piece] = []
    size = 0
    for file in sorted(files, key=lambda file: file.locator):
        if file.size <= read.split_size:
            if joined and size + file.size > read.split_size:
                groups.append(tuple(joined))
                joined, size = [], 0
            joined.append(_whole(file))
            size += file.size
            continue
        if joined:
            groups.append(tuple(joined))
            joined, size = [], 0
        groups.extend((piece,) for piece in _cut(file, read.split_size))
    if joined:
        groups.append(tuple(joined))
    return tuple(Split(number, pieces) for number, pieces in enumerate(groups))


def _whole(file: InputFile) -> Piece:
    return Piece(file, 0, len(parquet.footer(file.path, file.mark).sizes) if file.format == "parquet" else file.size)


def _cut(file: InputFile, split_size: int) -> Iterator[Piece]:
    """A large file's pieces, each at least one row group or one line."""
    if file.format == "parquet":
        yield from _row_group_runs(file, split_size)
    elif file.format == "jsonl" and not file.packing:
        yield from _line_runs(file, split_size)
    else:
        yield _whole(file)


def _row_group_runs(file: InputFile, split_size: int) -> Iterator[Piece]:
    start, held = 0, 0
    sizes = parquet.footer(file.path, file.mark).sizes
    for number, size in enumerate(sizes):
        if number > start and held + size > split_size:
            yield Piece(file, start, number)
            start, held = number, 0
        held += size
    yield Piece(file, start, len(sizes))


def _line_runs(file: InputFile, split_size: int) -> Iterator[Piece]:
    start = 0
    with open_file(file.path) as stored:
        for target in range(split_size, file.size, split_size):
            if target <= start:
                continue
            cut = _next_line(stored, target, file.size)
            if cut >= file.size:
                break
            yield Piece(file, start, cut)
            start = cut
    yield Piece(file, start, file.size)


def _next_line(stored: BinaryIO, target: int, size: int) -> int:
    """The first line start at or behind `target`; `size` when there is none."""
    at = target - 1
    stored.seek(at)
    while at < size and (block := stored.read(_PROBE)):
        found = block.find(b"\n")
        if found >= 0:
            return at + found + 1
        at += len(block)
    return size
