"""How many workers a memory budget carries: the budget decides what runs at once, never where data is cut."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from pipelines.plan import RunOptions, Step
from stages.errors import Fault, PipelineError

DRIVER: Final = 200 * 2**20
WORKER: Final = 350 * 2**20
"""Bytes of a worker process before it holds any document: the interpreter, Arrow, a compiled kernel, a small model."""
_COPIES: Final = 4
"""How often the largest document may stand in a worker's memory at once: as read, as text, as written, and encoded."""


def machine_memory() -> int:
    """Bytes of memory this process may use: the cgroup's limit where there is one, else the machine's."""
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    for limit in ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"):
        try:
            text = Path(limit).read_text().strip()
        except OSError:
            continue
        if text.isdigit():
            total = min(total, int(text))
    return total


def cores() -> int:
    """Cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def share_out(options: RunOptions, steps: Iterable[Step] = ()) -> tuple[int, int]:
    """(workers, budget in bytes) for a run of these steps.

    Raises PipelineError when one worker with one largest document does not fit into the budget, or when a stage asks
    for a GPU and the engine hands out none.
    """
    budget = options.memory or int(machine_memory() * 0.6)
    cpus, extra = _asked_for(options.engine, steps)
    need = WORKER + extra + _COPIES * min(options.max_document_bytes, 64 * 2**20)
    wanted = options.workers or max(1, int(cores() / cpus))
    fit = (budget - DRIVER) // need
    if fit < 1:
        raise PipelineError(
            Fault(
                "run.memory",
                f"{budget / 2**20:,.0f} MiB are too little for one worker and one document of run.max_document_bytes "
                f"({options.max_document_bytes / 2**20:,.0f} MiB): {(need + DRIVER) / 2**20:,.0f} MiB are needed",
                "raise --memory, or lower run.max_document_bytes",
            )
        )
    return max(1, min(wanted, fit)), budget


def _asked_for(engine: str, steps: Iterable[Step]) -> tuple[float, int]:
    """The most cores and bytes of memory that the stages of one step ask for, beside the batches."""
    cpus, extra = 1.0, 0
    for step in steps:
        for link in step.links:
            if link.resources.gpus and engine != "ray":
                raise PipelineError(
                    Fault(
                        link.at,
                        f"{link.name} asks for a GPU, and the {engine} engine hands out none",
                        "set gpus: 0, or run it with --engine ray",
                    )
                )
        cpus, extra = max(cpus, step.resources.cpus), max(extra, step.resources.memory)
    return cpus, extra
