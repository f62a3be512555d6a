"""Whether `dedup.substring` finds exactly the repeats of the gold ranges, and what it costs in time and memory.

    TEXTMILL_DATA=<data folder> python benchmarks/substring_gold.py [--megabytes 100]

`$TEXTMILL_DATA/dedup/substring_docs` has, for every document, the byte ranges covered by a substring of 50 and of 100
bytes or more that stands at two places of the corpus at least (made by suffix array, checked by brute force). Printed
are the documents whose ranges are equal and those whose are not, before cuts are drawn in to characters.

The speed is that of the whole worker, in megabytes of text per second of CPU, on the documents of `multilingual/` and
of `dedup/`: as often as the size asks for, every round with a mark in each line, so that a round repeats the last one
in passages no longer than a line. Memory is the most that the process ever held, less what it held before, per byte.
"""

from __future__ import annotations

import argparse
import gzip
import os
import resource
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from dedup.substring import Substring
from dedup.suffix_array import join_columns, repeated_ranges

BATCH_ROWS = 1000


def main() -> None:
    options = argparse.ArgumentParser(description="correctness and cost of dedup.substring")
    options.add_argument("--megabytes", type=int, default=100)
    chosen = options.parse_args()
    home = Path(os.environ["TEXTMILL_DATA"])
    documents = list(lines(home / "dedup" / "substring_docs.jsonl.gz"))
    joined = join_columns([pa.array([document["text"] for document in documents], pa.string())])
    print(f"{'min_bytes':>9} {'equal':>6} {'unequal':>8} {'ranges':>7} {'bytes':>8}")
    for size in (50, 100):
        ranges = repeated_ranges(joined, size, "none")
        found: list[list[list[int]]] = [[] for _ in documents]
        for number, start, end in zip(ranges.text.tolist(), ranges.start.tolist(), ranges.end.tolist()):
            found[number].append([start, end])
        equal = sum(one == document[f"repeat_ranges_ge{size}"] for one, document in zip(found, documents))
        covered = int((ranges.end - ranges.start).sum())
        print(f"{size:9} {equal:6} {len(documents) - equal:8} {len(ranges.text):7} {covered:8}")
    cost(home, chosen.megabytes)


def lines(path: Path) -> Iterator[dict[str, Any]]:
    with gzip.open(path) as file:
        for line in file:
            yield orjson.loads(line)


def cost(home: Path, megabytes: int) -> None:
    texts = [row["text"] for name in corpora(home) for row in lines(name) if row.get("text")]
    size = sum(len(text.encode()) for text in texts)
    stage = Substring(shard_bytes="256MiB", min_bytes=100)
    list(worker_of(stage)(batches(texts[:10], 1)))
    before = peak()
    rounds = max(1, round(megabytes * 10**6 / size))
    read = sum(batch["text"].nbytes for batch in batches(texts, rounds))
    # Making the batches is timed apart: in a run they come from a file.
    idle = seconds(lambda: [None for _ in batches(texts, rounds)])
    spans = []

    def work() -> None:
        for found in worker_of(stage)(batches(texts, rounds)):
            spans.extend(found["cuts"].to_pylist())

    taken = seconds(work) - idle
    cuts = sum(len(cut) // 2 for cut in spans if cut)
    print(f"{read / 1e6:.1f} MB, {rounds * len(texts)} documents, {len(spans)} with findings, {cuts} spans")
    print(
        f"{read / 1e6 / taken:.2f} MB per CPU-second, {(peak() - before) / read:.1f} bytes of memory per byte of text"
    )


def corpora(home: Path) -> list[Path]:
    return [*sorted((home / "multilingual").glob("*.jsonl.gz")), *sorted((home / "dedup").glob("*_docs.jsonl.gz"))]


def worker_of(stage: Substring) -> Any:
    from dedup.substring import CutRepeats

    return CutRepeats(stage.min_bytes, stage.keep, stage.shard_bytes, stage.min_remaining_bytes)


def batches(texts: list[str], rounds: int) -> Iterator[pa.RecordBatch]:
    """The texts, marked by round and line; places count up."""
    place = 0
    for number in range(rounds):
        for start in range(0, len(texts), BATCH_ROWS):
            marked = [
                "\n".join(f"{line} {number}.{at}" for at, line in enumerate(text.split("\n")))
                for text in texts[start : start + BATCH_ROWS]
            ]
            places = list(range(place, place + len(marked)))
            place += len(marked)
            yield pa.record_batch(
                {"place": pa.array(places, pa.int64()), "id": [f"{at:032x}" for at in places], "text": marked}
            )


def seconds(work: Any) -> float:
    started = time.process_time()
    work()
    return time.process_time() - started


def peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


if __name__ == "__main__":
    main()
