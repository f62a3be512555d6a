"""Cuts checked streams into steps and fingerprints them.

Consecutive filters and maps run as one step. A step ends before a Find, after a stage that says so (extraction is dear,
and editing a filter must not repeat it), after `checkpoint: true`, and at the end of a stream; what two take from is
made once, as a step of its own. A step's fingerprint goes over all that decides its files, its inputs included.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import pyarrow as pa

from pipelines.graph import Graph, Ref
from pipelines.links import Configured
from pipelines.plan import Link, Output, RunOptions, Source, Step
from pipelines.sources import FORMAT
from stages.hashing import digest_of
from stages.stage import short_name


@dataclass(frozen=True, slots=True)
class Passage:
    """A link with the documents' columns after it."""

    link: Link
    schema: pa.Schema
    ends_step: bool


@dataclass(frozen=True, slots=True)
class Channel:
    """A checked stream: what it takes, its columns at the start, and its links."""

    name: str
    feeds: tuple[Ref, ...]
    schema: pa.Schema
    passages: tuple[Passage, ...]


@dataclass(frozen=True, slots=True)
class Sink:
    """A checked output with what it takes and the columns that reach it."""

    output: Output
    feeds: tuple[Ref, ...]
    schema: pa.Schema


Input = tuple[int, str]
"""A step that another one reads, and the name of the source or stream that it ends."""


@dataclass(frozen=True, slots=True)
class _Work:
    """What steps are made from, and those made so far. `ends`: the steps whose documents a source or stream is."""

    sources: Mapping[str, Source]
    graph: Graph
    run: RunOptions
    seed: int
    steps: list[Step]
    ends: dict[Ref, tuple[int, ...]]


def assemble(
    sources: Mapping[str, Source],
    graph: Graph,
    channels: Sequence[Channel],
    sinks: Sequence[Sink],
    run: RunOptions,
    seed: int,
) -> tuple[Step, ...]:
    """All steps in the order in which they run. `channels` stand in the order of the graph."""
    work = _Work(sources, graph, run, seed, [], {})
    for channel in channels:
        _add_channel(work, channel)
    for sink in sinks:
        inputs = _inputs(work, sink.feeds)
        columns = [(name, sink.schema.field(name).type) for name in sink.output.columns]
        _add(work, "write", "write", None, inputs, (), sink.schema, pa.schema(columns), sink.output)
    return tuple(work.steps)


def link_names(channels: Sequence[tuple[str, Sequence[Configured]]]) -> list[list[str]]:
    """A name for each link, unique in the plan: its own or its stage's, with the stream's where there are several."""
    taken: dict[str, int] = {}
    named = []
    for stream, links in channels:
        names = []
        for link in links:
            name = link.form.name or link.use
            name = f"{stream}/{name}" if len(channels) > 1 else name
            taken[name] = taken.get(name, 0) + 1
            names.append(name if taken[name] == 1 else f"{name} ({taken[name]})")
        named.append(names)
    return named


def as_link(found: Configured, name: str) -> Link:
    """The plan's link of a configured stage."""
    assert found.kind in ("filter", "map", "find", "move")
    where = None if found.form.where is None else str(found.form.where.value)
    return Link(name, found.spec, found.kind, where, found.identity, str(found.form.at), found.resources)


def _add_channel(work: _Work, channel: Channel) -> None:
    """The steps of one stream."""
    source = _fused_source(work, channel)
    inputs: list[Input] = [] if source else _inputs(work, channel.feeds)
    schema = channel.schema
    held: list[Passage] = []

    def flush() -> None:
        """End the map step under way, if there is anything in it."""
        nonlocal source, inputs, schema, held
        if not held and source is None:
            return
        links = tuple(passage.link for passage in held)
        after = held[-1].schema if held else schema
        name = short_name(links[-1].spec.use) if links else "read"
        inputs = [(_add(work, "map", name, source, inputs, links, schema, after), channel.name)]
        source, schema, held = None, after, []

    for passage in channel.passages:
        kind = passage.link.kind
        if kind == "find" or kind == "move":
            flush()
            name = short_name(passage.link.spec.use)
            made = _add(work, kind, name, None, inputs, (passage.link,), schema, passage.schema)
            inputs, schema = [(made, channel.name)], passage.schema
            continue
        held.append(passage)
        if passage.ends_step:
            flush()
    flush()
    work.ends[Ref("stream", channel.name)] = tuple(number for number, _ in inputs)


def _fused_source(work: _Work, channel: Channel) -> str | None:
    """The source that the stream's first step reads itself: its only one, and nobody else's."""
    if len(channel.feeds) == 1 and channel.feeds[0].kind == "source" and work.graph.uses[channel.feeds[0]] == 1:
        return channel.feeds[0].name
    return None


def _inputs(work: _Work, feeds: Sequence[Ref]) -> list[Input]:
    """The steps behind feeds, in order, each with its feed's name.

    A source that is not there as documents yet is read by a step of its own.
    """
    inputs: list[Input] = []
    for ref in feeds:
        if ref not in work.ends:
            schema = work.sources[ref.name].schema
            work.ends[ref] = (_add(work, "map", "read", ref.name, [], (), schema, schema),)
        inputs += [(number, ref.name) for number in work.ends[ref]]
    return inputs


def _add(
    work: _Work,
    kind: Literal["map", "find", "move", "write"],
    name: str,
    source: str | None,
    inputs: Sequence[Input],
    links: tuple[Link, ...],
    before: pa.Schema,
    after: pa.Schema,
    output: Output | None = None,
) -> int:
    """Append a step with its fingerprint; gives its number."""
    number = len(work.steps)
    numbers, feeds = tuple(number for number, _ in inputs), tuple(feed for _, feed in inputs)
    told: dict[str, Any] = {
        "format": FORMAT,
        "kind": kind,
        "links": [(link.name, link.identity, link.where) for link in links],
        "inputs": [work.sources[source].fingerprint] if source else [work.steps[at].fingerprint for at in numbers],
    }
    if kind == "find":
        told["feeds"] = feeds
    if kind == "map":
        told["max_document_bytes"] = work.run.max_document_bytes
    if output is not None:
        types = {name: str(kind) for name, kind in output.types.items()}
        told["output"] = [output.name, output.shard_size, output.holdout, output.columns, types, output.folders]
        told["seed"] = work.seed
    folder_name = re.sub(r"[^A-Za-z0-9_]", "_", name)
    fingerprint = digest_of(told)
    step = Step(number, folder_name, kind, source, numbers, feeds, links, before, after, fingerprint, output)
    work.steps.append(step)
    return number
