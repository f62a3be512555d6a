"""How full sequences get and how fast: each way of packing, on 200,000 documents with real lengths.

Lengths are those of the documents in `TEXTMILL_DATA` (six collections) in tokens of cl100k with EOS, drawn 200,000
times with replacement from a stated seed. `above` is how many sequences there are beyond tokens / capacity, the least
there can be; `attention` the cost of attention within documents beside that across them; `documents/s` are documents
per core-second of the fastest of five passes.

    TEXTMILL_DATA=… python benchmarks/packing.py
"""

from __future__ import annotations

import gzip
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import orjson
import pyarrow as pa

from stages.kernels.packing import Packing, best_fit, buckets, concat
from stages.tokenize import Tokenize

COLLECTIONS = (
    "multilingual/docs",
    "dedup/planted_docs",
    "dedup/natural_docs",
    "dedup/substring_docs",
    "quality/quality",
    "benchmarks/contaminated_docs",
)
DOCUMENTS = 200_000
SEED = 7
WANTED_SPEED = 500_000
WANTED_ABOVE = 0.05

Longs = npt.NDArray[np.int64]


def real_lengths(home: Path) -> Longs:
    """Tokens of every document in the collections, in their order."""
    stage = Tokenize(tokenizer="cl100k", write="count")
    tools = stage.open()
    counts: list[int] = []
    for name in COLLECTIONS:
        with gzip.open(home / f"{name}.jsonl.gz") as file:
            texts = [orjson.loads(line)["text"] for line in file]
        batch = pa.record_batch({"id": [str(row) for row in range(len(texts))], "text": texts})
        counts += stage.map(batch, tools)["tokens"].to_pylist()
    return np.array(counts, np.int64)


def best_seconds(work: Callable[[], Packing], passes: int = 5) -> tuple[float, Packing]:
    """CPU-seconds of the fastest pass, and what it gives."""
    taken = []
    for _ in range(passes):
        start = time.process_time()
        packing = work()
        taken.append(time.process_time() - start)
    return min(taken), packing


def report(name: str, capacity: int, lengths: Longs, work: Callable[[], Packing]) -> tuple[float, float]:
    """Print a line; gives sequences above the least there can be, as a share, and documents per core-second."""
    seconds, packing = best_seconds(work)
    sizes = (packing.end - packing.start).astype(np.int64)
    held, room = int(sizes.sum()), int(packing.room.sum(dtype=np.int64))
    cut = int((np.bincount(packing.document, minlength=len(lengths)) > 1).sum())
    above = len(packing.room) / -(-int(lengths.sum()) // capacity) - 1
    filled = np.bincount(packing.sequence, sizes)
    shares = {
        "above": above,
        "padding": (room - held) / room,
        "dropped": 1 - held / int(lengths.sum()),
        "cut": cut / len(lengths),
        "attention": (sizes**2).sum() / (filled**2).sum(),
    }
    told = "  ".join(
        f"{share} {value:9.4%}" for share, value in shares.items() if name != "buckets" or share != "above"
    )
    speed = len(lengths) / seconds
    print(f"{name:<9} {capacity:>6,} {len(packing.room):>9,} sequences  {told}  {speed:>10,.0f} documents/s")
    return above, speed


def main() -> None:
    home = os.environ.get("TEXTMILL_DATA")
    if not home:
        sys.exit("set TEXTMILL_DATA to the folder with the measurement data")
    real = real_lengths(Path(home))
    lengths = np.random.default_rng(SEED).choice(real, DOCUMENTS)
    quartiles = ", ".join(f"{int(value):,}" for value in np.quantile(lengths, (0, 0.25, 0.5, 0.75, 1)))
    print(f"{len(real):,} documents, drawn {DOCUMENTS:,} times with seed {SEED}: {int(lengths.sum()):,} tokens")
    print(f"tokens of a document (quartiles): {quartiles}")
    failed = False
    for capacity in (2048, 8192):
        report("concat", capacity, lengths, lambda capacity=capacity: concat(lengths, capacity))
        above, speed = report("best_fit", capacity, lengths, lambda capacity=capacity: best_fit(lengths, capacity))
        failed |= above > WANTED_ABOVE or speed < WANTED_SPEED
        report("buckets", capacity, lengths, lambda capacity=capacity: buckets(lengths, 256, capacity))
    if failed:
        sys.exit(f"best_fit should be within {WANTED_ABOVE:.0%} of the least, at {WANTED_SPEED:,} documents/s or more")


if __name__ == "__main__":
    main()
