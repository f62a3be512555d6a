"""Run directories that are foreign, full, sealed, in use, damaged or moved: told, and nothing committed is harmed."""

from __future__ import annotations

import os
import random
import resource
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import orjson
import pyarrow.parquet as pq
import pytest

from jobs.home import open_store
from jobs.lease import Lease
from jobs.run import run_plan
from pipelines.compile import compile_pipeline
from stages.errors import StoreError
from tests.jobs.refusals import done, failed, files_below, refused
from tests.jobs.village_corpus import write_corpus, write_pipeline

Capture = pytest.CaptureFixture[str]
STEPS = ("filters.length: {min_words: 50}", "dedup.exact", "filters.length: {max_words: 280}")
HOUSE = Path("out/_textmill")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a corpus, and two runs of one pipeline over it: one finished, one stopped after its first step."""
    folder = tmp_path_factory.mktemp("made")
    write_corpus(folder / "corpus", count=40, files=2)
    for name, until in (("finished", None), ("begun", "0")):
        write_pipeline(folder / "p.yaml", folder / "corpus", folder / name, STEPS)
        arguments = ["run", folder / "p.yaml", "--workers", 1]
        done(*arguments, *([] if until is None else ["--until", until]))
    return folder


@pytest.fixture
def finished(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A finished run in `out`, the pipeline beside it; the working directory is theirs."""
    return copy_of(made, "finished", tmp_path, monkeypatch)


@pytest.fixture
def begun(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A run in `out` that was stopped after its first step."""
    return copy_of(made, "begun", tmp_path, monkeypatch)


def copy_of(made: Path, name: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    shutil.copytree(made / name, folder / "out")
    monkeypatch.chdir(folder)
    return write_pipeline(folder / "p.yaml", made / "corpus", Path("out"), STEPS)


def digest_of(folder: Path) -> str:
    manifest: dict[str, Any] = orjson.loads((folder / "_textmill/manifest.json").read_bytes())
    return str(manifest["digest"])


def assert_whole(made: Path) -> None:
    """The run in `out` stands finished, with the bytes of the undisturbed one, and every check holds."""
    assert digest_of(Path("out")) == digest_of(made / "finished")
    done("verify", "out")


@contextmanager
def largest_file(size: int) -> Iterator[None]:
    """No file may grow beyond `size` bytes here and in workers: a full disk for any user, without a mount."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_directory_that_textmill_did_not_write_is_refused_and_left_as_it_is(
    made: Path, tmp_path: Path, capsys: Capture
) -> None:
    (tmp_path / "out/data").mkdir(parents=True)
    (tmp_path / "out/thesis.txt").write_text("years of work")
    (tmp_path / "out/data/train-00000-of-00001.parquet").write_text("of another tool")
    before = files_below(tmp_path / "out")
    pipeline = write_pipeline(tmp_path / "p.yaml", made / "corpus", tmp_path / "out", STEPS)
    assert "files that textmill did not write" in refused(capsys, "run", pipeline)
    assert "files that textmill did not write" in refused(capsys, "run", pipeline, "--replace")
    assert files_below(tmp_path / "out") == before


@pytest.mark.parametrize("name", ["data/thesis.parquet", "README.md"])
def test_a_file_of_the_users_in_a_run_directory_is_never_replaced(finished: Path, capsys: Capture, name: str) -> None:
    Path("out", name).write_text("years of work")
    other = ("--set", "steps.dedup.exact.keep=longest", "--replace")
    assert f"did not write ({name})" in refused(capsys, "run", finished, *other)
    assert Path("out", name).read_text() == "years of work"
    Path("out", name).unlink()
    done("run", finished, "--workers", 1, *other)


@pytest.mark.parametrize("to", ["p.yaml/out", "/proc/nowhere/out", "/dev/null", "/dev/full/out"])
def test_a_place_that_cannot_be_written_to_is_told(made: Path, tmp_path: Path, capsys: Capture, to: str) -> None:
    pipeline = write_pipeline(tmp_path / "p.yaml", made / "corpus", tmp_path / to, STEPS)
    assert "choose another place" in failed(capsys, "run", pipeline, "--workers", 1)


@pytest.mark.parametrize("size", [300, 3_000, 9_000])
def test_a_full_disk_stops_the_run_and_the_same_command_goes_on(
    made: Path, tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    monkeypatch.chdir(tmp_path)
    pipeline = write_pipeline(tmp_path / "p.yaml", made / "corpus", Path("out"), STEPS)
    with largest_file(size):
        message = failed(capsys, "run", pipeline, "--workers", 1)
    assert f"{tmp_path}/out: cannot" in message
    assert not Path("out/data").exists()
    done("run", pipeline, "--workers", 1)
    assert_whole(made)


def test_a_full_disk_harms_no_finished_run(made: Path, finished: Path, capsys: Capture) -> None:
    with largest_file(3_000):
        failed(capsys, "run", finished, "--workers", 1, "--set", "steps.dedup.exact.keep=longest", "--replace")
    assert_whole(made)
    done("run", finished)


def test_a_second_run_in_one_directory_is_refused(begun: Path, capsys: Capture) -> None:
    lease = Lease(open_store("out"))
    lease.acquire()
    try:
        for command in (("run", begun), ("clean", "out", "--everything")):
            message = refused(capsys, *command)
            assert f"another run is at work here (process {os.getpid()}" in message
    finally:
        lease.release()
    done("run", begun, "--workers", 1)


@pytest.mark.parametrize("content", ["garbage", "{}", "[1]", '{"host": "elsewhere"}', ""])
def test_a_garbled_lease_is_taken_over(begun: Path, made: Path, content: str) -> None:
    (HOUSE / "lease.json").write_text(content)
    done("run", begun, "--workers", 1, "--until", "0")


@pytest.mark.parametrize("content", ["garbage", "{}", "[1]", ""])
def test_a_garbled_manifest_is_told_and_made_anew(made: Path, finished: Path, capsys: Capture, content: str) -> None:
    (HOUSE / "manifest.json").write_text(content)
    commands = [("run", finished), ("plan", finished), ("verify", "out"), ("inspect", "out"), ("clean", "out")]
    for command in (*commands, ("explain", "out", "--id", "x"), ("annotate", "out", "stages.language")):
        message = failed(capsys, *command)
        assert "_textmill/manifest.json is not as textmill wrote it" in message
        assert "delete that file" in message
    (HOUSE / "manifest.json").unlink()
    done("run", finished)
    assert_whole(made)


def test_a_run_of_a_later_version_is_told(finished: Path, capsys: Capture) -> None:
    manifest = orjson.loads((HOUSE / "manifest.json").read_bytes())
    (HOUSE / "manifest.json").write_bytes(orjson.dumps({**manifest, "format": 99, "textmill": "9.0"}))
    assert "textmill 9.0 wrote this run in the format 99" in failed(capsys, "run", finished)


@pytest.mark.parametrize("content", ["garbage", "{}", ""])
@pytest.mark.parametrize("name", ["manifest.json", "receipts/00000.json"])
def test_a_garbled_record_of_a_step_is_told_and_made_anew(
    made: Path, begun: Path, capsys: Capture, name: str, content: str
) -> None:
    [step] = (HOUSE / "steps").iterdir()
    if name != "manifest.json":
        (step / "manifest.json").unlink()
    (step / name).write_text(content)
    message = failed(capsys, "run", begun, "--workers", 1)
    assert f"{name} is not as textmill wrote it" in message
    (step / name).unlink()
    done("run", begun, "--workers", 1)
    assert_whole(made)


def gone(path: Path) -> None:
    path.unlink()


def cut_short(path: Path) -> None:
    os.truncate(path, 100)


def scrambled(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[200:1200] = random.Random(5).randbytes(1000)
    path.write_bytes(bytes(content))


@pytest.mark.parametrize("harm", [gone, cut_short, scrambled])
def test_damaged_documents_at_rest_are_told_before_a_resume_builds_on_them(
    made: Path, begun: Path, capsys: Capture, harm: Callable[[Path], None]
) -> None:
    harm(sorted((HOUSE / "steps").glob("00-*/*.parquet"))[0])
    message = failed(capsys, "run", begun, "--workers", 1)
    assert "is gone" in message or "is damaged" in message
    assert f"`textmill clean {Path('out').absolute()} --everything`" in message
    done("clean", "out", "--everything")
    done("run", begun, "--workers", 1)
    assert_whole(made)


@pytest.mark.parametrize("harm", [gone, cut_short])
def test_damaged_findings_are_told(made: Path, begun: Path, capsys: Capture, harm: Callable[[Path], None]) -> None:
    done("run", begun, "--workers", 1, "--until", "1")
    harm(sorted((HOUSE / "steps").glob("01-*/findings/*.parquet"))[0])
    assert "--everything" in failed(capsys, "run", begun, "--workers", 1)


def test_a_lost_ledger_is_told_before_the_run_is_finished(begun: Path, capsys: Capture) -> None:
    shutil.rmtree(HOUSE / "ledger")
    assert "_textmill/ledger/00-" in failed(capsys, "run", begun, "--workers", 1)


def test_a_finished_run_without_its_shards_is_told_and_replace_makes_it_anew(
    made: Path, finished: Path, capsys: Capture
) -> None:
    shard = sorted(Path("out/data").iterdir())[0]
    shard.unlink()
    assert "of its shards are gone" in refused(capsys, "run", finished)
    assert "is gone" in failed(capsys, "explain", "out", "--id", "0" * 32)
    assert "the shard is gone" in failed(capsys, "inspect", "out")
    done("run", finished, "--replace", "--workers", 1)
    assert_whole(made)


def test_replace_mends_what_verify_finds_damaged(made: Path, finished: Path, capsys: Capture) -> None:
    shard = sorted(Path("out/data").iterdir())[0]
    scrambled(shard)
    assert "--replace" in failed(capsys, "verify", "out")
    done("run", finished, "--replace", "--workers", 1)
    assert_whole(made)


def test_replace_does_not_touch_a_whole_run(finished: Path) -> None:
    before = files_below(Path("out"))
    done("run", finished, "--replace")
    assert files_below(Path("out")) == before


def test_another_pipeline_that_fails_leaves_the_finished_run_whole(made: Path, finished: Path, capsys: Capture) -> None:
    other = ("--set", "steps.dedup.exact.where=len(text) < 0", "--set", "read.split_size=20kB")
    assert "a finished run of another pipeline stands here" in refused(capsys, "run", finished, *other)
    nothing = write_pipeline(Path("n.yaml"), made / "corpus", Path("out"), ["filters.length: {min_words: 5000}"])
    assert "everything was dropped" in failed(capsys, "run", nothing, "--workers", 1, "--replace")
    assert_whole(made)
    assert "dedup.exact" in (HOUSE / "pipeline.yaml").read_text()
    done("run", finished)


def test_a_run_directory_may_be_moved(made: Path, finished: Path, tmp_path: Path) -> None:
    (HOUSE / "manifest.json").unlink()
    shutil.move("out", "elsewhere")
    done("run", finished, "--set", "write.to=elsewhere")
    done("verify", "elsewhere")
    assert digest_of(Path("elsewhere")) == digest_of(made / "finished")


@pytest.mark.parametrize("command", ["verify", "inspect", "clean"])
@pytest.mark.parametrize("name", ["nowhere", "corpus", "p.yaml"])
def test_what_is_no_run_directory_is_refused(made: Path, capsys: Capture, command: str, name: str) -> None:
    before = files_below(made)
    refused(capsys, command, made / name)
    assert files_below(made) == before


def test_an_error_of_the_system_in_the_driver_is_a_store_error(made: Path, finished: Path) -> None:
    plan = compile_pipeline(finished, settings=["steps.dedup.exact.keep=longest", "write.to=new"])
    with largest_file(100), pytest.raises(StoreError, match="File too large"):
        run_plan(plan)


def test_no_rows_of_the_ledger_tell_of_a_full_disk(
    made: Path, tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    pipeline = write_pipeline(tmp_path / "p.yaml", made / "corpus", Path("out"), STEPS)
    with largest_file(3_000):
        failed(capsys, "run", pipeline, "--workers", 1)
    done("run", pipeline, "--workers", 1)
    rules = pq.read_table("out/_textmill/ledger")["rule"].to_pylist()
    assert not [rule for rule in rules if rule.startswith("error:") and rule != "error:damaged_input"]
