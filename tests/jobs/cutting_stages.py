"""Stages that cut a word out of texts: one as a Map, one as a Find whose findings lie over the documents."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from stages.find import FINDING, Documents, Frame
from stages.stage import Find, Map
from stages.verdicts import Cuts, Mapped


def spans_of(text: str, word: str) -> list[int]:
    """Byte offsets start, end, start, end, … of the word in the text."""
    raw, mark, found = text.encode(), word.encode(), []
    at = raw.find(mark)
    while at >= 0:
        found += [at, at + len(mark)]
        at = raw.find(mark, at + len(mark))
    return found


class Trim(Map):
    """Cuts a word out of every text."""

    word: str

    def adds(self) -> dict[str, pa.DataType]:
        return {"text": pa.string()}

    def map(self, batch: pa.RecordBatch, tools: Any) -> Mapped:
        texts = batch["text"].to_pylist()
        spans = [spans_of(text, self.word) for text in texts]
        owner = np.repeat(np.arange(len(texts)), [len(one) // 2 for one in spans]).astype(np.int32)
        flat = np.array([offset for one in spans for offset in one], np.int64)
        cuts = Cuts(owner, flat[::2], flat[1::2], pa.array(["word"] * len(owner), pa.string()))
        new = pa.array([text.replace(self.word, "") for text in texts], pa.string())
        rows = batch.set_column(batch.schema.get_field_index("text"), "text", new)
        return Mapped(rows, np.arange(len(texts), dtype=np.int32), cuts=cuts)


@dataclass(frozen=True)
class Look:
    """A finding for every text that holds the word."""

    word: str

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            rows = [
                {"place": place, "rule": "word", "value": len(spans) / 2, "limit": 0.0, "cuts": spans}
                for place, text in zip(batch["place"].to_pylist(), batch["text"].to_pylist())
                if (spans := spans_of(text, self.word))
            ]
            yield pa.RecordBatch.from_pylist(rows, schema=FINDING)


class Strike(Find):
    """Cuts a word out of every text, by findings."""

    word: str

    def find(self, documents: Documents, tools: Any) -> Frame:
        return documents.rows(Look(self.word), FINDING)


@dataclass(frozen=True)
class Slip:
    """The same finding for every text."""

    cuts: tuple[int, ...]

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            rows = [{"place": place, "rule": "slip", "cuts": self.cuts} for place in batch["place"].to_pylist()]
            yield pa.RecordBatch.from_pylist(rows, schema=FINDING)


class Slipping(Find):
    """Cuts all texts at the same bytes, whatever stands there."""

    cuts: tuple[int, ...]

    def find(self, documents: Documents, tools: Any) -> Frame:
        return documents.rows(Slip(self.cuts), FINDING)
