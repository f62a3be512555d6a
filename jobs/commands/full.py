"""`textmill demo --full`: the whole way on a sample crawl, from pages to packed sequences, with real models."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import pyarrow.compute as pc

from jobs.card import measures_rows
from jobs.commands.run import run_command
from jobs.commands.train import train_fasttext_command
from jobs.home import data_name, open_store
from jobs.offer import command_line
from jobs.parquet import read_parquet
from jobs.recipes import shipped_recipes
from jobs.refusal import store_errors
from jobs.run import RunSettings
from jobs.sample import make_sample
from jobs.table import text_table
from jobs.train.fasttext import MODEL
from stages.errors import StageError

SMALL: Final = {"dim": 32, "bucket": 100_000}
"""fastText's parameters for a sample of some hundred documents: a model of 13 MB."""


def full_command(directory: Path, workers: int | None) -> None:
    """Sample, train a classifier, run the recipe `full`, and say where to look."""
    sample, examples, model, out = (directory.absolute() / name for name in ("sample", "examples", "model", "out"))
    with store_errors(str(sample), "make the sample"):
        make_sample(sample, report=print)
    overrides = {} if workers is None else {"workers": workers}
    print("\nexamples to learn from: documentation, and the pages of the village")
    _run("examples", overrides, good=sample / "crawl/python-docs.*", other=sample / "crawl/village-*", out=examples)
    if not (model / MODEL).exists():
        _train(model, examples)
    print("\nthe whole way")
    manifest = _run("full", overrides, crawl=sample / "crawl", classifier=model / MODEL, out=out)
    print()
    print(text_table(["step", "measured", "count"], measures_rows(manifest), right=(2,)))
    parent = _rewritten(out, manifest)
    print("\na page, its rewritten child, and where they are packed:")
    print(f"    {command_line('explain', out, '--id', parent)}")


def _run(recipe: str, overrides: Mapping[str, Any], **variables: Path) -> Mapping[str, Any]:
    settings = [f"vars.{name}={path}" for name, path in variables.items()]
    path = str(shipped_recipes()[recipe])
    outcome = run_command(path, settings, None, overrides, RunSettings(replace=True))
    assert outcome.manifest is not None
    return outcome.manifest


def _train(to: Path, examples: Path) -> None:
    sides = tuple([f"{examples / side}/data/*.parquet"] for side in ("good", "other"))
    train_fasttext_command(to, [], (None, "label", None), None, [], (sides[0], sides[1]), "20%", SMALL)


def _rewritten(out: Path, manifest: Mapping[str, Any]) -> str:
    """The first document of the shards that a rewrite was made from."""
    store = open_store(str(out))
    for output in manifest["outputs"]:
        for shard in output["shards"] if output["name"] == "documents" else []:
            table = read_parquet(store, data_name(output["folder"], shard["as"]), ["parent_id", "style"])
            parents = table["parent_id"].filter(pc.is_valid(table["style"]))
            if len(parents):
                return str(parents[0])
    raise StageError("no rewrite came through\n    mend: the ledger says why: textmill inspect shows where it lies")
