"""Cuts passages out of documents that stand elsewhere already: exact repeats of at least so many bytes.

The one idea: documents of a shard are joined and all their suffixes sorted, whereupon equal passages are neighbours. A
shard is a run of documents of one file at rest, so that no text travels: only the spans to cut do.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Final, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pydantic import Field

from dedup.suffix_array import Joined, Ranges, divsufsort_fault, join_columns, repeated_ranges, shrink_to_characters
from stages.fields import Size
from stages.find import FINDING, Documents, Frame
from stages.kernels.texts import texts_of
from stages.stage import Find, Resources

CUT_RULE: Final = "repeated_substring"
DROP_RULE: Final = "all_repeated"

MEMORY_PER_BYTE: Final = 11
"""Bytes of memory per byte of a shard: the text once, 8 for suffixes and their neighbours, and what batches take.

Measured: 10.5 at 83 MB, 10.1 at 124 MB (`benchmarks/substring_gold.py`)."""

Longs = npt.NDArray[np.int64]


class Substring(Find):
    """Cuts out what is repeated word for word: passages of `min_bytes` or more that stand in the shard before.

    The method of Lee et al. 2022 (ExactSubstr, https://arxiv.org/abs/2107.06499), by suffix array and over bytes of
    UTF-8. They cut every copy; GneissWeb (https://arxiv.org/abs/2502.14907) keeps the first one, as `keep: first` does.

    *Shards*: repeats are found within a shard, not between shards. A shard is the documents of one file at rest, in
    order, up to `shard_bytes` of text; a file at rest holds at most 256 MiB. Where shards end is decided by the
    documents alone. A passage never goes from one document into the next. To bring likely copies together, run it on
    one crawl or source at a time; whole copies are better found by `dedup.exact` and `dedup.minhash` before it, which
    look at everything.

    *What is cut*: a window is `min_bytes` bytes of one document. With `keep: first` a byte goes if a window that it is
    in stands at an earlier place, too, unless both places overlap and the earlier one holds this very byte (of a
    thousand equal bytes in a row `min_bytes` stay). Two things are promised. What is left of the shard holds no window
    twice, but for windows that only arise where the ends of a cut meet. And nothing is lost: every byte that goes has
    its like at an earlier place that stays. (Not so every window: where a document's beginning repeats one document
    and its end another, what lies across goes with them.) With `keep: none` a byte goes if a window that it is in
    stands at two places at least. Cuts are then drawn in to borders between characters, by up to three bytes at each
    end; a cut of which nothing is left is not made.

    *The ledger*: one row per span, rule `repeated_substring`, value = bytes cut from the document in all, limit =
    `min_bytes`, similarity = their share of its text, and `twin_id` = the document in which the beginning of its
    longest span stands first (with `keep: none` and for this one itself: next). A document with cuts of which less
    than `min_remaining_bytes` is left, white space at its ends not counted, is dropped whole by the rule
    `all_repeated`, with value = the bytes left.

    Needs pydivsufsort: `pip install "textmill[substring]"`.
    """

    version: ClassVar[int] = 1

    min_bytes: Annotated[Size, Field(ge=16, le=2**30)] = 100
    """The length from which a passage counts as repeated; 100 bytes are the 50 tokens of Lee et al."""
    keep: Literal["first", "none"] = "first"
    """`first` keeps the first copy in the order of documents, `none` cuts every copy of what is repeated."""
    shard_bytes: Annotated[Size, Field(ge=1, le=2**28)] = 2**27
    """Text in a shard at most; one larger document is a shard of its own. Takes eleven times as much memory."""
    min_remaining_bytes: Annotated[Size, Field(ge=1)] = 1
    """Documents with cuts of which less is left are dropped; 1 drops those of which only white space is left."""

    def check(self, schema: pa.Schema) -> list[str]:
        fault = divsufsort_fault()
        return [] if fault is None else [fault]

    def find(self, documents: Documents, tools: Any) -> Frame:
        worker = CutRepeats(self.min_bytes, self.keep, self.shard_bytes, self.min_remaining_bytes)
        return documents.rows(worker, FINDING, self.needs())

    def resources(self) -> Resources:
        return Resources(memory=MEMORY_PER_BYTE * self.shard_bytes)


@dataclass(frozen=True, slots=True)
class CutRepeats:
    """Documents of one file to findings, shard by shard."""

    min_bytes: int
    keep: Literal["first", "none"]
    shard_bytes: int
    min_remaining_bytes: int

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for shard in shards(batches, self.shard_bytes):
            places = np.concatenate([batch["place"].to_numpy() for batch in shard])
            ids = pa.concat_arrays([batch["id"] for batch in shard])
            joined = join_columns([batch["text"] for batch in shard])
            shard.clear()  # the texts are copied: let the batches go before the suffixes are sorted
            ranges = shrink_to_characters(joined, repeated_ranges(joined, self.min_bytes, self.keep))
            if len(ranges.text):
                yield self._findings(joined, ranges, places, ids)

    def _findings(self, joined: Joined, ranges: Ranges, places: Longs, ids: pa.Array) -> pa.RecordBatch:
        """One row per document with ranges."""
        rows, first = np.unique(ranges.text, return_index=True)
        edges = np.append(first, len(ranges.text))
        sizes = ranges.end - ranges.start
        cut = np.add.reduceat(sizes, first)
        left = bytes_left(joined, ranges, rows, edges)
        dropped = left < self.min_remaining_bytes
        rules = pa.array([CUT_RULE, DROP_RULE], pa.string())
        borders = pa.array(np.column_stack([ranges.start, ranges.end]).ravel())
        cuts = pa.ListArray.from_arrays(pa.array(2 * edges, pa.int32()), borders, mask=pa.array(dropped))
        return pa.record_batch(
            [
                pa.array(places[rows]),
                rules.take(pa.array(dropped.astype(np.int64))),
                pa.array(np.where(dropped, left, cut).astype(np.float64)),
                pa.array(np.where(dropped, self.min_remaining_bytes, self.min_bytes).astype(np.float64)),
                ids.take(pa.array(ranges.twin[longest(sizes, edges)])),
                pa.array(cut / (joined.ends - joined.starts)[rows]),
                cuts,
            ],
            schema=FINDING,
        )


def shards(batches: Iterator[pa.RecordBatch], shard_bytes: int) -> Iterator[list[pa.RecordBatch]]:
    """Documents in runs of at most `shard_bytes` bytes of text, but for a single larger one; however they are cut."""
    held: list[pa.RecordBatch] = []
    size = 0
    for batch in batches:
        texts = texts_of(batch["text"])
        ends = np.cumsum(texts.ends - texts.starts)
        start = 0
        while start < batch.num_rows:
            before = int(ends[start - 1]) if start else 0
            stop = max(start, int(np.searchsorted(ends, before + shard_bytes - size, side="right")))
            if stop == start and size:
                yield held
                held, size = [], 0
                continue
            stop = max(stop, start + 1)
            held.append(batch.slice(start, stop - start))
            size += int(ends[stop - 1]) - before
            start = stop
    if held:
        yield held


def bytes_left(joined: Joined, ranges: Ranges, rows: Longs, edges: Longs) -> Longs:
    """Bytes of each document `rows` without its ranges and without white space at its ends."""
    starts, ends = ranges.start.tolist(), ranges.end.tolist()
    left = []
    # Document by document, and of those alone that lose something: white space is Python's.
    for row, low, high in zip(rows.tolist(), edges[:-1].tolist(), edges[1:].tolist()):
        text = joined.data[joined.starts[row] : joined.ends[row]].tobytes()
        borders = [0, *(at for pair in zip(starts[low:high], ends[low:high]) for at in pair), len(text)]
        kept = b"".join(text[start:end] for start, end in zip(borders[::2], borders[1::2]))
        left.append(len(kept.decode("utf-8", "replace").strip().encode()))
    return np.array(left, np.int64)


def longest(sizes: Longs, edges: Longs) -> Longs:
    """Of each document's ranges the longest one, and of equal ones the first."""
    owner = np.repeat(np.arange(len(edges) - 1), np.diff(edges))
    order = np.lexsort((np.arange(len(sizes)), -sizes, owner))
    return order[edges[:-1]]
