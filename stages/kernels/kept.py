"""Tables that are made from sources alone, kept beside the compiled kernels: made once per machine, and then read."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from contextlib import suppress
from hashlib import blake2b
from importlib.resources import files
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from stages.kernels.native import module_folder

Number = TypeVar("Number", bound=np.generic)


def kept_table(make: Callable[[], npt.NDArray[Number]], *texts: str) -> npt.NDArray[Number]:
    """What `make` gives, read-only. `texts`: the text files of this package that its module makes it from.

    `make` is a function of a module; an edit of its sources or texts gives it another place. Where nothing can be kept
    it is called in every process.
    """
    folder = module_folder(make.__module__)
    if folder is None:
        return _closed(make())
    state = blake2b(digest_size=8)
    for text in texts:
        state.update(files("stages.kernels").joinpath(text).read_bytes() + b"\0")
    file = folder / f"{make.__qualname__}-{state.hexdigest()}.npy"
    with suppress(OSError, ValueError, EOFError):
        return _closed(np.load(file, allow_pickle=False))
    table = make()
    with suppress(OSError):
        _write(file, table)
    return _closed(table)


def _write(file: Path, table: npt.NDArray[Any]) -> None:
    """Whole or not at all, whoever else writes or reads it."""
    descriptor, draft = tempfile.mkstemp(prefix=file.name, dir=file.parent)
    try:
        with open(descriptor, "wb") as whole:
            np.save(whole, table, allow_pickle=False)
        os.replace(draft, file)
    except BaseException:
        os.unlink(draft)
        raise


def _closed(table: npt.NDArray[Number]) -> npt.NDArray[Number]:
    table.flags.writeable = False
    return table
