"""Splits: cut by data and settings alone, and every document is in exactly one of them."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import given, settings
from hypothesis import strategies as st

from stages.read import (
    Chunk,
    Read,
    ReadCounts,
    Split,
    full_extent,
    limit_splits,
    list_inputs,
    plan_splits,
    read_split,
    source_schema,
)

LINES = st.lists(
    st.one_of(
        st.text(max_size=30).map(lambda text: json.dumps({"text": text}).encode()),
        st.sampled_from([b"", b"{", b'{"text": 1}', b"\xff", b"[]"]),
    ),
    max_size=30,
)


def read_all(read: Read, splits: tuple[Split, ...] | None = None, rows: int = 100, size: int = 2**20) -> list[Chunk]:
    files = list_inputs(read)
    schema = source_schema(read, files)
    return [
        chunk
        for split in (plan_splits(read, files) if splits is None else splits)
        for chunk in read_split(read, "main", schema, split, batch_rows=rows, batch_bytes=size)
    ]


def outcome(found: list[Chunk]) -> tuple[object, ...]:
    rows = [row for chunk in found for row in chunk.rows.to_pylist()]
    counts = ReadCounts()
    for chunk in found:
        counts = counts.plus(chunk.counts)
    return rows, [damaged for chunk in found for damaged in chunk.damaged], counts


def pieces(read: Read) -> list[list[tuple[str, int, int]]]:
    splits = plan_splits(read, list_inputs(read))
    return [[(piece.file.locator, piece.start, piece.end) for piece in split.pieces] for split in splits]


@settings(max_examples=60, deadline=None)
@given(LINES, st.integers(1, 200), st.integers(1, 5), st.integers(1, 60), st.booleans())
def test_any_cut_gives_the_same_documents(
    lines: list[bytes], split_size: int, rows: int, size: int, ends: bool
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.jsonl"
        path.write_bytes(b"\n".join(lines) + (b"\n" if ends else b""))
        whole = outcome(read_all(Read(paths=str(path))))
        parts = outcome(read_all(Read(paths=str(path), split_size=split_size), rows=rows, size=size))
        assert parts == whole
        assert isinstance(parts[2], ReadCounts)
        assert parts[2].files["a.jsonl"].extent == path.stat().st_size


@settings(max_examples=40, deadline=None)
@given(LINES, st.integers(0, 12), st.integers(1, 200), st.integers(1, 5))
def test_a_limit_takes_the_first_documents_whatever_the_batches(
    lines: list[bytes], limit: int, split_size: int, rows: int
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "a.jsonl").write_bytes(b"\n".join(lines))
        read = Read(paths=folder, split_size=split_size)
        files = list_inputs(read)
        schema = source_schema(read, files)
        splits = limit_splits(read, "main", schema, plan_splits(read, files), limit)
        limited = outcome(read_all(read, splits, rows=rows))
        all_rows = outcome(read_all(read))[0]
        assert isinstance(all_rows, list)
        assert limited[0] == all_rows[:limit]
        assert limited == outcome(read_all(read, splits, rows=99))
        assert isinstance(limited[2], ReadCounts)
        assert limited[2].files["a.jsonl"].extent == files[0].size


def test_small_files_join_until_the_split_is_full(tmp_path: Path) -> None:
    for name, size in (("a", 40), ("b", 40), ("c", 40), ("d", 100), ("e", 0)):
        (tmp_path / f"{name}.txt").write_bytes(b"x" * size)
    found = pieces(Read(paths=str(tmp_path), split_size=100))
    assert [[name for name, _, _ in split] for split in found] == [["a.txt", "b.txt"], ["c.txt"], ["d.txt", "e.txt"]]


def test_large_json_lines_are_cut_at_line_starts(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes(b"".join(b"%09d\n" % at for at in range(10)))
    assert pieces(Read(paths=str(tmp_path), split_size=25)) == [
        [("a.jsonl", 0, 30)],
        [("a.jsonl", 30, 50)],
        [("a.jsonl", 50, 80)],
        [("a.jsonl", 80, 100)],
    ]


def test_large_parquet_is_cut_between_row_groups(tmp_path: Path) -> None:
    pq.write_table(pa.table({"text": [f"text {at}" for at in range(100)]}), tmp_path / "a.parquet", row_group_size=10)
    read = Read(paths=str(tmp_path), split_size=500)
    cuts = [split[0] for split in pieces(read)]
    assert len(cuts) > 2
    assert [end for _, _, end in cuts] == [*(start for _, start, _ in cuts[1:]), 10]
    assert outcome(read_all(read))[0] == outcome(read_all(Read(paths=str(tmp_path))))[0]


def test_every_file_is_covered_by_its_counts(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("text\none\n")
    (tmp_path / "b.jsonl").write_text('{"text": "two"}\n')
    pq.write_table(pa.table({"text": ["three", None]}), tmp_path / "c.parquet")
    read = Read(paths=str(tmp_path))
    counts = outcome(read_all(read))[2]
    assert isinstance(counts, ReadCounts)
    assert {name: found.extent for name, found in counts.files.items()} == {
        file.locator: full_extent(file) for file in list_inputs(read)
    }
