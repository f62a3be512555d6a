"""docs/run_directory.md is true of a real run: its programs run, its tables name every field there is."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import orjson
import pytest

from jobs.annotate import annotate_run
from jobs.commands.annotate import as_link
from jobs.engines.local import LocalEngine
from jobs.flow import Flow
from jobs.home import open_store
from jobs.ledger import LEDGER
from jobs.run import run_plan
from pipelines.compile import compile_pipeline
from stages.document import COLUMNS

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "run_directory.md").read_text("utf-8")
COUNT, DIGESTS, JOIN = re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A working directory in which the letters of docs/pipeline_author.md were run and annotated."""
    folder = tmp_path_factory.mktemp("docs")
    guide = (DOCS / "pipeline_author.md").read_text("utf-8")
    (folder / "letters").mkdir()
    (folder / "letters" / "1911.jsonl").write_text(first_block("json", guide), "utf-8")
    (folder / "letters.yaml").write_text(first_block("yaml", guide), "utf-8")
    plan = compile_pipeline("letters.yaml", working_directory=folder, overrides={"workers": 1})
    manifest = run_plan(plan).manifest
    assert manifest is not None
    links = [as_link("filters.length: {mode: tag, min_words: 16}")]
    with LocalEngine(1, 2**30, folder / "scratch") as engine:
        annotate_run(open_store(plan.home), manifest, links, engine)
    return folder


def first_block(language: str, text: str) -> str:
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)[0]


def manifest_of(home: Path) -> dict[str, Any]:
    manifest: dict[str, Any] = orjson.loads((home / "out/letters/_textmill/manifest.json").read_bytes())
    return manifest


@pytest.mark.parametrize("program", [COUNT, JOIN])
def test_a_program_of_the_page_prints_what_the_page_shows(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], program: str
) -> None:
    monkeypatch.chdir(home)
    exec(program, {})

    shown = PAGE.split(program)[1].split("```\n\n")[1].split("\n\n")[0]
    assert capsys.readouterr().out.rstrip() == re.sub(r"^    ", "", shown, flags=re.MULTILINE).rstrip()


def test_the_digests_can_be_made_without_textmill(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(home)
    exec(DIGESTS, {})

    manifest = manifest_of(home)
    expected = [manifest[name] for name in ("digest", "ledger_digest", "content_digest")]
    assert [line.split()[-1] for line in capsys.readouterr().out.splitlines()] == expected


def test_every_column_and_every_count_is_on_the_page() -> None:
    names = [*LEDGER.names, *COLUMNS, *Flow("any").to_json()]
    assert [name for name in names if f"`{name}`" not in PAGE] == []


def test_every_field_of_manifests_and_receipts_is_on_the_page(home: Path) -> None:
    manifest = manifest_of(home)
    steps = [orjson.loads(file.read_bytes()) for file in (home / "out/letters/_textmill/steps").rglob("*.json")]
    shards = [shard for output in manifest["outputs"] for shard in output["shards"]]
    reading = [counts for files in manifest["reading"].values() for counts in files.values()]
    told = [manifest, *manifest["steps"], *manifest["outputs"], *shards, *reading, *manifest["ledger"], *steps]
    told += [document for step in steps for document in step.get("documents", [])]
    assert sorted({name for fields in told for name in fields if f"`{name}`" not in PAGE}) == []
