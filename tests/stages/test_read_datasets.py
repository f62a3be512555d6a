"""Folders in the manner of `datasets`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from stages.document import document_id
from stages.errors import PipelineError
from stages.read import Read, list_inputs, plan_splits, read_split, source_schema


def documents(read: Read) -> list[dict[str, Any]]:
    files = list_inputs(read)
    schema = source_schema(read, files)
    return [
        row
        for split in plan_splits(read, files)
        for chunk in read_split(read, "main", schema, split, batch_rows=2, batch_bytes=2**20)
        for row in chunk.rows.to_pylist()
    ]


def save(folder: Path, texts: list[str]) -> None:
    """What `Dataset.save_to_disk` leaves behind, with a stale file beside it."""
    folder.mkdir(parents=True)
    table = pa.table({"text": texts})
    for name in ("data-00000-of-00001.arrow", "cache-1.arrow"):
        with pa.OSFile(str(folder / name), "wb") as file, pa.ipc.new_stream(file, table.schema) as writer:
            writer.write_table(table, max_chunksize=3)
    (folder / "state.json").write_text(json.dumps({"_data_files": [{"filename": "data-00000-of-00001.arrow"}]}))
    (folder / "dataset_info.json").write_text("{}")


def hub(folder: Path, card: str, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(pa.table({"text": [name]}), folder / name)
    (folder / "README.md").write_text(card)


def test_a_saved_dataset_is_read_by_its_own_list_of_files(tmp_path: Path) -> None:
    save(tmp_path / "set", [f"text {at}" for at in range(8)])
    rows = documents(Read(paths=str(tmp_path / "set")))
    assert [row["text"] for row in rows] == [f"text {at}" for at in range(8)]
    assert rows[5]["id"] == document_id("main", "data-00000-of-00001.arrow", "5")


def test_several_splits_are_not_guessed_among(tmp_path: Path) -> None:
    save(tmp_path / "set/train", ["a"])
    save(tmp_path / "set/test", ["b"])
    (tmp_path / "set/dataset_dict.json").write_text('{"splits": ["train", "test"]}')
    with pytest.raises(PipelineError, match=r"splits train, test\n.*/set/train"):
        documents(Read(paths=str(tmp_path / "set")))
    assert [row["text"] for row in documents(Read(paths=str(tmp_path / "set/train")))] == ["a"]


def test_a_card_names_the_files_of_its_default_config(tmp_path: Path) -> None:
    card = """---
configs:
- config_name: default
  data_files: "x/*.parquet"
- config_name: other
  data_files: "y/*.parquet"
---
# Card
"""
    hub(tmp_path, card, "x/1.parquet", "x/2.parquet", "y/3.parquet")
    assert [row["text"] for row in documents(Read(paths=str(tmp_path)))] == ["x/1.parquet", "x/2.parquet"]


def test_a_card_with_splits_asks_for_one(tmp_path: Path) -> None:
    card = """---
configs:
- config_name: default
  data_files:
  - split: train
    path: train/*.parquet
  - split: test
    path: test/*.parquet
---
"""
    hub(tmp_path, card, "train/1.parquet", "test/2.parquet")
    with pytest.raises(PipelineError, match="splits test, train"):
        list_inputs(Read(paths=str(tmp_path)))
    assert len(documents(Read(paths=f"{tmp_path}/train/*.parquet"))) == 1


def test_without_configs_the_files_in_data_are_read(tmp_path: Path) -> None:
    hub(tmp_path, "---\nlicense: mit\n---\n", "data/train-00000-of-00001.parquet")
    assert len(documents(Read(paths=str(tmp_path)))) == 1
    hub(tmp_path, "---\nlicense: mit\n---\n", "data/test-00000-of-00001.parquet")
    with pytest.raises(PipelineError, match="splits test, train"):
        list_inputs(Read(paths=str(tmp_path)))


def test_an_arrow_file_cut_short_gives_what_comes_before(tmp_path: Path) -> None:
    save(tmp_path / "set", ["x" * 1000] * 9)
    path = tmp_path / "set/data-00000-of-00001.arrow"
    path.write_bytes(path.read_bytes()[:-1500])
    read = Read(paths=str(path))
    files = list_inputs(read)
    [split] = plan_splits(read, files)
    found = list(read_split(read, "main", source_schema(read, files), split, batch_rows=9, batch_bytes=2**20))
    assert sum(chunk.rows.num_rows for chunk in found) == 6
    [damaged] = [damage for chunk in found for damage in chunk.damaged]
    assert damaged.offset == 6
    assert damaged.cause.startswith("the Arrow stream cannot be decoded")
