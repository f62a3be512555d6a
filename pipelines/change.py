"""A recipe plus one change: `extends`, `set`, and `--set` on the command line.

`extends: NAME` takes a shipped recipe, `extends: folder/base.yaml` a file relative to the extending one. Of the
top-level keys that the extending file has itself, `vars`, `models` and `run` are merged key by key, all others replace
the base's.
Then the addresses of `set` are set, then those of the command line.

An address is the path of keys with dots between them. Steps are addressed by their `name:` or their stage, and below a
step stand its fields and step keys:

    vars.crawl                                    run.workers
    read.paths                                    short for read.stages.read.paths
    steps.filters.gopher_quality.min_words        steps.dedup.minhash.where
    streams.raw.steps.second_pass.threshold       a step with `name: second_pass`
    write.to                                      write.documents.shard_size

Two steps of one stage are told apart by giving them names. A key that does not exist is added; a step must exist.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from pipelines.faults import Found, Place, nearest
from pipelines.scalars import read_scalar
from pipelines.step_form import STEP_KEYS, step_key
from pipelines.tree import Node, parse, read_file

RECIPES: Final = Path(__file__).parent

_MERGED: Final = ("vars", "models", "run")


def recipe_names() -> tuple[str, ...]:
    """The shipped recipes, by name."""
    return tuple(sorted(file.stem for file in RECIPES.glob("*.yaml")))


def extended(root: Node, faults: list[Found], seen: tuple[Path, ...]) -> Node:
    """The tree over its base, with `set` applied and both keys gone. `seen`: the files on the way here."""
    if not isinstance(root.value, Mapping):
        return root
    own = {key: node for key, node in root.value.items() if key not in ("extends", "set")}
    base = _base(root.value["extends"], faults, seen) if "extends" in root.value else None
    merged = {**base.value, **_over(base.value, own)} if base and isinstance(base.value, Mapping) else own
    return _apply_section(Node(merged, root.at), root.value.get("set"), faults)


def apply_settings(root: Node, settings: tuple[str, ...], folder: Path, faults: list[Found]) -> Node:
    """The tree with `path=value` of each `--set`; a value is read as a YAML scalar, or as a flow list or mapping."""
    for setting in settings:
        at = Place(f"--set {setting}", 0, folder)
        address, equals, text = setting.partition("=")
        if not equals or not address.strip():
            faults.append(Found(at, "it has no address or no `=`", "write --set run.workers=4"))
            continue
        value = _setting_value(text.strip(), at, faults)
        if value is not None:
            root = apply(root, address.strip(), value, faults)
    return root


def apply(root: Node, address: str, value: Node, faults: list[Found]) -> Node:
    """The tree with one value set; faults when the address leads nowhere."""
    return _set(root, address, value, faults, address)


def _base(told: Node, faults: list[Found], seen: tuple[Path, ...]) -> Node | None:
    """The tree of the pipeline that is extended."""
    if not isinstance(told.value, str) or not told.value:
        faults.append(Found(told.at, "`extends` should be a recipe or a path", nearest("", recipe_names())))
        return None
    name = told.value
    path = RECIPES / f"{name}.yaml" if name in recipe_names() else told.at.folder / name
    if not path.is_file():
        mend = nearest(name, recipe_names(), f"recipes: {', '.join(recipe_names())}; a path is relative to this file")
        faults.append(Found(told.at, f"there is no recipe and no file {name!r}", mend))
        return None
    if path.resolve() in seen:
        faults.append(Found(told.at, f"{name!r} extends itself", "extend a pipeline that does not come back here"))
        return None
    root = read_file(path, f"{name}.yaml" if name in recipe_names() else str(path), faults)[1]
    return extended(root, faults, (*seen, path.resolve())) if root else None


def _over(base: Mapping[str, Node], own: Mapping[str, Node]) -> dict[str, Node]:
    """The extending file's keys, with the merged sections filled up from the base."""
    over = dict(own)
    for key in _MERGED:
        if key in own and key in base:
            inner, outer = base[key].value, own[key].value
            if isinstance(inner, Mapping) and isinstance(outer, Mapping):
                over[key] = Node({**inner, **outer}, own[key].at)
    return over


def _apply_section(root: Node, section: Node | None, faults: list[Found]) -> Node:
    if section is None or section.value is None:
        return root
    if not isinstance(section.value, Mapping):
        faults.append(Found(section.at, "`set` should be a mapping", "write `set: {run.workers: 4}`"))
        return root
    for address, value in section.value.items():
        root = apply(root, address, value, faults)
    return root


def _setting_value(text: str, at: Place, faults: list[Found]) -> Node | None:
    if text[:1] in ("[", "{", '"', "'"):
        before = len(faults)
        tree = parse(text, at, faults)
        faults[before:] = [Found(at, found.what, found.mend) for found in faults[before:]]
        return _moved(tree, at) if tree else None
    try:
        return Node(read_scalar(text), at)
    except ValueError as error:
        faults.append(Found(at, str(error), "give a finite number of at most 64 bits"))
        return None


def _moved(node: Node, at: Place) -> Node:
    """The tree as if written at one place: a command line has no lines."""
    if isinstance(node.value, Mapping):
        return Node({key: _moved(item, at) for key, item in node.value.items()}, at)
    if isinstance(node.value, tuple):
        return Node(tuple(_moved(item, at) for item in node.value), at)
    return Node(node.value, at)


def _set(node: Node, rest: str, value: Node, faults: list[Found], address: str) -> Node:
    """A copy of the node in which the rest of the address is set."""
    if not rest:
        return value
    if isinstance(node.value, tuple):
        return _set_in_steps(node, rest, value, faults, address)
    if node.value is None:
        return Node(_entry({}, rest, value, faults, address), node.at)
    if not isinstance(node.value, Mapping):
        faults.append(Found(value.at, f"{address}: {node.value!r} has nothing below it", "mend the address"))
        return node
    stage = step_key(node.value)
    if stage is not None:
        return _set_in_step(node, stage, rest, value, faults, address)
    return Node(_entry(node.value, rest, value, faults, address), node.at)


def _entry(entries: Mapping[str, Node], rest: str, value: Node, faults: list[Found], address: str) -> dict[str, Node]:
    """Set below the longest key that the address names, else below a new key."""
    near = [key for key in entries if rest == key or rest.startswith(f"{key}.")]
    key = max(near, key=len) if near else rest.partition(".")[0]
    inner = entries.get(key, Node(None, value.at))
    return {**entries, key: _set(inner, rest[len(key) + 1 :], value, faults, address)}


def _set_in_step(node: Node, stage: str, rest: str, value: Node, faults: list[Found], address: str) -> Node:
    """Set a step key or a field; the stage's own name may be left out."""
    assert isinstance(node.value, Mapping)
    if rest == stage or rest.startswith(f"{stage}."):
        rest = rest[len(stage) + 1 :]
    elif rest.partition(".")[0] in STEP_KEYS:
        return Node(_entry(node.value, rest, value, faults, address), node.at)
    return Node({**node.value, stage: _set(node.value[stage], rest, value, faults, address)}, node.at)


def _set_in_steps(node: Node, rest: str, value: Node, faults: list[Found], address: str) -> Node:
    """Set in the one step (of a list of steps) that the address names."""
    assert isinstance(node.value, tuple)
    named: dict[int, str] = {}
    for number, step in enumerate(node.value):
        near = [name for name in _step_names(step) if rest == name or rest.startswith(f"{name}.")]
        if near:
            named[number] = max(near, key=len)
    longest = max((len(name) for name in named.values()), default=0)
    chosen = [number for number, name in named.items() if len(name) == longest]
    if len(chosen) == 1:
        number = chosen[0]
        step = _as_mapping(node.value[number])
        changed = _set(step, rest[longest + 1 :], value, faults, address) if rest[longest + 1 :] else None
        return Node(
            tuple(
                changed or _with_fields(step, value) if at == number else other for at, other in enumerate(node.value)
            ),
            node.at,
        )
    if chosen:
        faults.append(Found(value.at, f"{address} means {len(chosen)} steps", "give them names: `name: …`"))
    else:
        names = [name for step in node.value for name in _step_names(step)]
        faults.append(Found(value.at, f"{address}: there is no such step", nearest(rest, names)))
    return node


def _step_names(step: Node) -> list[str]:
    """What a step may be called in an address."""
    if isinstance(step.value, str):
        return [step.value]
    if not isinstance(step.value, Mapping):
        return []
    name = step.value.get("name")
    told = [name.value] if name and isinstance(name.value, str) else []
    stage = step_key(step.value)
    return [*told, stage] if stage else told


def _as_mapping(step: Node) -> Node:
    return Node({step.value: Node(None, step.at)}, step.at) if isinstance(step.value, str) else step


def _with_fields(step: Node, value: Node) -> Node:
    """The step with all its fields replaced; the stage stays where it was written."""
    assert isinstance(step.value, Mapping)
    stage = step_key(step.value)
    assert stage is not None
    return Node({**step.value, stage: Node(value.value, step.value[stage].at)}, step.at)
