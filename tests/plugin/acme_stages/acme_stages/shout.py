"""Upper-cases texts, so that a test can see from afar that a stage of another package has run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from stages.stage import Map


class Shout(Map):
    """Upper-cases `text` and adds `shouted_letters`, how many letters that changed (int64)."""

    marks: str = "!"
    """What is put behind every text."""

    def adds(self) -> Mapping[str, pa.DataType]:
        return {"text": pa.string(), "shouted_letters": pa.int64()}

    def map(self, batch: pa.RecordBatch, tools: Any) -> pa.RecordBatch:
        text = batch["text"]
        lower = pc.cast(pc.count_substring_regex(text, r"\p{Ll}"), pa.int64())
        loud = pc.binary_join_element_wise(pc.utf8_upper(text), self.marks, "")
        rows = batch.set_column(batch.schema.get_field_index("text"), "text", loud)
        return rows.append_column("shouted_letters", lower)
