"""The law kit: it passes the stages that ship, and names the law that a bad stage breaks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from pydantic import ValidationError

from stages.document import COLUMNS
from stages.laws import check_stage, sample_documents
from stages.load import builtin_names, load_class
from stages.specimens import hostile_texts
from stages.stage import Filter, Find, Map, Stage
from stages.verdicts import Mapped, Rule, Verdicts, first_failure

FIELDS: dict[str, dict[str, Any]] = {"filters.length": {"min_characters": 200}}


def shipped_stages() -> Iterator[Stage]:
    """Every Filter and Map of ours that needs no column beyond the fixed ones, with a few fields where it needs some.

    A stage that cannot be built from this is held to the laws in its own test.
    """
    for use in builtin_names():
        kind = load_class(use)
        if not issubclass(kind, Filter | Map):
            continue
        try:
            stage = kind.model_validate(FIELDS.get(use, {}))
        except ValidationError:
            continue
        if {*stage.needs()} <= {*COLUMNS}:
            yield stage


def characters(batch: pa.RecordBatch) -> pa.Array:
    return pc.utf8_length(pc.fill_null(batch["text"], ""))


class Short(Filter):
    """Drops texts with more characters than allowed."""

    most: int = 100
    """Characters at most."""

    def judge(self, batch: pa.RecordBatch, tools: Any) -> Verdicts:
        length = characters(batch).to_numpy(zero_copy_only=False).astype(np.float64)
        return first_failure(batch.num_rows, [Rule("too_long", length > self.most, length, float(self.most))])


class Size(Map):
    """Adds the number of characters."""

    def adds(self) -> Mapping[str, pa.DataType]:
        return {"size": pa.int32()}

    def map(self, batch: pa.RecordBatch, tools: Any) -> pa.RecordBatch | Mapped:
        return batch.append_column("size", characters(batch))


class Halves(Map):
    """Drops texts of fewer than two characters and makes two documents of every other."""

    def adds(self) -> Mapping[str, pa.DataType]:
        return {"text": pa.string()}

    def map(self, batch: pa.RecordBatch, tools: Any) -> pa.RecordBatch | Mapped:
        length = characters(batch).to_numpy(zero_copy_only=False)
        parent = np.repeat(np.flatnonzero(length > 1), 2).astype(np.int32)
        texts = [text or "" for text in batch["text"].to_pylist()]
        halves = [texts[row][::2] if at % 2 else texts[row][1::2] for at, row in enumerate(parent.tolist())]
        rows = batch.take(pa.array(parent)).set_column(1, "text", pa.array(halves, pa.string()))
        drops = first_failure(batch.num_rows, [Rule("too_short", length <= 1, length.astype(np.float64), 2.0)])
        return Mapped(rows, parent, drops, derived=np.ones(len(parent), np.bool_))


@pytest.mark.parametrize("stage", list(shipped_stages()), ids=lambda stage: type(stage).use)
def test_a_shipped_stage_keeps_the_laws(stage: Stage) -> None:
    check_stage(stage)


@pytest.mark.parametrize("stage", [Short(), Short(mode="tag"), Size(), Halves()], ids=repr)
def test_a_lawful_stage_passes(stage: Stage) -> None:
    check_stage(stage)


def test_a_find_is_sent_to_an_engine() -> None:
    class Twin(Find):
        """Finds twins."""

    with pytest.raises(TypeError, match="takes an engine"):
        check_stage(Twin())


def test_documents_without_a_needed_column_are_refused() -> None:
    class Scored(Short):
        """Needs a score."""

        def needs(self) -> tuple[str, ...]:
            return ("text", "score")

    documents = sample_documents(4)

    with pytest.raises(ValueError, match=r"lack \['score'\]"):
        check_stage(Scored())
    check_stage(Scored(), documents.append_column("score", pa.array([0.5] * 4)))


def test_samples_depend_on_the_seed_alone_and_have_every_fixed_column() -> None:
    documents = sample_documents(64, seed=3)

    assert documents.equals(sample_documents(64, seed=3))
    assert not documents.equals(sample_documents(64, seed=4))
    assert dict(zip(documents.schema.names, documents.schema.types)) == COLUMNS
    assert len(set(documents["id"].to_pylist())) == 64
    assert len(set(documents["text"].to_pylist())) < 64
    assert sample_documents(0).schema == documents.schema


def test_hostile_texts_are_valid_and_include_a_line_of_a_megabyte() -> None:
    texts = hostile_texts()

    assert max(len(text.encode()) for text in texts.values()) == 2**20
    assert {"", "\0"} <= {text[:1] if "\0" not in text else "\0" for text in texts.values()}
