"""The write step: cut the documents at rest into shards whose number and bytes follow from the data alone.

First the sizes of every file's live documents are laid beside the step (a column, no texts are read). Going through
them file by file the driver closes a shard before the document that would pass `shard_size`, so `-of-N` is known before
the first shard is written (`jobs/steps/shards.py`). Then each shard is one task. Row groups are rows until 64 MiB of
text or 65,536 rows, each written by one `write_table`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from jobs.engines.engine import Engine
from jobs.flow import Flow, check_conservation
from jobs.overlay import Reading, read_rest
from jobs.parquet import read_parquet
from jobs.rest import ROW, Hashed, RestPart, document_sizes
from jobs.steps.shards import (
    HELD_OUT,
    TRAIN,
    Group,
    GroupPlan,
    Shard,
    Sizes,
    content_sum,
    group_of,
    plan_group,
    row_groups,
)
from jobs.steps.step import RECEIPT, Done, Place, commit_step
from jobs.store import new_attempt
from pipelines.plan import Output
from stages.document import BYTES
from stages.errors import StageError
from stages.hashing import unit_interval

OUT: Final = "held_out"
FOLDER: Final = "folder"
SIZES: Final = pa.schema([(ROW, pa.int64()), (BYTES, pa.int64()), (OUT, pa.bool_()), (FOLDER, pa.int32())])
MEASURED: Final = pa.schema([("file", pa.int32()), ("name", pa.string()), ("folders", pa.list_(pa.int32()))])


@dataclass(frozen=True, slots=True)
class Holdout:
    """Which documents are held out: those whose key falls below the share. Near-duplicates stay on one side."""

    share: float
    seed: int
    key: str

    def mask(self, batch: pa.RecordBatch) -> npt.NDArray[np.bool_]:
        """True for documents of the validation split."""
        if not self.share:
            return np.zeros(batch.num_rows, np.bool_)
        keys = batch[self.key]
        if self.key != "id":
            keys = pc.coalesce(keys, batch["id"])
        # One keyed hash per document: a Python step each, only when a holdout is asked for.
        return np.array([unit_interval(self.seed, "holdout", key) < self.share for key in keys.to_pylist()], np.bool_)

    @property
    def columns(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(("id", self.key))) if self.share else ()


@dataclass(frozen=True, slots=True)
class MeasureSizes:
    """Lays row, bytes, split and folder of a file's live documents into a file beside the step."""

    place: Place
    parts: tuple[RestPart, ...]
    holdout: Holdout
    folders: str | None

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            for number in batch["task"].to_pylist():
                name = f"{self.place.folder}/sizes/{number:05d}.{new_attempt()}.parquet"
                sizes = self._sizes(number)
                with self.place.store.create(name) as file:
                    pq.write_table(sizes, file, compression="lz4")
                found = sizes[FOLDER].unique().drop_null().to_pylist()
                yield pa.RecordBatch.from_pylist([{"file": number, "name": name, "folders": found}], schema=MEASURED)

    def _sizes(self, number: int) -> pa.Table:
        here, options = self.place.step.schema_in, self.place.options
        names = dict.fromkeys([*self.holdout.columns, *([self.folders] if self.folders else [])])
        fields = [here.field(name) for name in names]
        reading = Reading(pa.schema([pa.field(BYTES, pa.int64()), *fields]), options.batch_rows * 16, 1 << 62)
        return pa.Table.from_batches(
            [self._measured(documents) for documents in read_rest(self.place.store, self.parts[number], reading)], SIZES
        )

    def _measured(self, documents: pa.RecordBatch) -> pa.RecordBatch:
        folder = documents[self.folders] if self.folders else pa.nulls(documents.num_rows, pa.int32())
        held_out = pa.array(self.holdout.mask(documents))
        return pa.record_batch([documents[ROW], documents[BYTES], held_out, folder], schema=SIZES)


@dataclass(frozen=True, slots=True)
class WriteShards:
    """The worker: one shard per task. `sizes`: what MeasureSizes laid down, file by file."""

    place: Place
    parts: tuple[RestPart, ...]
    sizes: tuple[str, ...]
    plans: dict[Group, GroupPlan]
    shards: tuple[tuple[int, Shard], ...]
    schema: pa.Schema

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            for task in batch["task"].to_pylist():
                number, shard = self.shards[task]
                self._write(number, shard)
                yield pa.RecordBatch.from_pylist([{"part": number}], schema=RECEIPT)

    def _write(self, number: int, shard: Shard) -> None:
        name = f"{self.place.folder}/shards/{shard.name}.{new_attempt()}.parquet"
        file = Hashed(self.place.store.create(name))
        rows = text = content = 0
        with pq.ParquetWriter(file, self.schema, compression="zstd", compression_level=3) as writer:
            for group in row_groups(self._documents(shard), self.schema):
                writer.write_table(group, row_group_size=max(1, group.num_rows))
                rows += group.num_rows
                text += sum(int(document_sizes(batch).sum()) for batch in group.to_batches())
                content = (content + content_sum(group)) % (1 << 128)
        file.close()
        flow = Flow(write_name(self.place), entered=shard.rows, kept=rows)
        check_conservation([flow], shard.rows, rows, f"shard {shard.name}")
        made: dict[str, Any] = {"name": name, "as": shard.name, "split": shard.group.split}
        if shard.group.folder:
            made["folder"] = shard.group.folder
        made |= {"rows": rows, "text_bytes": text, "bytes": file.size, "sha256": file.sha256()}
        made["content_sum"] = f"{content:032x}"
        self.place.commit_part(
            number,
            {"in": rows, "out": rows, "files": [made], "ledger": [], "flows": [flow.to_json()]},
        )

    def _documents(self, shard: Shard) -> Iterator[pa.RecordBatch]:
        """The shard's documents: from its first row on, as many as it has."""
        here, options = self.place.step.schema_in, self.place.options
        reading = Reading(
            pa.schema([here.field(name) for name in self.schema.names]), options.batch_rows, options.batch_bytes
        )
        counts, left = self.plans[shard.group].counts, shard.rows
        for number in range(shard.file, len(self.parts)):
            start = shard.row if number == shard.file else 0
            if not counts[number]:
                continue
            # Where all of a file's documents are the group's, reading goes straight on; else they are picked by row.
            picks = None if len(self.plans) == 1 else self._picks(number, shard.group, start)
            for documents in read_rest(self.place.store, self.parts[number], reading, picks, start):
                documents = documents.slice(0, left)
                left -= documents.num_rows
                if documents.num_rows:
                    yield documents.select(self.schema.names)
                if not left:
                    return

    def _picks(self, number: int, group: Group, start: int) -> pa.Table:
        sizes = read_parquet(self.place.store, self.sizes[number])
        rows, _ = rows_of(sizes, group)
        return pa.table({ROW: pa.array(rows[rows >= start])})


def write_name(place: Place) -> str:
    """What flows call the writing of an output."""
    output = place.step.output
    return "stages.write" if output is None or output.name == "main" else f"{output.name}/stages.write"


def rows_of(sizes: pa.Table, group: Group) -> tuple[Sizes, Sizes]:
    """Rows and bytes of a group's documents among those measured."""
    mine = sizes[OUT].to_numpy() == (group.split == HELD_OUT)
    if group.value is not None:
        mine &= pc.fill_null(pc.equal(sizes[FOLDER], group.value), False).to_numpy()
    return sizes[ROW].to_numpy()[mine], sizes[BYTES].to_numpy()[mine]


def shard_schema(schema: pa.Schema, output: Output) -> pa.Schema:
    """The columns of the shards: those of the plan that are not textmill's own, nullable, without metadata."""
    return pa.schema([pa.field(name, output.types.get(name, schema.field(name).type)) for name in output.columns])


def run_write(place: Place, engine: Engine, inputs: Sequence[RestPart], seed: int) -> Done:
    """Measure, plan, write, commit. The shards wait in the step's folder until the run publishes them."""
    output = place.step.output
    assert output is not None
    parts = tuple(inputs)
    key = "cluster_id" if "cluster_id" in place.step.schema_in.names else "id"
    holdout = Holdout(output.holdout, seed, key)
    measure = MeasureSizes(place, parts, holdout, output.folders)
    measured = engine.scan(len(parts)).map(measure, MEASURED).collect().sort_by("file")
    sizes = tuple(measured["name"].to_pylist())
    groups = [
        group_of(split, output.folders, value)
        for split in ((TRAIN, HELD_OUT) if output.holdout else (TRAIN,))
        for value in _values(measured, output)
    ]
    plans = {group: plan_group(group, _measured(place, sizes, group), output.shard_size) for group in groups}
    planned, live = sum(sum(plan.counts) for plan in plans.values()), sum(part.live for part in parts)
    if planned != live:
        raise StageError(f"{write_name(place)}: {live - planned} documents have no value in {output.folders!r}")
    shards = list(enumerate([shard for plan in plans.values() for shard in plan.shards]))
    have = place.receipts()
    missing = tuple((number, shard) for number, shard in shards if number not in have)
    if missing:
        schema = shard_schema(place.step.schema_in, output)
        worker = WriteShards(place, parts, sizes, plans, missing, schema)
        engine.scan(len(missing)).map(worker, RECEIPT).collect()
    receipts = place.receipts()
    made = [file for receipt in receipts.values() for file in receipt["files"]]
    return commit_step(place, receipts, (), shards=made)


def _values(measured: pa.Table, output: Output) -> list[int | None]:
    """The values that name folders, in order; None alone where there are no folders."""
    if output.folders is None:
        return [None]
    return sorted({value for values in measured["folders"].to_pylist() for value in values})


def _measured(place: Place, names: Sequence[str], group: Group) -> Iterator[tuple[Sizes, Sizes]]:
    """Rows and sizes of one group's documents, file by file."""
    for name in names:
        yield rows_of(read_parquet(place.store, name), group)
