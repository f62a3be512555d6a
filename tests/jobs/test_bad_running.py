"""What goes wrong while a run is at work, and around it, is told as what it is, and no document is blamed for it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tests.jobs.refusals import done, failed
from tests.jobs.village_corpus import write_corpus, write_pipeline

Capture = pytest.CaptureFixture[str]
HOME = Path(__file__).resolve().parents[2]


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    shutil.copy(Path(__file__).with_name("faulty_stages.py"), tmp_path / "faulty_stages.py")
    return write_corpus(tmp_path / "corpus", count=20, files=2)


def pipeline_of(corpus: Path, step: str) -> Path:
    folder = corpus.parent
    return write_pipeline(folder / "p.yaml", corpus, folder / "out", [f"./faulty_stages.py:{step}"])


@pytest.mark.parametrize(
    ("step", "what"),
    [
        ("Faulty: {fault: file}", "raised FileNotFoundError: [Errno 2] No such file or directory: '/nowhere/list.txt'"),
        ("Faulty: {fault: package}", "raised ModuleNotFoundError: No module named 'a_package_that_is_nowhere'"),
        ("Faulty: {fault: exit}", "raised SystemExit: 4"),
        ("Unopened", "raised ValueError: the list has no entries"),
        ("Helpless", "raised KeyError: 'no documents like these'"),
    ],
)
def test_a_stage_at_odds_with_the_machine_fails_the_run_and_no_document(
    corpus: Path, capsys: Capture, step: str, what: str
) -> None:
    message = failed(capsys, "run", pipeline_of(corpus, step), "--workers", 1)
    assert f"p.yaml:5: faulty_stages.py:{step.partition(':')[0]} {what}" in message
    assert "faulty_stages.py, line " in message
    ledger = (corpus.parent / "out").rglob("ledger/*/*.parquet")
    assert {rule for file in ledger for rule in pq.read_table(file)["rule"].to_pylist()} <= {"error:damaged_input"}
    assert not (corpus.parent / "out/data").exists()


def test_a_worker_without_memory_says_what_to_lower(corpus: Path, capsys: Capture) -> None:
    message = failed(capsys, "run", pipeline_of(corpus, "Faulty: {fault: memory}"), "--workers", 1)
    assert "a worker ran out of memory" in message
    assert "lower --workers" in message


def test_after_the_stage_is_mended_the_same_command_goes_on(corpus: Path, capsys: Capture) -> None:
    pipeline = pipeline_of(corpus, "Unopened")
    failed(capsys, "run", pipeline, "--workers", 1)
    code = corpus.parent / "faulty_stages.py"
    code.write_text(code.read_text().replace('raise ValueError("the list has no entries")', "return None"))
    done("run", pipeline, "--workers", 1)


@pytest.mark.parametrize("act", ["grow", "shrink", "delete"])
def test_an_input_that_changes_while_it_is_read_is_told(corpus: Path, capsys: Capture, act: str) -> None:
    victim = corpus / "part1.jsonl"
    pipeline = pipeline_of(corpus, f"Meddler: {{file: '{victim}', act: {act}}}")
    message = failed(capsys, "run", pipeline, "--workers", 1)
    assert f"{victim}: the input changed while it was read" in message
    assert not (corpus.parent / "out/data").exists()
    pipeline = write_pipeline(pipeline, corpus, corpus.parent / "out", ["filters.length: {min_words: 5}"])
    done("run", pipeline, "--workers", 1)


def textmill(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "textmill", *arguments],
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(HOME), **environment},
    )


def test_a_package_of_the_users_that_hides_one_of_ours_is_refused(tmp_path: Path) -> None:
    (tmp_path / "filters").mkdir()
    (tmp_path / "filters/__init__.py").touch()
    answer = textmill(tmp_path, "--help")
    assert answer.returncode == 2
    assert answer.stderr.startswith("refused: textmill's package 'filters' was found at")
    assert "mend: rename it, or start textmill from another directory" in answer.stderr
    assert "Traceback" not in answer.stderr


def test_workers_use_our_packages_wherever_the_run_is_started(corpus: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pipeline = write_pipeline(
        corpus.parent / "p.yaml", corpus, corpus.parent / "out", ["filters.length: {min_words: 5}"]
    )
    for name in ("jobs", "filters"):
        (corpus / name).mkdir()
        (corpus / name / "__init__.py").write_text("raise RuntimeError('not ours')")
    monkeypatch.chdir(corpus)
    monkeypatch.setattr(sys, "path", [path for path in sys.path if path])
    done("run", pipeline, "--workers", 1)


def test_a_run_needs_neither_home_nor_temporary_folder(corpus: Path) -> None:
    pipeline = write_pipeline(
        corpus.parent / "p.yaml", corpus, corpus.parent / "out", ["filters.gopher_quality", "dedup.exact"]
    )
    sealed = "/proc/nowhere"
    environment = {"HOME": sealed, "TMPDIR": sealed, "XDG_CACHE_HOME": sealed}
    answer = textmill(corpus.parent, "run", str(pipeline), "--workers", "1", **environment)
    assert answer.returncode == 0, answer.stderr


def test_a_reader_of_the_output_who_leaves_causes_no_traceback(corpus: Path) -> None:
    command = [sys.executable, "-m", "textmill", "stages"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=HOME)
    assert process.stdout is not None
    process.stdout.close()
    assert process.stderr is not None
    assert "Traceback" not in process.stderr.read()
    process.stderr.close()
    process.wait()
