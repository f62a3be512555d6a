"""Stages that misbehave on purpose: they end their process, raise, or lose count."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from stages.find import FINDING, Documents, Frame
from stages.stage import Filter, Find, Map
from stages.verdicts import Mapped, Rejected, Verdicts, keep_all, verdicts_of


class Killer(Filter):
    """Dies by a signal on documents that hold a word, as a fault in a native library would."""

    word: str
    signal_number: int = int(signal.SIGABRT)

    def judge(self, batch: pa.RecordBatch, tools: Any) -> Verdicts:
        if pc.any(pc.match_substring(batch["text"], self.word)).as_py():
            os.kill(os.getpid(), self.signal_number)
        return keep_all(batch.num_rows)


@dataclass(frozen=True)
class Fall:
    """Dies on documents that hold a word."""

    word: str
    signal_number: int

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            if pc.any(pc.match_substring(batch["text"], self.word)).as_py():
                os.kill(os.getpid(), self.signal_number)
            yield pa.RecordBatch.from_pylist([], schema=FINDING)


class KillingFind(Find):
    """Finds nothing, and dies as Killer does."""

    word: str
    signal_number: int = int(signal.SIGABRT)

    def find(self, documents: Documents, tools: Any) -> Frame:
        return documents.rows(Fall(self.word, self.signal_number), FINDING)


class Raiser(Filter):
    """Raises on documents that hold a word."""

    word: str

    def judge(self, batch: pa.RecordBatch, tools: Any) -> Verdicts:
        if pc.any(pc.match_substring(batch["text"], self.word)).as_py():
            raise ValueError(f"cannot stand {self.word}")
        return keep_all(batch.num_rows)


class Forgetter(Map):
    """Loses its last row without a word."""

    def map(self, batch: pa.RecordBatch, tools: Any) -> Mapped:
        rows = batch.slice(0, batch.num_rows - 1)
        return Mapped(rows, np.arange(rows.num_rows, dtype=np.int32))


class Splitter(Map):
    """Makes a document of each half of a text; the parent does not go on."""

    def adds(self) -> dict[str, pa.DataType]:
        return {"text": pa.string(), "parent_id": pa.string()}

    def map(self, batch: pa.RecordBatch, tools: Any) -> Mapped:
        parent = np.repeat(np.arange(batch.num_rows, dtype=np.int32), 2)
        rows = batch.take(pa.array(parent))
        texts = [
            half for text in batch["text"].to_pylist() for half in (text[: len(text) // 2], text[len(text) // 2 :])
        ]
        columns = {name: rows[name] for name in rows.schema.names} | {"text": pa.array(texts, pa.string())}
        columns["parent_id"] = pa.nulls(len(texts), pa.string())
        return Mapped(pa.record_batch(columns), parent, derived=np.ones(len(parent), np.bool_))


class Choosy(Map):
    """Makes a new document of each half of a text beside the text itself, and rejects halves that hold the word."""

    word: str = "POISON"
    """Halves with this word are rejected."""
    keep: Literal["parent", "nothing"] = "parent"
    """Whether the text itself goes on; without it a text that lost a half is dropped with both."""
    times: int = 1
    """How often a half stands in its new document."""

    def adds(self) -> dict[str, pa.DataType]:
        return {"text": pa.string(), "parent_id": pa.string()}

    def map(self, batch: pa.RecordBatch, tools: Any) -> Mapped:
        parent, texts, derived, bad = [], [], [], []
        drops: list[tuple[str, float | None, float | None, str | None] | None] = []
        for row, text in enumerate(batch["text"].to_pylist()):
            halves = [half * self.times for half in (text[: len(text) // 2], text[len(text) // 2 :])]
            wrong = [half for half in halves if self.word in half]
            bad += [(row, half) for half in wrong]
            ends = bool(wrong) and self.keep == "nothing"
            drops.append(("all_or_nothing", None, None, None) if ends else None)
            if not ends:
                made = [text] * (self.keep == "parent") + [half for half in halves if half not in wrong]
                derived += [False] * (self.keep == "parent") + [True] * (len(made) - (self.keep == "parent"))
                texts += made
                parent += [row] * len(made)
        rows = batch.take(pa.array(parent, pa.int32()))
        columns = {name: rows[name] for name in rows.schema.names} | {"text": pa.array(texts, pa.string())}
        columns["parent_id"] = pa.nulls(len(texts), pa.string())
        rejected = Rejected(
            np.array([row for row, _ in bad], np.int32),
            pa.array([half for _, half in bad], pa.string()),
            verdicts_of([("has_the_word", None, None, None)] * len(bad)),
        )
        flags = np.array(derived, np.bool_)
        return Mapped(pa.record_batch(columns), np.array(parent, np.int32), verdicts_of(drops), None, flags, rejected)
