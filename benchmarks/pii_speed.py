"""How fast personal data is found and masked, beside datatrove's PIIFormatter on the same texts; whether they agree.

    TEXTMILL_DATA=/path/to/data python benchmarks/pii_speed.py [MB] [--datatrove-python PATH] [--corpus FILE.parquet]

Reads `multilingual/docs.jsonl.gz` below TEXTMILL_DATA (48 languages), with an e-mail and an IP address put into every
twentieth document, or the column `text` of a Parquet file; repeated up to MB (default 20). Prints MB (10^6 bytes of
UTF-8) per CPU second, the best of three passes for textmill and of one for datatrove, which is run by the Python given
(of an environment in which `datatrove` can be imported).
"""

from __future__ import annotations

import argparse
import gzip
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import orjson
import pyarrow as pa
import pyarrow.parquet as pq

sys.path.insert(0, str(Path(__file__).parent.parent))

from filters.pii import Kind, Pii
from stages.kernels.pii import KINDS, pii_spans
from stages.kernels.texts import texts_of

BATCH_BYTES = 8 * 2**20
DATATROVE = r"""
import ipaddress, json, sys, time
from datatrove.pipeline.formatters.pii import PIIFormatter
texts = [json.loads(line) for line in open(sys.argv[1], encoding="utf-8")]
formatter = PIIFormatter()
start = time.process_time()
for text in texts:
    formatter.format(text)
seconds = time.process_time() - start
spans = []
for text in texts:
    found = [["email", match.start(), match.end()] for match in formatter.emails_replacer.regex.finditer(text)]
    left = formatter.emails_replacer.regex.sub(lambda match: "x" * len(match[0]), text)
    for match in formatter.ip_replacer.regex.finditer(left):
        if formatter.ip_replacer.validator(match[0]):
            found.append(["ipv4", match.start(), match.end()])
    spans.append(sorted(found, key=lambda span: span[1]))
print(json.dumps({"seconds": seconds, "spans": spans}))
"""


def texts(corpus: Path | None) -> list[str]:
    if corpus is not None:
        return [text for text in pq.read_table(corpus, columns=["text"])["text"].to_pylist() if text]
    data = os.environ.get("TEXTMILL_DATA")
    if not data:
        raise SystemExit("set TEXTMILL_DATA to the folder with the measurement data, or name a --corpus")
    with gzip.open(Path(data) / "multilingual" / "docs.jsonl.gz") as lines:
        plain = [orjson.loads(line)["text"] for line in lines]
    planted = "\nWrite to jane.doe@mill.example or to 8.8.4.4.\n"
    return [text + planted if at % 20 == 0 else text for at, text in enumerate(plain)]


def taken(pool: list[str], megabytes: float) -> list[str]:
    rows: list[str] = []
    size = 0
    while size < megabytes * 1e6:
        for text in pool:
            rows.append(text)
            size += len(text.encode())
            if size >= megabytes * 1e6:
                break
    return rows


def batches(rows: list[str]) -> Iterator[pa.RecordBatch]:
    held: list[str] = []
    size = 0
    for text in [*rows, ""]:
        held.append(text)
        size += len(text.encode())
        if size >= BATCH_BYTES or text == "":
            yield pa.record_batch(
                {"id": [f"{at:032x}" for at in range(len(held))], "text": pa.array(held, pa.string())}
            )
            held, size = [], 0


def best_seconds(stage: Pii, corpus: list[pa.RecordBatch]) -> float:
    tools = stage.open()
    best = float("inf")
    for _ in range(3):
        start = time.process_time()
        for batch in corpus:
            stage.map(batch, tools)
        best = min(best, time.process_time() - start)
    return best


def our_spans(rows: list[str]) -> list[list[list[object]]]:
    """Spans in characters, as datatrove tells them."""
    found = pii_spans(texts_of(pa.array(rows, pa.string())), ("email", "ipv4"))
    spans: list[list[list[object]]] = [[] for _ in rows]
    for row, kind, start, end in zip(found.row.tolist(), found.kind.tolist(), found.start.tolist(), found.end.tolist()):
        data = rows[row].encode()
        before = len(data[:start].decode())
        spans[row].append([KINDS[kind], before, before + len(data[start:end].decode())])
    return spans


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("megabytes", nargs="?", type=float, default=20)
    parser.add_argument("--datatrove-python", type=Path, help="the Python of an environment with datatrove")
    parser.add_argument("--corpus", type=Path, help="a Parquet file with a column text")
    given = parser.parse_args()
    rows = taken(texts(given.corpus), given.megabytes)
    size = sum(len(text.encode()) for text in rows) / 1e6
    corpus = list(batches(rows))
    print(f"{len(rows):,} documents, {size:.1f} MB")
    every: tuple[Kind, ...] = KINDS
    rates = {}
    for name, stage in {
        "textmill e-mail and IPv4, mask": Pii(),
        "textmill e-mail and IPv4, tag": Pii(mode="tag"),
        "textmill all kinds, mask": Pii(kinds=every),
    }.items():
        rates[name] = size / best_seconds(stage, corpus)
        print(f"{name:34} {rates[name]:9.1f} MB per CPU second")
    if given.datatrove_python is None:
        return
    with tempfile.NamedTemporaryFile("wb", suffix=".jsonl") as file:
        file.writelines(orjson.dumps(text) + b"\n" for text in rows)
        file.flush()
        told = subprocess.run(
            [given.datatrove_python, "-c", DATATROVE, file.name], capture_output=True, text=True, check=True
        )
    theirs = orjson.loads(told.stdout.splitlines()[-1])
    rate = size / theirs["seconds"]
    print(f"{'datatrove PIIFormatter':34} {rate:9.1f} MB per CPU second")
    print(f"textmill masks {rates['textmill e-mail and IPv4, mask'] / rate:.0f} times as fast")
    ours = our_spans(rows)
    total = sum(map(len, theirs["spans"]))
    differing = [row for row in range(len(rows)) if ours[row] != theirs["spans"][row]]
    print(f"{total:,} spans by datatrove; {len(differing):,} documents with other spans")
    for row in differing[:5]:
        print(" ", row, ours[row][:5], theirs["spans"][row][:5])


if __name__ == "__main__":
    main()
