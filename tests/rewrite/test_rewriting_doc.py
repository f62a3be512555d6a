"""The example in docs/rewriting.md works as it stands there, with the model that comes along."""

from __future__ import annotations

import re
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from jobs.home import open_store
from jobs.run import run_plan
from jobs.verify import verify_run
from pipelines.compile import compile_pipeline
from rewrite.style import style_names
from rewrite.verify import Verify

PAGE = (Path(__file__).parents[2] / "docs" / "rewriting.md").read_text("utf-8")


def test_the_example_gives_letters_beside_their_documents(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"^```(?:json|yaml)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    for name, block in zip(("letters.jsonl", "letter.yaml", "letters.yaml"), blocks, strict=True):
        (tmp_path / name).write_text(block, "utf-8")
    outcome = run_plan(compile_pipeline("letters.yaml", overrides={"workers": 1}))
    assert outcome.manifest is not None
    assert all(check.held for check in verify_run(open_store(str(tmp_path / "out")), outcome.manifest))
    rows = pq.read_table(tmp_path / "out/data").to_pylist()
    parents = [row for row in rows if row["parent_id"] is None]
    children = [row for row in rows if row["parent_id"] is not None]
    assert len(parents) == 3
    assert children
    assert {row["style"] for row in children} == {"letter"}
    assert {row["parent_id"] for row in children} <= {row["id"] for row in parents}
    assert all(row["text"] and row["model"].startswith("gguf:") and row["completion_tokens"] for row in children)


def test_every_style_and_every_limit_is_on_the_page() -> None:
    assert [name for name in style_names() if f"`{name}`" not in PAGE] == []
    assert [name for name in Verify.model_fields if f"`{name}`" not in PAGE] == []
