"""From files of texts to shards of training sequences: one digest, and every document back from the shards."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from jobs.run import run_plan
from pipelines.compile import compile_pipeline
from stages.specimens import hostile_texts, sample_documents
from stages.tokenizers import decode, open_tokenizer

DIGESTS = ("digest", "ledger_digest", "content_digest")
WAYS = ("concat", "best_fit", "buckets")
PIPELINE = """
textmill: 1
name: packed
seed: 7
sources:
  corpus: {{stages.read: {{paths: "{corpus}/*.jsonl", split_size: 20kB}}}}
streams:
  tokenized: {{from: corpus, steps: [stages.tokenize: {{tokenizer: cl100k}}]}}
  concat: {{from: tokenized, steps: [stages.pack: {{how: concat, length: 512}}]}}
  best_fit: {{from: tokenized, steps: [stages.pack: {{how: best_fit, length: 512}}]}}
  buckets: {{from: tokenized, steps: [stages.pack: {{how: buckets, smallest: 64, largest: 512, rest: pack}}]}}
write:
  concat: {{from: concat, to: "{out}/concat", shard_size: 100kB}}
  best_fit: {{from: best_fit, to: "{out}/best_fit", shard_size: 100kB}}
  buckets: {{from: buckets, to: "{out}/buckets", shard_size: 100kB}}
"""


@pytest.fixture(scope="module")
def texts(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Texts in twelve languages, one longer than a sequence, and those that break careless code."""
    short = [text for name, text in hostile_texts().items() if name != "one line of 1 MB"]
    return [*dict.fromkeys([*sample_documents(120)["text"].to_pylist(), "The mill turns. " * 900, *short])]


@pytest.fixture(scope="module")
def corpus(texts: list[str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("corpus")
    for number in range(3):
        lines = [orjson.dumps({"text": text}) for text in texts[number::3]]
        (folder / f"{number}.jsonl").write_bytes(b"\n".join(lines))
    return folder


def packed(corpus: Path, out: Path, workers: int, *settings: str) -> dict[str, Any]:
    """The manifest of a run of all three ways."""
    file = out.parent / f"{out.name}.yaml"
    file.write_text(PIPELINE.format(corpus=corpus, out=out))
    outcome = run_plan(compile_pipeline(file, settings=settings, overrides={"workers": workers}))
    assert outcome.manifest is not None
    return dict(outcome.manifest)


@pytest.fixture(scope="module")
def once(corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    out = tmp_path_factory.mktemp("once") / "out"
    return out, packed(corpus, out, 1)


def shards_of(out: Path) -> pa.Table:
    return pa.concat_tables([pq.read_table(file) for file in sorted((out / "data").rglob("*.parquet"))])


def documents_in(table: pa.Table) -> list[str]:
    """The texts of all documents in the sequences, put together from their pieces."""
    pieces: dict[str, list[tuple[int, list[int]]]] = defaultdict(list)
    for row in table.to_pylist():
        for name, span, start in zip(row["doc_ids"], row["doc_spans"], row["doc_starts"]):
            pieces[name].append((start, row["input_ids"][span["start"] : span["end"]]))
    tokenizer = open_tokenizer("cl100k")
    return [decode(tokenizer, [one for _, ids in sorted(mine) for one in ids]).decode() for mine in pieces.values()]


@pytest.mark.parametrize("way", WAYS)
def test_every_document_comes_back_from_the_shards(
    once: tuple[Path, dict[str, Any]], texts: list[str], way: str
) -> None:
    found = documents_in(shards_of(once[0] / way))

    assert sorted(found) == sorted(text for text in texts if text)


def test_workers_and_batches_change_no_digest(once: tuple[Path, dict[str, Any]], corpus: Path, tmp_path: Path) -> None:
    again = packed(corpus, tmp_path / "out", 2, "run.batch_rows=13")

    assert [once[1][name] for name in DIGESTS] == [again[name] for name in DIGESTS]


def test_shards_of_sequences_are_typed_counted_and_laid_in_folders(once: tuple[Path, dict[str, Any]]) -> None:
    out, manifest = once
    measured = [step["measures"] for step in manifest["steps"] if step.get("measures")]
    for way, measures in zip(WAYS, measured, strict=True):
        table = shards_of(out / way)
        assert table.schema.field("input_ids").type == pa.list_(pa.uint32())
        assert measures["sequences"] == table.num_rows
        assert measures["tokens"] == sum(table["tokens"].to_pylist())
    for folder in (out / "buckets" / "data").iterdir():
        lengths = pq.ParquetDataset(folder).read(["length"])["length"].to_pylist()
        assert {f"length-{length:05d}" for length in lengths} == {folder.name}
        assert measured[2][f"length_{lengths[0]}.sequences"] == len(lengths)
