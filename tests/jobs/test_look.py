"""What `textmill.open` shows of a run: documents, samples, ledger, books, ways; and what it refuses."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

import textmill
from jobs.look import Run
from jobs.run import RunSettings, run_plan
from pipelines.compile import compile_pipeline
from stages.errors import PipelineError, StoreError
from tests.jobs.village_corpus import write_corpus

PIPELINE = """
textmill: 1
name: looked_at
seed: 3
sources:
  corpus: {{stages.read: {{paths: "{folder}/corpus/*.jsonl"}}}}
streams:
  clean:
    from: corpus
    steps: [filters.length: {{min_words: 50}}, dedup.exact]
  letters:
    from: clean
    steps: [./token_stages.py:Letters]
write:
  documents: {{from: clean, to: "{folder}/out/documents", shard_size: 40kB, holdout: 20%}}
  tokens: {{from: letters, to: "{folder}/out/tokens"}}
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("look")
    write_corpus(folder / "corpus", count=200)
    shutil.copy(Path(__file__).with_name("token_stages.py"), folder)
    (folder / "p.yaml").write_text(PIPELINE.format(folder=folder))
    run_plan(compile_pipeline(folder / "p.yaml", overrides={"workers": 1}))
    return folder


@pytest.fixture
def run(folder: Path) -> Run:
    return textmill.open(folder / "out")


def test_documents_come_as_a_stream_in_the_order_of_the_shards(run: Run, folder: Path) -> None:
    shards = sorted((folder / "out/documents/data").glob("*.parquet"))
    assert len(shards) > 2

    documents = run.documents()

    assert isinstance(documents, pa.RecordBatchReader)
    told = run.shards().filter(pc.field("output") == "documents")
    assert told["path"].to_pylist() == [str(shard) for shard in sorted(shards)]
    stored = pa.concat_tables([pq.read_table(shard) for shard in shards])
    assert documents.read_all().equals(stored)


def test_columns_and_splits_can_be_chosen(run: Run) -> None:
    both = run.documents(columns=["url", "id"]).read_all()
    train, held = (run.documents(columns=["id"], split=split).read_all() for split in ("train", "validation"))

    assert both.column_names == ["url", "id"]
    assert run.documents(columns="id").read_all() == both.select(["id"])
    assert 0 < held.num_rows < train.num_rows
    assert (
        train.num_rows + held.num_rows
        == both.num_rows
        == run.manifest["outputs"][0]["shards"][0]["rows"]
        + sum(shard["rows"] for shard in run.manifest["outputs"][0]["shards"][1:])
    )


def test_sequences_are_the_output_that_has_tokens(run: Run) -> None:
    rows = run.sequences(columns=["id", "input_ids"]).read_all().to_pylist()

    texts = {row["id"]: row["text"] for row in run.documents().read_all().to_pylist()}
    assert {row["id"]: "".join(map(chr, row["input_ids"])) for row in rows} == texts


def test_a_sample_is_decided_by_ids_and_seed_alone(run: Run, folder: Path) -> None:
    first, again, other = run.sample(10), run.sample(10), run.sample(10, seed=1)

    assert first.equals(again)
    assert first.num_rows == other.num_rows == 10
    assert set(first["id"].to_pylist()) != set(other["id"].to_pylist())
    assert run.sample(4, columns=["id"])["id"].to_pylist() == first["id"].to_pylist()[:4]
    everything = run.sample(10**6)
    assert sorted(everything["id"].to_pylist()) == sorted(run.documents(columns=["id"]).read_all()["id"].to_pylist())
    assert run.sample(0).num_rows == 0


def test_the_ledger_can_be_asked_by_stage_step_and_rule(run: Run) -> None:
    whole = run.ledger()
    flows = run.flows()

    assert whole.num_rows == sum(pc.sum(flows[name]).as_py() for name in ("dropped", "failed", "cuts"))
    short = run.ledger(stage="clean/filters.length", rule="too_few_words")
    assert set(short["rule"].to_pylist()) == {"too_few_words"}
    assert run.ledger(stage="clean/filters.length").num_rows == short.num_rows
    [step] = set(short["step"].to_pylist())
    by_step = run.ledger(stage=step)
    assert by_step.num_rows == pc.sum(pc.equal(whole["step"], step)).as_py() >= short.num_rows
    assert run.ledger(rule="no_such_rule").num_rows == 0
    assert run.ledger(rule="no_such_rule").schema == whole.schema


def test_flows_and_rules_are_the_books(run: Run) -> None:
    flows, rules = run.flows().to_pylist(), run.rules().to_pylist()

    assert all(flow["in"] == flow["kept"] + flow["dropped"] + flow["failed"] for flow in flows)
    counted = {(flow["step"], flow["stage"]): 0 for flow in flows}
    for rule in rules:
        counted[rule["step"], rule["stage"]] += rule["documents"]
    assert counted == {(flow["step"], flow["stage"]): flow["dropped"] + flow["failed"] for flow in flows}


def test_explain_tells_what_the_command_tells_and_holds_the_rows(run: Run, folder: Path) -> None:
    lost = run.ledger(rule="exact_duplicate").slice(0, 1).to_pylist()[0]

    told = run.explain(lost["id"])

    assert "dropped by exact_duplicate" in str(told)
    assert told.ways[0].ends[0]["twin_id"] == lost["twin_id"]
    assert "stands for " + lost["id"] in repr(run.explain(lost["twin_id"]))
    assert told._repr_html_().startswith("<pre>document ")
    assert len(run.explain(url=lost["url"]).ways) > 1


def test_a_run_shows_itself(run: Run) -> None:
    assert repr(run).startswith("looked_at: ")
    assert run.outputs == ("documents", "tokens")
    assert "documents: " in repr(run)
    shown = run._repr_html_()
    assert "<td" in shown
    assert "clean/dedup.exact" in shown
    assert "too_few_words" in shown


def test_unknown_names_are_refused_with_what_was_meant(run: Run) -> None:
    for call, what in (
        (lambda: run.documents("document"), r"no output 'document'\n.*did you mean 'documents'"),
        (lambda: run.documents(columns=["txt"]), r"no column 'txt'\n.*did you mean 'text'"),
        (lambda: run.documents(split="valid"), r"no split 'valid'\n.*did you mean 'validation'"),
        (lambda: run.ledger("filters.lenght"), r"no stage 'filters.lenght'\n.*did you mean 'clean/filters.length'"),
        (lambda: run.sequences("documents"), r"output documents has sequences: .*`input_ids`"),
        (lambda: run.sample(1, output="tokens"), r"output tokens has documents: .*`text`"),
        (lambda: run.explain("feed"), r"no document with id 'feed'"),
        (lambda: run.explain(), r"which document is not said"),
    ):
        with pytest.raises(PipelineError, match=what):
            call()


def test_a_directory_without_a_finished_run_is_refused(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(PipelineError, match=r"no run stands here\n.*mend"):
        textmill.open(tmp_path / "nothing")
    (tmp_path / "p.yaml").write_text((folder / "p.yaml").read_text().replace(f"{folder}/out", f"{tmp_path}/out"))
    shutil.copy(folder / "token_stages.py", tmp_path)
    plan = compile_pipeline(tmp_path / "p.yaml", overrides={"workers": 1})
    run_plan(plan, RunSettings(until="0"))
    with pytest.raises(PipelineError, match=r"not finished\n.*run the same pipeline again"):
        textmill.open(tmp_path / "out")


def test_a_shard_that_is_gone_is_told_when_it_is_read(folder: Path, tmp_path: Path) -> None:
    shutil.copytree(folder / "out", tmp_path / "out")
    next((tmp_path / "out/documents/data").glob("train-00001-*")).unlink()

    documents = textmill.open(tmp_path / "out").documents()

    with pytest.raises(StoreError, match=r"train-00001-.* is gone\n.*mend"):
        documents.read_all()


def test_import_textmill_loads_nothing_heavy() -> None:
    told = "import sys, textmill; print(sorted({'pyarrow', 'numpy', 'jobs', 'pydantic'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", told], capture_output=True, check=True, text=True)
    assert done.stdout == "[]\n"
