"""Which row is in hand: eight mapped bytes that survive their process, so that a row that kills can be named.

A worker writes the position of the batch (or, when careful, of the row) it is about to touch into a small mapped file.
When the process dies in a native library, the engine reads the file, adds a `Death` to the task and lets it run again.
The next attempt goes row by row where the last one died; a row that kills twice on its own is left out and named.
"""

from __future__ import annotations

import mmap
import signal
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

CAREFUL = 1 << 62
NOWHERE = -1


@dataclass(frozen=True, slots=True)
class Death:
    """How one attempt ended: the position last written, whether it went row by row, and the signal or exit code."""

    position: int
    careful: bool
    code: int


class Journal:
    """The journal of one task attempt. Without a path it keeps nothing (engines that have no local disk)."""

    def __init__(self, path: Path | None = None, deaths: Sequence[Death] = ()) -> None:
        self.deaths = tuple(deaths)
        self._map: mmap.mmap | None = None
        if path is not None:
            path.write_bytes(NOWHERE.to_bytes(8, "little", signed=True))
            with path.open("r+b") as file:
                self._map = mmap.mmap(file.fileno(), 8)

    def at(self, position: int, careful: bool = False) -> None:
        """Say which row is in hand, before touching it."""
        if self._map is not None:
            self._map[:] = (position | (CAREFUL if careful else 0)).to_bytes(8, "little", signed=True)

    def nowhere(self) -> None:
        """Say that no row is in hand: a death from here on is no document's."""
        if self._map is not None:
            self._map[:] = NOWHERE.to_bytes(8, "little", signed=True)

    def suspects(self, start: int, rows: int) -> bool:
        """Whether an earlier attempt died within these rows."""
        return any(start <= death.position < start + rows for death in self.deaths)

    def killers(self) -> dict[int, int]:
        """Rows that are to be left out, with the signal: killed by a crash twice, or by SIGKILL three times, alone."""
        lonely = Counter((death.position, death.code) for death in self.deaths if death.careful)
        return {
            position: code
            for (position, code), times in sorted(lonely.items())
            if times >= (3 if code == -signal.SIGKILL else 2)
        }


def in_hand(batches: Iterator[pa.RecordBatch]) -> Iterator[tuple[pa.RecordBatch, int | None]]:
    """Each batch with None, written down as in hand until the next is asked for.

    Where an earlier attempt died the rows come one by one; a row that is to be left out comes with its signal.
    """
    hand, position = current(), 0
    killers = hand.killers()
    for batch in batches:
        careful = hand.suspects(position, batch.num_rows)
        for piece in [batch.slice(row, 1) for row in range(batch.num_rows)] if careful else [batch]:
            hand.at(position, careful)
            yield piece, killers.get(position)
            position += piece.num_rows
        hand.nowhere()


def read_death(path: Path, code: int) -> Death:
    """The death of an attempt, from the journal it left behind and its exit code (negative: the signal)."""
    try:
        position = int.from_bytes(path.read_bytes(), "little", signed=True)
    except OSError:
        position = NOWHERE
    if position == NOWHERE:
        return Death(NOWHERE, False, code)
    return Death(position & ~CAREFUL, bool(position & CAREFUL), code)


def cause(code: int) -> str:
    """What ended a process: the name of the signal, or its exit code."""
    return signal.Signals(-code).name if code < 0 else f"exit code {code}"


_current = Journal()


def current() -> Journal:
    """The journal of the task this process works on."""
    return _current


def begin(journal: Journal) -> None:
    """Make this the journal of the task this process works on."""
    global _current
    _current = journal
