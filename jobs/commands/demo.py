"""`textmill demo` and `textmill sample`: a real crawl made on the spot, the main job on it, and what to look at."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from jobs.commands.run import run_command
from jobs.home import data_name, open_store
from jobs.offer import command_line
from jobs.parquet import read_parquet
from jobs.recipes import shipped_recipes
from jobs.refusal import store_errors
from jobs.run import RunSettings
from jobs.sample import check_truth, make_sample
from jobs.table import text_table
from stages.errors import StageError


def sample_command(directory: Path, seed: int, pages: int | None) -> None:
    """Make the sample crawl and say what is in it."""
    options: dict[str, Any] = {} if pages is None else {"village_pages": pages}
    with store_errors(str(directory), "make the sample"):
        make_sample(directory, seed=seed, report=print, **options)
    print(f"next:\n    {command_line('init', directory / 'crawl', '--to', 'pipeline.yaml')}")


def demo_command(directory: Path, workers: int | None) -> None:
    """Sample, run, and compare what the run found with what was planted."""
    sample, out = directory / "sample", directory / "out"
    with store_errors(str(sample), "make the sample"):
        make_sample(sample, report=print)
    print()
    settings = [f"vars.crawl={sample / 'crawl'}", f"vars.out={out}"]
    overrides = {} if workers is None else {"workers": workers}
    outcome = run_command(str(shipped_recipes()["demo"]), settings, None, overrides, RunSettings(replace=True))
    assert outcome.manifest is not None
    print()
    found = check_truth(sample / "truth.jsonl", _kept_urls(out, outcome.manifest), _ledger(out, outcome.manifest))
    print("what was planted in the village, and what the run found:")
    rows = [[line.kind, str(line.planted), str(line.found), ", ".join(line.missing[:2])] for line in found]
    print(text_table(["planted", "pages", "found", "not found"], rows, right=(1, 2)))
    missing = [line for line in found if line.missing]
    if missing:
        raise StageError(f"the run did not find all that was planted: {missing[0].kind}, {missing[0].missing[0]}")


def _kept_urls(home: Path, manifest: Mapping[str, Any]) -> set[str]:
    store = open_store(str(home))
    names = [data_name(output["folder"], shard["as"]) for output in manifest["outputs"] for shard in output["shards"]]
    return {url for name in names for url in read_parquet(store, name, ["url"])["url"].to_pylist() if url}


def _ledger(home: Path, manifest: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    store = open_store(str(home))
    for entry in manifest["ledger"]:
        yield from read_parquet(store, entry["name"]).to_pylist()
