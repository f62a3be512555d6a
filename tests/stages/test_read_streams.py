"""Packed files: everything before the damage comes out, and the damage has a place."""

from __future__ import annotations

import bz2
import gzip
import io
import random
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard

from stages.read import Damaged, Read, list_inputs, plan_splits, read_split, source_schema
from stages.read.streams import UnpackedStream

PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "bzip2": lambda data: bz2.compress(data, 1),
    "zstd": zstandard.compress,
}
LINES = [b'{"text": "%d %d"}\n' % (at, random.Random(at).getrandbits(400)) for at in range(5000)]


def read_all(path: Path) -> tuple[list[str], list[Damaged]]:
    read = Read(paths=str(path))
    files = list_inputs(read)
    schema = source_schema(read, files)
    found = [
        chunk
        for split in plan_splits(read, files)
        for chunk in read_split(read, "main", schema, split, batch_rows=100, batch_bytes=2**20)
    ]
    texts = [text for chunk in found for text in chunk.rows["text"].to_pylist()]
    return texts, [damaged for chunk in found for damaged in chunk.damaged]


@pytest.mark.parametrize("packing", PACKERS)
def test_members_in_a_row_are_one_stream(tmp_path: Path, packing: str) -> None:
    path = tmp_path / "a.jsonl"  # the name need not say how it is packed
    path.write_bytes(b"".join(PACKERS[packing](b"".join(LINES[at : at + 2500])) for at in (0, 2500)) + bytes(600))
    texts, damaged = read_all(path)
    assert len(texts) == 5000
    assert damaged == []


@pytest.mark.parametrize("packing", PACKERS)
def test_a_cut_stream_gives_all_that_is_there(tmp_path: Path, packing: str) -> None:
    path = tmp_path / "a.jsonl.packed"
    whole = PACKERS[packing](b"".join(LINES))
    path.write_bytes(whole[: len(whole) * 3 // 4])
    texts, [damaged] = read_all(path)
    assert texts == [line[10:-3].decode() for line in LINES[: len(texts)]]
    assert len(texts) > 1000
    assert damaged.cause == f"the {packing} stream ends before its end mark"
    assert damaged.offset == path.stat().st_size


@pytest.mark.parametrize("packing", PACKERS)
def test_a_damaged_stream_gives_what_comes_before(tmp_path: Path, packing: str) -> None:
    path = tmp_path / "a.jsonl"
    first, second = PACKERS[packing](b"".join(LINES[:3000])), PACKERS[packing](b"".join(LINES[3000:]))
    path.write_bytes(first + b"garbage" + second)
    texts, [damaged] = read_all(path)
    assert len(texts) == 3000
    assert (damaged.offset, damaged.offset + damaged.length) == (len(first), path.stat().st_size)
    assert damaged.cause.startswith(f"the {packing} stream is damaged")


def test_damage_within_a_block_loses_nothing_before_it() -> None:
    data = bytearray(gzip.compress(b"".join(LINES)))
    at = len(data) // 2
    data[at : at + 50] = bytes(50)
    stream = UnpackedStream(io.BytesIO(bytes(data)), "gzip")
    out = b"".join(stream)
    assert stream.broken is not None
    assert at <= stream.broken.offset < len(data)
    intact = len(b"".join(LINES)) * 4 // 10
    assert out[:intact] == b"".join(LINES)[:intact]


def test_what_a_small_file_unpacks_to_comes_in_bounded_blocks() -> None:
    stream = UnpackedStream(io.BytesIO(gzip.compress(bytes(50 * 2**20))), "gzip")
    sizes = [len(block) for block in stream]
    assert sum(sizes) == 50 * 2**20
    assert max(sizes) <= 2**20
