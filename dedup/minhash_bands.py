"""From documents to clusters of candidates: band keys meet in buckets, buckets give pairs, pairs give clusters.

A bucket of a million documents is a star of a million pairs round its first member, found in one pass over the sorted
stream: no bucket is ever held, and none is quadratic.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from dedup.columns import scopes
from dedup.components import join_pairs, roots_of
from stages.find import PART, part_of
from stages.kernels.texts import texts_of

Hashes = npt.NDArray[np.uint64]

BAND: Final = pa.schema([(PART, pa.int32()), ("band", pa.int64()), ("place", pa.int64())])
"""One row per document and band: 20 bytes."""
PAIR: Final = pa.schema([(PART, pa.int32()), ("place", pa.int64()), ("first", pa.int64())])
"""Two documents that share a bucket, `first` being the smallest place in it; `_part` goes by `place`."""
CANDIDATE: Final = pa.schema([("place", pa.int64()), ("cluster", pa.int64())])
"""A document that shares a bucket with another one; `cluster` is the smallest place of those that hang together."""

_ROWS_AT_ONCE: Final = 4096
"""Signatures of so many documents are held at a time: 3.5 MiB with 112 hashes."""


@dataclass(frozen=True, slots=True)
class Shape:
    """What decides a document's band keys."""

    ngram: int
    bands: int
    rows: int
    seed: int


def coefficients(seed: int, hashes: int) -> tuple[Hashes, Hashes]:
    """Factors (odd, so that each is a permutation of 64-bit numbers) and summands of `hashes` permutations."""
    state = np.arange(1, 2 * hashes + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    state += np.array([seed], np.uint64) * np.uint64(0xD1B54A32D192ED03)
    # SplitMix64, as in `dedup.kernels.shingles.stir`.
    state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    state ^= state >> np.uint64(31)
    return state[:hashes] | np.uint64(1), state[hashes:].copy()


def signatures(texts: pa.Array, shape: Shape) -> tuple[Hashes, npt.NDArray[np.int64]]:
    """MinHash signatures of shape (texts, bands · rows), and how many shingles each text has, repeats included.

    The share of equal values in two signatures estimates the Jaccard similarity of their sets of shingles without bias
    (Broder 1997). A text without words has 0 shingles and an undefined signature.
    """
    from dedup.kernels.normal_form import normal_form
    from dedup.kernels.shingles import sign_texts

    read, form = texts_of(texts), normal_form()
    factors, summands = coefficients(shape.seed, shape.bands * shape.rows)
    signed = np.zeros((len(read), shape.bands * shape.rows), np.uint64)
    counts = np.empty(len(read), np.int64)
    sign_texts(
        read.data,
        read.starts,
        read.ends,
        form.entries,
        form.spellings,
        shape.ngram,
        factors,
        summands,
        signed,
        counts,
    )
    return signed, counts


def keys_of(texts: pa.Array, shape: Shape) -> tuple[Hashes, npt.NDArray[np.bool_]]:
    """Band keys of shape (texts, bands), and which texts have any words."""
    signed, counts = signatures(texts, shape)
    return _keys(signed, shape), counts > 0


def keys_of_sets(sets: Hashes, edges: npt.NDArray[np.int64], shape: Shape) -> Hashes:
    """The same band keys from the texts' sets of shingles, of which set k lies in edges[k:k+2]."""
    from dedup.kernels.shingles import sign_sets

    signed = np.zeros((len(edges) - 1, shape.bands * shape.rows), np.uint64)
    sign_sets(sets, edges, *coefficients(shape.seed, shape.bands * shape.rows), signed)
    return _keys(signed, shape)


def _keys(signed: Hashes, shape: Shape) -> Hashes:
    from dedup.kernels.shingles import band_keys

    keys = np.empty((len(signed), shape.bands), np.uint64)
    band_keys(signed, shape.rows, keys)
    return keys


@dataclass(frozen=True, slots=True)
class Sign:
    """Documents to rows of BAND. Documents without words have none; a scope changes every key."""

    shape: Shape
    within: tuple[str, ...]
    parts: int

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            for start in range(0, batch.num_rows, _ROWS_AT_ONCE):
                yield self._bands(batch.slice(start, _ROWS_AT_ONCE))

    def _bands(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        keys, worded = keys_of(batch["text"], self.shape)
        scope = scopes(batch, self.within)
        if scope is not None:
            keys += scope[:, None]
        flat = keys[worded].reshape(-1).view(np.int64)
        places = np.repeat(batch["place"].to_numpy()[worded], self.shape.bands)
        return pa.record_batch([part_of(flat, self.parts), pa.array(flat), pa.array(places)], schema=BAND)


@dataclass(frozen=True, slots=True)
class Link:
    """Rows of BAND, sorted by (band, place), to rows of PAIR: each bucket's first member with every other one."""

    parts: int

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        head: tuple[int, int] | None = None
        for batch in batches:
            if batch.num_rows == 0:
                continue
            bands, places = batch["band"].to_numpy(), batch["place"].to_numpy()
            starts = np.ones(len(bands), np.bool_)
            starts[1:] = bands[1:] != bands[:-1]
            if head is not None and bands[0] == head[0]:
                starts[0] = False
            at = np.maximum.accumulate(np.where(starts, np.arange(len(bands)), -1))
            first = np.where(at < 0, 0 if head is None else head[1], places[at])
            head = int(bands[-1]), int(first[-1])
            yield self._pairs(places[~starts], first[~starts])

    def _pairs(self, places: npt.NDArray[np.int64], first: npt.NDArray[np.int64]) -> pa.RecordBatch:
        """Each pair once per batch: near documents share several buckets."""
        order = np.lexsort((first, places))
        places, first = places[order], first[order]
        fresh = _changes(places, first) & (places != first)
        places, first = places[fresh], first[fresh]
        return pa.record_batch([part_of(places, self.parts), pa.array(places), pa.array(first)], schema=PAIR)


@dataclass(frozen=True, slots=True)
class Distinct:
    """Rows of PAIR, sorted by (place, first), each once. What is left goes to the driver."""

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        last: tuple[int, int] | None = None
        for batch in batches:
            if batch.num_rows == 0:
                continue
            places, first = batch["place"].to_numpy(), batch["first"].to_numpy()
            fresh = _changes(places, first)
            fresh[0] = (int(places[0]), int(first[0])) != last
            last = int(places[-1]), int(first[-1])
            yield batch.filter(pa.array(fresh))


def candidates(pairs: pa.Table) -> pa.Table:
    """Rows of CANDIDATE, sorted by place: the connected components of the pairs.

    All on the driver: 70 bytes a pair with the pair itself; real data give about one per candidate.
    """
    places = _distinct_places(pairs)
    parents = np.arange(len(places))
    for batch in pairs.to_batches():
        ones = np.searchsorted(places, batch["first"].to_numpy())
        others = np.searchsorted(places, batch["place"].to_numpy())
        join_pairs(ones, others, parents)
    roots = roots_of(np.arange(len(places)), parents)
    return pa.table([pa.array(places), pa.array(places[roots])], schema=CANDIDATE)


def _distinct_places(pairs: pa.Table) -> npt.NDArray[np.int64]:
    """All places of the pairs, each once, sorted; in one array that is sorted where it lies."""
    places = np.empty(2 * pairs.num_rows, np.int64)
    written = 0
    for batch in pairs.to_batches():
        for name in ("place", "first"):
            places[written : written + batch.num_rows] = batch[name].to_numpy()
            written += batch.num_rows
    places.sort()
    fresh = np.ones(len(places), np.bool_)
    np.not_equal(places[1:], places[:-1], out=fresh[1:])
    return places[fresh]


def _changes(ones: npt.NDArray[np.int64], others: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
    """Which rows differ from the row before; the first one does."""
    fresh = np.ones(len(ones), np.bool_)
    fresh[1:] = (ones[1:] != ones[:-1]) | (others[1:] != others[:-1])
    return fresh
