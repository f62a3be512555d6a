"""FineWeb's own rules: text has lines that end as sentences do, few short ones, few repeated ones, few line breaks.

Penedo et al. 2024, *The FineWeb Datasets* (https://arxiv.org/abs/2406.17557), section 3.5, as datatrove's
`FineWebQualityFilter` reads it: same counts, same order, same strictness. One pass over the text counts everything for
this filter and its neighbours (`stages/counting.py`).
"""

from __future__ import annotations

from typing import Annotated

import numpy as np
import pyarrow as pa
from pydantic import Field

from filters.limits import above, below, ratio
from stages.counting import Counter, Splitter, Wanted
from stages.fields import Count, Share
from stages.stage import Filter
from stages.verdicts import Rule


class Fineweb(Filter):
    """Drops documents that look like lists, menus or repeated boilerplate, by five rules.

    Rules in order, with the reason that datatrove gives:

    | rule | drops when | datatrove |
    |---|---|---|
    | `empty` | there is no line with more than white space | empty |
    | `few_punctuated_lines` | lines ending a sentence / lines < `min_punctuated_lines` | line_punct_ratio |
    | `short_lines` | lines of at most `short_line` characters / lines > `max_short_lines` | short_line_ratio |
    | `duplicate_line_characters` | characters of lines equal to an earlier one / characters but line feeds > \
`max_duplicate_line_characters` | char_dup_ratio |
    | `newlines` | line feeds / words > `max_newlines_per_word` | list_ratio |

    Lines lie between line feeds; those of white space alone do not count. A line ends a sentence when its last
    character is terminal punctuation (Unicode's Sentence_Terminal, nearly). A rule is off while its limit is null, but
    for `empty`.

    The published limit of repeated lines is 0.1; 0.01 is the default of datatrove's code. FineWeb 2 raised it to 0.1.
    """

    min_punctuated_lines: Share | None = 0.12
    """Share of lines that end in terminal punctuation, at least."""
    keep_unpunctuated: bool = False
    """Whether texts in which no line ends in terminal punctuation pass that rule, as for scripts without any."""
    short_line: Annotated[Count, Field(ge=0)] = 30
    """A line of at most this many characters is short."""
    max_short_lines: Share | None = 0.67
    """Share of short lines at most."""
    max_duplicate_line_characters: Share | None = 0.01
    """Share of characters in lines that repeat an earlier one."""
    max_newlines_per_word: Annotated[float, Field(ge=0)] | None = 0.3
    """Line feeds per word at most."""
    words: Splitter = "english"
    """How texts are cut into words: `english` as spaCy's English tokenizer does, which datatrove takes; `whitespace` as
    `str.split`; `unicode` into runs of letters, digits and marks, and each other character by itself."""

    def measures(self) -> tuple[str, ...]:
        limits = {
            "punctuated_lines": self.min_punctuated_lines,
            "short_lines": self.max_short_lines,
            "duplicate_line_characters": self.max_duplicate_line_characters,
            "newlines_per_word": self.max_newlines_per_word,
        }
        return tuple(name for name, limit in limits.items() if limit is not None)

    def counts(self) -> Wanted:
        return Wanted(frozenset({"words", "full_lines"}), words=self.words, short_line=self.short_line)

    def open(self) -> Counter:
        """What counts; loads the kernel, so that no batch waits for it."""
        return Counter(self.counts())

    def rules(self, batch: pa.RecordBatch, tools: Counter) -> list[Rule]:
        count = tools.counts(batch)
        lines = count["full_lines"]
        ended = ratio(count["ended_lines"], lines)
        repeated = ratio(count["duplicate_full_line_characters"], count["characters"] - count["line_feeds"])
        newlines = ratio(count["line_feeds"], count["words"])
        rules = [
            Rule("empty", lines == 0),
            *below("few_punctuated_lines", ended, self.min_punctuated_lines, "punctuated_lines"),
            *above("short_lines", ratio(count["short_lines"], lines), self.max_short_lines, "short_lines"),
            *above(
                "duplicate_line_characters", repeated, self.max_duplicate_line_characters, "duplicate_line_characters"
            ),
            *above("newlines", newlines, self.max_newlines_per_word, "newlines_per_word"),
        ]
        if self.keep_unpunctuated and self.min_punctuated_lines is not None:
            ended_rule = rules[1]
            fails = ended_rule.fails & (np.nan_to_num(ended) != 0)
            rules[1] = Rule(ended_rule.name, fails, ended_rule.value, ended_rule.limit, ended_rule.measure)
        return rules
