"""Walks the columns of documents along a pipeline, before anything runs: every stage must find what it reads.

After a fault the columns are unknown (None), and what comes later is not judged by them: one cause, one fault.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cache

import pyarrow as pa
from pydantic import ValidationError

from pipelines.faults import Found, Place
from pipelines.links import Configured
from stages.document import is_plain
from stages.expression import parse_expression
from stages.load import known_stages, load_class
from stages.stage import Stage


def after(link: Configured, schema: pa.Schema, faults: list[Found]) -> pa.Schema | None:
    """The columns after a stage, or None with faults when it misses or breaks one."""
    before = len(faults)
    missing = [name for name in link.needs if name not in schema.names]
    for name in missing:
        what = f"{link.form.use} needs the column {name!r}, which nothing provides here{_offer(name)}"
        faults.append(Found(link.form.at, f"{what}; columns here: {_listed(schema)}", "add such a stage before it"))
    if not missing:
        faults.extend(_own_faults(link, schema))
    for name, kind in link.adds.items():
        if not is_plain(kind):
            what = f"{link.form.use} adds the column {name!r} of type {kind}, which does not travel"
            faults.append(Found(link.form.at, what, "use string, binary, bool, int32/64, float32/64, lists or structs"))
    faults.extend(_type_faults(link, schema))
    _check_where(link, schema, faults)
    if len(faults) > before:
        return None
    return pa.schema(list(link.adds.items())) if link.consumes else changed(schema, link.adds, link.removes)


def changed(schema: pa.Schema, adds: Mapping[str, pa.DataType], removes: Sequence[str]) -> pa.Schema:
    """The schema with columns replaced in place, appended and removed."""
    fields = {field.name: field.type for field in schema}
    fields.update(adds)
    return pa.schema([(name, kind) for name, kind in fields.items() if name not in removes or name in adds])


def together(schemas: Sequence[tuple[str, pa.Schema]], at: Place, faults: list[Found]) -> pa.Schema | None:
    """The columns of several streams one after the other: all of them, in order of first appearance.

    Documents of a stream without one of the columns have null there. One name with two types is a fault.
    """
    fields: dict[str, pa.DataType] = {}
    origin: dict[str, str] = {}
    good = True
    for name, schema in schemas:
        for field in schema:
            known = fields.setdefault(field.name, field.type)
            origin.setdefault(field.name, name)
            if known != field.type:
                good = False
                what = f"the column {field.name!r} is {known} in {origin[field.name]} and {field.type} in {name}"
                faults.append(Found(at, what, "let both have the same type, or drop the column in one"))
    return pa.schema(list(fields.items())) if good else None


def partial_columns(schemas: Sequence[tuple[str, pa.Schema]]) -> list[str]:
    """Columns that only some of the streams have, for a note to the user."""
    everywhere = set.intersection(*(set(schema.names) for _, schema in schemas)) if schemas else set()
    return list(dict.fromkeys(name for _, schema in schemas for name in schema.names if name not in everywhere))


def _own_faults(link: Configured, schema: pa.Schema) -> list[Found]:
    """What the stage itself has against these columns."""
    mend = f"columns here: {_listed(schema)}"
    try:
        return [Found(link.form.at, f"{link.form.use}: {what}", mend) for what in link.stage.check(schema)]
    except Exception as error:  # a stage's own code may raise anything; the user needs the line it stands on
        what = f"{link.form.use} cannot judge these columns: {type(error).__name__}: {error}"
        return [Found(link.form.at, what, "mend the stage")]


def _type_faults(link: Configured, schema: pa.Schema) -> list[Found]:
    """Columns of the stage's that would hold two types: some documents keep what they have, and it is of another."""
    if link.consumes or (link.kind != "find" and link.form.where is None):
        return []
    return [
        Found(
            link.form.at,
            f"{link.form.use} gives the column {name!r} as {kind}, but documents that it leaves as they are have it as "
            f"{schema.field(name).type}",
            "rename that column in the input, or read it as the same type",
        )
        for name, kind in link.adds.items()
        if name in schema.names and schema.field(name).type != kind
    ]


def _check_where(link: Configured, schema: pa.Schema, faults: list[Found]) -> None:
    where = link.form.where
    if where is None:
        return
    try:
        found = parse_expression(str(where.value)).check(schema)
    except ValueError as error:
        found = [str(error)]
    for what in found:
        faults.append(Found(where.at, f"where: {what}", f"columns here: {_listed(schema)}"))


def _listed(schema: pa.Schema) -> str:
    return ", ".join(name for name in schema.names if not name.startswith("_")) or "none"


def _offer(column: str) -> str:
    """Which stages would add a missing column."""
    names = [name for name, stage in _defaults().items() if column in stage.adds() and column not in stage.needs()]
    return f" ({' or '.join(names)} adds it)" if names else ""


@cache
def _defaults() -> Mapping[str, Stage]:
    """Every stage that can be made without fields, as it is then."""
    found: dict[str, Stage] = {}
    for name, info in known_stages().items():
        with suppress(ValidationError):  # a stage that cannot do without fields is not offered
            if info.kind not in ("broken", "read"):
                found[name] = load_class(name)()
    return found
