"""The dataset card is loadable by `datasets`, and never lets it mistake one run for another."""

from __future__ import annotations

from typing import Any

import yaml

from jobs.card import dataset_card


def header(digest: str) -> dict[str, Any]:
    shard = {"split": "train", "rows": 1}
    manifest = {"name": "letters", "textmill": "0.1.0", "sources": {}, "steps": [], "flows": []}
    card = dataset_card(manifest, {"shards": [shard, shard], "digest": digest})
    loaded: dict[str, Any] = yaml.safe_load(card.split("---\n")[1])
    return loaded


def test_the_card_names_the_files_of_every_split() -> None:
    assert header("aa")["configs"][0]["data_files"] == [{"split": "train", "path": "data/train-*.parquet"}]


def test_other_shards_are_another_configuration_for_caches() -> None:
    assert header("aa")["configs"] != header("bb")["configs"]
