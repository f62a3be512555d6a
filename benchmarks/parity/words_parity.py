"""How far the native splitters agree with spaCy and datatrove's use of it, and how fast both are.

    TEXTMILL_DATA=/path/to/data python benchmarks/parity/words_parity.py [FILE ...] [--documents N]

(with the project installed, or PYTHONPATH set to its folder; needs `pip install spacy`, 3.8). A FILE is Parquet or
JSON lines (gzip or not) with the column `text`; without any, the quality and multilingual documents of the data folder
are read. Prints for each file the share of documents whose tokens are identical with those of `spacy.blank("en")` and
`spacy.blank("xx")`, white space left out as datatrove leaves it out, and whose sentences are as many; then megabytes
per CPU-second of the splitters, the best of five passes, and of spaCy.
"""

from __future__ import annotations

import argparse
import gzip
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numba
import numpy as np
import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import spacy
from spacy.language import Language

from stages.kernels.texts import Texts, texts_of
from stages.kernels.words_classes import word_classes
from stages.kernels.words_memory import MEMORY
from stages.kernels.words_split import ENGLISH, MULTILINGUAL, UNICODE, WHITESPACE, special_cases, split_words
from stages.words.spans import sentence_spans
from stages.words.splitters import Splitter, word_spans

FILES = ("quality/quality.jsonl.gz", "multilingual/docs.jsonl.gz")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("files", nargs="*", type=Path)
    parser.add_argument("--documents", type=int, default=1_000_000)
    options = parser.parse_args()
    home = os.environ.get("TEXTMILL_DATA")
    if not home and not options.files:
        raise SystemExit("name files, or set TEXTMILL_DATA to the data folder")
    for file in options.files or [Path(home or "") / name for name in FILES]:
        texts = [text for _, text in zip(range(options.documents), read_texts(file))]
        print(f"{file.name}: {len(texts):,} documents, {sum(len(text.encode()) for text in texts) / 1e6:.1f} MB")
        compare(texts, "english", "en")
        compare(texts, "multilingual", "xx")
        for name, code in (
            ("whitespace", WHITESPACE),
            ("unicode", UNICODE),
            ("english", ENGLISH),
            ("multilingual", MULTILINGUAL),
        ):
            print(f"  {name:12} {speed(texts_of(pa.array(texts, pa.large_string())), code):6.1f} MB/s")


def read_texts(file: Path) -> Iterator[str]:
    if file.suffix == ".parquet":
        for batch in pq.ParquetFile(file).iter_batches(columns=["text"]):
            yield from batch.column(0).to_pylist()
        return
    with gzip.open(file) if file.suffix == ".gz" else file.open("rb") as lines:
        for line in lines:
            yield orjson.loads(line)["text"]


def compare(texts: list[str], splitter: Splitter, language: str) -> None:
    """Print the share of documents with the same tokens and the same number of sentences, and spaCy's speed."""
    nlp = spacy.blank(language)
    nlp.add_pipe("sentencizer")
    same = same_sentences = 0
    seconds = 0.0
    for text in texts:
        begin = time.process_time()
        tokens, sentences = words_of_spacy(nlp, text)
        seconds += time.process_time() - begin
        column = texts_of(pa.array([text]))
        data = text.encode()
        found = [data[start:end].decode() for start, end in word_spans(column, splitter).of(0)]
        if found == tokens:
            same += 1
        else:
            place = next((i for i, (one, other) in enumerate(zip(found, tokens)) if one != other), len(tokens))
            print(f"  differs: {found[place - 2 : place + 3]} · spaCy: {tokens[place - 2 : place + 3]}")
        same_sentences += len(sentence_spans(column).begins) == sentences
    size = sum(len(text.encode()) for text in texts) / 1e6
    print(f"  {splitter}: {same / len(texts):.4%} of documents have spaCy's tokens ({language}), {same:,} of them")
    if language == "en":
        print(f"  {same_sentences / len(texts):.4%} have as many sentences")
    print(f"  spaCy ({language}, tokens and sentences) {size / seconds:.2f} MB/s")


def words_of_spacy(nlp: Language, text: str) -> tuple[list[str], int]:
    """The tokens as datatrove takes them, and the number of its sentences."""
    nlp.max_length = len(text) + 10
    with nlp.memory_zone():
        document = nlp(text)
        tokens = [token.text.strip() for token in document]
        sentences = sum(bool(sentence.text.strip()) for sentence in document.sents)
    return [token for token in tokens if token], sentences


def speed(texts: Texts, splitter: int) -> float:
    """Megabytes per CPU-second of a splitter over all texts."""
    run: Callable[..., int] = numba.njit(split_all)
    taken = []
    memory = np.zeros(MEMORY, np.uint64)
    for _ in range(6):
        begin = time.process_time()
        run(splitter, texts.data, texts.starts, texts.ends, word_classes(), special_cases(), memory)
        taken.append(time.process_time() - begin)
    return float((texts.ends - texts.starts).sum()) / min(taken[1:]) / 1e6


def split_all(splitter, data, starts, ends, classes, cases, memory):  # type: ignore[no-untyped-def]
    """The number of words of all texts; compiled by `speed`."""
    longest = (ends - starts).max() + 1
    begins, stops = np.empty(longest, np.int32), np.empty(longest, np.int32)
    words = 0
    for row in range(len(starts)):
        words += split_words(splitter, data, starts[row], ends[row], classes, cases, memory, begins, stops)
    return words


if __name__ == "__main__":
    main()
