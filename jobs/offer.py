"""Commands to try next, printed so that they work where they are read.

The one idea: whoever called `.venv/bin/textmill` in a fresh clone has no `textmill` on the path yet, and a folder below
the working directory is known by its short name.
"""

from __future__ import annotations

import shlex
import shutil
import sys
from pathlib import Path


def command_line(*words: object) -> str:
    """`textmill` with these words, quoted for a shell; by the program's path where its name alone is not found."""
    called = Path(sys.argv[0])
    found = called.name != "textmill" or shutil.which("textmill") is not None
    return shlex.join(["textmill" if found else short_path(called), *map(str, words)])


def short_path(path: str | Path) -> str:
    """A path as one would type it: relative when it lies below the working directory."""
    full = Path(path)
    return str(full.relative_to(Path.cwd())) if full.is_relative_to(Path.cwd()) else str(path)
