"""Packing documents into sequences: which tokens of which document lie where, decided on their lengths alone.

Three ways. `concat` strings everything together and cuts at every border, as most trainers do. `best_fit` cuts only
what is longer than a sequence and fits the pieces as a joiner fits boards (Ding et al. 2024, *Fewer Truncations Improve
Language Modeling*, https://arxiv.org/abs/2404.10830). `buckets` cuts every document into powers of two, one piece per
sequence (Pouransari et al. 2024, *Dataset Decomposition*, https://arxiv.org/abs/2405.13226).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
from numba.types import int32, int64, uint8, void

from stages.kernels.native import LONGS, native
from stages.kernels.spelling import READ_INTS

Ints = npt.NDArray[np.int32]
Longs = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Packing:
    """Pieces in order of sequence and place in it: `document`'s tokens from `start` to `end` lie in `sequence`.

    `room`: how many tokens each sequence may hold. Sequences are numbered by their first document, and inside one the
    pieces are in order of document.
    """

    sequence: Ints
    document: Ints
    start: Ints
    end: Ints
    room: Ints


def concat(lengths: Longs, capacity: int) -> Packing:
    """All documents one after the other, cut every `capacity` tokens; only the last sequence may be short."""
    ends = np.cumsum(lengths, dtype=np.int64)
    total = int(ends[-1]) if len(ends) else 0
    cuts = np.union1d(ends[lengths > 0], np.arange(capacity, total, capacity))
    first = np.concatenate(([0], cuts[:-1])) if total else cuts
    document = np.searchsorted(ends, first, side="right")
    begin = (ends - lengths)[document]
    room = np.full(-(-total // capacity), capacity)
    return _packing(first // capacity, document, first - begin, cuts - begin, room)


def best_fit(lengths: Longs, capacity: int) -> Packing:
    """No document cut unless it is longer than `capacity`; those give full sequences, and their rests are fitted too.

    Best-fit decreasing: the longest piece first, each into the fullest sequence that has room for it. Among sequences
    with the same room the one last put aside is taken, among pieces of one length the first document's comes first.
    """
    count = -(-lengths // capacity)
    document = np.repeat(np.arange(len(lengths)), count)
    start = (np.arange(len(document)) - np.repeat(np.cumsum(count) - count, count)) * capacity
    end = np.minimum(start + capacity, lengths[document])
    sequence, sequences = _fit(end - start, capacity)
    return _in_order(sequence, document, start, end, np.full(sequences, capacity))


def buckets(
    lengths: Longs, smallest: int, largest: int, *, extra: int = 0, rest: Literal["drop", "pack"] = "drop"
) -> Packing:
    """Each document as pieces of 2^k + `extra` tokens, longest first, one piece per sequence.

    `smallest` and `largest` are powers of two. What is left of a document, shorter than the smallest piece, is in no
    sequence; or, with `rest="pack"`, is fitted into sequences of the smallest size together with other rests. With
    `extra` = 1 the pieces are those of the paper's own code, which trains on 2^k tokens and their 2^k successors.
    """
    covered = np.zeros(len(lengths), np.int64)
    pieces = []
    size = largest
    while size >= smallest:
        length = size + extra
        # Only the largest size can be taken more than once.
        count = (lengths - covered) // length
        document = np.repeat(np.arange(len(lengths)), count)
        nth = np.arange(len(document)) - np.repeat(np.cumsum(count) - count, count)
        start = covered[document] + nth * length
        pieces.append((document, start, start + length, np.full(len(document), length)))
        covered = covered + count * length
        size //= 2
    document, start, end, room = (np.concatenate(column) for column in zip(*pieces))
    sequence = np.arange(len(document))
    if rest == "pack":
        left = np.flatnonzero(covered < lengths)
        fitted, sequences = _fit((lengths - covered)[left], smallest + extra)
        sequence = np.concatenate((sequence, fitted + len(sequence)))
        room = np.concatenate((room, np.full(sequences, smallest + extra)))
        document = np.concatenate((document, left))
        start, end = np.concatenate((start, covered[left])), np.concatenate((end, lengths[left]))
    order = np.lexsort((start, document))
    return _in_order(sequence[order], document[order], start[order], end[order], room)


def _fit(lengths: Longs, capacity: int) -> tuple[Longs, int]:
    """The sequence of each piece, none longer than `capacity`, and the number of sequences."""
    order = np.argsort(-lengths, kind="stable").astype(np.int64)
    sequence = np.empty(len(lengths), np.int64)
    leaves = 1 << capacity.bit_length()
    latest = np.full(capacity + 1, -1, np.int64)
    before = np.empty(len(lengths), np.int64)
    used = fit_longest_first(
        np.ascontiguousarray(lengths, np.int64),
        order,
        capacity,
        np.zeros(2 * leaves, np.uint8),
        latest,
        before,
        sequence,
    )
    return sequence, int(used)


def _in_order(sequence: Longs, document: Longs, start: Longs, end: Longs, room: Longs) -> Packing:
    """Pieces given in order of document and start, with sequences numbered by the first piece in them."""
    first = np.empty(len(room), np.int64)
    first[sequence[::-1]] = np.arange(len(sequence))[::-1]
    by_first = np.argsort(first)
    number = np.empty(len(room), np.int64)
    number[by_first] = np.arange(len(room))
    renumbered = number[sequence]
    order = np.argsort(renumbered, kind="stable")
    return _packing(renumbered[order], document[order], start[order], end[order], room[by_first])


def _packing(sequence: Longs, document: Longs, start: Longs, end: Longs, room: Longs) -> Packing:
    return Packing(
        sequence.astype(np.int32),
        document.astype(np.int32),
        start.astype(np.int32),
        end.astype(np.int32),
        room.astype(np.int32),
    )


@native(int64(LONGS, LONGS, int64, uint8[::1], int64[::1], int64[::1], int64[::1]))
def fit_longest_first(
    lengths: Longs,
    order: Longs,
    capacity: int,
    tree: npt.NDArray[np.uint8],
    latest: Longs,
    before: Longs,
    sequence: Longs,
) -> int:
    """Put the pieces, in this order, each into the fullest sequence that takes it; the number of sequences comes back.

    `latest[room]` is the sequence last put aside with so much room, `before` the one put aside before each; `tree` has
    a leaf for each room, at the second half, and above it whether any leaf below is taken: finding the smallest room
    that is large enough takes as many steps as the capacity has bits.
    """
    leaves = len(tree) // 2
    used = 0
    for index in range(len(order)):
        piece = order[index]
        length = lengths[piece]
        node = leaves + length
        if not tree[node]:
            # Up until a branch to the right has something, then down along its left edge.
            while node > 1 and (node & 1 or not tree[node + 1]):
                node >>= 1
            if node > 1:
                node += 1
                while node < leaves:
                    node = 2 * node if tree[2 * node] else 2 * node + 1
        if node > 1:
            room = node - leaves
            chosen = latest[room]
            latest[room] = before[chosen]
            if latest[room] < 0:
                tree[node] = 0
                while node > 1 and not tree[node ^ 1]:
                    node >>= 1
                    tree[node] = 0
        else:
            room = capacity
            chosen = used
            used += 1
        sequence[piece] = chosen
        room -= length
        if room > 0:
            before[chosen] = latest[room]
            latest[room] = chosen
            node = leaves + room
            while node > 0 and not tree[node]:
                tree[node] = 1
                node >>= 1
    return used


@native(void(READ_INTS, LONGS, LONGS, LONGS, int32[::1]))
def copy_pieces(tokens: Ints, starts: Longs, ends: Longs, targets: Longs, into: Ints) -> None:
    """Copy the tokens from `starts` to `ends` to where they belong."""
    for piece in range(len(starts)):
        at = targets[piece]
        for token in range(starts[piece], ends[piece]):
            into[at] = tokens[token]
            at += 1
