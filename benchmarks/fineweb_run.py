"""FineWeb's recipe without extraction, as a whole run: documents per CPU second from zstd Parquet to zstd Parquet.

    python benchmarks/fineweb_run.py FILE [--documents 20000] [--workers 1] [--repeat 3]

FILE: a Parquet file with `text`, and `lang` where not all of it is English. Of its English texts those of 1 to 8 kB are
taken, about 3.5 kB each, and written once more as zstd Parquet with `language` and `language_score`. Each row is a
`textmill run` with shards and ledger; CPU is the user and system time of all its processes, the least of several times,
because beside other work on the machine one run in three took half as long again. `start-up` is what the same run takes
over 300 of the documents, each twice, so that all stages and the verdict on near-duplicates load what they need; the
last column leaves these out. Without FILE, English-like prose is made up.
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from random import Random
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

FEW: Final = 300
LANGUAGE: Final = {
    "language columns": """filters.expression: {keep: "language == 'eng_Latn' and language_score >= 0.65"}""",
    "identification": "stages.language: {keep: [eng_Latn], min_score: 0.65}",
}
FILTERS: Final = (
    "filters.gopher_repetition",
    "filters.gopher_quality",
    "filters.c4: {terminal_punctuation: false}",
    "filters.fineweb",
)
WHOLE: Final = (*FILTERS, "dedup.minhash", "filters.pii")
RUNS: Final = {
    "filters": (LANGUAGE["language columns"], *FILTERS),
    "filters, identification": (LANGUAGE["identification"], *FILTERS),
    "whole recipe": (LANGUAGE["language columns"], *WHOLE),
    "whole recipe, identification": (LANGUAGE["identification"], *WHOLE),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("file", type=Path, nargs="?")
    parser.add_argument("--documents", type=int, default=20_000)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--runs", nargs="+", choices=RUNS, default=list(RUNS))
    given = parser.parse_args()
    corpus = documents(given.file, given.documents) if given.file else made_up(given.documents)
    size = pc.sum(pc.binary_length(corpus["text"])).as_py()
    print(f"{corpus.num_rows} documents, {size / 1e6:.1f} MB, {size / corpus.num_rows:.0f} bytes each\n")
    print("| run | kept | CPU s | start-up, CPU s | documents / CPU s | MB / CPU s | documents / CPU s, running |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        pq.write_table(corpus, folder / "all.parquet", compression="zstd", row_group_size=4096)
        some = corpus.take(pa.array(range(0, corpus.num_rows, max(1, corpus.num_rows // FEW))))
        few = pa.concat_tables([some, some])
        pq.write_table(few, folder / "few.parquet", compression="zstd")
        for run in given.runs:
            seconds(folder, "few", RUNS[run], given.workers)
            # By turns, so that both meet the machine at its best.
            times = [
                [seconds(folder, name, RUNS[run], given.workers) for name in ("few", "all")]
                for _ in range(given.repeat)
            ]
            (start, _), (whole, kept) = (min(of_one) for of_one in zip(*times))
            rates = (corpus.num_rows / whole, size / 1e6 / whole, (corpus.num_rows - few.num_rows) / (whole - start))
            told = [f"{kept}", f"{whole:.1f}", f"{start:.1f}", f"{rates[0]:.0f}", f"{rates[1]:.1f}", f"{rates[2]:.0f}"]
            print(f"| {run} | {' | '.join(told)} |")


def documents(file: Path, count: int) -> pa.Table:
    """The first English texts of 1 to 8 kB."""
    table = pq.read_table(file)
    if "lang" in table.column_names:
        table = table.filter(pc.equal(table["lang"], "en"))
    length = pc.binary_length(table["text"])
    fits = pc.and_(pc.greater_equal(length, 1000), pc.less_equal(length, 8000))
    return _columns(table["text"].filter(fits).slice(0, count))


def made_up(count: int) -> pa.Table:
    """Words whose frequencies fall as in English (Zipf), in sentences and paragraphs."""
    chance = Random(0)
    words = ["the", "of", "and", "to", "be", "that", "have", "with"]
    words += ["".join(chance.choices("etaoinshrdlu", k=chance.randint(2, 11))) for _ in range(20_000)]
    frequencies = [1 / rank for rank in range(1, len(words) + 1)]
    drawn = (" ".join(chance.choices(words, frequencies, k=600)) for _ in range(count))
    return _columns(pa.chunked_array([[text.replace(" the ", ". The ").replace(" of ", ".\n\nOf ") for text in drawn]]))


def _columns(text: pa.ChunkedArray) -> pa.Table:
    language, score = pa.array(["eng_Latn"] * len(text)), pa.array([0.9] * len(text), pa.float32())
    return pa.table({"text": text, "language": language, "language_score": score})


def seconds(folder: Path, corpus: str, steps: tuple[str, ...], workers: int) -> tuple[float, int]:
    """CPU seconds of a run over one of the files, and how many documents it keeps."""
    out = folder / "out"
    shutil.rmtree(out, ignore_errors=True)
    lines = "\n".join(f"  - {step}" for step in steps)
    read = f'stages.read: {{paths: "{folder}/{corpus}.parquet"}}'
    pipeline = f'textmill: 1\nname: fineweb\nread: {{{read}}}\nsteps:\n{lines}\nwrite: {{to: "{out}"}}\n'
    (folder / "fineweb.yaml").write_text(pipeline)
    command = [*(sys.executable, "-m", "textmill", "run", folder / "fineweb.yaml"), "--workers", str(workers)]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    # With bytecode beside the sources, as an installation has it: without, start-up alone takes twice as long.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    subprocess.run([*command, "--allow-empty"], check=True, capture_output=True, env=environment)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    kept = sum(pq.ParquetFile(shard).metadata.num_rows for shard in out.rglob("shards/**/*.parquet"))
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, kept


if __name__ == "__main__":
    main()
