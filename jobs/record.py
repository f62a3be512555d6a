"""Small JSON files that textmill wrote for itself, read back without trust: receipts, manifests."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson

from jobs.store import Store
from stages.errors import StoreError


def start_over(store: Store) -> str:
    """The mend when the steps' files cannot be trusted any more."""
    return f"`textmill clean {store.home} --everything`, then run the pipeline again: its steps are made anew"


def read_record(store: Store, name: str, keys: Sequence[str]) -> dict[str, Any]:
    """The object in a JSON file. Raises StoreError when it is no such file, or lacks one of `keys`.

    Such a file may always be deleted: what it told of is then committed again, or done again. FileNotFoundError is the
    caller's to judge.
    """
    try:
        record: Any = orjson.loads(store.read(name))
        missing = [key for key in keys if not isinstance(record, dict) or key not in record]
        what = f"it has no {missing[0]!r}" if missing else ""
    except orjson.JSONDecodeError as error:
        what = f"it is no JSON: {error}"
    if what:
        raise StoreError(
            f"{store.home}: {name} is not as textmill wrote it: {what}\n"
            "    mend: delete that file, then run the pipeline again: what it told of is made anew"
        )
    return dict(record)
