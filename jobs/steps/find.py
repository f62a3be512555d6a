"""The find step: let a Find look at documents at rest, check its findings, and lay them beside the documents.

Findings are grouped by file, checked (every place is live and named once, every cut lies within its text), and written
with their complete ledger rows; the documents are not touched.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from jobs import ledger
from jobs.atrest import AtRest, Reader, by_file, by_row
from jobs.calling import open_stage, stage_error
from jobs.engines.engine import Engine
from jobs.flow import Flow, check_conservation
from jobs.overlay import Reading, read_rest
from jobs.rest import ROW, RestPart
from jobs.steps.step import RECEIPT, Done, Place, commit_step
from jobs.store import new_attempt
from pipelines.plan import Link
from stages.document import BYTES, LENGTH, OFFSET
from stages.errors import StageError, TextmillError
from stages.expression import parse_expression
from stages.find import FINDING, PART, Frame, groups
from stages.load import build
from stages.stage import Find
from stages.verdicts import Cuts

_EXCERPT_COLUMNS = ("id", "url", "source", "file_path", OFFSET, LENGTH, "text")
APPLIED = pa.schema([("applied", pa.int64())])


@dataclass(frozen=True, slots=True)
class LayFindings:
    """The worker: all findings of a file, checked, written with their ledger, committed by the part's receipt."""

    place: Place
    parts: tuple[RestPart, ...]

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for group in groups(batches, [PART]):
            number = group[PART][0].as_py()
            self._lay(number, by_row(pa.Table.from_batches([group.drop_columns([PART])])))
            yield pa.RecordBatch.from_pylist([{"part": number}], schema=RECEIPT)

    def _lay(self, number: int, findings: pa.Table) -> None:
        attempt = new_attempt()
        store, link = self.place.store, self.place.step.links[0]
        _check_unique(findings, link.name, self.parts[number].name)
        writer = ledger.LedgerWriter(store, f"{self.place.ledger}/{number:05d}.{attempt}.parquet")
        books = _Books(self.place.title, link.name, writer)
        for documents in self._documents(number, findings):
            books.add(documents)
        if books.met != findings.num_rows:
            raise StageError(
                f"{link.name}: {findings.num_rows - books.met} findings are on documents that are not there"
            )
        name = f"{self.place.folder}/findings/{number:05d}.{attempt}.parquet"
        with store.create(name) as file:
            pq.write_table(findings, file, compression="zstd")
        part, flow = self.parts[number], Flow(link.name, rules=books.rules, cuts=books.cuts)
        flow.entered, flow.dropped, flow.kept = part.live, books.dropped, part.live - books.dropped
        check_conservation([flow], part.live, flow.kept, f"step {self.place.title}, part {number}")
        entry = writer.close()
        self.place.commit_part(
            number,
            {
                "in": part.live,
                "out": flow.kept,
                "files": [{"name": name}],
                "text_bytes": part.text_bytes - books.text_lost,
                "ledger": [{"step": self.place.title, "part": f"{number:05d}", **entry}] if entry else [],
                "flows": [flow.to_json()],
            },
        )

    def _documents(self, number: int, findings: pa.Table) -> Iterator[pa.RecordBatch]:
        options, here = self.place.options, self.place.step.schema_in
        acting = findings.filter(findings["rule"].is_valid())
        idle = findings.filter(findings["rule"].is_null())
        fields = [pa.field(BYTES, pa.int64())]
        for picks, names in ((acting, _EXCERPT_COLUMNS), (idle, ("id",))):
            schema = pa.schema([*fields, *(here.field(name) for name in names if name in here.names)])
            reading = Reading(schema, options.batch_rows, options.batch_bytes)
            picks = picks.select([ROW, *FINDING.names[1:]])
            if picks.num_rows:
                yield from read_rest(self.place.store, self.parts[number], reading, picks)


class _Books:
    """Counts and ledger rows of one file's findings."""

    def __init__(self, step: str, stage: str, writer: ledger.LedgerWriter) -> None:
        self.step = step
        self.stage = stage
        self.writer = writer
        self.rules: dict[str, int] = {}
        self.met = self.dropped = self.cuts = self.text_lost = 0

    def add(self, documents: pa.RecordBatch) -> None:
        self.met += documents.num_rows
        if documents["rule"].null_count == documents.num_rows:
            return
        cut = documents["cuts"].is_valid().to_numpy(zero_copy_only=False)
        drops = documents.filter(pa.array(~cut))
        self.dropped += drops.num_rows
        self.text_lost += int(pc.sum(drops[BYTES]).as_py() or 0)
        rows = ledger.fill(
            drops.num_rows,
            kind="dropped",
            step=self.step,
            stage=self.stage,
            **{name: drops[name] for name in ("rule", "value", "limit", "twin_id", "similarity")},
            **ledger.whereabouts(drops, pa.array(np.arange(drops.num_rows))),
        )
        for entry in drops["rule"].value_counts().to_pylist():
            self.rules[entry["values"]] = self.rules.get(entry["values"], 0) + entry["counts"]
        order: npt.NDArray[np.int64] = np.flatnonzero(~cut)
        if cut.any():
            spans, at = self._cut(documents, np.flatnonzero(cut))
            rows = pa.concat_batches([rows, spans])
            order = np.concatenate([order, at])
        self.writer.add(rows.take(pa.array(np.argsort(order, kind="stable"))))

    def _cut(
        self, documents: pa.RecordBatch, at: npt.NDArray[np.int64]
    ) -> tuple[pa.RecordBatch, npt.NDArray[np.int64]]:
        starts: list[int] = []
        ends: list[int] = []
        owner: list[int] = []
        for row in at.tolist():
            spans = documents["cuts"][row].as_py()
            _check_cuts(documents["text"][row].as_py(), spans, documents["id"][row].as_py(), self.stage)
            starts += spans[::2]
            ends += spans[1::2]
            owner += [row] * (len(spans) // 2)
        picks = pa.array(owner, pa.int32())
        cuts = Cuts(
            np.array(owner, np.int32),
            np.array(starts, np.int64),
            np.array(ends, np.int64),
            documents["rule"].take(picks),
        )
        rows = ledger.cut_rows(documents, cuts, self.step, self.stage)
        for name in ("value", "limit", "twin_id", "similarity"):
            where = rows.schema.get_field_index(name)
            rows = rows.set_column(where, rows.schema.field(where), documents[name].take(picks))
        self.cuts += rows.num_rows
        self.text_lost += sum(ends) - sum(starts)
        return rows, np.array(owner, np.int64)


def _check_unique(findings: pa.Table, stage: str, file: str) -> None:
    rows = findings[ROW].to_numpy()
    twice = np.flatnonzero(rows[1:] == rows[:-1])
    if len(twice):
        raise StageError(f"{stage}: two findings on row {int(rows[twice[0]])} of {file}; at most one is allowed")


def _check_cuts(text: str, spans: Sequence[int], name: str, stage: str) -> None:
    """Hold the law of cuts. Spans may touch, as those of neighbouring lines do: each has a row of its own."""
    raw = text.encode()
    empty = any(start >= end for start, end in zip(spans[::2], spans[1::2]))
    inside = not spans or (spans[0] >= 0 and spans[-1] <= len(raw))
    if len(spans) % 2 or empty or list(spans) != sorted(spans) or not inside:
        raise StageError(f"{stage}: the cuts {list(spans)[:8]} of document {name} are not sorted spans within its text")
    # Looking at the bytes, because what is left may decode by chance: é and è begin with the same byte.
    if any(at < len(raw) and raw[at] & 0xC0 == 0x80 for at in spans):
        raise StageError(f"{stage}: a cut of document {name} goes through the middle of a character")


@dataclass(frozen=True, slots=True)
class CountApplied:
    """How many documents of a file the step's `where` lets in."""

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        rows = sum(batch.num_rows for batch in batches)
        yield pa.RecordBatch.from_pylist([{"applied": rows}], schema=APPLIED)


def run_find(place: Place, engine: Engine, inputs: Sequence[RestPart]) -> Done:
    """Let the Find look, lay down what it found, and commit the step."""
    link = place.step.links[0]
    stage = build(link.spec)
    assert isinstance(stage, Find)
    parts = tuple(inputs)
    documents = AtRest(engine, Reader(place, parts, link.where))
    not_applied = 0
    if link.where:
        columns = parse_expression(link.where).columns
        applied = documents.rows(CountApplied(), APPLIED, columns).collect()
        not_applied = sum(part.live for part in parts) - int(pc.sum(applied["applied"]).as_py() or 0)
    schema = pa.schema([*FINDING, *(pa.field(name, kind) for name, kind in stage.adds().items())])
    findings = _found(link, stage, documents)
    _check_schema(findings.schema, schema, link.name)
    by_file(findings, len(parts)).map(LayFindings(place, parts), RECEIPT).collect()
    receipts = place.receipts()
    after = tuple(_after(part, receipts.get(number)) for number, part in enumerate(parts))
    books = _with_quiet_parts(place, parts, receipts, not_applied)
    return commit_step(place, books, after, measures=documents.measures)


def _found(link: Link, stage: Find, documents: AtRest) -> Frame:
    """What the stage finds. An OSError on the way is the store's; whatever else it raises is its own fault."""
    tools = open_stage(link, stage)
    try:
        return stage.find(documents, tools)
    except (MemoryError, OSError, TextmillError):
        raise
    except Exception as error:
        raise stage_error(link, error) from error


def _after(part: RestPart, receipt: dict[str, Any] | None) -> RestPart:
    if receipt is None:
        return part
    layers = (*part.layers, receipt["files"][0]["name"])
    return replace(part, live=receipt["out"], text_bytes=receipt["text_bytes"], layers=layers)


def _with_quiet_parts(
    place: Place, parts: Sequence[RestPart], receipts: dict[int, dict[str, Any]], not_applied: int
) -> dict[int, dict[str, Any]]:
    """The receipts, and books for files in which nothing was found."""
    books: dict[int, dict[str, Any]] = {}
    for number, part in enumerate(parts):
        flow = Flow(place.step.links[0].name, entered=part.live, kept=part.live)
        books[number] = receipts.get(number) or {"flows": [flow.to_json()], "ledger": []}
    if books and not_applied:
        books[0]["flows"][0]["not_applied"] += not_applied
    return books


def _check_schema(found: pa.Schema, expected: pa.Schema, stage: str) -> None:
    for column in expected:
        if column.name not in found.names or found.field(column.name).type != column.type:
            raise StageError(f"{stage}: its findings must have the column {column.name} of type {column.type}")
