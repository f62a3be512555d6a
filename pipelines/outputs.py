"""Where a pipeline writes: the folders of its outputs, the columns that go out, and the home of the run directory."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from pipelines.faults import Found, Place
from pipelines.form import Form
from pipelines.output_form import WriteFields
from pipelines.plan import Output, RunOptions
from pipelines.sources import Input, absolute
from pipelines.storing import End
from stages.document import TOKENS
from stages.read import would_read


def placed_outputs(form: Form, ends: Mapping[str, End], folder: Path, faults: list[Found]) -> list[Output]:
    """The outputs with absolute folders; a column whose name starts with `_` stays in the run directory."""
    outputs: list[Output] = []
    for name, written in form.outputs.items():
        to = absolute(written.fields.to, folder)
        if "://" in to:
            what = f"write: {to} is no folder of this machine, and this version writes to such only"
            faults.append(Found(written.at, what, "write to a local folder and copy it"))
        twin = next((other.name for other in outputs if other.to == to), None)
        if twin is not None:
            what = f"the outputs {twin!r} and {name!r} write to one folder, {to}"
            faults.append(Found(written.at, what, "give each a folder of its own"))
        schema = ends[name].schema
        columns = tuple(column for column in schema.names if not column.startswith("_")) if schema is not None else ()
        if schema is not None and "text" not in columns and TOKENS not in columns:
            what = f"the documents of the output {name!r} have no column 'text'; columns here: {', '.join(columns)}"
            faults.append(Found(written.at, what, "a crawl needs stages.extract first; else name it: `read.text`"))
        outputs.append(_output(name, to, written.fields, columns, ends[name]))
    return outputs


def _output(name: str, to: str, fields: WriteFields, columns: tuple[str, ...], end: End) -> Output:
    types = {column: kind for column, kind in end.types.items() if column in columns}
    folders = end.folders if end.folders in columns else None
    return Output(name, to, fields.shard_size, fields.holdout, columns, types, folders)


def keep_apart(form: Form, inputs: Mapping[str, Input], folder: Path, faults: list[Found]) -> None:
    """Refuse an output whose files a second run would take for its input."""
    for name, found in inputs.items():
        for output in form.outputs.values():
            to = absolute(output.fields.to, folder)
            written = (f"{to}/data/train-00000-of-00001.parquet", f"{to}/README.md")
            own = next((path for path in written if would_read(found.read, path)), None)
            if own is not None:
                what = f"write: {to} lies where the source {name!r} reads: {own} would be input of the next run"
                faults.append(Found(output.at, what, "write to another folder, or narrow the read's paths"))


def home_of(form: Form, run: RunOptions | None, folder: Path, faults: list[Found]) -> str:
    """Where `_textmill` stands: `run.home`, the one output's folder, or the folder that holds all outputs' folders."""
    if run is not None and run.home:
        return _stated_home(form, absolute(run.home, folder), folder, faults)
    places = [absolute(output.fields.to, folder) for output in form.outputs.values()]
    local = [place for place in places if "://" not in place]
    if not local:
        return str(folder)
    home = os.path.commonpath(local)
    if len(local) > 1 and home == os.path.sep:
        at: Place = next(iter(form.outputs.values())).at
        faults.append(Found(at, "the outputs have no common folder for the run's records", "set `run: {home: FOLDER}`"))
    return home


def _stated_home(form: Form, home: str, folder: Path, faults: list[Found]) -> str:
    """`run.home`, which must hold every output's folder: the run's books name the shards from there."""
    for output in form.outputs.values():
        to = absolute(output.fields.to, folder)
        if os.path.commonpath([home, to]) != home:
            faults.append(
                Found(output.at, f"the output {to} does not lie in run.home, {home}", "choose a folder above it")
            )
    return home
