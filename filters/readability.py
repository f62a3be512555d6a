"""Readability: how hard the sentences of a text are, by McAlpine's EFLAW score.

Rachel McAlpine, *From Plain English to Global English* (1997): (words + words of at most three characters) / sentences,
because short words stand for idioms and phrasal verbs, which foreign readers stumble over. GneissWeb
(https://arxiv.org/abs/2502.14907) keeps what scores below 70 in its categories and below 30 elsewhere.
"""

from __future__ import annotations

from typing import Annotated, Self

import numpy as np
import pyarrow as pa
from pydantic import Field, model_validator

from filters.limits import ratio
from stages.stage import Filter
from stages.verdicts import Rule

Limit = Annotated[float, Field(gt=0)]


class Readability(Filter):
    """Drops documents whose sentences are hard to read.

    | rule | drops when |
    |---|---|
    | `hard_to_read` | (words + words of ≤ 3 characters) / sentences ≥ `max_eflaw` |
    | `long_sentences` | words / sentences ≥ `max_words_per_sentence` |

    Both limits are strict, as in GneissWeb: what reaches them is dropped. Words and sentences are those of textstat
    for English: punctuation is taken out before words are cut at white space, but for the apostrophe of `it's`; a
    sentence goes from a letter or digit up to the next `.`, `!` or `?`, one of at most two words does not count, and
    every text has at least one. Letters and digits above ASCII are those of the kernels' table, so that a numeral such
    as `²` is none. A text without words scores 0.
    """

    max_eflaw: Limit | None = 70.0
    """The EFLAW score that documents stay below."""
    max_words_per_sentence: Limit | None = None
    """The mean words of a sentence that documents stay below."""

    @model_validator(mode="after")
    def _sets_a_limit(self) -> Self:
        if self.max_eflaw is None and self.max_words_per_sentence is None:
            raise ValueError("sets no limit: give max_eflaw, max_words_per_sentence, or both")
        return self

    def measures(self) -> tuple[str, ...]:
        limits = {"eflaw": self.max_eflaw, "words_per_sentence": self.max_words_per_sentence}
        return tuple(name for name, limit in limits.items() if limit is not None)

    def open(self) -> None:
        """Load the kernel, so that the first batch does not wait for it."""
        import stages.kernels.readability  # noqa: F401

    def rules(self, batch: pa.RecordBatch, tools: None) -> list[Rule]:
        from stages.kernels.readability import sentence_counts
        from stages.kernels.texts import texts_of

        count = sentence_counts(texts_of(batch["text"]))
        sentences = np.maximum(count.sentences, 1)
        rules = []
        if self.max_eflaw is not None:
            eflaw = ratio(count.words + count.short_words, sentences)
            rules.append(Rule("hard_to_read", eflaw >= self.max_eflaw, eflaw, self.max_eflaw, "eflaw"))
        if self.max_words_per_sentence is not None:
            mean, limit = ratio(count.words, sentences), self.max_words_per_sentence
            rules.append(Rule("long_sentences", mean >= limit, mean, limit, "words_per_sentence"))
        return rules
