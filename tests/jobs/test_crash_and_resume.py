"""A run may be killed anywhere: the same command then gives the same bytes, and verify finds nothing wrong."""

from __future__ import annotations

import functools
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import orjson
import pytest

from jobs.home import finished_manifest, open_store
from jobs.run import RunSettings, run_plan
from jobs.store import LocalStore
from jobs.verify import verify_run
from pipelines.compile import compile_pipeline
from stages.errors import StoreError
from tests.jobs.village_corpus import write_corpus, write_pipeline

KILLS = 25


def crash_run(pipeline: Path, counter: Path, crash_at: int, *more: str) -> subprocess.CompletedProcess[str]:
    counter.unlink(missing_ok=True)
    command = [sys.executable, "-m", "tests.jobs.crashing_store", str(pipeline), str(counter), str(crash_at), *more]
    return subprocess.run(command, capture_output=True, text=True, start_new_session=True, check=False)


def undisturbed(pipeline: Path) -> tuple[str, str]:
    outcome = run_plan(compile_pipeline(pipeline, overrides={"workers": 1}))
    assert outcome.manifest is not None
    return outcome.manifest["digest"], outcome.manifest["ledger_digest"]


def assert_whole(home: Path, digests: tuple[str, str]) -> None:
    store = open_store(str(home))
    manifest = finished_manifest(store)
    assert manifest is not None
    assert (manifest["digest"], manifest["ledger_digest"]) == digests
    assert [check for check in verify_run(store, manifest) if not check.held] == []


def crash_and_resume(folder: Path, steps: list[str], stride: int) -> int:
    """Crash a run at the 1st operation, then `stride` further, and so on to its end; how far that is."""
    corpus = write_corpus(folder / "corpus", count=40, files=1)
    whole = undisturbed(write_pipeline(folder / "whole.yaml", corpus, folder / "whole", steps, "1MB", "1MB"))
    home, counter = folder / "out", folder / "counter"
    pipeline = write_pipeline(folder / "p.yaml", corpus, home, steps, "1MB", "1MB")
    crash_at = 1
    while crash_run(pipeline, counter, crash_at).returncode == -signal.SIGKILL:
        resumed = crash_run(pipeline, counter, 0)
        assert resumed.returncode == 0, resumed.stderr
        assert_whole(home, whole)
        shutil.rmtree(home)
        crash_at += stride
    return crash_at


def test_a_crash_at_every_store_operation_is_resumed_to_the_same_bytes(tmp_path: Path) -> None:
    assert crash_and_resume(tmp_path, ["filters.length: {min_words: 50}", "dedup.exact"], 1) > 20


def test_a_crash_in_the_passes_of_minhash_is_resumed_to_the_same_bytes(tmp_path: Path) -> None:
    assert crash_and_resume(tmp_path, ["dedup.minhash"], 3) > 20


def test_a_crash_while_a_finished_run_is_replaced_is_resumed_to_the_same_bytes(tmp_path: Path) -> None:
    corpus = write_corpus(tmp_path / "corpus", count=40, files=1)
    old, new = ["filters.length: {min_words: 20}"], ["filters.length: {min_words: 50}", "dedup.exact"]
    whole = undisturbed(write_pipeline(tmp_path / "whole.yaml", corpus, tmp_path / "whole", new, "1MB", "1MB"))
    home, before, counter = tmp_path / "out", tmp_path / "before", tmp_path / "counter"
    undisturbed(write_pipeline(tmp_path / "old.yaml", corpus, home, old, "1MB", "20kB"))
    home.rename(before)
    pipeline = write_pipeline(tmp_path / "new.yaml", corpus, home, new, "1MB", "1MB")
    pipeline.write_text(pipeline.read_text() + "run: {keep: none}\n")
    crash_at = 1
    while crash_over(before, home, pipeline, counter, crash_at):
        resumed = crash_run(pipeline, counter, 0, "--replace")
        assert resumed.returncode == 0, resumed.stderr
        assert_whole(home, whole)
        crash_at += 3
    assert crash_at > 40


def crash_over(before: Path, home: Path, pipeline: Path, counter: Path, crash_at: int) -> bool:
    """Whether replacing a copy of the run that stood before crashed."""
    shutil.rmtree(home, ignore_errors=True)
    shutil.copytree(before, home)
    return crash_run(pipeline, counter, crash_at, "--replace").returncode == -signal.SIGKILL


@dataclass(frozen=True)
class RefusingStore(LocalStore):
    """Refuses one delete, after `first` others."""

    first: int
    asked: list[str] = field(default_factory=list)

    def delete(self, name: str) -> None:
        self.asked.append(name)
        if len(self.asked) == self.first + 1:
            raise StoreError("this disk refuses")
        super().delete(name)


@pytest.mark.parametrize("first", [1, 3, 6, 9, 12])
def test_a_repair_that_broke_off_is_ended_by_the_same_command(tmp_path: Path, first: int) -> None:
    home = tmp_path / "out"
    steps = ["filters.length: {min_words: 50}", "dedup.exact"]
    pipeline = write_pipeline(tmp_path / "p.yaml", write_corpus(tmp_path / "corpus", count=60, files=2), home, steps)
    digests = undisturbed(pipeline)
    sorted((home / "data").iterdir())[0].unlink()
    plan = compile_pipeline(pipeline, overrides={"workers": 1})
    with pytest.raises(StoreError, match="this disk refuses"):
        run_plan(plan, RunSettings(replace=True), store=RefusingStore(home, first))
    run_plan(plan, RunSettings(replace=True))
    assert_whole(home, digests)


def test_25_random_kills_of_workers_driver_and_group_leave_the_digest_as_it_is(tmp_path: Path) -> None:
    corpus = write_corpus(tmp_path / "corpus", count=600, files=3)
    whole = undisturbed(write_pipeline(tmp_path / "whole.yaml", corpus, tmp_path / "whole"))
    home = tmp_path / "out"
    pipeline = write_pipeline(tmp_path / "p.yaml", corpus, home)
    chance, kills = random.Random(3), 0
    while kills < KILLS:
        run = start(pipeline)
        time.sleep(chance.uniform(0.3, 2.5))
        kills += kill_something(run, chance)
        if run.wait() == 0 and kills < KILLS:
            assert_whole(home, whole)
            shutil.rmtree(home)
    last = start(pipeline)
    assert last.wait() == 0, last.stderr.read() if last.stderr else ""
    assert_whole(home, whole)


def start(pipeline: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "textmill", "run", str(pipeline), "--workers", "2"]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)


def kill_something(run: subprocess.Popen[bytes], chance: random.Random) -> int:
    """Kill a worker, the driver or the whole group; 0 if the run had ended before."""
    if run.poll() is not None:
        return 0
    workers = children(run.pid)
    target = chance.choice(["worker", "driver", "group"])
    try:
        if target == "worker" and workers:
            os.kill(chance.choice(workers), signal.SIGKILL)
        elif target == "driver":
            os.kill(run.pid, signal.SIGKILL)
        else:
            os.killpg(run.pid, signal.SIGKILL)
    except ProcessLookupError:
        return 0
    return 1


def children(pid: int) -> list[int]:
    listed = Path(f"/proc/{pid}/task/{pid}/children")
    return [int(child) for child in listed.read_text().split()] if listed.exists() else []


def test_workers_end_with_their_driver(tmp_path: Path) -> None:
    pipeline = write_pipeline(tmp_path / "p.yaml", write_corpus(tmp_path / "corpus", count=3000), tmp_path / "out")
    run = start(pipeline)
    deadline = time.monotonic() + 30
    while not (workers := children(run.pid)) and time.monotonic() < deadline:
        time.sleep(0.02)
    os.kill(run.pid, signal.SIGKILL)
    run.wait()
    while any(alive(worker) for worker in workers) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert workers
    assert not any(alive(worker) for worker in workers)


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] not in "ZX"
    except FileNotFoundError:
        return False


def test_parts_with_a_receipt_are_not_done_again(tmp_path: Path) -> None:
    pipeline = write_pipeline(tmp_path / "p.yaml", write_corpus(tmp_path / "corpus"), tmp_path / "out")
    plan = compile_pipeline(pipeline, overrides={"workers": 1})
    run_plan(plan)
    receipts = sorted((tmp_path / "out/_textmill/steps").glob("00-*/receipts/*.json"))
    before = {path.name: orjson.loads(path.read_bytes())["files"] for path in receipts[1:]}
    receipts[0].unlink()
    for manifest in (tmp_path / "out/_textmill").rglob("manifest.json"):
        manifest.unlink()
    run_plan(plan)
    after = {path.name: orjson.loads(path.read_bytes())["files"] for path in receipts[1:]}
    assert before == after


def test_ctrl_c_says_how_to_go_on(tmp_path: Path) -> None:
    corpus = write_corpus(tmp_path / "corpus", count=3000)
    pipeline = write_pipeline(tmp_path / "p.yaml", corpus, tmp_path / "out")
    command = [sys.executable, "-m", "textmill", "run", str(pipeline), "--workers", "1"]
    # A test run in the background inherits an ignored SIGINT; a user's terminal does not.
    hear = functools.partial(signal.signal, signal.SIGINT, signal.SIG_DFL)
    run = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, preexec_fn=hear)
    deadline = time.monotonic() + 30
    while not children(run.pid) and time.monotonic() < deadline:
        time.sleep(0.02)
    run.send_signal(signal.SIGINT)
    _, told = run.communicate(timeout=30)
    assert run.returncode == 1
    assert "go on with the same command" in told
    assert f"textmill run {pipeline} --workers 1" in told


@pytest.mark.parametrize("target", ["data", "ledger"])
def test_verify_finds_a_changed_byte(tmp_path: Path, target: str) -> None:
    home = tmp_path / "out"
    run_plan(compile_pipeline(write_pipeline(tmp_path / "p.yaml", write_corpus(tmp_path / "corpus"), home)))
    folder = home / "data" if target == "data" else home / "_textmill/ledger"
    victim = sorted(folder.rglob("*.parquet"))[0]
    content = bytearray(victim.read_bytes())
    content[len(content) // 3] ^= 0xFF
    victim.unlink()
    victim.write_bytes(bytes(content))
    store = open_store(str(home))
    manifest = finished_manifest(store)
    assert manifest is not None
    assert not all(check.held for check in verify_run(store, manifest))
