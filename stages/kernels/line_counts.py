"""What is counted in the lines and paragraphs of one text; `page_counts.py` says of which filters."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from numba.types import boolean, int32, int64, uint64, void

from stages.kernels.characters import SENTENCE_END
from stages.kernels.code_points import code_point
from stages.kernels.native import BYTES, native
from stages.kernels.spans import Ints, count_characters, empty_slots, first_equal, hash_span
from stages.kernels.words import strip_span, whitespace_width

Bytes = npt.NDArray[np.uint8]
Longs = npt.NDArray[np.int64]
Hashes = npt.NDArray[np.uint64]


@native(void(BYTES, int32[::1], int32[::1], int64, int64[::1]), memory="given")
def count_line_ends(page: Bytes, starts: Ints, ends: Ints, lines: int, found: Longs) -> None:
    """Lines whose first character but white space is a bullet or a hyphen, and whose last is an ellipsis."""
    bullets = ellipses = 0
    for line in range(np.uint64(lines)):
        at, end = strip_span(page, int(starts[line]), int(ends[line]))
        if at == end:
            continue
        byte = page[np.uint64(at)]
        bullets += byte == 0x2D or (
            byte == 0xE2 and page[np.uint64(at + 1)] == 0x80 and page[np.uint64(at + 2)] == 0xA2
        )
        if end - at >= 3:
            a, b, c = page[np.uint64(end - 3)], page[np.uint64(end - 2)], page[np.uint64(end - 1)]
            ellipses += (a == 0x2E and b == 0x2E and c == 0x2E) or (a == 0xE2 and b == 0x80 and c == 0xA6)
    found[0] = bullets
    found[1] = ellipses


@native(
    void(
        *(BYTES, int64, int32[::1], int32[::1], int64, BYTES, boolean, int64),
        *(uint64[::1], int32[::1], int64[::1]),
    ),
    memory="given",
)
def count_pieces(
    page: Bytes,
    size: int,
    starts: Ints,
    ends: Ints,
    lines: int,
    classes: Bytes,
    full_lines: bool,
    short_line: int,
    hashes: Hashes,
    slots: Ints,
    found: Longs,
) -> None:
    """Of lines between line feeds: those with anything in them, with more than white space, and repeated ones.

    `found`: pieces (runs of line feeds are one cut), repeated pieces, their code points, and where `full_lines` are
    wanted their number, those with a sentence's end, short ones, code points of repeated ones.
    """
    mask = empty_slots(slots, lines)
    pieces = repeated = repeated_characters = full = ended = short = repeated_full = 0
    for line in range(np.uint64(lines)):
        start, end = int(starts[line]), int(ends[line])
        if start == end:
            continue
        pieces += 1
        hashes[line] = hash_span(page, start, end)
        again = first_equal(page, starts, ends, hashes, slots, mask, line) != int(line)
        if not again and not full_lines:
            continue
        characters = count_characters(page, start, end)
        if again:
            repeated += 1
            repeated_characters += characters
        at = start
        width = 1
        while at < end and width > 0:
            width = whitespace_width(page, at, end)
            at += width
        if at == end:
            continue
        full += 1
        short += characters <= short_line
        repeated_full += characters if again else 0
        last = end - 1
        point = int(page[np.uint64(last)])
        if point >= 0x80:
            while page[np.uint64(last)] & 0xC0 == 0x80:
                last -= 1
            point = code_point(page, last)[0]
        ended += (classes[np.uint64(point)] & SENTENCE_END) != 0
    edges = 1 if size == 0 else (page[0] == 0x0A) + (page[np.uint64(size - 1)] == 0x0A)
    found[0] = pieces + edges
    found[1] = repeated + (edges == 2)
    found[2] = repeated_characters
    found[3], found[4], found[5], found[6] = full, ended, short, repeated_full


@native(int64(BYTES, int64, int32[::1], int32[::1], int64, int32[::1], int32[::1]), memory="given")
def cut_paragraphs(page: Bytes, size: int, starts: Ints, ends: Ints, lines: int, begins: Ints, stops: Ints) -> int:
    """Paragraphs of the stripped text: lines between line feeds, joined where no empty one lies between them."""
    start, end = strip_span(page, 0, size)
    begins[0] = stops[0] = 0
    if start == end:
        return 1
    paragraphs = 0
    inside = False
    for line in range(np.uint64(lines)):
        if ends[line] < start:
            continue
        if starts[line] > end:
            break
        if starts[line] == ends[line]:
            inside = False
            continue
        if not inside:
            begins[paragraphs] = max(starts[line], start)
            paragraphs += 1
            inside = True
        stops[paragraphs - 1] = min(ends[line], end)
    return paragraphs
