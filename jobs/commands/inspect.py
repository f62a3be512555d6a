"""`textmill inspect`: a first look at a run or a Parquet file, without a notebook."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from jobs.card import flows_table, measures_rows
from jobs.home import data_name, finished_manifest, open_store
from jobs.table import text_table
from pipelines.wording import count_text, type_text
from stages.errors import Fault, PipelineError, StoreError


def inspect_command(path: Path, rows: int) -> None:
    """Show a run (flows, shards, a few documents) or one Parquet file (columns, sizes, a few rows)."""
    if path.is_dir():
        _run(path, rows)
    elif path.exists():
        _file(path, rows)
    else:
        raise PipelineError(Fault(str(path), "there is no such file or directory", "name a run directory or a shard"))


def _run(directory: Path, rows: int) -> None:
    manifest = finished_manifest(open_store(str(directory)))
    if manifest is None:
        raise PipelineError(Fault(str(directory), "no finished run stands here", "run the pipeline to its end first"))
    print(f"{manifest['name']}, finished {manifest['finished']} by textmill {manifest['textmill']}\n")
    print(flows_table(manifest))
    measured = measures_rows(manifest)
    if measured:
        print(f"\n{text_table(['step', 'measured', 'count'], measured, right=(2,))}")
    for output in manifest["outputs"]:
        print(f"\noutput {output['name']}: {count_text(len(output['shards']), 'shard')}")
        shards = [
            [shard["as"], f"{shard['rows']:,}", f"{shard['text_bytes']:,}", f"{shard['bytes']:,}"]
            for shard in output["shards"]
        ]
        print(text_table(["shard", "documents", "bytes of text", "bytes stored"], shards[:10], right=(1, 2, 3)))
        if len(shards) > 10:
            print(f"… and {len(shards) - 10} more")
        if output["shards"]:
            print()
            shard = directory / data_name(output["folder"], output["shards"][0]["as"])
            if not shard.exists():
                raise StoreError(
                    f"{shard}: the shard is gone\n    mend: `textmill verify {directory}` tells what is left"
                )
            _file(shard, rows)


def _file(path: Path, rows: int) -> None:
    try:
        file = pq.ParquetFile(path)
    except (pa.ArrowInvalid, OSError) as error:
        raise PipelineError(
            Fault(str(path), f"it cannot be read as Parquet: {error}", "name a shard or a ledger file")
        ) from error
    with file:
        data = file.metadata
        print(f"{path}: {count_text(data.num_rows, 'row')} in {count_text(data.num_row_groups, 'row group')}")
        columns = [[field.name, type_text(field.type), _stored(data, at)] for at, field in enumerate(file.schema_arrow)]
        print(text_table(["column", "type", "bytes stored"], columns, right=(2,)))
        shown = next(file.iter_batches(batch_size=max(rows, 1)), None) if rows and data.num_rows else None
        for row in shown.to_pylist() if shown is not None else []:
            print()
            for name, value in row.items():
                if value is not None:
                    print(f"  {name}: {_short(value)}")


def _stored(data: Any, column: int) -> str:
    name = data.schema.to_arrow_schema().names[column]
    size = 0
    for group in range(data.num_row_groups):
        for at in range(data.num_columns):
            chunk = data.row_group(group).column(at)
            if chunk.path_in_schema.split(".")[0] == name:
                size += chunk.total_compressed_size
    return f"{size:,}"


def _short(value: Any) -> str:
    flat = " ".join(str(value).split())
    return flat if len(flat) <= 300 else flat[:299] + "…"
