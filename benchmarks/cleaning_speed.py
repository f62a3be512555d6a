"""How much text the filters that clean and match read in one CPU second.

    TEXTMILL_DATA=/path/to/data python benchmarks/cleaning_speed.py [MB] [--corpus FILE.parquet]

Reads `multilingual/docs.jsonl.gz` below TEXTMILL_DATA (48 languages), or the column `text` of a Parquet file, repeated
up to MB (default 20). Prints MB (10^6 bytes of UTF-8) per CPU second (user + system), the best of three passes over
batches of 8 MiB, what `open` takes, and how many documents were dropped or changed. ftfy and Python's `re` on the same
texts are printed beside what replaces them. The bad words are 400 made-up ones, as many as in the English list of C4.
"""

from __future__ import annotations

import argparse
import gzip
import os
import re
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

sys.path.insert(0, str(Path(__file__).parent.parent))

from filters.bad_words import BadWords
from filters.pii import Pii
from filters.regex import Regex
from filters.stop_words import StopWords
from filters.symbols import Symbols
from filters.text_repair import TextRepair
from stages.kernels.pii import KINDS
from stages.stage import Filter, Map
from stages.verdicts import Mapped

BATCH_BYTES = 8 * 2**20
PASSES = 3
STOP_WORDS = ("the", "be", "to", "of", "and", "that", "have", "with", "a", "in", "is", "it", "for", "not", "on", "as")


def texts(corpus: Path | None) -> list[str]:
    if corpus is not None:
        return [text for text in pq.read_table(corpus, columns=["text"])["text"].to_pylist() if text]
    data = os.environ.get("TEXTMILL_DATA")
    if not data:
        raise SystemExit("set TEXTMILL_DATA to the folder with the measurement data, or name a --corpus")
    with gzip.open(Path(data) / "multilingual" / "docs.jsonl.gz") as lines:
        return [orjson.loads(line)["text"] for line in lines]


def batches(pool: list[str], megabytes: float) -> Iterator[pa.RecordBatch]:
    held: list[str] = []
    size = total = 0.0
    while total < megabytes * 1e6:
        for text in pool:
            held.append(text)
            size += len(text.encode())
            if size >= BATCH_BYTES or total + size >= megabytes * 1e6:
                yield pa.record_batch({"id": [f"{at:032x}" for at in range(len(held))], "text": held})
                total += size
                held, size = [], 0
            if total >= megabytes * 1e6:
                break


def made_up_words(count: int) -> tuple[str, ...]:
    chance = Random(0)
    return tuple(sorted({"".join(chance.choices("etaoinshrdlu", k=chance.randint(4, 10))) for _ in range(count)}))


def touched(stage: Filter | Map, batch: pa.RecordBatch, tools: Any) -> int:
    """Documents that the stage drops or changes."""
    if isinstance(stage, Filter):
        return batch.num_rows - int(stage.judge(batch, tools).rule.null_count)
    result = stage.map(batch, tools)
    rows = result.rows if isinstance(result, Mapped) else result
    return int(pc.sum(pc.not_equal(rows["text"], batch["text"])).as_py() or 0)


def measured(work: Callable[[pa.RecordBatch], object], corpus: list[pa.RecordBatch], passes: int = PASSES) -> float:
    """CPU seconds of the best pass."""
    best = float("inf")
    for _ in range(passes):
        start = time.process_time()
        for batch in corpus:
            work(batch)
        best = min(best, time.process_time() - start)
    return best


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("megabytes", nargs="?", type=float, default=20)
    parser.add_argument("--corpus", type=Path, help="a Parquet file with a column text")
    given = parser.parse_args()
    corpus = list(batches(texts(given.corpus), given.megabytes))
    size = sum(int(pc.sum(pc.binary_length(batch["text"])).as_py()) for batch in corpus) / 1e6
    bad = made_up_words(400)
    stages: dict[str, Filter | Map] = {
        "pii, e-mail and IPv4": Pii(),
        "pii, all kinds": Pii(kinds=KINDS),
        "text_repair": TextRepair(),
        "text_repair, no mojibake": TextRepair(mojibake=False),
        "bad_words, 400 words": BadWords(words=bad),
        "regex, one expression": Regex.model_validate({"patterns": {"lorem": "(?i)lorem ipsum"}}),
        "symbols": Symbols(),
        "stop_words": StopWords(words=STOP_WORDS, min_different=2),
    }
    print(f"{sum(batch.num_rows for batch in corpus):,} documents, {size:.1f} MB")
    for name, stage in stages.items():
        start = time.process_time()
        tools = stage.open()
        opened = time.process_time() - start
        count = sum(touched(stage, batch, tools) for batch in corpus)
        work = stage.judge if isinstance(stage, Filter) else stage.map
        rate = size / measured(lambda batch, work=work, tools=tools: work(batch, tools), corpus)  # type: ignore[misc]
        print(f"{name:34} {rate:9.1f} MB per CPU second   open {opened:5.2f} s   {count:,} documents")
    sample = [corpus[0].slice(0, 500)]
    part = int(pc.sum(pc.binary_length(sample[0]["text"])).as_py()) / 1e6
    either = re.compile(r"(?:\W|^)({})(?:\W|$)".format("|".join(map(re.escape, bad))))
    slow = measured(lambda batch: [either.search(text.lower()) for text in batch["text"].to_pylist()], sample, 1)
    print(f"{'re, the same 400 words':34} {part / slow:9.1f} MB per CPU second")
    fix = TextRepair().open().fix
    slow = measured(lambda batch: [fix(text) for text in batch["text"].to_pylist()], sample, 1)
    print(f"{'ftfy, on every text':34} {part / slow:9.1f} MB per CPU second")


if __name__ == "__main__":
    main()
