"""Patterns of paths to files, the same for local folders and URLs, in an order that no listing decides.

One idea: a pattern is walked part by part, so that only folders which can match are ever listed. `*`, `?` and `[abc]`
stay within one name, `**` stands for any number of folders. Names that start with `.` or `_` are passed over, as Spark
and `datasets` do, unless the pattern spells that first character out.
"""

from __future__ import annotations

import fnmatch
import os
import re
from collections.abc import Iterator
from typing import Final

from stages.read.storage import Entry, entries, is_url, parent_of

_WILD: Final = re.compile(r"[*?\[]")


def is_pattern(path: str) -> bool:
    """Whether a path has wildcards."""
    return _WILD.search(path) is not None


def fixed_folder(pattern: str) -> str:
    """The folder before the first wildcard: `/data` of `/data/2024-*/x.jsonl`."""
    match = _WILD.search(pattern)
    return parent_of(pattern if match is None else pattern[: match.start()] + "x")


def matches(pattern: str) -> Iterator[str]:
    """The files that match a full pattern. Raises OSError when its fixed folder cannot be listed."""
    root = fixed_folder(pattern)
    parts = [part for part in pattern[len(root) :].split("/") if part]
    yield from _walk(root, parts, ())


def would_match(pattern: str, path: str) -> bool:
    """Whether a file of this full path, which need not exist, would be among `matches`."""
    root = fixed_folder(pattern).rstrip("/")
    if not path.startswith(f"{root}/"):
        return False
    return _fits([part for part in pattern[len(root) :].split("/") if part], path[len(root) + 1 :].split("/"))


def _fits(parts: list[str], names: list[str]) -> bool:
    if not parts or not names:
        return not parts and not names
    part, rest = parts[0], parts[1:]
    if part == "**":
        deeper = len(names) > 1 and not _passed_over(names[0], part) and _fits(parts, names[1:])
        return deeper or _fits(rest or ["*"], names)
    return not _passed_over(names[0], part) and fnmatch.fnmatchcase(names[0], part) and _fits(rest, names[1:])


def files_below(folder: str) -> Iterator[str]:
    """All files below a folder but the passed-over ones."""
    yield from _walk(folder, ["**", "*"], ())


def _walk(folder: str, parts: list[str], links: tuple[str, ...]) -> Iterator[str]:
    """`links`: the real folders behind symbolic links on the way here; a link back to one of them is not followed."""
    part, rest = parts[0], parts[1:]
    if part == "**":
        rest = rest or ["*"]
        yield from _walk(folder, rest, links)
    for entry in entries(folder):
        if part == "**":
            if entry.kind == "folder" and not _passed_over(entry.name, part):
                yield from _enter(entry, parts, links)
        elif _passed_over(entry.name, part) or not fnmatch.fnmatchcase(entry.name, part):
            continue
        elif not rest:
            if entry.kind == "file":
                yield entry.path
        elif entry.kind == "folder":
            yield from _enter(entry, rest, links)


def _enter(entry: Entry, parts: list[str], links: tuple[str, ...]) -> Iterator[str]:
    if not is_url(entry.path) and os.path.islink(entry.path):
        real = os.path.realpath(entry.path)
        inside = os.path.realpath(os.path.dirname(entry.path))
        if real in links or inside == real or inside.startswith(real + os.sep):
            return
        links = (*links, real)
    yield from _walk(entry.path, parts, links)


def _passed_over(name: str, part: str) -> bool:
    return name[0] in "._" and part[0] != name[0]
