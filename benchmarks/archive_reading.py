"""Compare the archive reader with warcio and fastwarc, file by file, and measure its speed.

    TEXTMILL_DATA=/path/to/data python benchmarks/archive_reading.py            # the table of samples, then speed
    TEXTMILL_DATA=/path/to/data python benchmarks/archive_reading.py --markdown # the same as Markdown, for the docs

For every file of `warc-samples` it prints how many records with documents (response, resource, conversion, ARC; no DNS)
each reader got before it stopped or failed, what this reader skipped and found damaged, whether the law of reading
holds, and for the robust samples how many of the URLs that must and should be read were. The URLs that an extraction
must not keep (redirects, errors, PDFs, images) are records all the same: they are no matter of the reader.

Speed is MB of unpacked bytes per CPU-second, the best of five, over the pages of `extraction`, files held in memory.
Exits 1 where the law breaks, a URL that must be read is missing, or another reader got more records from a file.
"""

from __future__ import annotations

import contextlib
import gzip
import io
import json
import logging
import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from stages.archives.read import read_archive
from stages.archives.tiles import Damage, Record, Skipped, check_tiling
from stages.errors import StoreError

DOCUMENTS = ("response", "resource", "conversion")
COLUMNS = ("file", "bytes", "textmill", "warcio", "fastwarc", "skipped", "damaged", "axis", "must", "should", "law")


def main() -> int:
    """Print both tables; return the exit code."""
    if "TEXTMILL_DATA" not in os.environ:
        print("set TEXTMILL_DATA to the folder that holds warc-samples/ and extraction/")
        return 2
    logging.disable(logging.CRITICAL)
    data = Path(os.environ["TEXTMILL_DATA"])
    expected = {
        row["file"]: row
        for row in map(json.loads, (data / "warc-samples/robust/expected.jsonl").read_text().splitlines())
    }
    paths = [path for path in sorted((data / "warc-samples").glob("*/*.*")) if path.suffix != ".jsonl"]
    rows = [sample(path, expected.get(path.name, {})) for path in paths]
    show(COLUMNS, [row for row, _ in rows])
    faults = [fault for _, found in rows for fault in found]
    print()
    show(("file", "reader", "MB unpacked", "MB/CPU-s"), list(speeds(sorted((data / "extraction").glob("*.warc.gz")))))
    for fault in faults:
        print("FAULT:", fault)
    return 1 if faults else 0


def sample(path: Path, expected: dict[str, Any]) -> tuple[tuple[object, ...], list[str]]:
    """Return one row of the table and what is wrong with it."""
    stored = path.read_bytes()
    tiles = list(read_archive(io.BytesIO(stored)))
    faults = []
    try:
        check_tiling(tiles, len(stored), path.name)
        law = "holds"
    except StoreError as error:
        law = "BROKEN"
        faults.append(str(error))
    records = [tile for tile in tiles if isinstance(tile, Record)]
    others = {"warcio": count(warcio_records(stored)), "fastwarc": count(fastwarc_records(stored))}
    # warcio takes a line of plain text for an ARC head and gives a phantom record for the file that is no archive
    if max(others.values()) > len(records) and "not-a-warc" not in path.name:
        faults.append(f"{path.name}: another reader got more records")
    urls = {record.url for record in records}
    must = [url in urls for url in expected.get("must_yield", [])]
    should = [url in urls for key in ("should_yield", "should_yield_with_resync") for url in expected.get(key, [])]
    if not all(must):
        faults.append(f"{path.name}: a URL that must be read is missing")
    row = (
        path.name,
        len(stored),
        len(records),
        *others.values(),
        sum(isinstance(tile, Skipped) for tile in tiles),
        sum(isinstance(tile, Damage) for tile in tiles),
        tiles[-1].unit if tiles else "-",
        f"{sum(must)}/{len(must)}" if must else "",
        f"{sum(should)}/{len(should)}" if should else "",
        law,
    )
    return row, faults


def count(records: Iterator[tuple[str, bytes]]) -> int:
    """Count the documents a reader gives until it ends or fails with one of its own errors."""
    from warcio.exceptions import ArchiveLoadFailed

    found = 0
    with contextlib.suppress(OSError, ArchiveLoadFailed), contextlib.redirect_stderr(io.StringIO()):
        for _ in records:
            found += 1
    return found


def textmill_records(stored: bytes) -> Iterator[tuple[str, bytes]]:
    """Give (URL, payload) as this reader does."""
    for tile in read_archive(io.BytesIO(stored)):
        if isinstance(tile, Record):
            yield tile.url or "", tile.payload


def warcio_records(stored: bytes) -> Iterator[tuple[str, bytes]]:
    """Give (URL, payload) as warcio does."""
    from warcio.archiveiterator import ArchiveIterator

    for record in ArchiveIterator(io.BytesIO(stored), arc2warc=True):
        url = record.rec_headers.get_header("WARC-Target-URI") or ""
        if record.rec_type in DOCUMENTS and not url.startswith("dns:"):
            yield url, record.raw_stream.read()


def fastwarc_records(stored: bytes) -> Iterator[tuple[str, bytes]]:
    """Give (URL, payload) as fastwarc does."""
    from fastwarc.warc import ArchiveIterator

    for record in ArchiveIterator(io.BytesIO(stored)):
        url = record.headers.get("WARC-Target-URI") or ""
        if str(record.record_type) in DOCUMENTS and not url.startswith("dns:"):
            yield url, record.reader.read()


def speeds(paths: list[Path]) -> Iterator[tuple[object, ...]]:
    """Measure the three readers on each file, as it is and unpacked."""
    readers: dict[str, Callable[[bytes], Iterator[tuple[str, bytes]]]] = {
        "textmill": textmill_records,
        "warcio": warcio_records,
        "fastwarc": fastwarc_records,
    }
    for path in paths:
        stored = path.read_bytes()
        plain = gzip.decompress(stored)
        for name, data in ((path.name, stored), (path.stem + " (unpacked)", plain)):
            for reader, records in readers.items():
                rate = len(plain) / 1e6 / best_seconds(records, data)
                yield name, reader, f"{len(plain) / 1e6:.1f}", f"{rate:.0f}"


def best_seconds(records: Callable[[bytes], Iterator[tuple[str, bytes]]], data: bytes) -> float:
    """Return the fewest CPU-seconds of five readings."""
    seconds = []
    for _ in range(5):
        start = time.process_time()
        for _ in records(data):
            pass
        seconds.append(time.process_time() - start)
    return min(seconds)


def show(columns: tuple[str, ...], rows: list[tuple[object, ...]]) -> None:
    """Print a table, aligned or as Markdown."""
    texts = [columns, *(tuple(str(cell) for cell in row) for row in rows)]
    if "--markdown" in sys.argv:
        texts.insert(1, tuple("---" for _ in columns))
        for text in texts:
            print("| " + " | ".join(text) + " |")
        return
    widths = [max(len(text[number]) for text in texts) for number in range(len(columns))]
    for text in texts:
        print("  ".join(cell.ljust(width) for cell, width in zip(text, widths, strict=True)).rstrip())


if __name__ == "__main__":
    raise SystemExit(main())
