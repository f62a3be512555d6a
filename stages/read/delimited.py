"""CSV and TSV to documents (RFC 4180): a header line with names, then one document a row.

One idea: rows are parsed by the standard library, one by one, because a row that is broken must not take its neighbours
along and every row needs its number, which Arrow's parser gives neither. Values are strings unless declared otherwise.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from stages.document import COLUMNS
from stages.errors import Fault, PipelineError
from stages.read.inputs import Chunk, InputFile, Piece
from stages.read.lines import lines_of
from stages.read.reading import Reading, Tally, empty_batch, numbers
from stages.read.stage import Read
from stages.read.storage import open_file
from stages.read.streams import Stream, stream_of
from stages.read.tables import Column, columns_of, documents

_MOST_ROWS = 4096


def schema_of(read: Read, file: InputFile) -> pa.Schema:
    """The names in a file's header line as columns: declared types, else strings. Raises PipelineError without one."""
    with open_file(file.path) as stored:
        parsed = _Parsed(file, stream_of(stored, file.packing, 0, file.size), read.max_record_bytes)
        return _header(read, file, parsed)


def read_piece(reading: Reading, piece: Piece) -> Iterator[Chunk]:
    """The documents of one file; the first row behind the header has number 0."""
    with open_file(piece.file.path) as stored:
        stream = stream_of(stored, piece.file.packing, piece.start, piece.end)
        parsed = _Parsed(piece.file, stream, reading.read.max_record_bytes)
        schema = _header(reading.read, piece.file, parsed)
        columns = columns_of(reading.read, piece.file, schema)
        yield from _Rows(reading, piece, stream, schema, columns).chunks(parsed)


class _Parsed:
    """The rows of a file as an iterator of lists of strings, or of the cause why a row is none."""

    def __init__(self, file: InputFile, stream: Stream, longest: int) -> None:
        self._stream = stream
        self._longest = longest
        self._fault = ""
        csv.field_size_limit(longest)  # bounds what a quote that is never closed can swallow
        delimiter = "\t" if any(f".{name}" in file.path.lower() for name in ("tsv", "tab")) else ","
        self._rows = csv.reader(self._lines(), delimiter=delimiter, strict=True)

    def __iter__(self) -> Iterator[list[str] | str]:
        while True:
            self._fault = ""
            try:
                row = next(self._rows)
            except StopIteration:
                return
            except csv.Error as error:
                if self._stream.broken is not None:
                    return
                yield self._fault or f"broken CSV: {error}"
            else:
                yield self._fault or row

    def _lines(self) -> Iterator[str]:
        for lines in lines_of(self._stream, 0, self._longest):
            if lines.ending == 0 and self._stream.broken is not None:
                return
            if lines.too_long:
                self._fault = f"the line is larger than max_record_bytes ({self._longest})"
                yield "\n"
            for line in lines.lines:
                if lines.offset == 0:
                    line = line.removeprefix(b"\xef\xbb\xbf")
                try:
                    yield line.decode() + "\n"
                except UnicodeDecodeError as error:
                    self._fault = f"invalid UTF-8 at byte {error.start} of a line"
                    yield line.decode(errors="replace") + "\n"


def _header(read: Read, file: InputFile, parsed: _Parsed) -> pa.Schema:
    names = next(iter(parsed), None)
    if not isinstance(names, list) or not names:
        what = names if isinstance(names, str) else "it is empty"
        raise PipelineError(Fault(file.path, f"no header line with the names of columns: {what}", "put one first"))
    names = [name.strip() or f"column_{at}" for at, name in enumerate(names)]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise PipelineError(Fault(file.path, f"its header names a column twice: {', '.join(twice)}", "rename one"))
    return pa.schema([(name, _type(read, name)) for name in names])


def _type(read: Read, name: str) -> pa.DataType:
    if name in read.columns:
        return pa.type_for_alias(read.columns[name])
    return pa.float32() if COLUMNS.get(name) == pa.float32() else pa.string()


@dataclass(slots=True)
class _Rows:
    """Parsed rows of one file on their way to batches. `reported`: stored bytes that chunks have told of."""

    reading: Reading
    piece: Piece
    stream: Stream
    schema: pa.Schema
    columns: list[Column]
    tally: Tally = field(default_factory=Tally)
    rows: list[list[Any]] = field(default_factory=list)
    numbers: list[int] = field(default_factory=list)
    reported: int = 0
    converters: list[tuple[int, Callable[[str], Any]]] = field(default_factory=list)

    def __post_init__(self) -> None:
        typed = ((at, kind.type) for at, kind in enumerate(self.schema) if kind.type != pa.string())
        self.converters = [(at, _converter(kind)) for at, kind in typed]

    def chunks(self, parsed: _Parsed) -> Iterator[Chunk]:
        """The chunks of the file."""
        file, size = self.piece.file, 0
        for number, row in enumerate(parsed):
            if not row:
                self.tally.skip("blank")
                continue
            values = row if isinstance(row, str) else self._typed(row)
            if isinstance(values, str):
                self.tally.damaged.append(self.reading.damage(file, number, 1, values))
                continue
            self.rows.append(values)
            self.numbers.append(number)
            size += sum(map(len, row))
            if len(self.rows) >= min(self.reading.room, _MOST_ROWS) or size >= self.reading.batch_bytes:
                yield from self._flush(min(self.stream.position, self.piece.end))
                size = 0
            if self.reading.finished:
                yield self.tally.limited(self.reading, file, self.piece.end - self.reported)
                return
        if self.stream.broken is not None:
            self.tally.damaged.append(self.reading.broken(file, self.stream.broken))
        yield from self._flush(self.stream.position if self.stream.broken is None else self.piece.end)

    def _typed(self, row: list[str]) -> list[Any] | str:
        """The values of a row, or why they do not fit."""
        if len(row) != len(self.schema):
            return f"the row has {len(row)} fields, the header has {len(self.schema)}"
        values: list[Any] = list(row)
        for at, convert in self.converters:
            try:
                values[at] = convert(row[at]) if row[at] else None
            except ValueError:
                column = self.schema.field(at)
                return f"`{column.name}` is no {column.type}: {row[at][:40]}"
        return values

    def _flush(self, covered: int) -> Iterator[Chunk]:
        """The chunks of all rows taken in, and a fresh start."""
        rows, found = self.rows, numbers(self.numbers)
        self.rows, self.numbers = [], []
        extent, self.reported = covered - self.reported, covered
        if not rows:
            yield self.tally.chunk(self.piece.file, empty_batch(self.reading.schema), extent)
            return
        texts = {column.given for column in self.columns if column.name == "text"}
        table = pa.RecordBatch.from_arrays(
            [_array(values, kind.type, kind.name in texts) for values, kind in zip(zip(*rows), self.schema)],
            schema=self.schema,
        )
        for batch, _ in documents(self.reading, self.piece.file, self.columns, table, found, self.tally):
            yield self.tally.chunk(self.piece.file, batch, extent)
            extent = 0


def _array(values: Sequence[Any], kind: pa.DataType, is_text: bool) -> pa.Array:
    """A column; an empty field of any but the text column is null, since CSV has no other way to say so."""
    column = pa.array(values, kind)
    if is_text or kind != pa.string():
        return column
    return pc.if_else(pc.equal(column, ""), pa.scalar(None, kind), column)


def _converter(kind: pa.DataType) -> Callable[[str], Any]:
    """From a field's text to a value of a type; raises ValueError."""
    if kind == pa.bool_():
        return _boolean
    if pa.types.is_floating(kind):
        return float
    return _integer_of(kind.bit_width)


def _integer_of(bits: int) -> Callable[[str], int]:
    def convert(text: str) -> int:
        value = int(text)
        if "_" in text or not -(2 ** (bits - 1)) <= value < 2 ** (bits - 1):
            raise ValueError(text)
        return value

    return convert


def _boolean(text: str) -> bool:
    try:
        return {"true": True, "1": True, "false": False, "0": False}[text.strip().lower()]
    except KeyError as error:
        raise ValueError(text) from error
