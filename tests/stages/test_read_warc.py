"""Web archives to documents."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

from stages.archives.write import record_bytes
from stages.document import document_id
from stages.read import Chunk, Read, full_extent, list_inputs, plan_splits, read_split, source_schema


def chunks(path: Path, *, rows: int = 100, limit: int | None = None, **fields: Any) -> list[Chunk]:
    from dataclasses import replace

    read = Read(paths=str(path), **fields)
    files = list_inputs(read)
    schema = source_schema(read, files)
    found = [
        chunk
        for split in plan_splits(read, files)
        for chunk in read_split(read, "main", schema, replace(split, limit=limit), batch_rows=rows, batch_bytes=2**20)
    ]
    extents = [sum(chunk.counts.files[file.locator].extent for chunk in found) for file in files]
    assert extents == [full_extent(file) for file in files]
    return found


def documents(found: list[Chunk]) -> list[dict[str, Any]]:
    return [row for chunk in found for row in chunk.rows.to_pylist()]


def response(number: int) -> bytes:
    block = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nX-A: b\r\n\r\n<p>page %d" % number
    return record("response", number, block)


def record(kind: str, number: int, block: bytes, **headers: str) -> bytes:
    return record_bytes(
        kind,
        record_id=f"<urn:uuid:{number}>",
        date="2024-05-06T07:08:09Z",
        block=block,
        url=f"http://x/{number}",
        headers=tuple((name.replace("_", "-"), value) for name, value in headers.items()),
    )


def test_responses_are_pages_to_be_extracted(tmp_path: Path) -> None:
    members = [gzip.compress(response(1)), gzip.compress(record("request", 2, b"GET / HTTP/1.1\r\n\r\n"))]
    (tmp_path / "a.warc.gz").write_bytes(b"".join([*members, gzip.compress(response(3))]))
    found = chunks(tmp_path)
    rows = documents(found)
    assert [row["url"] for row in rows] == ["http://x/1", "http://x/3"]
    assert (rows[0]["content"], rows[0]["content_type"], rows[0]["http_status"]) == (b"<p>page 1", "text/html", 200)
    assert ["X-A", "b"] in json.loads(rows[0]["http_headers"])
    assert rows[0]["date"] == "2024-05-06T07:08:09Z"
    assert rows[1]["_offset"] == sum(map(len, members))
    assert rows[1]["id"] == document_id("main", "a.warc.gz", str(rows[1]["_offset"]))
    assert found[0].counts.skipped == {"request": 1}


def test_only_the_record_types_asked_for_are_read(tmp_path: Path) -> None:
    (tmp_path / "a.warc").write_bytes(response(1) + record("resource", 2, b"plain"))
    found = chunks(tmp_path, records=("resource",))
    assert [row["content"] for row in documents(found)] == [b"plain"]
    assert found[0].counts.skipped == {"response": 1}


def test_garbage_between_records_is_one_damaged_range(tmp_path: Path) -> None:
    first = gzip.compress(response(1))
    (tmp_path / "a.warc.gz").write_bytes(first + b"garbage" * 20 + gzip.compress(response(2)))
    found = chunks(tmp_path, rows=1)
    assert [row["url"] for row in documents(found)] == ["http://x/1", "http://x/2"]
    [damaged] = [damage for chunk in found for damage in chunk.damaged]
    assert (damaged.offset, damaged.length) == (len(first), 140)


def test_wet_records_are_texts(tmp_path: Path) -> None:
    good = record("conversion", 1, "Grüße".encode(), WARC_Identified_Content_Language="deu,eng")
    (tmp_path / "a.warc.wet").write_bytes(good + record("conversion", 2, b"caf\xe9"))
    found = chunks(tmp_path)
    [row] = documents(found)
    assert (row["text"], row["url"], row["metadata"]) == ("Grüße", "http://x/1", '{"languages":"deu,eng"}')
    assert "content" not in row
    [damaged] = [damage for chunk in found for damage in chunk.damaged]
    assert (damaged.cause, damaged.url) == ("invalid UTF-8 at byte 3 of the record's text", "http://x/2")


def test_a_limit_leaves_the_rest_as_one_skipped_range(tmp_path: Path) -> None:
    (tmp_path / "a.warc").write_bytes(b"".join(map(response, range(5))))
    found = chunks(tmp_path, limit=2)
    assert len(documents(found)) == 2
    assert {name: sum(chunk.counts.skipped.get(name, 0) for chunk in found) for name in ("limit",)} == {"limit": 1}
