"""Gathers everything wrong with a pipeline, so that all of it is shown at once, in order of line.

Checks append to one list and go on as far as sense allows; at the end the list becomes one `PipelineError`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from pathlib import Path

from stages.errors import Fault, PipelineError


@dataclass(frozen=True, slots=True)
class Place:
    """Where a value was written: the file as the user named it (or `--set …`), the line from 1 (0 = all of it), and
    the folder that relative paths written there are relative to."""

    file: str
    line: int
    folder: Path

    def __str__(self) -> str:
        return f"{self.file}:{self.line}" if self.line else self.file

    def on(self, line: int) -> Place:
        """Another line of the same file."""
        return replace(self, line=line)


@dataclass(frozen=True, slots=True)
class Found:
    """One fault, with its place still apart, so that faults can be sorted."""

    at: Place
    what: str
    mend: str = ""


def in_order(faults: Sequence[Found], main: str) -> list[Fault]:
    """The faults as they are shown: those of the main file first, by line; doubles once."""
    files = list(dict.fromkeys([main, *(found.at.file for found in faults)]))
    ranked = sorted(faults, key=lambda found: (files.index(found.at.file), found.at.line))
    return [Fault(str(found.at), found.what, found.mend) for found in dict.fromkeys(ranked)]


def refuse(faults: Sequence[Found], main: str) -> None:
    """Raise PipelineError with all faults, if there are any."""
    if faults:
        raise PipelineError(in_order(faults, main))


def nearest(word: str, known: Iterable[str], otherwise: str | None = None) -> str:
    """`did you mean …?` for a word that comes near a known one, else `otherwise`, else the list of known ones."""
    known = list(known)
    near = get_close_matches(word, known, 1, 0.6)
    if near:
        return f"did you mean {near[0]!r}?"
    if otherwise is not None:
        return otherwise
    return f"known: {', '.join(known)}" if known else ""
