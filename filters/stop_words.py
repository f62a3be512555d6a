"""Stop words: running text has them, lists of keywords and tables have not; with a list for each language."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal, Self
from unicodedata import ucd_3_2_0 as unicode

import numpy as np
import pyarrow as pa
from pydantic import Field, field_validator, model_validator

from filters.limits import below, ratio
from filters.word_lists import EVERY, Lists, list_faults, read_words, rows_by_list
from stages.fields import Count, Share
from stages.stage import Filter
from stages.verdicts import Rule

if TYPE_CHECKING:
    from collections.abc import Mapping

    from stages.kernels.word_set import WordSet


class StopWords(Filter):
    """Drops documents with too few stop words of their language.

    | rule | drops when | measure |
    |---|---|---|
    | `few_stop_words` | stop words < `min_count` | `count` |
    | `few_different_stop_words` | different stop words < `min_different` (Gopher: 2) | `different` |
    | `low_stop_word_share` | stop words / words < `min_share` (data-juicer's `stopwords_filter`: .3) | `share` |
    | `no_word_list` | there is no list for the document's language, and `on_missing` is `drop` | |
    | `error:no_word_list` | the same, and `on_missing` is `fail`: the document counts as failed | |

    Words lie between white space (`str.split`) and are compared in lower case, without the punctuation around them
    (`filters.gopher_quality` compares them as they stand). A text without words has the share 0. A document for whose
    language there is no list has no numbers in mode `tag`. The lists are yours; every word above a frequency in a
    reference corpus is a stop word to FineWeb2.
    """

    words: tuple[str, ...] = ()
    """Stop words for documents of every language that has no list of its own."""
    lists: Lists
    """Lists by language (`{en: lists/en.txt}`), one word a line; or a folder with files named `en` or `en.txt`."""
    default_language: str | None = None
    """The language of documents whose `language` is missing."""
    on_missing: Literal["keep", "drop", "fail"] = "keep"
    """What happens to documents for whose language there is no list."""
    min_count: Annotated[Count, Field(ge=0)] | None = None
    """Stop words at least."""
    min_different: Annotated[Count, Field(ge=0)] | None = None
    """Different stop words at least."""
    min_share: Share | None = None
    """Share of stop words among the words at least."""

    @field_validator("words")
    @classmethod
    def _can_occur(cls, words: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(map(_checked, words))

    @model_validator(mode="after")
    def _has_lists_and_limits(self) -> Self:
        if not self.words and not self.lists:
            raise ValueError("there is no list: give words, or lists such as {en: lists/en.txt}")
        if not self.measures():
            raise ValueError("sets no limit: give min_count, min_different or min_share")
        return self

    def uses(self) -> tuple[str, ...]:
        return ("language",) if self.lists else ()

    def measures(self) -> tuple[str, ...]:
        on = {"count": self.min_count, "different": self.min_different, "share": self.min_share}
        return tuple(name for name, limit in on.items() if limit is not None)

    def check(self, schema: pa.Schema) -> list[str]:
        faults = list(list_faults(self.lists))
        if self.lists and not self.words and self.default_language is None and "language" not in schema.names:
            faults.append("lists are by language, and there is no column `language`: put stages.language before it")
        for language, file in self.lists.items():
            if not any(fault.startswith(f"lists: {language}: ") for fault in faults):
                faults += [f"lists: {language}: {file}: {fault}" for fault in _word_faults(read_words(file))]
        return faults

    def open(self) -> Mapping[str, WordSet]:
        """The lists as the kernel looks words up. Raises ValueError for a list that is empty or not UTF-8."""
        from stages.kernels.lower_case import lowered
        from stages.kernels.stop_words import stop_word_counts  # noqa: F401 - loaded here, so that no batch waits
        from stages.kernels.word_set import word_set

        given = {language: read_words(file) for language, file in self.lists.items()}
        if self.words:
            given[EVERY] = self.words
        return {language: word_set([lowered(_checked(word)) for word in words]) for language, words in given.items()}

    def rules(self, batch: pa.RecordBatch, tools: Mapping[str, WordSet]) -> list[Rule]:
        from stages.kernels.stop_words import stop_word_counts
        from stages.kernels.texts import texts_of

        texts = texts_of(batch["text"])
        by_list, alone = rows_by_list(batch, frozenset(tools), self.default_language)
        count, different, share = (np.full(batch.num_rows, np.nan) for _ in range(3))
        for language, rows in by_list.items():
            found = stop_word_counts(texts, rows, tools[language])
            count[rows], different[rows] = found.stop_words, found.different
            share[rows] = np.nan_to_num(ratio(found.stop_words, found.words))
        rules = [
            *below("few_stop_words", count, self.min_count, "count"),
            *below("few_different_stop_words", different, self.min_different, "different"),
            *below("low_stop_word_share", share, self.min_share, "share"),
        ]
        if self.on_missing != "keep":
            rules.append(Rule("no_word_list" if self.on_missing == "drop" else "error:no_word_list", alone))
        return rules


def _checked(word: str) -> str:
    """The word, if it can occur: words lie between white space."""
    if word.split() != [word]:
        raise ValueError(f"the stop word {word!r} can never occur: it is empty or has white space in it")
    if any(unicode.category(end)[0] in "PS" for end in (word[0], word[-1])):
        raise ValueError(f"the stop word {word!r} can never occur: words are compared without punctuation around them")
    return word


def _word_faults(words: tuple[str, ...]) -> list[str]:
    """What is wrong with the first word of a list that can never occur."""
    for word in words:
        try:
            _checked(word)
        except ValueError as fault:
            return [str(fault)]
    return []
