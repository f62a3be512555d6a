"""Bad words: C4's filter for documents with words from a list, with the list of your choice.

No list comes with textmill. The one that C4 used is LDNOOBW, the "List of Dirty, Naughty, Obscene, and Otherwise Bad
Words" (CC-BY-4.0, https://github.com/LDNOOBW/List-of-Dirty-Naughty-Obscene-and-Otherwise-Bad-Words): a folder with one
file for each language, to be given as `lists`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final, Literal, Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pydantic import Field, field_validator, model_validator

from filters.limits import above, ratio
from filters.word_lists import EVERY, Lists, list_faults, read_words, rows_by_list
from stages.fields import Share
from stages.hashing import unit_interval
from stages.stage import Filter
from stages.verdicts import Rule

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from stages.kernels.patterns import Patterns

WITHOUT_SPACES: Final = ("ja", "th", "zh", "jpn", "tha", "zho", "cmn")


class BadWords(Filter):
    """Drops documents in which words of a list occur, as C4 did (Raffel et al. 2020, https://arxiv.org/abs/1910.10683).

    | rule | drops when | datatrove |
    |---|---|---|
    | `bad_words` | occurrences > `max_matches` | document_removed_with_badwords |
    | `dense_bad_words` | occurrences / words (`str.split`) > `max_share` | |
    | `no_word_list` | there is no list for the document's language, and `on_missing` is `drop` | |
    | `error:no_word_list` | the same, and `on_missing` is `fail`: the document counts as failed | ValueError |

    An entry of a list may have several words. It occurs where it stands in any case between characters that are no
    parts of words (`\\w` of Python), or, in languages written without spaces, anywhere; entries that end at the same
    place count once. Differences to datatrove's `C4BadWordsFilter`: every occurrence counts, also where two share the
    blank between them, which matters from `max_matches` 1 on; case is lowered character by character (the Turkish İ
    is not, and the Greek ς is taken for σ); documents to keep in spite of it all are chosen by their id.
    """

    words: tuple[str, ...] = ()
    """Words for documents of every language that has no list of its own; they stand between non-words."""
    lists: Lists
    """Lists by language (`{en: lists/en.txt}`), one entry a line; or a folder with files named `en` or `en.txt`."""
    allowed: tuple[str, ...] = ()
    """Entries to take off all lists."""
    without_spaces: tuple[str, ...] = WITHOUT_SPACES
    """Languages in which an entry of a list counts wherever it stands."""
    default_language: str | None = None
    """The language of documents whose `language` is missing."""
    on_missing: Literal["keep", "drop", "fail"] = "keep"
    """What happens to documents for whose language there is no list."""
    max_matches: Annotated[int, Field(ge=0)] | None = 0
    """Occurrences at most."""
    max_share: Share | None = None
    """Occurrences for each word of the text at most."""
    keep_share: Share = 0.0
    """This share of the documents that break a limit is kept all the same (datatrove's `keep_fraction`)."""
    seed: int | None = None
    """Decides which; the pipeline's seed when left out."""

    @field_validator("words", "allowed")
    @classmethod
    def _can_occur(cls, words: tuple[str, ...]) -> tuple[str, ...]:
        if any(not word.strip() for word in words):
            raise ValueError("there is an empty word, which would be everywhere; take it out")
        return tuple(word.strip() for word in words)

    @model_validator(mode="after")
    def _has_lists_and_limits(self) -> Self:
        if not self.words and not self.lists:
            raise ValueError("there is no list: give words, or lists such as {en: lists/en.txt}")
        if self.max_matches is None and self.max_share is None:
            raise ValueError("sets no limit: give max_matches or max_share")
        return self

    def needs(self) -> tuple[str, ...]:
        return ("text",)

    def uses(self) -> tuple[str, ...]:
        return ("language",) if self.lists else ()

    def measures(self) -> tuple[str, ...]:
        on = {"matches": self.max_matches, "share": self.max_share}
        return tuple(name for name, limit in on.items() if limit is not None)

    def placed(self, house: Path, seed: int) -> BadWords:
        return self if self.seed is not None else self.model_copy(update={"seed": seed})

    def check(self, schema: pa.Schema) -> list[str]:
        faults = list(list_faults(self.lists))
        if self.lists and not self.words and self.default_language is None and "language" not in schema.names:
            faults.append("lists are by language, and there is no column `language`: put stages.language before it")
        if (
            self.default_language is not None
            and self.lists
            and not self.words
            and self.default_language not in self.lists
        ):
            faults.append(f"default_language: there is no list for {self.default_language!r}")
        return faults

    def open(self) -> Mapping[str, Patterns]:
        """An automaton for each list. Raises ValueError for a list that is empty or not UTF-8."""
        from stages.kernels.patterns import patterns_of

        given = {language: read_words(file) for language, file in self.lists.items()}
        if self.words:
            given[EVERY] = self.words
        tools = {}
        for language, words in given.items():
            left = [word for word in words if word not in self.allowed]
            if not left:
                raise ValueError(
                    f"bad_words: the list for {language or 'all languages'} is empty without what is allowed"
                )
            tools[language] = patterns_of(left, flanked=language not in self.without_spaces)
        return tools

    def rules(self, batch: pa.RecordBatch, tools: Mapping[str, Patterns]) -> list[Rule]:
        from stages.kernels.patterns import count_matches
        from stages.kernels.texts import texts_of
        from stages.kernels.words import count_words

        texts = texts_of(batch["text"])
        by_list, alone = rows_by_list(batch, frozenset(tools), self.default_language)
        matches = np.zeros(batch.num_rows, np.int64)
        for language, rows in by_list.items():
            matches[rows] = count_matches(texts, rows, tools[language])
        rules = list(above("bad_words", matches, self.max_matches, "matches"))
        if self.max_share is not None:
            rules += above("dense_bad_words", ratio(matches, count_words(texts)), self.max_share, "share")
        rules = [self._spared(batch, rule) for rule in rules] if self.keep_share else rules
        if self.on_missing != "keep":
            rules.append(Rule("no_word_list" if self.on_missing == "drop" else "error:no_word_list", alone))
        return rules

    def _spared(self, batch: pa.RecordBatch, rule: Rule) -> Rule:
        """The rule without the share of documents that are kept all the same."""
        failing = np.flatnonzero(rule.fails)
        ids = batch["id"].take(pa.array(failing)).to_pylist()
        # One hash for each document that fails: these are few.
        lot: npt.NDArray[np.float64] = np.array([unit_interval(self.seed or 0, "bad_words", one) for one in ids])
        fails = rule.fails.copy()
        fails[failing[lot < self.keep_share]] = False
        return Rule(rule.name, fails, rule.value, rule.limit, rule.measure)
