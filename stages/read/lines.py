"""Cutting a stream of bytes into lines, however the blocks fall, with memory bounded by the longest line allowed.

One idea: lines end at LF and nowhere else (JSON Lines, https://jsonlines.org); a whole block's lines are handed on at
once, with the offset of the first, so that the loop over lines stays with the one who parses them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple


class Lines(NamedTuple):
    """Complete lines in a row, without their line ends.

    `offset`: of the first line in the stream. `ending`: length of each one's line end: 1, or 0 for a last line without.
    `too_long`: not 0 = the length of one line that was passed over unread; `lines` is empty then.
    """

    offset: int
    lines: list[bytes]
    ending: int
    too_long: int


def lines_of(blocks: Iterable[bytes], offset: int, longest: int) -> Iterator[Lines]:
    """The lines of a stream whose first byte stands at `offset`; those of more than `longest` bytes are not held."""
    held: list[bytes] = []
    size = 0
    for block in blocks:
        first = block.find(b"\n")
        if first < 0:
            size += len(block)
            held = [*held, block] if size <= longest else []
            continue
        if size + first > longest:
            yield Lines(offset, [], 1, size + first + 1)
        else:
            yield Lines(offset, [b"".join((*held, block[:first]))], 1, 0)
        offset += size + first + 1
        last = block.rfind(b"\n")
        if last > first:
            yield from _whole_lines(block[first + 1 : last].split(b"\n"), offset, longest)
            offset += last - first
        held, size = [block[last + 1 :]], len(block) - last - 1
        if size > longest:
            held = []
    if size > longest:
        yield Lines(offset, [], 0, size)
    elif size:
        yield Lines(offset, [b"".join(held)], 0, 0)


def _whole_lines(lines: list[bytes], offset: int, longest: int) -> Iterator[Lines]:
    """Lines of one block; the too long ones among them, which only a small limit makes possible, apart."""
    if max(map(len, lines)) <= longest:
        yield Lines(offset, lines, 1, 0)
        return
    for line in lines:
        if len(line) > longest:
            yield Lines(offset, [], 1, len(line) + 1)
        else:
            yield Lines(offset, [line], 1, 0)
        offset += len(line) + 1
