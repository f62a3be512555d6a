"""An operating system's refusal in our words: where, what it would not do, and what helps against it."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from stages.errors import StoreError

_FULL: Final = "free some space or choose another place; what is committed stays, run the same command again"
_RIGHTS: Final = "give yourself the right to write there, or choose another place"
_NO_FOLDER: Final = "a part of the path is no folder: choose another place"
_MISSING: Final = "if somebody removed it, run the same command again; if it never was there, choose another place"
_MENDS: Final = {
    errno.ENOSPC: _FULL,
    errno.EDQUOT: _FULL,
    errno.EFBIG: "files may not grow that large there: choose another place, or raise the limit (ulimit -f)",
    errno.EROFS: "the file system is read-only: choose another place",
    errno.EACCES: _RIGHTS,
    errno.EPERM: _RIGHTS,
    errno.ENOTDIR: _NO_FOLDER,
    errno.ENOENT: _MISSING,
    errno.EMFILE: "raise the limit of open files (ulimit -n), then run the same command again",
}


def store_error(home: str, act: str, error: OSError) -> StoreError:
    """The error to raise for an OSError met while doing `act` (a verb and its object) at `home`."""
    mend = _MENDS.get(error.errno or 0, "see to the disk, then run the same command again")
    what = f"there is no {error.filename}" if isinstance(error, FileNotFoundError) else error.strerror or str(error)
    return StoreError(f"{home}: cannot {act}: {what}\n    mend: {mend}")


@contextmanager
def store_errors(home: str, act: str) -> Iterator[None]:
    """Turn every OSError of a block into a StoreError, but for a reader's of our output who has left."""
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        raise store_error(home, act, error) from error


@contextmanager
def read_errors(home: str, act: str) -> Iterator[None]:
    """The same for reading, where a file that is missing is the caller's to judge: FileNotFoundError stays."""
    try:
        yield
    except FileNotFoundError:
        raise
    except OSError as error:
        raise store_error(home, act, error) from error
