"""YAML as a tree of values that know where they stand, so that every fault can name its line.

Each node keeps the file, the line and the folder it was written in; the folder is what relative paths of lists and
models are relative to, also after a recipe was extended or a value came from the command line.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any, Final

import yaml
from yaml.composer import Composer
from yaml.parser import Parser
from yaml.reader import Reader, ReaderError
from yaml.resolver import BaseResolver
from yaml.scanner import Scanner

from pipelines.faults import Found, Place
from pipelines.scalars import Scalar, read_scalar

Value = Scalar | Mapping[str, "Node"] | Sequence["Node"]

MOST_NODES: Final = 100_000
"""Aliases are copied where they stand; a file that unfolds to more nodes than this is refused (alias bombs)."""
MOST_BYTES: Final = 4 * 2**20
DEEPEST: Final = 60

_PLAIN: Final = "plain"
_STANDARD: Final = "tag:yaml.org,2002:"
_TEXT: Final = f"{_STANDARD}str"
_TREES: Final = (f"{_STANDARD}map", f"{_STANDARD}seq")


@dataclass(frozen=True, slots=True)
class Node:
    """A value and where it stands; of an entry of a mapping, where its key stands."""

    value: Value
    at: Place


class Unresolved(str):
    """The text of a value that could not be told, such as one with an unknown variable: its fault is noted already."""

    __slots__ = ()


def read_file(path: Path, shown: str, faults: list[Found]) -> tuple[str, Node | None]:
    """The text of a YAML file and its tree; None with faults when it cannot be read at all."""
    whole = Place(shown, 0, path.absolute().parent)
    try:
        data = path.read_bytes()
    except OSError as error:
        faults.append(Found(whole, f"the file cannot be read: {error.strerror or error}", "mend the path"))
        return "", None
    if len(data) > MOST_BYTES:
        faults.append(Found(whole, f"{len(data)} bytes are too many for a pipeline", "is this the right file?"))
        return "", None
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        at = Place(shown, line, whole.folder)
        faults.append(Found(at, f"byte {error.start} is not UTF-8", "save the file as UTF-8"))
        return "", None
    return text, parse(text, whole, faults)


def parse(text: str, whole: Place, faults: list[Found]) -> Node | None:
    """The tree of a YAML text; None with faults when its syntax is broken."""
    try:
        root = _Loader(text).get_single_node()
    except ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        faults.append(Found(whole.on(line), f"character {error.character!r} is not allowed in YAML", "remove it"))
    except yaml.MarkedYAMLError as error:
        faults.append(_syntax_fault(error, whole))
    except RecursionError:
        faults.append(Found(whole, "the values are nested too deep", "write them flat"))
    else:
        try:
            return _grow(_Growth(whole, faults, count(1)), root, whole.on(1), 0) if root else Node(None, whole.on(1))
        except _TooMuchError as error:
            faults.append(Found(whole, str(error), "write it without so many aliases or levels"))
    return None


def plain(node: Node) -> Any:
    """The values without their places."""
    if isinstance(node.value, Mapping):
        return {key: plain(item) for key, item in node.value.items()}
    if isinstance(node.value, Sequence) and not isinstance(node.value, str):
        return [plain(item) for item in node.value]
    return node.value


def node_at(node: Node, path: Sequence[str | int]) -> tuple[Node, tuple[str | int, ...]]:
    """The deepest node along a path, and the part of the path that leads to it."""
    walked: list[str | int] = []
    for key in path:
        value = node.value
        if isinstance(value, Mapping) and str(key) in value:
            node = value[str(key)]
        elif isinstance(value, tuple) and isinstance(key, int) and key < len(value):
            node = value[key]
        else:
            continue
        walked.append(key)
    return node, tuple(walked)


def unresolved(node: Node) -> bool:
    """Whether any value below has a fault of its own already, so that nothing may be concluded from it."""
    if isinstance(node.value, Mapping):
        return any(unresolved(item) for item in node.value.values())
    if isinstance(node.value, tuple):
        return any(unresolved(item) for item in node.value)
    return isinstance(node.value, Unresolved)


def size_of(node: Node) -> int:
    """How many values a tree has; counting ends soon after `MOST_NODES`."""
    waiting, size = [node], 0
    while waiting and size <= MOST_NODES:
        value = waiting.pop().value
        size += 1
        if isinstance(value, Mapping):
            waiting.extend(value.values())
        elif isinstance(value, tuple):
            waiting.extend(value)
    return size


class _TooMuchError(Exception):
    """The tree is larger or deeper than any pipeline."""


class _Loader(Reader, Scanner, Parser, Composer, BaseResolver):
    """PyYAML up to the node tree, with plain scalars marked instead of typed by YAML 1.1."""

    def __init__(self, text: str) -> None:
        Reader.__init__(self, text)
        Scanner.__init__(self)
        Parser.__init__(self)
        Composer.__init__(self)
        BaseResolver.__init__(self)

    def resolve(self, kind: type[yaml.Node], value: Any, implicit: Any) -> Any:
        if kind is yaml.ScalarNode:
            return _PLAIN if implicit[0] else _TEXT
        return _TREES[0] if kind is yaml.MappingNode else _TREES[1]


@dataclass(frozen=True, slots=True)
class _Growth:
    """What one pass from PyYAML's nodes to ours carries along; `count` counts nodes as aliases are copied."""

    whole: Place
    faults: list[Found]
    count: Iterator[int]

    def place(self, node: yaml.Node) -> Place:
        """Where a node of PyYAML stands."""
        return self.whole.on(node.start_mark.line + 1)

    def add(self, at: Place, what: str, mend: str) -> None:
        """Note a fault."""
        self.faults.append(Found(at, what, mend))


def _grow(growth: _Growth, node: yaml.Node, at: Place, depth: int) -> Node:
    """Our node for one of PyYAML's, with all below it."""
    if next(growth.count) > MOST_NODES:
        raise _TooMuchError(f"it unfolds to more than {MOST_NODES} values")
    if depth > DEEPEST:
        raise _TooMuchError(f"the values are nested more than {DEEPEST} deep")
    if node.tag not in (*_TREES, _PLAIN, _TEXT):
        growth.add(at, f"tags such as {node.tag.replace(_STANDARD, '!!')} mean nothing here", "leave the tag out")
    if isinstance(node, yaml.MappingNode):
        return Node(_mapping(growth, node, depth), at)
    if isinstance(node, yaml.SequenceNode):
        return Node(tuple(_grow(growth, item, growth.place(item), depth + 1) for item in node.value), at)
    return Node(_scalar(growth, node, at), at)


def _mapping(growth: _Growth, node: yaml.MappingNode, depth: int) -> dict[str, Node]:
    entries: dict[str, Node] = {}
    for key, item in node.value:
        at = growth.place(key)
        if not isinstance(key, yaml.ScalarNode):
            growth.add(at, "a key must be a word", "write `key: value`")
        elif key.value in entries:
            what = f"the key {key.value!r} stands here and on line {entries[key.value].at.line}"
            growth.add(at, what, "keep one of them")
        else:
            entries[key.value] = _grow(growth, item, at, depth + 1)
    return entries


def _scalar(growth: _Growth, node: yaml.Node, at: Place) -> Scalar:
    text = str(node.value)
    if node.tag != _PLAIN:
        return text
    try:
        return read_scalar(text)
    except ValueError as error:
        growth.add(at, str(error), "write a finite number of at most 64 bits, or leave it out")
        return Unresolved(text)


def _syntax_fault(error: yaml.MarkedYAMLError, whole: Place) -> Found:
    mark = error.problem_mark or error.context_mark
    at = whole.on(mark.line + 1) if mark else whole
    column = f" (column {mark.column + 1})" if mark else ""
    problem = error.problem or str(error)
    mend = "check the indentation and the brackets here and one line above"
    if "'\\t'" in problem:
        problem, mend = "a tab is not allowed here", "indent with spaces"
    elif "mapping values are not allowed" in problem:
        problem = "a second `:` on one line, or keys below a plain word"
        mend = "a stage with keys below it ends in `:` (`- stages.language:`); else indent the line, or quote the value"
    elif "start any token" in problem:
        mend = "put quotes round the value"
    elif "single document" in problem or "document start" in problem:
        mend = "a file holds one pipeline: remove the `---`"
    elif "undefined alias" in problem:
        mend = "define the anchor (&name) before it is used (*name)"
    return Found(at, f"not YAML: {problem}{column}", mend)
