"""What textmill says of the same documents, in the same columns: `<filter>.reason`, `<filter>.<rule>`, C4's texts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, Literal

import pyarrow as pa

from filters.gopher_quality import GopherQuality
from filters.gopher_repetition import GopherRepetition
from stages.stage import Filter

Words = Literal["same", "default"]

FILTERS: Final[dict[str, type[Filter]]] = {"gopher_quality": GopherQuality, "gopher_repetition": GopherRepetition}


def answers(batches: Iterator[pa.RecordBatch], words: Words) -> Iterator[pa.Table]:
    """The answers of each batch in turn."""
    dropping = {name: _opened(_stage(kind, words)) for name, kind in FILTERS.items()}
    tagging = {name: _opened(_stage(kind, words, mode="tag")) for name, kind in FILTERS.items()}
    for batch in batches:
        columns: dict[str, pa.Array] = {"id": batch["id"]}
        for name in FILTERS:
            stage, tools = dropping[name]
            columns[f"{name}.reason"] = stage.judge(batch, tools).rule
            stage, tools = tagging[name]
            for rule in stage.rules(batch, tools):
                if rule.value is not None:
                    columns[f"{name}.{rule.name}"] = pa.array(rule.value, pa.float64(), from_pandas=True)
        yield pa.table(columns)


def _stage(kind: type[Any], words: Words, **fields: Any) -> Any:
    """The stage as it comes, but for the words."""
    if words == "same" and "words" in kind.model_fields:
        fields["words"] = "whitespace"
    return kind(**fields)


def _opened(stage: Any) -> tuple[Any, Any]:
    return stage, stage.open()
