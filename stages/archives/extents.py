"""Find where a record ends, whatever its head declares.

One idea: a declared length is believed when what follows it is a border (line ends, then a record or the end of the
stream); when it is not, the stream itself is asked: the length inside the HTTP message, then the next plausible record.

A payload may quote a whole record head, so a payload is searched only once the declared length has failed, and of
several plausible heads the first is taken whose own record ends at a border.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from stages.archives.headers import (
    MAX_ARC_LINE_BYTES,
    MAX_HEAD_BYTES,
    Head,
    field,
    parse_head,
    parse_http,
    starts_record,
)
from stages.archives.streams import Stream

_MAX_SEPARATOR = 64
_BORDER_BYTES = _MAX_SEPARATOR + len(b"WARC/")
_CANDIDATES = 8  # plausible heads looked at before the first of them is taken unproven; keeps a search linear
_WARC_CANDIDATE = re.compile(rb"WARC/\d+\.\d+[ \t]*\r*\n(?=[A-Za-z])")
_ARC_CANDIDATE = re.compile(
    rb"(?:(?<=\n)|\A)[A-Za-z][A-Za-z0-9+.\-]{1,15}:[^\r\n]{1,4096}? [0-9A-Fa-f.:]{3,39} \d{14,20} [^\r\n]{1,512}\r*\n"
)
_MAX_VERSION_LINE = 32
_SEPARATOR = re.compile(rb"[\r\n]{0,%d}" % _MAX_SEPARATOR)
_EMPTY_LINE = re.compile(rb"\r*\n\r*\n")
_LAST_LINE_ENDS = re.compile(rb"(?:\r*\n){0,2}\Z")


def head_at(stream: Stream, position: int) -> Head | None:
    """Return the record head that begins at `position`, or None where none does or it is not whole."""
    stream.reach(position + MAX_HEAD_BYTES)
    first = position - stream.start
    head = parse_head(stream.data, first, first + MAX_HEAD_BYTES)
    while head is None and starts_record(stream.data, position - stream.start):
        here = stream.end
        if here >= position + MAX_HEAD_BYTES or not stream.reach(here + 1, inside=here + 1):
            return None
        first = position - stream.start
        head = parse_head(stream.data, first, first + MAX_HEAD_BYTES)
    return head


def extent_of(stream: Stream, position: int, head: Head, budget: int) -> Extent:
    """Return where the block and the record with `head` at `position` end.

    The window keeps the block while it has no more than `budget` bytes; of a longer one nothing is kept.
    """
    block = position + head.size
    if head.length is None:
        return _searched(stream, block, None, head, budget, "the record has no readable Content-Length")
    stop = block + head.length
    if stream.limit is None and head.length > budget and not stream.rewinds:
        return _searched(stream, block, None, head, budget, "Content-Length was wrong")
    if stream.limit is None or stop <= stream.limit:
        if head.length <= budget:
            stream.reach(stop + _BORDER_BYTES, inside=stop)
        else:
            stream.move(stop)
        if stream.end >= stop:
            border = _border(stream, stop)
            if border is not None:
                return Extent(block, stop, border)
        if stream.fault and stream.end < stop:
            return Extent(block, stream.end, stream.end, cut=True)
        if not stream.move(block):
            return Extent(block, stream.end, stream.end, cut=True)
    return _searched(stream, block, stop, head, budget, "Content-Length was wrong")


def next_record(stream: Stream, position: int, dialect: str | None, budget: int) -> int | None:
    """Return where the next plausible record of `dialect` (None: any) begins at or after `position`, or None.

    Up to `budget` bytes from `position` stay in the window.
    """
    start, guess, guesses = position, None, 0
    while True:
        found = _candidate(stream, position, dialect)
        if found is None:
            position = max(position, stream.end - (_MAX_VERSION_LINE if dialect == "warc" else MAX_ARC_LINE_BYTES))
            if position - start > budget:
                stream.drop(position - 1)
            if not stream.reach(stream.end + 1):
                return guess
            continue
        if found - start > budget:
            stream.drop(found - 1)
        found, position = _last_before_empty_line(stream, found)
        head = head_at(stream, found)
        if head is not None and head.dialect == "arc":
            return found  # such a line does not come about by chance, and crawlers wrote lengths like -1 into it
        if head is None or head.length is None or head.record_type == "unknown":
            continue
        if _is_proven(stream, found + head.size + head.length, head.length, budget):
            return found
        guess = found if guess is None else guess
        guesses += 1
        if guesses == _CANDIDATES:
            return guess


def _last_before_empty_line(stream: Stream, found: int) -> tuple[int, int]:
    # Of several version lines before one empty line only the last can head a record: (its place, where to look next).
    # Without this, a payload full of version lines would be parsed once for each of them.
    stream.reach(found + MAX_HEAD_BYTES)
    first = found - stream.start
    if not stream.data.startswith(b"WARC/", first):
        return found, found + 1  # an ARC line stands alone
    empty = _EMPTY_LINE.search(stream.data, first, first + MAX_HEAD_BYTES)
    stop = empty.start() + 1 if empty else min(len(stream.data), first + MAX_HEAD_BYTES)
    last = first
    for match in _WARC_CANDIDATE.finditer(stream.data, first + 1, stop):
        last = match.start()
    return stream.start + last, stream.start + max(last + 1, stop - _MAX_VERSION_LINE)


def _searched(stream: Stream, block: int, stop: int | None, head: Head, budget: int, mended: str) -> Extent:
    if (told := _told_by_http(stream, block, head, budget)) is not None:
        return Extent(block, *told, mended=mended)
    if stop is not None and stream.end >= stop and stop - block <= budget:
        stream.reach(stop + _BORDER_BYTES)
        if ends := _EMPTY_LINE.match(stream.data, stop - stream.start):
            return Extent(block, stop, stream.start + ends.end())  # well ended, followed by garbage
    following = next_record(stream, block, head.dialect, budget)
    if following is not None:
        return Extent(block, _without_line_ends(stream, block, following), following, mended=mended)
    if stop is not None and stop <= stream.end:
        return Extent(block, stop, stop)
    if stream.limit is None and not stream.fault:
        return Extent(block, _without_line_ends(stream, block, stream.end), stream.end, mended=mended)
    if stop is None:
        return Extent(block, _without_line_ends(stream, block, stream.end), stream.end, mended=mended)
    return Extent(block, stream.end, stream.end, cut=True)


def _told_by_http(stream: Stream, block: int, head: Head, budget: int) -> tuple[int, int] | None:
    if head.record_type not in ("response", "arc"):
        return None
    stream.reach(block + MAX_HEAD_BYTES)
    first = block - stream.start
    message = parse_http(stream.data, first, min(len(stream.data), first + MAX_HEAD_BYTES))
    length = field(message.headers, "content-length") if message else None
    if message is None or length is None or not length.isdecimal() or len(length) > 18:
        return None
    stop = stream.start + message.body + int(length)
    if stop - block > budget or not stream.reach(stop, inside=0):
        return None
    border = _border(stream, stop)
    return None if border is None else (stop, border)


def _border(stream: Stream, stop: int) -> int | None:
    # Where the record whose block ends at `stop` ends with its line ends, if a border is there at all.
    stream.reach(stop + _BORDER_BYTES)
    separator = _SEPARATOR.match(stream.data, stop - stream.start)
    after = stop if separator is None else stream.start + separator.end()
    if after == stream.end or after - stop == _MAX_SEPARATOR:
        return after
    first = after - stream.start
    if stream.data.startswith(b"WARC/", first) or (after > stop and stream.data[first] == 0):
        return after
    stream.reach(after + MAX_ARC_LINE_BYTES)
    return after if starts_record(stream.data, after - stream.start) else None


def _candidate(stream: Stream, position: int, dialect: str | None) -> int | None:
    first = position - stream.start
    patterns = {"warc": (_WARC_CANDIDATE,), "arc": (_ARC_CANDIDATE,)}.get(
        dialect or "", (_WARC_CANDIDATE, _ARC_CANDIDATE)
    )
    found = [match.start() for pattern in patterns if (match := pattern.search(stream.data, first))]
    return stream.start + min(found) if found else None


def _is_proven(stream: Stream, stop: int, length: int, budget: int) -> bool:
    if length > budget or (stream.limit is not None and stop > stream.limit):
        return False
    return stream.reach(stop) and _border(stream, stop) is not None


def _without_line_ends(stream: Stream, block: int, stop: int) -> int:
    # Takes at most the two line ends that end a record; none outside the window, where nothing was kept.
    last = stream.data[max(0, max(block, stop - 6) - stream.start) : max(0, stop - stream.start)]
    ends = _LAST_LINE_ENDS.search(last)
    return stop - (len(last) - ends.start() if ends else 0)


@dataclass(frozen=True, slots=True)
class Extent:
    """Where a record lies: its block is `[block, stop)`, the record with its line ends ends at `end`.

    `cut`: the stream ended before the block did. `mended`: what was wrong with the declared length.
    """

    block: int
    stop: int
    end: int
    cut: bool = False
    mended: str | None = None
