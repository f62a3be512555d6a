"""A working directory with a little data, in which a test compiles the pipeline it wrote."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from pipelines.compile import compile_pipeline, validate_pipeline
from pipelines.plan import Plan


@dataclass(frozen=True)
class Bench:
    """`folder` holds `data/a.jsonl` and `more/b.jsonl`."""

    folder: Path

    def compile(self, text: str, settings: Sequence[str] = (), **more: Any) -> Plan:
        """The plan of a pipeline text."""
        (self.folder / "p.yaml").write_text(text)
        return compile_pipeline("p.yaml", settings=settings, working_directory=self.folder, **more)

    def faults(self, text: str, settings: Sequence[str] = (), **more: Any) -> list[tuple[str, str, str]]:
        """Where, what and mend of every fault of a pipeline text."""
        (self.folder / "p.yaml").write_text(text)
        found = validate_pipeline("p.yaml", settings=settings, working_directory=self.folder, **more)
        return [(fault.where, fault.what, fault.mend) for fault in found]


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    for name in ("data/a.jsonl", "more/b.jsonl"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_text('{"text": "one two", "url": "http://a"}\n{"text": "three four"}\n')
    return Bench(tmp_path)
