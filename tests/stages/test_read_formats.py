"""HTML, plain text, CSV and TSV to documents."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import pytest

from stages.document import document_id
from stages.errors import PipelineError
from stages.read import Chunk, Damaged, Read, list_inputs, plan_splits, read_split, source_schema


def chunks(path: Path, *, rows: int = 100, **fields: Any) -> list[Chunk]:
    read = Read(paths=str(path), **fields)
    files = list_inputs(read)
    schema = source_schema(read, files)
    return [
        chunk
        for split in plan_splits(read, files)
        for chunk in read_split(read, "main", schema, split, batch_rows=rows, batch_bytes=2**20)
    ]


def documents(found: list[Chunk]) -> list[dict[str, Any]]:
    return [row for chunk in found for row in chunk.rows.to_pylist()]


def damages(found: list[Chunk]) -> list[Damaged]:
    return [damaged for chunk in found for damaged in chunk.damaged]


def test_a_page_is_one_document_of_bytes(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "b.html").write_bytes(b"<p>\xff")
    (tmp_path / "sub/a.htm.gz").write_bytes(gzip.compress(b"<p>a"))
    found = chunks(tmp_path)
    assert len(found) == 1  # small files share a batch
    rows = documents(found)
    assert [row["content"] for row in rows] == [b"<p>\xff", b"<p>a"]
    assert [row["content_type"] for row in rows] == ["text/html"] * 2
    assert rows[1]["id"] == document_id("main", "sub/a.htm.gz", "")


def test_a_text_file_is_one_document(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"\xef\xbb\xbfGr\xc3\xbc\xc3\x9fe\r\n")
    (tmp_path / "b.txt").write_bytes(b"")
    assert [row["text"] for row in documents(chunks(tmp_path))] == ["Grüße\r\n", ""]


def test_a_text_file_that_cannot_be_read_is_damaged_whole(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"caf\xe9")
    (tmp_path / "b.txt").write_bytes(b"x" * 101)
    (tmp_path / "c.txt").write_bytes(gzip.compress(b"hello world")[:-3])
    (tmp_path / "d.txt").write_bytes(b"fine")
    found = chunks(tmp_path, max_record_bytes=100)
    assert [row["text"] for row in documents(found)] == ["fine"]
    causes = [damaged.cause for damaged in damages(found)]
    assert "invalid UTF-8 at byte 3" in causes[0]
    assert "larger than max_record_bytes" in causes[1]
    assert "ends before its end mark" in causes[2]
    assert [(damaged.offset, damaged.length) for damaged in damages(found)] == [(0, 4), (0, 101), (0, 28)]


def test_pages_and_texts_in_one_source_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("x")
    (tmp_path / "b.html").write_text("x")
    with pytest.raises(PipelineError, match="read them as two sources"):
        chunks(tmp_path)


def test_a_readme_among_data_is_no_document(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("x")
    (tmp_path / "b.csv").write_text("text\nx\n")
    with pytest.raises(PipelineError, match=r"README\.md: is a text file among .*b\.csv[\s\S]*format: csv"):
        chunks(tmp_path)
    assert len(documents(chunks(tmp_path, format="csv"))) == 1


def test_csv_rows_are_documents_with_numbers(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b'\xef\xbb\xbfid,text,url,n\r\n1,"a ""b"",\r\nc",,5\r\n\r\n2,,u,\r\n')
    found = chunks(tmp_path, columns={"n": "int64"})
    rows = documents(found)
    assert [(row["source_id"], row["text"], row["url"], row["n"]) for row in rows] == [
        ("1", 'a "b",\r\nc', None, 5),
        ("2", "", "u", None),
    ]
    assert [row["_offset"] for row in rows] == [0, 2]
    assert found[0].counts.skipped == {"blank": 1}


def test_tsv_and_packed_csv_are_read(tmp_path: Path) -> None:
    (tmp_path / "a.tsv").write_text("text\tdate\nx, y\t2024\n")
    (tmp_path / "b.csv.gz").write_bytes(gzip.compress(b"text,date\nz,2025\n"))
    assert [(row["text"], row["date"]) for row in documents(chunks(tmp_path))] == [("x, y", "2024"), ("z", "2025")]


@pytest.mark.parametrize(
    ("row", "cause"),
    [
        (b"only one", "the row has 1 fields, the header has 2"),
        (b"a,b,c", "the row has 3 fields, the header has 2"),
        (b"caf\xe9,1", "invalid UTF-8 at byte 3"),
        (b'"a"b,1', "broken CSV"),
        (b"a,x", "`n` is no int64: x"),
        (b"a,99999999999999999999", "`n` is no int64: 9"),
        (b"x" * 5000 + b",1", "the line is larger than max_record_bytes"),
    ],
)
def test_a_broken_row_is_damaged_and_reading_goes_on(tmp_path: Path, row: bytes, cause: str) -> None:
    (tmp_path / "a.csv").write_bytes(b"text,n\nfirst,1\n" + row + b"\nlast,2\n")
    found = chunks(tmp_path, columns={"n": "int64"}, max_record_bytes=1000)
    assert [row["text"] for row in documents(found)] == ["first", "last"]
    [damaged] = damages(found)
    assert damaged.cause.startswith(cause)
    assert (damaged.offset, damaged.length) == (1, 1)


def test_a_quote_never_closed_swallows_no_more_than_a_record(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b'text,n\na,1\n"b,2\n' + b"c,3\n" * 1000)
    found = chunks(tmp_path, max_record_bytes=100)
    assert damages(found)[0].cause.startswith("broken CSV")
    assert 900 < len(documents(found)) < 1000


def test_a_broken_packed_csv_gives_the_rows_before(tmp_path: Path) -> None:
    data = gzip.compress(b"text,n\n" + b"".join(b"row %d,%d\n" % (at, at * at) for at in range(3000)))
    (tmp_path / "a.csv.gz").write_bytes(data[:-200])
    found = chunks(tmp_path)
    assert len(documents(found)) > 2000
    assert [damaged.cause for damaged in damages(found)] == ["the gzip stream ends before its end mark"]


def test_csv_without_names_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"")
    with pytest.raises(PipelineError, match="no header line"):
        chunks(tmp_path)
    (tmp_path / "a.csv").write_bytes(b"text,n,n\n")
    with pytest.raises(PipelineError, match="names a column twice: n"):
        chunks(tmp_path)


@pytest.mark.parametrize("limit", [0, 1, 2, 3])
def test_a_limit_stops_every_format_at_the_document(tmp_path: Path, limit: int) -> None:
    from dataclasses import replace

    (tmp_path / "a.csv").write_bytes(b"text\na\n\nb\n\nc\n")
    read = Read(paths=str(tmp_path))
    files = list_inputs(read)
    [split] = plan_splits(read, files)
    schema = source_schema(read, files)
    found = list(read_split(read, "main", schema, replace(split, limit=limit), batch_rows=9, batch_bytes=99))
    assert [row["text"] for row in documents(found)] == ["a", "b", "c"][:limit]
    assert sum(chunk.counts.files["a.csv"].extent for chunk in found) == files[0].size
