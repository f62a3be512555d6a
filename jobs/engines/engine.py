"""What a step may ask of an engine: two places where rows begin; a frame's own verbs do the rest.

Whatever keeps this and `stages.find.Frame` runs every pipeline to the same bytes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import pyarrow as pa

from stages.find import Frame

Progress = Callable[[int, int], None]
"""Called with (tasks done, tasks) as the tasks of a pass end."""


class Engine(Protocol):
    """Where frames come from."""

    progress: Progress | None

    def scan(self, tasks: int) -> Frame:
        """One row {task: int32} per task, 0 ≤ task < tasks."""
        ...

    def table(self, rows: pa.Table) -> Frame:
        """A small table of the driver's as a frame."""
        ...
