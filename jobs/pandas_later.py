"""Lets pyarrow meet pandas when somebody imports it, and not before.

At the first list it makes an array of, pyarrow imports pandas, where that is installed, to see whether the list is a
Series: 0.4 CPU seconds and 50 MB in each process of a run, and textmill uses nothing of it. For a stage that does use
pandas all is as ever: when it imports pandas, pyarrow is told at once.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import suppress
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from types import ModuleType
from typing import Final

import pyarrow as pa

_PANDAS: Final = "pandas"


def meet_pandas_later() -> None:
    """For the start of a process that is ours, before its first array; without pandas it changes nothing."""
    if _PANDAS in sys.modules or any(isinstance(finder, _Finder) for finder in sys.meta_path):
        return
    finder = _Finder()
    sys.meta_path.insert(0, finder)
    pa.array([])
    finder.hides = False


class _Finder(MetaPathFinder):
    """Hides pandas once, and then finds it where it is and has pyarrow told of it when it is loaded."""

    hides = True

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname != _PANDAS:
            return None
        if self.hides:
            raise ModuleNotFoundError("pyarrow meets pandas later", name=_PANDAS)
        sys.meta_path.remove(self)
        try:
            spec = find_spec(_PANDAS)
        finally:
            sys.meta_path.insert(0, self)
        if spec is not None and spec.loader is not None:
            load = spec.loader.exec_module

            def load_and_tell(module: ModuleType) -> None:
                load(module)
                sys.meta_path.remove(self)
                with suppress(ImportError):  # too old for pyarrow, which then does without, as it would have before
                    pa.nulls(0).to_pandas()

            spec.loader.exec_module = load_and_tell  # type: ignore[method-assign]
        return spec
