"""The notebooks run from the first cell to the last, and lie in the repository without outputs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=[notebook.stem for notebook in NOTEBOOKS])
def test_a_notebook_runs_from_end_to_end(notebook: Path, tmp_path: Path) -> None:
    own = {name: str(tmp_path / "jupyter") for name in ("IPYTHONDIR", "JUPYTER_RUNTIME_DIR", "JUPYTER_CONFIG_DIR")}
    environment = {name: value for name, value in os.environ.items() if name != "TEXTMILL_RUN"} | own
    program = [sys.executable, Path(__file__).with_name("run_notebook.py"), notebook, tmp_path]

    done = subprocess.run(program, capture_output=True, text=True, env=environment)

    assert done.returncode == 0, done.stderr
    outputs = json.loads(done.stdout)
    shown = [output["data"] for output in outputs if "data" in output]
    assert any("image/png" in data for data in shown)
    assert any("stages.extract" in data.get("text/html", "") for data in shown)
    printed = "".join("".join(output["text"]) for output in outputs if output["output_type"] == "stream")
    assert ("all 10 checks hold" in printed) == (notebook.stem == "01_first_run")


def test_there_are_the_notebooks_that_the_documentation_names() -> None:
    told = (FOLDER.parent / "docs/notebooks.md").read_text()
    assert len(NOTEBOOKS) == 3
    assert all(f"notebooks/{notebook.name}" in told for notebook in NOTEBOOKS)


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=[notebook.stem for notebook in NOTEBOOKS])
def test_a_notebook_is_kept_without_outputs(notebook: Path) -> None:
    cells = json.loads(notebook.read_text())["cells"]
    for cell in cells:
        assert cell["metadata"] == {}
        assert cell.get("outputs", []) == []
        assert cell.get("execution_count") is None
    assert sum(cell["cell_type"] == "code" for cell in cells) >= 5
