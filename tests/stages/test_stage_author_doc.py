"""The example in docs/stage_author.md works as it stands there."""

from __future__ import annotations

import importlib
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from stages.load import load_class

PAGE = Path(__file__).parents[2] / "docs" / "stage_author.md"


@pytest.fixture
def example(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder with the page's two Python blocks as files: the stages and their test."""
    stages, tests = re.findall(r"^```python\n(.*?)^```$", PAGE.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    (tmp_path / "my_stages.py").write_text(stages, "utf-8")
    (tmp_path / "my_stages_tests.py").write_text(tests, "utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    yield tmp_path
    for name in ("my_stages", "my_stages_tests"):
        sys.modules.pop(name, None)


def test_the_tests_of_the_example_pass(example: Path) -> None:
    tests = importlib.import_module("my_stages_tests")

    tests.test_the_laws_hold()
    tests.test_phone_books_are_dropped()


def test_the_stages_load_by_the_names_of_the_examples_pipeline(example: Path) -> None:
    uses = re.findall(r"\./my_stages\.py:\w+", PAGE.read_text("utf-8").split("```yaml")[1].split("```")[0])

    assert [load_class(use, example).__name__ for use in uses] == ["Digits", "Sentences"]


def test_every_law_of_the_kit_is_on_the_page() -> None:
    home = PAGE.parents[1]
    code = "".join((home / "stages" / name).read_text("utf-8") for name in ("laws.py", "answers.py"))
    laws = set(re.findall(r'(?:stage|batch), "([a-z ]+)",|law = "([a-z ]+)"|law, parent = "([a-z ]+)"', code))
    page = PAGE.read_text("utf-8")

    assert len(laws) >= 10
    assert not [law for found in laws if (law := "".join(found)) not in page]
