"""A store that counts its puts and deletes over all processes and kills their process group at the n-th."""

from __future__ import annotations

import fcntl
import os
import signal
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from jobs.run import RunSettings, run_plan
from jobs.store import LocalStore
from pipelines.compile import compile_pipeline


@dataclass(frozen=True)
class CrashingStore(LocalStore):
    """`counter`: the file that holds the count; at `crash_at` the process group dies, before the operation is done."""

    counter: Path
    crash_at: int

    def _count(self) -> None:
        with self.counter.open("a+") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            file.write(".")
            file.flush()
            if file.tell() == self.crash_at:
                os.killpg(0, signal.SIGKILL)

    def create(self, name: str) -> BinaryIO:
        self._count()
        return super().create(name)

    def put_if_absent(self, name: str, data: bytes) -> bool:
        self._count()
        return super().put_if_absent(name, data)

    def replace(self, name: str, data: bytes) -> None:
        self._count()
        super().replace(name, data)

    def publish(self, name: str, as_name: str) -> None:
        self._count()
        super().publish(name, as_name)

    def delete(self, name: str) -> None:
        self._count()
        super().delete(name)


def main() -> None:
    """`python -m tests.jobs.crashing_store PIPELINE COUNTER CRASH_AT [--replace]`: one run; prints its digests."""
    plan = compile_pipeline(Path(sys.argv[1]), overrides={"workers": 1})
    store = CrashingStore(Path(plan.home), Path(sys.argv[2]), int(sys.argv[3]))
    outcome = run_plan(plan, RunSettings(replace="--replace" in sys.argv), store=store)
    assert outcome.manifest is not None
    print(outcome.manifest["digest"], outcome.manifest["ledger_digest"])


if __name__ == "__main__":
    from tests.jobs.crashing_store import main as imported_main

    imported_main()
