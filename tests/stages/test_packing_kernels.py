"""What the packers promise: every token once, no sequence too full, and cuts only where they must be."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.kernels.packing import Packing, best_fit, buckets, concat

LENGTHS = st.lists(st.integers(0, 70), max_size=60)
Piece = tuple[int, int, int]


def array_of(lengths: list[int]) -> np.ndarray:
    return np.array(lengths, np.int64)


def sequences_of(packing: Packing) -> list[list[Piece]]:
    """The pieces (document, start, end) of each sequence, as they lie."""
    found: list[list[Piece]] = [[] for _ in packing.room]
    columns = (packing.sequence, packing.document, packing.start, packing.end)
    for sequence, *piece in zip(*(column.tolist() for column in columns)):
        found[sequence].append(tuple(piece))
    return found


def missing_tokens(packing: Packing, lengths: list[int]) -> list[tuple[int, int]]:
    """Tokens (document, token) in no sequence; a token in two of them is an error."""
    seen = [(document, token) for one in sequences_of(packing) for document, *span in one for token in range(*span)]
    assert len(seen) == len(set(seen))
    return sorted({(document, token) for document, size in enumerate(lengths) for token in range(size)} - set(seen))


def check_form(packing: Packing) -> None:
    """Pieces lie in order of sequence and document, none is empty, none is outside, and no sequence is too full."""
    keys = list(zip(packing.sequence.tolist(), packing.document.tolist(), packing.start.tolist()))
    assert keys == sorted(keys)
    assert (packing.end > packing.start).all()
    for pieces, room in zip(sequences_of(packing), packing.room.tolist()):
        assert 0 < sum(end - start for _, start, end in pieces) <= room
    firsts = [pieces[0][:2] for pieces in sequences_of(packing)]
    assert firsts == sorted(firsts)


@pytest.mark.parametrize("packer", [concat, best_fit])
@given(lengths=LENGTHS, capacity=st.integers(1, 40))
def test_every_token_lies_in_one_sequence_and_none_is_too_full(
    packer: Callable[[np.ndarray, int], Packing], lengths: list[int], capacity: int
) -> None:
    packing = packer(array_of(lengths), capacity)

    assert missing_tokens(packing, lengths) == []
    check_form(packing)
    assert set(packing.room.tolist()) <= {capacity}


@given(lengths=LENGTHS, capacity=st.integers(1, 40))
def test_concat_fills_every_sequence_but_the_last(lengths: list[int], capacity: int) -> None:
    packing = concat(array_of(lengths), capacity)

    sizes = [sum(end - start for _, start, end in pieces) for pieces in sequences_of(packing)]
    assert sizes[:-1] == [capacity] * (len(sizes) - 1)
    strung = [(document, token) for one in sequences_of(packing) for document, *span in one for token in range(*span)]
    assert strung == sorted(strung)


@given(lengths=LENGTHS, capacity=st.integers(1, 40))
def test_best_fit_cuts_only_what_is_longer_than_a_sequence(lengths: list[int], capacity: int) -> None:
    pieces = [piece for one in sequences_of(best_fit(array_of(lengths), capacity)) for piece in one]

    for document, length in enumerate(lengths):
        mine = sorted(piece for piece in pieces if piece[0] == document)
        whole, rest = divmod(length, capacity)
        assert [end - start for _, start, end in mine] == [capacity] * whole + [rest] * (rest > 0)


def slow_best_fit(lengths: list[int], capacity: int) -> list[list[Piece]]:
    """The method as one would do it by hand: look at every sequence for every piece."""
    pieces = [
        (document, start, min(start + capacity, length))
        for document, length in enumerate(lengths)
        for start in range(0, length, capacity)
    ]
    aside: list[tuple[int, list[Piece]]] = []  # room and pieces, the last put aside at the end
    for piece in sorted(pieces, key=lambda piece: piece[1] - piece[2]):
        size = piece[2] - piece[1]
        fitting = [at for at, (room, _) in enumerate(aside) if room >= size]
        chosen = min(fitting, key=lambda at: (aside[at][0], -at), default=None)
        room, held = (capacity, []) if chosen is None else aside.pop(chosen)
        aside.append((room - size, [*held, piece]))
    return sorted(sorted(held) for _, held in aside)


@given(lengths=LENGTHS, capacity=st.integers(1, 40))
def test_best_fit_is_the_obvious_method(lengths: list[int], capacity: int) -> None:
    assert sequences_of(best_fit(array_of(lengths), capacity)) == slow_best_fit(lengths, capacity)


def test_best_fit_takes_the_fullest_sequence_that_has_room() -> None:
    packing = best_fit(array_of([6, 7, 3, 4, 25]), 10)

    assert sequences_of(packing) == [[(0, 0, 6), (3, 0, 4)], [(1, 0, 7), (2, 0, 3)], [(4, 0, 10)], [(4, 10, 20)],
                                     [(4, 20, 25)]]  # fmt: skip


def test_best_fit_comes_near_the_lower_bound_on_documents_of_usual_lengths() -> None:
    lengths = np.random.default_rng(7).lognormal(6, 1.2, 20_000).astype(np.int64)

    for capacity in (2048, 8192):
        assert len(best_fit(lengths, capacity).room) <= 1.01 * lengths.sum() / capacity + 1


def slow_buckets(length: int, smallest: int, largest: int, extra: int) -> list[int]:
    """The sizes of a document's pieces by the paper's loop, with the largest power where it draws one."""
    sizes = []
    while length - extra >= smallest:
        sizes.append(min(2 ** ((length - extra).bit_length() - 1), largest) + extra)
        length -= sizes[-1]
    return sizes


@given(lengths=LENGTHS, smallest=st.integers(0, 4), more=st.integers(0, 3), extra=st.integers(0, 1))
def test_buckets_are_those_of_the_papers_loop(lengths: list[int], smallest: int, more: int, extra: int) -> None:
    low, high = 2**smallest, 2 ** (smallest + more)

    packing = buckets(array_of(lengths), low, high, extra=extra)

    check_form(packing)
    sequences = sequences_of(packing)
    assert [len(pieces) for pieces in sequences] == [1] * len(sequences)
    for document, length in enumerate(lengths):
        sizes = [end - start for ((one, start, end),) in sequences if one == document]
        assert sizes == slow_buckets(length, low, high, extra)
    assert packing.room.tolist() == [end - start for ((_, start, end),) in sequences]


@given(lengths=LENGTHS, smallest=st.integers(0, 4), more=st.integers(0, 3), extra=st.integers(0, 1))
def test_buckets_lose_only_rests_shorter_than_the_smallest(
    lengths: list[int], smallest: int, more: int, extra: int
) -> None:
    low, high = 2**smallest, 2 ** (smallest + more)

    dropped = missing_tokens(buckets(array_of(lengths), low, high, extra=extra), lengths)
    packed = buckets(array_of(lengths), low, high, extra=extra, rest="pack")

    for document, length in enumerate(lengths):
        lost = [token for one, token in dropped if one == document]
        assert len(lost) < low + extra
        assert lost == list(range(length - len(lost), length))
    assert missing_tokens(packed, lengths) == []
    check_form(packed)


def test_no_documents_give_no_sequences() -> None:
    for packing in (
        concat(array_of([]), 8),
        best_fit(array_of([0, 0]), 8),
        buckets(array_of([]), 2, 8),
        buckets(array_of([0]), 2, 8, rest="pack"),
    ):
        assert len(packing.room) == len(packing.sequence) == 0
