"""A stage that makes numbers of texts, as a tokenizer does, for tests of what reads such shards."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from stages.stage import Map


class Letters(Map):
    """Adds `input_ids` (list<int32>): the code point of every character."""

    def adds(self) -> dict[str, pa.DataType]:
        return {"input_ids": pa.list_(pa.int32())}

    def removes(self) -> tuple[str, ...]:
        return ("text",)

    def map(self, batch: pa.RecordBatch, tools: Any) -> pa.RecordBatch:
        numbers = [[ord(character) for character in text] for text in batch["text"].to_pylist()]
        batch = batch.drop_columns(["text"])
        return batch.append_column("input_ids", pa.array(numbers, pa.list_(pa.int32())))
