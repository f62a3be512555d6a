"""datatrove's filters as guests: any of them, by the path that Python imports it by, with its reasons in the ledger.

Whoever comes from datatrove (https://github.com/huggingface/datatrove) has filters of their own. The idea: a filter is
asked document by document, as datatrove's own pipelines ask it, and what it says is booked as any other verdict.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Annotated, Any, Final, Literal

import numpy as np
import orjson
import pyarrow as pa
from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator, model_validator

from stages.document import with_column
from stages.errors import StageError
from stages.fields import ContentPath
from stages.stage import Map
from stages.user_files import load_file
from stages.verdicts import Cuts, Mapped, verdicts_of

_BASE: Final = "datatrove.pipeline.filters.base_filter"
_FIELDS: Final = ("filter", "mode", "columns", "arguments")
_IN_FILE: Final = re.compile(r"(.+\.py):([A-Za-z_]\w*)")
_MEND: Final = 'pip install "textmill[datatrove]"'


class Function(BaseModel):
    """A function, or anything else with a name, that is handed to the guest."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    file: ContentPath | None = None
    """The Python file in which it stands."""
    name: str
    """Its name in the file, or without a file the path that Python imports it by."""


def _arguments_beside_the_filter(schema: dict[str, Any]) -> None:
    """The schema for editors: the guest's arguments stand beside `filter`."""
    schema["additionalProperties"] = True


class Datatrove(Map):
    """Runs a filter of datatrove's, or one that is written for it: `{filter: my.module.MyFilter, limit: 3}`.

    All keys but `filter`, `mode`, `columns` and `arguments` are arguments of its constructor. One that is a function is
    written `./my_file.py:name`, relative to the YAML file, or `{function: package.module.name}`.

    The guest gets datatrove's `Document`: `text`, `id`, and as `metadata` the columns named in `columns` and, below
    them, the keys of the JSON in the column `metadata`; nulls are left out. What it says:

    - A document that it removes is dropped. The rule is its reason, or without one the class's name in lower case
      (`lambda_filter`); there is no value and no limit, because datatrove's filters give none.
    - A text that it changes goes on changed. The ledger has one cut, rule `edited`, from the first byte that differs
      to the last. Changes of metadata are not taken over.
    - With `mode: tag` nothing is dropped or changed: `<class>_rule` (string, null = would be kept) and `<class>_edited`
      (bool) say what would be.

    A guest must judge each document by itself, so filters that draw lots (`SamplerFilter`, `keep_fraction`) are
    refused, and so is an `exclusion_writer`: the ledger has what is dropped. Needs `pip install "textmill[datatrove]"`
    and whatever the guest itself needs. A guest may load files from the network, which textmill never does.
    """

    model_config = ConfigDict(json_schema_extra=_arguments_beside_the_filter)

    filter: Annotated[str, Field(min_length=1)]
    """The class, such as `datatrove.pipeline.filters.LambdaFilter`."""
    mode: Literal["drop", "tag"] = "drop"
    """`drop` removes and edits as the guest says; `tag` keeps all as it is and writes what it says as columns."""
    columns: tuple[str, ...] = ("url", "date", "dump", "file_path", "language", "language_score", "title")
    """Columns that the guest finds in the document's metadata, where they are there."""
    arguments: dict[str, Any] = Field(default_factory=dict)
    """Arguments of the constructor that could be taken for fields of this stage; all others stand beside `filter`."""

    @model_validator(mode="before")
    @classmethod
    def _other_keys_are_arguments(cls, values: Any) -> Any:
        if not isinstance(values, Mapping):
            return values
        beside = {name: value for name, value in values.items() if name not in _FIELDS}
        fields = {name: value for name, value in values.items() if name in _FIELDS}
        told = values.get("arguments", {})
        return {**fields, "arguments": {**told, **beside}} if isinstance(told, Mapping) else values

    @field_validator("arguments")
    @classmethod
    def _functions_are_known(cls, arguments: dict[str, Any], info: ValidationInfo) -> dict[str, Any]:
        if "exclusion_writer" in arguments:
            raise ValueError("exclusion_writer: take it out; what is dropped stands in the ledger")
        return {name: _as_function(value, info) for name, value in arguments.items()}

    def uses(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys((*self.columns, "metadata")))

    def adds(self) -> Mapping[str, pa.DataType]:
        if self.mode == "drop":
            return {"text": pa.string()}
        name = _snake(self.filter.rpartition(".")[2])
        return {f"{name}_rule": pa.string(), f"{name}_edited": pa.bool_()}

    def check(self, schema: pa.Schema) -> list[str]:
        """What is wrong with the guest: it is not there, is no filter, or cannot be made of these arguments."""
        try:
            self.open()
        except StageError as error:
            return [str(error).replace("filters.datatrove: ", "").replace("\n    mend: ", "; ")]
        return []

    def open(self) -> Any:
        """The guest. Raises StageError for one that cannot be made."""
        guest = _make(self.filter, self.arguments)
        if type(guest).__name__ == "SamplerFilter" or getattr(guest, "keep_fraction", None):
            raise StageError(
                f"filters.datatrove: {self.filter} draws lots in the order in which documents come, so a run could not "
                "be repeated\n    mend: use stages.mix for a share of the documents"
            )
        return guest

    def map(self, batch: pa.RecordBatch, tools: Any) -> pa.RecordBatch | Mapped:
        """What the guest says of each document; a guest that raises on one fails it with the `Exception`'s name."""
        before = [text or "" for text in batch["text"].to_pylist()]
        answers = _ask(tools, list(self._documents(batch, before)))
        name = _snake(type(tools).__name__)
        rules = [None if answer.kept else answer.reason or name for answer in answers]
        edited = [answer.kept and answer.text != text for answer, text in zip(answers, before)]
        if self.mode == "tag":
            for column, values in zip(self.adds(), (rules, edited)):
                batch = with_column(batch, column, pa.array(values, self.adds()[column]))
            return batch
        kept = np.array([row for row, answer in enumerate(answers) if answer.kept], np.int32)
        # A null text stays null where the guest has nothing to change.
        texts = [answers[row].text if edited[row] else batch["text"][row].as_py() for row in kept.tolist()]
        rows = with_column(batch.take(pa.array(kept)), "text", pa.array(texts, pa.string()))
        drops = verdicts_of([None if rule is None else (rule, None, None, None) for rule in rules])
        return Mapped(rows, kept, drops, _cuts(before, answers, np.flatnonzero(edited)))

    def _documents(self, batch: pa.RecordBatch, texts: Sequence[str]) -> Iterator[Any]:
        # A loop over documents: the guest takes them as Python objects, one by one.
        new_document = import_module("datatrove.data").Document
        there = [name for name in self.columns if name in batch.schema.names]
        rows = batch.select(there).to_pylist() if there else [{}] * batch.num_rows
        stored = batch["metadata"].to_pylist() if "metadata" in batch.schema.names else [None] * batch.num_rows
        for identity, text, row, json in zip(batch["id"].to_pylist(), texts, rows, stored):
            metadata = {**_metadata(json), **{name: value for name, value in row.items() if value is not None}}
            yield new_document(text=text, id=identity, metadata=metadata)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a guest says of a document, and the text as it left it."""

    kept: bool
    reason: str | None
    text: str


def _ask(guest: Any, documents: Sequence[Any]) -> list[Answer]:
    """The guest's answers, in batches of the size that it asks for."""
    get_filter_result = import_module(_BASE).get_filter_result
    answers = []
    for at in range(0, len(documents), guest.batch_size):
        piece = documents[at : at + guest.batch_size]
        for document, result in zip(piece, guest.filter_batch(list(piece)), strict=True):
            kept, reason = get_filter_result(result)
            answers.append(Answer(bool(kept), str(reason) if reason else None, document.text))
    return answers


def _cuts(before: Sequence[str], answers: Sequence[Answer], rows: np.ndarray[Any, np.dtype[np.int64]]) -> Cuts:
    """From the first to the last byte that differs, of each text that was changed by more than additions."""
    spans = []
    for row in rows.tolist():
        old, new = before[row], answers[row].text
        shorter = min(len(old), len(new))
        head = next((at for at in range(shorter) if old[at] != new[at]), shorter)
        tail = next((at for at in range(shorter - head) if old[-1 - at] != new[-1 - at]), shorter - head)
        start, end = len(old[:head].encode()), len(old[: len(old) - tail].encode())
        if start < end:
            spans.append((row, start, end))
    row_numbers, starts, ends = (np.array([span[at] for span in spans], np.int64) for at in range(3))
    return Cuts(row_numbers.astype(np.int32), starts, ends, pa.array(["edited"] * len(spans), pa.string()))


def _make(path: str, arguments: Mapping[str, Any]) -> Any:
    """The guest of a class's path and its arguments. Raises StageError that says what is wrong with them."""
    try:
        base = import_module(_BASE).BaseFilter
    except ImportError as error:
        raise StageError(f"filters.datatrove: datatrove is not installed ({error})\n    mend: {_MEND}") from error
    kind = _named(path)
    if not (isinstance(kind, type) and issubclass(kind, base)):
        raise StageError(
            f"filters.datatrove: {path} is no filter of datatrove's\n"
            "    mend: name a class on its BaseFilter, such as datatrove.pipeline.filters.LambdaFilter"
        )
    given = {name: _value(value) for name, value in arguments.items()}
    try:
        return kind(**given)
    except Exception as error:  # whatever the guest's constructor does
        raise StageError(
            f"filters.datatrove: {path} cannot be made of these arguments: {type(error).__name__}: {error}\n"
            "    mend: give the arguments that its constructor takes, beside `filter`"
        ) from error


def _value(value: Any) -> Any:
    """An argument as the guest gets it: a function itself in place of its name."""
    if not isinstance(value, Function):
        return value
    if value.file is None:
        return _named(value.name)
    try:
        found = getattr(load_file(value.file), value.name, None)
    except Exception as error:  # whatever the user's file does
        raise StageError(f"filters.datatrove: {value.file}: {type(error).__name__}: {error}") from error
    if found is None:
        raise StageError(f"filters.datatrove: {value.file} has no {value.name!r}")
    return found


def _named(path: str) -> Any:
    """What Python finds by a dotted path. Raises StageError where there is nothing."""
    module, _, name = path.rpartition(".")
    try:
        return getattr(import_module(module), name)
    except (ImportError, AttributeError, ValueError) as error:
        raise StageError(
            f"filters.datatrove: {path} cannot be imported: {error}\n    mend: write it as package.module.Name"
        ) from error


def _as_function(value: Any, info: ValidationInfo) -> Any:
    """A function where the value is written as one, else the value."""
    told: Any = None
    if isinstance(value, Mapping) and set(value) == {"function"}:
        value = told = value["function"]
    if isinstance(value, str) and (found := _IN_FILE.fullmatch(value)):
        told = {"file": found[1], "name": found[2]}
    elif isinstance(told, str):
        told = {"name": told}
    elif isinstance(value, Mapping) and set(value) == {"file", "name"}:
        told = value
    return value if told is None else Function.model_validate(told, context=info.context)


def _metadata(json: str | None) -> dict[str, Any]:
    """The keys of a JSON object; none where there is no such."""
    try:
        found = orjson.loads(json) if json else {}
    except orjson.JSONDecodeError:
        return {}
    return found if isinstance(found, dict) else {}


def _snake(name: str) -> str:
    """`lambda_filter` of `LambdaFilter`."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()
