"""JSON Lines to documents: one object a line (https://jsonlines.org), plain or packed.

One idea: lines are parsed one by one, for each needs a verdict of its own, but columns are made of whole batches. A
line that cannot be a document is damaged, with its place and its cause, and reading goes on behind it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import orjson

from stages.document import TEXT_ALIASES
from stages.errors import StoreError
from stages.read.inputs import Chunk, InputFile, Piece
from stages.read.lines import Lines, lines_of
from stages.read.reading import Reading, Tally, numbers
from stages.read.records import Refused, check_declared, columns_of_rows, parsed_object, popped_text
from stages.read.storage import open_file
from stages.read.streams import Stream, stream_of


def read_piece(reading: Reading, piece: Piece) -> Iterator[Chunk]:
    """The documents of the lines that start in a piece."""
    return _Rows(reading, piece.file).chunks(piece)


@dataclass(slots=True)
class _Rows:
    """The lines of one file on their way to batches. `covered`: where in the stream the next line must start."""

    reading: Reading
    file: InputFile
    tally: Tally = field(default_factory=Tally)
    rows: list[dict[str, Any]] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    offsets: list[int] = field(default_factory=list)
    lengths: list[int] = field(default_factory=list)
    covered: int = 0
    reported: int = 0

    def chunks(self, piece: Piece) -> Iterator[Chunk]:
        """The chunks of a piece; their extents add up to it, or StoreError is raised."""
        self.covered = self.reported = piece.start
        with open_file(self.file.path) as stored:
            stream = stream_of(stored, self.file.packing, piece.start, piece.end)
            for lines in lines_of(stream, piece.start, self.reading.read.max_record_bytes):
                for _ in self._take(lines, torn=lines.ending == 0 and stream.broken is not None):
                    yield self._flush(self._reached(stream))
                    if self.reading.finished:
                        if self.file.packing or self.reported < piece.end:
                            yield self.tally.limited(self.reading, self.file, piece.end - self.reported)
                        return
            if stream.broken is not None:
                self.tally.damaged.append(self.reading.broken(self.file, stream.broken))
            elif self._reached(stream) != piece.end:
                raise StoreError(f"{self.file.path}: reading ended at byte {self._reached(stream)} of {piece.end}")
            yield self._flush(piece.end)

    def _reached(self, stream: Stream) -> int:
        """How many stored bytes are behind us."""
        return stream.position if self.file.packing else self.covered

    def _take(self, lines: Lines, *, torn: bool) -> Iterator[None]:
        """Take lines in; yields whenever the batch is full. `torn`: the last line ends where the stream broke."""
        if lines.offset != self.covered:
            raise StoreError(f"{self.file.path}: no line covers byte {self.covered}; the next one is at {lines.offset}")
        if lines.too_long and not torn:
            cause = f"the line is larger than max_record_bytes ({self.reading.read.max_record_bytes})"
            self.tally.damaged.append(self.reading.damage(self.file, lines.offset, lines.too_long, cause))
        self.covered += lines.too_long
        key = self.reading.read.text or TEXT_ALIASES[0]
        room, most = self.reading.room, self.reading.batch_bytes
        size = sum(self.lengths)  # JSON is never shorter than the text in it, so its length bounds that of the text
        for line in lines.lines:
            length = len(line) + lines.ending
            if size + length > most and self.rows:
                yield
                size = 0
            try:
                row = orjson.loads(line)
                text = row.pop(key)
                if text.__class__ is not str or self.reading.read.columns:
                    raise KeyError
            except (ValueError, KeyError, TypeError, AttributeError):
                found = self._looked_at(line, length, torn)  # the slow way, which knows every case
                if found is None:
                    self.covered += length
                    continue
                row, text = found
            self.rows.append(row)
            self.texts.append(text)
            self.offsets.append(self.covered)
            self.lengths.append(length)
            self.covered += length
            size += length
            if len(self.rows) >= room:
                yield
                size, room = 0, self.reading.room

    def _looked_at(self, line: bytes, length: int, torn: bool) -> tuple[dict[str, Any], str] | None:
        """The record of any line, or None when it is blank or damaged, which is then in the tally."""
        if self.covered == 0:
            line = line.removeprefix(b"\xef\xbb\xbf")
        if not line.strip(b" \t\r"):
            self.tally.skip("blank")
            return None
        row: Any = None
        try:
            row = parsed_object(line)
            check_declared(row, self.reading.read.columns)
            return row, popped_text(row, self.reading.read.text)
        except Refused as refusal:
            if not torn:
                url = row.get("url") if isinstance(row, dict) else None
                url = url if isinstance(url, str) else None
                self.tally.damaged.append(self.reading.damage(self.file, self.covered, length, str(refusal), url))
            return None

    def _flush(self, reached: int) -> Chunk:
        """The chunk of all rows taken in, up to this stored byte, and a fresh start."""
        values = columns_of_rows(self.reading.read, self.rows, self.texts)
        batch = self.reading.batch(self.file, numbers(self.offsets), numbers(self.lengths), values)
        self.reading.took(len(self.rows))
        self.rows, self.texts, self.offsets, self.lengths = [], [], [], []
        chunk = self.tally.chunk(self.file, batch, reached - self.reported)
        self.reported = reached
        return chunk
