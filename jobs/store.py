"""Where a run keeps its files: named blobs below one home, on a local disk or any object store.

The whole of textmill's crash safety stands on one operation, *put if absent*: a receipt is created once, by whoever is
first, and the loser takes the winner's. Data files carry their attempt in their name, are written once and are never
overwritten or renamed, so a half-written one is only garbage that no receipt names. No locks, no database.
"""

from __future__ import annotations

import errno
import io
import os
import shutil
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final, Protocol, cast

from jobs.refusal import read_errors, store_errors
from pipelines.plan import HOUSE as HOUSE
from stages.errors import StoreError

_NO_LINKS: Final = (errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS)


class Store(Protocol):
    """Named blobs below a home. Names use `/`; parents come by themselves. Instances are small and picklable."""

    @property
    def home(self) -> str:
        """The home as the user wrote it, for messages."""
        ...

    def create(self, name: str) -> BinaryIO:
        """A new file to write; whole once closed. Raises StoreError if the name is taken or the store refuses."""
        ...

    def put_if_absent(self, name: str, data: bytes) -> bool:
        """Create `name` with `data` in one act; False if it exists already (its content stays)."""
        ...

    def replace(self, name: str, data: bytes) -> None:
        """Give `name` this content in one act, whatever it had. For lease, card and the run's manifest alone."""
        ...

    def publish(self, name: str, as_name: str) -> None:
        """Let the finished file `name` also stand at `as_name`, replacing what stands there."""
        ...

    def read(self, name: str) -> bytes:
        """The content of a small file. Raises FileNotFoundError."""
        ...

    def open(self, name: str) -> BinaryIO:
        """A file to read at any position."""
        ...

    def exists(self, name: str) -> bool: ...
    def names(self, prefix: str) -> list[str]:
        """All files below the folder `prefix`, sorted."""
        ...

    def delete(self, name: str) -> None:
        """Remove a file; a missing one is no fault."""
        ...


class _Durable(io.BufferedWriter):
    """A file that is on the disk once it is closed: a receipt that names it must not outlive a power cut alone."""

    def close(self) -> None:
        if not self.closed:
            self.flush()
            os.fsync(self.fileno())
        super().close()


@dataclass(frozen=True)
class LocalStore:
    """A store on a local or mounted file system. Hard links make put-if-absent one act."""

    root: Path

    @property
    def home(self) -> str:
        return str(self.root)

    def path(self, name: str) -> Path:
        return self.root / name

    def create(self, name: str) -> BinaryIO:
        path = self.path(name)
        with store_errors(self.home, f"write {name}"):
            path.parent.mkdir(parents=True, exist_ok=True)
            return cast(BinaryIO, _Durable(io.FileIO(path, "x")))

    def put_if_absent(self, name: str, data: bytes) -> bool:
        path = self.path(name)
        with store_errors(self.home, f"write {name}"):
            draft = self._draft(path, data)
            try:
                os.link(draft, path)
            except FileExistsError:
                return False
            except OSError as error:
                if error.errno in _NO_LINKS:
                    raise StoreError(
                        f"{self.home}: cannot write {name}: the file system has no hard links ({error.strerror})\n"
                        "    mend: write to a disk that has them, such as ext4, xfs, APFS or NFS, and copy the result"
                    ) from error
                raise
            finally:
                draft.unlink()
        return True

    def replace(self, name: str, data: bytes) -> None:
        path = self.path(name)
        with store_errors(self.home, f"write {name}"):
            os.replace(self._draft(path, data), path)

    def publish(self, name: str, as_name: str) -> None:
        target = self.path(as_name)
        with store_errors(self.home, f"write {as_name}"):
            target.parent.mkdir(parents=True, exist_ok=True)
            draft = target.with_name(f".{target.name}.{uuid.uuid4().hex[:8]}")
            try:
                os.link(self.path(name), draft)
            except OSError:
                with self.path(name).open("rb") as source, _Durable(io.FileIO(draft, "x")) as copy:
                    shutil.copyfileobj(source, copy, 1 << 20)
            os.replace(draft, target)

    def read(self, name: str) -> bytes:
        with read_errors(self.home, f"read {name}"):
            return self.path(name).read_bytes()

    def open(self, name: str) -> BinaryIO:
        with read_errors(self.home, f"read {name}"):
            return cast(BinaryIO, self.path(name).open("rb"))

    def exists(self, name: str) -> bool:
        with store_errors(self.home, f"look for {name}"):
            return self.path(name).exists()

    def names(self, prefix: str) -> list[str]:
        found: list[str] = []
        with store_errors(self.home, f"list {prefix}"):
            for folder, _, files in os.walk(self.path(prefix), onerror=_unless_missing):
                found += [str(Path(folder, file).relative_to(self.root)) for file in files]
        return sorted(found)

    def delete(self, name: str) -> None:
        path = self.path(name)
        with store_errors(self.home, f"delete {name}"):
            path.unlink(missing_ok=True)
        for parent in path.parents:
            if parent == self.root or not parent.is_relative_to(self.root):
                return
            try:
                parent.rmdir()
            except OSError:
                return

    def _draft(self, path: Path, data: bytes) -> Path:
        """A whole, flushed file beside its goal, so that linking or renaming it is all that is left to do."""
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}")
        try:
            with draft.open("xb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
        except OSError:
            draft.unlink(missing_ok=True)
            raise
        return draft


def _unless_missing(error: OSError) -> None:
    """A folder that is not there holds no files; one that cannot be looked into must not pass for empty."""
    if not isinstance(error, FileNotFoundError):
        raise error


def delete_all(store: Store, names: Iterable[str]) -> None:
    """Delete files, those that name others first: manifests, then receipts, then what receipts name.

    A crash on the way leaves files that nothing names, which is garbage, and never a record of a file that is gone.
    """
    for name in sorted(names, key=lambda name: (not name.endswith("/manifest.json"), not name.endswith(".json"), name)):
        store.delete(name)


def new_attempt() -> str:
    """Eight random hex digits: the only randomness in a run, and it never reaches a shard."""
    return uuid.uuid4().hex[:8]
