"""Which fields stand where in a model, through unions and mappings, so that a wrong name meets the right ones."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, get_args

from pydantic import BaseModel

from stages.meanings import field_meanings

Kinds = Sequence[type[BaseModel]]
"""The models that a mapping may be."""


def kinds_in(annotation: Any) -> list[type[BaseModel]]:
    """All models in the type of a field, each once, in its order."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return list(dict.fromkeys(kind for part in get_args(annotation) for kind in kinds_in(part)))


def field_names(kinds: Kinds, path: Sequence[str | int]) -> list[str]:
    """The names of the fields that the mapping at a path may have; none when there is no model.

    A key that is no field is passed over, as the index of a list is; a stage may also spread a mapping over its own
    fields, so its key leads into the models of all fields.
    """
    for key in path:
        if isinstance(key, int):
            continue
        infos = [kind.model_fields[key] for kind in kinds if key in kind.model_fields]
        infos = infos or [info for kind in kinds for info in kind.model_fields.values()]
        kinds = [inner for info in infos for inner in kinds_in(info.annotation)]
    return list(dict.fromkeys(name for kind in kinds for name in kind.model_fields))


def field_help(kinds: Kinds, path: Sequence[str | int]) -> str:
    """What the docstring of the field at the start of a path says, which `textmill stages NAME` shows too."""
    texts = [field_meanings(kind).get(str(path[0]), "") for kind in kinds if path]
    said = next((text for text in texts if text), None)
    return f"{path[0]} is: {said.splitlines()[0]}" if said else ""
