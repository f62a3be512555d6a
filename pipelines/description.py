"""`textmill plan`: a plan as text, so that one can see what will run before it does."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa

from pipelines.plan import Plan, Source, Step
from pipelines.wording import count_text, size_text, type_text


def describe(plan: Plan) -> str:
    """Sources, steps with their stages and columns, outputs and notes: plain text, one thing a line, no colours."""
    lines = [f"{plan.name}: {plan.file}, seed {plan.seed}, records in {plan.home}", ""]
    for source in plan.sources.values():
        lines += _source_lines(source, plan.limit)
    for step in plan.steps:
        lines += ["", *_step_lines(step)]
    if plan.notes:
        lines += ["", *(f"note: {note}" for note in plan.notes)]
    return "\n".join(lines)


def _source_lines(source: Source, limit: int | None) -> Iterator[str]:
    stored = size_text(sum(file.size for file in source.files))
    formats = ", ".join(sorted({file.format for file in source.files}))
    head = f"source {source.name}: {count_text(len(source.files), 'file')} ({formats}), {stored}, "
    limited = f", the first {count_text(limit, 'document')}" if limit is not None else ""
    yield f"{head}{count_text(len(source.splits), 'split')}{limited}  [{source.fingerprint[:8]}]"
    yield f"    columns: {_columns(source.schema)}"


def _step_lines(step: Step) -> Iterator[str]:
    before = [f"step {number}" for number in step.inputs] or [f"source {step.source}"]
    yield f"step {step.number} {step.kind} {step.name}: from {', '.join(before)}  [{step.fingerprint[:8]}]"
    for link in step.links:
        where = f" where {link.where}" if link.where else ""
        named = f" as {link.name}" if link.name != link.spec.use else ""
        fields = _fields(link.identity["fields"]) if isinstance(link.identity.get("fields"), dict) else ""
        yield f"    {link.kind:<6} {link.spec.use}{named}{fields}{where}"
    if step.output is not None:
        held = f", {100 * step.output.holdout:g}% held out" if step.output.holdout else ""
        yield f"    to {step.output.to}: shards of {size_text(step.output.shard_size)}{held}"
        yield f"    columns: {_columns(step.schema)}"
        return
    added = [field for field in step.schema if field.name not in step.schema_in.names]
    gone = [name for name in step.schema_in.names if name not in step.schema.names]
    if added:
        yield f"    adds: {_columns(pa.schema(added))}"
    if gone:
        yield f"    removes: {', '.join(gone)}"


def _fields(fields: dict[str, object]) -> str:
    """The fields that are not empty, as YAML would have them on one line."""
    told = ", ".join(f"{name}: {value}" for name, value in fields.items() if value not in (None, "", [], {}))
    return f" {{{told}}}" if told else ""


def _columns(schema: pa.Schema) -> str:
    return ", ".join(f"{field.name} {type_text(field.type)}" for field in schema if not field.name.startswith("_"))
