"""Our own code as it travels to a cluster: the six packages and the front door, as folders or as one zip.

The zip's bytes depend on the files alone (sorted names, one date), so its sha256 says which code a job ran.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Final

PACKAGES: Final = ("stages", "filters", "dedup", "rewrite", "pipelines", "jobs")
FRONT_DOOR: Final = "textmill.py"
_DATE: Final = (1980, 1, 1, 0, 0, 0)


def home() -> Path:
    """The folder that holds the packages."""
    return Path(__file__).resolve().parents[2]


def package_folders() -> list[str]:
    """The folders of the six packages."""
    return [str(home() / name) for name in PACKAGES]


def write_zip(file: Path) -> str:
    """Write the zip of our code; its sha256."""
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, path in _sources():
            entry = zipfile.ZipInfo(name, _DATE)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, path.read_bytes())
    return sha256(file.read_bytes()).hexdigest()


def _sources() -> Iterator[tuple[str, Path]]:
    """Name in the zip and path of every file, in order of name; compiled code stays at home."""
    root = home()
    paths = [path for name in PACKAGES for path in (root / name).rglob("*") if path.is_file()]
    for path in sorted([*paths, root / FRONT_DOOR]):
        if "__pycache__" not in path.parts:
            yield path.relative_to(root).as_posix(), path
