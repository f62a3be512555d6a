"""How fast `stages.score` is, beside the library fasttext-new on the same model and texts in the same run.

    TEXTMILL_DATA=/path/to/data python benchmarks/score_speed.py

(with textmill[train] installed). Trains three classifiers on `quality/quality.jsonl.gz` (an epoch each: only the shape
matters here), then scores its texts with both, three times in turn, and prints megabytes of text per CPU-second of the
best pass and the largest difference of a score. fasttext-new gets all texts in one call of `predict_batch` with one
thread; its newlines are replaced outside the timed part.
"""

from __future__ import annotations

import gzip
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import fasttext_new
import numpy as np
import orjson
import pyarrow as pa

from stages.score import Score

SHAPES: tuple[dict[str, Any], ...] = (
    {"wordNgrams": 1},
    {"wordNgrams": 2},
    {"wordNgrams": 3, "dim": 16, "bucket": 500_000},
    {"minn": 3, "maxn": 5, "dim": 32, "bucket": 200_000},
)


def records() -> list[dict[str, str]]:
    home = os.environ.get("TEXTMILL_DATA")
    if not home:
        raise SystemExit("set TEXTMILL_DATA to the data folder")
    with gzip.open(Path(home) / "quality" / "quality.jsonl.gz") as file:
        return [orjson.loads(line) for line in file]


def seconds(work: Callable[[], Any]) -> tuple[float, Any]:
    start = time.process_time()
    answer = work()
    return time.process_time() - start, answer


def compare(folder: Path, texts: list[str], shape: dict[str, Any]) -> str:
    """One line: the speeds of both on one model."""
    path = folder / "model.bin"
    fasttext_new.train_supervised(input=str(folder / "train.txt"), epoch=1, thread=1, verbose=0, **shape).save_model(
        str(path)
    )
    stage = Score.model_validate({"score": {"fasttext": str(path), "label": "high"}})
    tools, oracle = stage.open(), fasttext_new.load_model(str(path))
    batch = pa.record_batch({"id": [str(row) for row in range(len(texts))], "text": texts})
    lines = [text.replace("\n", " ") for text in texts]
    ours, theirs = [], []
    for _ in range(3):
        spent, rows = seconds(lambda: stage.map(batch, tools))
        ours.append(spent)
        spent, (labels, chances) = seconds(lambda: oracle.predict_batch(lines, k=-1, threshold=-1.0, threads=1))
        theirs.append(spent)
    wanted = [dict(zip(*answer))["__label__high"] for answer in zip(labels, chances)]
    apart = np.abs(np.array(rows["score"].to_pylist()) - np.minimum(wanted, 1)).max()
    size = sum(len(text.encode()) for text in texts) / 1e6
    told = f"stages.score {size / min(ours):6.1f} MB/s   fasttext-new {size / min(theirs):6.1f} MB/s"
    return f"{shape!s:<62} {told}   apart {apart:.1e}"


def main() -> None:
    rows = records()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        with (folder / "train.txt").open("w") as file:
            file.writelines(f"__label__{row['label']} {' '.join(row['text'].split())}\n" for row in rows)
        for shape in SHAPES:
            print(compare(folder, [row["text"] for row in rows], shape), flush=True)


if __name__ == "__main__":
    main()
