"""Gopher's quality rules: prose has words of a usual length, letters, stop words, and few hashes, bullets and ellipses.

Rae et al. 2021, *Scaling Language Models* (https://arxiv.org/abs/2112.11446), appendix A.1.1, as datatrove's
`GopherQualityFilter` reads it: same counts, same order, same strictness. One pass over the text counts everything for
this filter and its neighbours (`stages/counting.py`); the rules are comparisons of columns.
"""

from __future__ import annotations

from typing import Annotated, Final

import pyarrow as pa
from pydantic import Field, field_validator

from filters.limits import above, below, ratio
from stages.counting import Counter, Splitter, Wanted
from stages.fields import Count, Share
from stages.stage import Filter
from stages.verdicts import Rule

STOP_WORDS: Final = ("the", "be", "to", "of", "and", "that", "have", "with")


class GopherQuality(Filter):
    """Drops documents that do not look like prose, by ten rules.

    Rules in order, with the reason that datatrove gives:

    | rule | drops when | datatrove |
    |---|---|---|
    | `too_few_words` | words < `min_words` | gopher_short_doc |
    | `too_many_words` | words > `max_words` | gopher_long_doc |
    | `short_words` | mean characters of a word < `min_mean_word_length` | gopher_below_avg_threshold |
    | `long_words` | mean characters of a word > `max_mean_word_length` | gopher_above_avg_threshold |
    | `too_many_hashes` | `#` / all words > `max_hashes_per_word` | gopher_too_many_hashes |
    | `too_many_ellipses` | (`...` and `…`) / all words > `max_ellipses_per_word` | gopher_too_many_ellipsis |
    | `bullet_lines` | lines starting with `•` or `-` / lines > `max_bullet_lines` | gopher_too_many_bullets |
    | `ellipsis_lines` | lines ending in `...` or `…` / lines > `max_ellipsis_lines` | gopher_too_many_end_ellipsis |
    | `few_alphabetic_words` | words with a letter / all words < `min_alphabetic_words` | gopher_below_alpha_threshold |
    | `few_stop_words` | different stop words < `min_stop_words` | gopher_enough_stop_words |

    The first four rules leave out words of punctuation alone. A rule is off while its limit is null (0 is a limit,
    where datatrove takes it for off). A rule that would divide by zero (no words, no lines) keeps the document.
    """

    min_words: Annotated[Count, Field(ge=0)] | None = 50
    """Words at least, not counting words of punctuation alone."""
    max_words: Annotated[Count, Field(ge=0)] | None = 100_000
    """Words at most, not counting words of punctuation alone."""
    min_mean_word_length: Annotated[float, Field(ge=0)] | None = 3.0
    """Mean length of a word in characters at least."""
    max_mean_word_length: Annotated[float, Field(ge=0)] | None = 10.0
    """Mean length of a word in characters at most."""
    max_hashes_per_word: Annotated[float, Field(ge=0)] | None = 0.1
    """Hash signs per word at most."""
    max_ellipses_per_word: Annotated[float, Field(ge=0)] | None = 0.1
    """Ellipses per word at most."""
    max_bullet_lines: Share | None = 0.9
    """Share of lines that start with a bullet at most."""
    max_ellipsis_lines: Share | None = 0.3
    """Share of lines that end with an ellipsis at most."""
    min_alphabetic_words: Share | None = 0.8
    """Share of words with at least one letter, at least."""
    min_stop_words: Annotated[int, Field(ge=0)] | None = 2
    """How many different stop words must occur."""
    stop_words: tuple[str, ...] = STOP_WORDS
    """The stop words, matched as they stand: `The` is not `the`."""
    words: Splitter = "english"
    """How texts are cut into words: `english` as spaCy's English tokenizer does, which datatrove takes; `whitespace` as
    `str.split`; `unicode` into runs of letters, digits and marks, and each other character by itself."""

    @field_validator("stop_words")
    @classmethod
    def _can_occur(cls, words: tuple[str, ...]) -> tuple[str, ...]:
        for word in words:
            if word.split() != [word]:
                raise ValueError(f"the stop word {word!r} can never occur: it is empty or has white space in it")
        return words

    def measures(self) -> tuple[str, ...]:
        limits = {
            "words": (self.min_words, self.max_words),
            "mean_word_length": (self.min_mean_word_length, self.max_mean_word_length),
            "hashes_per_word": (self.max_hashes_per_word,),
            "ellipses_per_word": (self.max_ellipses_per_word,),
            "bullet_lines": (self.max_bullet_lines,),
            "ellipsis_lines": (self.max_ellipsis_lines,),
            "alphabetic_words": (self.min_alphabetic_words,),
            "stop_words": (self.min_stop_words,),
        }
        return tuple(name for name, bounds in limits.items() if any(bound is not None for bound in bounds))

    def counts(self) -> Wanted:
        stop_words = None if self.min_stop_words is None else self.stop_words
        return Wanted(frozenset({"kinds", "lines"}), words=self.words, stop_words=stop_words)

    def open(self) -> Counter:
        """What counts; loads the kernel, so that no batch waits for it."""
        return Counter(self.counts())

    def rules(self, batch: pa.RecordBatch, tools: Counter) -> list[Rule]:
        count = tools.counts(batch)
        words, lines = count["words"], count["lines"]
        mean = ratio(count["plain_characters"], count["plain_words"])
        hashes, ellipses = ratio(count["hashes"], words), ratio(count["ellipses"], words)
        bullets, ellipsis_lines = ratio(count["bullet_lines"], lines), ratio(count["ellipsis_lines"], lines)
        alphabetic, stop_words = ratio(count["letter_words"], words), count["stop_words"]
        return [
            *below("too_few_words", count["plain_words"], self.min_words, "words"),
            *above("too_many_words", count["plain_words"], self.max_words, "words"),
            *below("short_words", mean, self.min_mean_word_length, "mean_word_length"),
            *above("long_words", mean, self.max_mean_word_length, "mean_word_length"),
            *above("too_many_hashes", hashes, self.max_hashes_per_word, "hashes_per_word"),
            *above("too_many_ellipses", ellipses, self.max_ellipses_per_word, "ellipses_per_word"),
            *above("bullet_lines", bullets, self.max_bullet_lines, "bullet_lines"),
            *above("ellipsis_lines", ellipsis_lines, self.max_ellipsis_lines, "ellipsis_lines"),
            *below("few_alphabetic_words", alphabetic, self.min_alphabetic_words, "alphabetic_words"),
            *below("few_stop_words", stop_words, self.min_stop_words, "stop_words"),
        ]
