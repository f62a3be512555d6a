"""The recipe `full` on a small sample crawl with a real language model: pages to packed sequences, on all engines."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import fasttext_new
import pyarrow.parquet as pq
import pytest

from jobs.commands.explain import tell
from jobs.engines.engine import Engine
from jobs.home import finished_manifest, open_store
from jobs.recipes import shipped_recipes
from jobs.run import run_plan
from jobs.sample import make_sample
from jobs.verify import verify_run
from jobs.way import find_ways
from pipelines.compile import compile_pipeline

# Ray leaves the handles of its processes lying about.
pytestmark = pytest.mark.filterwarnings("ignore:subprocess .* is still running:ResourceWarning")

DIGESTS = ("digest", "ledger_digest", "content_digest")
REPLIES = "_textmill/replies"


@pytest.fixture(scope="module")
def material(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a crawl and a classifier."""
    folder = tmp_path_factory.mktemp("material")
    make_sample(folder, village_pages=100, python_modules=4, report=lambda line: None)
    lines = ["__label__positive class method returns the value of an object\n", "__label__negative the village shop\n"]
    (folder / "train.txt").write_text("".join(lines * 10))
    model = fasttext_new.train_supervised(input=str(folder / "train.txt"), dim=8, bucket=500, thread=1, verbose=0)
    model.save_model(str(folder / "model.bin"))
    return folder


@pytest.fixture(scope="module")
def first(material: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run in which the model is asked."""
    home = tmp_path_factory.mktemp("first") / "out"
    run(material, home, workers=1)
    return home


def run(material: Path, home: Path, **overrides: Any) -> Mapping[str, Any]:
    """Run the recipe, with few and short answers; the manifest."""
    settings = [f"vars.crawl={material / 'crawl'}", f"vars.classifier={material / 'model.bin'}", f"vars.out={home}"]
    settings += ["vars.rewrites=2", "streams.rewritten.steps.rewrite.rephrase.sampling.max_tokens=40"]
    settings += ["streams.questions.steps.rewrite.instruct.sampling.max_tokens=60"]
    # The toy classifier has no opinion of a village's pages.
    settings += ["streams.rewritten.steps.filters.expression.keep=language == 'eng_Latn' and len(text) < 900"]
    # Answers this short are much shorter than their documents, and few pairs are whole: neither is what is tested here.
    settings += ["streams.rewritten.steps.rewrite.rephrase.verify={min_length_ratio: 0.01}"]
    settings += ["streams.training.steps.stages.mix.weights={raw: 99.9%, rewritten: 0.1%}"]
    plan = compile_pipeline(shipped_recipes()["full"], settings=settings, overrides={"memory": "3GB", **overrides})
    manifest = run_plan(plan).manifest
    assert manifest is not None
    return manifest


def finished(home: Path) -> Mapping[str, Any]:
    manifest = finished_manifest(open_store(str(home)))
    assert manifest is not None
    return manifest


@pytest.mark.parametrize(("engine", "workers"), [("local", 2), ("ray", 2), ("spark", 2)])
def test_from_its_replies_it_has_one_digest_on_all_engines(
    material: Path,
    first: Path,
    engine: str,
    workers: int,
    ray_engine: Engine,
    spark_engine: Engine,
    tmp_path: Path,
) -> None:
    shutil.copytree(first / REPLIES, tmp_path / "out" / REPLIES)

    manifest = run(material, tmp_path / "out", engine=engine, workers=workers)

    assert [manifest[name] for name in DIGESTS] == [finished(first)[name] for name in DIGESTS]
    stored = [sum(file.stat().st_size for file in (home / REPLIES).rglob("*")) for home in (first, tmp_path / "out")]
    assert stored[0] == stored[1]  # nothing was asked again


def test_all_is_accounted_for_across_new_documents(first: Path) -> None:
    manifest = finished(first)

    checks = verify_run(open_store(str(first)), manifest)

    assert [check.told for check in checks if not check.held] == []
    flows = {flow["stage"]: flow for flow in manifest["flows"]}
    rewritten = flows["rewritten/rewrite.rephrase"]
    assert rewritten["in"] == rewritten["kept"] + rewritten["dropped"] + rewritten["failed"]
    assert rewritten["out"] == rewritten["kept"] + rewritten["children"] - rewritten["replaced"]
    assert flows["training/stages.pack"]["out"] == flows["sequences/stages.write"]["out"]


def test_explain_follows_a_page_to_its_rewritten_child_and_into_a_sequence(first: Path) -> None:
    manifest, store = finished(first), open_store(str(first))
    rows = pq.read_table(first / "documents/data", columns=["id", "parent_id", "style"]).to_pylist()
    child = next(row for row in rows if row["style"])

    [parent_way] = find_ways(store, manifest, "id", child["parent_id"])
    [child_way] = find_ways(store, manifest, "id", child["id"])

    assert f"parent of {child['id']}" in "\n".join(tell(parent_way, manifest))
    told = "\n".join(tell(child_way, manifest))
    assert f"child of  {child['parent_id']}" in told
    piece = child_way.pieces[0]
    assert f"packed: {piece.shard}, row {piece.row}, positions {piece.start:,} to {piece.end:,}" in told
    sequence = pq.read_table(first / piece.shard).slice(piece.row, 1).to_pylist()[0]
    at = sequence["doc_ids"].index(child["id"])
    assert sequence["doc_spans"][at] == {"start": piece.start, "end": piece.end}
