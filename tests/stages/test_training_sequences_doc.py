"""The examples in docs/training_sequences.md work as they stand there, and its tables tell all there is."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from stages.pack import Pack
from stages.sequences import MASK, SEQUENCE
from stages.tokenize import Tokenize

PAGE = (Path(__file__).parents[2] / "docs" / "training_sequences.md").read_text("utf-8")
TEXTS = ["The mill stands where the river bends.", "Die Mühle", "says <|endoftext|>, and goes on"]


@pytest.fixture(scope="module")
def names() -> dict[str, Any]:
    """What the page's Python blocks define."""
    defined: dict[str, Any] = {}
    for block in re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL):
        exec(block, defined)
    return defined


@pytest.fixture(scope="module")
def row() -> dict[str, Any]:
    tokenize = Tokenize(tokenizer="cl100k")
    batch = tokenize.map(pa.record_batch({"id": ["a", "b", "c"], "text": TEXTS}), tokenize.open())
    pack = Pack(length=64, pad=0, loss_mask="starts", order="keep")
    ((row,),) = (one.rows.to_pylist() for one in pack.gather(iter([batch]), pack.open()))
    return row


def test_a_trainer_gets_labels_and_positions_that_begin_anew(names: dict[str, Any], row: dict[str, Any]) -> None:
    read = names["training_row"](row)

    starts = [span["start"] for span in row["doc_spans"]]
    assert read["cu_seqlens"].tolist() == [*starts, row["tokens"]]
    assert read["position_ids"][starts].tolist() == [0, 0, 0]
    assert read["position_ids"][: row["tokens"]].max() == max(row["seq_lens"]) - 1
    targets = np.flatnonzero(read["labels"] != -100) + 1
    assert targets.tolist() == [at for at in range(row["tokens"]) if at not in starts]
    assert read["labels"][targets - 1].tolist() == [row["input_ids"][at] for at in targets]
    whole = {name: value for name, value in row.items() if name != "loss_mask"}
    assert (names["training_row"](whole)["labels"] != -100).all()


def test_the_pieces_of_a_row_are_the_texts(names: dict[str, Any], row: dict[str, Any]) -> None:
    assert names["pieces"](row, "cl100k") == dict(zip("abc", TEXTS))


def test_the_page_names_every_column_and_every_measure() -> None:
    stage = Pack(how="buckets", smallest=4)
    batch = pa.record_batch({"id": ["a"], "input_ids": pa.array([[*range(256)]], pa.list_(pa.int32()))})
    (measures,) = [one.measures for one in stage.gather(iter([batch]), stage.open())]

    missing = [name for name in [*SEQUENCE.names, MASK.name, *measures] if f"`{name}`" not in PAGE]
    assert missing == []
