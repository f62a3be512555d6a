"""What textmill says of the same documents, in the same columns: `<filter>.reason`, `<filter>.<rule>`, C4's texts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, Literal

import pyarrow as pa
import pyarrow.compute as pc

from filters.c4 import C4
from filters.fineweb import Fineweb
from filters.gopher_quality import GopherQuality
from filters.gopher_repetition import GopherRepetition
from stages.stage import Filter, Stage
from stages.verdicts import Mapped

Words = Literal["same", "default"]
Columns = dict[str, pa.Array]

FILTERS: Final[dict[str, type[Filter]]] = {
    "gopher_quality": GopherQuality,
    "gopher_repetition": GopherRepetition,
    "fineweb": Fineweb,
}


def answers(batches: Iterator[pa.RecordBatch], words: Words) -> Iterator[pa.Table]:
    """The answers to each batch in turn."""
    filters = {name: [_opened(kind, words, mode=mode) for mode in ("drop", "tag")] for name, kind in FILTERS.items()}
    pages = [_opened(C4, words), _opened(C4, words, min_sentences=None), _opened(C4, words, mode="tag")]
    for batch in batches:
        columns: Columns = {"id": batch["id"]}
        for name, (dropping, tagging) in filters.items():
            columns |= _judged(name, batch, *dropping) | _measured(name, batch, *tagging)
        yield pa.table(columns | (_cleaned(batch, *pages) if words == "same" else {}))


def _judged(name: str, batch: pa.RecordBatch, stage: Any, tools: Any) -> Columns:
    return {f"{name}.reason": stage.judge(batch, tools).rule}


def _measured(name: str, batch: pa.RecordBatch, stage: Any, tools: Any) -> Columns:
    return {
        f"{name}.{rule.name}": pa.array(rule.value, pa.float64(), from_pandas=True)
        for rule in stage.rules(batch, tools)
        if rule.value is not None
    }


def _cleaned(batch: pa.RecordBatch, *pages: tuple[Any, Any]) -> Columns:
    """What C4 says: its reason, its text as it comes and without the rule of sentences, and the sentences it counts."""
    reason, text = _mapped(batch, *pages[0])
    _, lines = _mapped(batch, *pages[1])
    stage, tools = pages[2]
    sentences = stage.map(batch, tools)["c4_sentences"].cast(pa.float64())
    of_page = pc.is_in(pc.fill_null(reason, ""), pa.array(["lorem_ipsum", "curly_bracket"]))
    counted = pc.if_else(of_page, pa.scalar(None, pa.float64()), sentences)
    return {"c4.reason": reason, "c4.text": text, "c4.lines": lines, "c4.too_few_sentences": counted}


def _mapped(batch: pa.RecordBatch, stage: Any, tools: Any) -> tuple[pa.Array, pa.Array]:
    """For each document why it is dropped, and its text if it goes on."""
    mapped = stage.map(batch, tools)
    assert isinstance(mapped, Mapped)
    assert mapped.drops is not None
    places = pc.index_in(pa.array(range(batch.num_rows), pa.int32()), pa.array(mapped.parent))
    return mapped.drops.rule, mapped.rows["text"].take(places)


def _opened(kind: type[Stage], words: Words, **fields: Any) -> tuple[Any, Any]:
    """The stage as it comes, but for the words, and its tools."""
    if words == "same" and kind is not C4:
        fields["words"] = "whitespace"
    stage = kind.model_validate(fields)
    return stage, stage.open()
