"""From a step's form to a configured stage: loads the class, checks the fields, and says what identifies it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from pipelines.faults import Found
from pipelines.step_form import StepForm
from pipelines.tree import Node
from pipelines.validate import check_content_files, validated
from stages.hashing import canonical_json
from stages.load import Kind, UnknownStageError, kind_of, load_class, make_spec, spec_identity
from stages.spec import StageSpec
from stages.stage import Resources, Stage


@dataclass(frozen=True, slots=True)
class Configured:
    """A stage with its fields, ready to be put into a plan."""

    form: StepForm
    stage: Stage
    kind: Kind
    spec: StageSpec
    identity: Mapping[str, Any]
    resources: Resources

    @property
    def use(self) -> str:
        """The stage's name, without the folder for one from a file."""
        return type(self.stage).use


def configure(form: StepForm, faults: list[Found]) -> Configured | None:
    """The stage of a step, or None with faults."""
    before = len(faults)
    try:
        kind = load_class(form.use, form.at.folder)
    except UnknownStageError as error:
        faults.append(Found(form.at, str(error), error.mend))
        return None
    stage = validated(kind, form.fields, form.use, faults)
    resources = _resources(form.resources, stage, faults)
    if stage is None or resources is None or not check_content_files(stage, form.fields, form.use, faults):
        return None
    if len(faults) > before:
        return None
    try:
        spec = make_spec(stage)
        told = spec_identity(stage, spec)
        canonical_json([spec.fields, told])
        return Configured(form, stage, kind_of(kind), spec, told, resources)
    except (OSError, TypeError) as error:
        what = f"{form.use}: its fields cannot be written down: {error}"
        faults.append(Found(form.at, what, "fields hold numbers, texts, lists and mappings"))
        return None


def configure_link(form: StepForm, faults: list[Found]) -> Configured | None:
    """The stage of a step in a stream: a filter, a map or a find."""
    found = configure(form, faults)
    if found is not None and found.kind == "read":
        faults.append(Found(form.at, f"{form.use} reads, which only a source may", "move it to `read:` or `sources:`"))
        return None
    return found


def _resources(node: Node | None, stage: Stage | None, faults: list[Found]) -> Resources | None:
    """What the step key `resources` says over what the stage itself asks for."""
    if node is None:
        return stage.resources() if stage else Resources()
    told = validated(Resources, node, "resources", faults)
    if told is None or stage is None:
        return told
    try:
        own = stage.resources()
    except ValidationError as error:
        faults.append(Found(node.at, f"{type(stage).__name__}.resources fails: {error}", "mend the stage"))
        return None
    return own.model_copy(update={name: getattr(told, name) for name in told.model_fields_set})
