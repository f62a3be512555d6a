"""Peak memory of a whole run: 2 GB of text with `--memory 2GB --workers 2` must stay below 3 GB for all processes.

    TEXTMILL_DATA=… python benchmarks/memory.py [--gigabytes 2] [--memory 2GB] [--workers 2] [--folder DIR]

The input is real text (`multilingual/docs.jsonl.gz` and `quality/quality.jsonl.gz` of the data folder) in salted
copies: in copy n every fifth word carries n in letters, so that few copies are near-duplicates. It is written once per
folder. The run filters, drops exact and near-duplicates and writes shards; resident memory of the driver and
its workers is read ten times a second, and the largest sum is reported with CPU seconds and MB of text per core-second.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

PIPELINE = """textmill: 1
name: memory
read: {{stages.read: {{paths: "{corpus}/*.parquet"}}}}
steps:
  - filters.length: {{min_words: 20}}
  - filters.gopher_repetition
  - filters.gopher_quality
  - dedup.exact
  - dedup.minhash
write: {{to: "{out}"}}
"""


def texts(data: Path) -> list[str]:
    """All texts of the data folder's two sets."""
    found = []
    for name in ("multilingual/docs.jsonl.gz", "quality/quality.jsonl.gz"):
        with gzip.open(data / name, "rt", encoding="utf-8") as lines:
            found += [json.loads(line)["text"] for line in lines]
    return found


def salted(originals: list[str], size: int) -> Iterator[list[str]]:
    """Copies of all texts, each salted by its number, until `size` bytes are reached."""
    made = copy = 0
    while made < size:
        texts = []
        salt = "".join(chr(ord("a") + int(digit)) for digit in str(copy))
        for original in originals:
            words = original.split(" ")
            words[::5] = [word + salt for word in words[::5]]
            texts.append(" ".join(words))
            made += len(texts[-1].encode())
            if made >= size:
                break
        yield texts
        copy += 1


def build(data: Path, corpus: Path, size: int) -> None:
    """Write the corpus as Parquet files of one salted copy each, unless it is there."""
    if corpus.exists():
        return
    draft = corpus.with_name(corpus.name + ".draft")
    draft.mkdir(parents=True)
    for number, copy in enumerate(salted(texts(data), size)):
        pq.write_table(pa.table({"text": copy}), draft / f"copy-{number:04d}.parquet", compression="zstd")
    draft.rename(corpus)


def tree(root: int) -> list[int]:
    """A process and all below it."""
    found, queue = [], [root]
    while queue:
        pid = queue.pop()
        found.append(pid)
        try:
            queue += [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
        except OSError:
            continue
    return found


def resident(pid: int) -> int:
    """Bytes of resident memory; 0 for a process that has ended."""
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 0


def measure(command: list[str]) -> tuple[int, float, float]:
    """Run a command: the largest sum of resident memory in bytes, its CPU seconds, its wall seconds."""
    started = time.monotonic()
    run = subprocess.Popen(command, stdout=sys.stderr)
    peak = 0
    while run.poll() is None:
        peak = max(peak, sum(resident(pid) for pid in tree(run.pid)))
        time.sleep(0.1)
    if run.returncode:
        sys.exit(f"the run failed with exit code {run.returncode}")
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return peak, used.ru_utime + used.ru_stime, time.monotonic() - started


def main() -> None:
    """Build the corpus, run, print one line of figures."""
    parser = argparse.ArgumentParser(description="peak memory of a whole run")
    parser.add_argument("--gigabytes", type=float, default=2.0)
    parser.add_argument("--memory", default="2GB")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()) / "textmill-memory")
    options = parser.parse_args()
    if "TEXTMILL_DATA" not in os.environ:
        sys.exit("TEXTMILL_DATA must name the folder with the measurement data")
    size = int(options.gigabytes * 1e9)
    corpus = options.folder / f"corpus-{options.gigabytes}"
    build(Path(os.environ["TEXTMILL_DATA"]), corpus, size)
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        pipeline = Path(folder) / "memory.yaml"
        pipeline.write_text(PIPELINE.format(corpus=corpus, out=Path(folder) / "out"))
        run = [sys.executable, "-m", "textmill", "run", str(pipeline), "--memory", options.memory]
        peak, cpu, wall = measure([*run, "--workers", str(options.workers)])
    print(
        f"{size / 1e6:,.0f} MB of text, --memory {options.memory} --workers {options.workers}: "
        f"peak RSS {peak / 1e6:,.0f} MB, {cpu:,.1f} CPU s, {size / 1e6 / cpu:,.1f} MB per core-second, {wall:,.1f} s"
    )


if __name__ == "__main__":
    main()
