"""From candidates to findings: their sets of shingles meet cluster by cluster, and only what is truly near goes.

A candidate's set travels as sorted 64-bit hashes. The texts stay where they are.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final, TypeVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from dedup.minhash_bands import Shape, keys_of_sets
from stages.find import FINDING, PART, grouped, part_of
from stages.kernels.texts import texts_of

RULE: Final = "near_duplicate"

ADDED: Final[Mapping[str, pa.DataType]] = {"cluster_id": pa.string(), "cluster_size": pa.int64()}
NEAR: Final = pa.schema([*FINDING, *ADDED.items()])

MEMBER: Final = pa.schema(
    [
        (PART, pa.int32()),
        ("cluster", pa.int64()),
        ("rank", pa.int64()),
        ("id", pa.string()),
        ("place", pa.int64()),
        ("keys", pa.binary()),
        ("shingles", pa.binary()),
    ]
)
"""A candidate as it meets the others of its cluster: the survivor rule's rank (smaller survives), its band keys and its
sorted set of shingles, both as 64-bit numbers in the machine's order."""

_JUDGED: Final = pa.schema(
    [
        ("cluster", pa.int64()),
        ("id", pa.string()),
        ("place", pa.int64()),
        ("label", pa.int64()),
        ("similarity", pa.float64()),
    ]
)
"""`label`: the number of the member's survivor. `similarity`: to that survivor; NaN = it is the survivor."""

Number = TypeVar("Number", np.uint64, np.int64)

_log = logging.getLogger("textmill.dedup.minhash")


@dataclass(frozen=True, slots=True)
class Sets:
    """Candidates to rows of MEMBER."""

    shape: Shape
    keep: str
    parts: int

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            if batch.num_rows:
                yield self._members(batch)

    def _members(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        from dedup.kernels.normal_form import normal_form
        from dedup.kernels.shingles import shingle_sets

        texts, form = texts_of(batch["text"]), normal_form()
        lengths = texts.ends - texts.starts
        sets = np.empty(int(lengths.sum()) // 2 + 2 * len(texts), np.uint64)
        edges = np.empty(len(texts) + 1, np.int64)
        written = shingle_sets(
            texts.data, texts.starts, texts.ends, form.entries, form.spellings, self.shape.ngram, sets, edges
        )
        keys = keys_of_sets(sets, edges, self.shape)
        rank = -lengths if self.keep == "longest" else np.zeros(len(texts), np.int64)
        key_edges = np.arange(len(texts) + 1) * self.shape.bands
        return pa.record_batch(
            [
                part_of(batch["cluster"].to_numpy(), self.parts),
                batch["cluster"],
                pa.array(rank),
                batch["id"],
                batch["place"],
                _binary(keys.reshape(-1), key_edges),
                _binary(sets[:written].copy(), edges),
            ],
            schema=MEMBER,
        )


@dataclass(frozen=True, slots=True)
class Verify:
    """Rows of MEMBER, sorted by (cluster, rank, id, place), to rows of NEAR. Holds a cluster's latest survivors, and
    some 100 bytes for each other member until the cluster ends.

    `rule`: None only adds the columns. Of a cluster, the latest `max_survivors` survivors with `max_shingles` shingles
    together are remembered; a document is compared with `max_compares` of those that share a bucket with it.
    """

    bands: int
    threshold: float
    rule: str | None
    max_compares: int
    max_survivors: int = 1 << 14
    max_shingles: int = 1 << 25

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for judged, _ in grouped(self._judged(batches), ["cluster"]):
            yield self._findings(judged)

    def _judged(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Rows of _JUDGED, as the members come."""
        from dedup.kernels.verify import CUT_SHORT, FORGOTTEN, judge_members

        survivors = Survivors(self.bands)
        for batch in batches:
            if batch.num_rows == 0:
                continue
            shingles, edges = _numbers(batch["shingles"])
            keys, _ = _numbers(batch["keys"])
            survivors.make_room(batch.num_rows, int(edges[-1] - edges[0]))
            labels = np.empty(batch.num_rows, np.int64)
            similarities = np.empty(batch.num_rows, np.float64)
            judge_members(
                batch["cluster"].to_numpy(),
                shingles,
                edges,
                keys.reshape(-1, self.bands),
                self.threshold,
                self.max_compares,
                self.max_survivors,
                self.max_shingles,
                survivors.progress,
                survivors.shingles,
                survivors.edges,
                survivors.keys,
                survivors.labels,
                labels,
                similarities,
            )
            columns = [batch["cluster"], batch["id"], batch["place"], pa.array(labels), pa.array(similarities)]
            yield pa.record_batch(columns, schema=_JUDGED)
        self._report(int(survivors.progress[CUT_SHORT]), int(survivors.progress[FORGOTTEN]))

    def _findings(self, judged: pa.RecordBatch) -> pa.RecordBatch:
        """Whole clusters to findings: of each survivor with at least one duplicate, and of its duplicates."""
        similarity = judged["similarity"].to_numpy()
        survivor_rows = np.flatnonzero(np.isnan(similarity))
        survivor_labels = judged["label"].to_numpy()[survivor_rows]
        # Labels count up over the stream, so those of whole clusters in a row are a range.
        label = judged["label"].to_numpy() - survivor_labels[0]
        sizes = np.bincount(label, minlength=len(survivor_rows))[label]
        told = np.flatnonzero(sizes > 1)
        stays = pa.array(np.isnan(similarity[told]))
        twin = judged["id"].take(pa.array(survivor_rows[label[told]]))
        exact = pa.array(similarity[told], mask=np.isnan(similarity[told]))
        spared = stays if self.rule else pa.array(np.ones(len(told), np.bool_))
        columns = [
            judged["place"].take(pa.array(told)),
            _unless(spared, pa.array([self.rule] * len(told), pa.string())),
            _unless(spared, exact),
            _unless(spared, pa.array(np.full(len(told), self.threshold))),
            _unless(spared, twin),
            _unless(spared, exact),
            pa.nulls(len(told), FINDING.field("cuts").type),
            twin,
            pa.array(sizes[told]),
        ]
        return pa.record_batch(columns, schema=NEAR)

    def _report(self, cut_short: int, forgotten: int) -> None:
        if cut_short or forgotten:
            _log.warning(
                "dedup.minhash: %d documents were compared with only %d survivors of their buckets, and %d survivors "
                "were forgotten before their cluster ended; near-duplicates may have stayed (see max_compares)",
                cut_short,
                self.max_compares,
                forgotten,
            )


class Survivors:
    """The survivors of the cluster at hand, in arrays that a kernel fills; grows with what is remembered."""

    def __init__(self, bands: int) -> None:
        from dedup.kernels.verify import PROGRESS

        self.progress = np.zeros(PROGRESS, np.int64)
        self.progress[0] = -1
        self.shingles: npt.NDArray[np.uint64] = np.empty(0, np.uint64)
        self.edges: npt.NDArray[np.int64] = np.zeros(1, np.int64)
        self.keys: npt.NDArray[np.uint64] = np.empty((0, bands), np.uint64)
        self.labels: npt.NDArray[np.int64] = np.empty(0, np.int64)

    def make_room(self, survivors: int, shingles: int) -> None:
        """Move what is remembered to the front and leave room for so many more."""
        from dedup.kernels.verify import FIRST, LAST

        first, last = int(self.progress[FIRST]), int(self.progress[LAST])
        start, end = int(self.edges[first]), int(self.edges[last])
        self.shingles = _moved(self.shingles[start:end], self.shingles, shingles)
        self.keys = _moved(self.keys[first:last], self.keys, survivors)
        self.labels = _moved(self.labels[first:last], self.labels, survivors)
        self.edges = _moved(self.edges[first : last + 1] - start, self.edges, survivors)
        self.progress[FIRST], self.progress[LAST] = 0, last - first


def _moved(held: npt.NDArray[Number], room: npt.NDArray[Number], more: int) -> npt.NDArray[Number]:
    """`held` at the front of `room`, or of a new array when `more` rows do not fit behind it."""
    wanted = len(held) + more
    if wanted > len(room):
        room = np.empty((wanted + wanted // 2, *room.shape[1:]), room.dtype)
    room[: len(held)] = held
    return room


def _unless(spared: pa.Array, values: pa.Array) -> pa.Array:
    """The values, but null where a row is spared."""
    import pyarrow.compute as pc

    return pc.if_else(spared, pa.nulls(len(values), values.type), values)


def _binary(numbers: npt.NDArray[np.uint64], edges: npt.NDArray[np.int64]) -> pa.Array:
    """A binary column whose row k is the bytes of numbers[edges[k]:edges[k+1]], without a copy."""
    offsets = pa.py_buffer((edges * 8).astype(np.int32))
    return pa.Array.from_buffers(pa.binary(), len(edges) - 1, [None, offsets, pa.py_buffer(numbers)])


def _numbers(column: pa.Array) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.int64]]:
    """The 64-bit numbers of a binary column's rows one after the other, and the edges between rows."""
    _, offsets, data = column.buffers()
    edges = np.frombuffer(offsets, np.int32)[column.offset : column.offset + len(column) + 1].astype(np.int64)
    span = memoryview(data)[edges[0] : edges[-1]] if data is not None else b""
    numbers = np.frombuffer(span, np.uint64)
    # Bytes that came through a pickle may lie anywhere, and kernels are compiled for aligned numbers.
    return numbers if numbers.flags.aligned else numbers.copy(), (edges - edges[0]) // 8
