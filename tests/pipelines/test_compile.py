"""A pipeline file becomes steps, with the same fingerprints wherever it and its data stand."""

from __future__ import annotations

from pathlib import Path

from pipelines.compile import compile_pipeline

FLAT = """\
textmill: 1
read: {stages.read: {paths: "data/*.jsonl"}}
steps:
  - filters.length: {min_words: 2}
  - filters.gopher_quality
  - dedup.exact
write: {to: out}
"""


def place(folder: Path, text: str = FLAT) -> Path:
    (folder / "data").mkdir(parents=True, exist_ok=True)
    (folder / "data" / "a.jsonl").write_text('{"text": "one two"}\n{"text": "three four"}\n')
    (folder / "pipeline.yaml").write_text(text)
    return folder


def test_filters_run_as_one_step_and_a_find_as_its_own(tmp_path: Path) -> None:
    plan = compile_pipeline("pipeline.yaml", working_directory=place(tmp_path))

    told = [(step.kind, step.name, step.source, step.inputs, [link.name for link in step.links]) for step in plan.steps]
    assert told == [
        ("map", "gopher_quality", "main", (), ["filters.length", "filters.gopher_quality"]),
        ("find", "exact", None, (0,), ["dedup.exact"]),
        ("write", "write", None, (1,), []),
    ]
    assert plan.home == str(tmp_path / "out")
    assert plan.steps[0].links[1].at == "pipeline.yaml:5"


def test_fingerprints_do_not_depend_on_where_things_stand(tmp_path: Path) -> None:
    here = compile_pipeline("pipeline.yaml", working_directory=place(tmp_path / "a"))
    there = compile_pipeline("pipeline.yaml", working_directory=place(tmp_path / "b" / "c"))

    assert [step.fingerprint for step in here.steps] == [step.fingerprint for step in there.steps]
