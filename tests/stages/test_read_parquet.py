"""Parquet to documents: columns keep their names, plain types and every row."""

from __future__ import annotations

import datetime
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from stages.document import document_id, is_plain
from stages.errors import PipelineError
from stages.read import Chunk, Read, list_inputs, plan_splits, read_split, source_schema


def chunks(folder: Path, *, rows: int = 100, size: int = 2**20, **fields: Any) -> list[Chunk]:
    read = Read(paths=str(folder), **fields)
    files = list_inputs(read)
    schema = source_schema(read, files)
    assert all(is_plain(kind.type) and kind.nullable for kind in schema)
    return [
        chunk
        for split in plan_splits(read, files)
        for chunk in read_split(read, "main", schema, split, batch_rows=rows, batch_bytes=size)
    ]


def documents(found: list[Chunk]) -> list[dict[str, Any]]:
    return [row for chunk in found for row in chunk.rows.to_pylist()]


def write(folder: Path, columns: dict[str, Any], name: str = "a.parquet", **options: Any) -> None:
    pq.write_table(pa.table(columns), folder / name, **options)


def test_rows_become_documents_known_by_their_number(tmp_path: Path) -> None:
    write(tmp_path, {"id": [7, 8], "text": ["a", "b"], "stars": [1, 2]})
    rows = documents(chunks(tmp_path, license="CC0"))
    assert [row["id"] for row in rows] == [document_id("main", "a.parquet", str(row)) for row in (0, 1)]
    assert [(row["source_id"], row["stars"], row["license"]) for row in rows] == [("7", 1, "CC0"), ("8", 2, "CC0")]
    assert [(row["_offset"], row["_length"], row["file_path"]) for row in rows] == [
        (0, 1, "a.parquet"),
        (1, 1, "a.parquet"),
    ]


def test_names_that_textmill_gives_itself_are_moved_aside(tmp_path: Path) -> None:
    write(
        tmp_path,
        {"content": ["a"], "id": ["x"], "file_path": ["s3://w"], "_rank": [1], "source": ["s"], "url": [["u"]]},
    )
    [row] = documents(chunks(tmp_path, id=None))
    assert (row["text"], row["input_id"], row["input_file_path"], row["input_rank"]) == ("a", "x", "s3://w", 1)
    assert (row["file_path"], row["source"], row["input_url"]) == ("a.parquet", "s", ["u"])


def test_foreign_types_become_plain_ones(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "text": pa.array(["a"], pa.large_string()),
            "day": pa.array([datetime.date(2024, 1, 2)]),
            "date": pa.array([datetime.datetime(2024, 1, 2, 3)], pa.timestamp("us")),
            "small": pa.array([5], pa.uint8()),
            "price": pa.array([Decimal("1.50")]),
            "kind": pa.array(["x"]).dictionary_encode(),
            "language_score": pa.array([0.5], pa.float64()),
            "tags": pa.array([["p"]], pa.large_list(pa.string())),
        },
    )
    [row] = documents(chunks(tmp_path))
    assert (row["day"], row["date"], row["small"]) == ("2024-01-02", "2024-01-02 03:00:00.000000", 5)
    assert (row["price"], row["kind"], row["language_score"], row["tags"]) == ("1.50", "x", 0.5, ["p"])


def test_metadata_is_json_text_however_it_comes(tmp_path: Path) -> None:
    write(tmp_path, {"text": ["a"], "metadata": [{"b": [1], "a": datetime.date(2024, 1, 2)}]}, "a.parquet")
    write(tmp_path, {"text": ["a"], "metadata": pa.array([[("k", 1)]], pa.map_(pa.string(), pa.int64()))}, "b.parquet")
    write(tmp_path, {"text": ["a"], "metadata": ['{"z": 1}']}, "c.parquet")
    write(tmp_path, {"text": ["a"]}, "d.parquet")
    found = [row["metadata"] for row in documents(chunks(tmp_path))]
    assert found == ['{"a":"2024-01-02","b":[1]}', '{"k":1}', '{"z": 1}', None]


def test_a_row_without_text_is_damaged(tmp_path: Path) -> None:
    write(tmp_path, {"text": ["a", None, "b", None], "url": ["1", "2", "3", "4"]})
    found = chunks(tmp_path, rows=1)
    assert [row["_offset"] for row in documents(found)] == [0, 2]
    damaged = [damage for chunk in found for damage in chunk.damaged]
    assert [(one.offset, one.length, one.url, one.cause) for one in damaged] == [
        (1, 1, "2", "the text is null"),
        (3, 1, "4", "the text is null"),
    ]
    assert damaged[0].id == document_id("main", "a.parquet", "1")


def test_batches_hold_no_more_than_asked(tmp_path: Path) -> None:
    write(tmp_path, {"text": ["x" * size for size in (10, 10, 500, 60, 50, 10)]}, row_group_size=4)
    assert [chunk.rows.num_rows for chunk in chunks(tmp_path, size=100)] == [2, 1, 1, 2]
    assert [chunk.rows.num_rows for chunk in chunks(tmp_path, rows=4, size=2**20)] == [4, 2]


def test_files_are_unified_by_name(tmp_path: Path) -> None:
    write(tmp_path, {"text": ["a"], "n": pa.array([1], pa.int32()), "void": pa.nulls(1)}, "a.parquet")
    write(tmp_path, {"n": pa.array([2**40]), "content": ["b"], "void": ["x"]}, "b.parquet")
    rows = documents(chunks(tmp_path))
    assert [(row["text"], row["n"], row["void"]) for row in rows] == [("a", 1, None), ("b", 2**40, "x")]


def test_contradicting_types_name_both_files(tmp_path: Path) -> None:
    write(tmp_path, {"text": ["a"], "n": [1]}, "a.parquet")
    write(tmp_path, {"text": ["a"], "n": ["1"]}, "b.parquet")
    with pytest.raises(PipelineError, match=r"b\.parquet.*`n` is string, but int64 in .*a\.parquet"):
        chunks(tmp_path)


def test_a_table_without_text_is_refused_with_its_columns(tmp_path: Path) -> None:
    write(tmp_path, {"body": ["a"], "n": [1]})
    with pytest.raises(PipelineError, match=r"columns body, n\n.*text: body"):
        chunks(tmp_path)
    assert documents(chunks(tmp_path, text="body"))[0]["text"] == "a"
    with pytest.raises(PipelineError, match="`n` is int64, not string"):
        chunks(tmp_path, text="n")


def test_an_id_with_a_column_of_its_own_keeps_it(tmp_path: Path) -> None:
    write(tmp_path, {"text": ["a"], "url": ["u"], "id": ["x"]})
    [row] = documents(chunks(tmp_path, id="url"))
    assert (row["source_id"], row["url"], row["input_id"]) == ("u", "u", "x")


def test_tables_are_read_from_urls() -> None:
    import fsspec

    with fsspec.filesystem("memory").open("/tables/a.parquet", "wb") as file:
        pq.write_table(pa.table({"text": ["a", "b"]}), file)
    read = Read(paths="memory://tables/*.parquet")
    files = list_inputs(read)
    [split] = plan_splits(read, files)
    found = list(read_split(read, "main", source_schema(read, files), split, batch_rows=9, batch_bytes=99))
    assert [row["text"] for row in documents(found)] == ["a", "b"]


def test_pages_as_bytes_wait_for_extraction(tmp_path: Path) -> None:
    write(tmp_path, {"content": [b"<p>a", b"<p>b"], "url": ["1", "2"]})
    rows = documents(chunks(tmp_path))
    assert [row["content"] for row in rows] == [b"<p>a", b"<p>b"]
    assert "text" not in rows[0]


def test_a_file_cut_short_is_refused_at_plan_time(tmp_path: Path) -> None:
    write(tmp_path, {"text": ["a"] * 1000})
    path = tmp_path / "a.parquet"
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(PipelineError, match="no readable Parquet file"):
        list_inputs(Read(paths=str(tmp_path)))


def test_a_damaged_row_group_costs_only_itself(tmp_path: Path) -> None:
    texts = [json.dumps([at, "x" * at]) for at in range(300)]
    write(tmp_path, {"text": texts}, row_group_size=100, compression="zstd", use_dictionary=False)
    path = tmp_path / "a.parquet"
    column = pq.read_metadata(path).row_group(1).column(0)
    data = bytearray(path.read_bytes())
    data[column.data_page_offset + 200 : column.data_page_offset + 300] = bytes(100)
    path.write_bytes(bytes(data))
    found = chunks(tmp_path)
    assert [row["_offset"] for row in documents(found)] == [*range(100), *range(200, 300)]
    [damaged] = [damage for chunk in found for damage in chunk.damaged]
    assert (damaged.offset, damaged.length) == (100, 100)
    assert damaged.cause.startswith("row group 1 cannot be decoded")
