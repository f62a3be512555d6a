"""Makes a user's Python file a module that every process can import by name alone.

The name holds the file's path and the hash of its content: `stages.user_files.<stem>_<path in hex>_<hash>`. So what a
stage of the user's sends to workers unpickles there like anything else (importing the name imports this module, which
finds the file), an edited file is another module, and a file that is not what was planned is refused.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, SourceFileLoader
from importlib.util import spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Final

import xxhash

from stages.errors import StageError

__path__: list[str] = []
"""Makes this module a package, so that Python looks for submodules; `_Finder` is the only one to find any."""

_NAME: Final = re.compile(re.escape(__name__) + r"\.\w*_([0-9a-f]+)_([0-9a-f]{32})", re.ASCII)


def load_file(file: Path, content: str | None = None) -> ModuleType:
    """The module of a file. `content`: the hash that the plan knows, that of the file as it is now when left out.

    Raises OSError when it cannot be read, StageError when its content is another, and whatever its code raises.
    """
    content = content or xxhash.xxh3_128_hexdigest(file.read_bytes())
    stem = re.sub(r"[^0-9A-Za-z]", "_", file.stem)
    return import_module(f"{__name__}.{stem}_{os.fsencode(file).hex()}_{content}")


def file_behind(module: str) -> tuple[Path, str] | None:
    """The file and the hash of its content that a module's name holds, or None for any other module."""
    found = _NAME.fullmatch(module)
    return (Path(os.fsdecode(bytes.fromhex(found[1]))), found[2]) if found else None


class _FileLoader(Loader):
    """Runs the very bytes that were hashed; Python's bytecode cache goes by whole seconds and would run old code."""

    def __init__(self, file: Path, content: str) -> None:
        self.file = file
        self.content = content

    def exec_module(self, module: ModuleType) -> None:
        data = self.file.read_bytes()
        if xxhash.xxh3_128_hexdigest(data) != self.content:
            raise StageError(f"{self.file}: the file was changed after the plan was made\n    mend: run it again")
        source = SourceFileLoader(module.__name__, str(self.file))
        exec(source.source_to_code(data, str(self.file)), module.__dict__)


class _Finder(MetaPathFinder):
    """Finds what `load_file` names, in any process."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        behind = file_behind(fullname)
        return spec_from_file_location(fullname, behind[0], loader=_FileLoader(*behind)) if behind else None


sys.meta_path.append(_Finder())
