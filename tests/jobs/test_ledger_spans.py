"""Ledger rows of spans that were cut: what they say, however the spans lie."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from jobs.ledger import cut_rows
from stages.verdicts import Cuts

TEXTS = ["zero", "été à la mer", "", "end 🙂"]


@pytest.mark.parametrize(
    "spans",
    [
        [(0, 0, 4), (1, 0, 5), (1, 6, 8), (3, 4, 8)],
        [(1, 6, 8), (1, 0, 5), (0, 1, 2)],
        [(1, 0, 5), (1, 3, 8)],
        [(1, 1, 3), (3, 5, 6)],
        [(2, 0, 0), (3, 0, 8)],
    ],
    ids=["ascending", "descending", "overlapping", "within characters", "at the end"],
)
def test_a_cut_has_its_text_and_its_length(spans: list[tuple[int, int, int]]) -> None:
    row, start, end = (np.array(column) for column in zip(*spans))
    batch = pa.record_batch({"id": ["x", "a", "b", "c", "d"], "text": ["before", *TEXTS]}).slice(1)
    rows = cut_rows(batch, Cuts(row.astype(np.int32), start, end, pa.array(["rule"] * len(spans))), "step", "stage")
    told = [TEXTS[at].encode()[first:last].decode("utf-8", "replace") for at, first, last in spans]
    assert rows["excerpt"].to_pylist() == told
    assert rows["chars"].to_pylist() == [len(text) for text in told]
    assert rows["id"].to_pylist() == [batch["id"][at].as_py() for at, _, _ in spans]
