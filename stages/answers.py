"""The answer of a stage to one batch, checked against the contract and made comparable.

The idea: verdicts, rows, parents and cuts of a whole batch and of the same rows in any other cut become one list with
an entry per input row, so that two runs can be compared row by row and the first difference named.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from stages.document import COLUMNS, is_plain
from stages.stage import Filter, Map, Stage
from stages.verdicts import Cuts, Mapped, Rejected, Verdicts, keep_all


@dataclass(frozen=True, slots=True)
class Answer:
    """What a stage made of a batch. `fates` has one entry per input row: its verdict, its rows and its cuts."""

    fates: tuple[str, ...]
    schema: pa.Schema | None


def require(held: bool, stage: Stage, law: str, breach: str) -> None:
    """Raise the AssertionError that names the stage, the law and what was seen."""
    if not held:
        raise AssertionError(f"{stage_name(stage)} breaks the law of {law}: {breach}")


def stage_name(stage: Stage) -> str:
    """What messages call a stage."""
    kind = type(stage)
    return kind.use or f"{kind.__module__}.{kind.__qualname__}"


def ask(stage: Stage, batch: pa.RecordBatch, tools: Any, *, columns: Sequence[str] | None = None) -> Answer:
    """Run the stage on one batch and check the form of what it gives.

    `columns`: compare these output columns alone (all of them when None). Raises AssertionError for a breach; what the
    stage itself raises passes through.
    """
    if isinstance(stage, Filter):
        verdicts = stage.judge(batch, tools)
        check_verdicts(stage, batch, verdicts)
        return Answer(tuple(map(repr, _verdict_rows(verdicts))), None)
    if not isinstance(stage, Map):
        raise TypeError(f"{stage_name(stage)} is neither a Filter nor a Map")
    result = stage.map(batch, tools)
    mapped = result if isinstance(result, Mapped) else _whole(stage, batch, result)
    check_mapped(stage, batch, mapped)
    return Answer(_fates(batch.num_rows, mapped, columns), mapped.rows.schema)


def check_verdicts(stage: Stage, batch: pa.RecordBatch, verdicts: Verdicts) -> None:
    """One verdict per row, of the declared types; a dropped row with a value has a limit, and neither is NaN."""
    law = "verdicts"
    require(isinstance(verdicts, Verdicts), stage, law, f"judge gave {type(verdicts).__name__}, not Verdicts")
    expected = (("rule", pa.string()), ("value", pa.float64()), ("limit", pa.float64()), ("message", pa.string()))
    for name, kind in expected:
        column = getattr(verdicts, name)
        if column is None and name == "message":
            continue
        found = getattr(column, "type", type(column).__name__)
        require(found == kind, stage, law, f"`{name}` is {found}, not an Arrow array of {kind}")
        rows = f"`{name}` has {len(column)} entries for {batch.num_rows} rows"
        require(len(column) == batch.num_rows, stage, law, rows)
    for row, (rule, value, limit, _) in enumerate(_verdict_rows(verdicts)):
        if rule is None:
            continue
        where = f"row {row} is dropped by {rule!r}"
        require(rule.strip() != "", stage, law, f"{where}: an empty rule names nothing; null means keep")
        require(value is None or limit is not None, stage, law, f"{where} with the value {value} but no limit")
        nan = any(number is not None and np.isnan(number) for number in (value, limit))
        require(not nan, stage, law, f"{where} with a value or limit that is not a number")


def check_mapped(stage: Stage, batch: pa.RecordBatch, mapped: Mapped) -> None:
    """Every input row stays or is dropped, parents ascend, columns are those declared, the others unchanged."""
    _check_parents(stage, batch, mapped)
    if mapped.drops is not None:
        check_verdicts(stage, batch, mapped.drops)
    _check_conservation(stage, batch, mapped)
    _check_columns(stage, batch, mapped)
    if mapped.cuts is not None:
        _check_cuts(stage, batch, mapped, mapped.cuts)
    if mapped.rejected is not None:
        _check_rejected(stage, batch, mapped.rejected)


def _check_rejected(stage: Stage, batch: pa.RecordBatch, rejected: Rejected) -> None:
    law, parent = "rejected rows", rejected.parent
    lengths = {len(parent), len(rejected.text), len(rejected.verdicts)}
    require(len(lengths) == 1, stage, law, f"parent, text and verdicts have {sorted(lengths)} entries")
    require(parent.dtype == np.int32, stage, law, f"`parent` is {parent.dtype}, not int32")
    inside = bool(((parent >= 0) & (parent < batch.num_rows)).all() and (np.diff(parent) >= 0).all())
    require(inside, stage, law, f"`parent` does not ascend within the batch of {batch.num_rows}")
    require(rejected.text.type == pa.string(), stage, law, f"`text` is {rejected.text.type}, not string")
    require(rejected.verdicts.rule.null_count == 0, stage, law, "each rejected document needs the rule that rejects it")


def _whole(stage: Stage, batch: pa.RecordBatch, rows: Any) -> Mapped:
    """A plain RecordBatch as Mapped: the input's rows in the input's order."""
    known = isinstance(rows, pa.RecordBatch)
    require(known, stage, "rows", f"map gave {type(rows).__name__}, not RecordBatch or Mapped")
    count = f"a plain RecordBatch has the input's rows: {rows.num_rows} came back for {batch.num_rows}; give Mapped"
    require(rows.num_rows == batch.num_rows, stage, "rows", count)
    return Mapped(rows, np.arange(batch.num_rows, dtype=np.int32))


def _check_parents(stage: Stage, batch: pa.RecordBatch, mapped: Mapped) -> None:
    law, parent = "parents", mapped.parent
    typed = isinstance(parent, np.ndarray) and parent.dtype == np.int32 and parent.ndim == 1
    found = getattr(parent, "dtype", type(parent).__name__)
    require(typed, stage, law, f"`parent` is {found}, not a one-dimensional array of int32")
    rows = mapped.rows.num_rows
    require(len(parent) == rows, stage, law, f"`parent` has {len(parent)} entries for {rows} rows")
    require(bool((np.diff(parent) >= 0).all()), stage, law, "`parent` does not ascend; children follow their parent")
    inside = bool(((parent >= 0) & (parent < batch.num_rows)).all())
    require(inside, stage, law, f"`parent` names rows outside the batch of {batch.num_rows}")
    derived = _derived(stage, mapped)
    own = parent[~derived]
    twice = "one document goes on twice under one id; mark new documents in `derived`"
    require(len(np.unique(own)) == len(own), stage, "derived rows", twice)


def _derived(stage: Stage, mapped: Mapped) -> Any:
    """Which rows are new documents."""
    rows = mapped.rows.num_rows
    if mapped.derived is None:
        return np.zeros(rows, np.bool_)
    derived = np.asarray(mapped.derived)
    form = derived.dtype == np.bool_ and derived.shape == (rows,)
    require(form, stage, "derived rows", f"`derived` is {derived.dtype} of {derived.shape}, not {rows} booleans")
    return derived


def _check_conservation(stage: Stage, batch: pa.RecordBatch, mapped: Mapped) -> None:
    drops = mapped.drops or keep_all(batch.num_rows)
    dropped = pc.is_valid(drops.rule).to_numpy(zero_copy_only=False)
    stays = np.zeros(batch.num_rows, np.bool_)
    stays[mapped.parent] = True
    for row in np.flatnonzero(dropped == stays).tolist()[:1]:
        fate = "goes on and is dropped" if stays[row] else "is neither in `parent` nor in `drops`"
        require(False, stage, "conservation", f"input row {row} {fate}; every row is in exactly one of them")


def _check_columns(stage: Stage, batch: pa.RecordBatch, mapped: Mapped) -> None:
    adds, rows = stage.adds(), mapped.rows
    for name, kind in adds.items():
        require(name in rows.schema.names, stage, "declared columns", f"`{name}` is declared in adds() and not given")
        found = rows.schema.field(name).type
        require(found == kind, stage, "declared columns", f"`{name}` is {found}, declared in adds() as {kind}")
    expected = {*batch.schema.names, *adds} - (set(stage.removes()) - set(adds))
    surplus = [name for name in rows.schema.names if name not in expected and name != "parent_id"]
    require(not surplus, stage, "declared columns", f"{surplus} are given and not declared in adds()")
    lost = [name for name in batch.schema.names if name in expected and name not in rows.schema.names]
    require(not lost, stage, "unchanged columns", f"{lost} are lost and not declared in removes()")
    own = np.flatnonzero(~_derived(stage, mapped))
    for name in batch.schema.names:
        if name not in expected or name in adds:
            continue
        # The id and parent_id of new documents are given by textmill afterwards; everything else they inherit.
        at = own if name in ("id", "parent_id") else np.arange(rows.num_rows)
        before, after = batch[name].take(pa.array(mapped.parent[at])), rows[name].take(pa.array(at))
        require(before.type == after.type, stage, "unchanged columns", f"`{name}` was {before.type}, is {after.type}")
        same = before.equals(after) or repr(before.to_pylist()) == repr(after.to_pylist())  # NaN equals itself in repr
        require(same, stage, "unchanged columns", f"`{name}` is changed and not declared in adds()")


def _check_cuts(stage: Stage, batch: pa.RecordBatch, mapped: Mapped, cuts: Cuts) -> None:
    law = "cuts"
    lengths = {len(cuts.row), len(cuts.start), len(cuts.end), len(cuts.rule)}
    require(len(lengths) == 1, stage, law, f"row, start, end and rule have {sorted(lengths)} entries")
    spans = sorted(zip(cuts.row.tolist(), cuts.start.tolist(), cuts.end.tolist()))
    last = (-1, 0)
    for row, start, end in spans:
        require(0 <= row < batch.num_rows, stage, law, f"row {row} is outside the batch")
        require(row in mapped.parent, stage, law, f"row {row} is cut and does not stay")
        text = (batch["text"][row].as_py() or "").encode()
        span = f"the span {start} to {end} of row {row}"
        require(0 <= start < end <= len(text), stage, law, f"{span} is outside its {len(text)} bytes")
        split = any(at < len(text) and text[at] & 0xC0 == 0x80 for at in (start, end))
        require(not split, stage, law, f"{span} splits a character")
        require(row != last[0] or start >= last[1], stage, law, f"{span} overlaps the one before")
        last = (row, end)


def check_declared_types(stage: Stage) -> None:
    """Added columns have plain types, those with a fixed meaning their own type, and the id is nobody's to give."""
    law = "declared columns"
    require("id" not in stage.adds() and "id" not in stage.removes(), stage, law, "`id` is given once, never again")
    for name, kind in stage.adds().items():
        require(is_plain(kind), stage, law, f"`{name}` is declared as {kind}; engines agree on plain types alone")
        fixed = COLUMNS.get(name, kind)
        require(kind == fixed, stage, law, f"`{name}` is declared as {kind} and has the fixed type {fixed}")


def _verdict_rows(verdicts: Verdicts) -> list[tuple[str | None, float | None, float | None, str | None]]:
    message = verdicts.message.to_pylist() if verdicts.message is not None else [None] * len(verdicts)
    return list(zip(verdicts.rule.to_pylist(), verdicts.value.to_pylist(), verdicts.limit.to_pylist(), message))


def _fates(rows: int, mapped: Mapped, columns: Sequence[str] | None) -> tuple[str, ...]:
    """Per input row, in words that can be compared: its verdict, the rows it became, the spans cut from it."""
    drops = _verdict_rows(mapped.drops or keep_all(rows))
    children: list[list[Any]] = [[] for _ in range(rows)]
    chosen = mapped.rows if columns is None else mapped.rows.select(list(columns))
    derived = mapped.derived if mapped.derived is not None else np.zeros(mapped.rows.num_rows, np.bool_)
    for parent, new, row in zip(mapped.parent.tolist(), derived.tolist(), chosen.to_pylist()):
        children[parent].append((new, row))
    spans: list[list[Any]] = [[] for _ in range(rows)]
    if mapped.cuts is not None:
        cuts = mapped.cuts
        for row, *span in zip(cuts.row.tolist(), cuts.start.tolist(), cuts.end.tolist(), cuts.rule.to_pylist()):
            spans[row].append(span)
    refused: list[list[Any]] = [[] for _ in range(rows)]
    if mapped.rejected is not None:
        told = zip(mapped.rejected.text.to_pylist(), _verdict_rows(mapped.rejected.verdicts))
        for row, one in zip(mapped.rejected.parent.tolist(), told):
            refused[row].append(one)
    return tuple(repr(fate) for fate in zip(drops, children, spans, refused))
