"""The filters' speed beside that of their peers, on the same documents in one run.

    python benchmarks/parity/rates.py [FILE] [--megabytes 60]

FILE: a Parquet file with `id` and `text`, whose first documents stand for all; without it, the multilingual and the
English documents of the folder that TEXTMILL_DATA names, in an order of their own. Each tool runs in a process, and the
peers in environments, of their own (`--environments`, default the project's folder), one after the other, over the
first MB of the file: textmill over `--megabytes`, its peers over fewer, since they take the longer; the table says how
many. Prints MB (10^6 bytes of UTF-8 text) and documents per CPU second: user and system time, warm, imports and reading
excluded; textmill's is the best of three passes, that of its peers one. Peak RSS is the whole process's, with its
documents.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from hashlib import blake2b
from pathlib import Path
from typing import Any, Final

import pyarrow.parquet as pq
from documents import gather
from environment import DATATROVE_RATES, DOLMA, environment, versions

from stages.languages.identifiers import bundled_model

HERE: Final = Path(__file__).parent
SPLIT_MEGABYTES: Final = 10.0
DOLMA_MEGABYTES: Final = 5.0
SPACY_MEGABYTES: Final = 2.5


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("file", type=Path, nargs="?")
    parser.add_argument("--megabytes", type=float, default=60.0)
    parser.add_argument("--environments", type=Path, default=HERE.parent.parent)
    given = parser.parse_args()
    datatrove = environment(given.environments / ".venv-parity", DATATROVE_RATES)
    dolma = environment(given.environments / ".venv-parity-dolma", DOLMA)
    file = given.file or mixed_documents(given.environments / ".venv-parity" / "answers")
    peers = [versions(datatrove, "datatrove", "spacy", "fasttext-predict"), versions(dolma, "dolma")]
    split = ["--words", "split", "--model", str(bundled_model())]
    lines = [
        *rates(Path(sys.executable), "textmill_rates.py", file, given.megabytes),
        *rates(Path(sys.executable), "textmill_rates.py", file, given.megabytes, ["--words", "split"]),
        *rates(datatrove, "datatrove_rates.py", file, SPLIT_MEGABYTES, split),
        *rates(datatrove, "datatrove_rates.py", file, SPACY_MEGABYTES, ["--words", "default"]),
        *rates(dolma, "dolma_rates.py", file, DOLMA_MEGABYTES),
    ]
    print(f"{file.name}; {', '.join(peers)}\n")
    print("| work | tool | MB | MB / CPU s | documents / CPU s | peak RSS, MB | textmill is faster by |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for work in dict.fromkeys(line["work"] for line in lines):
        for line in lines:
            if line["work"] == work:
                print(row(line, lines))


def mixed_documents(folder: Path) -> Path:
    """The documents of the data folder as one Parquet file, in the order of hashes of their ids."""
    data = os.environ.get("TEXTMILL_DATA")
    if not data:
        raise SystemExit("name a Parquet file with id and text, or set TEXTMILL_DATA to the data folder")
    files = [Path(data) / "multilingual" / "docs.jsonl.gz", Path(data) / "quality" / "quality.jsonl.gz"]
    gathered = gather(files, folder, limit=None, language=None)
    target = gathered.with_name(f"mixed-{gathered.name}")
    if not target.exists():
        table = pq.read_table(gathered)
        keys = [blake2b(id.encode()).digest() for id in table["id"].to_pylist()]
        pq.write_table(table.take(sorted(range(len(keys)), key=keys.__getitem__)), target, compression="zstd")
    return target


def rates(python: Path, script: str, file: Path, megabytes: float, options: Sequence[str] = ()) -> list[dict[str, Any]]:
    """What a script prints, a line per work."""
    command = [python, HERE / script, file, "--megabytes", str(megabytes), *options]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]


def row(line: dict[str, Any], lines: list[dict[str, Any]]) -> str:
    """A line of the table; peers are compared with textmill on words of the same kind."""
    rate = line["mb"] / line["cpu_s"]
    twin = "textmill, str.split" if line["tool"].endswith("str.split") else "textmill"
    ours = [one["mb"] / one["cpu_s"] for one in lines if (one["work"], one["tool"]) == (line["work"], twin)]
    faster = f"{ours[0] / rate:.1f} ×" if ours and not line["tool"].startswith("textmill") else ""
    told = [f"{line['mb']:.1f}", f"{rate:.2f}", f"{line['documents'] / line['cpu_s']:.0f}", f"{line['peak_mb']:.0f}"]
    return f"| {line['work']} | {line['tool']} | {' | '.join(told)} | {faster} |"


if __name__ == "__main__":
    main()
