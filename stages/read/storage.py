"""Files and folders, here or behind a URL: the few questions that reading asks of a store.

One idea: local paths go straight to the system, URLs through fsspec, and nothing else in `stages.read` knows of it.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any, BinaryIO, cast


@dataclass(frozen=True, slots=True)
class Entry:
    """One name in a folder. `path` is complete; `kind` is `file` or `folder`."""

    name: str
    path: str
    kind: str


@dataclass(frozen=True, slots=True)
class Facts:
    """What a store says of a file: stored bytes, and seconds since 1970 of its last change where it knows."""

    size: int
    modified: float | None


def full_path(path: str) -> str:
    """A local path made absolute; `file://` taken off; other URLs as they are. No slash at the end."""
    if path.startswith("file://"):
        path = path.removeprefix("file://")
    if "://" in path:
        return path.rstrip("/") if not path.endswith("://") else path
    return os.path.abspath(os.path.expanduser(path))


def is_url(path: str) -> bool:
    """Whether a path is answered by fsspec."""
    return "://" in path


def is_folder(path: str) -> bool:
    """Whether there is a folder of this name."""
    if is_url(path):
        store, inner = _store(path)
        return bool(store.isdir(inner))
    return os.path.isdir(path)


def is_file(path: str) -> bool:
    """Whether there is a file of this name."""
    if is_url(path):
        store, inner = _store(path)
        return bool(store.isfile(inner))
    return os.path.isfile(path)


def entries(folder: str) -> list[Entry]:
    """What a folder holds, sorted by name. Raises OSError when it cannot be listed."""
    if is_url(folder):
        store, inner = _store(folder)
        found = [
            Entry(name, f"{folder.rstrip('/')}/{name}", "folder" if item["type"] == "directory" else "file")
            for item in store.ls(inner, detail=True)
            if (name := str(item["name"]).rstrip("/").rsplit("/", 1)[-1])
        ]
    else:
        with os.scandir(folder) as listing:
            found = [Entry(item.name, item.path, kind) for item in listing if (kind := _kind(item))]
    return sorted(found, key=lambda entry: entry.name)


def _kind(item: os.DirEntry[str]) -> str:
    """`folder`, `file`, or empty for pipes, sockets and devices: opening one of those would wait for ever."""
    if item.is_dir():
        return "folder"
    # A dangling link counts as a file, so that opening it says what is wrong.
    return "file" if item.is_file() or item.is_symlink() else ""


def facts(path: str) -> Facts:
    """Size and time of a file. Raises OSError when there is none."""
    if not is_url(path):
        status = os.stat(path)
        return Facts(status.st_size, status.st_mtime)
    store, inner = _store(path)
    details = store.info(inner)
    modified = details.get("mtime", details.get("LastModified", details.get("created")))
    stamp = modified.timestamp() if hasattr(modified, "timestamp") else modified
    return Facts(int(details["size"]), float(stamp) if isinstance(stamp, int | float) else None)


def open_file(path: str) -> BinaryIO:
    """Open for reading at any place. Raises OSError."""
    if not is_url(path):
        return open(path, "rb")
    store, inner = _store(path)
    return cast(BinaryIO, store.open(inner, "rb"))


def read_range(path: str, start: int, end: int) -> bytes:
    """The stored bytes from `start` to before `end`."""
    with open_file(path) as file:
        file.seek(start)
        return file.read(end - start)


def parent_of(path: str) -> str:
    """The folder a path lies in."""
    head = path.rsplit("/", 1)[0]
    if head.endswith(":/"):
        return path
    return head or "/"


def _store(path: str) -> tuple[Any, str]:
    """fsspec's file system for a URL and the path inside it. An unknown protocol or a missing package is an OSError."""
    import fsspec

    try:
        store, inner = fsspec.core.url_to_fs(path)
    except (ImportError, ValueError) as error:
        raise OSError(f"{path}: {error}") from error
    return store, inner
