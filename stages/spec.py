"""How a stage crosses process borders: as (use, fields, hash of its file), never as a pickle.

Built-in stages, plugins (entry point group `textmill.stages`) and `./my_stages.py:Name` load the same way on every
worker; `stages/load.py` does it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class StageSpec:
    """One configured stage, ready to travel.

    `use`: the YAML name. `fields`: JSON values, paths absolute. `file`, `file_hash`: set for path stages alone; a
    worker whose file has another hash refuses to load it.
    """

    use: str
    fields: Mapping[str, Any] = field(default_factory=dict)
    file: str | None = None
    file_hash: str | None = None
