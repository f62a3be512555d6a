"""Environments of their own for the tools that textmill is compared with, whose pins nothing else should follow."""

from __future__ import annotations

import subprocess
import sys
from hashlib import blake2b
from pathlib import Path
from typing import Final

DATATROVE: Final = ("datatrove==0.10.1", "spacy>=3.8,<3.9", "regex", "pyarrow>=19", "orjson>=3.10")
"""datatrove with what its English words and sentences need (a blank spaCy pipeline: no model is downloaded)."""
DATATROVE_RATES: Final = (*DATATROVE, "fasttext-predict==0.9.2.4")
DOLMA: Final = (
    *("dolma==1.2.1", "pyarrow>=15,<21", "boto3==1.28.17", "s3fs==2023.6.0", "fsspec==2023.6.0", "tokenizers==0.19.1"),
    *("huggingface-hub==0.36.2", "numpy==1.26.4", "urllib3==1.26.20"),
)
"""dolma with those pins without which pip tries out versions for a quarter of an hour."""


def environment(folder: Path, packages: tuple[str, ...]) -> Path:
    """The Python of the environment in `folder`, made with pip if it is not there with just these packages.

    Raises subprocess.CalledProcessError when pip cannot install them.
    """
    python = folder / "bin" / "python"
    ready = folder / f".ready-{blake2b(' '.join(packages).encode(), digest_size=6).hexdigest()}"
    if ready.exists():
        return python
    print(f"installing {', '.join(packages)} into {folder}", file=sys.stderr)
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, *packages], check=True)
    ready.touch()
    return python


def versions(python: Path, *packages: str) -> str:
    """`name version` of packages as they are installed there, in one line."""
    script = "import sys, importlib.metadata as m; print(*(f'{p} {m.version(p)}' for p in sys.argv[1:]), sep=', ')"
    done = subprocess.run([python, "-c", script, *packages], check=True, capture_output=True, text=True)
    return done.stdout.strip()
