"""JSON objects to columns: a known key gets its column, a declared one its type, the rest goes into `metadata`.

One idea: a record is refused only for what would be lost (no text, a declared type that does not fit); a known key with
an odd value stays readable in `metadata`, or is written as text where it is a number.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import orjson
import pyarrow as pa

from stages.document import COLUMNS, TEXT_ALIASES
from stages.read.metadata import merged
from stages.read.stage import Read

KNOWN: Final = ("record_id", "url", "source", "dump", "date", "title", "language", "language_score", "license")
"""Keys with a column of their own, beside the text, the id and `metadata`."""

_NAMES: Final = {str: "a string", int: "a number", float: "a number", bool: "true or false", list: "a list"}
_FITTING: Final[dict[str, tuple[type, ...]]] = {
    "string": (str,),
    "int64": (int,),
    "int32": (int,),
    "float64": (float, int),
    "float32": (float, int),
    "bool": (bool,),
}


class Refused(Exception):
    """A record that is no document; the message is the cause."""


def columns_of(read: Read) -> dict[str, pa.DataType]:
    """The columns that records give, whatever they hold: their keys are not known before all have been read."""
    found = {"text": pa.string()}
    if read.id is not None:
        found["source_id"] = pa.string()
    found.update((name, COLUMNS[name]) for name in KNOWN)
    found["metadata"] = pa.string()
    found.update((name, pa.type_for_alias(kind)) for name, kind in read.columns.items())
    return found


def parsed_object(line: bytes) -> dict[str, Any]:
    """The JSON object of a line. Raises Refused."""
    try:
        row = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        try:
            line.decode()
        except UnicodeDecodeError as wrong:
            raise Refused(f"invalid UTF-8 at byte {wrong.start} of the line") from error
        raise Refused(f"broken JSON: {error}") from error
    if not isinstance(row, dict):
        raise Refused(f"the line holds {_kind(row)}, not an object")
    return row


def popped_text(row: dict[str, Any], name: str | None) -> str:
    """Take the text out of a record. Raises Refused when there is none."""
    names = TEXT_ALIASES if name is None else (name,)
    for key in names:
        if key in row:
            text = row.pop(key)
            if not isinstance(text, str):
                raise Refused(f"the text (`{key}`) is {_kind(text)}, not a string")
            return text
    raise Refused(f"there is no text: no key {' or '.join(f'`{key}`' for key in names)}")


def check_declared(row: Mapping[str, Any], columns: Mapping[str, str]) -> None:
    """Raise Refused when a declared key holds a value of another type."""
    for name, kind in columns.items():
        value = row.get(name)
        if value is None or (type(value) in _FITTING[kind] and _in_range(value, kind)):
            continue
        raise Refused(f"`{name}` is {_kind(value)}, declared as {kind}: {str(value)[:40]}")


def columns_of_rows(read: Read, rows: Sequence[dict[str, Any]], texts: Sequence[str]) -> dict[str, pa.Array]:
    """The columns of checked records whose text is taken out already; takes all else out of them, too."""
    values: dict[str, pa.Array] = {"text": pa.array(texts, pa.string())}
    if read.id is not None:
        values["source_id"] = pa.array(_ids(read, read.id, rows), pa.string())
    declared = {
        name: pa.array([row.pop(name, None) for row in rows], pa.type_for_alias(kind))
        for name, kind in read.columns.items()
    }
    for name in KNOWN:
        if name not in declared:
            kind = float if name == "language_score" else str
            values[name] = pa.array(_taken(rows, name, kind), COLUMNS[name])
    values["metadata"] = pa.array([merged(row) if row else None for row in rows], pa.string())
    return values | declared


def _ids(read: Read, name: str, rows: Sequence[dict[str, Any]]) -> list[Any]:
    """The records' own ids as text; an id such as `url`, which has a column of its own, stays in the records."""
    if name in KNOWN or name in read.columns:
        return [value if isinstance(value := row.get(name), str) else _converted(value, str) for row in rows]
    return _taken(rows, name, str)


def _taken(rows: Sequence[dict[str, Any]], name: str, kind: type) -> list[Any]:
    """The values of one key as str or float, taken out of the records; what cannot be made one is left in them."""
    values = [row.pop(name, None) for row in rows]
    if set(map(type, values)) <= {kind, type(None)}:
        return values
    for at, value in enumerate(values):
        if value is None or type(value) is kind:
            continue
        values[at] = _converted(value, kind)
        if values[at] is None:
            rows[at][name] = value
    return values


def _converted(value: Any, kind: type) -> Any:
    """A scalar as text or number; None where that would be a guess."""
    if kind is str:
        return orjson.dumps(value).decode() if isinstance(value, int | float) else None
    if isinstance(value, bool) or not isinstance(value, str | int):
        return None
    try:
        return float(value)
    except ValueError:
        return None


def _in_range(value: Any, kind: str) -> bool:
    bits = {"int32": 31, "int64": 63}.get(kind)
    return bits is None or -(2**bits) <= value < 2**bits


def _kind(value: Any) -> str:
    if value is None:
        return "null"
    return _NAMES.get(type(value), "an object")
