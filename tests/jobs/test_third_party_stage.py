"""A stage of somebody else's package, installed by pip like any other, works on spawned workers."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

HOME = Path(__file__).parents[2]

PIPELINE = """\
textmill: 1
name: shouting
read: {stages.read: {paths: "in/*.jsonl"}}
steps:
  - acme.no_shouting
  - acme.shout: {marks: "?!"}
write: {to: out/}
"""

LAWS = """\
from stages.laws import check_stage
from stages.load import load_class

for use in ("acme.no_shouting", "acme.shout"):
    stage = load_class(use)()
    check_stage(stage)
    print(use, "is lawful and comes from", type(stage).__module__)
"""


@dataclass(frozen=True, slots=True)
class Installed:
    """The environment of a Python that has textmill and the plugin."""

    plugins: Path

    def python(self, *arguments: str, where: Path) -> subprocess.CompletedProcess[str]:
        path = os.pathsep.join((str(self.plugins), str(HOME)))
        told = {**os.environ, "PYTHONPATH": path, "NO_COLOR": "1", "COLUMNS": "200"}
        return subprocess.run([sys.executable, *arguments], cwd=where, env=told, capture_output=True, text=True)


@pytest.fixture(scope="module")
def acme(tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """The package, built and installed by pip without a network. The copy keeps build files out of the sources."""
    folder = tmp_path_factory.mktemp("acme")
    shutil.copytree(HOME / "tests" / "plugin" / "acme_stages", folder / "source")
    offline = ["--no-index", "--no-deps", "--no-build-isolation", "--disable-pip-version-check"]
    command = [sys.executable, "-m", "pip", "install", "--quiet", *offline, "--target", str(folder / "site")]
    done = subprocess.run([*command, str(folder / "source")], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return Installed(folder / "site")


def test_both_stages_are_listed(acme: Installed, tmp_path: Path) -> None:
    told = acme.python("-m", "textmill", "stages", where=tmp_path)

    assert told.returncode == 0, told.stderr
    assert "acme.shout" in told.stdout
    assert "acme.no_shouting" in told.stdout


def test_both_stages_keep_the_laws_where_they_are_installed(acme: Installed, tmp_path: Path) -> None:
    told = acme.python("-c", LAWS, where=tmp_path)

    assert told.returncode == 0, told.stderr
    assert told.stdout.splitlines() == [
        "acme.no_shouting is lawful and comes from acme_stages.no_shouting",
        "acme.shout is lawful and comes from acme_stages.shout",
    ]


def test_a_pipeline_runs_them_on_two_spawned_workers(acme: Installed, tmp_path: Path) -> None:
    write_documents(tmp_path / "in", files=4, rows=25)
    (tmp_path / "p.yaml").write_text(PIPELINE)

    told = acme.python("-m", "textmill", "run", "p.yaml", "--workers", "2", where=tmp_path)

    assert told.returncode == 0, told.stdout + told.stderr
    shards = sorted((tmp_path / "out" / "data").glob("*.parquet"))
    rows = pa.concat_tables(pq.ParquetFile(shard).read() for shard in shards).to_pylist()
    assert sorted(row["text"] for row in rows) == sorted(
        f"PAGE {page} OF FILE {file}?!" for file in range(4) for page in range(25) if page % 5
    )
    assert {row["shouted_letters"] for row in rows} == {10}


def write_documents(folder: Path, *, files: int, rows: int) -> None:
    """Small JSONL files in which every fifth text is in capitals."""
    folder.mkdir()
    for file in range(files):
        texts = (f"{'PAGE' if page % 5 == 0 else 'page'} {page} of file {file}" for page in range(rows))
        loud = (text.upper() if "PAGE" in text else text for text in texts)
        (folder / f"{file}.jsonl").write_text("".join(json.dumps({"text": text}) + "\n" for text in loud))
