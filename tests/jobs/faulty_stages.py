"""Stages that meet the machine's faults, not a document's: files that are gone, missing packages, no memory."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import pyarrow as pa

from stages.find import Documents, Frame
from stages.stage import Filter, Find
from stages.verdicts import Verdicts, keep_all


class Faulty(Filter):
    """Raises for every batch."""

    fault: Literal["file", "package", "memory", "exit"]

    def judge(self, batch: pa.RecordBatch, tools: Any) -> Verdicts:
        if self.fault == "file":
            Path("/nowhere/list.txt").read_text()
        if self.fault == "package":
            import a_package_that_is_nowhere  # noqa: F401
        if self.fault == "memory":
            raise MemoryError
        raise SystemExit(4)


class Unopened(Filter):
    """Cannot be opened."""

    def open(self) -> Any:
        raise ValueError("the list has no entries")

    def judge(self, batch: pa.RecordBatch, tools: Any) -> Verdicts:
        return keep_all(batch.num_rows)


class Helpless(Find):
    """Gives up before it looks."""

    def find(self, documents: Documents, tools: Any) -> Frame:
        raise KeyError("no documents like these")


class Meddler(Filter):
    """Writes to a file while the run reads it, as a crawler that is still at work would."""

    file: str
    act: Literal["grow", "shrink", "delete"]

    def judge(self, batch: pa.RecordBatch, tools: Any) -> Verdicts:
        path = Path(self.file)
        if self.act == "grow":
            with path.open("a") as file:
                file.write('{"text": "late"}\n')
        elif self.act == "shrink":
            path.write_bytes(path.read_bytes()[:50])
        else:
            path.unlink(missing_ok=True)
        return keep_all(batch.num_rows)
