"""The lease of a run directory when its owner slept and another run took it."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest

from jobs.run import run_plan
from pipelines.compile import compile_pipeline
from stages.errors import EngineError
from tests.jobs.village_corpus import write_corpus, write_pipeline


def test_a_run_whose_directory_was_taken_over_ends_before_it_publishes(tmp_path: Path) -> None:
    corpus = write_corpus(tmp_path / "corpus", count=40, files=1)
    plan = compile_pipeline(write_pipeline(tmp_path / "p.yaml", corpus, tmp_path / "out"), overrides={"workers": 1})
    lease = tmp_path / "out/_textmill/lease.json"

    def take_over(_: str) -> None:
        lease.write_bytes(orjson.dumps(orjson.loads(lease.read_bytes()) | {"host": "elsewhere", "token": "theirs"}))

    with pytest.raises(EngineError, match="on elsewhere took the directory over"):
        run_plan(plan, report=take_over)
    assert not (tmp_path / "out/data").exists()
    assert orjson.loads(lease.read_bytes())["token"] == "theirs"
