"""The write step: cut the documents at rest into shards whose number and bytes follow from the data alone.

First the sizes of every file's live documents are laid beside the step (a column, no texts are read). Going through
them file by file the driver closes a shard before the document that would pass `shard_size`, so `-of-N` is known before
the first shard is written. Then each shard is one task. Row groups are rows until 64 MiB of text or 65,536 rows, each
written by one `write_table`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b, sha256
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
from jobs.rest import BYTES, ROW, Hashed, RestPart
from jobs.steps.step import RECEIPT, Done, Place, commit_step
from jobs.store import new_attempt
from pipelines.plan import Output
from stages.hashing import unit_interval

GROUP_BYTES: Final = 64 * 2**20
GROUP_ROWS: Final = 65_536
TRAIN: Final = "train"
HELD_OUT: Final = "validation"
OUT: Final = "held_out"
MEASURED = pa.schema([("file", pa.int32()), ("name", pa.string())])
_MODULUS: Final = 1 << 128

Sizes = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Shard:
    """One shard: `rows` documents of its split, from the row `row` of the file number `file` on."""

    name: str
    split: str
    file: int
    row: int
    rows: int


@dataclass(frozen=True, slots=True)
class SplitPlan:
    """How many documents of each file belong to a split, and the split's shards."""

    counts: tuple[int, ...]
    shards: tuple[Shard, ...]


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
    """Lays the row, the text's bytes and the split of a file's live documents into a file beside the step."""

    place: Place
    parts: tuple[RestPart, ...]
    holdout: Holdout

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            for number in batch["task"].to_pylist():
                name = f"{self.place.folder}/sizes/{number:05d}.{new_attempt()}.parquet"
                with self.place.store.create(name) as file:
                    pq.write_table(self._sizes(number), file, compression="lz4")
                yield pa.RecordBatch.from_pylist([{"file": number, "name": name}], schema=MEASURED)

    def _sizes(self, number: int) -> pa.Table:
        here, options = self.place.step.schema_in, self.place.options
        fields = [here.field(name) for name in self.holdout.columns]
        reading = Reading(pa.schema([pa.field(BYTES, pa.int64()), *fields]), options.batch_rows * 16, 1 << 62)
        found = [
            documents.select([ROW, BYTES]).append_column(OUT, pa.array(self.holdout.mask(documents)))
            for documents in read_rest(self.place.store, self.parts[number], reading)
        ]
        schema = pa.schema([(ROW, pa.int64()), (BYTES, pa.int64()), (OUT, pa.bool_())])
        return pa.Table.from_batches(found, schema)


@dataclass(frozen=True, slots=True)
class WriteShards:
    """The worker: one shard per task."""

    place: Place
    parts: tuple[RestPart, ...]
    holdout: Holdout
    plans: dict[str, SplitPlan]
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
                text += int(pc.sum(pc.binary_length(group["text"])).as_py() or 0) if "text" in group.column_names else 0
                content = (content + content_sum(group)) % _MODULUS
        file.close()
        flow = Flow(write_name(self.place), entered=shard.rows, kept=rows)
        check_conservation([flow], shard.rows, rows, f"shard {shard.name}")
        made = {"name": name, "as": shard.name, "split": shard.split, "rows": rows, "text_bytes": text}
        made |= {"bytes": file.size, "sha256": file.sha256(), "content_sum": f"{content:032x}"}
        self.place.commit_part(
            number,
            {"in": rows, "out": rows, "files": [made], "ledger": [], "flows": [flow.to_json()]},
        )

    def _documents(self, shard: Shard) -> Iterator[pa.RecordBatch]:
        """The shard's documents: from its first row on, as many as it has."""
        here, options = self.place.step.schema_in, self.place.options
        names = dict.fromkeys([*self.schema.names, *self.holdout.columns])
        reading = Reading(pa.schema([here.field(name) for name in names]), options.batch_rows, options.batch_bytes)
        counts, left = self.plans[shard.split].counts, shard.rows
        for number in range(shard.file, len(self.parts)):
            start = shard.row if number == shard.file else 0
            if not counts[number]:
                continue
            for documents in read_rest(self.place.store, self.parts[number], reading, start=start):
                if self.holdout.share:
                    out = self.holdout.mask(documents)
                    documents = documents.filter(pa.array(out if shard.split == HELD_OUT else ~out))
                documents = documents.slice(0, left)
                left -= documents.num_rows
                if documents.num_rows:
                    yield documents.select(self.schema.names)
                if not left:
                    return


def write_name(place: Place) -> str:
    """What flows call the writing of an output."""
    output = place.step.output
    return "stages.write" if output is None or output.name == "main" else f"{output.name}/stages.write"


def row_groups(batches: Iterator[pa.RecordBatch], schema: pa.Schema) -> Iterator[pa.Table]:
    """Documents as tables of one row group each: rows until 64 MiB of text or 65,536 rows (law of layout 6)."""
    held: list[pa.RecordBatch] = []
    text = rows = 0
    for batch in batches:
        sizes = np.zeros(batch.num_rows, np.int64)
        if "text" in batch.schema.names:
            sizes = pc.fill_null(pc.binary_length(batch["text"]), 0).to_numpy(zero_copy_only=False).astype(np.int64)
        start = 0
        while start < batch.num_rows:
            total = text + np.cumsum(sizes[start:])
            fit = min(int(np.searchsorted(total, GROUP_BYTES, side="right")), GROUP_ROWS - rows)
            if fit == 0 and not held:
                fit = 1
            if fit:
                held.append(batch.slice(start, fit))
                text, rows, start = int(total[fit - 1]), rows + fit, start + fit
            if start < batch.num_rows:
                yield _table(held, schema)
                held, text, rows = [], 0, 0
    if held:
        yield _table(held, schema)


def _table(held: list[pa.RecordBatch], schema: pa.Schema) -> pa.Table:
    # A shard of this schema from the same rows in other chunks had other bytes until the chunks were joined.
    return pa.Table.from_batches(held).cast(schema).combine_chunks()


def content_sum(table: pa.Table) -> int:
    """Sum mod 2^128 of BLAKE2b-128 over id, NUL, text of every document: a digest that no order changes."""
    total = 0
    texts = table["text"].to_pylist() if "text" in table.column_names else [""] * table.num_rows
    # One hash per document: hashlib is native, the loop costs about a microsecond a document.
    for name, text in zip(table["id"].to_pylist(), texts):
        digest = blake2b(f"{name}\0{text or ''}".encode(), digest_size=16).digest()
        total += int.from_bytes(digest, "big")
    return total % _MODULUS


def plan_split(split: str, files: Iterable[tuple[Sizes, Sizes]], shard_size: int) -> SplitPlan:
    """Close a shard before the document that would pass `shard_size`; a single larger one has a shard of its own.

    `files`: of each file in order the rows of the split's documents and their bytes of text; one is held at a time.
    """
    counts: list[int] = []
    begun: list[tuple[int, int, int]] = []  # (file, first row, documents) of each shard
    held = 0
    for file, (rows, sizes) in enumerate(files):
        counts.append(len(rows))
        ends = np.cumsum(sizes)
        at = 0
        while at < len(rows):
            before = int(ends[at - 1]) if at else 0
            fit = int(np.searchsorted(ends, before + shard_size - held, side="right")) - at
            if fit <= 0 or not begun:
                begun.append((file, int(rows[at]), 0))
                held = 0
                fit = max(1, int(np.searchsorted(ends, before + shard_size, side="right")) - at)
            begun[-1] = (*begun[-1][:2], begun[-1][2] + fit)
            held += int(ends[at + fit - 1]) - before
            at += fit
    shards = tuple(Shard(f"{split}-{number:05d}-of-{len(begun):05d}", split, *one) for number, one in enumerate(begun))
    return SplitPlan(tuple(counts), shards)


def shard_schema(schema: pa.Schema, output: Output) -> pa.Schema:
    """The columns of the shards: those of the plan that are not textmill's own, nullable, without metadata."""
    return pa.schema([pa.field(name, schema.field(name).type) for name in output.columns])


def run_write(place: Place, engine: Engine, inputs: Sequence[RestPart], seed: int) -> Done:
    """Measure, plan, write, commit. The shards wait in the step's folder until the run publishes them."""
    output = place.step.output
    assert output is not None
    parts = tuple(inputs)
    key = "cluster_id" if "cluster_id" in place.step.schema_in.names else "id"
    holdout = Holdout(output.holdout, seed, key)
    measured = engine.scan(len(parts)).map(MeasureSizes(place, parts, holdout), MEASURED).collect().sort_by("file")
    names = measured["name"].to_pylist()
    plans = {
        split: plan_split(split, _measured(place, names, held_out), output.shard_size)
        for split, held_out in ((TRAIN, False), (HELD_OUT, True))
    }
    shards = list(enumerate([*plans[TRAIN].shards, *plans[HELD_OUT].shards]))
    have = place.receipts()
    missing = tuple((number, shard) for number, shard in shards if number not in have)
    if missing:
        schema = shard_schema(place.step.schema_in, output)
        worker = WriteShards(place, parts, holdout, plans, missing, schema)
        engine.scan(len(missing)).map(worker, RECEIPT).collect()
    receipts = place.receipts()
    made = [file for receipt in receipts.values() for file in receipt["files"]]
    return commit_step(place, receipts, (), shards=made)


def _measured(place: Place, names: Sequence[str], held_out: bool) -> Iterator[tuple[Sizes, Sizes]]:
    """Rows and sizes of one split's documents, file by file."""
    for name in names:
        table = read_parquet(place.store, name)
        mine = table[OUT].to_numpy() == held_out
        yield table[ROW].to_numpy()[mine], table[BYTES].to_numpy()[mine]


def digest_of_shards(shards: Sequence[dict[str, Any]]) -> str:
    """sha256 over the sorted `sha256  name` lines of the shards, as `sha256sum * | sort | sha256sum` would give."""
    lines = sorted(f"{shard['sha256']}  {shard['as']}.parquet\n" for shard in shards)
    return sha256("".join(lines).encode()).hexdigest()


def digest_of_content(shards: Sequence[dict[str, Any]]) -> str:
    """The content digest: 32 hex digits, the sum of the shards' content sums mod 2^128."""
    return f"{sum(int(shard['content_sum'], 16) for shard in shards) % _MODULUS:032x}"
