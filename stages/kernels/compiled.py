"""Loads compiled kernels without what only compiling needs.

Before numba looks into its cache it loads all it knows of Python and numpy, and where scipy is installed that too: 0.6
CPU seconds for the first kernel of a process. With a function's machine code it then imports the modules of everything
that was compiled into it, such as its own `sum`, which takes 0.25. Machine code needs none of this, but numba's manager
of memory, and the constants of its exceptions.
"""

from __future__ import annotations

import pickle
import warnings
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, Final

from llvmlite.binding import add_symbol
from numba.core import environment
from numba.core.caching import FunctionCache, IndexDataCacheFile
from numba.core.runtime import _nrt_python

_CUT_OFF: Final = (EOFError, pickle.UnpicklingError)


class KernelCache(FunctionCache):  # type: ignore[misc]
    """numba's cache on disk, with a shorter way of loading."""

    def __init__(self, function: Callable[..., Any]) -> None:
        super().__init__(function)
        self._cache_file.__class__ = _Files

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        _name_memory_manager()
        return self._load_overload(sig, target_context)

    def save_overload(self, sig: Any, data: Any) -> None:
        try:
            super().save_overload(sig, data)
        except OSError as error:  # such as a full disk: the kernel is there all the same
            message = f"a compiled kernel cannot be kept, so every process compiles it: {error}"
            warnings.warn(f"{message}; make room, or set NUMBA_CACHE_DIR to another folder", RuntimeWarning, 2)


@cache
def _name_memory_manager() -> None:
    """Tell the linker where numba's memory manager is, without compiling what new machine code is linked with."""
    for name, address in _nrt_python.c_helpers.items():
        add_symbol(name if name.startswith("_") else f"NRT_{name}", address)


class _Files(IndexDataCacheFile):  # type: ignore[misc]
    """Files that a crash of the machine has cut off are compiled anew, like those that are not there."""

    def _load_index(self) -> Any:
        try:
            return super()._load_index()
        except _CUT_OFF:
            return {}

    def _load_data(self, name: str) -> Any:
        try:
            with Path(self._data_path(name)).open("rb") as file:
                return _Unpickler(file).load()
        except _CUT_OFF as error:
            raise OSError(f"{name}: {error}") from error  # for numba, a file that is not there


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == (environment.__name__, "_rebuild_env"):
            return _environment
        return super().find_class(module, name)


def _environment(module: str, constants: list[Any], name: str) -> Any:
    """What numba's `_rebuild_env` makes, without the module's globals: only code that is not compiled looks at them."""
    made = environment.lookup_environment(name)
    if made is None:
        made = environment.Environment({"__name__": module})
        made.consts[:] = constants
        made.env_name = name
        environment.Environment._memo[name] = made
    return made
