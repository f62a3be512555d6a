"""From a step's form to a configured stage: loads the class, checks the fields, and says what identifies it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pyarrow as pa

from pipelines.content_files import check_content_files
from pipelines.faults import Found
from pipelines.models import Models, names_in
from pipelines.step_form import StepForm
from pipelines.validate import validated
from stages.hashing import canonical_json
from stages.load import Kind, UnknownStageError, kind_of, load_class, make_spec, spec_identity
from stages.move import Move
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
    consumes: bool = False
    """Whether the columns that it adds are all there are after it."""
    models: tuple[str, ...] = ()

    @property
    def use(self) -> str:
        """The stage's name, without the folder for one from a file."""
        return type(self.stage).use


@dataclass(frozen=True, slots=True)
class Setting:
    """What a stage may know of the plan: declared models, the run directory's own folder, and the pipeline's seed."""

    models: Models = field(default_factory=dict)
    house: Path = Path()
    seed: int = 0


def configure(form: StepForm, faults: list[Found], setting: Setting) -> Configured | None:
    """The stage of a step, or None with faults."""
    try:
        kind = load_class(form.use, form.at.folder)
    except UnknownStageError as error:
        faults.append(Found(form.at, str(error), error.mend))
        return None
    told = None if form.resources is None else validated(Resources, form.resources, "resources", faults)
    try:
        stage = validated(kind, form.fields, form.use, faults, setting.models)
        if stage is None or not check_content_files(stage, form.fields, form.use, faults, setting.models):
            return None
        stage = stage.placed(setting.house, setting.seed)
        found = _asked(form, stage, told, names_in(stage, form.fields, setting.models))
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
        isinstance(stage, Move) and type(stage).consumes,
        models,
    )


def configure_links(form: StepForm, faults: list[Found], setting: Setting) -> list[Configured | None]:
    """The stage of a step in a stream, with what it brings along before and behind; None for a faulty one."""
    found = configure(form, faults, setting)
    if found is not None and found.kind == "read":
        faults.append(Found(form.at, f"{form.use} reads, which only a source may", "move it to `read:` or `sources:`"))
        return [None]
    if found is not None and found.kind == "move" and form.where is not None:
        faults.append(Found(form.where.at, f"{form.use} moves all documents and takes no `where`", "remove it"))
        return [None]
    if found is None:
        return [None]
    try:
        before = [_brought(form, stage, setting) for stage in found.stage.preceded_by()]
        behind = [_brought(form, stage, setting) for stage in found.stage.followed_by()]
    except Exception as error:  # a stage's own code may raise anything; the user needs the line it stands on
        what = f"{form.use} cannot be planned: {type(error).__name__}: {error}"
        faults.append(Found(form.at, what, "mend the fields, or the stage"))
        return [None]
    return [*before, found, *behind]


def _brought(form: StepForm, stage: Stage, setting: Setting) -> Configured:
    """A stage that another one brings along: it stands at that one's line, under its `where`."""
    use = type(stage).use or type(stage).__module__
    load_class(use)  # which names the class, so that it travels and is found again like any stage of the YAML
    told = replace(form, use=use, name=None, checkpoint=False, resources=None)
    return _asked(told, stage.placed(setting.house, setting.seed), None, ())
