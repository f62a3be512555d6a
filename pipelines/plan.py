"""What a pipeline compiles to: steps between exchanges, each with its schema and its fingerprint.

A step is the unit of work and of resume: one worker reads a part, runs all its links, writes its files and hands back a
receipt. Sources and steps are named by number; nothing here knows an engine.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Final, Literal

import pyarrow as pa
from pydantic import BaseModel, ConfigDict, Field

from stages.fields import Runtime, Size
from stages.read import InputFile, Read, Split
from stages.spec import StageSpec
from stages.stage import Resources

HOUSE: Final = "_textmill"
"""The folder of a run directory that is textmill's own."""


class RunOptions(BaseModel):
    """The `run:` section: how a run goes, never what it gives (but for `max_document_bytes`)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    engine: Annotated[Literal["local", "ray", "spark"], Runtime()] = "local"
    """Where the steps run: in processes of this machine, or as tasks of Ray or Spark (`docs/engines.md`)."""
    workers: Annotated[int | None, Field(ge=1), Runtime()] = None
    """Worker processes; as many as there are cores when left out."""
    memory: Annotated[Size | None, Runtime()] = None
    """Budget for all processes together; 60 % of what the machine or its cgroup has when left out."""
    batch_rows: Annotated[int, Field(ge=1), Runtime()] = 4096
    """Documents in a batch at most."""
    batch_bytes: Annotated[Size, Runtime()] = 8 * 2**20
    """Bytes of text in a batch at most, but for one larger document, which is a batch of its own."""
    max_document_bytes: Size = 64 * 2**20
    """Documents with more bytes of text are dropped by the rule `too_large`."""
    max_error_rate: Annotated[float, Field(ge=0, le=1), Runtime()] = 0.001
    """Share of a step's rows that may fail by a stage's exception (at least 10 may) before the step fails."""
    keep: Annotated[Literal["none", "last", "all"], Runtime()] = "all"
    """Which steps' files stay after a finished run: all of them, the last one's, or none."""
    home: Annotated[str | None, Runtime()] = None
    """Where `_textmill` stands; the common parent of all outputs when left out."""


@dataclass(frozen=True, slots=True)
class Link:
    """One stage in its place: `name` is unique in the plan and what ledger and flows call it."""

    name: str
    spec: StageSpec
    kind: Literal["filter", "map", "find", "move"]
    where: str | None
    identity: Mapping[str, Any]
    at: str
    """`pipeline.yaml:12`, for messages."""
    resources: Resources = field(default_factory=Resources)
    """What one worker takes: the stage's own wish, with the step key `resources` over it. In no fingerprint."""


@dataclass(frozen=True, slots=True)
class Source:
    """One read with its files as they were at plan time. `schema` is what its documents look like."""

    name: str
    read: Read
    files: tuple[InputFile, ...]
    splits: tuple[Split, ...]
    schema: pa.Schema
    fingerprint: str


@dataclass(frozen=True, slots=True)
class Step:
    """Links fused between two exchanges.

    `sources` or `inputs` (numbers of earlier steps, their documents one after the other) say what it reads. `schema` is
    that of the documents after it. Inputs may lack columns of `schema_in`, which are null then, and may have them in
    another order; types never differ. `feeds` names the source or stream behind each input. A `find` step has one link
    and adds findings to the documents of its inputs; a `move` step has one link and writes documents anew where they
    belong together; a `write` step makes the shards of `output`.
    """

    number: int
    name: str
    kind: Literal["map", "find", "move", "write"]
    source: str | None
    inputs: tuple[int, ...]
    feeds: tuple[str, ...]
    links: tuple[Link, ...]
    schema_in: pa.Schema
    schema: pa.Schema
    fingerprint: str
    output: Output | None = None

    @property
    def resources(self) -> Resources:
        """What one worker of the step takes: the most cores and GPUs of a link, and the memory of all."""
        asked = [link.resources for link in self.links]
        return Resources(
            cpus=max((one.cpus for one in asked), default=1.0),
            gpus=max((one.gpus for one in asked), default=0.0),
            memory=sum(one.memory for one in asked),
        )

    @property
    def folder(self) -> str:
        """The step's folder name below `steps/` and `ledger/`."""
        return f"{self.number:02d}-{self.name}-{self.fingerprint[:8]}"


@dataclass(frozen=True, slots=True)
class Output:
    """One `write`: where to, how large a shard is, which share is held out, and the columns it has."""

    name: str
    to: str
    shard_size: int
    holdout: float
    columns: tuple[str, ...] = ()
    types: Mapping[str, pa.DataType] = field(default_factory=dict)
    """Columns that the shards have in another type than documents at rest."""
    folders: str | None = None
    """The int32 column by whose value shards lie in folders of their own."""


@dataclass(frozen=True, slots=True)
class Plan:
    """All of a run, decided by YAML and data alone."""

    name: str
    seed: int
    file: str
    text: str
    home: str
    run: RunOptions
    sources: Mapping[str, Source]
    steps: tuple[Step, ...]
    limit: int | None = None
    notes: tuple[str, ...] = field(default=())

    @property
    def fingerprint(self) -> str:
        """The fingerprint of the last step of each output, together: what a finished run is known by."""
        from stages.hashing import digest_of

        return digest_of([step.fingerprint for step in self.steps if step.kind == "write"])
