"""The example in docs/scoring.md works as it stands there."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from jobs.cli import run_command_line
from stages.score import FasttextModel

PAGE = (Path(__file__).parents[2] / "docs" / "scoring.md").read_text("utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def test_the_page_trains_scores_and_decides(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    kinds = [json.loads(line) for line in blocks("json")[0].splitlines()]
    copies = [{**row, "text": f"{row['text']} {number}"} for number in range(40) for row in kinds]
    Path("labelled.jsonl").write_text("".join(json.dumps(row) + "\n" for row in copies))
    pages = [{"text": f"{row['text']} page"} for row in kinds]
    Path("pages.jsonl").write_text("".join(json.dumps(row) + "\n" for row in pages))
    Path("scored.yaml").write_text(blocks("yaml")[0])

    for command in blocks("bash"):
        assert run_command_line([*shlex.split(command)[1:], *(["--workers", "1"] if " run " in command else [])]) == 0

    [shard] = Path("out/data").glob("*.parquet")
    [kept] = pq.read_table(shard).to_pylist()
    assert kept["text"] == pages[0]["text"]
    assert kept["quality"] > 0.5


def test_the_page_names_every_field_of_a_model() -> None:
    assert all(f"| `{name}` |" in PAGE for name in FasttextModel.model_fields)
