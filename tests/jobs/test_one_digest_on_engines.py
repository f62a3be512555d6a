"""The law of the engines: one YAML, one input, one digest, also when one engine ends what another one began."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from jobs.engines.engine import Engine
from jobs.home import finished_manifest, open_store
from jobs.run import Outcome, RunSettings, run_plan
from jobs.verify import verify_run
from pipelines.compile import compile_pipeline
from tests.jobs.village_corpus import write_corpus, write_pipeline

# Ray leaves the handles of its processes lying about.
pytestmark = pytest.mark.filterwarnings("ignore:subprocess .* is still running:ResourceWarning")

DIGESTS = ("digest", "ledger_digest", "content_digest")
STEPS = (
    "filters.length: {min_words: 50}",
    "filters.gopher_quality: {min_words: 60}\n    where: \"url != 'http://village.example/1'\"",
    "dedup.exact",
    "dedup.minhash",
    "filters.length: {max_words: 280}",
)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_corpus(tmp_path_factory.mktemp("corpus"), count=150)


@pytest.fixture(scope="module")
def expected(corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The digests of an undisturbed run on this machine with one worker."""
    folder = tmp_path_factory.mktemp("one")
    return digests(run(pipeline_in(folder, corpus), "local", workers=1))


@pytest.fixture(params=["ray", "spark"])
def engine(request: pytest.FixtureRequest) -> str:
    """A cluster's engine that runs already."""
    request.getfixturevalue(f"{request.param}_engine")
    return str(request.param)


def pipeline_in(folder: Path, corpus: Path) -> Path:
    return write_pipeline(folder / "p.yaml", corpus, folder / "out", STEPS, split_size="15kB", shard_size="30kB")


def run(pipeline: Path, engine: str, until: str | None = None, workers: int = 2) -> Outcome:
    overrides = {"engine": engine, "workers": workers, "memory": "2GB"}
    return run_plan(compile_pipeline(pipeline, overrides=overrides), RunSettings(until=until))


def digests(outcome: Outcome) -> list[str]:
    assert outcome.manifest is not None
    return [outcome.manifest[name] for name in DIGESTS]


def assert_whole(home: Path) -> None:
    store = open_store(str(home))
    manifest = finished_manifest(store)
    assert manifest is not None
    assert [check for check in verify_run(store, manifest) if not check.held] == []


def test_two_workers_on_this_machine_give_the_digest(corpus: Path, expected: list[str], tmp_path: Path) -> None:
    assert digests(run(pipeline_in(tmp_path, corpus), "local")) == expected


def test_a_cluster_gives_the_digest(corpus: Path, expected: list[str], engine: str, tmp_path: Path) -> None:
    outcome = run(pipeline_in(tmp_path, corpus), engine)
    assert digests(outcome) == expected
    assert sum(flow["dropped"] for flow in outcome.manifest["flows"]) > 20  # type: ignore[index]
    assert_whole(tmp_path / "out")


def test_a_cluster_ends_what_was_killed_on_this_machine(
    corpus: Path, expected: list[str], engine: str, tmp_path: Path
) -> None:
    pipeline = pipeline_in(tmp_path, corpus)
    crash = [sys.executable, "-m", "tests.jobs.crashing_store", str(pipeline), str(tmp_path / "count"), "24"]
    assert subprocess.run(crash, start_new_session=True, check=False).returncode == -signal.SIGKILL
    receipts = list((tmp_path / "out/_textmill/steps").glob("00-*/receipts/*.json"))
    assert receipts
    outcome = run(pipeline, engine)
    assert digests(outcome) == expected
    assert_whole(tmp_path / "out")


def test_this_machine_ends_what_a_cluster_began(corpus: Path, expected: list[str], engine: str, tmp_path: Path) -> None:
    pipeline = pipeline_in(tmp_path, corpus)
    begun = run(pipeline, engine, until="exact")
    ended = run(pipeline, "local")
    assert ended.reused == begun.made
    assert digests(ended) == expected


def test_one_cluster_ends_what_the_other_began(
    corpus: Path, expected: list[str], ray_engine: Engine, spark_engine: Engine, tmp_path: Path
) -> None:
    pipeline = pipeline_in(tmp_path, corpus)
    run(pipeline, "ray", until="0")
    run(pipeline, "spark", until="exact")
    assert digests(run(pipeline, "ray")) == expected


def test_a_run_starts_and_ends_a_ray_of_its_own(corpus: Path, expected: list[str], tmp_path: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("RAY_")}
    environment["HOME"] = str(tmp_path / "home")
    command = [sys.executable, "-m", "textmill", "run", str(pipeline_in(tmp_path, corpus)), "--engine", "ray"]
    done = subprocess.run(
        [*command, "--workers", "2", "--memory", "2GB"], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert f"digest          {expected[0]}" in done.stdout
    assert len(done.stderr.splitlines()) < 20
    assert not (tmp_path / "home/.ray").exists()
    assert not list((tmp_path / "out/_textmill").glob("scratch-*"))


def test_a_cluster_without_its_extra_is_refused_with_the_extras_name(corpus: Path, tmp_path: Path) -> None:
    hidden = (
        "import sys, importlib.util as u; f=u.find_spec; u.find_spec=lambda n, *a: None if n == 'ray' else f(n, *a)\n"
    )
    code = f"{hidden}from jobs.cli import run_command_line as r; sys.exit(r(['run', 'p.yaml', '--engine', 'ray']))"
    pipeline_in(tmp_path, corpus)
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert 'mend: pip install "textmill[ray]"' in done.stderr
    assert not (tmp_path / "out").exists()


def test_spark_without_java_is_refused_with_the_mend(
    corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JAVA_HOME", str(tmp_path / "nowhere"))
    with pytest.raises(Exception, match=r"spark needs Java, and there is none\n    mend: install Java 17"):
        run(pipeline_in(tmp_path, corpus), "spark")


def test_the_engine_is_in_no_fingerprint(corpus: Path, tmp_path: Path) -> None:
    def fingerprint(engine: Any) -> str:
        return compile_pipeline(pipeline_in(tmp_path, corpus), overrides={"engine": engine}).fingerprint

    assert fingerprint("local") == fingerprint("ray") == fingerprint("spark")
