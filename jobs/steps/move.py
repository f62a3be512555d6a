"""The move step: documents themselves travel to where a `Move` routes them, and rest there in their new order.

The only step in which texts or tokens cross an engine's border. A part is gathered as a stream, so its size is bounded
by the stage alone; it is committed by its receipt like any other, and a resumed move sends only what is missing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from jobs import ledger
from jobs.atrest import rest_file
from jobs.calling import open_stage, stage_error
from jobs.engines.engine import Engine
from jobs.flow import Flow, check_conservation
from jobs.overlay import Reading, read_rest
from jobs.rest import PLACE, ROW, RestPart, RestWriter
from jobs.steps.step import RECEIPT, Done, Place, commit_step
from jobs.store import new_attempt
from pipelines.plan import Link
from stages.errors import StageError, TextmillError
from stages.find import PART
from stages.load import build
from stages.move import EVEN, Gathered, Move

RANK: Final = "_rank"
ORDER: Final = (RANK, "id", PLACE)
"""Ids repeat where streams of one source meet again, so that the order ends in the place."""


_stages: dict[str, tuple[Move, Any]] = {}


def moving(schema: pa.Schema) -> pa.Schema:
    """The columns that travel: where to, in which order, from where, and all of the document."""
    own = [(PART, pa.int32()), (RANK, pa.int64()), (PLACE, pa.int64())]
    names = {name for name, _ in own}
    return pa.schema([*own, *(field for field in schema if field.name not in names)])


def even_parts(files: Sequence[RestPart], parts: int) -> tuple[pa.Int32Scalar, ...]:
    """The part of each file where neighbouring files make up parts of about equal bytes."""
    total = max(1, sum(file.text_bytes for file in files))
    before = np.cumsum([0, *(file.text_bytes for file in files)])[:-1]
    return tuple(pa.scalar(min(parts - 1, int(start) * parts // total), pa.int32()) for start in before)


@dataclass(frozen=True, slots=True)
class Send:
    """The documents of a file with part and rank; those of finished parts stay where they are."""

    place: Place
    inputs: tuple[RestPart, ...]
    parts: int
    even: tuple[pa.Int32Scalar, ...]
    finished: tuple[int, ...]

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            for number in batch["task"].to_pylist():
                yield from self._routed(number)

    def _routed(self, number: int) -> Iterator[pa.RecordBatch]:
        link, options, schema = self.place.step.links[0], self.place.options, self.place.step.schema_in
        stage, tools = _opened(self.place)
        columns = moving(schema)
        reading = Reading(schema, options.batch_rows, options.batch_bytes)
        for documents in read_rest(self.place.store, self.inputs[number], reading):
            place = pa.array((np.int64(number) << 32) | documents[ROW].to_numpy())
            known = {name: documents[name] for name in schema.names} | {PLACE: place}
            batch = pa.record_batch({**known, EVEN: pa.repeat(self.even[number], documents.num_rows)})
            try:
                part, rank = stage.route(batch, self.parts, tools)
            except Exception as error:
                raise _raised(link, error) from error
            known |= {PART: pa.array(part, pa.int32()), RANK: pa.array(rank, pa.int64())}
            sent = pa.record_batch([known[name] for name in columns.names], schema=columns)
            if self.finished:
                sent = sent.filter(pc.invert(pc.is_in(sent[PART], pa.array(self.finished, pa.int32()))))
            if sent.num_rows:
                yield sent


@dataclass(frozen=True, slots=True)
class Receive:
    """The worker: one receipt per part, whose documents come in order."""

    place: Place

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        pieces = (piece for batch in batches for piece in _cut_at_parts(batch))
        for part, run in groupby(pieces, key=lambda piece: int(piece[PART][0].as_py())):
            _Arrival(self.place, part).take(run)
            yield pa.RecordBatch.from_pylist([{"part": part}], schema=RECEIPT)


class _Arrival:
    """One attempt at one part."""

    def __init__(self, place: Place, part: int) -> None:
        self.place = place
        self.part = part
        self.link = place.step.links[0]
        self.flow = Flow(self.link.name)
        self.measures: dict[str, int] = {}
        attempt = new_attempt()
        self.writer = RestWriter(place.store, f"{place.folder}/{part:05d}", attempt, place.step.schema)
        self.ledger = ledger.LedgerWriter(place.store, f"{place.ledger}/{part:05d}.{attempt}.parquet")

    def take(self, run: Iterator[pa.RecordBatch]) -> None:
        stage, tools = _opened(self.place)
        written = 0
        try:
            for gathered in stage.gather(self._counted(run), tools):
                written += self._keep(gathered)
        except Exception as error:
            raise _raised(self.link, error) from error
        flow = self.flow
        flow.kept = flow.entered - flow.dropped - flow.failed
        if type(stage).consumes:
            flow.children, flow.replaced = written, flow.kept
        where = f"step {self.place.title}, part {self.part}"
        files = self.writer.close()
        check_conservation([flow], flow.entered, written, where)
        entry = self.ledger.close()
        self.place.commit_part(
            self.part,
            {
                "in": flow.entered,
                "out": written,
                "files": files,
                "ledger": [{"step": self.place.title, "part": f"{self.part:05d}", **entry}] if entry else [],
                "flows": [flow.to_json()],
                "measures": self.measures,
            },
        )

    def _counted(self, run: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """The part's documents as the stage sees them: without where they came from."""
        names = self.place.step.schema_in.names
        for batch in run:
            self.flow.entered += batch.num_rows
            yield batch.select(names)

    def _keep(self, gathered: Gathered) -> int:
        """Write a piece and book what does not go on; gives the rows written."""
        for name, count in gathered.measures.items():
            self.measures[name] = self.measures.get(name, 0) + int(count)
        if gathered.drops is not None:
            documents, verdicts = gathered.drops
            lost = np.flatnonzero(verdicts.rule.is_valid().to_numpy(zero_copy_only=False))
            rows = ledger.burial(documents, lost, verdicts, self.place.title, self.link.name)
            self.ledger.add(rows)
            failed = int(pc.sum(pc.equal(rows["kind"], "failed")).as_py() or 0)
            self.flow.failed += failed
            self.flow.dropped += rows.num_rows - failed
            self.flow.count({entry["values"]: entry["counts"] for entry in rows["rule"].value_counts().to_pylist()})
        if gathered.rows.num_rows:
            self.writer.add(_in_shape(gathered.rows, self.place.step.schema, self.link.name))
        return int(gathered.rows.num_rows)


def run_move(place: Place, engine: Engine, inputs: Sequence[RestPart]) -> Done:
    """Send the documents of all parts that have no receipt yet, and commit the step."""
    parts_in = tuple(inputs)
    link = place.step.links[0]
    stage = build(link.spec)
    assert isinstance(stage, Move)
    parts = stage.parts(tuple(rest_file(part) for part in parts_in))
    have = place.receipts()
    if len(have) < parts and parts_in:
        send = Send(place, parts_in, parts, even_parts(parts_in, parts), tuple(have))
        sent = engine.scan(len(parts_in)).map(send, moving(place.step.schema_in), link.resources)
        sent.shuffle(parts, ORDER).map(Receive(place), RECEIPT, link.resources).collect()
    receipts = place.receipts()
    arrived, live = sum(receipt["in"] for receipt in receipts.values()), sum(part.live for part in parts_in)
    if arrived != live:
        raise StageError(f"{link.at}: {link.name} took in {arrived} of {live} documents that were sent to it")
    measures: dict[str, int] = {}
    for receipt in receipts.values():
        for name, count in receipt["measures"].items():
            measures[name] = measures.get(name, 0) + count
    files = [file for receipt in receipts.values() for file in receipt["files"]]
    rest = [RestPart(file["name"], file["rows"], file["rows"], file["text_bytes"]) for file in files]
    books: dict[int, dict[str, Any]] = receipts or {0: {"flows": [Flow(link.name).to_json()], "ledger": []}}
    return commit_step(place, books, rest, measures=measures)


def _opened(place: Place) -> tuple[Move, Any]:
    """The step's stage and its tools in this process."""
    key = place.step.fingerprint
    if key not in _stages:
        link = place.step.links[0]
        stage = build(link.spec)
        assert isinstance(stage, Move)
        _stages.clear()
        _stages[key] = stage, open_stage(link, stage)
    return _stages[key]


def _raised(link: Link, error: Exception) -> Exception:
    """What a stage raised, as an error of the run; what the run itself raises stays as it is."""
    return error if isinstance(error, MemoryError | OSError | TextmillError) else stage_error(link, error)


def _cut_at_parts(batch: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
    part = batch[PART].to_numpy()
    edges = [0, *(np.flatnonzero(part[1:] != part[:-1]) + 1).tolist(), batch.num_rows]
    yield from (batch.slice(start, end - start) for start, end in pairwise(edges) if end > start)


def _in_shape(rows: pa.RecordBatch, schema: pa.Schema, stage: str) -> pa.RecordBatch:
    """The columns as declared, in their order; missing or mistyped ones are refused."""
    for field in schema:
        if field.name not in rows.schema.names or rows.schema.field(field.name).type != field.type:
            raise StageError(f"{stage}: what it gathered must have the column {field.name} of type {field.type}")
    return rows.select(schema.names)
