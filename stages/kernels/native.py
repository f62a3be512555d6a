"""The one decorator that compiles kernels, and where the compiled code is kept.

Every kernel has an explicit signature, releases the GIL, and is compiled once per machine: the machine code lies in a
folder named after numba, Python and the processor, and below it in one named after the sources that the kernel is made
of, its own module and all that this imports from beside it; so an edited or foreign kernel is never loaded, and an edit
compiles no more than it touches. (numba by itself looks at the file of the calling kernel alone, and would run stale
code after an edit of a kernel it calls.) While a kernel is not there one process compiles it and the others wait;
afterwards nobody waits.

The folder stands below the first of these that can be written: `NUMBA_CACHE_DIR`, this package's `__pycache__`,
`XDG_CACHE_HOME` or `~/.cache`, the folder for temporary files. Where none can, kernels are compiled in every process
and a RuntimeWarning says so.
"""

from __future__ import annotations

import fcntl
import os
import re
import sys
import tempfile
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from hashlib import blake2b
from importlib.abc import InspectLoader
from pathlib import Path
from typing import Any, Final, Literal, TypeVar, cast
from zipimport import zipimporter

import numba
from llvmlite.binding import get_host_cpu_features, get_host_cpu_name
from numba import types
from numba.core.registry import CPUDispatcher

from stages.kernels.compiled import KernelCache

_IMPORT: Final = re.compile(r"^(?:from ([\w.]+) import|import ([\w.]+))", re.MULTILINE)
_turns: Final = threading.RLock()
_turns_taken: Final[list[str]] = []
"""Kernels that this process compiles now, each on behalf of the one before it."""
Kernel = TypeVar("Kernel", bound=Callable[..., Any])

BYTES: Final = types.Array(types.uint8, 1, "C", readonly=True)
"""UTF-8 bytes, or one class per code point; read-only, as Arrow's buffers are."""
LONGS: Final = types.Array(types.int64, 1, "C", readonly=True)
"""int64 that a kernel only reads."""


def native(
    signature: Any, inline: Literal["never", "always"] = "never", memory: Literal["counted", "given"] = "counted"
) -> Callable[[Kernel], Kernel]:
    """Compile a function for exactly one signature when it is first used, or load it if this machine has compiled it.

    `memory="given"` is for functions that make no array: without the counting of references to those they are given
    (two atomic instructions for each array and call) the splitter of English words went from 37 to 99 MB/s.
    `inline="always"` is for what other kernels call once per word: a call hands over seven numbers for every array.
    (Inlining `spans.first_equal` and what it calls took Gopher's repetition rules from 40 to 68 MB/s.)
    """

    def kernel(function: Kernel) -> Kernel:
        dispatcher = numba.njit(nogil=True, inline=inline, _nrt=memory == "counted")(function)
        dispatcher.__class__ = _Kernel
        dispatcher.signature = signature
        return cast(Kernel, dispatcher)

    return kernel


class _Kernel(CPUDispatcher):  # type: ignore[misc]
    """A compiled function that is there from its first use on.

    It is used when Python calls it, or when a kernel that calls it is compiled. One that only other kernels call is
    part of their machine code, and loading those loads it not: the filters' kernels load in a third of the time.
    """

    signature: Any

    def __call__(self, *args: Any) -> Any:
        self.make_ready()
        return super().__call__(*args)

    def get_call_template(self, args: Any, kws: Any) -> Any:
        self.make_ready()
        return super().get_call_template(args, kws)

    def enable_caching(self) -> None:
        self._cache = KernelCache(self.py_func)

    def make_ready(self) -> None:
        """Load the machine code, or compile it where there is none yet."""
        if self.signature is None:
            return
        signature, self.signature = self.signature, None
        module = self.py_func.__module__
        folder = module_folder(module)
        if folder is None:
            self.compile(signature)
        else:
            with _turn_to_compile(folder, f"{module}.{self.py_func.__qualname__}"), _numba_caches_in(folder):
                self.enable_caching()
                self.compile(signature)
        self.disable_compile()


@cache
def module_folder(module: str) -> Path | None:
    """Where the compiled kernels of a module are kept, made if need be; None where no folder can be written."""
    folder = cache_folder()
    if folder is None:
        return None
    folder = folder / f"{module.rpartition('.')[2]}-{sources_hash(module)}"
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder


@cache
def cache_folder() -> Path | None:
    """The folder with this machine's compiled kernels, made if need be; None where no folder can be written."""
    name = f"kernels-{_machine_code_identity()}"
    for parent in _parents():
        folder = parent / name
        with suppress(OSError):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            tempfile.TemporaryFile(dir=folder).close()
            # Cached code is run: in a shared folder it must be our own.
            if folder.stat().st_uid == os.getuid() or parent != _shared_parent():
                return folder
    warnings.warn(
        "no folder to keep compiled kernels in, so every process compiles them; set NUMBA_CACHE_DIR to a writable one",
        RuntimeWarning,
        stacklevel=2,
    )
    return None


def _parents() -> Iterator[Path]:
    if numba.config.CACHE_DIR:
        yield Path(numba.config.CACHE_DIR)
    yield Path(__file__).parent / "__pycache__"
    home = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    if os.path.isabs(home):
        yield Path(home) / "textmill"
    yield _shared_parent()


def _shared_parent() -> Path:
    return Path(tempfile.gettempdir()) / f"textmill-{os.getuid()}"


def _machine_code_identity() -> str:
    """16 hex digits over what turns sources into machine code."""
    processor = f"{get_host_cpu_name()} {get_host_cpu_features().flatten()}"
    return blake2b(f"{numba.__version__} {sys.version} {processor}".encode(), digest_size=8).hexdigest()


@cache
def sources_hash(module: str) -> str:
    """16 hex digits over the sources of a module and of all that it imports, directly or not, from the same packages.

    The module must have been imported: what it imports is loaded by then.
    """
    state = blake2b(digest_size=8)
    for name, source in sorted(_sources(module, {}).items()):
        state.update(f"{name} {len(source)} ".encode() + source)
    return state.hexdigest()


def _sources(module: str, found: dict[str, bytes]) -> dict[str, bytes]:
    loader = getattr(getattr(sys.modules.get(module), "__spec__", None), "loader", None)
    if module in found or not isinstance(loader, InspectLoader | zipimporter):
        return found
    source = loader.get_source(module) or ""
    found[module] = source.encode()
    package = module.partition(".")[0]
    for imported in _IMPORT.findall(source):
        name = imported[0] or imported[1]
        if name.partition(".")[0] in (package, "stages"):
            _sources(name, found)
    return found


@contextmanager
def _turn_to_compile(folder: Path, kernel: str) -> Iterator[None]:
    """Let one process compile a kernel that is not there yet, and the others load what it has written."""
    done = folder / f"{kernel}.done"
    if done.exists():
        yield
        return
    with _turns, (folder.parent / "lock").open("w") as lock:
        # A kernel that is compiled on behalf of another has its turn already. A file system without locks costs a
        # second compilation, never a wrong one: numba replaces files atomically.
        _turns_taken.append(kernel)
        with suppress(OSError):
            if len(_turns_taken) == 1:
                fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            yield
        finally:
            _turns_taken.pop()
        with suppress(OSError):
            done.touch()


@contextmanager
def _numba_caches_in(folder: Path) -> Iterator[None]:
    """numba picks a function's folder while it decorates, from a setting for the whole process."""
    before = numba.config.CACHE_DIR
    numba.config.CACHE_DIR = str(folder)
    try:
        yield
    finally:
        numba.config.CACHE_DIR = before
