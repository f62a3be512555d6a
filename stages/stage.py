"""The contract of a stage: four kinds, each one or two small methods.

    Filter   judge(batch, tools) -> Verdicts             keep or drop, row by row
    Map      map(batch, tools)   -> RecordBatch | Mapped  change, add, fan out
    Find     find(documents, tools) -> Frame             for what needs documents to meet (see `stages/find.py`)

A stage is a frozen pydantic model: its fields ARE the YAML, its docstring IS the help. It names no engine, opens no
path it was not given, and any cut of the same documents into batches gives the same rows (`stages/laws.py` checks it).
Whatever is dear to load (models, lists, native libraries) is loaded in `open`, once per worker process.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

import numpy as np
import pyarrow as pa
import xxhash
from pydantic import BaseModel, ConfigDict, Field

from stages.fields import ContentFile, Runtime, Size
from stages.hashing import digest_of
from stages.verdicts import Mapped, Rule, Verdicts, first_failure

if TYPE_CHECKING:
    from stages.counting import Wanted
    from stages.find import Documents, Frame


class Resources(BaseModel):
    """What one worker of a stage takes: cores, GPUs (shares allowed), bytes of memory beside the batches."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    cpus: Annotated[float, Field(gt=0)] = 1.0
    gpus: Annotated[float, Field(ge=0)] = 0.0
    memory: Annotated[Size, Field(ge=0)] = 0


class Stage(BaseModel):
    """What every stage has. Subclass `Filter`, `Map`, `Find` or `Move`, never this."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    version: ClassVar[int] = 1
    """Raised whenever the output changes for the same input; part of the fingerprint."""
    use: ClassVar[str] = ""
    """The YAML name; filled in by the loader, equal to the module's import path for built-in stages."""
    ends_step: ClassVar[bool] = False
    """Whether a step ends after it, so that its dear output stands while the stages behind it are edited."""

    def needs(self) -> tuple[str, ...]:
        """Names of the columns read."""
        return ("text",)

    def uses(self) -> tuple[str, ...]:
        """Names of columns read where they are there, and done without where they are not."""
        return ()

    def adds(self) -> Mapping[str, pa.DataType]:
        """Columns appended, or replaced by a column of the same name, with their types."""
        return {}

    def removes(self) -> tuple[str, ...]:
        """Columns that do not go on; missing ones are no fault."""
        return ()

    def check(self, schema: pa.Schema) -> list[str]:
        """What is wrong with the stage for documents of this schema, which has all it needs; told at plan time."""
        return []

    def open(self) -> Any:
        """Load models and lists, once per worker process; what it returns is `tools` of every call."""
        return None

    def notes(self, batch: pa.RecordBatch, tools: Any) -> Mapping[str, int]:
        """How many documents of a batch were judged in a way that their verdicts do not tell; empty when none was.

        Added up over the run into the manifest, such as the documents of a language that has no limits of its own.
        """
        return {}

    def resources(self) -> Resources:
        """What one worker of this stage takes."""
        return Resources()

    def placed(self, house: Path, seed: int) -> Stage:
        """The stage with what only the plan knows: the run directory's own folder, and the pipeline's seed.

        Called once, at plan time, before the stage is fingerprinted. Most stages need neither.
        """
        return self

    def preceded_by(self) -> Sequence[Stage]:
        """Stages that the plan puts in front of this one, under the same `where`: what it needs to have decided."""
        return ()

    def followed_by(self) -> Sequence[Stage]:
        """Stages that the plan puts behind this one."""
        return ()

    def stored(self) -> Mapping[str, pa.DataType]:
        """Types that columns have in the final shards, where that is another one than they travel in."""
        return {}

    def folders(self) -> str | None:
        """The int32 column by whose value shards lie in folders of their own, if there is one."""
        return None


class Filter(Stage):
    """Keeps or drops documents one by one. In mode `tag` nothing is dropped and the verdict becomes columns.

    The columns of mode `tag` are `<name>_rule` (string, null = would be kept) and, of each number that its rules
    measure, `<name>_<measure>` (float64, null where nothing could be measured), so that limits can be chosen later; of
    filters that measure none, `<name>_value` and `<name>_limit`. Name is the last part of the stage's name.
    """

    mode: Literal["drop", "tag"] = "drop"
    """`drop` removes failing documents into the ledger; `tag` keeps all and writes the verdict as typed columns."""

    def judge(self, batch: pa.RecordBatch, tools: Any) -> Verdicts:
        """One verdict per row: the first failing rule in declared order, its value and its limit."""
        return first_failure(batch.num_rows, self.rules(batch, tools))

    def rules(self, batch: pa.RecordBatch, tools: Any) -> Sequence[Rule]:
        """All rules in declared order, each over the whole batch, with what was measured.

        What most filters define instead of `judge`: `textmill try` then shows every value against its limit.
        """
        raise TypeError(f"{type(self).__name__} defines neither judge nor rules")

    def counts(self) -> Wanted | None:
        """What the filter counts in texts with a `stages.counting.Counter`, if it does.

        Filters in a row then share one pass over each text.
        """
        return None

    def shared_counts(self) -> Wanted | None:
        """What of `counts` its neighbours may count for it: none that is another for every document."""
        return self.counts()

    def measures(self) -> tuple[str, ...]:
        """What the rules that are on measure: each the `measure` of at least one rule of `rules`."""
        return ()

    def adds(self) -> Mapping[str, pa.DataType]:
        if self.mode == "drop":
            return {}
        short = short_name(type(self).use or type(self).__module__)
        numbers = [f"{short}_{name}" for name in self.measures() or ("value", "limit")]
        return {f"{short}_rule": pa.string(), **dict.fromkeys(numbers, pa.float64())}

    def tags(self, batch: pa.RecordBatch, tools: Any) -> list[pa.Array]:
        """What mode `tag` writes, in the order of `adds`."""
        names = self.measures()
        if not names:
            verdicts = self.judge(batch, tools)
            return [verdicts.rule, verdicts.value, verdicts.limit]
        rules = self.rules(batch, tools)
        measured = {rule.measure: rule.value for rule in reversed(rules) if rule.value is not None}
        numbers = [pa.array(measured[name], pa.float64(), mask=np.isnan(measured[name])) for name in names]
        return [first_failure(batch.num_rows, rules).rule, *numbers]


class Map(Stage):
    """Changes documents: adds columns, edits text, drops, cuts, or makes several out of one."""

    def map(self, batch: pa.RecordBatch, tools: Any) -> pa.RecordBatch | Mapped:
        """The batch as it goes on. A plain RecordBatch has the input's rows in the input's order."""
        raise TypeError(f"{type(self).__name__} does not define map")


class Find(Stage):
    """Finds things for which documents must meet, such as duplicates; gives findings, never documents."""

    def find(self, documents: Documents, tools: Any) -> Frame:
        """Rows of `stages.find.FINDING` (and the stage's added columns), at most one per place."""
        raise TypeError(f"{type(self).__name__} does not define find")


def short_name(use: str) -> str:
    """The last part of a stage's name: `gopher_quality` of `filters.gopher_quality`, `Name` of `./x.py:Name`."""
    return use.rsplit(":", 1)[-1].rsplit(".", 1)[-1]


def identity(stage: Stage) -> dict[str, Any]:
    """What decides a stage's output: name, version, fields without runtime ones, contents instead of paths.

    The same for two runs whose worker counts, ports and file locations differ. Raises FileNotFoundError when a content
    file is missing (the pipeline's checks come first and say so with its line).
    """
    use = type(stage).use or type(stage).__module__
    return {"stage": use, "version": type(stage).version, "fields": _fields_identity(stage)}


def _fields_identity(model: BaseModel) -> dict[str, Any]:
    """The fields of a stage, or of a model within one, without those that change how it runs but not what it gives."""
    return {
        name: _value_identity(getattr(model, name))
        for name, info in type(model).model_fields.items()
        if not any(isinstance(mark, Runtime) for mark in info.metadata)
    }


def _value_identity(value: Any) -> Any:
    """A JSON value in which every content file stands by its hash."""
    if isinstance(value, ContentFile):
        return {"content": hash_file(value)}
    if isinstance(value, BaseModel):
        return _fields_identity(value)
    if isinstance(value, Mapping):
        return {str(key): _value_identity(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_value_identity(item) for item in value]
    if isinstance(value, set | frozenset):
        return sorted(_value_identity(item) for item in value)
    return str(value) if isinstance(value, Path) else value


def stage_key(stage: Stage) -> str:
    """The stage key: 32 hex digits over `identity`; ids of derived documents are made from it."""
    return digest_of(identity(stage))


def hash_file(path: Path) -> str:
    """xxh3-128 of a file's content, in hex."""
    state = xxhash.xxh3_128()
    with path.open("rb") as file:
        while piece := file.read(1 << 20):
            state.update(piece)
    return str(state.hexdigest())
