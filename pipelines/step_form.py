"""The form of one step: a stage key (it has a dot or starts with `./`) with its fields, and step keys without a dot."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from pipelines.faults import Found, Place, nearest
from pipelines.tree import Node
from stages.load import near_stage

STEP_KEYS: Final = ("name", "where", "checkpoint", "resources")
WORD: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]*")
"""What a name of a step, source, stream or output looks like."""


@dataclass(frozen=True, slots=True)
class StepForm:
    """One stage as the YAML has it, with its step keys. `fields` is the mapping below the stage key, or nothing."""

    at: Place
    use: str
    fields: Node
    name: str | None = None
    where: Node | None = None
    checkpoint: bool = False
    resources: Node | None = None


def read_step(node: Node, faults: list[Found]) -> StepForm | None:
    """One step: a stage's name, or a mapping with one stage key and step keys."""
    if isinstance(node.value, str):
        if is_stage_key(node.value):
            return StepForm(node.at, node.value, Node(None, node.at))
        faults.append(Found(node.at, f"{node.value!r} is no stage: a stage's name has a dot", near_stage(node.value)))
        return None
    if not isinstance(node.value, Mapping):
        faults.append(Found(node.at, "a step should be a stage", "write `- stages.extract` or `- filters.length: {…}`"))
        return None
    stages = [key for key in node.value if is_stage_key(key)]
    good = len(stages) == 1
    if len(stages) > 1:
        mend = f"begin a new step before each: `- {stages[1]}`"
        faults.append(Found(node.value[stages[1]].at, f"one step has {len(stages)} stages: {', '.join(stages)}", mend))
    elif not stages:
        named = [key for key in node.value if key not in STEP_KEYS]
        mend = near_stage(named[0]) if named else "write `- filters.length: {…}`"
        faults.append(Found(node.at, f"this step has no stage, only {', '.join(node.value) or 'nothing'}", mend))
    for key, item in node.value.items():
        if stages and not is_stage_key(key) and key not in STEP_KEYS:
            faults.append(Found(item.at, f"{key!r} is neither a stage nor a step key", _near_key(key, stages[0])))
    return _step_keys(node.value, stages[0], faults) if good else None


def step_key(entries: Mapping[str, Node]) -> str | None:
    """The stage key among a step's keys: the one with a dot or a slash."""
    return next((key for key in entries if is_stage_key(key)), None)


def is_stage_key(key: str) -> bool:
    """Whether a key of a step names a stage: it has a dot or starts with `./`, which step keys never do."""
    return "." in key or "/" in key


def _step_keys(entries: Mapping[str, Node], use: str, faults: list[Found]) -> StepForm:
    checkpoint = entries.get("checkpoint")
    if checkpoint and not isinstance(checkpoint.value, bool):
        faults.append(Found(checkpoint.at, "checkpoint should be true or false", "write `checkpoint: true`"))
    name, where = entries.get("name"), entries.get("where")
    if name and (not isinstance(name.value, str) or not WORD.fullmatch(name.value)):
        faults.append(Found(name.at, "name should be a word of letters, digits, _ and -", "write `name: second_pass`"))
        name = None
    if where and (not isinstance(where.value, str) or not where.value.strip()):
        faults.append(Found(where.at, "where should be an expression", "write `where: \"language == 'eng_Latn'\"`"))
        where = None
    return StepForm(
        entries[use].at,
        use,
        entries[use],
        str(name.value) if name else None,
        where,
        checkpoint is not None and checkpoint.value is True,
        entries.get("resources"),
    )


def _near_key(key: str, use: str) -> str:
    return nearest(key, STEP_KEYS, f"fields of {use} stand below it, indented; step keys: {', '.join(STEP_KEYS)}")
