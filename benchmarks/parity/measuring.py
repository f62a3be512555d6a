"""What every side of a comparison of speed shares: the same first megabytes, and how CPU time is taken.

Runs in any environment that has pyarrow; knows neither textmill nor its peers.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

ROWS = 2048


def first_documents(file: Path, megabytes: float) -> list[pa.RecordBatch]:
    """Batches with id and text of the first documents, up to so many MB (10^6 bytes of UTF-8) of text."""
    found, left = [], megabytes * 1e6
    for batch in pq.ParquetFile(file).iter_batches(ROWS, columns=["id", "text"]):
        sizes = [len(text.encode()) for text in batch["text"].to_pylist()]
        rows = 0
        while rows < len(sizes) and left > 0:
            left -= sizes[rows]
            rows += 1
        found.append(batch.slice(0, rows))
        if left <= 0:
            break
    return found


def texts(batches: list[pa.RecordBatch]) -> Iterator[str]:
    for batch in batches:
        yield from batch["text"].to_pylist()


def report(work: str, tool: str, batches: list[pa.RecordBatch], run: Callable[[], object], *, passes: int) -> None:
    """Print one JSON line: MB, documents, the CPU seconds (user and system, all threads) of the best pass, peak RSS.

    `run` is warm: what it loads or compiles it has loaded before. Peak RSS is of the process so far, with the documents
    that it holds.
    """
    best = min(_cpu_seconds(run) for _ in range(passes))
    size = sum(len(text.encode()) for text in texts(batches)) / 1e6
    rows = sum(batch.num_rows for batch in batches)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6
    line = {"work": work, "tool": tool, "mb": size, "documents": rows, "cpu_s": best, "peak_mb": peak}
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


def _cpu_seconds(run: Callable[[], object]) -> float:
    start = time.process_time()
    run()
    return time.process_time() - start
