"""The map step: read a part, run all its stages, write its rest files and its ledger, hand in a receipt.

What is read is either a split of a source or one rest file of the steps before. The part's receipt holds its books:
flows of every stage, what was read of every input file, the files written with their hashes.
"""

from __future__ import annotations

import signal
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pyarrow as pa

from jobs import journal, ledger
from jobs.chain import TOO_LARGE, Chain, text_sizes
from jobs.engines.engine import Engine
from jobs.flow import Flow, check_conservation
from jobs.overlay import Reading, cut_to_bytes, read_rest
from jobs.rest import ROW, RestPart, RestWriter
from jobs.steps.step import RECEIPT, Done, Place, commit_step
from jobs.store import new_attempt
from pipelines.plan import Source
from stages.errors import StoreError, TextmillError
from stages.read import Damaged, ReadCounts, changed_inputs, full_extent, read_split
from stages.verdicts import Verdicts, verdicts_of

DAMAGED: Final = "error:damaged_input"
DIED: Final = "error:WorkerDied"
LOST: Final = "error:lost_to_machine"
_chains: dict[str, Chain] = {}


@dataclass(frozen=True, slots=True)
class MapParts:
    """The worker: one receipt per task. `parts`: each task's part; `source` or `inputs`: what parts are read from."""

    place: Place
    parts: tuple[int, ...]
    source: Source | None
    inputs: tuple[RestPart, ...]

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            for task in batch["task"].to_pylist():
                part = self.parts[task]
                _Part(self, part).run()
                yield pa.RecordBatch.from_pylist([{"part": part}], schema=RECEIPT)


class _Part:
    """One attempt at one part."""

    def __init__(self, worker: MapParts, part: int) -> None:
        self.place = worker.place
        self.worker = worker
        self.part = part
        self.chain = _open_chain(worker.place)
        self.chain.start()
        self.reading = Flow(read_name(worker.source)) if worker.source else None
        attempt = new_attempt()
        store, step = worker.place.store, worker.place.step
        self.writer = RestWriter(store, f"{worker.place.folder}/{part:05d}", attempt, step.schema)
        self.ledger = ledger.LedgerWriter(store, f"{worker.place.ledger}/{part:05d}.{attempt}.parquet")
        self.damage = ledger.LedgerWriter(store, f"{worker.place.ledger}/{part:05d}-damage.{attempt}.parquet")
        self.counts = ReadCounts()
        self.errors: list[dict[str, Any]] = []
        self.written = 0

    def run(self) -> None:
        entered = 0
        for batch, killed_by in journal.in_hand(self._batches()):
            entered += batch.num_rows
            if killed_by is None:
                self._pass(batch)
            else:
                self._bury_killer(batch, killed_by)
        self._commit(entered)

    def _batches(self) -> Iterator[pa.RecordBatch]:
        options, step = self.place.options, self.place.step
        if self.worker.source is None:
            reading = Reading(step.schema_in, options.batch_rows, options.batch_bytes)
            for batch in read_rest(self.place.store, self.worker.inputs[self.part], reading):
                yield batch.drop_columns([ROW])
            return
        source = self.worker.source
        split = source.splits[self.part]
        chunks = read_split(
            source.read,
            source.name,
            source.schema,
            split,
            batch_rows=options.batch_rows,
            batch_bytes=options.batch_bytes,
        )
        for chunk in chunks:
            self.counts = self.counts.plus(chunk.counts)
            if chunk.damaged:
                self.damage.add(damage_rows(chunk.damaged, source, self.place.title))
            yield from cut_to_bytes(chunk.rows, options.batch_bytes)

    def _pass(self, batch: pa.RecordBatch) -> None:
        """One batch through the guard and the chain, into the files."""
        if self.reading is not None:
            self.reading.entered += batch.num_rows
            batch = self._without_giants(batch)
            self.reading.kept += batch.num_rows
        documents, buried = self.chain.run(batch)
        self.ledger.add(buried)
        self._remember_errors(buried)
        if documents.num_rows:
            self.written += documents.num_rows
            self.writer.add(documents)

    def _without_giants(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Documents above `max_document_bytes` never enter a stage."""
        limit = self.place.options.max_document_bytes
        if "text" not in batch.schema.names or not batch.num_rows:
            return batch
        sizes = text_sizes(batch)
        giants = np.flatnonzero(sizes > limit)
        if not len(giants):
            return batch
        assert self.reading is not None
        verdicts = verdicts_of(
            [(TOO_LARGE, float(size), float(limit), None) if size > limit else None for size in sizes]
        )
        self.ledger.add(ledger.burial(batch, giants, verdicts, self.place.title, self.reading.stage))
        self.reading.dropped += len(giants)
        self.reading.count({TOO_LARGE: len(giants)})
        return batch.filter(pa.array(sizes <= limit))

    def _bury_killer(self, row: pa.RecordBatch, code: int) -> None:
        """A document that killed its worker again and again: failed, or lost if it was killed for memory."""
        lost = code == -signal.SIGKILL
        rule = LOST if lost else DIED
        flow = self.reading or self.chain.flows[0]
        verdicts: Verdicts = verdicts_of([(rule, None, None, f"the worker process died by {journal.cause(code)}")])
        self.ledger.add(ledger.burial(row, np.zeros(1, np.int64), verdicts, self.place.title, flow.stage))
        flow.entered += 1
        flow.failed += 1
        flow.lost_to_machine += int(lost)
        flow.count({rule: 1})

    def _remember_errors(self, buried: pa.RecordBatch) -> None:
        if len(self.errors) < 3 and buried.num_rows and any(flow.errors for flow in self.chain.flows):
            rows = buried.select(["id", "stage", "rule", "message"]).to_pylist()
            self.errors += [row for row in rows if row["rule"].startswith("error:")][: 3 - len(self.errors)]

    def _commit(self, entered: int) -> None:
        flows = list(self.chain.flows)
        if self.reading is not None:
            damaged = self.counts.damaged
            self.reading.entered += damaged
            self.reading.failed += damaged
            if damaged:
                self.reading.count({DAMAGED: damaged})
            flows.insert(0, self.reading)
            entered += damaged
        files = self.writer.close()
        where = f"step {self.place.title}, part {self.part}"
        check_conservation(flows, entered, self.written, where)
        entries = [
            {"step": self.place.title, "part": label, **entry}
            for label, entry in (
                (f"{self.part:05d}", self.ledger.close()),
                (f"{self.part:05d}-damage", self.damage.close()),
            )
            if entry is not None
        ]
        self.place.commit_part(
            self.part,
            {
                "in": entered,
                "out": self.written,
                "files": files,
                "ledger": entries,
                "flows": [flow.to_json() for flow in flows],
                "reading": reading_json(self.counts),
                "errors": self.errors,
            },
        )


def _open_chain(place: Place) -> Chain:
    """The step's chain in this process: models are opened once, however many parts it works on."""
    key = place.step.fingerprint
    if key not in _chains:
        _chains.clear()
        _chains[key] = Chain(place.step.links, place.title, place.options.max_document_bytes)
    return _chains[key]


def read_name(source: Source) -> str:
    """What flows and ledger call the reading of a source."""
    return "stages.read" if source.name == "main" else f"{source.name}/stages.read"


def reading_json(counts: ReadCounts) -> dict[str, Any]:
    """What was read of each input file, by locator."""
    return {
        name: {"read": one.read, "skipped": dict(one.skipped), "damaged": one.damaged, "extent": one.extent}
        for name, one in counts.files.items()
    }


def damage_rows(damaged: Sequence[Damaged], source: Source, step: str) -> pa.RecordBatch:
    """Ledger rows for ranges of the input that hold no readable record."""
    return ledger.fill(
        len(damaged),
        kind="failed",
        id=pa.array([one.id for one in damaged], pa.string()),
        url=pa.array([one.url for one in damaged], pa.string()),
        source=source.name,
        file_path=pa.array([one.file for one in damaged], pa.string()),
        offset=pa.array([one.offset for one in damaged], pa.int64()),
        length=pa.array([one.length for one in damaged], pa.int64()),
        step=step,
        stage=read_name(source),
        rule=DAMAGED,
        message=pa.array([one.cause for one in damaged], pa.string()),
    )


def run_map(place: Place, engine: Engine, source: Source | None, inputs: Sequence[RestPart]) -> Done:
    """Do all parts that have no receipt yet, check the law of reading over all of them, and commit the step."""
    total = len(source.splits) if source is not None else len(inputs)
    have = place.receipts()
    missing = tuple(part for part in range(total) if part not in have)
    if missing:
        worker = MapParts(place, missing, source, tuple(inputs))
        frame = engine.scan(len(missing)).map(worker, RECEIPT, place.step.resources)
        try:
            frame.collect()
        except TextmillError as error:
            if source is not None:
                refuse_changed(source, error)
            raise
    receipts = place.receipts()
    more: dict[str, Any] = {}
    if source is not None:
        more["reading"] = check_reading(source, receipts.values())
    files = [file for receipt in receipts.values() for file in receipt["files"]]
    parts = [RestPart(file["name"], file["rows"], file["rows"], file["text_bytes"]) for file in files]
    return commit_step(place, receipts, parts, **more)


def refuse_changed(source: Source, cause: Exception | None = None) -> None:
    """Raise StoreError naming the first input file that is no longer what it was when the plan was made.

    `cause`: what went wrong while reading. That the input changed explains it, whatever it was.
    """
    changed = changed_inputs(source.files)
    if changed:
        path = next(file.path for file in source.files if file.locator == changed[0])
        raise StoreError(
            f"{path}: the input changed while it was read\n"
            "    mend: let whoever writes it finish, then run the same command again"
        ) from cause


def check_reading(source: Source, receipts: Any) -> dict[str, Any]:
    """The law of reading: what was read, skipped and damaged covers every input file whole, and none has changed.

    Raises StoreError naming the file. Gives the counts by file for the step's manifest.
    """
    refuse_changed(source)
    # A table without rows has no piece in any split, and is told of here all the same.
    nothing = {"read": 0, "damaged": 0, "extent": 0}
    total: dict[str, dict[str, Any]] = {file.locator: {**nothing, "skipped": {}} for file in source.files}
    for receipt in receipts:
        for name, counts in receipt["reading"].items():
            sum_ = total[name]
            for key in nothing:
                sum_[key] += counts[key]
            for kind, times in counts["skipped"].items():
                sum_["skipped"][kind] = sum_["skipped"].get(kind, 0) + times
    for file in source.files:
        covered = total[file.locator]["extent"]
        if covered != full_extent(file):
            raise StoreError(
                f"{file.path}: {covered} of {full_extent(file)} were read: the law of reading is broken\n"
                "    mend: this is a fault of textmill; please report it with the file"
            )
    return {file.locator: {**total[file.locator], "size": file.size} for file in source.files}
