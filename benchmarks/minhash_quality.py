"""Which near-duplicates `dedup.minhash` drops, against exact Jaccard similarities, and how fast it signs.

    TEXTMILL_DATA=<data folder> python benchmarks/minhash_quality.py [--threshold 0.75] [--no-datasketch]

`$TEXTMILL_DATA/dedup` has `planted_docs` and `natural_docs`, and of pairs of them the exact Jaccard similarity of
word 5-grams (lower-cased `\\w+`; one character a word in Chinese, Thai, …). From these pairs follows what a perfect
run drops: the longest first, whatever has a pair at or above the threshold with one that stays. Both are compared:

    recall      share of those documents that were dropped
    precision   share of the dropped documents whose pair with their survivor is at or above the threshold
    near        the same for 0.05 less: what differs in digits, accents or `_` is nearer in FineWeb's normal form

Beside it stands datasketch: MinHash of the gold's own 5-grams with as many hashes, `MinHashLSH` with the same bands,
and of each connected component the longest document kept, unverified, as it is commonly used. Speed is in MB of
UTF-8 text per second of CPU, signatures and band keys alone; datasketch's with and without making 5-grams in Python.
"""

from __future__ import annotations

import argparse
import gzip
import os
import re
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from dedup.exact import DIGEST, Digest
from dedup.minhash import MinHash
from dedup.minhash_bands import Shape, Sign
from stages.find import PART, RestFile, Worker
from stages.stage import Resources

Pairs = dict[tuple[str, str], float]

_WORD = re.compile(
    r"[\u0e00-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff]|[^\W\u0e00-\u109f\u1780-\u17ff\u3040-\u9fff]+"
)


def main() -> None:
    options = argparse.ArgumentParser(description="quality and speed of dedup.minhash")
    options.add_argument("--threshold", type=float, default=0.75)
    options.add_argument("--no-datasketch", action="store_true")
    chosen = options.parse_args()
    home = Path(os.environ["TEXTMILL_DATA"]) / "dedup"
    print(f"{'data':9} {'by':22} {'gold':>6} {'dropped':>8} {'recall':>7} {'precision':>10} {'near':>6}")
    for name, gold in (("planted", "planted_pairs"), ("natural", "natural_pairs_ge0.5")):
        texts = {row["id"]: row["text"] for row in lines(home / f"{name}_docs.jsonl.gz")}
        pairs = {(row["a"], row["b"]): row["jaccard_w5"] for row in lines(home / f"{gold}.jsonl.gz")}
        for stage in (
            MinHash(threshold=chosen.threshold),
            MinHash(threshold=chosen.threshold, bands="auto"),
            MinHash(threshold=chosen.threshold, bands=56, rows=2),
        ):
            shape = stage.shape()
            report(
                name, f"textmill {shape.bands} x {shape.rows}", texts, pairs, chosen.threshold, dropped_by(stage, texts)
            )
        if not chosen.no_datasketch:
            report(name, "datasketch 14 x 8", texts, pairs, chosen.threshold, dropped_by_datasketch(texts))
    speed(home, chosen.no_datasketch)


def lines(path: Path) -> Iterator[dict[str, Any]]:
    with gzip.open(path) as file:
        for line in file:
            yield orjson.loads(line)


def report(name: str, by: str, texts: dict[str, str], pairs: Pairs, threshold: float, dropped: dict[str, str]) -> None:
    expected = perfect(texts, pairs, threshold)
    true = sum(similarity(pairs, texts, one, twin) >= threshold for one, twin in dropped.items())
    near = sum(similarity(pairs, texts, one, twin) >= threshold - 0.05 for one, twin in dropped.items())
    recall = len(expected & dropped.keys()) / len(expected)
    share = 1 / max(1, len(dropped))
    print(
        f"{name:9} {by:22} {len(expected):6} {len(dropped):8} {recall:7.3f} {true * share:10.3f} {near * share:6.3f}",
        flush=True,
    )


def similarity(pairs: Pairs, texts: dict[str, str], one: str, other: str) -> float:
    """The gold's similarity of a pair; where it knows none, by its own definition."""
    known = pairs.get((one, other), pairs.get((other, one)))
    if known is not None:
        return known
    left, right = set(shingles(texts[one])), set(shingles(texts[other]))
    return len(left & right) / len(left | right)


def perfect(texts: dict[str, str], pairs: Pairs, threshold: float) -> set[str]:
    """What goes when every pair is known: longest first, then by id, near one that stays."""
    near: dict[str, list[str]] = {}
    for (one, other), value in pairs.items():
        if value >= threshold:
            near.setdefault(one, []).append(other)
            near.setdefault(other, []).append(one)
    gone: set[str] = set()
    stays: set[str] = set()
    for document in sorted(near, key=lambda document: (-len(texts[document].encode()), document)):
        (gone if stays.intersection(near[document]) else stays).add(document)
    return gone


def dropped_by(stage: MinHash, texts: dict[str, str]) -> dict[str, str]:
    """Each dropped document with its survivor."""
    documents = Documents(table_of(texts))
    ids = list(texts)
    found = stage.find(documents, stage.open()).collect().to_pylist()
    return {ids[row["place"]]: row["twin_id"] for row in found if row["rule"]}


def dropped_by_datasketch(texts: dict[str, str]) -> dict[str, str]:
    """All but the longest of each connected component of documents that share a bucket."""
    from datasketch import MinHashLSH

    index = MinHashLSH(num_perm=112, params=(14, 8))
    component: dict[str, str] = {}

    def root(document: str) -> str:
        while component[document] != document:
            document = component[document]
        return document

    for document in sorted(texts, key=lambda document: (-len(texts[document].encode()), document)):
        component[document] = document
        grams = shingles(texts[document])
        if not grams:
            continue
        sketch = sketch_of(grams)
        for other in index.query(sketch):
            one, two = sorted((root(document), root(other)), key=lambda at: (-len(texts[at].encode()), at))
            component[two] = one
        index.insert(document, sketch)
    return {document: root(document) for document in texts if root(document) != document}


def shingles(text: str) -> list[bytes]:
    words = _WORD.findall(text.lower())
    return [" ".join(words[at : at + 5]).encode() for at in range(max(1, len(words) - 4))] if words else []


def sketch_of(grams: list[bytes]) -> Any:
    from datasketch import MinHash as Sketch

    sketch = Sketch(num_perm=112, seed=1)
    sketch.update_batch(grams)
    return sketch


def speed(home: Path, alone: bool) -> None:
    texts = {row["id"]: row["text"] for row in lines(home / "planted_docs.jsonl.gz")}
    batches = table_of(texts).to_batches(max_chunksize=1024)
    size = sum(len(text.encode()) for text in texts.values()) / 1e6
    sign = Sign(Shape(5, 14, 8, 1), (), 8)
    digest = Digest("text", "none", "smallest_id", (), 8)
    fold = Digest("text", "whitespace_case", "smallest_id", (), 8)
    stages: list[tuple[str, Callable[[], object]]] = [
        ("textmill signatures", lambda: list(sign(iter(batches)))),
        ("textmill exact", lambda: list(digest(iter(batches)))),
        ("textmill exact, folded", lambda: list(fold(iter(batches)))),
    ]
    if not alone:
        grams = [shingles(text) for text in texts.values()]
        stages.append(("datasketch signatures", lambda: [sketch_of(one) for one in grams]))
        stages.append(("datasketch + 5-grams", lambda: [sketch_of(shingles(text)) for text in texts.values()]))
    print(f"\n{size:.1f} MB of text in {len(texts)} documents; {DIGEST.names} travel for exact")
    for name, work in stages:
        times = 5 if name.startswith("textmill") else 1
        print(f"{name:24} {size / min(cpu_seconds(work) for _ in range(times)):9.1f} MB per CPU-second", flush=True)


def cpu_seconds(work: Callable[[], object]) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


def table_of(texts: dict[str, str]) -> pa.Table:
    places = pa.array(range(len(texts)), pa.int64())
    return pa.table(
        {"place": places, "id": pa.array(texts, pa.string()), "text": pa.array(texts.values(), pa.string())}
    )


@dataclass(frozen=True)
class Rows:
    """A frame in memory, in one part."""

    schema: pa.Schema
    batches: Sequence[pa.RecordBatch]

    def map(self, worker: Worker, schema: pa.Schema, resources: Resources | None = None) -> Rows:
        return Rows(schema, list(worker(iter(self.batches))))

    def shuffle(self, parts: int, order: Sequence[str]) -> Rows:
        table = self.collect().sort_by([(name, "ascending") for name in (PART, *order)])
        return Rows(self.schema, table.to_batches())

    def collect(self) -> pa.Table:
        return pa.Table.from_batches(self.batches, self.schema)


@dataclass(frozen=True)
class Documents:
    """Documents in memory."""

    held: pa.Table
    files: tuple[RestFile, ...] = (RestFile("memory", 0, 0, 1),)

    def rows(self, worker: Worker, schema: pa.Schema, columns: Sequence[str] = ("text",)) -> Rows:
        return Rows(self.held.schema, self.held.to_batches(max_chunksize=1024)).map(worker, schema)

    def only(self, picks: Rows) -> Documents:
        return replace(self, held=self.held.join(picks.collect(), "place", join_type="inner").sort_by("place"))

    def table(self, rows: pa.Table) -> Rows:
        return Rows(rows.schema, rows.to_batches())


if __name__ == "__main__":
    main()
