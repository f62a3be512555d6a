"""Finds a pipeline file: a path as given, or the name of a recipe that is shipped in `pipelines/`."""

from __future__ import annotations

from difflib import get_close_matches
from pathlib import Path

import pipelines
from stages.errors import Fault, PipelineError


def shipped_recipes() -> dict[str, Path]:
    """The shipped recipes by name."""
    folder = Path(pipelines.__path__[0])
    return {path.stem: path for path in sorted(folder.glob("*.yaml"))}


def find_pipeline(name: str) -> Path:
    """The file for what the user named. Raises PipelineError with what exists."""
    path = Path(name)
    if path.is_file():
        return path
    recipes = shipped_recipes()
    if name in recipes:
        return recipes[name]
    if path.is_dir():
        raise PipelineError(
            Fault(name, "this is a folder, not a pipeline", "name the YAML file, such as pipeline.yaml")
        )
    near = get_close_matches(name, recipes, n=1)
    hint = f"did you mean the recipe {near[0]!r}? " if near else ""
    raise PipelineError(
        Fault(
            name, "there is no such file", f"{hint}shipped recipes: {', '.join(recipes)}; or: textmill init YOUR_DATA"
        )
    )
