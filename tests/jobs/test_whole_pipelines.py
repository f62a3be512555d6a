"""Whole pipelines on a village crawl: the shipped recipes and the full form with streams and several outputs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from jobs.commands.explain import tell
from jobs.home import open_store
from jobs.recipes import shipped_recipes
from jobs.run import run_plan
from jobs.sample import make_sample
from jobs.verify import verify_run
from jobs.way import find_ways
from pipelines.compile import compile_pipeline
from tests.jobs.village_corpus import write_corpus

DIGESTS = ("digest", "ledger_digest", "content_digest")
FULL = """
textmill: 1
name: full
seed: 7
vars: {{out: "{out}"}}
sources:
  crawl: {{stages.read: {{paths: "{crawl}"}}}}
  corpus: {{stages.read: {{paths: "{corpus}/*.jsonl", split_size: 40kB}}}}
streams:
  pages:
    from: crawl
    steps: [stages.extract, stages.language]
  texts:
    from: corpus
    steps:
      - filters.length: {{min_words: 50}}
        name: short
        checkpoint: true
      - filters.gopher_quality: {{mode: tag}}
  all:
    from: [pages, texts]
    steps:
      - dedup.exact
      - dedup.minhash:
        where: "language is None or language == 'eng_Latn'"
      - filters.length: {{max_words: 5000}}
write:
  documents: {{from: all, to: "${{vars.out}}/documents", holdout: 5%, shard_size: 200kB}}
  pages: {{from: pages, to: "${{vars.out}}/pages"}}
"""


@pytest.fixture(scope="module")
def crawl(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sample")
    make_sample(folder, village_pages=100, python_docs=False, report=lambda line: None)
    return folder / "crawl"


def run(file: Path, settings: list[str], **overrides: Any) -> dict[str, Any]:
    outcome = run_plan(compile_pipeline(file, settings=settings, overrides=overrides))
    assert outcome.manifest is not None
    return dict(outcome.manifest)


def run_recipe(recipe: str, crawl: Path, out: Path, corpus: Path, *more: str, **overrides: Any) -> dict[str, Any]:
    inputs: dict[str, Path] = {"crawl": crawl}
    if recipe == "examples":
        inputs = {"good": crawl / "village-workshop.*", "other": crawl / "village-forum.*"}
    elif recipe in ("quick", "gopher"):
        inputs = {"documents": write_corpus(corpus) / "*"}
    settings = [*(f"vars.{name}={path}" for name, path in inputs.items()), f"vars.out={out}", *more]
    return run(shipped_recipes()[recipe], settings, **overrides)


# These three need models or limits; test_whole_way.py, test_fineweb2.py and test_gneissweb.py make them.
@pytest.mark.parametrize("recipe", sorted(set(shipped_recipes()) - {"full", "fineweb2", "gneissweb"}))
def test_every_shipped_recipe_has_one_digest_and_verifies(recipe: str, crawl: Path, tmp_path: Path) -> None:
    first = run_recipe(recipe, crawl, tmp_path / "first", tmp_path / "corpus", workers=1)
    second = run_recipe(recipe, crawl, tmp_path / "second", tmp_path / "corpus", "run.batch_rows=53", workers=2)
    assert [first[name] for name in DIGESTS] == [second[name] for name in DIGESTS]
    assert [check for check in verify_run(open_store(str(tmp_path / "first")), first) if not check.held] == []


def test_the_full_form_has_one_digest_over_streams_and_outputs(crawl: Path, tmp_path: Path) -> None:
    corpus = write_corpus(tmp_path / "corpus")
    digests = []
    for workers in (1, 2):
        out = tmp_path / str(workers)
        file = tmp_path / f"{workers}.yaml"
        file.write_text(FULL.format(out=out, crawl=crawl, corpus=corpus))
        manifest = run(file, [], workers=workers)
        digests.append([manifest[name] for name in DIGESTS])
        assert [check for check in verify_run(open_store(str(out)), manifest) if not check.held] == []
    assert digests[0] == digests[1]
    documents = pq.read_table(tmp_path / "1/documents/data")
    assert {"gopher_quality_rule", "cluster_id", "html_language"} <= set(documents.column_names)
    assert len(set(documents["id"].to_pylist())) == documents.num_rows


def test_verify_tells_when_bytes_or_records_of_an_input_are_missing_from_the_books(tmp_path: Path) -> None:
    manifest = run_recipe("quick", tmp_path, tmp_path / "out", tmp_path / "corpus", workers=1)
    store = open_store(str(tmp_path / "out"))
    counts = next(iter(manifest["reading"]["main"].values()))
    for key, told in (("extent", "bytes of part0.jsonl were read"), ("read", "records of main were read")):
        counts[key] -= 1
        assert [told in check.told for check in verify_run(store, manifest) if not check.held] == [True]
        counts[key] += 1
    assert all(check.held for check in verify_run(store, manifest))


def test_the_way_of_every_document_can_be_told(crawl: Path, tmp_path: Path) -> None:
    manifest = run_recipe("demo", crawl, tmp_path / "out", tmp_path / "corpus", workers=1)
    store = open_store(str(tmp_path / "out"))
    rows = pa.concat_tables(pq.read_table(tmp_path / "out" / entry["name"]) for entry in manifest["ledger"]).to_pylist()
    by_rule = {row["rule"]: row for row in rows}
    for rule in ("near_duplicate", "exact_duplicate", "opt_out", "http_status", "error:damaged_input"):
        [way] = find_ways(store, manifest, "id", by_rule[rule]["id"])
        told = "\n".join(tell(way, manifest))
        assert f"by {rule}" in told
        assert "kept:" not in told
    twin = by_rule["near_duplicate"]["twin_id"]
    [kept] = find_ways(store, manifest, "id", twin)
    assert kept.shards
    assert f"stands for {by_rule['near_duplicate']['id']}" in "\n".join(tell(kept, manifest))
