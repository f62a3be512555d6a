"""The models that a pipeline declares: read from its YAML, and found again by the fields that name them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from pipelines.faults import Found
from pipelines.tree import Node, node_at, plain
from stages.models import Declared

Models = Mapping[str, Node]
"""Declared models by name; one that is no mapping has its fault already."""


@dataclass(frozen=True, slots=True)
class Spot:
    """Where a value of a field was written: its node, the path there, and the model whose declaration that is in.

    `path` starts at the fields, or at the declaration when there is a model.
    """

    node: Node
    path: tuple[str | int, ...]
    model: str | None = None


def read_models(node: Node | None, faults: list[Found]) -> Models:
    """The declared models. What they may say is for the fields to judge that take them."""
    if node is None or node.value is None:
        return {}
    if not isinstance(node.value, Mapping):
        faults.append(Found(node.at, "models should be a mapping of names", "write `models: {quality: {fasttext: …}}`"))
        return {}
    for name, model in node.value.items():
        if not is_whole(model):
            mend = f"write `{name}: {{fasttext: models/{name}.bin}}`"
            faults.append(Found(model.at, f"the model {name!r} should say what it is", mend))
    return node.value


def is_whole(model: Node) -> bool:
    """Whether a declaration says anything."""
    return isinstance(model.value, Mapping) and bool(model.value)


def declared(models: Models) -> dict[str, Declared]:
    """The models as fields look them up."""
    return {
        name: Declared(plain(model) if is_whole(model) else {}, str(model.at.folder)) for name, model in models.items()
    }


def spot_of(node: Node, path: Sequence[str | int], models: Models) -> Spot:
    """Where the value at a path of fields was written, through the name of a model into its declaration."""
    walked: tuple[str | int, ...] = ()
    model = None
    for key in path:
        if model is None and isinstance(node.value, str) and node.value in models:
            model, node, walked = node.value, models[node.value], ()
        node, step = node_at(node, (key,))
        walked = (*walked, *step)
    return Spot(node, walked, model)


def names_in(value: Any, node: Node, models: Models) -> tuple[str, ...]:
    """The names by which the fields of a stage take declared models, each once."""
    told = (node_at(node, path)[0].value for path in _models_in(value, ()))
    return tuple(dict.fromkeys(name for name in told if isinstance(name, str) and name in models))


def unused_note(models: Models, taken: Sequence[str]) -> list[str]:
    """What to tell of models that no stage takes."""
    unused = [name for name in models if name not in taken]
    return [f"models: no stage takes {', '.join(unused)}"] if unused else []


def _models_in(value: Any, path: tuple[str | int, ...]) -> list[tuple[str | int, ...]]:
    """The paths of all models within a model's fields."""
    inner: Mapping[str | int, Any] = {}
    if isinstance(value, BaseModel):
        inner = {name: getattr(value, name) for name in type(value).model_fields}
    elif isinstance(value, Mapping):
        inner = value
    elif isinstance(value, list | tuple):
        inner = dict(enumerate(value))
    own = [path] if path and isinstance(value, BaseModel) else []
    return own + [found for key, item in inner.items() for found in _models_in(item, (*path, key))]
