"""docs/llm.md: its models are accepted, its tables name every field, and its example runs."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml
from pydantic import BaseModel, TypeAdapter

from rewrite.models import CpuModel, HttpModel, LlmModel, VllmModel

PAGE = (Path(__file__).parents[2] / "docs" / "llm.md").read_text()


def test_the_models_of_the_page_are_accepted() -> None:
    block = re.search(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    assert block is not None
    found = [TypeAdapter(LlmModel).validate_python(one) for one in yaml.safe_load(block[1])["models"].values()]
    assert [type(one) for one in found] == [CpuModel, HttpModel, VllmModel]


@pytest.mark.parametrize("model", [CpuModel, HttpModel, VllmModel])
def test_the_tables_name_every_field_and_no_other(model: type[BaseModel]) -> None:
    kind = {CpuModel: "cpu", HttpModel: "http", VllmModel: "vllm"}[model]
    section = PAGE.split(f"## `llm: {kind}`\n")[1].split("\n## ")[0]
    named = [
        name for row in re.findall(r"^\| (`.*?) \|", section, re.MULTILINE) for name in re.findall(r"`(\w+)`", row)
    ]
    assert sorted(named) == sorted(set(model.model_fields) - {"llm"})


def test_the_example_for_authors_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    block = re.search(r"```python\n(.*?)```", PAGE, re.DOTALL)
    assert block is not None
    monkeypatch.chdir(tmp_path)
    exec(block[1].replace("max_tokens=64", "max_tokens=4"), {})
    assert capsys.readouterr().out.startswith("length ")
    assert len(list((tmp_path / "replies").iterdir())) == 1
