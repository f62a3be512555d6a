"""From a step's form to a configured stage: loads the class, checks the fields, and says what identifies it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from pipelines.content_files import check_content_files
from pipelines.faults import Found
from pipelines.models import Models, names_in
from pipelines.step_form import StepForm
from pipelines.validate import validated
from stages.hashing import canonical_json
from stages.load import Kind, UnknownStageError, kind_of, load_class, make_spec, spec_identity
from stages.spec import StageSpec
from stages.stage import Resources, Stage


@dataclass(frozen=True, slots=True)
class Configured:
    """A stage with its fields, ready to be put into a plan, and what it says of columns.

    `models`: the declared models that it takes by name.
    """

    form: StepForm
    stage: Stage
    kind: Kind
    spec: StageSpec
    identity: Mapping[str, Any]
    resources: Resources
    needs: tuple[str, ...]
    adds: Mapping[str, pa.DataType]
    removes: tuple[str, ...]
    models: tuple[str, ...] = ()

    @property
    def use(self) -> str:
        """The stage's name, without the folder for one from a file."""
        return type(self.stage).use


def configure(form: StepForm, faults: list[Found], models: Models) -> Configured | None:
    """The stage of a step, or None with faults. `models`: those that its fields may name."""
    try:
        kind = load_class(form.use, form.at.folder)
    except UnknownStageError as error:
        faults.append(Found(form.at, str(error), error.mend))
        return None
    told = None if form.resources is None else validated(Resources, form.resources, "resources", faults)
    try:
        stage = validated(kind, form.fields, form.use, faults, models)
        if stage is None or not check_content_files(stage, form.fields, form.use, faults, models):
            return None
        found = _asked(form, stage, told, names_in(stage, form.fields, models))
    except Exception as error:  # a stage's own code may raise anything; the user needs the line it stands on
        what = f"{form.use} refuses its fields: {type(error).__name__}: {error}"
        faults.append(Found(form.at, what, "mend the fields, or the stage"))
        return None
    return found if told is not None or form.resources is None else None


def _asked(form: StepForm, stage: Stage, told: Resources | None, models: tuple[str, ...]) -> Configured:
    """All that the plan asks of a stage, with the step key `resources` over what it says itself.

    Raises TypeError for fields that no fingerprint can hold, and whatever the stage raises.
    """
    spec = make_spec(stage)
    known = spec_identity(stage, spec)
    canonical_json([spec.fields, known])
    over = {name: getattr(told, name) for name in told.model_fields_set} if told else {}
    return Configured(
        form,
        stage,
        kind_of(type(stage)),
        spec,
        known,
        stage.resources().model_copy(update=over),
        tuple(stage.needs()),
        dict(stage.adds()),
        tuple(stage.removes()),
        models,
    )


def configure_link(form: StepForm, faults: list[Found], models: Models) -> Configured | None:
    """The stage of a step in a stream: a filter, a map or a find."""
    found = configure(form, faults, models)
    if found is not None and found.kind == "read":
        faults.append(Found(form.at, f"{form.use} reads, which only a source may", "move it to `read:` or `sources:`"))
        return None
    return found
