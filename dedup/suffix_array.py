"""Repeated passages of many texts, by sorting all their suffixes: passages that are equal then stand side by side.

Manber and Myers 1993, "Suffix arrays: a new method for on-line string searches"; used to deduplicate corpora by Lee et
al. 2022, "Deduplicating training data makes language models better" (https://arxiv.org/abs/2107.06499). libdivsufsort
sorts, by way of the package pydivsufsort (extra `substring`); the rest is in `dedup/kernels/repeats.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from stages.kernels.texts import texts_of

Bytes = npt.NDArray[np.uint8]
Ints = npt.NDArray[np.int32]
Longs = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Joined:
    """Texts in one array: text k is data[starts[k]:ends[k]], a separator stands behind it."""

    data: Bytes
    starts: Longs
    ends: Longs


@dataclass(frozen=True, slots=True)
class Ranges:
    """Ranges of bytes in order: of which text, from where to where within it, and the text in which its like stands.

    Ranges of a text are disjoint and do not touch. `twin` is the text that holds the range's first `min_bytes` bytes
    first; with keep `none` and for that text itself, the next one that has them (it may be the same one again).
    """

    text: Longs
    start: Longs
    end: Longs
    twin: Longs


def join_columns(columns: Sequence[pa.Array]) -> Joined:
    """The texts of string columns, one after the other; a null is the empty text."""
    from dedup.kernels.repeats import join_texts

    texts = [texts_of(column) for column in columns]
    sizes = np.concatenate([np.zeros(0, np.int64), *(one.ends - one.starts for one in texts)])
    starts = np.concatenate([[0], np.cumsum(sizes + 1)])[:-1].astype(np.int64)
    joined = np.empty(int(sizes.sum()) + max(0, len(sizes) - 1), np.uint8)
    done = 0
    for one in texts:
        join_texts(one.data, one.starts, one.ends, joined, starts[done : done + len(one)])
        done += len(one)
    return Joined(joined, starts, starts + sizes)


def repeated_ranges(joined: Joined, min_bytes: int, keep: Literal["first", "none"]) -> Ranges:
    """What repeats in texts, in bytes; ranges may begin and end within a character.

    A *window* is `min_bytes` bytes of one text. Keep `none`: every byte in a window that stands in two places at
    least. Keep `first`: every byte in a window that stands in an earlier place, too, but for bytes which the first
    such place holds itself, where both overlap. Raises ImportError without pydivsufsort. Takes 8 bytes of memory per
    byte beside the joined texts; time does not depend on `min_bytes`, and is linear but for the sorting.
    """
    from dedup.kernels.repeats import collect_ranges, name_twins, share_with_neighbour

    if not len(joined.data):
        return _ranges(np.zeros((0, 4), np.int64), joined)
    suffixes = _sort_suffixes(joined.data)
    twins = np.empty(len(suffixes), np.int32)
    share_with_neighbour(joined.data, suffixes, twins)
    name_twins(suffixes, twins, min_bytes, keep == "first")
    del suffixes
    ask = (twins, joined.starts, joined.ends, min_bytes, keep == "first")
    found = np.empty((collect_ranges(*ask, np.empty((0, 4), np.int64)), 4), np.int64)
    collect_ranges(*ask, found)
    return _ranges(found[::-1], joined)


def shrink_to_characters(joined: Joined, ranges: Ranges) -> Ranges:
    """The ranges without parts of characters at their ends; ranges of which nothing is left are left out."""
    from dedup.kernels import repeats

    shift = joined.starts[ranges.text]
    starts, ends = ranges.start + shift, ranges.end + shift
    repeats.shrink_to_characters(joined.data, starts, ends)
    some = starts < ends
    return Ranges(ranges.text[some], (starts - shift)[some], (ends - shift)[some], ranges.twin[some])


def divsufsort_fault() -> str | None:
    """Why suffixes cannot be sorted here, with the mend; None if they can."""
    try:
        import pydivsufsort  # noqa: F401
    except ImportError as error:
        return f"pydivsufsort cannot be loaded ({error}): pip install 'textmill[substring]'"
    return None


def _sort_suffixes(data: Bytes) -> Ints:
    fault = divsufsort_fault()
    if fault is not None:
        raise ImportError(fault)
    from pydivsufsort import divsufsort

    # It takes writable arrays alone and gives int32 up to 2^31-1 bytes, which is as large as a text can be.
    suffixes: Ints = divsufsort(data)
    assert suffixes.dtype == np.int32
    return suffixes


def _ranges(found: npt.NDArray[np.int64], joined: Joined) -> Ranges:
    text, start, end, place = (found[:, at].copy() for at in range(4))
    shift = joined.starts[text]
    twin = np.searchsorted(joined.starts, place, side="right") - 1
    return Ranges(text, start - shift, end - shift, twin.astype(np.int64))
