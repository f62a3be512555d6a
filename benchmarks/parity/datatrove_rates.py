"""How fast datatrove's filters are, as they come and with words of `str.split()`; and the fastText binding, and PII.

    python datatrove_rates.py DOCUMENTS.parquet --megabytes 4 --words default|split [--model lid.176.ftz]

Runs in an environment that has datatrove. Each filter is called as its pipeline calls it, one document after the other;
`all four` are FineWeb's, in FineWeb's order, each judging what the ones before it have kept. With `--words split`
sentences are cheap as well: they end at `.`, `!` or `?` and white space.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import datatrove.utils.word_tokenizers as word_tokenizers
import pyarrow as pa
from datatrove.data import Document
from datatrove.pipeline.base import PipelineStep
from datatrove.pipeline.filters.c4_filters import C4QualityFilter
from datatrove.pipeline.filters.fineweb_quality_filter import FineWebQualityFilter
from datatrove.pipeline.filters.gopher_quality_filter import GopherQualityFilter
from datatrove.pipeline.filters.gopher_repetition_filter import GopherRepetitionFilter
from datatrove.pipeline.formatters.pii import PIIFormatter
from datatrove_side import SplitWords
from measuring import first_documents, report, texts

SENTENCE = re.compile(r".+?(?:[.!?](?=\s)|$)", re.DOTALL)

Steps = list[Callable[[], PipelineStep]]

WORKS: dict[str, Steps] = {
    "gopher_quality": [GopherQualityFilter],
    "gopher_repetition": [GopherRepetitionFilter],
    "c4": [C4QualityFilter],
    "fineweb": [FineWebQualityFilter],
    "all four": [
        GopherRepetitionFilter,
        GopherQualityFilter,
        lambda: C4QualityFilter(filter_no_terminal_punct=False),
        FineWebQualityFilter,
    ],
}


class SplitAll(SplitWords):
    """Words and sentences with next to no work."""

    def span_tokenize(self, text: str) -> list[tuple[int, int]]:
        return [found.span() for found in SENTENCE.finditer(text)]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("documents", type=Path)
    parser.add_argument("--megabytes", type=float, required=True)
    parser.add_argument("--words", choices=("default", "split"), required=True)
    parser.add_argument("--model", help="a language identifier for the binding")
    given = parser.parse_args()
    if given.words == "split":
        split = SplitAll()
        word_tokenizers.load_word_tokenizer = lambda language: split
    batches = first_documents(given.documents, given.megabytes)
    tool = "datatrove, spaCy" if given.words == "default" else "datatrove, str.split"
    for work, steps in WORKS.items():
        passed(WORKS["all four"], batches[0].slice(0, 1))
        report(work, tool, batches, lambda steps=steps: [passed(steps, batch) for batch in batches], passes=1)
    if given.words == "split":
        report("pii", "datatrove", batches, lambda: [passed([PIIFormatter], batch) for batch in batches], passes=1)
    if given.model:
        report("language", "fasttext-predict", batches, identifier(given.model, batches), passes=1)


def passed(steps: Steps, batch: pa.RecordBatch) -> int:
    """How many documents come out of the steps."""
    documents: Iterator[Document] = (Document(text=text, id="") for text in texts([batch]))
    for step in steps:
        documents = step().run(documents)
    return sum(1 for _ in documents)


def identifier(model: str, batches: list[pa.RecordBatch]) -> Callable[[], object]:
    """The binding's prediction of the best label, for lines that stand ready."""
    import fasttext

    predict = fasttext.load_model(model).f.predict
    lines = [text.replace("\n", " ") + "\n" for text in texts(batches)]
    return lambda: [predict(line, 1, 0.0, "strict") for line in lines]


if __name__ == "__main__":
    main()
