"""The list, model and template files that fields name: where they stand, and whether they can be used."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from pipelines.faults import Found
from pipelines.models import Models, spot_of
from pipelines.tree import Node
from stages.fields import ContentFile


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


def check_content_files(model: BaseModel, node: Node, label: str, faults: list[Found], models: Models) -> bool:
    """Whether all files a stage names are there, readable and not empty."""
    before = len(faults)
    for path, file in content_files(model):
        spot = spot_of(node, path, models)
        who = label if spot.model is None else f"the model {spot.model!r}"
        field = f"{who}: {'.'.join(map(str, spot.path or path))}"
        reason = _unusable(file)
        if reason:
            mend = (
                "a relative path starts at the folder of the YAML file" if reason == "is missing" else "mend the file"
            )
            faults.append(Found(spot.node.at, f"{field}: the file {file} {reason}", mend))
    return len(faults) == before


def written_elsewhere(
    model: BaseModel, node: Node, models: Models
) -> list[tuple[str | None, tuple[str | int, ...], str]]:
    """Content paths that were written in another folder than the mapping they stand in, made absolute.

    Each with the path there, in the declaration of a model or (None) in the fields.
    """
    found = []
    for path, _ in content_files(model):
        spot = spot_of(node, path, models)
        told, home = spot.node, node if spot.model is None else models[spot.model]
        if spot.path[-1:] == path[-1:] and isinstance(told.value, str) and told.at.folder != home.at.folder:
            found.append((spot.model, spot.path, str(told.at.folder / told.value)))
    return found


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
