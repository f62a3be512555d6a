"""How sources, streams and outputs hang together: who takes from whom, in which order, and who is taken from twice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from pipelines.faults import Found, nearest
from pipelines.form import Form
from pipelines.output_form import Feed


@dataclass(frozen=True, slots=True)
class Ref:
    """A feed of which is known what it is."""

    kind: Literal["source", "stream"]
    name: str


@dataclass(frozen=True, slots=True)
class Graph:
    """`order`: the streams, each after those it takes from. `uses`: how many streams and outputs take from a thing."""

    order: tuple[str, ...]
    streams: Mapping[str, tuple[Ref, ...]]
    outputs: Mapping[str, tuple[Ref, ...]]
    uses: Mapping[Ref, int]


def connect(form: Form, faults: list[Found]) -> Graph:
    """The graph of a form; faults for unknown names, circles and what is never used."""
    for name in form.streams:
        if name in form.sources and _takes_from_others(form, name):
            what = f"{name!r} is both a source and a stream"
            faults.append(Found(form.streams[name].at, what, "rename one of them"))
    streams = {
        name: _refs(stream.feeds, form, name, f"the stream {name!r}", faults) for name, stream in form.streams.items()
    }
    outputs = {
        name: _refs(output.feeds, form, None, f"the output {name!r}", faults) for name, output in form.outputs.items()
    }
    uses = Counter(ref for refs in (*streams.values(), *outputs.values()) for ref in refs)
    if form.complete and not form.broken:
        _check_used(form, uses, faults)
    return Graph(_ordered(form, streams, faults), streams, outputs, uses)


def met_again(graph: Graph, feeds: Sequence[Ref]) -> list[str]:
    """The sources whose documents come by more than one of these feeds, and so may stand there twice."""
    times = Counter(source for ref in feeds for source in _sources_behind(graph, ref))
    return [source for source, ways in times.items() if ways > 1]


def _sources_behind(graph: Graph, ref: Ref) -> list[str]:
    """The sources that a feed takes from, each once."""
    waiting, seen = [ref], {ref: None}
    while waiting:
        taken = waiting.pop()
        new = [feed for feed in graph.streams[taken.name] if feed not in seen] if taken.kind == "stream" else []
        seen |= dict.fromkeys(new)
        waiting += new
    return [taken.name for taken in seen if taken.kind == "source"]


def _takes_from_others(form: Form, name: str) -> bool:
    """Whether a stream takes anything else than the source of its own name, as the flat form's does."""
    return [feed.name for feed in form.streams[name].feeds] != [name]


def _refs(feeds: Sequence[Feed], form: Form, own: str | None, who: str, faults: list[Found]) -> tuple[Ref, ...]:
    refs = []
    for feed in feeds:
        if feed.name == own and feed.name in form.broken:
            continue
        if feed.name in form.streams and (feed.name != own or feed.name not in form.sources):
            refs.append(Ref("stream", feed.name))
        elif feed.name in form.sources:
            refs.append(Ref("source", feed.name))
        elif feed.name not in form.broken:
            what = f"{who} takes from {feed.name!r}, which is neither a source nor a stream"
            faults.append(Found(feed.at, what, nearest(feed.name, [*form.sources, *form.streams])))
    return tuple(refs)


def _check_used(form: Form, uses: Mapping[Ref, int], faults: list[Found]) -> None:
    for name, source in form.sources.items():
        if not uses.get(Ref("source", name)):
            what = f"the source {name!r} is never used"
            faults.append(Found(source.at, what, "take it in the `from` of a stream, or remove it"))
    for name, stream in form.streams.items():
        if not uses.get(Ref("stream", name)):
            what = f"the stream {name!r} is never used: it is not written and no stream takes from it"
            faults.append(Found(stream.at, what, "take it in the `from` of an output or a stream, or remove it"))


def _ordered(form: Form, streams: Mapping[str, tuple[Ref, ...]], faults: list[Found]) -> tuple[str, ...]:
    """Streams in the order of the YAML, but each after those it takes from; streams in a circle are left out."""
    order: list[str] = []
    waiting = list(streams)
    while waiting:
        ready = [name for name in waiting if all(ref.kind == "source" or ref.name in order for ref in streams[name])]
        if not ready:
            what = f"the streams {', '.join(waiting)} wait for each other: they take from each other in a circle"
            faults.append(Found(form.streams[waiting[0]].at, what, "let one of them take from a source"))
            break
        order.append(ready[0])
        waiting.remove(ready[0])
    return tuple(order)
