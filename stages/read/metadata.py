"""What a record carried beyond the known columns, as one JSON text with sorted keys.

One idea: nothing is lost and nothing is guessed. Keys that no column is named after join those of the record's own
`metadata`; where both have a key, the outer one goes on as `record.<key>`.
"""

from __future__ import annotations

from typing import Any

import orjson

TOO_DEEP = "nested too deeply to be kept"
"""What stands for a value of more than 254 levels, the most that orjson writes."""


def merged(row: dict[str, Any]) -> str | None:
    """The column `metadata` of a record from what is left of it; None where nothing is."""
    if "metadata" not in row:
        return json_text(row) if row else None
    given = row.pop("metadata")
    if given is None:
        return json_text(row) if row else None
    inner = _parsed(given) if isinstance(given, str) else given
    if not isinstance(inner, dict):
        inner = {"metadata": given}
    elif not row and isinstance(given, str):
        return given
    for key, value in row.items():
        inner[f"record.{key}" if key in inner else key] = value
    return json_text(inner)


def json_text(value: dict[str, Any]) -> str:
    """A JSON object with sorted keys; times as ISO 8601, bytes as text where they are UTF-8."""
    try:
        return orjson.dumps(value, default=_plain, option=orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS).decode()
    except TypeError:
        kept = {str(key): _kept(item) for key, item in value.items()}
        return orjson.dumps(kept, default=_plain, option=orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS).decode()


def _kept(value: Any) -> Any:
    try:
        orjson.dumps({"": value}, default=_plain, option=orjson.OPT_NON_STR_KEYS)
    except TypeError:
        return TOO_DEEP
    return value


def _plain(value: Any) -> str:
    if isinstance(value, bytes):
        return value.decode("utf-8", "backslashreplace")
    return str(value)


def _parsed(text: str) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
