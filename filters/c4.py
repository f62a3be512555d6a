"""C4's rules: lines that end no sentence, say too little or are boilerplate are cut; pages of code or filler go.

Raffel et al. 2020, *Exploring the Limits of Transfer Learning* (https://arxiv.org/abs/1910.10683), section 2.2, as
datatrove's `C4QualityFilter` reads it: same order, same strictness, same text. The rule on bad words is a filter of its
own (`filters.bad_words`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pydantic import Field

from filters.limits import below
from stages.document import with_column
from stages.fields import Count
from stages.stage import Map
from stages.verdicts import Cuts, Mapped, Rule, Verdicts, first_failure

if TYPE_CHECKING:
    from stages.kernels.texts import Texts

Longs = npt.NDArray[np.int64]
_ANY: Final = -1
_MEASURES: Final = ("sentences", "lines", "kept_lines")


class C4(Map):
    """Cuts lines by C4's rules and drops pages by its page rules.

    Rules of lines in order; a line that breaks one is cut, with its span in the ledger:

    | rule | a line is cut when |
    |---|---|
    | `too_long_word` | a word has more than `max_word_length` characters |
    | `no_terminal_punctuation` | it does not end in one of `. ? ! " '`, or ends in `...` (`terminal_punctuation`) |
    | `too_few_words` | it has fewer words than `min_words` |
    | `javascript` | it says "javascript", in any case (`javascript`) |
    | `policy` | it says "terms of use", "privacy policy", "cookie policy", "uses cookies", "use of cookies" or \
"use cookies", in any case (`policy`) |
    | `citation` | of kept lines `[1]`, `[]`, `[edit]` and `[citation needed]` are cut out (`citations`) |

    Rules of pages: `lorem_ipsum` and `curly_bracket`, when a line that came through the rules above its own says "lorem
    ipsum" (before `javascript`) or has a `{` (before `policy`); `too_few_sentences`, when the kept lines have fewer
    sentences than `min_sentences`; `few_long_lines`, when fewer than `min_long_lines` lines have `long_line` characters
    (mC4's rule of paragraphs: 3 and 200).

    Sentences are those that spaCy's sentencizer finds over the words of its English tokenizer, in each kept line.

    Lines are those of `str.splitlines`; kept ones lose the white space round them and are joined by line feeds. With
    mode `tag` no text is changed and nothing dropped: `c4_rule` is the page rule that would drop the page, and
    `c4_sentences`, `c4_lines`, `c4_kept_lines` (int64) are what was counted.
    """

    mode: Literal["drop", "tag"] = "drop"
    """`drop` cuts lines and drops pages into the ledger; `tag` leaves all as it is and writes columns."""
    terminal_punctuation: bool = True
    """Whether lines must end in terminal punctuation; FineWeb switches this off."""
    min_words: Annotated[Count, Field(ge=0)] | None = 3
    """Words of a line, between white space, at least."""
    max_word_length: Annotated[Count, Field(ge=0)] | None = 1000
    """Characters of a word at most."""
    citations: bool = True
    """Whether citation marks are cut out of lines."""
    javascript: bool = True
    """Whether lines that say "javascript" are cut."""
    policy: bool = True
    """Whether lines on cookies, privacy and terms are cut."""
    lorem_ipsum: bool = True
    """Whether pages that say "lorem ipsum" are dropped."""
    curly_bracket: bool = True
    """Whether pages with a curly bracket are dropped."""
    min_sentences: Annotated[Count, Field(ge=0)] | None = 5
    """Sentences of the kept lines at least."""
    min_long_lines: Annotated[Count, Field(ge=0)] | None = None
    """Long lines of the page at least, before any is cut; mC4 takes 3."""
    long_line: Annotated[Count, Field(ge=1)] = 200
    """A line of at least this many characters is long."""

    def adds(self) -> Mapping[str, pa.DataType]:
        if self.mode == "drop":
            return {"text": pa.string()}
        return {"c4_rule": pa.string(), **{f"c4_{name}": pa.int64() for name in _MEASURES}}

    def open(self) -> None:
        """Load the kernel, so that the first batch does not wait for it."""
        import stages.kernels.c4_lines  # noqa: F401

    def map(self, batch: pa.RecordBatch, tools: Any) -> pa.RecordBatch | Mapped:
        from stages.kernels.texts import texts_of

        texts = texts_of(batch["text"])
        pages = self._cleaned(texts)
        verdicts = self._verdicts(pages)
        if self.mode == "tag":
            rows = with_column(batch, "c4_rule", verdicts.rule)
            for name in _MEASURES:
                rows = with_column(rows, f"c4_{name}", pa.array(pages.counts[name]))
            return rows
        kept = verdicts.rule.is_null().to_numpy(zero_copy_only=False)
        parent = np.flatnonzero(kept).astype(np.int32)
        rows = with_column(batch, "text", pages.text).take(pa.array(parent))
        return Mapped(rows, parent, verdicts, _cuts(pages, kept))

    def _cleaned(self, texts: Texts) -> Pages:
        from stages.kernels.c4_line_rules import SWITCHES
        from stages.kernels.c4_lines import COLUMNS, clean_pages
        from stages.kernels.characters import character_classes
        from stages.kernels.phrases import PHRASES
        from stages.kernels.words_classes import word_classes
        from stages.kernels.words_split import special_cases

        switches = sum(1 << place for place, name in enumerate(SWITCHES) if getattr(self, name))
        wanted = self.min_sentences or 0
        limits = (
            switches,
            _ANY if self.min_words is None else self.min_words,
            _ANY if self.max_word_length is None else self.max_word_length,
            np.iinfo(np.int64).max if self.mode == "tag" else wanted,
            0 if self.min_long_lines is None else self.long_line,
        )
        size = int((texts.ends - texts.starts).sum())
        out = np.empty(size + len(texts) + 64, np.uint8)
        ends = np.zeros(len(texts) + 1, np.int64)
        counts = np.zeros((len(texts), len(COLUMNS)), np.int64)
        cuts = np.empty((size // 32 + 64, 4), np.int64)
        while True:
            made = clean_pages(
                texts.data,
                texts.starts,
                texts.ends,
                character_classes(),
                PHRASES,
                word_classes(),
                special_cases(),
                np.array(limits, np.int64),
                out,
                ends[1:],
                counts,
                cuts,
            )
            if made <= len(cuts):
                break
            cuts = np.empty((made, 4), np.int64)
        text = pa.StringArray.from_buffers(len(texts), pa.py_buffer(ends.astype(np.int32)), pa.py_buffer(out))
        columns = {name: np.ascontiguousarray(column) for name, column in zip(COLUMNS, counts.T)}
        return Pages(text, columns, cuts[:made])

    def _verdicts(self, pages: Pages) -> Verdicts:
        from stages.kernels.c4_lines import PAGE_RULES

        rules = [Rule(name, pages.counts["page_rule"] == number) for number, name in enumerate(PAGE_RULES) if name]
        rules += below("too_few_sentences", pages.counts["sentences"], self.min_sentences)
        rules += below("few_long_lines", pages.counts["long_lines"], self.min_long_lines)
        return first_failure(len(pages.text), rules)


@dataclass(frozen=True, slots=True)
class Pages:
    """What the kernel made of a batch: the new texts, counts per page, and cuts (row, start, end, rule)."""

    text: pa.StringArray
    counts: Mapping[str, Longs]
    cuts: Longs


def _cuts(pages: Pages, kept: npt.NDArray[np.bool_]) -> Cuts:
    """The spans cut out of pages that stay."""
    from stages.kernels.c4_line_rules import LINE_RULES

    cuts = pages.cuts[kept[pages.cuts[:, 0]]]
    rules = pa.array(LINE_RULES, pa.string()).take(pa.array(cuts[:, 3]))
    return Cuts(cuts[:, 0].astype(np.int32), cuts[:, 1].copy(), cuts[:, 2].copy(), rules)
