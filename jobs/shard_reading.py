"""Reading the shards of a finished run: which output is meant, its columns, its rows as a stream, a sample of them.

The one idea: a corpus does not fit into memory, so a stream holds one batch and a sample one row group at a time.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from heapq import nsmallest
from itertools import groupby
from typing import Any, Final

import pyarrow as pa
import xxhash

from jobs.home import data_name
from jobs.parquet import open_parquet, trusted
from jobs.store import Store
from pipelines.faults import nearest
from stages.errors import Fault, PipelineError

_BATCH_ROWS: Final = 4096
_NOTHING: Final = pa.schema([("id", pa.string()), ("text", pa.string())])
"""The columns of an output in which there is no document: it has no shard that could tell."""

Output = Mapping[str, Any]


def choose_output(store: Store, manifest: Mapping[str, Any], name: str | None, column: str, what: str) -> Output:
    """The output of that name, or without one the only output whose shards have the column. Raises PipelineError."""
    outputs: Sequence[Output] = manifest["outputs"]
    names = [output["name"] for output in outputs]
    check_known(store, name, names, "output")
    chosen = [output for output in outputs if name in (None, output["name"])]
    having = [one for one in chosen if not one["shards"] or column in _stored_schema(store, one).names]
    if len(having) == 1:
        return having[0]
    if having:
        told = f"several outputs have {what}: {', '.join(output['name'] for output in having)}"
        raise PipelineError(Fault(store.home, told, "name one of them: output=…"))
    raise PipelineError(
        Fault(
            store.home,
            f"{f'the output {name}' if name else 'no output of this run'} has {what}: no column is called `{column}`",
            f"the outputs are {', '.join(names)}; documents() reads texts, sequences() reads tokens",
        )
    )


def stream_rows(store: Store, output: Output, columns: Sequence[str] | None, split: str | None) -> pa.RecordBatchReader:
    """The rows of an output in the order of its shards, a batch at a time; errors come when they are read."""
    schema = shown_schema(store, output, columns)
    check_known(store, split, [shard["split"] for shard in output["shards"]], "split")
    names = [shard_name(output, shard) for shard in output["shards"] if split in (None, shard["split"])]
    batches = (batch.cast(schema) for name in names for batch in read_batches(store, name, schema.names))
    return pa.RecordBatchReader.from_batches(schema, batches)


def sample_rows(store: Store, output: Output, columns: Sequence[str] | None, n: int, seed: int) -> pa.Table:
    """The `n` rows whose ids hash lowest, in the order of their hashes."""
    schema = shown_schema(store, output, columns)
    picks = nsmallest(n, _hashed_ids(store, output, seed))
    rows: dict[tuple[str, int, int], pa.Table] = {}
    for (name, group), found in groupby(sorted(pick[1:] for pick in picks), lambda place: place[:2]):
        with trusted(store, name), open_parquet(store, name) as file:
            table = file.read_row_group(group, columns=schema.names, use_threads=False).cast(schema)
        for _, _, row in found:
            # Taken and not sliced, because a slice keeps its whole row group in memory.
            rows[name, group, row] = table.take(pa.array([row]))
    return pa.concat_tables([rows[pick[1:]] for pick in picks]) if picks else schema.empty_table()


def shown_schema(store: Store, output: Output, columns: Sequence[str] | None) -> pa.Schema:
    """The columns asked for, all of them by default. Raises PipelineError for one that the output does not have."""
    schema = _stored_schema(store, output) if output["shards"] else _NOTHING
    if columns is None:
        return schema
    names = [columns] if isinstance(columns, str) else columns
    for name in names:
        check_known(store, name, schema.names, "column")
    return pa.schema([schema.field(name) for name in names])


def read_batches(store: Store, name: str, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
    """Some columns of a Parquet file of the run, a batch at a time."""
    with trusted(store, name), open_parquet(store, name) as file:
        yield from file.iter_batches(_BATCH_ROWS, columns=list(columns), use_threads=False)


def check_known(store: Store, name: str | None, names: Sequence[str], what: str) -> None:
    """Refuse a name that is none of these; None stands for no choice."""
    if name is None or name in names:
        return
    known = list(dict.fromkeys(names))
    mend = nearest(name, known, f"there are {', '.join(known)}" if known else "there is none at all")
    raise PipelineError(Fault(store.home, f"this run has no {what} {name!r}", mend))


def shard_name(output: Output, shard: Mapping[str, Any]) -> str:
    """Where a shard of an output stands, below the home."""
    return data_name(output["folder"], shard["as"])


def _stored_schema(store: Store, output: Output) -> pa.Schema:
    name = shard_name(output, output["shards"][0])
    with trusted(store, name), open_parquet(store, name) as file:
        return file.schema_arrow.remove_metadata()


def _hashed_ids(store: Store, output: Output, seed: int) -> Iterator[tuple[int, str, int, int]]:
    """(hash of the id, shard, row group, row) of every row."""
    for shard in output["shards"]:
        name = shard_name(output, shard)
        with trusted(store, name), open_parquet(store, name) as file:
            for group in range(file.num_row_groups):
                ids = file.read_row_group(group, columns=["id"], use_threads=False)["id"].to_pylist()
                # A loop over ids: xxhash takes one value a call, half a microsecond each.
                for row, identity in enumerate(ids):
                    yield xxhash.xxh3_64_intdigest(str(identity).encode(), seed=seed), name, group, row
