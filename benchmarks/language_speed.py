"""How fast `stages.language` is, beside a binding of fastText on the same texts in the same run.

    TEXTMILL_DATA=/path/to/data python benchmarks/language_speed.py [--binding]

(with the project installed, or PYTHONPATH set to its folder). Reads `langid/sentences.jsonl.gz` (one sentence each, 75
languages) and prints megabytes of text per CPU-second, the best of five passes: of the sentences one by one, of
documents of 30 sentences in one language, and of documents of 3.5 kB in English; of the whole stage, and of the
fastText kernel in it without script, noise and labels. With `--binding` also those of the module `fasttext`, where one
is installed, asked for one label a text, and how many of its labels are not those of our kernel.
"""

from __future__ import annotations

import argparse
import gzip
import os
import time
from collections.abc import Callable
from itertools import groupby
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa

from stages.language import Language
from stages.languages.identifiers import bundled_model

SENTENCES_IN_A_DOCUMENT = 30
DOCUMENT_CHARACTERS = 3500


def read_sentences() -> list[dict[str, str]]:
    home = os.environ.get("TEXTMILL_DATA")
    if not home:
        raise SystemExit("set TEXTMILL_DATA to the data folder")
    with gzip.open(Path(home) / "langid" / "sentences.jsonl.gz") as file:
        return [orjson.loads(line) for line in file]


def documents_of(sentences: list[dict[str, str]]) -> list[str]:
    """Every 30 sentences of a language as one text."""
    found = []
    for _, records in groupby(sentences, key=lambda record: record["lang"]):
        texts = [record["text"] for record in records]
        found += [
            " ".join(texts[at : at + SENTENCES_IN_A_DOCUMENT]) for at in range(0, len(texts), SENTENCES_IN_A_DOCUMENT)
        ]
    return found


def english_of(sentences: list[dict[str, str]]) -> list[str]:
    """English, the same 300 sentences again and again, in documents as crawls have them."""
    text = " ".join(record["text"] for record in sentences if record["lang"] == "en") + " "
    return [(text * 2)[at : at + DOCUMENT_CHARACTERS] for at in range(0, len(text), 97)]


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
    sentences = read_sentences()
    stage = Language()
    tools = stage.open()
    print("MB/s        stage  kernel" + ("  binding  labels that differ" if compare else ""))
    for name, texts in (
        ("sentences", [record["text"] for record in sentences]),
        ("documents", documents_of(sentences)),
        ("English", english_of(sentences)),
    ):
        size = sum(len(text.encode()) for text in texts) / 1e6
        batch = pa.record_batch({"id": [str(row) for row in range(len(texts))], "text": texts})
        whole = best_seconds(lambda batch=batch: stage.map(batch, tools))
        kernel = best_seconds(lambda batch=batch: tools[0].tell(batch["text"]))
        line = f"{name:<10} {size / whole:6.1f} {size / kernel:7.1f}"
        print(line + (binding_line(texts, size, tools[0].tell(batch["text"])[0].tolist(), tools) if compare else ""))


def binding_line(texts: list[str], size: float, told: list[int], tools: Any) -> str:
    """The binding's speed on the same texts, and how many labels differ."""
    import fasttext

    predict = fasttext.load_model(str(bundled_model())).f.predict
    lines = [text.replace("\n", " ") + "\n" for text in texts]
    seconds = best_seconds(lambda: [predict(line, 1, 0.0, "strict") for line in lines], passes=2)
    labels = [predict(line, 1, 0.0, "strict")[0][1].removeprefix("__label__") for line in lines]
    ours = [tools[0].model.labels[number] for number in told]
    return f" {size / seconds:8.1f}  {sum(map(str.__ne__, labels, ours))} of {len(texts)}"


if __name__ == "__main__":
    main()
