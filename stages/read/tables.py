"""Columns of tables (Parquet, Arrow, CSV) to columns of documents: what each is called and which type it gets.

One idea: the law is written once, as a list of `Column`s made from a schema, and both planning and reading use it.

    the text column                      text
    the id column                        source_id, as string
    a known name (stages.document)       itself, cast to its type; structs and maps in metadata become JSON
    a name that textmill gives itself    input_<name>
    any other                            itself, in the plain type for its own
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from stages.document import COLUMNS, TEXT_ALIASES, plain_type
from stages.errors import Fault, PipelineError, StoreError
from stages.read.inputs import InputFile
from stages.read.metadata import json_text
from stages.read.reading import Reading, Tally
from stages.read.stage import Read

_OWN: Final = ("id", "text", "source_id", "file_path")


@dataclass(frozen=True, slots=True)
class Column:
    """One column of the input: what it is called there, and its name and type among the documents."""

    given: str
    name: str
    type: pa.DataType


def columns_of(read: Read, file: InputFile, schema: pa.Schema) -> list[Column]:
    """The columns of a table with this schema. Raises PipelineError when it has no text, or two of one name."""
    types = {field.name: _storage(field.type) for field in schema}
    text = _text_column(read, file, types)
    columns = [_column(read, name, kind, text, types) for name, kind in types.items()]
    if read.id in types and read.id not in (*_OWN, text) and read.id in (*COLUMNS, *read.columns):
        columns.append(Column(read.id, "source_id", pa.string()))  # an id such as `url` stays what it is, too
    names: set[str] = set()
    for column in columns:
        if column.name in names:
            what = f"two columns would both be called `{column.name}`; one of them is `{column.given}`"
            raise PipelineError(Fault(file.path, what, "rename one of them, or say text: and id: otherwise"))
        names.add(column.name)
    return columns


def documents(
    reading: Reading,
    file: InputFile,
    columns: list[Column],
    table: pa.RecordBatch,
    rows: npt.NDArray[np.int64],
    tally: Tally,
) -> Iterator[tuple[pa.RecordBatch, int]]:
    """The documents of some rows with these numbers: batches, and how many of the rows each accounts for.

    Rows without text go to `tally` as damaged. Ends early when the limit of documents is reached.
    """
    weight = _weights(columns, table)
    start = 0
    while start < table.num_rows and not reading.finished:
        end = start + _fitting(weight[start:], reading.room, reading.batch_bytes)
        numbers, present = rows[start:end], weight[start:end] >= 0
        values = _values(reading, file, columns, table.slice(start, end - start))
        for at in np.flatnonzero(~present).tolist():
            url = values["url"][at].as_py() if "url" in values else None
            tally.damaged.append(reading.damage(file, int(numbers[at]), 1, "the text is null", url))
        if not present.all():
            values = {name: column.filter(pa.array(present)) for name, column in values.items()}
            numbers = numbers[present]
        batch = reading.batch(file, numbers, np.ones(len(numbers), np.int64), values)
        reading.took(batch.num_rows)
        yield batch, end - start
        start = end


def decoding_cause(error: Exception) -> str:
    """What a decoder of Arrow says of damaged bytes, on one line. A store's own failure (it has a number) is raised."""
    if isinstance(error, OSError) and error.errno is not None:
        raise error
    return (str(error) or type(error).__name__).splitlines()[0][:200]


def _text_column(read: Read, file: InputFile, types: Mapping[str, Any]) -> str | None:
    """The name of the text column; None when the table brings pages as bytes in `content` instead."""
    names = TEXT_ALIASES if read.text is None else (read.text,)
    for name in names:
        if name in types and _is_text(types[name]):
            return name
    if read.text is None and "content" in types and pa.types.is_binary(plain_type(types["content"])):
        return None
    wrong = next((f"the column `{name}` is {types[name]}, not string" for name in names if name in types), "")
    what = wrong or f"there is no text: it has the columns {', '.join(types) or '(none)'}"
    raise PipelineError(
        Fault(file.path, what, "say which column holds the text, such as `text: body` (textmill init: `--text body`)")
    )


def _column(read: Read, name: str, kind: Any, text: str | None, types: Mapping[str, Any]) -> Column:
    if name == text:
        return Column(name, "text", pa.string())
    if name == read.id and _is_scalar(kind) and (name in _OWN or name not in (*COLUMNS, *read.columns)):
        return Column(name, "source_id", pa.string())
    if name in read.columns:
        return Column(name, name, pa.type_for_alias(read.columns[name]))
    own = name in _OWN or name.startswith("_")
    if name == "source_id" and _is_scalar(kind) and (read.id is None or read.id not in types):
        return Column(name, name, pa.string())
    if own or (name in COLUMNS and not _fits(name, kind)):
        return Column(name, f"input_{name.lstrip('_')}", pa.null() if pa.types.is_null(kind) else plain_type(kind))
    if name in COLUMNS:
        return Column(name, name, COLUMNS[name])
    return Column(name, name, pa.null() if pa.types.is_null(kind) else plain_type(kind))


def _fits(name: str, kind: Any) -> bool:
    """Whether values of a type can be written as the known column's type without a guess."""
    if pa.types.is_null(kind) or kind == COLUMNS[name]:
        return True
    if name == "metadata":
        return True
    if name == "language_score":
        return bool(pa.types.is_floating(kind) or pa.types.is_integer(kind))
    return COLUMNS[name] == pa.string() and _is_scalar(kind)


def _is_text(kind: Any) -> bool:
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


def _is_scalar(kind: Any) -> bool:
    return not (pa.types.is_nested(kind) or pa.types.is_binary(plain_type(kind)))


def _storage(kind: Any) -> Any:
    return kind.storage_type if isinstance(kind, pa.BaseExtensionType) else kind


def _weights(columns: list[Column], table: pa.RecordBatch) -> Any:
    """int64: bytes of each row's text (or content); -1 where there is none."""
    weighed = {column.name: column.given for column in columns}
    given = weighed["text"] if "text" in weighed else weighed["content"]
    lengths = pc.binary_length(_cast(table[given], pa.binary() if _binary(table[given].type) else pa.string()))
    return pc.fill_null(lengths, -1).to_numpy(zero_copy_only=False).astype(np.int64)


def _binary(kind: Any) -> bool:
    return bool(pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_fixed_size_binary(kind))


def _fitting(weight: Any, room: int, most: int) -> int:
    """How many rows make one batch: up to the document that fills it, or before the one with too many bytes."""
    documents_so_far = np.cumsum(weight >= 0)
    bytes_so_far = np.cumsum(np.maximum(weight, 0))
    by_count = int(np.searchsorted(documents_so_far, room)) + 1
    by_bytes = int(np.searchsorted(bytes_so_far, most, side="right"))
    return min(len(weight), by_count, max(1, by_bytes))


def _values(reading: Reading, file: InputFile, columns: list[Column], part: pa.RecordBatch) -> dict[str, pa.Array]:
    values = {}
    for column in columns:
        kind = reading.schema.field(column.name).type
        try:
            values[column.name] = _cast(part[column.given], kind)
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
            message = f"{file.path}: column `{column.given}` cannot be read as {kind}: {error}"
            mend = "change the column's type in the file, or leave the column out"
            raise StoreError(f"{message}\n    mend: {mend}") from error
    return values


def _cast(column: Any, kind: Any) -> pa.Array:
    """A column in another type. Structs, maps and lists become JSON where a string is wanted."""
    if isinstance(column, pa.ExtensionArray):
        column = column.storage
    if column.type == kind:
        return column
    if pa.types.is_null(column.type):
        return pa.nulls(len(column), kind)
    if pa.types.is_dictionary(column.type):
        return _cast(column.dictionary_decode(), kind)
    if kind == pa.string() and pa.types.is_nested(column.type):
        maps = "strict" if pa.types.is_map(column.type) else None
        rows = column.to_pylist(maps_as_pydicts=maps)  # a loop: Arrow writes no JSON
        return pa.array([None if value is None else _json(value) for value in rows], kind)
    if kind == pa.float32():
        return column.cast(kind, safe=False)
    return column.cast(kind)


def _json(value: Any) -> str:
    return json_text(value) if isinstance(value, dict) else json_text({"": value})[4:-1]
