"""Puts `${vars.x}` and `${env.X}` into place.

A value that is nothing but one reference takes over the variable's type, lists and mappings included; inside a longer
text the reference is text. `$${` stands for a literal `${`. A relative path whose first part comes from a variable is
relative to the folder where the variable was written.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from pipelines.faults import Found, Place, nearest
from pipelines.scalars import write_scalar
from pipelines.tree import MOST_NODES, Node, Unresolved, size_of

LONGEST: Final = 2**20
"""Characters in a text at most; variables that double each other would fill any memory."""

_REFERENCE: Final = re.compile(r"\$\$\{|\$\{([^}]*)\}?")


def interpolate(root: Node, faults: list[Found]) -> Node:
    """The tree with every reference replaced; unknown ones are faults.

    Variables may refer to other variables, in any order, but not in a circle.
    """
    if not isinstance(root.value, Mapping):
        return root
    told = root.value.get("vars")
    variables = dict(told.value) if told and isinstance(told.value, Mapping) else {}
    solved: dict[str, Node] = {}
    for name in variables:
        _solve(name, variables, solved, (), faults)
    entries = {key: node if key == "vars" else _replace(node, solved, faults) for key, node in root.value.items()}
    if told and variables:
        entries["vars"] = Node({name: solved[name] for name in variables}, told.at)
    whole = Node(entries, root.at)
    if size_of(whole) <= MOST_NODES:
        return whole
    what = f"with its variables it unfolds to more than {MOST_NODES} values"
    faults.append(Found(told.at if told else root.at, what, "write it without so many variables in variables"))
    return Node({}, root.at)


def _solve(
    name: str, variables: Mapping[str, Node], solved: dict[str, Node], way: tuple[str, ...], faults: list[Found]
) -> None:
    """Put the value of one variable into `solved`, after those it refers to."""
    if name in solved:
        return
    if name in way:
        what = f"the variables {' → '.join((*way[way.index(name) :], name))} go round in a circle"
        faults.append(Found(variables[name].at, what, "give one of them a value of its own"))
        solved[name] = Node(Unresolved(), variables[name].at)
        return
    for other in _names(variables[name]):
        if other in variables:
            _solve(other, variables, solved, (*way, name), faults)
    if name not in solved:
        solved[name] = _replace(variables[name], solved, faults)


def _names(node: Node) -> list[str]:
    """The variables that a value refers to."""
    if isinstance(node.value, Mapping):
        return [name for item in node.value.values() for name in _names(item)]
    if isinstance(node.value, tuple):
        return [name for item in node.value for name in _names(item)]
    found = _REFERENCE.findall(node.value) if isinstance(node.value, str) else []
    return [text.strip().removeprefix("vars.") for text in found if text.strip().startswith("vars.")]


def _replace(node: Node, solved: Mapping[str, Node], faults: list[Found]) -> Node:
    if isinstance(node.value, Mapping):
        return Node({key: _replace(item, solved, faults) for key, item in node.value.items()}, node.at)
    if isinstance(node.value, tuple):
        return Node(tuple(_replace(item, solved, faults) for item in node.value), node.at)
    if not isinstance(node.value, str) or "${" not in node.value:
        return node
    whole = _REFERENCE.fullmatch(node.value)
    if whole and whole[1] is not None:
        found = _look_up(whole, node.at, solved, faults)
        if found is None:
            return Node(Unresolved(node.value), node.at)
        return Node(found.value, replace(node.at, folder=found.at.folder))
    return _text(node, node.value, solved, faults)


def _text(node: Node, text: str, solved: Mapping[str, Node], faults: list[Found]) -> Node:
    """A text with all references in it replaced."""
    pieces: list[str] = []
    folder, end, whole = node.at.folder, 0, True
    for match in _REFERENCE.finditer(text):
        pieces.append(text[end : match.start()])
        end = match.end()
        if match[1] is None:
            pieces.append("${")
            continue
        found = _look_up(match, node.at, solved, faults)
        if found is None or isinstance(found.value, Mapping | tuple | Unresolved):
            whole = False
            if found is not None and not isinstance(found.value, Unresolved):
                what = f"${{{match[1]}}} is a list or a mapping, which cannot stand inside a text"
                faults.append(Found(node.at, what, "let it stand alone"))
            continue
        assert not isinstance(found.value, Sequence) or isinstance(found.value, str)
        pieces.append(write_scalar(found.value))
        folder = found.at.folder if match.start() == 0 else folder
        if sum(map(len, pieces)) > LONGEST:
            faults.append(Found(node.at, f"this text is longer than {LONGEST} characters", "write less into it"))
            return Node(Unresolved(), node.at)
    joined = "".join((*pieces, text[end:]))
    return Node(joined if whole else Unresolved(joined), replace(node.at, folder=folder))


def _look_up(match: re.Match[str], at: Place, solved: Mapping[str, Node], faults: list[Found]) -> Node | None:
    """The value that a reference means, or None with a fault."""
    space, dot, name = match[1].strip().partition(".")
    if not match[0].endswith("}"):
        faults.append(Found(at, f"{match[0]!r} is never closed", "close it with `}`, or write `$${` for a plain `${`"))
    elif space == "vars" and dot:
        if name in solved:
            return solved[name]
        mend = nearest(name, solved, "" if solved else f"define it: `vars: {{{name}: …}}`")
        faults.append(Found(at, f"there is no variable {name!r}", mend))
    elif space == "env" and dot:
        if name in os.environ:
            return Node(os.environ[name], at)
        faults.append(Found(at, f"the environment variable {name!r} is not set", f"export {name}=…"))
    else:
        mend = "write ${vars.name} or ${env.NAME}, or `$${` for a plain `${`"
        faults.append(Found(at, f"{match[0]!r} refers to nothing", mend))
    return None
