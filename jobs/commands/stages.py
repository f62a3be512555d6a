"""`textmill stages`: what can stand in a pipeline, and what its fields are."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from typing import Any, Final, get_args

from pydantic import BeforeValidator
from pydantic.fields import FieldInfo

from jobs.table import text_table
from stages.errors import Fault, PipelineError
from stages.fields import parse_count, parse_share, parse_size
from stages.load import UnknownStageError, known_stages, load_class
from stages.meanings import field_meanings
from stages.stage import Stage

_UNITS: Final[dict[Callable[..., object], str]] = {parse_size: "size", parse_count: "count", parse_share: "share"}


def stages_command(name: str | None, schema: bool) -> None:
    """A table of all stages, one stage with its fields, or the JSON Schema of a pipeline."""
    if schema:
        from pipelines.schema import json_schema

        json.dump(json_schema(), sys.stdout, indent=2)
        print()
        return
    if name is None:
        rows = [[info.use, info.kind, info.summary] for info in known_stages().values()]
        print(text_table(["stage", "kind", "what it does"], rows))
        return
    try:
        stage = load_class(name, None)
    except UnknownStageError as error:
        raise PipelineError(Fault(name, str(error), error.mend)) from error
    print(f"{name}\n")
    print((stage.__doc__ or "").strip())
    print()
    print(text_table(["field", "type", "default", "meaning"], field_rows(stage)))


def field_rows(stage: type[Stage]) -> list[list[str]]:
    """A row per field: its name, its type as YAML knows it, its default, and what it means."""
    properties = stage.model_json_schema()["properties"] if stage.model_fields else {}
    meanings = field_meanings(stage)
    rows = []
    for name, field in stage.model_fields.items():
        told = properties.get(name, {})
        kind, default = _type_name(told), json.dumps(told.get("default"))
        unit = _unit(field)
        if unit is not None:
            kind = kind.replace("integer", unit).replace("number", unit)
        if unit == "size" and default.isdecimal() and int(default) % 2**20 == 0:
            default = f"{int(default) // 2**20}MiB"
        if field.is_required():
            default = "required"
        rows.append([name, kind, default, meanings[name].replace("\n", " ")])
    return rows


def _unit(field: FieldInfo) -> str | None:
    """How YAML may write the number: as a size (`64MiB`), count (`30B`) or share (`10%`); None for plain numbers."""
    inside = [mark for one in get_args(field.annotation) for mark in getattr(one, "__metadata__", ())]
    parsers = [mark.func for mark in (*field.metadata, *inside) if isinstance(mark, BeforeValidator)]
    return next((_UNITS[parser] for parser in parsers if parser in _UNITS), None)


def _type_name(told: dict[str, Any]) -> str:
    if "enum" in told:
        return " | ".join(map(str, told["enum"]))
    if "const" in told:
        return str(told["const"])
    if "anyOf" in told:
        return " | ".join(dict.fromkeys(_type_name(one) for one in told["anyOf"]))
    kind = str(told.get("type", told.get("$ref", "value").rsplit("/", 1)[-1]))
    if kind == "array":
        items = told.get("items") or {}
        return f"list of {_type_name(items)}" if items else "list"
    return {"object": "mapping"}.get(kind, kind)
