"""Bad pipelines and bad input files are refused before anything runs: where, what, the mend; nothing is written."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.jobs.refusals import done, failed, files_below, refused
from tests.jobs.village_corpus import documents, write_corpus, write_pipeline

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    return write_corpus(tmp_path / "corpus", count=12, files=2)


def pipeline_of(folder: Path, read: str, steps: str = "[filters.length: {min_words: 5}]", to: str = "out") -> Path:
    file = folder / "p.yaml"
    file.write_text(f"textmill: 1\nread: {{stages.read: {{{read}}}}}\nsteps: {steps}\nwrite: {{to: '{folder / to}'}}\n")
    return file


def texts_table(column: str = "text", **more: list[object]) -> pa.Table:
    return pa.table({column: documents(20), **{name: values * 22 for name, values in more.items()}})


def test_every_fault_of_a_pipeline_is_shown_at_once_with_its_line(
    tmp_path: Path, corpus: Path, capsys: Capture
) -> None:
    file = pipeline_of(
        tmp_path,
        f"pathss: '{corpus}'",
        "\n  - filters.length: {min_words: a lot}\n  - filters.lenght\n  - ./none.py:Stage\n  - nodots",
    )
    message = refused(capsys, "run", file)
    assert [f"p.yaml:{line}" in message for line in range(2, 9)] == [True, False, True, True, True, True, False]
    assert "did you mean 'paths'?" in message
    assert "'a lot' is not a count" in message
    assert "did you mean filters.length" in message
    assert "there is no stage file" in message
    assert not (tmp_path / "out").exists()


def test_a_column_that_nothing_provides_is_refused(tmp_path: Path, corpus: Path, capsys: Capture) -> None:
    file = pipeline_of(tmp_path, f"paths: '{corpus}'", "[filters.expression: {keep: quality > 0.5}]")
    assert "needs the column 'quality'" in refused(capsys, "run", file)


@pytest.mark.parametrize(
    ("code", "what"),
    [
        ("import a_package_that_is_nowhere", "No module named"),
        ("def (", "SyntaxError"),
        ("import sys; sys.exit(3)", "SystemExit"),
        ("Foo = 3", "is no stage"),
    ],
)
def test_a_stage_file_that_cannot_be_loaded_is_refused(
    tmp_path: Path, corpus: Path, capsys: Capture, code: str, what: str
) -> None:
    (tmp_path / "mine.py").write_text(code)
    file = pipeline_of(tmp_path, f"paths: '{corpus}'", "['./mine.py:Foo']")
    message = refused(capsys, "run", file)
    assert "p.yaml:3" in message
    assert what in message


def test_a_missing_and_an_empty_model_are_refused(tmp_path: Path, corpus: Path, capsys: Capture) -> None:
    file = pipeline_of(tmp_path, f"paths: '{corpus}'", "[stages.language: {model: lid.bin}]")
    assert "lid.bin is missing" in refused(capsys, "run", file)
    (tmp_path / "lid.bin").touch()
    assert "lid.bin is empty" in refused(capsys, "run", file)


def test_a_model_that_is_none_is_refused(tmp_path: Path, corpus: Path, capsys: Capture) -> None:
    (tmp_path / "lid.bin").write_bytes(b"no model")
    file = pipeline_of(tmp_path, f"paths: '{corpus}'", "[stages.language: {model: lid.bin}]")
    assert "lid.bin is no fastText classifier" in refused(capsys, "run", file)


@pytest.mark.parametrize("pattern", ["*.parquet", "nowhere/*.jsonl", "gone.jsonl"])
def test_paths_that_match_no_file_are_refused(tmp_path: Path, corpus: Path, capsys: Capture, pattern: str) -> None:
    file = pipeline_of(tmp_path, f"paths: '{corpus}/{pattern}'")
    assert "no file matches" in refused(capsys, "run", file)


def test_two_files_with_one_locator_are_refused(tmp_path: Path, capsys: Capture) -> None:
    for name in "ab":
        write_corpus(tmp_path / name, count=5, files=1)
    file = pipeline_of(tmp_path, f"paths: ['{tmp_path}/a', '{tmp_path}/b']")
    message = refused(capsys, "run", file)
    assert "has the same locator 'part0.jsonl'" in message
    assert "set root" in message


@pytest.mark.parametrize("target", ["nowhere", "/proc/self/mem"])
def test_an_unreadable_file_is_refused(tmp_path: Path, corpus: Path, capsys: Capture, target: str) -> None:
    os.symlink(target, corpus / "sealed.jsonl")
    message = refused(capsys, "run", pipeline_of(tmp_path, f"paths: '{corpus}/*.jsonl', format: jsonl"))
    assert "sealed.jsonl: cannot be read" in message


def truncated(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def emptied(path: Path) -> None:
    os.truncate(path, 0)


def garbled(path: Path) -> None:
    path.write_bytes(b"this is no table at all, but long enough to hold a footer")


@pytest.mark.parametrize("harm", [truncated, emptied, garbled])
def test_a_parquet_file_without_its_footer_is_refused(
    tmp_path: Path, capsys: Capture, harm: Callable[[Path], None]
) -> None:
    for name in ("good", "bad"):
        pq.write_table(texts_table(), tmp_path / f"{name}.parquet")
    harm(tmp_path / "bad.parquet")
    message = refused(capsys, "run", pipeline_of(tmp_path, f"paths: '{tmp_path}/*.parquet'"))
    assert "bad.parquet: is no readable Parquet file" in message
    assert "good.parquet" not in message


def test_a_parquet_file_damaged_inside_loses_only_that_row_group(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    pq.write_table(texts_table(), path, row_group_size=11, compression="zstd")
    content = bytearray(path.read_bytes())
    chunk = pq.read_metadata(path).row_group(0).column(0)
    start = chunk.dictionary_page_offset or chunk.data_page_offset
    content[start + 40 : start + 90] = bytes(50)
    path.write_bytes(bytes(content))
    done("run", pipeline_of(tmp_path, f"paths: '{path}'"), "--workers", 1)
    ledger = pq.read_table(tmp_path / "out/_textmill/ledger")
    assert ledger["rule"].to_pylist() == ["error:damaged_input"]
    assert pq.read_table(tmp_path / "out/data").num_rows == 11


def test_a_table_without_rows_counts_as_read(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    pq.write_table(texts_table(), tmp_path / "in/full.parquet")
    pq.write_table(texts_table().slice(0, 0), tmp_path / "in/none.parquet")
    done("run", pipeline_of(tmp_path, f"paths: '{tmp_path}/in'"))
    done("verify", tmp_path / "out")


def test_a_file_without_the_text_column_is_refused(tmp_path: Path, capsys: Capture) -> None:
    pq.write_table(texts_table(), tmp_path / "a.parquet")
    pq.write_table(texts_table("body"), tmp_path / "b.parquet")
    message = refused(capsys, "run", pipeline_of(tmp_path, f"paths: '{tmp_path}/*.parquet'"))
    assert "b.parquet: there is no text" in message


def test_a_column_that_only_some_files_have_is_noted(tmp_path: Path, capsys: Capture) -> None:
    pq.write_table(texts_table(quality=[0.9]), tmp_path / "a.parquet")
    pq.write_table(texts_table(), tmp_path / "b.parquet")
    file = pipeline_of(tmp_path, f"paths: '{tmp_path}/*.parquet'", "[filters.expression: {keep: quality > 0.5}]")
    done("plan", file)
    assert "not all its files have quality" in capsys.readouterr().out


def test_a_column_of_two_types_is_refused(tmp_path: Path, capsys: Capture) -> None:
    pq.write_table(texts_table(quality=[0.9]), tmp_path / "a.parquet")
    pq.write_table(texts_table(quality=["high"]), tmp_path / "b.parquet")
    message = refused(capsys, "run", pipeline_of(tmp_path, f"paths: '{tmp_path}/*.parquet'"))
    assert "column `quality` is string, but double" in message


@pytest.mark.parametrize("content", ["", "\n\n"])
def test_input_without_documents_fails_unless_allowed(tmp_path: Path, capsys: Capture, content: str) -> None:
    (tmp_path / "empty.jsonl").write_text(content)
    file = pipeline_of(tmp_path, f"paths: '{tmp_path}/*.jsonl'")
    assert "the input holds no documents" in failed(capsys, "run", file, "--workers", 1)
    done("run", file, "--workers", 1, "--allow-empty")


def test_a_run_that_drops_everything_names_the_rules(tmp_path: Path, corpus: Path, capsys: Capture) -> None:
    file = pipeline_of(tmp_path, f"paths: '{corpus}'", "[filters.length: {min_words: 5000}]")
    message = failed(capsys, "run", file, "--workers", 1)
    assert "everything was dropped: filters.length: too_few_words" in message
    assert f"{tmp_path}/out/_textmill/ledger" in message
    done("run", file, "--workers", 1, "--allow-empty")


@pytest.mark.parametrize("paths", ["corpus", "corpus/**", "corpus/*/*/*.parquet", "corpus/**/*.md"])
def test_an_output_that_would_become_input_is_refused(
    tmp_path: Path, corpus: Path, capsys: Capture, paths: str
) -> None:
    (corpus / "a/b").mkdir(parents=True)
    pq.write_table(texts_table(), corpus / "a/b/c.parquet")
    if paths.endswith(".md"):
        (corpus / "a/notes.md").write_text("A note.")
    before = files_below(corpus)
    message = refused(capsys, "run", pipeline_of(tmp_path, f"paths: '{tmp_path}/{paths}'", to="corpus/out"))
    assert "would be input of the next run" in message
    assert files_below(corpus) == before


def test_the_input_folder_itself_is_no_place_to_write_to(tmp_path: Path, corpus: Path, capsys: Capture) -> None:
    before = files_below(corpus)
    message = refused(capsys, "run", pipeline_of(tmp_path, f"paths: '{corpus}/*.jsonl'", to="corpus"))
    assert "files that textmill did not write" in message
    assert files_below(corpus) == before


def test_an_output_beside_the_files_that_are_read_is_allowed(tmp_path: Path, corpus: Path) -> None:
    done("validate", pipeline_of(tmp_path, f"paths: '{corpus}/*.jsonl'", to="corpus/out"))
    done("validate", pipeline_of(tmp_path, f"paths: '{corpus}', format: jsonl", to="corpus/out"))


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        (("--limit", "0"), "--limit 0 reads nothing"),
        (("--limit", "-1"), "--limit"),
        (("--workers", "0"), "--workers"),
        (("--workers", "many"), "--workers"),
        (("--memory", "10MB"), "10 MiB are too little"),
        (("--memory", "lots"), "'lots' is not a size"),
        (("--memory", "-5"), "'-5' is not a size"),
        (("--until", "nonsense"), "give a number or a name: 0 length, 1 write"),
        (("--until", "7"), "there is no such step"),
        (("--set", "nowhere.at=all"), "there is no top-level key 'nowhere'"),
        (("--set", "steps.filters.lengt.min_words=3"), "did you mean 'filters.length'?"),
        (("--set", "run.worker=3"), "did you mean 'workers'?"),
        (("--set", "nothing"), "no address or no `=`"),
        (("--engine", "abacus"), "should be 'local'"),
        (("--frob",), "--frob"),
    ],
)
def test_an_argument_that_makes_no_sense_is_refused(
    tmp_path: Path, corpus: Path, capsys: Capture, arguments: tuple[str, ...], what: str
) -> None:
    assert what in refused(capsys, "run", pipeline_of(tmp_path, f"paths: '{corpus}'"), *arguments)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", ["gone.yaml", "corpus", "fork", "empty.yaml", "words.yaml", "bytes.yaml"])
def test_a_pipeline_that_is_none_is_refused(
    tmp_path: Path, corpus: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("empty.yaml").touch()
    Path("words.yaml").write_text("just words")
    Path("bytes.yaml").write_bytes(b"\xff\xfe\x00\x01")
    assert name in refused(capsys, "run", name)


@pytest.mark.parametrize("command", [(), ("run",), ("frobnicate",), ("verify", "one", "two")])
def test_a_command_that_is_none_exits_2(capsys: Capture, command: tuple[str, ...]) -> None:
    from jobs.cli import run_command_line

    assert run_command_line(list(command)) == 2
    said = capsys.readouterr()
    assert "Usage: textmill" in said.out + said.err or "mend: `textmill" in said.err


def test_a_document_above_the_budget_is_refused_before_it_is_met(tmp_path: Path, corpus: Path, capsys: Capture) -> None:
    file = pipeline_of(tmp_path, f"paths: '{corpus}'")
    message = refused(capsys, "run", file, "--memory", "700MB")
    assert "too little for one worker and one document of run.max_document_bytes (64 MiB)" in message
    done("run", file, "--memory", "700MB", "--workers", 1, "--set", "run.max_document_bytes=1MB")


def test_lines_that_are_no_documents_become_failed_rows(tmp_path: Path) -> None:
    lines = [json.dumps({"text": text}) for text in documents(10)]
    (tmp_path / "a.jsonl").write_text("\n".join([*lines, "{broken", '["no", "object"]', '"text"']) + "\n")
    done(
        "run",
        write_pipeline(tmp_path / "p.yaml", tmp_path, tmp_path / "out", ["filters.length: {min_words: 1}"]),
        "--workers",
        1,
    )
    assert set(pq.read_table(tmp_path / "out/_textmill/ledger")["kind"].to_pylist()) == {"failed"}
