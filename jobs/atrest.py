"""`Documents` for a Find: files at rest, mapped to small rows that are committed file by file.

What `rows` gives is written beside the step first, one file of rows per document file, each with a receipt: a killed
Find begins again at the first file without one. Only then do the rows travel.
"""

from __future__ import annotations

import signal
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from jobs import journal
from jobs.engines.engine import Engine
from jobs.overlay import Reading, read_rest
from jobs.parquet import read_parquet, trusted
from jobs.record import read_record
from jobs.rest import PLACE, ROW, RestPart
from jobs.steps.step import RECEIPT, Place
from jobs.store import new_attempt
from stages.document import BYTES
from stages.errors import StageError
from stages.expression import parse_expression
from stages.find import PART, Frame, RestFile, Worker, groups

PICKED = pa.schema([("file", pa.int32()), ("name", pa.string())])


@dataclass(slots=True)
class Phases:
    """Numbers the passes over the documents, so that each has a folder of its own that a resumed run finds again."""

    count: int = 0

    def next(self) -> int:
        self.count += 1
        return self.count - 1


@dataclass(frozen=True, slots=True)
class Reader:
    """What workers need to read documents at rest. `picks`: by file number, the file of picks; None: all documents."""

    place: Place
    parts: tuple[RestPart, ...]
    where: str | None = None
    picks: dict[int, str] | None = None
    picked: tuple[str, ...] = ()

    def read(self, number: int, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """The documents of one file as workers see them: place, id, the columns asked for, and the picks' columns."""
        store, options, picks = self.place.store, self.place.options, None
        if self.picks is not None:
            picks = read_parquet(store, self.picks[number])
        where = parse_expression(self.where) if self.where else None
        wanted = dict.fromkeys(["id", *columns, *(where.columns if where else ())])
        here = self.place.step.schema_in
        schema = pa.schema([pa.field(BYTES, pa.int64()) if name == BYTES else here.field(name) for name in wanted])
        reading = Reading(schema, options.batch_rows, options.batch_bytes)
        shown = list(dict.fromkeys(["id", *columns, *self.picked]))
        for batch in read_rest(store, self.parts[number], reading, picks):
            if where is not None:
                batch = batch.filter(pa.array(where.mask(batch)))
            if batch.num_rows:
                places = (np.int64(number) << 32) | batch[ROW].to_numpy()
                # A column of the user's may have the name `place`, too: it is not seen by a Find.
                arrays = {PLACE: pa.array(places)} | {name: batch[name] for name in shown if name != PLACE}
                yield pa.record_batch(arrays)


@dataclass(frozen=True, slots=True)
class AtRest:
    """See `stages.find.Documents`."""

    engine: Engine
    reader: Reader
    phases: Phases = field(default_factory=Phases)
    measures: dict[str, float] = field(default_factory=dict)

    @property
    def files(self) -> tuple[RestFile, ...]:
        return tuple(rest_file(part) for part in self.reader.parts)

    @property
    def feeds(self) -> tuple[str, ...]:
        return self.reader.place.step.feeds

    def rows(self, worker: Worker, schema: pa.Schema, columns: Sequence[str] = ("text",)) -> Frame:
        place, picks = self.reader.place, self.reader.picks
        folder = f"{place.folder}/rows-{self.phases.next():02d}"
        numbers = [number for number in range(len(self.reader.parts)) if picks is None or number in picks]
        have = _committed(place, folder)
        missing = tuple(number for number in numbers if number not in have)
        if missing:
            make = MakeRows(self.reader, missing, worker, schema, tuple(columns), folder)
            self.engine.scan(len(missing)).map(make, RECEIPT, place.step.resources).collect()
            have = _committed(place, folder)
        names = tuple(have[number] for number in numbers if have[number])
        return self.engine.scan(len(names)).map(ReadRows(place, names), schema)

    def only(self, picks: Frame) -> AtRest:
        place = self.reader.place
        folder = f"{place.folder}/picks-{self.phases.next():02d}"
        lay = by_file(picks, len(self.reader.parts)).map(LayPicks(place, folder), PICKED).collect()
        found = dict(zip(lay["file"].to_pylist(), lay["name"].to_pylist()))
        extra = tuple(name for name in picks.schema.names if name != PLACE)
        return replace(self, reader=replace(self.reader, picks=dict(sorted(found.items())), picked=extra))

    def table(self, rows: pa.Table) -> Frame:
        return self.engine.table(rows)

    def note(self, measures: Mapping[str, float]) -> None:
        self.measures.update(measures)


def rest_file(part: RestPart) -> RestFile:
    """What a stage may know of a file of documents at rest."""
    return RestFile(part.name, part.rows, part.live, part.text_bytes, part.feed)


def _committed(place: Place, folder: str) -> dict[int, str]:
    """File number → name of its committed rows; an empty name where a file gave none."""
    names = [name for name in place.store.names(folder) if name.endswith(".json") and "/." not in name]
    receipts = [read_record(place.store, name, ("file", "name")) for name in names]
    return {receipt["file"]: receipt["name"] for receipt in receipts}


@dataclass(frozen=True, slots=True)
class MakeRows:
    """Map the documents of one file to small rows, write them, and commit them."""

    reader: Reader
    numbers: tuple[int, ...]
    worker: Worker
    schema: pa.Schema
    columns: tuple[str, ...]
    folder: str

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            for task in batch["task"].to_pylist():
                number = self.numbers[task]
                rows = self.worker(self._watched(self.reader.read(number, self.columns)))
                name = self._write(number, rows)
                receipt = orjson.dumps({"file": number, "name": name})
                self.reader.place.store.put_if_absent(f"{self.folder}/{number:05d}.json", receipt)
                yield pa.RecordBatch.from_pylist([{"part": number}], schema=RECEIPT)

    def _watched(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """The batches, until a document comes that killed the worker again and again: a Find leaves nobody out."""
        for batch, killed_by in journal.in_hand(batches):
            if killed_by is not None:
                link = self.reader.place.step.links[0]
                mend = "let a filter before it drop such documents"
                if killed_by == -signal.SIGKILL:
                    mend = "if memory ran out, run with fewer --workers; else " + mend
                raise StageError(
                    f"{link.at}: {link.name}: the worker process dies by {journal.cause(killed_by)} on the "
                    f"document {batch['id'][0]}\n    mend: {mend}"
                )
            yield batch

    def _write(self, number: int, rows: Iterator[pa.RecordBatch]) -> str:
        full = (batch for batch in rows if batch.num_rows)
        first = next(full, None)
        if first is None:
            return ""
        name = f"{self.folder}/{number:05d}.{new_attempt()}.arrow"
        options = pa.ipc.IpcWriteOptions(compression="lz4")
        with (
            self.reader.place.store.create(name) as file,
            pa.ipc.new_stream(file, self.schema, options=options) as writer,
        ):
            writer.write_batch(first.cast(self.schema))
            for batch in full:
                writer.write_batch(batch.cast(self.schema))
        return name


@dataclass(frozen=True, slots=True)
class ReadRows:
    """The committed rows of one file."""

    place: Place
    names: tuple[str, ...]

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            for task in batch["task"].to_pylist():
                store, name = self.place.store, self.names[task]
                with trusted(store, name), store.open(name) as file, pa.ipc.open_stream(file) as reader:
                    yield from reader


@dataclass(frozen=True, slots=True)
class ByFile:
    """Send rows with a place to the part of their file."""

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            file = (batch[PLACE].to_numpy() >> 32).astype(np.int32)
            columns = {name: batch[name] for name in batch.schema.names if name != PART}
            yield pa.RecordBatch.from_arrays([pa.array(file), *columns.values()], names=[PART, *columns])


def by_file(frame: Frame, files: int) -> Frame:
    """Rows with a place, brought together by file and sorted by place."""
    schema = pa.schema([pa.field(PART, pa.int32()), *(one for one in frame.schema if one.name != PART)])
    return frame.map(ByFile(), schema).shuffle(max(1, files), [PLACE])


def by_row(rows: pa.Table) -> pa.Table:
    """Rows with a place as they rest beside their file: by its rows, whatever its number is where they are read."""
    numbers = pa.array(rows[PLACE].to_numpy() & 0xFFFFFFFF)
    return rows.set_column(rows.schema.get_field_index(PLACE), ROW, numbers)


@dataclass(frozen=True, slots=True)
class LayPicks:
    """Write each file's picks beside the step."""

    place: Place
    folder: str

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for group in groups(batches, [PART]):
            number = group[PART][0].as_py()
            name = f"{self.folder}/{number:05d}.{new_attempt()}.parquet"
            with self.place.store.create(name) as file:
                pq.write_table(by_row(pa.Table.from_batches([group.drop_columns([PART])])), file, compression="lz4")
            yield pa.RecordBatch.from_pylist([{"file": number, "name": name}], schema=PICKED)
