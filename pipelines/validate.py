"""Checks YAML against a pydantic model and says what is wrong in the user's words, at the user's line."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from pipelines.faults import Found, nearest
from pipelines.tree import Node, Unresolved, node_at, plain, unresolved
from stages.fields import ContentFile

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


def validated(model: type[Model], node: Node, label: str, faults: list[Found]) -> Model | None:
    """The model that a mapping (or nothing) describes, or None with faults.

    `label` names the section or stage in messages. Relative content paths are resolved against the folder they were
    written in, which for a value from `set` or the command line is not the folder of its neighbours.
    """
    values = {} if node.value is None else plain(node)
    if not isinstance(values, dict):
        fields = ", ".join(model.model_fields)
        faults.append(Found(node.at, f"{label}: {_shown(values)} should be a mapping", f"fields: {fields}"))
        return None
    try:
        result = model.model_validate(values, context={"base": str(node.at.folder)})
        moved = _elsewhere(result, node)
        if moved:
            for path, text in moved:
                _put(values, path, text)
            result = model.model_validate(values, context={"base": str(node.at.folder)})
    except ValidationError as error:
        faults.extend(translate(error, model, node, label))
        return None
    return None if unresolved(node) else result


def translate(error: ValidationError, model: type[BaseModel], node: Node, label: str) -> list[Found]:
    """One fault per place; the members of a union that all refused one value share theirs.

    A value whose variable is unknown has its fault already.
    """
    grouped: dict[tuple[str | int, ...], list[ErrorDetails]] = {}
    for details in error.errors():
        loc = details["loc"]
        walked = node_at(node, loc)[1]
        if details["type"] in ("missing", "extra_forbidden"):
            walked = (*walked, str(loc[-1])) if not walked or walked[-1] != loc[-1] else walked
        grouped.setdefault(walked, []).append(details)
    return [
        _fault(details, path, model, node, label)
        for path, details in grouped.items()
        if not isinstance(node_at(node, path)[0].value, Unresolved)
    ]


def content_files(value: Any, path: tuple[str | int, ...] = ()) -> list[tuple[tuple[str | int, ...], Path]]:
    """All list, model and template files in the fields of a stage, with the path of field names that leads there."""
    if isinstance(value, ContentFile):
        return [(path, value)]
    inner: Iterable[tuple[str | int, Any]] = ()
    if isinstance(value, BaseModel):
        inner = [(name, getattr(value, name)) for name in type(value).model_fields]
    elif isinstance(value, Mapping):
        inner = [(str(key), item) for key, item in value.items()]
    elif isinstance(value, list | tuple):
        inner = enumerate(value)
    return [found for key, item in inner for found in content_files(item, (*path, key))]


def check_content_files(model: BaseModel, node: Node, label: str, faults: list[Found]) -> bool:
    """Whether all files a stage names are there, readable and not empty."""
    before = len(faults)
    for path, file in content_files(model):
        at = node_at(node, path)[0].at
        field = f"{label}: {'.'.join(map(str, path))}"
        reason = _unusable(file)
        if reason:
            mend = (
                "a relative path starts at the folder of the YAML file" if reason == "is missing" else "mend the file"
            )
            faults.append(Found(at, f"{field}: the file {file} {reason}", mend))
    return len(faults) == before


def _unusable(file: Path) -> str:
    try:
        if file.is_dir():
            return "is a folder"
        with file.open("rb") as opened:
            return "" if opened.read(1) else "is empty"
    except FileNotFoundError:
        return "is missing"
    except OSError as error:
        return f"cannot be read: {error.strerror or error}"


def _elsewhere(model: BaseModel, node: Node) -> list[tuple[tuple[str | int, ...], str]]:
    """Content paths that were written in another folder than the mapping they stand in, made absolute."""
    found = []
    for path, _ in content_files(model):
        told, walked = node_at(node, path)
        if walked == path and isinstance(told.value, str) and told.at.folder != node.at.folder:
            found.append((path, str(told.at.folder / told.value)))
    return found


def _put(values: Any, path: tuple[str | int, ...], text: str) -> None:
    for key in path[:-1]:
        values = values[key]
    values[path[-1]] = text


def _fault(
    details: list[ErrorDetails], path: tuple[str | int, ...], model: type[BaseModel], node: Node, label: str
) -> Found:
    at = node_at(node, path)[0].at
    field = ".".join(map(str, path))
    first = details[0]
    if first["type"] == "missing":
        return Found(at, f"{label} needs the field {field!r}", f"write `{field}: …`{_help(model, path)}")
    if first["type"] == "extra_forbidden":
        known = _fields_at(model, path[:-1])
        mend = nearest(str(path[-1]), known, "" if known else "remove it; there are no fields")
        return Found(at, f"{label} has no field {field!r}", mend)
    said = list(dict.fromkeys(_said(one) for one in details))
    same = f"{_shown(first['input'])} should be "
    said = [said[0], *(text.removeprefix(same) for text in said[1:])]
    where = f"{label}: {field}" if field else label
    return Found(at, f"{where}: {' or '.join(said)}", _mend(details, model, path))


def _said(details: ErrorDetails) -> str:
    """What is wrong with one value, without pydantic's vocabulary."""
    kind, shown = details["type"], _shown(details["input"])
    context = details.get("ctx", {})
    if kind == "value_error":
        return str(context.get("error", details["msg"]))
    if kind in ("literal_error", "enum"):
        return f"{shown} should be {context['expected']}"
    family = kind.removesuffix("_type").removesuffix("_parsing").removesuffix("_from_float").removesuffix("_attributes")
    if family in _EXPECTED and kind != family:
        return f"{shown} should be {_EXPECTED[family]}"
    return f"{shown}: {details['msg'][:1].lower()}{details['msg'][1:]}"


def _mend(details: list[ErrorDetails], model: type[BaseModel], path: tuple[str | int, ...]) -> str:
    first = details[0]
    help_text = _help(model, path).removeprefix("; ")
    if first["type"] == "literal_error":
        known = str(first.get("ctx", {})["expected"]).replace("'", "").replace(" or ", ", ").split(", ")
        return nearest(str(first["input"]), known)
    if first["type"] == "string_type" and isinstance(first["input"], int | float | bool):
        return "put quotes round it"
    return help_text


def _help(model: type[BaseModel], path: tuple[str | int, ...]) -> str:
    """What the field's docstring says, which `textmill stages NAME` shows too."""
    info = model.model_fields.get(str(path[0])) if path else None
    return f"; {path[0]} is: {info.description.splitlines()[0]}" if info and info.description else ""


def _fields_at(model: type[BaseModel], path: tuple[str | int, ...]) -> list[str]:
    """The field names of the model, or of the model nested at a path."""
    for key in path:
        info = model.model_fields.get(str(key))
        inner = info.annotation if info else None
        if not isinstance(inner, type) or not issubclass(inner, BaseModel):
            return []
        model = inner
    return list(model.model_fields)


def _shown(value: Any) -> str:
    """A value as it is shown in a message: short, on one line."""
    try:
        text = json.dumps(value, ensure_ascii=False, default=str)
    except (TypeError, ValueError):
        text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
