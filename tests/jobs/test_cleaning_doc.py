"""The example in docs/cleaning.md is a pipeline without a fault."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from jobs.cli import run_command_line

PAGE = (Path(__file__).parents[2] / "docs" / "cleaning.md").read_text("utf-8")


def test_the_example_is_valid_where_its_lists_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    [example] = re.findall(r"^```yaml\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    Path("cleaned.yaml").write_text(example)
    Path("pages").mkdir()
    Path("pages/one.jsonl").write_text('{"text": "The mill.", "language": "en"}\n')
    assert run_command_line(["validate", "cleaned.yaml"]) == 2
    assert "bad_words/en is missing" in capsys.readouterr().err
    for name, words in {"stop_words/en.txt": "the\nof\n", "bad_words/en": "damn\n", "bad_words/ja": "畜生\n"}.items():
        Path(name).parent.mkdir(exist_ok=True)
        Path(name).write_text(words, "utf-8")

    assert run_command_line(["validate", "cleaned.yaml"]) == 0
