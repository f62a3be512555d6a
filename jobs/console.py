"""What a run tells while it goes: a progress bar on a terminal, plain lines in a log."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import Any

_QUIET = 10.0
"""Seconds between two progress lines in a log."""


class Console:
    """Prints to standard error, so that standard output holds the result alone."""

    def __init__(self) -> None:
        self._bar: Any = None
        self._task: Any = None
        self._step = ""
        self._last = time.monotonic()

    def __enter__(self) -> Console:
        if sys.stderr.isatty():
            from rich.console import Console as RichConsole
            from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

            columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
            self._bar = Progress(*columns, console=RichConsole(stderr=True), transient=True)
            self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    def line(self, text: str) -> None:
        """One line that stays."""
        if self._bar is not None:
            self._bar.console.print(text, highlight=False, markup=False)
        else:
            print(text, file=sys.stderr, flush=True)

    def progress(self, step: str, finished: int, tasks: int) -> None:
        """How far the pass of a step is."""
        if self._bar is not None:
            if self._task is None or step != self._step:
                if self._task is not None:
                    self._bar.remove_task(self._task)
                self._task, self._step = self._bar.add_task(step, total=tasks), step
            self._bar.update(self._task, completed=finished, total=tasks)
        elif time.monotonic() - self._last > _QUIET:
            self._last = time.monotonic()
            self.line(f"{step}: {finished} of {tasks} tasks")
