"""Stages that each break one law, and the kit that names it."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import count
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from stages.laws import check_stage
from stages.stage import Filter, Map, Stage
from stages.verdicts import Cuts, Mapped, Rule, Verdicts, first_failure, keep_all


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


class NoHelp(Short):
    pass


class BareField(Short):
    """Has a field that says nothing."""

    least: int = 3


class Loose(Short, extra="allow"):
    """Takes any field."""


class NotFrozen(Short, frozen=False):
    """Can be changed."""


class Zero(Short):
    """Has no true version."""

    version = 0


class Forgetful(Short):
    """Does not come back from its fields as it was."""

    def model_post_init(self, context: Any) -> None:
        object.__setattr__(self, "most", self.most + 1)


class Undeclared(Size):
    """Adds a column it does not declare."""

    def adds(self) -> Mapping[str, pa.DataType]:
        return {}


class Wide(Size):
    """Declares another type than it gives."""

    def adds(self) -> Mapping[str, pa.DataType]:
        return {"size": pa.int64()}


class Unsigned(Size):
    """Adds a type that engines do not agree on."""

    def adds(self) -> Mapping[str, pa.DataType]:
        return {"size": pa.uint32()}


class Misnamed(Size):
    """Gives a fixed column another type."""

    def adds(self) -> Mapping[str, pa.DataType]:
        return {"language": pa.int32()}


class NewId(Size):
    """Gives documents another id."""

    def adds(self) -> Mapping[str, pa.DataType]:
        return {"id": pa.string()}


class Missing(Map):
    """Declares a column it does not give."""

    def adds(self) -> Mapping[str, pa.DataType]:
        return {"size": pa.int32()}

    def map(self, batch: pa.RecordBatch, tools: Any) -> pa.RecordBatch | Mapped:
        return batch


class Greedy(Size):
    """Reads a column it does not declare."""

    def map(self, batch: pa.RecordBatch, tools: Any) -> pa.RecordBatch | Mapped:
        return batch.append_column("size", pc.utf8_length(pc.coalesce(batch["url"], batch["text"])))


class Peeking(Size):
    """Uses a column it does not declare where it is there."""

    def map(self, batch: pa.RecordBatch, tools: Any) -> pa.RecordBatch | Mapped:
        name = "source" if "source" in batch.schema.names else "text"
        return batch.append_column("size", pc.utf8_length(batch[name]))


class Picky(Map):
    """Gives just the columns it knows."""

    def map(self, batch: pa.RecordBatch, tools: Any) -> pa.RecordBatch | Mapped:
        return batch.select(["id", "text"])


class Shouting(Map):
    """Changes the text and does not say so."""

    def map(self, batch: pa.RecordBatch, tools: Any) -> pa.RecordBatch | Mapped:
        return batch.set_column(1, "text", pc.utf8_upper(batch["text"]))


class Losing(Map):
    """Loses empty texts without a verdict."""

    def map(self, batch: pa.RecordBatch, tools: Any) -> pa.RecordBatch | Mapped:
        stays = np.flatnonzero(characters(batch).to_numpy(zero_copy_only=False) > 0).astype(np.int32)
        return Mapped(batch.take(pa.array(stays)), stays)


class Shrinking(Map):
    """Loses rows in a plain batch."""

    def map(self, batch: pa.RecordBatch, tools: Any) -> pa.RecordBatch | Mapped:
        return batch.filter(pc.greater(characters(batch), 0))


class Both(Map):
    """Keeps what it drops."""

    def map(self, batch: pa.RecordBatch, tools: Any) -> pa.RecordBatch | Mapped:
        every = np.ones(batch.num_rows, np.bool_)
        return Mapped(
            batch, np.arange(batch.num_rows, dtype=np.int32), first_failure(batch.num_rows, [Rule("all", every)])
        )


class LongParents(Map):
    """Names parents in another type."""

    def map(self, batch: pa.RecordBatch, tools: Any) -> pa.RecordBatch | Mapped:
        return Mapped(batch, np.arange(batch.num_rows))  # type: ignore[arg-type]


class Backwards(Map):
    """Turns the batch round."""

    def map(self, batch: pa.RecordBatch, tools: Any) -> pa.RecordBatch | Mapped:
        order = np.arange(batch.num_rows, dtype=np.int32)[::-1]
        return Mapped(batch.take(pa.array(order)), order)


class Outside(Map):
    """Names a parent that is not there."""

    def map(self, batch: pa.RecordBatch, tools: Any) -> pa.RecordBatch | Mapped:
        return Mapped(batch, np.arange(1, batch.num_rows + 1, dtype=np.int32))


class Twins(Map):
    """Gives two documents one id."""

    def map(self, batch: pa.RecordBatch, tools: Any) -> pa.RecordBatch | Mapped:
        parent = np.repeat(np.arange(batch.num_rows), 2).astype(np.int32)
        return Mapped(batch.take(pa.array(parent)), parent)


class Splitting(Map):
    """Cuts within a character."""

    def adds(self) -> Mapping[str, pa.DataType]:
        return {"text": pa.string()}

    def map(self, batch: pa.RecordBatch, tools: Any) -> pa.RecordBatch | Mapped:
        texts = [text or "" for text in batch["text"].to_pylist()]
        long = np.array([row for row, text in enumerate(texts) if text[:1] > "\u00ff"], np.int32)
        cuts = Cuts(long, np.zeros(len(long), np.int64), np.ones(len(long), np.int64), pa.array(["first"] * len(long)))
        return Mapped(batch, np.arange(batch.num_rows, dtype=np.int32), cuts=cuts)


class Fragile(Short):
    """Raises on empty texts."""

    def judge(self, batch: pa.RecordBatch, tools: Any) -> Verdicts:
        for text in batch["text"].to_pylist():
            1 / len(text)
        return super().judge(batch, tools)


class ShortOfVerdicts(Short):
    """Judges all but one."""

    def judge(self, batch: pa.RecordBatch, tools: Any) -> Verdicts:
        return keep_all(max(0, batch.num_rows - 1))


class WrongType(Short):
    """Gives numbers of another type."""

    def judge(self, batch: pa.RecordBatch, tools: Any) -> Verdicts:
        rows = batch.num_rows
        return Verdicts(pa.nulls(rows, pa.string()), pa.nulls(rows, pa.int64()), pa.nulls(rows, pa.float64()))


class NoLimit(Short):
    """Drops without a limit."""

    def judge(self, batch: pa.RecordBatch, tools: Any) -> Verdicts:
        verdicts = super().judge(batch, tools)
        return Verdicts(verdicts.rule, verdicts.value, pa.nulls(batch.num_rows, pa.float64()))


class Average(Short):
    """Judges a document by its neighbours."""

    def judge(self, batch: pa.RecordBatch, tools: Any) -> Verdicts:
        length = characters(batch).to_numpy(zero_copy_only=False).astype(np.float64)
        mean = float(length.mean()) if len(length) else 0.0
        return first_failure(batch.num_rows, [Rule("above_average", length > mean, length, mean)])


class Remembering(Short):
    """Drops texts that this worker has seen before."""

    def open(self) -> set[str]:
        return set()

    def judge(self, batch: pa.RecordBatch, tools: set[str]) -> Verdicts:
        seen = np.zeros(batch.num_rows, np.bool_)
        for row, text in enumerate(batch["text"].to_pylist()):
            seen[row] = text in tools
            tools.add(text)
        return first_failure(batch.num_rows, [Rule("seen", seen)])


OPENED = count()


class Moody(Size):
    """Depends on which worker it is."""

    def open(self) -> int:
        return next(OPENED)

    def map(self, batch: pa.RecordBatch, tools: int) -> pa.RecordBatch | Mapped:
        return batch.append_column("size", pc.add(characters(batch), pa.scalar(tools, pa.int32())))


class Untyped(Map):
    """Guesses its column's type from the values."""

    def adds(self) -> Mapping[str, pa.DataType]:
        return {"size": pa.int64()}

    def map(self, batch: pa.RecordBatch, tools: Any) -> pa.RecordBatch | Mapped:
        return batch.append_column("size", pa.array([len(text or "") for text in batch["text"].to_pylist()]))


@pytest.mark.parametrize(
    ("stage", "law"),
    [
        (NoHelp(), "description"),
        (BareField(), "description"),
        (Loose(), "description"),
        (NotFrozen(), "description"),
        (Zero(), "description"),
        (Forgetful(), "identity"),
        (Undeclared(), "declared columns"),
        (Wide(), "declared columns"),
        (Unsigned(), "declared columns"),
        (Misnamed(), "declared columns"),
        (NewId(), "declared columns"),
        (Missing(), "declared columns"),
        (Untyped(), "declared columns"),
        (Picky(), "unchanged columns"),
        (Shouting(), "unchanged columns"),
        (Greedy(), "needs"),
        (Peeking(), "needs"),
        (Losing(), "conservation"),
        (Both(), "conservation"),
        (Shrinking(), "rows"),
        (LongParents(), "parents"),
        (Backwards(), "parents"),
        (Outside(), "parents"),
        (Twins(), "derived rows"),
        (Splitting(), "cuts"),
        (Fragile(), "hostile texts"),
        (ShortOfVerdicts(), "verdicts"),
        (WrongType(), "verdicts"),
        (NoLimit(), "verdicts"),
        (Average(), "cuts"),
        (Remembering(), "cuts"),
        (Moody(), "determinism"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Stage) else "",
)
def test_a_breach_is_named(stage: Stage, law: str) -> None:
    with pytest.raises(AssertionError, match=f"{type(stage).__name__} breaks the law of {law}: "):
        check_stage(stage)


def test_an_exception_that_the_docstring_names_is_allowed() -> None:
    class Frank(Fragile):
        """Raises ZeroDivisionError on empty texts."""

    check_stage(Frank())
