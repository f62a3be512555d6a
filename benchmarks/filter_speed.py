"""How much text the filters judge in one CPU second, and what loading their kernels costs.

    TEXTMILL_DATA=/path/to/data python benchmarks/filter_speed.py [MB]

Reads `multilingual/docs.jsonl.gz` below TEXTMILL_DATA (48 languages); without it, made-up English-like prose. Text is
repeated up to MB (default 20). Prints MB (10^6 bytes of UTF-8) per CPU second (user + system), the best of three passes
over batches of 8 MiB; the URL filter also prints URLs per CPU second.
"""

from __future__ import annotations

import gzip
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from random import Random

import orjson
import pyarrow as pa

sys.path.insert(0, str(Path(__file__).parent.parent))

from filters.expression import Expression
from filters.gopher_quality import GopherQuality
from filters.gopher_repetition import GopherRepetition
from filters.length import Length
from filters.url import Url
from stages.stage import Filter

BATCH_BYTES = 8 * 2**20
PASSES = 3


def texts() -> list[str]:
    """Texts of real documentation, or of made-up words whose frequencies fall as in English (Zipf)."""
    data = os.environ.get("TEXTMILL_DATA")
    if data:
        with gzip.open(Path(data) / "multilingual" / "docs.jsonl.gz") as lines:
            return [orjson.loads(line)["text"] for line in lines]
    chance = Random(0)
    words = ["the", "of", "and", "to", "be", "that", "have", "with"]
    words += ["".join(chance.choices("etaoinshrdlu", k=chance.randint(2, 11))) for _ in range(20_000)]
    frequencies = [1 / rank for rank in range(1, len(words) + 1)]
    return [" ".join(chance.choices(words, frequencies, k=600)).replace(" the ", ".\n\nThe ") for _ in range(2_000)]


def batches(megabytes: float) -> Iterator[pa.RecordBatch]:
    rows, size, total = [], 0, 0
    pool = texts()
    while total < megabytes * 1e6:
        for text in pool:
            rows.append(text)
            size += len(text.encode())
            if size >= BATCH_BYTES:
                yield batch_of(rows)
                total += size
                rows, size = [], 0
            if total + size >= megabytes * 1e6:
                break
        else:
            continue
        break
    if rows:
        yield batch_of(rows)


def batch_of(rows: list[str]) -> pa.RecordBatch:
    urls = [f"https://www.site{row % 997}.example.org/path/page-{row}.html?id={row}" for row in range(len(rows))]
    scores = pa.array([row % 100 / 100 for row in range(len(rows))], pa.float32())
    return pa.record_batch({"text": pa.array(rows, pa.string()), "url": pa.array(urls), "quality": scores})


def measured(stage: Filter, corpus: list[pa.RecordBatch]) -> tuple[float, float, int]:
    """CPU seconds to open, CPU seconds for the best pass, rows dropped."""
    start = time.process_time()
    tools = stage.open()
    stage.judge(corpus[0].slice(0, 1), tools)
    opened = time.process_time() - start
    best, dropped = float("inf"), 0
    for _ in range(PASSES):
        start = time.process_time()
        verdicts = [stage.judge(batch, tools) for batch in corpus]
        best = min(best, time.process_time() - start)
        dropped = sum(len(verdict) - verdict.rule.null_count for verdict in verdicts)
    return opened, best, dropped


def main() -> None:
    corpus = list(batches(float(sys.argv[1]) if len(sys.argv) > 1 else 20.0))
    rows = sum(batch.num_rows for batch in corpus)
    size = sum(batch["text"].nbytes for batch in corpus) / 1e6
    domains = tuple(f"site{number}.example.org" for number in range(0, 997, 10))
    stages: dict[str, Filter] = {
        "gopher_quality": GopherQuality(),
        "gopher_repetition": GopherRepetition(),
        "length (characters, bytes)": Length(min_characters=200, max_bytes=100_000),
        "length (words)": Length(min_words=50),
        "expression": Expression(keep="quality > 0.02 and len(text) > 200"),
        "url (all rules)": Url(blocked_domains=domains, blocked_words=("casino",), ip_hosts="drop"),
    }
    print(f"{rows} documents, {size:.1f} MB; the first line's open includes importing numba")
    print(f"{'filter':28} {'open, CPU s':>12} {'MB / CPU s':>11} {'documents / CPU s':>18} {'dropped':>8}")
    for name, stage in stages.items():
        opened, best, dropped = measured(stage, corpus)
        print(f"{name:28} {opened:12.2f} {size / best:11.0f} {rows / best:18.0f} {dropped / rows:8.1%}")


if __name__ == "__main__":
    main()
