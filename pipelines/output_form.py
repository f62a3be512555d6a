"""The form of outputs, and of `from`, which says where a stream or an output takes its documents."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from pipelines.faults import Found, Place, nearest
from pipelines.step_form import WORD
from pipelines.tree import Node
from pipelines.validate import validated
from stages.fields import Share, Size


class WriteFields(BaseModel):
    """One output, as it stands in YAML."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    to: Annotated[str, Field(min_length=1)]
    """The folder that gets `data/`; relative to the working directory."""
    shard_size: Annotated[Size, Field(ge=1)] = 512_000_000
    """Bytes of UTF-8 text in a shard at most, such as 512MB."""
    holdout: Share = 0.0
    """The share of documents that goes into the split `validation` instead of `train`, such as 0.1%."""


@dataclass(frozen=True, slots=True)
class Feed:
    """One thing that a stream or an output takes its documents from, before it is known what has that name."""

    name: str
    at: Place
    weight: Node | None = None


@dataclass(frozen=True, slots=True)
class OutputForm:
    """One folder of shards."""

    name: str
    at: Place
    feeds: tuple[Feed, ...]
    fields: WriteFields


def read_outputs(top: Mapping[str, Node], at: Place, main: str | None, faults: list[Found]) -> dict[str, OutputForm]:
    node = top.get("write")
    if node is None or node.value is None:
        faults.append(Found(node.at if node else at, "`write` is missing", "write `write: {to: out}`"))
        return {}
    if isinstance(node.value, str):
        faults.append(Found(node.at, "write should be a mapping", f"write `write: {{to: {node.value}}}`"))
        return {}
    single = isinstance(node.value, Mapping) and any(key in node.value for key in ("from", *WriteFields.model_fields))
    found = {}
    for name, item in {"main": node}.items() if single else named_entries(top, "write", at, faults).items():
        output = _output(name, item, main, faults)
        if output:
            found[name] = output
    if not single and not found and not faults:
        faults.append(Found(node.at, "`write` names no output", "write `write: {to: out}`"))
    return found


def named_entries(top: Mapping[str, Node], key: str, at: Place, faults: list[Found]) -> Mapping[str, Node]:
    """The entries of `sources`, `streams` or named outputs, whose names must be words."""
    node = top.get(key)
    if node is None or node.value is None:
        faults.append(Found(node.at if node else at, f"`{key}` is missing", f"write `{key}: {{name: …}}`"))
        return {}
    if not isinstance(node.value, Mapping):
        faults.append(Found(node.at, f"{key} should be a mapping of names", f"write `{key}: {{name: …}}`"))
        return {}
    for name, item in node.value.items():
        if not WORD.fullmatch(name):
            what = f"{name!r} is no name for an entry of {key}"
            faults.append(Found(item.at, what, "use letters, digits, _ and -"))
    return node.value


def read_feeds(node: Node | None, who: str, at: Place, faults: list[Found]) -> tuple[Feed, ...]:
    """What `from` names: one, or several that come one after the other."""
    if node is None or node.value is None:
        faults.append(Found(at, f"{who} does not say where its documents come from", "write `from: NAME`"))
        return ()
    if isinstance(node.value, Mapping):
        return tuple(Feed(name, item.at, item) for name, item in node.value.items())
    items = node.value if isinstance(node.value, tuple) else (node,)
    feeds = tuple(Feed(item.value, item.at) for item in items if isinstance(item.value, str))
    if len(feeds) != len(items) or not feeds:
        faults.append(Found(node.at, f"{who}: `from` should be a name or a list of names", "write `from: [raw, more]`"))
    for number, feed in enumerate(feeds):
        if feed.name in [earlier.name for earlier in feeds[:number]]:
            faults.append(Found(feed.at, f"{who} takes {feed.name!r} twice", "name it once"))
    return feeds


def _output(name: str, node: Node, main: str | None, faults: list[Found]) -> OutputForm | None:
    if not isinstance(node.value, Mapping):
        mend = nearest(name, [*WriteFields.model_fields, "from"], "write `to: FOLDER` below it")
        faults.append(Found(node.at, f"the output {name!r} should be a mapping", mend))
        return None
    own = {key: item for key, item in node.value.items() if key != "from"}
    fields = validated(WriteFields, Node(own, node.at), "write", faults)
    if main and "from" not in node.value:
        feeds: tuple[Feed, ...] = (Feed(main, node.at),)
    else:
        feeds = read_feeds(node.value.get("from"), f"the output {name!r}", node.at, faults)
        if any(feed.weight is not None for feed in feeds):
            what = f"the output {name!r} gives weights, which only a stream mixes by"
            faults.append(Found(node.at, what, f"make a stream with this `from`, and write `from: STREAM` in {name!r}"))
    return OutputForm(name, node.at, feeds, fields) if fields else None
