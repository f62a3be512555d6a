"""From a pipeline file to a plan: parse, extend, interpolate, read the form, check stages and columns, cut into steps.

Every check runs as far as it can; at the end all faults are raised as one `PipelineError`, in order of line.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from pipelines import plan as plans
from pipelines.assemble import Channel, Passage, Sink, as_link, assemble, link_names
from pipelines.change import RECIPES, apply_settings, extended, recipe_names
from pipelines.faults import Found, Place, in_order, nearest, refuse
from pipelines.flow import after, partial_columns, together
from pipelines.form import Form, read_form
from pipelines.graph import Graph, Ref, connect, met_again
from pipelines.interpolate import interpolate
from pipelines.links import Configured, Setting, configure_links
from pipelines.models import unused_note
from pipelines.outputs import home_of, keep_apart, placed_outputs
from pipelines.plan import HOUSE
from pipelines.sources import Input, as_source, look, notes_on
from pipelines.storing import End, stored_after, stored_together
from pipelines.tree import Node, read_file
from pipelines.validate import validated
from pipelines.write_yaml import resolved_text
from stages.errors import Fault, PipelineError


@dataclass(frozen=True, slots=True)
class _Read:
    """A pipeline file with everything from outside put into it."""

    shown: str
    text: str
    form: Form


def compile_pipeline(
    file: Path | str,
    *,
    settings: Sequence[str] = (),
    limit: int | None = None,
    overrides: Mapping[str, Any] | None = None,
    working_directory: Path | None = None,
) -> plans.Plan:
    """The plan of a pipeline file or of a shipped recipe.

    `settings`: `path=value` as of `--set`. `limit`: read only the first so many documents of each source. `overrides`:
    run options that win over `run:`. Raises PipelineError with every fault found.
    """
    folder = (working_directory or Path()).absolute()
    faults: list[Found] = []
    read = _read(file, tuple(settings), folder, faults)
    run = _run_options(read.form.run, overrides or {}, faults)
    graph = connect(read.form, faults)
    inputs = _looked_at(read.form, folder, faults)
    notes = [note for found in inputs.values() for note in notes_on(found)]
    home = home_of(read.form, run, folder, faults)
    setting = Setting(read.form.models, Path(home) / HOUSE, read.form.seed)
    channels, ends = _channels(read.form, graph, inputs, setting, faults, notes)
    sinks = _sinks(read.form, graph, ends, folder, faults, notes)
    keep_apart(read.form, inputs, folder, faults)
    _check_limit(limit, faults)
    refuse(faults, read.shown)
    sources = {name: as_source(found, limit, faults) for name, found in inputs.items()}
    refuse(faults, read.shown)
    whole = {name: source for name, source in sources.items() if source is not None}
    assert run is not None
    steps = assemble(whole, graph, channels, sinks, run, read.form.seed)
    return plans.Plan(
        name=read.form.name,
        seed=read.form.seed,
        file=read.shown,
        text=read.text,
        home=home,
        run=run,
        sources=whole,
        steps=steps,
        limit=limit,
        notes=tuple(notes),
    )


def validate_pipeline(
    file: Path | str,
    *,
    settings: Sequence[str] = (),
    overrides: Mapping[str, Any] | None = None,
    working_directory: Path | None = None,
) -> list[Fault]:
    """All faults of a pipeline, in order of line; none when it would run."""
    try:
        compile_pipeline(file, settings=settings, overrides=overrides, working_directory=working_directory)
    except PipelineError as error:
        return list(error.faults)
    return []


def _read(file: Path | str, settings: tuple[str, ...], folder: Path, faults: list[Found]) -> _Read:
    """Parse the file, put its base below and the settings over it, and read its form. Syntax faults are raised here."""
    shown = str(file)
    path = folder / file
    if shown in recipe_names() and not path.is_file():
        path, shown = RECIPES / f"{shown}.yaml", f"{shown}.yaml"
    elif not path.exists():
        mend = nearest(shown, recipe_names(), f"mend the path, or name a recipe: {', '.join(recipe_names())}")
        raise PipelineError(Fault(shown, "there is no such file", mend))
    elif path.parent == RECIPES:
        shown = path.name
    text, told = read_file(path, shown, faults)
    if told is None:
        raise PipelineError(in_order(faults, shown))
    whole = extended(told, faults, (path.resolve(),))
    changed = apply_settings(whole, settings, folder, faults)
    if changed is not told and not (isinstance(told.value, Mapping) and changed.value == told.value):
        text = resolved_text(changed, shown, settings)
    form = read_form(interpolate(changed, faults), path.stem, faults)
    return _Read(shown, text, form)


def _run_options(node: Node | None, overrides: Mapping[str, Any], faults: list[Found]) -> plans.RunOptions | None:
    """The run options, with those of the command line over them; None leaves an option as it is."""
    given = {key: value for key, value in overrides.items() if value is not None}
    place = Place("command line", 0, Path())
    over = {key: Node(value, place) for key, value in given.items()}
    if node is not None and node.value is not None and not isinstance(node.value, Mapping):
        faults.append(Found(node.at, "run should be a mapping", "write `run: {workers: 4, memory: 8GB}`"))
        return None
    own = dict(node.value) if node is not None and isinstance(node.value, Mapping) else {}
    return validated(plans.RunOptions, Node({**own, **over}, node.at if node else place), "run", faults)


def _looked_at(form: Form, folder: Path, faults: list[Found]) -> dict[str, Input]:
    found = {name: look(name, source, folder, faults) for name, source in form.sources.items()}
    return {name: item for name, item in found.items() if item is not None}


def _channels(
    form: Form, graph: Graph, inputs: Mapping[str, Input], setting: Setting, faults: list[Found], notes: list[str]
) -> tuple[list[Channel], dict[Ref, End]]:
    """All streams with their columns, and what is known of documents at the end of each source and stream."""
    ends: dict[Ref, End] = {Ref("source", name): End(found.schema) for name, found in inputs.items()}
    configured: dict[str, list[Configured | None]] = {
        name: [link for step in stream.steps for link in (configure_links(step, faults, setting) if step else [None])]
        for name, stream in form.streams.items()
    }
    whole = [(name, [link for link in configured[name] if link is not None]) for name in graph.order]
    notes += unused_note(form.models, [name for _, links in whole for link in links for name in link.models])
    names = dict(zip(graph.order, link_names(whole)))
    channels = []
    for name in graph.order:
        start = _joined(graph, graph.streams[name], ends, form.streams[name].at, faults, notes, f"stream {name}")
        passages, schema = _walked(configured[name], names[name], start.schema, faults)
        ends[Ref("stream", name)] = stored_after(configured[name], End(schema, start.types, start.folders))
        if start.schema is not None and schema is not None:
            channels.append(Channel(name, graph.streams[name], start.schema, passages))
    return channels, ends


def _walked(
    links: Sequence[Configured | None], names: Sequence[str], schema: pa.Schema | None, faults: list[Found]
) -> tuple[tuple[Passage, ...], pa.Schema | None]:
    """The links of a stream with the columns after each, as far as they are known."""
    passages: list[Passage] = []
    for link in links:
        if link is None or schema is None:
            return (), None
        schema = after(link, schema, faults)
        if schema is not None:
            ends = type(link.stage).ends_step or link.form.checkpoint
            passages.append(Passage(as_link(link, names[len(passages)]), schema, ends))
    return tuple(passages), schema


def _joined(
    graph: Graph,
    feeds: Sequence[Ref],
    ends: Mapping[Ref, End],
    at: Place,
    faults: list[Found],
    notes: list[str],
    who: str,
) -> End:
    """What is known of feeds together; no columns when those of one of them are not known."""
    known = [(ref.name, ends.get(ref, End(None))) for ref in feeds]
    whole = [(name, end.schema) for name, end in known if end.schema is not None]
    if len(whole) != len(known) or not whole:
        return End(None)
    some = partial_columns(whole)
    if some:
        notes.append(f"{who}: only some of its inputs have {', '.join(some)}; the others' documents have null there")
    notes += [
        f"{who}: documents of {source} come to it on several ways; one that is kept on two of them is there twice, "
        "with one id, unless dedup.exact follows"
        for source in met_again(graph, feeds)
    ]
    return End(together(whole, at, faults), *stored_together(known, at, faults))


def _sinks(
    form: Form,
    graph: Graph,
    ends: Mapping[Ref, End],
    folder: Path,
    faults: list[Found],
    notes: list[str],
) -> list[Sink]:
    """All outputs with the columns they write."""
    reaching = {
        name: _joined(graph, graph.outputs[name], ends, output.at, faults, notes, f"output {name}")
        for name, output in form.outputs.items()
    }
    return [
        Sink(output, graph.outputs[output.name], schema)
        for output in placed_outputs(form, reaching, folder, faults)
        if (schema := reaching[output.name].schema) is not None
    ]


def _check_limit(limit: int | None, faults: list[Found]) -> None:
    if limit is not None and limit < 1:
        at = Place("command line", 0, Path())
        faults.append(Found(at, f"--limit {limit} reads nothing", "give a number of documents from 1 on"))
