"""Looks at the inputs of a pipeline: which files there are now, and which columns their documents have."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import pyarrow as pa

from pipelines.faults import Found, Place
from pipelines.links import Setting, configure
from pipelines.plan import Source
from pipelines.step_form import StepForm
from pipelines.tree import node_at
from stages.errors import PipelineError, StoreError
from stages.hashing import digest_of
from stages.read import InputFile, Read, Split, limit_splits, list_inputs, missing_columns, plan_splits, source_schema
from stages.stage import identity

FORMAT = 1
"""Raised when the layout of a run directory changes, so that no run resumes from another layout."""

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Input:
    """A source whose files have been listed."""

    name: str
    at: Place
    read: Read
    files: tuple[InputFile, ...]
    schema: pa.Schema


def look(name: str, form: StepForm, working_directory: Path, faults: list[Found]) -> Input | None:
    """List a source's files and find its schema, or None with faults at the line of its paths."""
    found = configure(form, faults, Setting())
    if found is None:
        return None
    if not isinstance(found.stage, Read):
        mend = 'write `stages.read: {paths: "data/*.jsonl"}`'
        faults.append(Found(form.at, f"{form.use} is a {found.kind} and does not read", mend))
        return None
    read = _from_here(found.stage, working_directory)
    at = node_at(form.fields, ("paths",))[0].at
    files = _asked(lambda: list_inputs(read), at, faults)
    if files is None:
        return None
    schema = _asked(lambda: source_schema(read, files), at, faults)
    return None if schema is None else Input(name, at, read, tuple(files), schema)


def notes_on(found: Input) -> list[str]:
    """What the user should know of a source though nothing is wrong with it."""
    missing = missing_columns(found.read, found.files)
    if not missing:
        return []
    first = next(iter(missing.values()))
    names = ", ".join(name for name, path in missing.items() if path == first)
    return [f"source {found.name}: not all its files have {names} (not {first}); their documents have null there"]


def as_source(found: Input, limit: int | None, faults: list[Found]) -> Source | None:
    """The source of the plan, with its splits and its fingerprint.

    The fingerprint goes over what the files are, not where: locators, sizes, marks of their contents, and all fields of
    the read that decide its documents.
    """
    splits = _asked(lambda: _splits(found, limit), found.at, faults)
    if splits is None:
        return None
    fingerprint = digest_of(
        {
            "format": FORMAT,
            "source": found.name,
            "read": identity(found.read),
            "files": [(file.locator, file.size, file.mark) for file in found.files],
            "limit": limit,
        }
    )
    return Source(found.name, found.read, found.files, splits, found.schema, fingerprint)


def _splits(found: Input, limit: int | None) -> tuple[Split, ...]:
    splits = plan_splits(found.read, found.files)
    return splits if limit is None else limit_splits(found.read, found.name, found.schema, splits, limit)


def _from_here(read: Read, folder: Path) -> Read:
    """The read with its local paths made absolute; where they stand is in no fingerprint."""
    here = read.paths if isinstance(read.paths, tuple) else (read.paths,)
    moved = tuple(absolute(path, folder) for path in here)
    root = None if read.root is None else absolute(read.root, folder)
    return read.model_copy(update={"paths": moved, "root": root})


def absolute(path: str, folder: Path) -> str:
    """A path from the working directory; URLs as they are."""
    return path if "://" in path else os.path.normpath(folder / os.path.expanduser(path))


def _asked(question: Callable[[], Result], at: Place, faults: list[Found]) -> Result | None:
    """The answer, or None with what the reader says against it, at the line of the YAML."""
    told: Sequence[tuple[str, str]]
    try:
        return question()
    except PipelineError as error:
        told = [(f"{fault.where}: {fault.what}" if fault.where else fault.what, fault.mend) for fault in error.faults]
    except (StoreError, OSError) as error:
        told = [(str(error), "")]
    faults.extend(Found(at, what, mend) for what, mend in told)
    return None
