"""Symbols: what share of a text's characters are letters, digits, capitals, white space, punctuation, and emoji."""

from __future__ import annotations

from typing import Annotated, Any, Self

import numpy as np
import pyarrow as pa
from pydantic import Field, model_validator

from filters.limits import above, below, ratio
from stages.fields import Share
from stages.stage import Filter
from stages.verdicts import Rule


class Symbols(Filter):
    """Drops documents whose characters are not those of prose.

    | rule | drops when | measure | default, and its source |
    |---|---|---|---|
    | `few_alphanumerics` | letters and numbers / characters < `min_alphanumerics` | `alphanumerics` | .25: BigCode, \
data-juicer's `alphanumeric_filter` |
    | `few_letters` | letters / characters < `min_letters` | `letters` | off |
    | `many_digits` | numbers / characters > `max_digits` | `digits` | .15: NeMo Curator's `NumbersFilter` |
    | `much_white_space` | white space / characters > `max_white_space` | `white_space` | .25: its `WhiteSpaceFilter` |
    | `many_capitals` | capital letters / letters > `max_capitals` | `capitals` | off |
    | `much_punctuation` | punctuation / characters > `max_punctuation` | `punctuation` | off |
    | `many_symbols` | symbols and emoji / characters > `max_symbols` | `symbols` | off |
    | `many_emoji` | emoji / characters > `max_emoji` | `emoji` | off |
    | `symbols_per_word` | symbols and emoji / words > `max_symbols_per_word` | `symbols_per_word` | off |

    Characters are code points. Letters and numbers are those of `str.isalpha` and `str.isnumeric` in every script (NeMo
    counts 0 to 9 alone); white space and words those of `str.split`; punctuation and symbols Unicode's categories P and
    S, so `#` and `%` are punctuation, `+` and `$` symbols. Vowel signs and other combining marks are in none, so
    `min_letters` is not for scripts such as Devanagari. A rule is off while its limit is null; a rule that would divide
    by zero keeps the document. Gopher's own ratios of `#` and ellipses are in `filters.gopher_quality`.
    """

    min_alphanumerics: Share | None = 0.25
    """Share of letters and numbers at least."""
    min_letters: Share | None = None
    """Share of letters at least."""
    max_digits: Share | None = 0.15
    """Share of numbers at most."""
    max_white_space: Share | None = 0.25
    """Share of white space at most."""
    max_capitals: Share | None = None
    """Share of capitals among the letters at most."""
    max_punctuation: Share | None = None
    """Share of punctuation at most."""
    max_symbols: Share | None = None
    """Share of symbols and emoji at most."""
    max_emoji: Share | None = None
    """Share of emoji at most."""
    max_symbols_per_word: Annotated[float, Field(ge=0)] | None = None
    """Symbols and emoji for each word at most."""

    @model_validator(mode="after")
    def _has_a_limit(self) -> Self:
        if not self.measures():
            raise ValueError("sets no limit: give at least one, such as max_digits: 15%")
        return self

    def measures(self) -> tuple[str, ...]:
        limits = {name: getattr(self, name) for name in type(self).model_fields if name != "mode"}
        return tuple(name.partition("_")[2] for name, limit in limits.items() if limit is not None)

    def open(self) -> Any:
        """The kernel that counts, loaded so that no batch waits for it."""
        from stages.kernels.character_shares import character_counts

        return character_counts

    def rules(self, batch: pa.RecordBatch, tools: Any) -> list[Rule]:
        from stages.kernels.texts import texts_of
        from stages.kernels.words import count_words

        texts = texts_of(batch["text"])
        count = tools(texts)
        whole = count.characters
        symbols = count.symbols + count.emoji
        alphanumerics = ratio(count.letters + count.numbers, whole)
        words = np.zeros(batch.num_rows, np.int64) if self.max_symbols_per_word is None else count_words(texts)
        return [
            *below("few_alphanumerics", alphanumerics, self.min_alphanumerics, "alphanumerics"),
            *below("few_letters", ratio(count.letters, whole), self.min_letters, "letters"),
            *above("many_digits", ratio(count.numbers, whole), self.max_digits, "digits"),
            *above("much_white_space", ratio(count.white_space, whole), self.max_white_space, "white_space"),
            *above("many_capitals", ratio(count.capitals, count.letters), self.max_capitals, "capitals"),
            *above("much_punctuation", ratio(count.punctuation, whole), self.max_punctuation, "punctuation"),
            *above("many_symbols", ratio(symbols, whole), self.max_symbols, "symbols"),
            *above("many_emoji", ratio(count.emoji, whole), self.max_emoji, "emoji"),
            *above("symbols_per_word", ratio(symbols, words), self.max_symbols_per_word, "symbols_per_word"),
        ]
