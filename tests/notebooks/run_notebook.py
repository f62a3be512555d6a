"""Runs a notebook headless: `python run_notebook.py NOTEBOOK FOLDER` prints the outputs of its cells as JSON.

A program of its own, because the sockets of the kernel's client belong in no process that counts warnings as errors.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import nbformat
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import KernelManager
from nbclient import NotebookClient


def run_notebook(notebook: Path, folder: Path) -> list[dict[str, Any]]:
    """Run all cells with `folder` as their working directory; what they gave. CellExecutionError where one fails."""
    # Without folders of kernels there is the one of this interpreter alone, whatever the user has installed.
    kernel = KernelManager(kernel_name="python3", kernel_spec_manager=KernelSpecManager(kernel_dirs=[]))
    assert kernel.kernel_spec is not None
    assert kernel.kernel_spec.argv[0] == sys.executable
    client = NotebookClient(
        nbformat.read(notebook, as_version=4), km=kernel, timeout=600, resources={"metadata": {"path": str(folder)}}
    )
    try:
        return [output for cell in client.execute().cells for output in cell.get("outputs", [])]
    finally:
        kernel.shutdown_kernel()


if __name__ == "__main__":
    print(json.dumps(run_notebook(Path(sys.argv[1]), Path(sys.argv[2]))))
