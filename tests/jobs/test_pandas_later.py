"""pyarrow meets pandas when somebody imports it: nobody pays for it before, and nothing is another for who does."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

HOME = Path(__file__).parents[2]
START = "import sys\nimport pyarrow as pa\nfrom jobs.pandas_later import meet_pandas_later\nmeet_pandas_later()\n"


def told(code: str) -> list[str]:
    command = [sys.executable, "-W", "error", "-c", START + code]
    return subprocess.run(command, capture_output=True, check=True, text=True, cwd=HOME).stdout.split()


def test_arrays_are_made_without_pandas() -> None:
    assert told("print(pa.array([1, None]).null_count, 'pandas' in sys.modules)") == ["1", "False"]


def test_a_series_is_one_to_pyarrow_whoever_imported_pandas() -> None:
    pytest.importorskip("pandas")
    code = "from importlib.util import find_spec\nassert find_spec('pandas')\nimport pandas\n"
    assert told(code + "print(pa.array(pandas.Series([1.0, float('nan')])).null_count)") == ["1"]
    assert told("print(type(pa.array([1]).to_pandas()).__name__)") == ["Series"]


def test_the_import_of_pandas_leaves_nothing_behind() -> None:
    pytest.importorskip("pandas")
    code = "before = len(sys.meta_path)\nimport pandas\nprint(before - len(sys.meta_path), pandas.__spec__.name)"
    assert told(code) == ["1", "pandas"]
