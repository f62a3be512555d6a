"""Documents at rest: cut into files and row groups by rows alone, and read as their findings say."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs import rest
from jobs.overlay import Reading, read_rest
from jobs.rest import ROW, RestPart, RestWriter
from jobs.steps import shards
from jobs.store import LocalStore
from stages.find import FINDING

SCHEMA = pa.schema([("id", pa.string()), ("text", pa.string())])
READING = Reading(SCHEMA, 7, 1 << 30)
SIZES = st.lists(st.integers(0, 60), min_size=1, max_size=60)


@pytest.fixture(autouse=True, scope="module")
def small_limits() -> Any:
    """Files of 200 bytes of text and row groups of 5 rows, so that small data crosses every border."""
    patch = pytest.MonkeyPatch()
    patch.setattr(rest, "FILE_TEXT", 200)
    patch.setattr(rest, "_GROUP_ROWS", 5)
    yield
    patch.undo()


def documents(sizes: Sequence[int]) -> pa.RecordBatch:
    texts = [chr(ord("a") + at % 26) * size for at, size in enumerate(sizes)]
    return pa.record_batch([pa.array([str(at) for at in range(len(texts))]), pa.array(texts)], schema=SCHEMA)


def written(folder: str, sizes: Sequence[int], cuts: Sequence[int]) -> tuple[LocalStore, list[dict[str, Any]]]:
    store = LocalStore(Path(folder))
    writer = RestWriter(store, "part", "00000000", SCHEMA)
    batch, start = documents(sizes), 0
    for end in [*sorted({cut for cut in cuts if cut < len(sizes)}), len(sizes)]:
        writer.add(batch.slice(start, end - start))
        start = end
    return store, writer.close()


def part_of(file: dict[str, Any], layers: Sequence[str] = ()) -> RestPart:
    return RestPart(file["name"], file["rows"], file["rows"], file["text_bytes"], tuple(layers))


def ids(batches: Any) -> list[str]:
    return [name for batch in batches for name in batch["id"].to_pylist()]


@given(SIZES, st.lists(st.integers(1, 59)))
def test_files_are_cut_at_rows_whatever_the_batches(sizes: list[int], cuts: list[int]) -> None:
    with TemporaryDirectory() as one, TemporaryDirectory() as other:
        store, files = written(one, sizes, cuts)
        _, whole = written(other, sizes, [])
        shape = [(file["rows"], file["text_bytes"]) for file in files]
        assert shape == [(file["rows"], file["text_bytes"]) for file in whole]
        assert all(text <= 200 or rows == 1 for rows, text in shape)
        read = [name for file in files for name in ids(read_rest(store, part_of(file), READING))]
        assert read == [str(at) for at in range(len(sizes))]


@given(SIZES, st.sets(st.integers(0, 59)))
def test_picks_are_read_alone_with_their_columns(sizes: list[int], wanted: set[int]) -> None:
    with TemporaryDirectory() as folder:
        store, files = written(folder, sizes, [])
        rows = sorted(row for row in wanted if row < files[0]["rows"])
        picks = pa.table({ROW: pa.array(rows, pa.int64()), "rank": pa.array([row * 10 for row in rows], pa.int64())})
        read = list(read_rest(store, part_of(files[0]), READING, picks))
        assert ids(read) == [str(row) for row in rows]
        assert [rank for batch in read for rank in batch["rank"].to_pylist()] == [row * 10 for row in rows]


@given(SIZES, st.integers(0, 60))
def test_reading_may_begin_at_any_row(sizes: list[int], start: int) -> None:
    with TemporaryDirectory() as folder:
        store, files = written(folder, sizes, [])
        read = ids(read_rest(store, part_of(files[0]), READING, start=start))
        assert read == [str(row) for row in range(start, files[0]["rows"])]


@given(SIZES, st.dictionaries(st.integers(0, 59), st.sampled_from(["drop", "cut", "tell"])))
def test_findings_drop_cut_and_tell_by_row(sizes: list[int], acts: dict[int, str]) -> None:
    with TemporaryDirectory() as folder:
        store, files = written(folder, sizes, [])
        texts = documents(sizes)["text"].to_pylist()[: files[0]["rows"]]
        found = {row: act for row, act in sorted(acts.items()) if row < len(texts)}
        rows = [
            {
                "rule": None if act == "tell" else act,
                "cuts": [0, len(texts[row]) // 2]
                if act == "cut" and len(texts[row]) > 1
                else ([] if act == "cut" else None),
                "seen": row,
                ROW: row,
            }
            for row, act in found.items()
        ]
        schema = pa.schema([(ROW, pa.int64()), *[one for one in FINDING if one.name != "place"], ("seen", pa.int64())])
        pq.write_table(pa.Table.from_pylist(rows, schema=schema), Path(folder) / "layer.parquet")
        reading = Reading(pa.schema([*SCHEMA, ("seen", pa.int64())]), 7, 1 << 30)
        read = [
            row
            for batch in read_rest(store, part_of(files[0], ["layer.parquet"]), reading)
            for row in batch.to_pylist()
        ]
        expected = [
            (
                str(row),
                text[len(text) // 2 :] if found.get(row) == "cut" and len(text) > 1 else text,
                row if row in found else None,
            )
            for row, text in enumerate(texts)
            if found.get(row) != "drop"
        ]
        assert [(row["id"], row["text"], row["seen"]) for row in read] == expected
        assert [row[ROW] for row in read] == [int(row["id"]) for row in read]


@given(SIZES, st.lists(st.integers(1, 59)))
def test_row_groups_of_shards_do_not_depend_on_batches(sizes: list[int], cuts: list[int]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(shards, "GROUP_BYTES", 100)
        patch.setattr(shards, "GROUP_ROWS", 6)
        batch, pieces, start = documents(sizes), [], 0
        for end in [*sorted({cut for cut in cuts if cut < len(sizes)}), len(sizes)]:
            pieces.append(batch.slice(start, end - start))
            start = end
        groups = [table["id"].to_pylist() for table in shards.row_groups(iter(pieces), SCHEMA)]
        assert groups == [table["id"].to_pylist() for table in shards.row_groups(iter([batch]), SCHEMA)]
        assert [name for group in groups for name in group] == [str(at) for at in range(len(sizes))]
        assert all(len(group) <= 6 for group in groups)


@given(SIZES, st.integers(1, 300))
def test_shards_are_planned_greedily_and_cover_every_document(sizes: list[int], limit: int) -> None:
    half, rows = len(sizes) // 2, np.arange(len(sizes), dtype=np.int64)
    parts = [(rows[:half], np.array(sizes[:half], np.int64)), (rows[half:], np.array(sizes[half:], np.int64))]
    plan = shards.plan_group(shards.Group("train"), parts, limit)
    assert plan.counts == (half, len(sizes) - half)
    assert [shard.row for shard in plan.shards] == [0, *np.cumsum([shard.rows for shard in plan.shards])[:-1]]
    assert sum(shard.rows for shard in plan.shards) == len(sizes)
    for shard in plan.shards:
        end = shard.row + shard.rows
        assert shard.file == int(shard.row >= half)
        assert sum(sizes[shard.row : end]) <= limit or shard.rows == 1
        if end < len(sizes):
            assert sum(sizes[shard.row : end + 1]) > limit
