"""The commands around a run: init, try, inspect, annotate, clean, plan, limit, until, replace."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from jobs.cli import run_command_line
from jobs.home import finished_manifest, open_store
from pipelines.compile import compile_pipeline
from tests.jobs.village_corpus import write_corpus, write_pipeline


@pytest.fixture
def pipeline(tmp_path: Path) -> Path:
    return write_pipeline(tmp_path / "p.yaml", write_corpus(tmp_path / "corpus"), tmp_path / "out")


def textmill(*arguments: object) -> int:
    return run_command_line([str(one) for one in arguments])


def run(pipeline: Path, *more: object) -> int:
    return textmill("run", pipeline, "--workers", 1, *more)


def test_init_writes_a_pipeline_that_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_corpus(tmp_path / "corpus", broken=0)
    assert textmill("init", "corpus", "--to", "first.yaml") == 0
    assert textmill("init", "corpus", "--to", "first.yaml") == 2
    assert run(Path("first.yaml")) == 0
    assert finished_manifest(open_store("out/corpus")) is not None


def test_init_copies_a_recipe(tmp_path: Path) -> None:
    assert textmill("init", "demo", "--to", tmp_path / "mine.yaml") == 0
    assert "stages.extract" in (tmp_path / "mine.yaml").read_text()


def test_try_tells_the_rule_the_value_and_the_limit(pipeline: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert textmill("try", pipeline, "--text", "the of and " * 19) == 0
    told = capsys.readouterr().out
    assert "filters.gopher_quality: dropped by too_few_words, value 57, limit 60" in told
    assert [line.split() for line in told.splitlines() if "few_stop_words" in line] == [["few_stop_words", "3", "2"]]


@pytest.mark.parametrize(
    ("where", "told"),
    [
        ("language == 'eng_Latn'", "needs the column language, which this text alone does not have; not tried"),
        ("len(text) > 1000", "not applied, because `where` does not hold: len(text) > 1000"),
    ],
)
def test_try_tells_what_where_makes_of_a_text(
    pipeline: Path, capsys: pytest.CaptureFixture[str], where: str, told: str
) -> None:
    asked = f"steps.filters.gopher_quality.where={where}"
    assert textmill("try", pipeline, "--text", "bread " * 60, "--set", asked) == 0
    printed = capsys.readouterr().out
    assert f"filters.gopher_quality: {told}" in printed
    assert "few_stop_words" not in printed


def test_try_follows_a_document_of_the_input(pipeline: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(pipeline) == 0
    shard = sorted((pipeline.parent / "out/data").glob("*.parquet"))[0]
    name = pq.read_table(shard)["id"][0].as_py()
    capsys.readouterr()
    assert textmill("try", pipeline, "--id", name) == 0
    told = capsys.readouterr().out
    assert "dedup.exact: needs the other documents; not tried" in told
    assert "kept: it would be written" in told


def test_inspect_shows_flows_shards_and_documents(pipeline: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(pipeline) == 0
    assert textmill("inspect", pipeline.parent / "out", "--rows", 1) == 0
    told = capsys.readouterr().out
    assert "train-00000-of-" in told
    assert "file_path: part0.jsonl" in told


def test_annotate_lays_columns_beside_the_shards(pipeline: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = pipeline.parent / "out"
    assert run(pipeline) == 0
    before = {file: file.read_bytes() for file in (out / "data").glob("*.parquet")}
    stages = ["stages.language", "filters.length: {mode: tag, min_words: 100}"]
    assert textmill("annotate", out, *stages, "--workers", 1) == 0
    [manifest] = (out / "_textmill/annotations").glob("*/manifest.json")
    told = json.loads(manifest.read_text())
    rows = 0
    for file in told["files"]:
        added, shard = pq.read_table(out / file["name"]), pq.read_table(out / file["shard"])
        assert added["id"].equals(shard["id"])
        rows += added.num_rows
    assert rows == sum(pq.read_table(file).num_rows for file in before)
    assert {"language", "length_rule"} <= set(told["columns"])
    assert before == {file: file.read_bytes() for file in (out / "data").glob("*.parquet")}
    assert textmill("verify", out) == 0


def test_annotate_refuses_stages_that_drop(pipeline: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(pipeline) == 0
    assert textmill("annotate", pipeline.parent / "out", "filters.length: {min_words: 100}") == 2
    assert "mode: tag" in capsys.readouterr().err


def test_clean_keeps_what_a_finished_run_stands_on(pipeline: Path) -> None:
    out = pipeline.parent / "out"
    assert run(pipeline) == 0
    assert textmill("clean", out) == 0
    assert not (out / "_textmill/steps").exists()
    assert textmill("verify", out) == 0
    assert run(pipeline) == 0


def test_limit_takes_the_first_documents_of_the_source(pipeline: Path) -> None:
    assert run(pipeline, "--limit", 120, "--set", "run.batch_rows=7") == 0
    manifest = finished_manifest(open_store(str(pipeline.parent / "out")))
    assert manifest is not None
    assert manifest["flows"][0]["kept"] == 120
    assert textmill("verify", pipeline.parent / "out") == 0


def test_until_stops_after_a_step_and_the_next_run_goes_on(pipeline: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(pipeline, "--until", "exact") == 0
    assert not (pipeline.parent / "out/data").exists()
    capsys.readouterr()
    assert run(pipeline) == 0
    assert "01-exact: stands already" in capsys.readouterr().err


def test_a_finished_run_is_replaced_only_on_demand_and_reuses_steps(
    pipeline: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = pipeline.parent / "out"
    assert run(pipeline) == 0
    before = sorted(file.read_bytes() for file in (out / "data").iterdir())
    pipeline.write_text(pipeline.read_text().replace("max_words: 280", "max_words: 200"))
    assert run(pipeline) == 2
    assert "--replace" in capsys.readouterr().err
    assert sorted(file.read_bytes() for file in (out / "data").iterdir()) == before
    assert run(pipeline, "--replace") == 0
    told = capsys.readouterr().err
    assert "00-gopher_quality: stands already" in told
    assert "02-length: stands already" not in told
    assert textmill("verify", out) == 0
    assert len(list((out / "_textmill/steps").iterdir())) == 4


def test_plan_says_what_stands_already(pipeline: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert textmill("plan", pipeline) == 0
    assert "steps that stand already: none" in capsys.readouterr().out
    assert run(pipeline, "--until", "0") == 0
    assert textmill("plan", pipeline) == 0
    assert "steps that stand already: 00-gopher_quality" in capsys.readouterr().out


@pytest.mark.parametrize("keep", ["none", "last", "all"])
def test_keep_decides_which_steps_stay(pipeline: Path, keep: str) -> None:
    out = pipeline.parent / "out"
    assert run(pipeline, "--set", f"run.keep={keep}") == 0
    steps = sorted({file.parts[-3][:2] for file in (out / "_textmill/steps").glob("*/*/*")})
    assert steps == {"none": [], "last": ["02", "03"], "all": ["00", "01", "02", "03"]}[keep]
    assert textmill("verify", out) == 0


def test_what_keep_last_kept_is_enough_for_other_shards(pipeline: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pipeline.write_text(pipeline.read_text().replace("  - filters.length: {max_words: 280}\n", ""))
    assert run(pipeline, "--set", "run.keep=last") == 0
    capsys.readouterr()
    assert run(pipeline, "--set", "run.keep=last", "--set", "write.shard_size=30kB", "--replace") == 0
    assert "01-exact: stands already" in capsys.readouterr().err
    assert textmill("verify", pipeline.parent / "out") == 0


def test_what_keep_last_did_not_keep_is_made_again_on_demand(
    pipeline: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(pipeline, "--set", "run.keep=last") == 0
    pipeline.write_text(pipeline.read_text().replace("dedup.exact", "dedup.exact: {keep: longest}"))
    capsys.readouterr()
    assert run(pipeline, "--replace") == 0
    assert "stands already" not in capsys.readouterr().err
    assert textmill("verify", pipeline.parent / "out") == 0


@pytest.mark.parametrize(
    "command", [["stages"], ["stages", "dedup.minhash"], ["stages", "--schema"], ["--version"], ["--help"]]
)
def test_commands_that_only_tell_end_well(command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert textmill(*command) == 0
    assert capsys.readouterr().out.strip()


@pytest.mark.parametrize(
    "command", [["run"], ["run", "x.yaml", "--nonsense"], ["stages", "filters.lenght"], ["nonsense"]]
)
def test_a_command_that_cannot_be_understood_is_refused(command: list[str]) -> None:
    assert textmill(*command) == 2


def test_what_to_try_next_works_as_it_is_printed(
    pipeline: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(pipeline.parent)
    assert run(pipeline) == 0
    offered = [shlex.split(line) for line in capsys.readouterr().out.splitlines() if line.startswith("    textmill")]
    assert [words[:3] for words in offered] == [["textmill", name, "out"] for name in ("inspect", "explain", "verify")]
    assert [textmill(*words[1:]) for words in offered] == [0, 0, 0]


def test_init_asks_for_the_text_column_once_and_takes_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "odd").mkdir()
    for name in ("a", "b", "c"):
        pq.write_table(pa.table({"Body Text": ["the mill and the river " * 20]}), tmp_path / "odd" / f"{name}.parquet")
    assert textmill("init", "odd") == 2
    told = capsys.readouterr().err
    assert "it has the columns Body Text (and so in 2 more)" in told
    assert told.count("mend: ") == 1
    assert textmill("init", "odd", "--text", "Body Text") == 0
    assert textmill("validate", "pipeline.yaml") == 0


def test_a_first_pipeline_keeps_other_languages_from_english_rules(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "german.txt").write_text("Die Mühle steht am Ende des Dorfes, und der Fluss läuft darunter hin. " * 3)
    assert textmill("init", "german.txt", "--to", "p.yaml") == 0
    plan = compile_pipeline("p.yaml")
    wheres = {link.name: link.where for step in plan.steps for link in step.links}
    assert wheres["filters.gopher_quality"] == "language == 'eng_Latn'"


def test_the_list_of_commands_tells_each_in_full(capsys: pytest.CaptureFixture[str]) -> None:
    assert textmill("--help") == 0
    listed = capsys.readouterr().out.split("Commands:\n")[1].strip().splitlines()
    assert len(listed) == 17
    assert all(line.endswith(".") and not line.endswith("...") for line in listed)


def test_fields_are_shown_in_the_units_in_which_they_may_be_written(capsys: pytest.CaptureFixture[str]) -> None:
    assert textmill("stages", "stages.read") == 0
    assert textmill("stages", "filters.length") == 0
    rows = {line.split("  ")[0]: line.split() for line in capsys.readouterr().out.splitlines() if line}
    assert rows["split_size"][1:3] == ["size", "256MiB"]
    assert rows["min_words"][1:5] == ["count", "|", "null", "null"]
