"""Real documents from any files, as one Parquet file that both sides of a comparison read."""

from __future__ import annotations

import gzip
import os
from collections.abc import Iterable, Iterator
from hashlib import blake2b
from itertools import islice
from pathlib import Path
from typing import Any, Final

import orjson
import pyarrow as pa
import pyarrow.parquet as pq

SCHEMA: Final = pa.schema([("id", pa.string()), ("text", pa.string()), ("lang", pa.string())])
ROWS: Final = 512


def gather(paths: Iterable[Path], folder: Path, *, limit: int | None, language: str | None) -> Path:
    """A Parquet file below `folder` with id, text and lang of the documents in `paths` (Parquet, JSONL, JSONL.gz).

    `limit`: of each file that many at most · `language`: only documents whose `lang` is this. Made once: its name is a
    hash of the files' names, sizes and times and of the options.
    """
    files = [path.resolve() for path in paths]
    told = [f"{file} {file.stat().st_size} {file.stat().st_mtime_ns}" for file in files]
    name = blake2b("\n".join([*told, str(limit), str(language)]).encode(), digest_size=8).hexdigest()
    target = folder / f"documents-{name}.parquet"
    if target.exists():
        return target
    folder.mkdir(parents=True, exist_ok=True)
    part = target.with_suffix(f".{os.getpid()}")
    with pq.ParquetWriter(part, SCHEMA, compression="zstd") as writer:
        for file in files:
            wanted = (row for row in _rows(file) if language is None or row["lang"] == language)
            chosen = islice(wanted, limit)
            while rows := list(islice(chosen, ROWS)):
                writer.write_table(pa.Table.from_pylist(rows, schema=SCHEMA))
    part.rename(target)
    return target


def batches(file: Path) -> Iterator[pa.RecordBatch]:
    """The documents again, a row group at a time."""
    reader = pq.ParquetFile(file)
    for group in range(reader.num_row_groups):
        [batch] = reader.read_row_group(group).combine_chunks().to_batches()
        yield batch


def batch_name(batch: pa.RecordBatch) -> str:
    """The same for batches with the same ids and texts."""
    state = blake2b(digest_size=12)
    for row in zip(batch["id"].to_pylist(), batch["text"].to_pylist()):
        state.update("\0".join(row).encode())
        state.update(b"\1")
    return state.hexdigest()


def _rows(file: Path) -> Iterator[dict[str, Any]]:
    for number, row in enumerate(_records(file)):
        if isinstance(row.get("text"), str):
            yield {"id": str(row.get("id") or f"{file.name}:{number}"), "text": row["text"], "lang": row.get("lang")}


def _records(file: Path) -> Iterator[dict[str, Any]]:
    if file.suffix == ".parquet":
        reader = pq.ParquetFile(file)
        names = [name for name in ("id", "text", "lang") if name in reader.schema_arrow.names]
        for batch in reader.iter_batches(ROWS, columns=names):
            yield from batch.to_pylist()
        return
    with gzip.open(file) if file.suffix == ".gz" else file.open("rb") as lines:
        yield from map(orjson.loads, lines)
