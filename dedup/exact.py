"""Drops documents that are equal: the same text, the same URL, or the same value of any column.

The one idea: a value is 128 bits of hash, equal hashes meet in a shuffle, and there the first of each group survives.
36 bytes and an id travel for a document, never its text.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Final, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import xxhash
from pydantic import Field

from dedup.columns import as_strings, scopes
from stages.find import FINDING, PART, Documents, Frame, part_count, part_of
from stages.kernels.texts import texts_of
from stages.stage import Find

RULE: Final = "exact_duplicate"

DIGEST: Final = pa.schema(
    [
        (PART, pa.int32()),
        ("high", pa.int64()),
        ("low", pa.int64()),
        ("rank", pa.int64()),
        ("id", pa.string()),
        ("place", pa.int64()),
    ]
)
"""What travels: 128 bits of hash, the survivor rule's rank (smaller survives), the document's id and place."""


class Exact(Find):
    """Drops all but one of the documents that are equal in one column, by default in their text.

    Documents count as equal when 128 bits of xxh3 over the value are equal; values are not compared again. Among ten
    billion different values the odds that any two share a hash are about 1 in 7 × 10^18. Documents whose value is
    missing or empty are never duplicates of each other.

    Which one survives depends on the documents alone, never on the order of files: the smallest `id`, or the longest
    text and of these the smallest `id`. A dropped document stands in the ledger under the rule `exact_duplicate` with
    the survivor's id as `twin_id`.

    With `by: url` it keeps one version of a page. `within: [dump]` keeps one copy in each crawl: FineWeb found that
    deduplicating over all crawls at once does not help (Penedo et al. 2024, https://arxiv.org/abs/2406.17557).
    """

    version: ClassVar[int] = 1

    by: str = "text"
    """The column in which documents are equal: `text`, `url`, or any column of strings or numbers."""
    normalize: Literal["none", "whitespace_case"] = "none"
    """`none` compares bytes. `whitespace_case` ignores case, white space and the encoding of accents; 50 MB/s."""
    keep: Literal["smallest_id", "longest"] = "smallest_id"
    """Which of equal documents stays. `longest` counts bytes of `text`, and among equals the smallest id stays."""
    within: Annotated[tuple[str, ...], Field(max_length=8)] = ()
    """Columns that must be equal too, such as `[dump]` or `[language]`; a missing value is a value of its own."""

    def needs(self) -> tuple[str, ...]:
        measured = ("text",) if self.keep == "longest" else ()
        return tuple(dict.fromkeys((self.by, *self.within, *measured)))

    def find(self, documents: Documents, tools: Any) -> Frame:
        parts = part_count(documents)
        digests = documents.rows(Digest(self.by, self.normalize, self.keep, self.within, parts), DIGEST, self.needs())
        # Ids may repeat where streams of one source meet again, so that the order ends in the place.
        return digests.shuffle(parts, ["high", "low", "rank", "id", "place"]).map(KeepFirst(), FINDING)


@dataclass(frozen=True, slots=True)
class Digest:
    """Documents to digests: rows of DIGEST for every document that has a value."""

    by: str
    normalize: str
    keep: str
    within: tuple[str, ...]
    parts: int

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            values = as_strings(batch, self.by)
            if self.normalize == "whitespace_case":
                values = _fold(values)
            high, low, length = _digests(values)
            scope = scopes(batch, self.within)
            if scope is not None:
                high, low = high ^ scope, low + scope
            keys = high.view(np.int64)
            rows = pa.record_batch(
                [
                    part_of(keys, self.parts),
                    pa.array(keys),
                    pa.array(low.view(np.int64)),
                    self._rank(batch),
                    batch["id"],
                    batch["place"],
                ],
                schema=DIGEST,
            )
            yield rows.filter(pa.array(length > 0))

    def _rank(self, batch: pa.RecordBatch) -> pa.Array:
        if self.keep == "smallest_id":
            return pa.array(np.zeros(batch.num_rows, np.int64))
        texts = texts_of(batch["text"])
        return pa.array(texts.starts - texts.ends)


@dataclass(frozen=True, slots=True)
class KeepFirst:
    """Sorted digests to findings: every row but the first of its digest is dropped. Holds one row between batches."""

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        head: pa.RecordBatch | None = None
        for batch in batches:
            rows = batch if head is None else pa.concat_batches([head, batch])
            if rows.num_rows == 0:
                continue
            starts = _starts(rows["high"].to_numpy(), rows["low"].to_numpy())
            first = np.maximum.accumulate(np.where(starts, np.arange(rows.num_rows), 0))
            yield _findings(rows, first, np.flatnonzero(~starts))
            head = rows.slice(int(first[-1]), 1)


def _starts(high: npt.NDArray[np.int64], low: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
    """Which rows begin a new digest."""
    starts = np.ones(len(high), np.bool_)
    starts[1:] = (high[1:] != high[:-1]) | (low[1:] != low[:-1])
    return starts


def _findings(rows: pa.RecordBatch, first: npt.NDArray[np.int64], drops: npt.NDArray[np.int64]) -> pa.RecordBatch:
    one = pa.array(np.ones(len(drops)))
    return pa.record_batch(
        [
            rows["place"].take(pa.array(drops)),
            pa.array([RULE], pa.string()).take(pa.array(np.zeros(len(drops), np.int64))),
            one,
            one,
            rows["id"].take(pa.array(first[drops])),
            one,
            pa.nulls(len(drops), FINDING.field("cuts").type),
        ],
        schema=FINDING,
    )


def _digests(
    values: pa.Array,
) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.uint64], npt.NDArray[np.int64]]:
    """High and low 64 bits of xxh3-128 over each value, and its length in bytes (0 for null)."""
    texts = texts_of(values)
    data = texts.data.data
    # One native call per document costs 0.4 µs, as much as the hash of four kilobytes itself.
    pieces = (data[start:end] for start, end in zip(texts.starts.tolist(), texts.ends.tolist()))
    digests = b"".join(map(xxhash.xxh3_128_digest, pieces))
    halves = np.frombuffer(digests, ">u8").reshape(-1, 2).astype(np.uint64)
    return halves[:, 0].copy(), halves[:, 1].copy(), texts.ends - texts.starts


def _fold(values: pa.Array) -> pa.Array:
    """Strings without case and with single blanks, in NFC before and after folding (Unicode 3.13, D144-D145)."""
    # A loop over documents, because only Python's own tables fold case by the standard (`ß` is `ss`).
    return pa.array([None if text is None else _folded(text) for text in values.to_pylist()], pa.string())


def _folded(text: str) -> str:
    folded = unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).casefold())
    return " ".join(folded.split())
