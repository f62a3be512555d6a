"""Lines of many texts as one column, and spans of them taken out again: what line rules that edit texts share.

The idea: the lines of a whole batch are one Arrow column, so that a rule is a column expression; only texts from which
something is cut are put together anew.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from stages.verdicts import Cuts

Longs = npt.NDArray[np.int64]
Span = tuple[int, int, str]


@dataclass(frozen=True, slots=True)
class Lines:
    """What stands between newlines, texts one after the other: text `row[i]`, bytes [`start[i]`, `end[i]`) of it."""

    text: pa.StringArray
    row: Longs
    start: Longs
    end: Longs


def lines_of(texts: pa.StringArray) -> Lines:
    """The lines of texts without nulls; the empty text has one."""
    pieces = pc.split_pattern(texts, "\n")
    lines = pieces.flatten()
    row = pc.list_parent_indices(pieces).to_numpy().astype(np.int64)
    size = pc.binary_length(lines).to_numpy().astype(np.int64)
    ends = np.cumsum(size + 1)
    first = np.searchsorted(row, row)
    origin = (ends - size - 1)[first] if len(row) else ends
    return Lines(lines, row, ends - size - 1 - origin, ends - 1 - origin)


def whole_lines(lines: Lines, gone: npt.NDArray[np.bool_]) -> tuple[Longs, Longs]:
    """The spans to cut so that just these lines go: with the newline behind each, or before it at the text's end."""
    kept_behind = np.zeros(len(gone), np.bool_)
    if len(gone):
        # The number of kept lines from each one on, to the end of its text: those of all texts less those behind it.
        kept = np.cumsum(~gone[::-1])[::-1]
        last = np.searchsorted(lines.row, lines.row, side="right")
        kept_behind = kept > np.append(kept, 0)[last]
    start = np.where(kept_behind, lines.start, np.maximum(lines.start - 1, 0))
    return start, np.where(kept_behind, lines.end + 1, lines.end)


def cuts_of(spans: Sequence[Sequence[Span]], rows: Sequence[int]) -> Cuts:
    """The spans of these rows as the ledger takes them."""
    flat = [(row, *span) for row in rows for span in spans[row]]
    starts, ends = (np.array([span[at] for span in flat], np.int64) for at in (1, 2))
    return Cuts(
        np.array([span[0] for span in flat], np.int32), starts, ends, pa.array([span[3] for span in flat], pa.string())
    )


def without(text: str, spans: Sequence[Span]) -> str:
    """The text without its spans, which are sorted and apart."""
    data, at, pieces = text.encode(), 0, []
    for start, end, _ in spans:
        pieces.append(data[at:start])
        at = end
    return b"".join((*pieces, data[at:])).decode()
