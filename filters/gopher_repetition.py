"""Gopher's repetition rules: text that says the same lines, paragraphs or phrases again and again goes.

Rae et al. 2021, *Scaling Language Models* (https://arxiv.org/abs/2112.11446), table A1, as datatrove's
`GopherRepetitionFilter` reads it: same counts, same order, same strictness. One pass over the text counts
everything for this filter and its neighbours (`stages/counting.py`); the rules are comparisons of columns.
"""

from __future__ import annotations

from typing import Final

import pyarrow as pa

from filters.counting import CountingFilter
from filters.limits import above, ratio
from stages.counting import Counter, Part, Wanted
from stages.fields import Share
from stages.verdicts import Rule

_TOP: Final = range(2, 5)
_GRAMS: Final = {length: f"{'top' if length in _TOP else 'duplicate'}_{length}_gram" for length in range(2, 11)}
_COUNTS: Final = {
    "duplicate_paragraphs": "duplicate_paragraphs",
    "duplicate_paragraph_characters": "duplicate_paragraph_characters",
    "duplicate_lines": "duplicate_pieces",
    "duplicate_line_characters": "duplicate_piece_characters",
    **{name: f"grams_{length}" for length, name in _GRAMS.items()},
}
"""The rules in their order, each with the count that it compares."""


class GopherRepetition(CountingFilter):
    """Drops documents that repeat themselves, by thirteen rules.

    Each drops a document whose share is greater than its limit. Rules in order, with datatrove's reason:

    | rule | share | datatrove |
    |---|---|---|
    | `duplicate_paragraphs` | paragraphs equal to an earlier one / paragraphs | dup_para_frac |
    | `duplicate_paragraph_characters` | their characters / characters of the text | dup_para_char_frac |
    | `duplicate_lines` | lines equal to an earlier one / lines | dup_line_frac |
    | `duplicate_line_characters` | their characters / characters of the text | dup_line_char_frac |
    | `top_2_gram` … `top_4_gram` | length × count of the most frequent n-gram / characters | top_2_gram … |
    | `duplicate_5_gram` … `duplicate_10_gram` | length of n-grams met before / characters | duplicated_5_n_grams … |

    Lines lie between runs of newlines; paragraphs, of the stripped text, between runs of two or more. A top n-gram
    is joined by blanks and counts even if it occurs once, so that very short texts can fail; words of a duplicate
    n-gram are joined by nothing, and the walk goes on behind each one found. A rule is off while its limit is null
    (0 is a limit, where datatrove takes it for off). The empty text is kept: nothing in it is repeated (datatrove
    drops it as `empty`; `filters.length` does so here).
    """

    max_duplicate_paragraphs: Share | None = 0.3
    """Share of paragraphs that repeat an earlier one."""
    max_duplicate_paragraph_characters: Share | None = 0.2
    """Share of characters in repeated paragraphs."""
    max_duplicate_lines: Share | None = 0.3
    """Share of lines that repeat an earlier one."""
    max_duplicate_line_characters: Share | None = 0.2
    """Share of characters in repeated lines."""
    max_top_2_gram: Share | None = 0.2
    """Share of characters in the most frequent pair of words."""
    max_top_3_gram: Share | None = 0.18
    """Share of characters in the most frequent three words."""
    max_top_4_gram: Share | None = 0.16
    """Share of characters in the most frequent four words."""
    max_duplicate_5_gram: Share | None = 0.15
    """Share of characters in repeated runs of five words."""
    max_duplicate_6_gram: Share | None = 0.14
    """Share of characters in repeated runs of six words."""
    max_duplicate_7_gram: Share | None = 0.13
    """Share of characters in repeated runs of seven words."""
    max_duplicate_8_gram: Share | None = 0.12
    """Share of characters in repeated runs of eight words."""
    max_duplicate_9_gram: Share | None = 0.11
    """Share of characters in repeated runs of nine words."""
    max_duplicate_10_gram: Share | None = 0.10
    """Share of characters in repeated runs of ten words."""

    def measures(self) -> tuple[str, ...]:
        return tuple(name for name in _COUNTS if getattr(self, f"max_{name}") is not None)

    def counts(self) -> Wanted:
        grams = frozenset(length for length, name in _GRAMS.items() if getattr(self, f"max_{name}") is not None)
        stops = {
            (count, limit)
            for name, count in _COUNTS.items()
            if (limit := getattr(self, f"max_{name}")) is not None and self.mode == "drop"
        }
        enough = {(length, limit) for length in _GRAMS for count, limit in stops if count == f"grams_{length}"}
        parts: frozenset[Part] = frozenset({"paragraphs", "pieces"})
        return Wanted(parts, grams, frozenset(enough), frozenset(stops), words=self.words)

    def rules(self, batch: pa.RecordBatch, tools: Counter) -> list[Rule]:
        count = tools.counts(batch)
        characters = count["characters"]
        wholes = {"duplicate_paragraphs": count["paragraphs"], "duplicate_lines": count["pieces"]}
        shares = {name: ratio(count[part], wholes.get(name, characters)) for name, part in _COUNTS.items()}
        return [
            rule for name, share in shares.items() for rule in above(name, share, getattr(self, f"max_{name}"), name)
        ]
