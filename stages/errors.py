"""Every error textmill raises on purpose, in one tree.

    TextmillError
    ├── PipelineError     the user's YAML or command is refused before anything runs (exit code 2)
    ├── StageError        a stage broke its contract, or a document broke it; names stage and id
    ├── StoreError        an input or the run directory cannot be read, written or trusted
    └── EngineError       the engine could not carry the work through (workers died, memory budget too small)

A message says where, what, and the mend, in this order. Messages of `PipelineError` may be several: all faults of a
pipeline are shown at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


class TextmillError(Exception):
    """Root of the tree; whoever embeds textmill catches this one."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong with a pipeline: where it stands, what it is, and how to mend it."""

    where: str
    what: str
    mend: str = ""

    def __str__(self) -> str:
        text = f"{self.where}: {self.what}" if self.where else self.what
        return f"{text}\n    mend: {self.mend}" if self.mend else text


class PipelineError(TextmillError):
    """The pipeline is refused: nothing has run. Carries every fault found, not only the first."""

    def __init__(self, faults: Sequence[Fault] | Fault | str) -> None:
        if isinstance(faults, str):
            faults = [Fault("", faults)]
        self.faults: tuple[Fault, ...] = (faults,) if isinstance(faults, Fault) else tuple(faults)
        super().__init__("\n".join(str(fault) for fault in self.faults))


class StageError(TextmillError):
    """A stage broke its contract, or too many documents broke it."""


class StoreError(TextmillError):
    """An input or the run directory cannot be read, written, or trusted."""


class EngineError(TextmillError):
    """The engine could not carry the work through."""
