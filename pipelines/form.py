"""The form of a pipeline: which sources, streams, steps and outputs the YAML has, flat or full.

The flat form (`read`, `steps`, `write`) is the full form with one source and one stream, both called `main`. What comes
out is whole where the YAML was right; what was wrong is a fault and left out, so that the later checks find theirs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from pipelines.faults import Found, Place, nearest
from pipelines.models import Models, read_models
from pipelines.output_form import Feed, OutputForm, named_entries, read_feeds, read_outputs
from pipelines.step_form import STEP_KEYS, WORD, StepForm, read_step, step_key
from pipelines.tree import Node

FLAT: Final = ("read", "steps")
FULL: Final = ("sources", "streams")
TOP_KEYS: Final = ("textmill", "name", "extends", "set", "seed", "vars", "models", *FLAT, *FULL, "write", "run")
MAIN: Final = "main"


@dataclass(frozen=True, slots=True)
class StreamForm:
    """A straight chain of steps over the documents of its feeds, one feed after the other. None: a faulty step."""

    name: str
    at: Place
    feeds: tuple[Feed, ...]
    steps: tuple[StepForm | None, ...]


@dataclass(frozen=True, slots=True)
class Form:
    """A whole pipeline.

    `broken`: names of sources and streams that stand there but were wrong. `complete`: whether all outputs were right.
    """

    name: str
    seed: int
    sources: Mapping[str, StepForm]
    streams: Mapping[str, StreamForm]
    outputs: Mapping[str, OutputForm]
    models: Models
    run: Node | None
    broken: tuple[str, ...] = ()
    complete: bool = True


def read_form(root: Node, stem: str, faults: list[Found]) -> Form:
    """The form of a tree whose variables are in place. `stem`: the name where the YAML gives none."""
    if not isinstance(root.value, Mapping):
        what = "the file is empty" if root.value is None else "a pipeline should be a mapping of keys to values"
        faults.append(Found(root.at, what, "begin with `textmill: 1`, `read:`, `steps:` and `write:`"))
        return Form(stem, 0, {}, {}, {}, {}, None)
    top = root.value
    for key in top:
        if key not in TOP_KEYS:
            faults.append(Found(top[key].at, f"there is no top-level key {key!r}", nearest(key, TOP_KEYS)))
    _check_version(top, root.at, faults)
    _check_variables(top.get("vars"), faults)
    name, seed = _name(top.get("name"), stem, faults), _seed(top.get("seed"), faults)
    models, run = read_models(top.get("models"), faults), top.get("run")
    if _is_mixed(top, faults):
        return Form(name, seed, {}, {}, {}, models, run, complete=False)
    flat = not any(key in top for key in FULL)
    streams = _flat_stream(top, root.at, faults) if flat else _streams(top, root.at, faults)
    before = len(faults)
    outputs = read_outputs(top, root.at, MAIN if flat else None, faults)
    complete = len(faults) == before
    sources = _sources(top, root.at, flat, faults)
    broken = _broken(top, flat, sources, streams)
    return Form(name, seed, sources, streams, outputs, models, run, broken, complete)


def _check_version(top: Mapping[str, Node], at: Place, faults: list[Found]) -> None:
    version = top.get("textmill")
    if version is None:
        faults.append(Found(at, "the key `textmill` is missing", "begin with `textmill: 1`"))
    elif version.value != 1 or isinstance(version.value, bool):
        what = f"this textmill reads pipelines of version 1, not {version.value!r}"
        faults.append(Found(version.at, what, "write `textmill: 1`, or use the textmill it was written for"))


def _check_variables(node: Node | None, faults: list[Found]) -> None:
    if node is None or node.value is None:
        return
    if not isinstance(node.value, Mapping):
        faults.append(Found(node.at, "vars should be a mapping of names", "write `vars: {out: out}`"))
        return
    for name, item in node.value.items():
        if not WORD.fullmatch(name):
            faults.append(Found(item.at, f"{name!r} is no name for a variable", "use letters, digits, _ and -"))


def _is_mixed(top: Mapping[str, Node], faults: list[Found]) -> bool:
    """Whether keys of the short and of the long form stand together, so that nothing can be concluded."""
    flat = [key for key in FLAT if key in top]
    full = [key for key in FULL if key in top]
    if flat and full:
        what = f"{flat[0]!r} belongs to the short form, {full[0]!r} to the long one"
        mend = "use `read`, `steps`, `write`, or `sources`, `streams`, `write`"
        faults.append(Found(top[flat[0]].at, what, mend))
    return bool(flat and full)


def _name(node: Node | None, stem: str, faults: list[Found]) -> str:
    if node is None:
        return stem
    if isinstance(node.value, str) and node.value.strip():
        return node.value
    faults.append(Found(node.at, "name should be text", "write `name: crawl`"))
    return stem


def _seed(node: Node | None, faults: list[Found]) -> int:
    if node is None:
        return 0
    if isinstance(node.value, int) and not isinstance(node.value, bool):
        return node.value
    faults.append(Found(node.at, "seed should be a whole number", "write `seed: 7`"))
    return 0


def _sources(top: Mapping[str, Node], at: Place, flat: bool, faults: list[Found]) -> dict[str, StepForm]:
    if flat:
        if "read" not in top:
            faults.append(Found(at, "`read` is missing", 'write `read: {stages.read: {paths: "data/*.jsonl"}}`'))
            return {}
        source = _source(top["read"], faults)
        return {MAIN: source} if source else {}
    found = {}
    for name, node in named_entries(top, "sources", at, faults).items():
        source = _source(node, faults)
        if source:
            found[name] = source
    return found


def _source(node: Node, faults: list[Found]) -> StepForm | None:
    example = 'write `stages.read: {paths: "data/*.jsonl"}`'
    if isinstance(node.value, Mapping) and step_key(node.value) is None:
        faults.append(Found(node.at, "a source should name the stage that reads it", example))
        return None
    if not isinstance(node.value, Mapping | str) or (isinstance(node.value, str) and "." not in node.value):
        faults.append(Found(node.at, "a source should be a stage that reads", example))
        return None
    step = read_step(node, faults)
    if step and isinstance(node.value, Mapping):
        for key in STEP_KEYS:
            if key in node.value:
                faults.append(Found(node.value[key].at, f"a source takes no {key!r}", "remove it"))
    return step


def _flat_stream(top: Mapping[str, Node], at: Place, faults: list[Found]) -> dict[str, StreamForm]:
    feeds = (Feed(MAIN, top["read"].at if "read" in top else at),)
    return {MAIN: StreamForm(MAIN, at, feeds, _steps(top.get("steps"), faults))}


def _streams(top: Mapping[str, Node], at: Place, faults: list[Found]) -> dict[str, StreamForm]:
    found: dict[str, StreamForm] = {}
    if "streams" not in top:
        return found
    for name, node in named_entries(top, "streams", at, faults).items():
        if not isinstance(node.value, Mapping):
            faults.append(Found(node.at, f"the stream {name!r} should be a mapping", "write `from:` and `steps:`"))
            continue
        for key in node.value:
            if key not in ("from", "steps"):
                what = f"a stream has no key {key!r}"
                faults.append(Found(node.value[key].at, what, nearest(key, ("from", "steps"))))
        feeds = read_feeds(node.value.get("from"), f"the stream {name!r}", node.at, faults)
        found[name] = StreamForm(name, node.at, feeds, (*_mixed(feeds, node), *_steps(node.value.get("steps"), faults)))
    return found


def _mixed(feeds: Sequence[Feed], node: Node) -> tuple[StepForm, ...]:
    """The step that weights in `from` are short for."""
    weights = {feed.name: feed.weight for feed in feeds if feed.weight is not None}
    if not weights:
        return ()
    at = next(iter(weights.values())).at
    return (StepForm(at, "stages.mix", Node({"weights": Node(weights, at)}, at)),)


def _steps(node: Node | None, faults: list[Found]) -> tuple[StepForm | None, ...]:
    if node is None or node.value is None:
        return ()
    if not isinstance(node.value, tuple):
        faults.append(Found(node.at, "steps should be a list", "begin each step with `- `"))
        return ()
    return tuple(read_step(item, faults) for item in node.value)


def _broken(
    top: Mapping[str, Node], flat: bool, sources: Mapping[str, StepForm], streams: Mapping[str, StreamForm]
) -> tuple[str, ...]:
    """Names that the YAML has and the form has not: taking from them is no second fault."""
    if flat:
        return () if sources else (MAIN,)
    told = [top[key].value for key in FULL if key in top]
    return tuple(
        name
        for section in told
        if isinstance(section, Mapping)
        for name in section
        if name not in sources and name not in streams
    )
