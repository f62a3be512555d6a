"""`textmill plan` shows what will run; editors get a schema of what may stand in a pipeline."""

from __future__ import annotations

import json
from typing import Any

from pipelines import describe, json_schema

TEXT = """\
textmill: 1
name: small
read: {stages.read: {paths: data}}
steps:
  - filters.length: {min_words: 2, mode: tag}
    name: short
  - dedup.exact
write: {to: out, shard_size: 1MB, holdout: 1%}
"""


def test_a_plan_is_told_step_by_step(bench: Any) -> None:
    plan = bench.compile(TEXT, limit=5)

    told = describe(plan)

    assert "small: p.yaml" in told
    assert "source main: 1 file (jsonl)" in told
    assert "the first 5 documents" in told
    assert "filter filters.length as short {mode: tag, on_missing: fallback, min_words: 2}" in told
    assert "adds: length_rule string, length_words float64" in told
    assert "step 1 find exact: from step 0" in told
    assert f"to {bench.folder}/out: shards of 1.0 MB, 1% held out" in told
    assert all(step.fingerprint[:8] in told for step in plan.steps)
    assert "\x1b" not in told


def test_the_schema_knows_every_stage_and_its_fields() -> None:
    schema = json_schema()

    step = schema["$defs"]["step"]["anyOf"]
    assert "filters.length" in step[0]["enum"]
    assert "stages.read" not in step[0]["enum"]
    assert step[2]["properties"]["filters.length"]["anyOf"][0] == {"$ref": "#/$defs/filters.length"}
    assert set(step[2]["properties"]) >= {"name", "where", "checkpoint", "resources", "dedup.exact"}
    fields = schema["$defs"]["filters.length"]
    assert fields["additionalProperties"] is False
    assert fields["properties"]["min_words"]["description"]
    assert json.loads(json.dumps(schema)) == schema


def test_every_reference_of_the_schema_leads_somewhere() -> None:
    schema = json_schema()

    def references(value: Any) -> list[str]:
        if isinstance(value, dict):
            own = [value["$ref"]] if isinstance(value.get("$ref"), str) else []
            return own + [found for item in value.values() for found in references(item)]
        return [found for item in value for found in references(item)] if isinstance(value, list) else []

    found = references(schema)
    assert found
    assert all(reference.removeprefix("#/$defs/") in schema["$defs"] for reference in found)
