"""The demo pipeline on a small sample crawl: one digest on local, Ray and Spark."""

from __future__ import annotations

from pathlib import Path

import pytest

from jobs.engines.engine import Engine
from jobs.recipes import shipped_recipes
from jobs.run import run_plan
from jobs.sample import make_sample
from pipelines.compile import compile_pipeline

# Ray leaves the handles of its processes lying about.
pytestmark = pytest.mark.filterwarnings("ignore:subprocess .* is still running:ResourceWarning")

DIGESTS = ("digest", "ledger_digest", "content_digest")


@pytest.fixture(scope="module")
def crawl(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sample")
    make_sample(folder, village_pages=100, python_modules=4, report=lambda line: None)
    return folder / "crawl"


def test_the_demo_has_one_digest_on_all_engines(
    crawl: Path, ray_engine: Engine, spark_engine: Engine, tmp_path: Path
) -> None:
    found = []
    for engine in ("local", "ray", "spark"):
        settings = [f"vars.crawl={crawl}", f"vars.out={tmp_path / engine}"]
        overrides = {"engine": engine, "workers": 2, "memory": "2GB"}
        outcome = run_plan(compile_pipeline(shipped_recipes()["demo"], settings=settings, overrides=overrides))
        assert outcome.manifest is not None
        found.append([outcome.manifest[name] for name in DIGESTS])
    assert found[0] == found[1] == found[2]
