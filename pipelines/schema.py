"""The JSON Schema of pipeline files, so that editors complete stage names and fields and mark what is wrong.

It is made from the stages' own fields: nothing here knows a single stage. It is a little wider than the compiler, which
has the last word: a value may always be a `${…}` reference.
"""

from __future__ import annotations

from typing import Any, Final

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from pipelines.output_form import WriteFields
from pipelines.plan import RunOptions
from stages.load import StageInfo, known_stages, load_class
from stages.meanings import field_meanings
from stages.stage import Resources

_REFERENCE: Final[dict[str, Any]] = {"type": "string", "pattern": r"\$\{"}
_FROM: Final[dict[str, Any]] = {
    "description": "A source or stream, a list of them, one after the other, or for a stream their weights.",
    "anyOf": [
        {"type": "string"},
        {"type": "array", "items": {"type": "string"}, "minItems": 1},
        {"type": "object", "additionalProperties": {"type": ["string", "number"]}, "minProperties": 1},
    ],
}


def json_schema() -> dict[str, Any]:
    """JSON Schema (draft 2020-12) of a pipeline file, with the fields of every stage known here."""
    stages = {name: info for name, info in known_stages().items() if info.kind != "broken"}
    steps = {"type": "array", "items": {"$ref": "#/$defs/step"}}
    source = {"$ref": "#/$defs/source"}
    stream = _closed({"from": _FROM, "steps": steps}, ["from"])
    named = {"type": "object", "additionalProperties": {"$ref": "#/$defs/output"}}
    properties = {
        "textmill": {"const": 1, "description": "The version of the pipeline format."},
        "name": {"type": "string"},
        "extends": {"type": "string", "description": "A recipe, or a path relative to this file."},
        "set": {"type": "object", "description": "Addresses such as steps.filters.length.min_words, with new values."},
        "seed": {"anyOf": [{"type": "integer"}, _REFERENCE]},
        "vars": {"type": "object", "description": "Values for ${vars.name}."},
        "models": {"type": "object", "additionalProperties": {"type": "object"}},
        "sources": {"type": "object", "additionalProperties": source},
        "streams": {"type": "object", "additionalProperties": stream},
        "read": source,
        "steps": steps,
        "write": {"anyOf": [{"$ref": "#/$defs/output"}, named]},
        "run": _fields_of(RunOptions),
    }
    whole = _closed(properties, [])
    definitions = {
        "step": _step(stages, reading=False),
        "source": _step(stages, reading=True),
        "output": _output(),
        **{name: _fields_of(load_class(name)) for name in stages},
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A textmill pipeline",
        **whole,
        "$defs": definitions,
    }


class _Wide(GenerateJsonSchema):
    """Fields as YAML may write them: sizes as text, and any number or switch as a reference; each with its meaning."""

    def model_schema(self, schema: core_schema.ModelSchema) -> JsonSchemaValue:
        told = super().model_schema(schema)
        for name, text in field_meanings(schema["cls"]).items():
            if text:
                told["properties"][name].setdefault("description", text)
        return told

    def function_before_schema(self, schema: core_schema.BeforeValidatorFunctionSchema) -> JsonSchemaValue:
        told = super().function_before_schema(schema)
        return told if told.get("type") == "object" else {"anyOf": [told, {"type": "string"}]}

    def int_schema(self, schema: core_schema.IntSchema) -> JsonSchemaValue:
        return {"anyOf": [super().int_schema(schema), _REFERENCE]}

    def float_schema(self, schema: core_schema.FloatSchema) -> JsonSchemaValue:
        return {"anyOf": [super().float_schema(schema), _REFERENCE]}

    def bool_schema(self, schema: core_schema.BoolSchema) -> JsonSchemaValue:
        return {"anyOf": [super().bool_schema(schema), _REFERENCE]}

    def literal_schema(self, schema: core_schema.LiteralSchema) -> JsonSchemaValue:
        return {"anyOf": [super().literal_schema(schema), _REFERENCE]}

    def list_schema(self, schema: core_schema.ListSchema) -> JsonSchemaValue:
        return {"anyOf": [super().list_schema(schema), _REFERENCE]}


def _step(stages: dict[str, StageInfo], *, reading: bool) -> dict[str, Any]:
    """A step of a stream, or the one of a source, which takes no step keys."""
    fitting = {name: info for name, info in stages.items() if (info.kind == "read") == reading}
    keys: dict[str, Any] = {
        name: {"description": info.summary, "anyOf": [{"$ref": f"#/$defs/{name}"}, {"type": "null"}, _REFERENCE]}
        for name, info in fitting.items()
    }
    if not reading:
        keys["name"] = {"type": "string", "description": "What ledger and tables call this step."}
        keys["where"] = {"type": "string", "description": "Only rows for which this holds; the others go on untouched."}
        keys["checkpoint"] = {"anyOf": [{"type": "boolean"}, _REFERENCE]}
        keys["resources"] = _fields_of(Resources)
    mapping = {**_closed(keys, []), "patternProperties": {r"^(\.\.?)?/": {}}, "minProperties": 1}
    return {"anyOf": [{"enum": sorted(fitting)}, {"type": "string", "pattern": r"^(\.\.?)?/|\$\{"}, mapping]}


def _output() -> dict[str, Any]:
    fields = _fields_of(WriteFields)
    return {**fields, "properties": {"from": _FROM, **fields["properties"]}}


def _fields_of(model: Any) -> dict[str, Any]:
    """A model's schema without references to elsewhere, so that it can stand among the definitions."""
    schema: dict[str, Any] = model.model_json_schema(schema_generator=_Wide)
    inner = schema.pop("$defs", {})
    unfolded: dict[str, Any] = _unfold(schema, inner)
    return unfolded


def _unfold(value: Any, inner: dict[str, Any]) -> Any:
    """Put nested models where they are referred to; stages' fields do not refer to themselves."""
    if isinstance(value, dict):
        if "$ref" in value:
            return _unfold(inner[value["$ref"].rsplit("/", 1)[-1]], inner)
        return {key: _unfold(item, inner) for key, item in value.items()}
    return [_unfold(item, inner) for item in value] if isinstance(value, list) else value


def _closed(properties: dict[str, Any], required: list[str]) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}
