"""Checks YAML against a pydantic model and says what is wrong in the user's words, at the user's line."""

from __future__ import annotations

import json
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from pipelines.content_files import written_elsewhere
from pipelines.faults import Found, nearest
from pipelines.field_types import Kinds, field_help, field_names, kinds_in
from pipelines.models import Models, declared, is_whole, names_in
from pipelines.tree import Node, Unresolved, node_at, plain, unresolved
from stages.models import UNFIT_MODEL, UNKNOWN_MODEL

Model = TypeVar("Model", bound=BaseModel)

_EXPECTED = {
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "string": "text",
    "list": "a list",
    "tuple": "a list",
    "set": "a list",
    "frozen_set": "a list",
    "dict": "a mapping (`key: value`)",
    "mapping": "a mapping (`key: value`)",
    "model": "a mapping (`key: value`)",
    "path": "a path",
    "none": "nothing",
}


def validated(
    model: type[Model], node: Node, label: str, faults: list[Found], models: Models | None = None
) -> Model | None:
    """The model that a mapping (or nothing) describes, or None with faults.

    `label` names the section or stage in messages, `models` are those that fields may take by name. Relative content
    paths are resolved against the folder they were written in, which for a value from `set` or the command line is not
    the folder of its neighbours.
    """
    values = {} if node.value is None else plain(node)
    if not isinstance(values, dict):
        fields = ", ".join(model.model_fields)
        faults.append(Found(node.at, f"{label}: {_shown(values)} should be a mapping", f"fields: {fields}"))
        return None
    models = models or {}
    named = declared(models)
    context = {"base": str(node.at.folder), "models": named}
    try:
        result = model.model_validate(values, context=context)
        moved = written_elsewhere(result, node, models)
        if moved:
            for name, path, text in moved:
                _put(values if name is None else named[name].values, path, text)
            result = model.model_validate(values, context=context)
    except ValidationError as error:
        faults.extend(_translated(error, (model,), node, label, models))
        return None
    told = [node, *(models[name] for name in names_in(result, node, models))]
    return None if any(map(unresolved, told)) else result


def _put(values: Any, path: tuple[str | int, ...], text: str) -> None:
    for key in path[:-1]:
        values = values[key]
    values[path[-1]] = text


def _translated(error: ValidationError, kinds: Kinds, node: Node, label: str, models: Models) -> list[Found]:
    """One fault per place; the members of a union that all refused one value share theirs.

    A value whose variable is unknown has its fault already.
    """
    grouped: dict[tuple[str | int, ...], list[ErrorDetails]] = {}
    unfit: list[Found] = []
    for details in error.errors():
        loc = details["loc"]
        if details["type"] == UNFIT_MODEL:
            unfit += _unfit(details, models)
            continue
        walked = node_at(node, loc)[1]
        if details["type"] in ("missing", "extra_forbidden"):
            walked = (*walked, str(loc[-1])) if not walked or walked[-1] != loc[-1] else walked
        grouped.setdefault(walked, []).append(details)
    return unfit + [
        _fault(details, path, kinds, node, label)
        for path, details in grouped.items()
        if not isinstance(node_at(node, path)[0].value, Unresolved)
    ]


def _unfit(details: ErrorDetails, models: Models) -> list[Found]:
    """The faults of a declared model, at its own lines; one that is no mapping has its fault already."""
    told = details["ctx"]
    node = models[told["name"]]
    if not is_whole(node):
        return []
    return _translated(told["error"], kinds_in(told["kind"]), node, f"the model {told['name']!r}", {})


def _fault(details: list[ErrorDetails], path: tuple[str | int, ...], kinds: Kinds, node: Node, label: str) -> Found:
    at = node_at(node, path)[0].at
    field = ".".join(map(str, path))
    first = details[0]
    if first["type"] == "missing":
        said = field_help(kinds, path)
        return Found(at, f"{label} needs the field {field!r}", f"write `{field}: …`{said and f'; {said}'}")
    if first["type"] == "extra_forbidden":
        known = field_names(kinds, path[:-1])
        mend = nearest(str(path[-1]), known, "" if known else "remove it; there are no fields")
        return Found(at, f"{label} has no field {field!r}", mend)
    told = list(dict.fromkeys(_said(one) for one in details))
    same = f"{_shown(first['input'])} should be "
    told = [told[0], *(text.removeprefix(same) for text in told[1:])]
    where = f"{label}: {field}" if field else label
    return Found(at, f"{where}: {' or '.join(told)}", _mend(details, kinds, path))


def _said(details: ErrorDetails) -> str:
    """What is wrong with one value, without pydantic's vocabulary."""
    kind, shown = details["type"], _shown(details["input"])
    context = details.get("ctx", {})
    if kind == UNKNOWN_MODEL:
        return details["msg"]
    if kind == "value_error":
        return str(context.get("error", details["msg"]))
    if kind == "union_tag_invalid":
        return f"{context['discriminator']} {_shown(context['tag'])} should be {context['expected_tags']}"
    if kind in ("literal_error", "enum"):
        return f"{shown} should be {context['expected']}"
    family = kind.removesuffix("_type").removesuffix("_parsing").removesuffix("_from_float").removesuffix("_attributes")
    if family in _EXPECTED and kind != family:
        return f"{shown} should be {_EXPECTED[family]}"
    return f"{shown}: {details['msg'][:1].lower()}{details['msg'][1:]}"


def _mend(details: list[ErrorDetails], kinds: Kinds, path: tuple[str | int, ...]) -> str:
    first = details[0]
    if first["type"] == UNKNOWN_MODEL:
        known, otherwise = first["ctx"]["known"], "declare it under `models`, or write the model itself as a mapping"
        return nearest(str(first["input"]), known, f"declared: {', '.join(known)}" if known else otherwise)
    if first["type"] == "literal_error":
        known = str(first.get("ctx", {})["expected"]).replace("'", "").replace(" or ", ", ").split(", ")
        return nearest(str(first["input"]), known)
    if first["type"] == "string_type" and isinstance(first["input"], int | float | bool):
        return "put quotes round it"
    return field_help(kinds, path)


def _shown(value: Any) -> str:
    """A value as it is shown in a message: short, on one line."""
    try:
        text = json.dumps(value, ensure_ascii=False, default=str)
    except (TypeError, ValueError):
        text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
