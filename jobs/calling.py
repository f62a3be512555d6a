"""One stage applied to one batch, in the common form `Mapped`: `where` honoured, exceptions pinned on their row.

A stage that raises is called again on halves of the batch until the one document at fault is alone; the others are
judged as if nothing had happened, which is right because a stage's result does not depend on how batches are cut.
"""

from __future__ import annotations

import traceback
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from jobs.flow import Flow
from pipelines.plan import Link
from stages.document import with_column
from stages.errors import StageError, TextmillError
from stages.expression import Expression, parse_expression
from stages.load import build
from stages.stage import Filter, Map, Stage, stage_key
from stages.verdicts import Cuts, Mapped, Rejected, Verdicts, keep_all, verdicts_of

_THE_RUNS_OWN: Final = (MemoryError, KeyboardInterrupt, TextmillError)
_NOT_THE_DOCUMENTS_FAULT: Final = (OSError, ImportError, SystemExit)

Rows = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Loaded:
    link: Link
    stage: Stage
    tools: Any
    where: Expression | None
    key: str


def load(link: Link) -> Loaded:
    """The stage of a link, open. Raises StageError when it cannot be opened."""
    stage = build(link.spec)
    where = parse_expression(link.where) if link.where else None
    return Loaded(link, stage, open_stage(link, stage), where, stage_key(stage))


def open_stage(link: Link, stage: Stage) -> Any:
    """The stage's tools. Whatever it raises is not a document's fault and becomes a StageError."""
    try:
        return stage.open()
    except _THE_RUNS_OWN:
        raise
    except (Exception, SystemExit) as error:
        raise stage_error(link, error) from error


def stage_error(link: Link, error: BaseException) -> StageError:
    """What a stage raised and where, as an error of the run: no document is at fault."""
    frames = traceback.extract_tb(error.__traceback__)
    here = Path(__file__).parent
    outside = [frame for frame in frames if here not in Path(frame.filename).parents] or frames
    frame = [one for one in outside if one.filename == outside[0].filename][-1]
    return StageError(
        f"{link.at}: {link.name} raised {type(error).__name__}: {error} ({frame.filename}, line {frame.lineno})\n"
        "    mend: this is no document's fault: see to the cause, then run the same command again"
    )


def apply(loaded: Loaded, batch: pa.RecordBatch, flow: Flow) -> Mapped:
    """The stage's result for a batch, with `where` honoured: rows it leaves out go on untouched."""
    if loaded.where is None:
        return _guarded(loaded, batch, flow)
    mask = loaded.where.mask(batch)
    flow.not_applied += int(batch.num_rows - mask.sum())
    inside, outside = np.flatnonzero(mask), np.flatnonzero(~mask)
    if not len(inside):
        return Mapped(_untouched(loaded.stage, batch), np.arange(batch.num_rows, dtype=np.int32))
    mapped = _guarded(loaded, batch.take(pa.array(inside)), flow)
    parent = np.concatenate([inside[mapped.parent], outside]).astype(np.int32)
    untouched = _untouched(loaded.stage, batch.take(pa.array(outside))).select(mapped.rows.schema.names)
    order = np.argsort(parent, kind="stable")
    rows = pa.concat_batches([mapped.rows, untouched]).take(pa.array(order))
    drops = None if mapped.drops is None else _spread(mapped.drops, inside, batch.num_rows)
    cuts = mapped.cuts
    if cuts is not None:
        cuts = Cuts(inside[cuts.row].astype(np.int32), cuts.start, cuts.end, cuts.rule)
    derived = mapped.derived
    if derived is not None:
        derived = np.concatenate([derived, np.zeros(len(outside), np.bool_)])[order]
    rejected = mapped.rejected
    if rejected is not None:
        rejected = replace(rejected, parent=inside[rejected.parent].astype(np.int32))
    return Mapped(rows, parent[order], drops, cuts, derived, rejected)


def _guarded(loaded: Loaded, batch: pa.RecordBatch, flow: Flow) -> Mapped:
    """Call the stage; when it raises, halve the batch until one row is left, and fail that row alone."""
    try:
        mapped, notes = _call(loaded, batch), loaded.stage.notes(batch, loaded.tools)
    except _THE_RUNS_OWN:
        raise
    except _NOT_THE_DOCUMENTS_FAULT as error:
        raise stage_error(loaded.link, error) from error
    except Exception as error:
        if batch.num_rows == 1:
            flow.errors += 1
            verdict = (f"error:{type(error).__name__}", None, None, str(error)[:500] or None)
            return Mapped(empty_after(loaded.stage, batch.slice(0, 0)), np.zeros(0, np.int32), verdicts_of([verdict]))
    else:
        flow.note(notes)
        return mapped
    half = batch.num_rows // 2
    first = _guarded(loaded, batch.slice(0, half), flow)
    second = _guarded(loaded, batch.slice(half), flow)
    return _joined(first, half, second, batch.num_rows - half)


def _call(loaded: Loaded, batch: pa.RecordBatch) -> Mapped:
    """One call of a stage in the common form."""
    stage = loaded.stage
    if isinstance(stage, Filter):
        return _tagged(stage, batch, loaded.tools) if stage.mode == "tag" else _judged(stage, batch, loaded.tools)
    assert isinstance(stage, Map)
    result = stage.map(batch, loaded.tools)
    if isinstance(result, Mapped):
        return replace(result, rows=_in_shape(stage, batch, result.rows))
    if result.num_rows != batch.num_rows:
        raise StageError(f"{loaded.link.name}: a Map that returns a plain batch must keep its {batch.num_rows} rows")
    return Mapped(_in_shape(stage, batch, result), np.arange(batch.num_rows, dtype=np.int32))


def _tagged(stage: Filter, batch: pa.RecordBatch, tools: Any) -> Mapped:
    rows = batch
    for name, column in zip(stage.adds(), stage.tags(batch, tools)):
        rows = with_column(rows, name, column)
    return Mapped(_in_shape(stage, batch, rows), np.arange(batch.num_rows, dtype=np.int32))


def _judged(stage: Filter, batch: pa.RecordBatch, tools: Any) -> Mapped:
    verdicts = stage.judge(batch, tools)
    if len(verdicts) != batch.num_rows:
        raise StageError(f"{stage.use}: gave {len(verdicts)} verdicts for {batch.num_rows} rows")
    if verdicts.rule.null_count == batch.num_rows:
        return Mapped(batch, np.arange(batch.num_rows, dtype=np.int32))
    kept = verdicts.rule.is_null()
    parent = np.flatnonzero(kept.to_numpy(zero_copy_only=False)).astype(np.int32)
    return Mapped(batch.filter(kept), parent, verdicts)


def _in_shape(stage: Stage, before: pa.RecordBatch, rows: pa.RecordBatch) -> pa.RecordBatch:
    """Columns as declared: those of the input in their order, then the added ones; wrong ones are refused."""
    expected = schema_after(before.schema, stage)
    missing = [name for name in expected.names if name not in rows.schema.names]
    if missing:
        raise StageError(f"{stage.use}: the column {missing[0]} is missing from its result")
    for field in expected:
        found = rows.schema.field(field.name).type
        if found != field.type:
            raise StageError(f"{stage.use}: the column {field.name} is {found}, but {field.type} is declared")
    return pa.RecordBatch.from_arrays([rows[name] for name in expected.names], schema=expected)


def schema_after(schema: pa.Schema, stage: Stage) -> pa.Schema:
    """The columns behind a stage: removed ones gone, replaced ones in place, new ones at the end."""
    adds, removes = dict(stage.adds()), set(stage.removes())
    fields = [pa.field(field.name, adds.pop(field.name, field.type)) for field in schema if field.name not in removes]
    return pa.schema([*fields, *(pa.field(name, kind) for name, kind in adds.items())])


def _untouched(stage: Stage, batch: pa.RecordBatch) -> pa.RecordBatch:
    """A batch in the shape behind a stage that was not applied to it: new columns are null."""
    schema = schema_after(batch.schema, stage)
    names = set(batch.schema.names)
    columns = [
        batch[field.name].cast(field.type) if field.name in names else pa.nulls(batch.num_rows, field.type)
        for field in schema
    ]
    return pa.RecordBatch.from_arrays(columns, schema=schema)


def empty_after(stage: Stage, batch: pa.RecordBatch) -> pa.RecordBatch:
    return pa.RecordBatch.from_pylist([], schema=schema_after(batch.schema, stage))


def _joined(first: Mapped, rows: int, second: Mapped, more: int) -> Mapped:
    """Two results of neighbouring batches as one."""
    drops = None
    if first.drops is not None or second.drops is not None:
        drops = _concat_verdicts(first.drops or keep_all(rows), second.drops or keep_all(more))
    derived = None
    if first.derived is not None or second.derived is not None:
        parts = [
            np.zeros(one.rows.num_rows, np.bool_) if one.derived is None else one.derived for one in (first, second)
        ]
        derived = np.concatenate(parts)
    parent = np.concatenate([first.parent, second.parent + rows]).astype(np.int32)
    cuts = [(first.cuts, 0), (second.cuts, rows)]
    held = [Cuts((one.row + shift).astype(np.int32), one.start, one.end, one.rule) for one, shift in cuts if one]
    joined = None
    if held:
        joined = Cuts(
            np.concatenate([one.row for one in held]),
            np.concatenate([one.start for one in held]),
            np.concatenate([one.end for one in held]),
            pa.concat_arrays([one.rule for one in held]),
        )
    rejected = [(one, shift) for one, shift in ((first.rejected, 0), (second.rejected, rows)) if one is not None]
    return Mapped(
        pa.concat_batches([first.rows, second.rows]), parent, drops, joined, derived, joined_rejected(rejected)
    )


def joined_rejected(parts: list[tuple[Rejected, int]]) -> Rejected | None:
    """Rejected documents of neighbouring batches, with the row at which each batch starts."""
    if not parts:
        return None
    whole, shift = parts[0]
    whole = replace(whole, parent=(whole.parent + shift).astype(np.int32))
    for one, shift in parts[1:]:
        whole = Rejected(
            np.concatenate([whole.parent, one.parent + shift]).astype(np.int32),
            pa.concat_arrays([whole.text, one.text]),
            _concat_verdicts(whole.verdicts, one.verdicts),
        )
    return whole


def _concat_verdicts(first: Verdicts, second: Verdicts) -> Verdicts:
    def message(one: Verdicts) -> pa.Array:
        return pa.nulls(len(one), pa.string()) if one.message is None else one.message

    return Verdicts(
        pa.concat_arrays([first.rule, second.rule]),
        pa.concat_arrays([first.value, second.value]),
        pa.concat_arrays([first.limit, second.limit]),
        pa.concat_arrays([message(first), message(second)]),
    )


def _spread(verdicts: Verdicts, at: Rows, rows: int) -> Verdicts:
    """Verdicts of some rows as verdicts of all: the others are kept."""
    back = np.full(rows, -1, np.int64)
    back[at] = np.arange(len(at))
    return taken(verdicts, pa.array(back, mask=back < 0))


def taken(verdicts: Verdicts, picks: pa.Array) -> Verdicts:
    """The verdicts at these rows; a null keeps."""
    message = None if verdicts.message is None else verdicts.message.take(picks)
    return Verdicts(verdicts.rule.take(picks), verdicts.value.take(picks), verdicts.limit.take(picks), message)
