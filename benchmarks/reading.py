"""How fast the readers of `stages.read` are on one core, and how much memory they take.

    python benchmarks/reading.py [MEGABYTES]

Makes records of 0.5 to 6 kB (a third of the words with a letter beyond ASCII) in a temporary folder, 100 MB of them if
not said otherwise, stores them in each format, and reads each back in a process of its own. With TEXTMILL_DATA set, the
real pages of its folder `extraction` are read, too. Printed per file: documents, MB of text or pages per CPU second,
peak resident MB.
"""

from __future__ import annotations

import bz2
import gzip
import multiprocessing
import os
import random
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import zstandard

from stages.read import Read, list_inputs, plan_splits, read_split, source_schema


def main(megabytes: int) -> None:
    """Make the data, read it back, print the table."""
    spawn = multiprocessing.get_context("spawn")
    print(f"{'file':<24}{'documents':>10}{'MB/s':>8}{'peak MB':>9}")
    with tempfile.TemporaryDirectory() as folder:
        paths = [*_made(Path(folder), megabytes), *_real()]
        for path in paths:
            with spawn.Pool(1) as pool:
                documents, speed, peak = pool.apply(measured, (str(path),))
            print(f"{path.name:<24}{documents:>10}{speed:>8.0f}{peak:>9}")


def measured(path: str) -> tuple[int, float, int]:
    """Documents, MB of text or pages per CPU second, and peak resident MB of reading one file."""
    read = Read(paths=path)
    files = list_inputs(read)
    schema = source_schema(read, files)
    column = "text" if "text" in schema.names else "content"
    documents = size = 0
    start = time.process_time()
    for split in plan_splits(read, files):
        for chunk in read_split(read, "main", schema, split, batch_rows=4096, batch_bytes=8 * 2**20):
            documents += chunk.rows.num_rows
            size += chunk.rows[column].nbytes
    speed = size / 1e6 / (time.process_time() - start)
    return documents, speed, _peak()


def _peak() -> int:
    """Peak resident MB of this process; what `getrusage` says would count its parent's before the start, too."""
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) // 1024


def _made(folder: Path, megabytes: int) -> Iterator[Path]:
    chance = random.Random(7)
    letters = "abcdefghijklmnopqrstuvwxyz"
    words = ["".join(chance.choices(letters, k=chance.randint(2, 9))) for _ in range(6000)]
    words = [word + "é" if number % 3 == 0 else word for number, word in enumerate(words)]
    rows = []
    size = 0
    while size < megabytes * 10**6:
        text = " ".join(chance.choices(words, k=chance.randint(80, 900)))
        rows.append({"id": str(len(rows)), "text": text, "url": f"http://example.org/{len(rows)}", "rank": len(rows)})
        size += len(text.encode())
    lines = b"".join(orjson.dumps(row) + b"\n" for row in rows)
    for name, data in (
        ("a.jsonl", lines),
        ("a.jsonl.gz", gzip.compress(lines, 6)),
        ("a.jsonl.zst", zstandard.compress(lines, 3)),
        ("a.jsonl.bz2", bz2.compress(lines)),
    ):
        (folder / name).write_bytes(data)
        yield folder / name
    pq.write_table(pa.Table.from_pylist(rows), folder / "a.parquet", compression="zstd", row_group_size=10_000)
    yield folder / "a.parquet"
    header = "id,text,url,rank\n"
    cells = (f'{row["id"]},"{row["text"]}",{row["url"]},{row["rank"]}\n' for row in rows)
    (folder / "a.csv").write_text(header + "".join(cells))
    yield folder / "a.csv"


def _real() -> list[Path]:
    data = os.environ.get("TEXTMILL_DATA")
    return sorted(Path(data, "extraction").glob("*.warc.gz")) if data else []


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100)
