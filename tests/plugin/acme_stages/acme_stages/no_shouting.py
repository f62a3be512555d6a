"""Drops texts that shout already."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from stages.fields import Share
from stages.stage import Filter
from stages.verdicts import Rule, Verdicts, first_failure


class NoShouting(Filter):
    """Drops documents in which too many letters are capitals."""

    max_capitals: Share = 0.5
    """The share of capitals among all letters above which a text shouts."""

    def judge(self, batch: pa.RecordBatch, tools: Any) -> Verdicts:
        capitals, letters = (
            pc.count_substring_regex(batch["text"], pattern).to_numpy(zero_copy_only=False).astype(np.float64)
            for pattern in (r"\p{Lu}", r"\p{L}")
        )
        share = capitals / np.maximum(letters, 1)
        return first_failure(batch.num_rows, [Rule("capitals", share > self.max_capitals, share, self.max_capitals)])
