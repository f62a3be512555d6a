"""Adding columns to a finished run: files that lie beside the shards, row by row, so that no text is written again.

    _textmill/annotations/<name>-<key8>/<output>/<shard>.parquet    id and the added columns, in the shard's order
    _textmill/annotations/<name>-<key8>/manifest.json               the stages, the columns, every file's sha256

Score ten terabytes once, decide many times. A killed annotation goes on at the first shard without a receipt.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from jobs.calling import schema_after
from jobs.chain import Chain
from jobs.engines.engine import Engine
from jobs.home import data_name
from jobs.parquet import open_parquet, trusted
from jobs.record import read_record
from jobs.rest import Hashed
from jobs.steps.step import RECEIPT
from jobs.store import HOUSE, Store, new_attempt
from pipelines.plan import Link
from stages.errors import Fault, PipelineError, StageError
from stages.hashing import digest_of
from stages.load import build

_BATCH_ROWS = 4096


@dataclass(frozen=True, slots=True)
class AnnotateShards:
    """The worker: one shard per task, one file of columns and one receipt each."""

    store: Store
    folder: str
    links: tuple[Link, ...]
    shards: tuple[tuple[str, str], ...]
    columns: tuple[str, ...]

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            for task in batch["task"].to_pylist():
                self._annotate(*self.shards[task])
                yield pa.RecordBatch.from_pylist([{"part": task}], schema=RECEIPT)

    def _annotate(self, source: str, target: str) -> None:
        chain = Chain(self.links, "annotate", 1 << 62)
        stored = f"{self.folder}/{target}.{new_attempt()}.parquet"
        rows = 0
        file = Hashed(self.store.create(stored))
        writer: pq.ParquetWriter | None = None
        for batch in _documents(self.store, source):
            added = self._added(chain, batch)
            if writer is None:
                writer = pq.ParquetWriter(file, added.schema, compression="zstd", compression_level=3)
            writer.write_batch(added)
            rows += added.num_rows
        if writer is not None:
            writer.close()
        file.close()
        receipt = {"shard": source, "name": stored, "rows": rows, "sha256": file.sha256()}
        self.store.put_if_absent(f"{self.folder}/receipts/{target}.json", orjson.dumps(receipt))

    def _added(self, chain: Chain, batch: pa.RecordBatch) -> pa.RecordBatch:
        after, buried = chain.run(batch)
        if buried.num_rows:
            lost = buried.slice(0, 1).to_pylist()[0]
            raise StageError(
                f"{lost['stage']}: {lost['kind']} document {lost['id']} by {lost['rule']}; annotate only adds columns\n"
                "    mend: give the filter `mode: tag`, or run it in a pipeline of its own over the shards"
            )
        if after.num_rows != batch.num_rows or not after["id"].equals(batch["id"]):
            raise StageError("annotate only adds columns, but a stage made other documents out of these")
        return after.select(["id", *self.columns])


def annotate_run(store: Store, manifest: Mapping[str, Any], links: Sequence[Link], engine: Engine) -> dict[str, Any]:
    """Annotate every shard of a finished run; the annotation's manifest. Raises PipelineError for unfit stages."""
    key = digest_of([manifest["digest"], *(link.identity for link in links)])
    folder = f"{HOUSE}/annotations/{links[-1].name.rsplit('.', 1)[-1]}-{key[:8]}"
    shards = [
        (data_name(output["folder"], shard["as"]), f"{output['name']}/{shard['as']}")
        for output in manifest["outputs"]
        for shard in output["shards"]
    ]
    columns = _columns(store, shards[0][0], links) if shards else ()
    have = _receipts(store, folder)
    missing = tuple(shard for shard in shards if shard[0] not in have)
    if missing:
        worker = AnnotateShards(store, folder, tuple(links), missing, columns)
        engine.scan(len(missing)).map(worker, RECEIPT).collect()
        have = _receipts(store, folder)
    told = {
        "folder": folder,
        "stages": [{"name": link.name, **link.identity} for link in links],
        "columns": list(columns),
        "of": manifest["digest"],
        "files": [have[source] for source, _ in shards],
    }
    named = {file["name"] for file in told["files"]}
    for name in store.names(folder):
        if name.endswith(".parquet") and name not in named:
            store.delete(name)
    store.put_if_absent(f"{folder}/manifest.json", orjson.dumps(told, option=orjson.OPT_INDENT_2))
    return told


def _documents(store: Store, shard: str) -> Iterator[pa.RecordBatch]:
    with trusted(store, shard), open_parquet(store, shard) as file:
        yield from file.iter_batches(_BATCH_ROWS)


def _columns(store: Store, shard: str, links: Sequence[Link]) -> tuple[str, ...]:
    """Names of the columns the stages add, after a check that the shards have what they need."""
    with trusted(store, shard), open_parquet(store, shard) as file:
        schema: pa.Schema = file.schema_arrow
    added: dict[str, None] = {}
    for link in links:
        stage = build(link.spec)
        missing = [name for name in stage.needs() if name not in schema.names]
        if missing:
            raise PipelineError(
                Fault(
                    link.name,
                    f"needs the column {missing[0]}, which the shards do not have",
                    f"they have {schema.names}",
                )
            )
        added |= dict.fromkeys(stage.adds())
        schema = schema_after(schema, stage)
    if not added:
        raise PipelineError(
            Fault(
                links[0].name,
                "adds no column",
                "annotate takes stages that add columns, such as filters in `mode: tag`",
            )
        )
    return tuple(added)


def _receipts(store: Store, folder: str) -> dict[str, dict[str, Any]]:
    names = [name for name in store.names(f"{folder}/receipts") if "/." not in name]
    found = [read_record(store, name, ("shard", "name", "rows", "sha256")) for name in names]
    return {receipt["shard"]: receipt for receipt in found}
