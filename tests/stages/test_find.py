"""Streams sorted by key are cut into whole groups, wherever their batches end."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby, pairwise

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from stages.find import grouped, groups, part_of

KEYS = st.lists(st.tuples(st.integers(0, 2), st.integers(0, 3)), max_size=40).map(sorted)
CUTS = st.lists(st.integers(0, 40))


def stream(keys: Sequence[tuple[int, int]], cuts: Sequence[int]) -> Iterator[pa.RecordBatch]:
    edges = sorted({0, len(keys), *(cut for cut in cuts if cut <= len(keys))})
    for start, end in pairwise(edges):
        rows = keys[start:end]
        columns = {"_part": [key[0] for key in rows], "key": [key[1] for key in rows], "row": list(range(start, end))}
        yield pa.record_batch({name: pa.array(values, pa.int64()) for name, values in columns.items()})
        yield pa.record_batch({name: pa.array([], pa.int64()) for name in columns})


@given(KEYS, CUTS)
def test_groups_are_whole_and_in_order(keys: list[tuple[int, int]], cuts: list[int]) -> None:
    found = [group["row"].to_pylist() for group in groups(stream(keys, cuts), ["_part", "key"])]
    assert found == [list(rows) for _, rows in groupby(range(len(keys)), key=lambda row: keys[row])]


@given(KEYS, CUTS)
def test_grouped_gives_the_same_groups_with_their_borders(keys: list[tuple[int, int]], cuts: list[int]) -> None:
    found = []
    for batch, edges in grouped(stream(keys, cuts), ["_part", "key"]):
        assert (edges[0], edges[-1]) == (0, batch.num_rows)
        found += [batch["row"][start:end].to_pylist() for start, end in pairwise(edges)]
    assert found == [group["row"].to_pylist() for group in groups(stream(keys, cuts), ["_part", "key"])]


def test_parts_spread_regular_keys_evenly() -> None:
    for step in (1, 7, 1 << 20):
        counts = np.bincount(part_of(np.arange(7000, dtype=np.int64) * step, 7).to_numpy(), minlength=7)
        assert counts.min() > 800
