"""`textmill try`: one document through every stage of a pipeline, without writing anything."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from filters.adaptive import AdaptiveFilter
from jobs.calling import schema_after
from jobs.chain import Chain
from jobs.pandas_later import meet_pandas_later
from jobs.recipes import find_pipeline
from jobs.table import text_table
from pipelines.compile import compile_pipeline
from pipelines.plan import Link, Plan, Source, Step
from pipelines.wording import value_text
from stages.document import document_id
from stages.errors import Fault, PipelineError
from stages.expression import parse_expression
from stages.load import build
from stages.read import read_split
from stages.stage import Filter
from stages.verdicts import Rule


def try_command(pipeline: str, settings: list[str], id: str | None, url: str | None, text: str | None) -> None:
    """Print what each stage makes of the document: kept or not, by which value against which limit, what changed."""
    meet_pandas_later()
    if sum(one is not None for one in (id, url, text)) != 1:
        raise PipelineError(Fault("textmill try", "which document is not said", "give one of --id, --url and --text"))
    plan = compile_pipeline(find_pipeline(pipeline), settings=settings)
    if text is not None:
        document = _made_up(text)
        step = _first_with_text(plan)
    else:
        source, document = _find(plan, "id" if id is not None else "url", id if id is not None else str(url))
        step = next(step for step in plan.steps if step.source == source.name)
    print(f"document {document['id'][0]}")
    while step is not None:
        document = _walk(plan, step, document)
        if document.num_rows == 0:
            return
        following = [later for later in plan.steps if step.number in later.inputs]
        step = following[0] if following else None
    print("kept: it would be written")


def _walk(plan: Plan, step: Step, document: pa.RecordBatch) -> pa.RecordBatch:
    for link in step.links:
        if link.kind in ("find", "move"):
            print(f"  {link.name}: needs the other documents; not tried")
            document = _with_nulls(document, link)
            continue
        document = _one(plan, step, link, document)
        if document.num_rows == 0:
            return document
    return document


def _one(plan: Plan, step: Step, link: Link, document: pa.RecordBatch) -> pa.RecordBatch:
    asked = parse_expression(link.where).columns if link.where else ()
    missing = [name for name in (*build(link.spec).needs(), *asked) if name not in document.schema.names]
    if missing:
        print(f"  {link.name}: needs the column {missing[0]}, which this text alone does not have; not tried")
        return document
    chain = Chain([link], step.name, plan.run.max_document_bytes)
    after, ledger = chain.run(document)
    for row in ledger.to_pylist():
        against = "" if row["limit"] is None else f", limit {value_text(row['limit'])}"
        value = "" if row["value"] is None else f", value {value_text(row['value'])}"
        print(f"  {link.name}: {row['kind']} by {row['rule']}{value}{against} {row['message'] or ''}".rstrip())
    if chain.flows[0].not_applied:
        print(f"  {link.name}: not applied, because `where` does not hold: {link.where}")
        return after
    if after.num_rows and not ledger.num_rows:
        print(f"  {link.name}: kept{_changes(document, after)}")
    for line in _measured(link, document):
        print(f"      {line}")
    return after


def _measured(link: Link, document: pa.RecordBatch) -> Iterator[str]:
    """Every rule of a filter with its value against its limit, as far as the filter tells them apart.

    In mode `tag` it measures all of them; one that drops may stop at the first that fails.
    """
    stage = build(link.spec)
    if not isinstance(stage, Filter) or type(stage).rules is Filter.rules:
        return
    stage = build(replace(link.spec, fields={**link.spec.fields, "mode": "tag"}))
    assert isinstance(stage, Filter)
    tools = stage.open()
    if isinstance(stage, AdaptiveFilter) and stage.limits is not None:
        rules = stage.parts(document, tools)[0].rules()
    else:
        rules = stage.rules(document, tools)
    rows = [
        [
            rule.name,
            "-" if rule.value is None else value_text(rule.value[0]),
            _limit(rule),
            "fails" if rule.fails[0] else "",
        ]
        for rule in rules
    ]
    if rows:
        yield from text_table(["rule", "value", "limit", ""], rows, right=(1, 2)).splitlines()


def _limit(rule: Rule) -> str:
    if rule.limit is None:
        return "-"
    return value_text(rule.limit[0] if isinstance(rule.limit, np.ndarray) else rule.limit)


def _changes(before: pa.RecordBatch, after: pa.RecordBatch) -> str:
    told = []
    for name in after.schema.names:
        value = after[name][0].as_py()
        if name in before.schema.names and before[name][0].as_py() == value:
            continue
        if name == "text":
            told.append(f"text is {len(value or ''):,} characters: {' '.join((value or '').split())[:80]!r}")
        elif not isinstance(value, list):
            told.append(f"{name} = {str(value)[:80]}")
    if after.num_rows > 1:
        told.append(f"{after.num_rows} documents come out; the first goes on")
    return ("; " + ", ".join(told)) if told else ""


def _with_nulls(document: pa.RecordBatch, link: Link) -> pa.RecordBatch:
    schema = schema_after(document.schema, build(link.spec))
    columns = [
        document[field.name] if field.name in document.schema.names else pa.nulls(document.num_rows, field.type)
        for field in schema
    ]
    return pa.RecordBatch.from_arrays(columns, schema=schema)


def _made_up(text: str) -> pa.RecordBatch:
    if text.startswith("@"):
        file = Path(text[1:])
        try:
            text = file.read_text("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            what = f"cannot be read: {error.strerror if isinstance(error, OSError) else error}"
            raise PipelineError(Fault(str(file), what, "--text takes the text, or @FILE with UTF-8 text")) from error
    names = {"id": document_id("try", "", text), "text": text}
    return pa.record_batch({name: pa.array([value], pa.string()) for name, value in names.items()})


def _first_with_text(plan: Plan) -> Step | None:
    """The first step after the text is there: behind extraction, or where the source has text itself."""
    for step in plan.steps:
        if "text" in step.schema_in.names:
            return step
        if "text" in step.schema.names:
            return next((later for later in plan.steps if step.number in later.inputs), None)
    raise PipelineError(Fault(plan.file, "no step of this pipeline works on text", "give --id or --url"))


def _find(plan: Plan, column: str, value: str) -> tuple[Source, pa.RecordBatch]:
    """Read the sources until the document turns up."""
    for source in plan.sources.values():
        for batch in _documents(source, plan):
            if column not in batch.schema.names:
                break
            found = pc.indices_nonzero(pc.fill_null(pc.equal(batch[column], value), False))
            if len(found):
                return source, batch.slice(found[0].as_py(), 1)
    raise PipelineError(Fault(plan.file, f"no document of its sources has {column} {value!r}", "ids are 32 hex digits"))


def _documents(source: Source, plan: Plan) -> Iterator[pa.RecordBatch]:
    for split in source.splits:
        chunks = read_split(
            source.read,
            source.name,
            source.schema,
            replace(split),
            batch_rows=plan.run.batch_rows,
            batch_bytes=plan.run.batch_bytes,
        )
        for chunk in chunks:
            yield chunk.rows
