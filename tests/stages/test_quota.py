"""Quotas over documents in a fixed random order: exact, whatever the sizes, and the same for any cut into batches."""

from __future__ import annotations

from hashlib import blake2b

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.hashing import hash_ids
from stages.quota import SIZED, Quotas
from tests.dedup.conftest import MemoryFrame, recut


def sized(sizes: list[tuple[int, int]], cut: int) -> tuple[MemoryFrame, pa.Table]:
    ids = [blake2b(str(number).encode(), digest_size=16).hexdigest() for number in range(len(sizes))]
    group, size = [one for one, _ in sizes], [one for _, one in sizes]
    table = pa.table([list(range(len(sizes))), ids, group, size], schema=SIZED)
    half = len(sizes) // 2
    streams = [recut(part.to_batches(), SIZED, cut) for part in (table.slice(0, half), table.slice(half))]
    return MemoryFrame(SIZED, streams, cut), table


def longest_beginning(table: pa.Table, group: int, quota: int, seed: int) -> set[str]:
    """By going through the order document by document."""
    rows = zip(hash_ids(table["id"].combine_chunks(), seed).tolist(), *(table[n].to_pylist() for n in SIZED.names[1:]))
    taken: set[str] = set()
    held = 0
    for _, name, of, size in sorted(rows):
        if of == group:
            held += size
            if held > quota:
                break
            taken.add(name)
    return taken


@given(
    sizes=st.lists(st.tuples(st.integers(-1, 2), st.integers(0, 50)), max_size=80),
    quotas=st.tuples(*[st.integers(0, 900)] * 3),
    seed=st.integers(0, 3),
    cut=st.integers(1, 9),
)
def test_a_quota_takes_the_longest_beginning_of_the_order_that_fits(
    sizes: list[tuple[int, int]], quotas: tuple[int, int, int], seed: int, cut: int
) -> None:
    frame, table = sized(sizes, cut)

    edges = Quotas(frame, 3, seed).edges(quotas)

    ids = table["id"].combine_chunks()
    keys = hash_ids(ids, seed)
    for group, (edge, quota) in enumerate(zip(edges, quotas)):
        mine = edge.admits(keys, ids) & (table["group"].to_numpy() == group)
        taken = {ids[at].as_py() for at in np.flatnonzero(mine).tolist()}
        assert taken == longest_beginning(table, group, quota, seed)
        assert (edge.documents, edge.size) == (len(taken), int(table["size"].to_numpy()[mine].sum()))


def test_a_larger_quota_takes_all_that_a_smaller_one_takes() -> None:
    frame, table = sized([(0, 10)] * 500, 7)
    ids = table["id"].combine_chunks()

    small, large = (Quotas(frame, 1, 0).edges([quota])[0].admits(hash_ids(ids, 0), ids) for quota in (800, 2400))

    assert (small.sum(), large.sum()) == (80, 240)
    assert not (small & ~large).any()


@pytest.mark.parametrize("quota", [10, 20])
def test_documents_of_one_id_are_taken_together_or_not_at_all(quota: int) -> None:
    table = pa.table([[0, 1], ["a" * 32, "a" * 32], [0, 0], [10, 10]], schema=SIZED)
    frame = MemoryFrame(SIZED, [table.to_batches()], 3)

    edge = Quotas(frame, 1, 0).edges([quota])[0]

    ids = table["id"].combine_chunks()
    assert edge.admits(hash_ids(ids, 0), ids).tolist() == [quota == 20] * 2
    assert edge.size == (20 if quota == 20 else 0)
