"""How right, how careful and how fast `stages.language` is.

    TEXTMILL_DATA=/path/to/data python benchmarks/language_speed.py [--binding]

(with the project installed, or PYTHONPATH set to its folder). Reads `langid/sentences.jsonl.gz` (one sentence each, 75
languages, `lang` in ISO 639-1) and `langid/noise.jsonl.gz` (logs, code, base64, numbers: no language). Prints macro-F1
over the languages and over those that the model has a label for, the weakest of these, the share of noise that is taken
for a language at 0.65, and megabytes of text per CPU-second: of the sentences one by one, and of documents of 30
sentences, the best of five passes. `--binding` times the module `fasttext` too, where one is installed, and counts
labels that differ.
"""

from __future__ import annotations

import argparse
import gzip
import os
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import orjson
import pyarrow as pa

from stages.language import Language, bundled_model

FLOOR = 0.65
SENTENCES_IN_A_DOCUMENT = 30


def read_lines(name: str) -> list[dict[str, str]]:
    """The records of one file of the data folder."""
    home = os.environ.get("TEXTMILL_DATA")
    if not home:
        raise SystemExit("set TEXTMILL_DATA to the data folder")
    with gzip.open(Path(home) / "langid" / name) as file:
        return [orjson.loads(line) for line in file]


def batch_of(texts: list[str]) -> pa.RecordBatch:
    return pa.record_batch({"id": [str(row) for row in range(len(texts))], "text": texts})


def scores_by_language(truth: list[str], told: list[str]) -> dict[str, float]:
    """F1 of each language that occurs in the truth."""
    right = Counter(label for label, other in zip(truth, told) if label == other)
    wanted, given = Counter(truth), Counter(told)
    return {label: 2 * right[label] / (wanted[label] + given[label]) for label in sorted(wanted)}


def best_seconds(work: Callable[[], object], passes: int = 5) -> float:
    """CPU-seconds of the fastest pass."""
    taken = []
    for _ in range(passes):
        start = time.process_time()
        work()
        taken.append(time.process_time() - start)
    return min(taken)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--binding", action="store_true", help="compare with the module fasttext")
    compare = parser.parse_args().binding
    sentences, noise = read_lines("sentences.jsonl.gz"), read_lines("noise.jsonl.gz")
    texts = [line["text"] for line in sentences]
    documents = [
        " ".join(texts[at : at + SENTENCES_IN_A_DOCUMENT]) for at in range(0, len(texts), SENTENCES_IN_A_DOCUMENT)
    ]
    stage = Language()
    tools = stage.open()
    told = stage.map(batch_of(texts), tools)["language"].to_pylist()
    truth = [line["lang"] for line in sentences]
    scores = scores_by_language(truth, told)
    accepted = Language(min_score=FLOOR).map(batch_of([line["text"] for line in noise]), tools)["language"]
    taken = sum(label != "und" for label in accepted.to_pylist())
    known = [label for label in scores if label in tools.labels]
    weakest = sorted(known, key=lambda label: (scores[label], label))[:8]
    print(f"sentences   {len(texts):>8,}   languages {len(scores)}")
    print(f"macro-F1    {sum(scores.values()) / len(scores):8.4f}")
    print(f"  of {len(known)} known labels {sum(scores[label] for label in known) / len(known):.4f}")
    print(f"accuracy    {sum(map(str.__eq__, truth, told)) / len(texts):8.4f}")
    print(f"weakest     {', '.join(f'{label} {scores[label]:.2f}' for label in weakest)}")
    print(f"noise taken for a language at {FLOOR}: {taken} of {len(noise)} ({taken / len(noise):.1%})")
    for name, column in (("sentences", texts), ("documents", documents)):
        size = sum(len(text.encode()) for text in column) / 1e6
        batch = batch_of(column)
        line = f"{name:<10}  {size / best_seconds(lambda batch=batch: stage.map(batch, tools)):8.1f} MB/s"
        print(line + (binding_line(column, size, stage, tools) if compare else ""))


def binding_line(texts: list[str], size: float, stage: Language, tools: object) -> str:
    """The binding's speed on the same texts, and how many labels differ."""
    import fasttext

    predict = fasttext.load_model(str(bundled_model())).f.predict
    lines = [text.replace("\n", " ") + "\n" for text in texts]
    seconds = best_seconds(lambda: [predict(line, 1, 0.0, "strict") for line in lines], passes=2)
    labels = [predict(line, 1, 0.0, "strict")[0][1].removeprefix("__label__") for line in lines]
    ours = stage.map(batch_of(texts), tools)["language"].to_pylist()
    return f"   binding {size / seconds:6.1f} MB/s, {sum(map(str.__ne__, labels, ours))} labels differ"


if __name__ == "__main__":
    main()
