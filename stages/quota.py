"""Admitting documents by a random but fixed order until a quota is full: which ones depends on seed and ids alone.

The order is that of (hash of seed and id, id). A quota of n admits the longest beginning of it whose sizes add up to at
most n. It is found exactly and without bringing documents together: sizes are summed by the first ten bits of the hash,
so the driver sees a thousand sums per group, and then just the documents of the one bin in which the quota ends.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from stages.find import PART, Frame, groups
from stages.hashing import hash_ids

SIZED: Final = pa.schema([("place", pa.int64()), ("id", pa.string()), ("group", pa.int32()), ("size", pa.int64())])
"""What a quota is held against: each document's group (from 0 on; below 0: no quota's) and size in the quota's unit."""

BINS: Final = 1024
_SUMS: Final = pa.schema([(PART, pa.int32()), ("group", pa.int32()), ("bin", pa.int32()), ("rows", pa.int64()),
                          ("size", pa.int64())])  # fmt: skip
_BORDER: Final = pa.schema([*SIZED, ("key", pa.int64())])


@dataclass(frozen=True, slots=True)
class Total:
    """A group's documents in number and in size."""

    documents: int
    size: int


@dataclass(frozen=True, slots=True)
class Edge:
    """The last document that a quota admits, by (key, id), with how much was admitted; key -1 admits none."""

    key: int
    id: str
    documents: int
    size: int

    def admits(self, keys: npt.NDArray[np.uint64], ids: pa.StringArray) -> npt.NDArray[np.bool_]:
        """Whether each document stands at or before the edge."""
        if self.key < 0:
            return np.zeros(len(keys), np.bool_)
        inside = keys < np.uint64(self.key)
        at = keys == np.uint64(self.key)
        if at.any():
            inside |= at & pc.less_equal(ids, self.id).to_numpy(zero_copy_only=False)
        return np.asarray(inside, np.bool_)

    @property
    def share(self) -> float:
        """Where the edge lies in the order, from 0 to 1."""
        return place_in_order(self.key) if self.key >= 0 else 0.0


def place_in_order(key: int) -> float:
    """A key as a share of all keys."""
    return key / 2**64


class Quotas:
    """Sizes of groups of documents, and where quotas over them end. `sized`: rows of SIZED; `groups`: how many."""

    def __init__(self, sized: Frame, groups: int, seed: int) -> None:
        self.sized = sized
        self.seed = seed
        sums = sized.map(SumBins(seed), _SUMS).shuffle(1, ["group", "bin", "rows", "size"]).map(AddBins(), _SUMS)
        table = sums.collect()
        self._rows = np.zeros((groups, BINS), np.int64)
        self._size = np.zeros((groups, BINS), np.int64)
        at = (table["group"].to_numpy(), table["bin"].to_numpy())
        np.add.at(self._rows, at, table["rows"].to_numpy())
        np.add.at(self._size, at, table["size"].to_numpy())

    def totals(self) -> list[Total]:
        """All there is of each group."""
        return [Total(int(rows), int(size)) for rows, size in zip(self._rows.sum(1), self._size.sum(1))]

    def edges(self, quotas: Sequence[int]) -> list[Edge]:
        """Where each group's quota ends."""
        ends = np.cumsum(self._size, axis=1)
        # The first bin that does not fit whole; a group that fits altogether ends in no bin.
        bins = tuple(int(np.searchsorted(ends[group], quota, side="right")) for group, quota in enumerate(quotas))
        border = self.sized.map(PickBins(self.seed, bins), _BORDER).collect()
        return [self._edge(group, quota, bins[group], border) for group, quota in enumerate(quotas)]

    def _edge(self, group: int, quota: int, last: int, border: pa.Table) -> Edge:
        documents, size = int(self._rows[group, :last].sum()), int(self._size[group, :last].sum())
        if last == BINS:
            return Edge(2**64 - 1, "g", documents, size)  # behind every id, which is made of hex digits
        mine = border.filter(pc.equal(border["group"], group))
        order = np.lexsort((mine["id"].to_numpy(zero_copy_only=False), mine["key"].to_numpy().view(np.uint64)))
        mine = mine.take(pa.array(order))
        fits = int(np.searchsorted(size + np.cumsum(mine["size"].to_numpy()), quota, side="right"))
        # Ids repeat where streams of one source meet again: what has one id is admitted together or not at all.
        while 0 < fits < len(mine) and mine["id"][fits - 1] == mine["id"][fits]:
            fits -= 1
        if fits:
            sizes = mine["size"].to_numpy()[:fits]
            key = int(mine["key"].to_numpy().view(np.uint64)[fits - 1])
            return Edge(key, mine["id"][fits - 1].as_py(), documents + fits, size + int(sizes.sum()))
        below = last * (2**64 // BINS) - 1  # the end of the bin before, if there is one
        return Edge(below, "g", documents, size)


def bin_of(keys: npt.NDArray[np.uint64]) -> npt.NDArray[np.int32]:
    """The bin of each key: its first ten bits."""
    return (keys >> np.uint64(54)).astype(np.int32)


@dataclass(frozen=True, slots=True)
class SumBins:
    """Documents to sums by group and bin, one batch at a time."""

    seed: int

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            batch = batch.filter(pc.greater_equal(batch["group"], 0))
            if batch.num_rows:
                bins = pa.array(bin_of(hash_ids(batch["id"], self.seed)))
                table = pa.table({"group": batch["group"], "bin": bins, "size": batch["size"]})
                yield from _summed(table, [("size", "count"), ("size", "sum")])


@dataclass(frozen=True, slots=True)
class AddBins:
    """Sums of sums."""

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for group in groups(batches, ["group"]):
            yield from _summed(pa.Table.from_batches([group]), [("rows", "sum"), ("size", "sum")])


def _summed(table: pa.Table, sums: list[tuple[str, str]]) -> Iterator[pa.RecordBatch]:
    found = table.group_by(["group", "bin"], use_threads=False).aggregate(sums).combine_chunks()
    names = ["_".join(one) for one in sums]
    columns = [pa.array(np.zeros(found.num_rows, np.int32)), found["group"], found["bin"], *(found[n] for n in names)]
    yield from pa.Table.from_arrays(columns, names=_SUMS.names).cast(_SUMS).to_batches()


@dataclass(frozen=True, slots=True)
class PickBins:
    """The documents of one bin of each group, with their keys."""

    seed: int
    bins: tuple[int, ...]

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        wanted = np.array(self.bins, np.int32)
        for batch in batches:
            batch = batch.select(SIZED.names).filter(pc.greater_equal(batch["group"], 0))
            keys = hash_ids(batch["id"], self.seed)
            mine = pa.array(bin_of(keys) == wanted[batch["group"].to_numpy()])
            rows = batch.append_column("key", pa.array(keys.view(np.int64))).filter(mine)
            if rows.num_rows:
                yield rows
