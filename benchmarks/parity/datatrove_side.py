"""What datatrove says of documents: every decision, reason and value of four filters on their default settings.

    python datatrove_side.py DOCUMENTS.parquet FOLDER --words same|default --processes 2

Writes a Parquet file into the folder for each row group of documents, named after its content, unless it is there: what
has been answered once, for whatever set of documents, or before an interruption, is not asked again.

Runs in an environment that has datatrove and knows nothing of textmill. Reasons come from the filters themselves;
values, which filters keep to themselves, from the functions that the filters call. Columns are named
`<filter>.<value>` as textmill's rules are. `--words same` replaces the words, which are spaCy's, by `str.split()`. C4's
words are those of `str.split()` anyway and its sentences spaCy's, so that it answers under `--words same` alone.
"""

from __future__ import annotations

import argparse
import os
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import datatrove.pipeline.filters.c4_filters as c4_filters
import datatrove.utils.word_tokenizers as word_tokenizers
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from datatrove.data import Document
from datatrove.pipeline.filters.base_filter import BaseFilter, get_filter_result
from datatrove.pipeline.filters.c4_filters import C4QualityFilter
from datatrove.pipeline.filters.fineweb_quality_filter import FineWebQualityFilter
from datatrove.pipeline.filters.gopher_quality_filter import GopherQualityFilter
from datatrove.pipeline.filters.gopher_repetition_filter import (
    GopherRepetitionFilter,
    find_all_duplicate,
    find_duplicates,
    find_top_duplicate,
    get_n_grams,
)
from datatrove.utils.text import PUNCTUATION_SET, split_into_sentences, split_into_words
from datatrove.utils.word_tokenizers import SpaCyTokenizer, WordTokenizer
from documents import batch_name

Answer = dict[str, Any]


class SplitWords(WordTokenizer):
    """Words as `str.split()` cuts them; sentences as datatrove cuts English by default."""

    def __init__(self) -> None:
        super().__init__("en")
        self._spacy = SpaCyTokenizer("en")

    def word_tokenize(self, text: str) -> list[str]:
        return text.split()

    def sent_tokenize(self, text: str) -> list[str]:
        return self._spacy.sent_tokenize(text)

    def span_tokenize(self, text: str) -> list[tuple[int, int]]:
        return self._spacy.span_tokenize(text)


class Sentences:
    """Counts what C4's filter cuts into sentences, with the function that it cuts with."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self, text: str, language: str) -> list[str]:
        found = split_into_sentences(text, language)
        self.count += len(found)
        return found


class Filters:
    """The filters of one process."""

    def __init__(self, words: str) -> None:
        self.words = words
        if words == "same":
            split = SplitWords()
            word_tokenizers.load_word_tokenizer = lambda language: split
        self.sentences = Sentences()
        c4_filters.split_into_sentences = self.sentences
        self.quality = GopherQualityFilter()
        self.repetition = GopherRepetitionFilter()
        self.fineweb = FineWebQualityFilter()
        self.c4 = C4QualityFilter()
        self.c4_lines = C4QualityFilter(min_num_sentences=-1)

    def answer(self, text: str) -> Answer:
        words = split_into_words(text)
        answer = {
            **named("gopher_quality", reason(self.quality, text), quality_values(self.quality, text, words)),
            **named(
                "gopher_repetition", reason(self.repetition, text), repetition_values(self.repetition, text, words)
            ),
            **named("fineweb", reason(self.fineweb, text), fineweb_values(self.fineweb, text, words)),
        }
        if self.words == "default":
            return answer
        self.sentences.count = 0
        why, kept = decided(self.c4, text)
        page_rule = why in ("lorem_ipsum", "curly_bracket")
        values = {"too_few_sentences": None if page_rule else float(self.sentences.count)}
        return {**answer, **named("c4", why, values), "c4.text": kept, "c4.lines": decided(self.c4_lines, text)[1]}


def named(name: str, why: str | None, values: dict[str, float | None]) -> Answer:
    return {f"{name}.reason": why, **{f"{name}.{rule}": value for rule, value in values.items()}}


def decided(stage: BaseFilter, text: str) -> tuple[str | None, str | None]:
    """Why a text is dropped, None if it is kept, and the text as it goes on, None if it does not."""
    document = Document(text=text, id="")
    keep, why = get_filter_result(stage.filter(document))
    return (None, document.text) if keep else (why or "without a reason", None)


def reason(stage: BaseFilter, text: str) -> str | None:
    return decided(stage, text)[0]


def share(part: float, whole: float) -> float | None:
    return part / whole if whole else None


def quality_values(stage: GopherQualityFilter, text: str, words: list[str]) -> dict[str, float | None]:
    plain = [word for word in words if any(character not in PUNCTUATION_SET for character in word)]
    mean = float(np.mean([len(word) for word in plain])) if plain else None
    lines = text.splitlines()
    bullets = sum(line.lstrip().startswith("•") or line.lstrip().startswith("-") for line in lines)
    unfinished = sum(line.rstrip().endswith("...") or line.rstrip().endswith("…") for line in lines)
    return {
        "too_few_words": float(len(plain)),
        "too_many_words": float(len(plain)),
        "short_words": mean,
        "long_words": mean,
        "too_many_hashes": share(text.count("#"), len(words)),
        "too_many_ellipses": share(text.count("...") + text.count("…"), len(words)),
        "bullet_lines": share(bullets, len(lines)),
        "ellipsis_lines": share(unfinished, len(lines)),
        "few_alphabetic_words": share(sum(any(char.isalpha() for char in word) for word in words), len(words)),
        "few_stop_words": float(len(stage.stop_words.intersection(set(words)))),
    }


def repetition_values(stage: GopherRepetitionFilter, text: str, words: list[str]) -> dict[str, float | None]:
    paragraphs, lines = stage.paragraph_exp.split(text.strip()), stage._line_splitter.split(text)
    again, characters = find_duplicates(paragraphs)
    lines_again, line_characters = find_duplicates(lines)
    values = {
        "duplicate_paragraphs": share(again, len(paragraphs)),
        "duplicate_paragraph_characters": share(characters, len(text)),
        "duplicate_lines": share(lines_again, len(lines)),
        "duplicate_line_characters": share(line_characters, len(text)),
    }
    for length, _ in stage.top_n_grams:
        grams = get_n_grams(words, length)
        values[f"top_{length}_gram"] = share(find_top_duplicate(grams) if grams else 0, len(text))
    for length, _ in stage.dup_n_grams:
        values[f"duplicate_{length}_gram"] = share(find_all_duplicate(words, length), len(text))
    return values


def fineweb_values(stage: FineWebQualityFilter, text: str, words: list[str]) -> dict[str, float | None]:
    lines = [line for line in text.split("\n") if line.strip() != ""]
    return {
        "few_punctuated_lines": share(sum(line.endswith(stage.stop_chars) for line in lines), len(lines)),
        "short_lines": share(sum(len(line) <= stage.short_line_length for line in lines), len(lines)),
        "duplicate_line_characters": share(find_duplicates(lines)[1], len(text.replace("\n", ""))),
        "newlines": share(text.count("\n"), len(words)),
    }


FILTERS: list[Filters] = []


def start(words: str) -> None:
    FILTERS.append(Filters(words))


def answer_batch(job: tuple[str, int, str]) -> None:
    """Write the answers to one row group of a file into a folder."""
    file, group, folder = job
    [batch] = pq.ParquetFile(file).read_row_group(group).combine_chunks().to_batches()
    target = Path(folder) / f"{batch_name(batch)}.parquet"
    if target.exists():
        return
    rows = [{"id": row["id"], **FILTERS[0].answer(row["text"])} for row in batch.to_pylist()]
    strings = ("id", "reason", "text", "lines")
    kinds = {name: pa.string() if name.split(".")[-1] in strings else pa.float64() for name in rows[0]}
    part = target.with_suffix(f".{os.getpid()}")
    pq.write_table(pa.Table.from_pylist(rows, schema=pa.schema(list(kinds.items()))), part, compression="zstd")
    part.rename(target)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("documents")
    parser.add_argument("folder")
    parser.add_argument("--words", choices=("same", "default"), required=True)
    parser.add_argument("--processes", type=int, default=2)
    given = parser.parse_args()
    groups = pq.ParquetFile(given.documents).num_row_groups
    jobs = [(given.documents, group, given.folder) for group in range(groups)]
    with get_context("fork").Pool(given.processes, start, (given.words,)) as pool:
        for _ in pool.imap_unordered(answer_batch, jobs):
            pass


if __name__ == "__main__":
    main()
