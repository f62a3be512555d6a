"""The sample: made from nothing but a seed, the same every time, and careful with directories."""

from __future__ import annotations

from pathlib import Path

import pytest

from jobs.sample import SampleReport, make_sample
from stages.errors import PipelineError, StoreError


def small_sample(directory: Path, seed: int = 7) -> SampleReport:
    return make_sample(directory, seed=seed, village_pages=100, python_docs=False, report=lambda line: None)


def stored(directory: Path) -> dict[str, bytes]:
    return {str(file.relative_to(directory)): file.read_bytes() for file in directory.rglob("*") if file.is_file()}


def test_two_runs_with_one_seed_write_the_same_bytes(tmp_path: Path) -> None:
    small_sample(tmp_path / "first")
    small_sample(tmp_path / "second")

    assert stored(tmp_path / "first") == stored(tmp_path / "second")


def test_another_seed_writes_other_pages(tmp_path: Path) -> None:
    small_sample(tmp_path / "first")
    small_sample(tmp_path / "second", seed=8)

    first, second = stored(tmp_path / "first"), stored(tmp_path / "second")
    assert first.keys() == second.keys()
    assert first["crawl/village-forum.warc.gz"] != second["crawl/village-forum.warc.gz"]


def test_a_complete_sample_is_left_as_it_is(tmp_path: Path) -> None:
    made = small_sample(tmp_path)
    lines: list[str] = []

    again = make_sample(tmp_path, village_pages=100, python_docs=False, report=lines.append)

    assert made.made
    assert not again.made
    assert (again.files, again.records, again.bytes) == (made.files, made.records, made.bytes)
    assert "left as it is" in lines[0]


def test_a_sample_that_broke_off_is_made_again(tmp_path: Path) -> None:
    small_sample(tmp_path)
    whole = stored(tmp_path)
    (tmp_path / "crawl" / "village-shop.warc.gz").write_bytes(b"")

    assert small_sample(tmp_path).made
    assert stored(tmp_path) == whole


def test_a_directory_of_something_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("chapter one")

    with pytest.raises(StoreError, match="not a sample"):
        small_sample(tmp_path)
    assert list(tmp_path.iterdir()) == [tmp_path / "thesis.txt"]


def test_too_small_a_village_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PipelineError, match="at least 100 pages"):
        make_sample(tmp_path, village_pages=9, report=print)
