"""Runs handed to real clusters on this machine: a Ray head with its job server, a Spark master with a worker."""

from __future__ import annotations

import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest

from jobs.engines.packages import PACKAGES, write_zip
from jobs.home import finished_manifest, open_store
from jobs.run import run_plan
from jobs.submit.order import make_order
from jobs.submit.ray_jobs import ray_address
from jobs.submit.spark_jobs import SparkJob, spark_job, start_job
from pipelines.compile import compile_pipeline
from tests.jobs.clusters import BIN, Cluster, spark_master
from tests.jobs.village_corpus import write_corpus, write_pipeline

DIGESTS = ("digest", "ledger_digest", "content_digest")
STEPS = ("filters.length: {min_words: 50}", "dedup.exact", "dedup.minhash")


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_corpus(tmp_path_factory.mktemp("corpus"), count=100)


@pytest.fixture(scope="module")
def expected(corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The digests of the run on this machine."""
    outcome = run_plan(compile_pipeline(pipeline_in(tmp_path_factory.mktemp("here"), corpus), overrides={"workers": 1}))
    assert outcome.manifest is not None
    return [outcome.manifest[name] for name in DIGESTS]


def pipeline_in(folder: Path, corpus: Path, to: str = "") -> Path:
    return write_pipeline(folder / "p.yaml", corpus, Path(to) if to else folder / "out", STEPS, "20kB", "60kB")


def textmill(folder: Path, environment: dict[str, str] | None, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [str(BIN / "textmill"), *arguments]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def digests_in(home: Path) -> list[str]:
    manifest = finished_manifest(open_store(str(home)))
    assert manifest is not None
    return [manifest[name] for name in DIGESTS]


def test_a_ray_cluster_gives_the_digest(
    ray_cluster: Cluster, corpus: Path, expected: list[str], tmp_path: Path
) -> None:
    """The output is named relative to the submitter's directory, and by a setting that is handed through."""
    pipeline_in(tmp_path, corpus, to="elsewhere")
    cluster, folder = ray_cluster, tmp_path
    submit = ("submit", "p.yaml", "--to", "ray", "--address", cluster.address, "--set", "write.to=out")
    done = textmill(folder, cluster.environment, *submit)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "code sha256 " in done.stderr
    assert ": SUCCEEDED" in done.stderr
    assert f"digest          {expected[0]}" in done.stdout
    assert digests_in(folder / "out") == expected
    assert done.stderr.startswith("submitted raysubmit_")
    job = done.stderr.split()[1]
    listed = textmill(folder, cluster.environment, "jobs", "--address", cluster.address).stdout
    assert job in listed
    assert "SUCCEEDED" in listed
    shown = textmill(folder, cluster.environment, "jobs", job, "--address", cluster.address).stdout
    assert expected[0] in shown


def test_a_job_that_fails_is_told_of_later(ray_cluster: Cluster, corpus: Path, tmp_path: Path) -> None:
    write_pipeline(tmp_path / "p.yaml", corpus, tmp_path / "out", ["filters.length: {min_words: 5000}"], "1MB", "1MB")
    cluster, folder = ray_cluster, tmp_path
    submit = ("submit", "p.yaml", "--to", "ray", "--address", cluster.address, "--no-wait")
    begun = textmill(folder, cluster.environment, *submit)
    assert begun.returncode == 0, begun.stderr
    job = begun.stdout.strip()
    end = time.monotonic() + 120
    shown = ""
    while "FAILED" not in shown and time.monotonic() < end:
        time.sleep(2)
        shown = textmill(folder, cluster.environment, "jobs", job, "--address", cluster.address).stdout
    assert "everything was dropped" in shown


def test_a_wrong_token_is_told_with_its_mend(ray_cluster: Cluster, tmp_path: Path) -> None:
    stranger = {**ray_cluster.environment, "RAY_AUTH_TOKEN": "0" * 64}
    refused = textmill(tmp_path, stranger, "jobs", "--address", ray_cluster.address)
    assert refused.returncode == 1
    assert "mend: set RAY_AUTH_MODE=token" in refused.stderr


def test_a_spark_cluster_gives_the_digest(corpus: Path, expected: list[str], tmp_path: Path) -> None:
    pipeline_in(tmp_path, corpus, to="elsewhere")
    with spark_master(tmp_path / "spark") as cluster:
        submit = ["submit", "p.yaml", "--to", "spark", "--address", cluster.address, "--set", "write.to=out"]
        submit += ["--workers", "2", "--conf", "spark.executor.memory=512m", "--conf", "spark.driver.memory=512m"]
        done = textmill(tmp_path, cluster.environment, *submit)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"digest          {expected[0]}" in done.stdout
    assert ": SUCCEEDED" in done.stderr
    assert digests_in(tmp_path / "out") == expected
    assert "at org.apache" not in done.stderr


def test_a_job_server_that_is_not_there_is_told_with_its_mend(corpus: Path, tmp_path: Path) -> None:
    pipeline_in(tmp_path, corpus)
    done = textmill(tmp_path, None, "submit", "p.yaml", "--to", "ray", "--address", "http://127.0.0.1:9")
    assert done.returncode == 1
    assert "http://127.0.0.1:9: no job server answers there\n    mend: start one" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--to", "slurm"), "give ray or spark"),
        (("--to", "ray", "--conf", "a=b"), "only Spark takes such settings"),
        (("--to", "ray", "--set", "nonsense=1"), "nonsense"),
    ],
)
def test_what_cannot_run_is_refused_before_it_travels(
    corpus: Path, tmp_path: Path, arguments: tuple[str, ...], told: str
) -> None:
    pipeline_in(tmp_path, corpus)
    done = textmill(tmp_path, None, "submit", "p.yaml", *arguments)
    assert done.returncode == 2
    assert told in done.stderr


def test_a_jobs_arguments_are_those_of_the_submission(corpus: Path, tmp_path: Path) -> None:
    pipeline = pipeline_in(tmp_path, corpus)
    order = make_order(str(pipeline), "spark", ["seed=3"], 5, 4, "--replace")
    assert order.arguments == (
        *("run", str(pipeline), "--engine", "spark", "--set", "seed=3"),
        *("--limit", "5", "--workers", "4", "--replace"),
    )
    command = spark_job(order, "spark://head:7077", 4, ["a.b=c"]).command
    assert command[command.index("--master") + 1] == "spark://head:7077"
    assert {"spark.cores.max=4", "a.b=c"} <= set(command)
    assert command[-len(order.arguments) :] == order.arguments


def test_a_job_nobody_waits_for_writes_its_log(tmp_path: Path) -> None:
    job = SparkJob("textmill-1", tmp_path, "", (sys.executable, "-c", "import os; print('said in', os.getcwd())"))
    start_job(job, str(tmp_path))
    end = time.monotonic() + 60
    while not (job.log.exists() and job.log.read_text().endswith("\n")) and time.monotonic() < end:
        time.sleep(0.05)
    assert job.log.read_text() == f"said in {tmp_path}\n"


def test_the_job_servers_address_is_the_given_one_else_the_environments(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RAY_API_SERVER_ADDRESS", raising=False)
    monkeypatch.setenv("RAY_ADDRESS", "10.0.0.5:6379")
    assert ray_address(None) == "http://127.0.0.1:8265"
    monkeypatch.setenv("RAY_ADDRESS", "http://head:8265")
    assert ray_address(None) == "http://head:8265"
    monkeypatch.setenv("RAY_API_SERVER_ADDRESS", "http://other:8265")
    assert ray_address(None) == "http://other:8265"
    assert ray_address("http://named:1") == "http://named:1"


def test_the_zip_of_our_code_is_whole_and_always_the_same(tmp_path: Path) -> None:
    first, second = write_zip(tmp_path / "a.zip"), write_zip(tmp_path / "b.zip")
    assert first == second
    names = zipfile.ZipFile(tmp_path / "a.zip").namelist()
    assert {f"{package}/__init__.py" for package in PACKAGES} | {"textmill.py", "pipelines/demo.yaml"} <= set(names)
    assert not [name for name in names if "__pycache__" in name]
    code = "import textmill, stages.load; print(len(stages.load.known_stages()), stages.__file__)"
    environment = {"PYTHONPATH": str(tmp_path / "a.zip"), "HOME": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert str(tmp_path / "a.zip") in done.stdout, done.stderr
