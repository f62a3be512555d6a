"""Reading the files of a run directory."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

PROGRAM = """
import os, sys
from pathlib import Path
from jobs.parquet import find_rows, read_parquet
from jobs.store import LocalStore

def threads():
    return len(os.listdir("/proc/self/task"))

store, before = LocalStore(Path(sys.argv[1])), threads()
assert read_parquet(store, "a.parquet").num_rows == 1000
assert len(list(find_rows(store, "a.parquet", "id", "7"))) == 1
assert threads() == before, f"{before} threads became {threads()}"
"""


def test_reading_starts_no_thread_that_could_outlive_the_program(tmp_path: Path) -> None:
    rows = pa.table({"id": [str(row) for row in range(1000)], "text": ["x" * 1000] * 1000})
    pq.write_table(rows, tmp_path / "a.parquet")
    told = subprocess.run([sys.executable, "-c", PROGRAM, str(tmp_path)], capture_output=True, text=True, check=False)
    assert told.returncode == 0, told.stderr
