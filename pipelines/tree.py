"""YAML as a tree of values that know where they stand, so that every fault can name its line.

Each node keeps the file, the line and the folder it was written in; the folder is what relative paths of lists and
models are relative to, also after a recipe was extended or a value came from the command line.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
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
_TEXT: Final = "tag:yaml.org,2002:str"
_TREES: Final = ("tag:yaml.org,2002:map", "tag:yaml.org,2002:seq")


@dataclass(frozen=True, slots=True)
class Node:
    """A value and where it stands; of an entry of a mapping, where its key stands."""

    value: Value
    at: Place


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
            return _Growth(whole, faults).grow(root, whole.on(1), 0) if root else Node(None, whole.on(1))
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


class _Growth:
    """One pass from PyYAML's nodes to ours, counting nodes as aliases are copied."""

    def __init__(self, whole: Place, faults: list[Found]) -> None:
        self.whole = whole
        self.faults = faults
        self.nodes = 0

    def grow(self, node: yaml.Node, at: Place, depth: int) -> Node:
        self.nodes += 1
        if self.nodes > MOST_NODES:
            raise _TooMuchError(f"it unfolds to more than {MOST_NODES} values")
        if depth > DEEPEST:
            raise _TooMuchError(f"the values are nested more than {DEEPEST} deep")
        if isinstance(node, yaml.MappingNode):
            self._check_tag(node, _TREES, at)
            return Node(self._mapping(node, depth), at)
        if isinstance(node, yaml.SequenceNode):
            self._check_tag(node, _TREES, at)
            return Node(tuple(self.grow(item, self._place(item), depth + 1) for item in node.value), at)
        self._check_tag(node, (_PLAIN, _TEXT), at)
        return Node(self._scalar(node, at), at)

    def _mapping(self, node: yaml.MappingNode, depth: int) -> dict[str, Node]:
        entries: dict[str, Node] = {}
        first: dict[str, int] = {}
        for key, item in node.value:
            at = self._place(key)
            if not isinstance(key, yaml.ScalarNode):
                self.faults.append(Found(at, "a key must be a word", "write `key: value`"))
                continue
            if key.value in entries:
                what = f"the key {key.value!r} stands here and on line {first[key.value]}"
                self.faults.append(Found(at, what, "keep one of them"))
                continue
            first[key.value] = at.line
            entries[key.value] = self.grow(item, at, depth + 1)
        return entries

    def _scalar(self, node: yaml.Node, at: Place) -> Scalar:
        text = str(node.value)
        if node.tag != _PLAIN:
            return text
        try:
            return read_scalar(text)
        except ValueError as error:
            self.faults.append(Found(at, str(error), "write a finite number of at most 64 bits, or leave it out"))
            return None

    def _check_tag(self, node: yaml.Node, allowed: tuple[str, ...], at: Place) -> None:
        if node.tag not in allowed:
            self.faults.append(Found(at, f"tags such as {_short_tag(node.tag)} mean nothing here", "leave the tag out"))

    def _place(self, node: yaml.Node) -> Place:
        return self.whole.on(node.start_mark.line + 1)


def _short_tag(tag: str) -> str:
    return tag.replace("tag:yaml.org,2002:", "!!")


def _syntax_fault(error: yaml.MarkedYAMLError, whole: Place) -> Found:
    mark = error.problem_mark or error.context_mark
    at = whole.on(mark.line + 1) if mark else whole
    column = f" (column {mark.column + 1})" if mark else ""
    problem = error.problem or str(error)
    mend = "check the indentation and the brackets here and one line above"
    if "'\\t'" in problem:
        problem, mend = "a tab is not allowed here", "indent with spaces"
    elif "mapping values are not allowed" in problem:
        problem, mend = "a second `:` on one line", "indent the line as its neighbours, or put quotes round the value"
    elif "start any token" in problem:
        mend = "put quotes round the value"
    elif "single document" in problem or "document start" in problem:
        mend = "a file holds one pipeline: remove the `---`"
    elif "undefined alias" in problem:
        mend = "define the anchor (&name) before it is used (*name)"
    return Found(at, f"not YAML: {problem}{column}", mend)
