"""Reads pipeline YAML, checks it, compiles it to a plan; the shipped recipes live here (floor 3)."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pipelines.change import recipe_names
    from pipelines.compile import compile_pipeline, validate_pipeline
    from pipelines.description import describe
    from pipelines.schema import json_schema

__all__ = ["compile_pipeline", "describe", "json_schema", "recipe_names", "validate_pipeline"]

_HOMES = {
    "compile_pipeline": "compile",
    "describe": "description",
    "json_schema": "schema",
    "recipe_names": "change",
    "validate_pipeline": "compile",
}


def __getattr__(name: str) -> Any:
    """Import on first use: workers need `pipelines.plan` alone, not the YAML reader."""
    if name not in _HOMES:
        raise AttributeError(f"module 'pipelines' has no attribute {name!r}")
    return getattr(import_module(f"pipelines.{_HOMES[name]}"), name)
