"""Boilerplate lines: navigation, counters and headlines that extraction left in the text, cut line by line.

Penedo et al. 2023, *The RefinedWeb Dataset* (https://arxiv.org/abs/2306.01116), section 3.2 and appendix G.2, name the
rules; DCLM rebuilt them with limits (https://arxiv.org/abs/2406.11794, baselines/mappers/modifiers.py), which are the
defaults here. Lines are one Arrow column and rules are expressions over it, so that no Python sees a line that stays.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Final, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field

from filters.limits import above, ratio
from filters.line_spans import Lines, Span, cuts_of, lines_of, whole_lines, without
from stages.document import with_column
from stages.fields import Share
from stages.stage import Map
from stages.verdicts import Mapped, Rule, Verdicts, first_failure

COUNTED: Final = (
    *("likes", "shares", "comments", "retweets", "reposts", "quotes"),
    *("bookmarks", "upvotes", "downvotes", "downloads", "views", "followers"),
)

Phrase = Annotated[str, Field(min_length=1)]
SPANS: Final = pa.list_(pa.struct([("start", pa.int32()), ("end", pa.int32()), ("rule", pa.string())]))
"""Byte spans of `text`."""


class BoilerplateLines(Map):
    """Cuts lines of boilerplate out of the text, and drops documents that lose too much by it.

    Rules for a line, in order; empty lines stay. Each span stands in the ledger by its rule:

    | rule | cut when |
    |---|---|
    | `upper_case` | upper-case letters / characters > `max_upper_case` |
    | `digits` | digits / characters > `max_digits` |
    | `counter` | the line is a number with one of `counted` behind it, such as `3 likes` or `1.2K views` |
    | `few_words` | words < `min_words` |
    | `navigation` | the line has at most `navigation_words` words and one of the phrases in its place |

    Of a navigation line the phrase alone is cut, with the blank before it (behind it at the start); the whole line if
    nothing else stands on it. Phrases are found in any case: first those anywhere, then at the end, then at the start.
    Other rules cut the whole line with its newline. A rule is off while its limit is null or its list is empty.

    Rules for the document: `words_cut` drops it when words cut / words > `max_words_cut`; `nothing_left` when every
    line goes. Words lie between Unicode white space, lines between newlines.

    With `mode: tag` the text stays, and `boilerplate_lines_rule` (string, null = would be kept),
    `boilerplate_lines_words_cut` (float64, the share) and `boilerplate_lines_spans` (start, end, rule) tell.
    """

    mode: Literal["drop", "tag"] = "drop"
    """`drop` cuts lines and drops documents; `tag` changes nothing and writes what would happen as columns."""
    max_upper_case: Share | None = 0.5
    """Share of upper-case letters (Unicode category Lu) among a line's characters at most; DCLM: a half."""
    max_digits: Share | None = 0.999999
    """Share of decimal digits among a line's characters at most; the default cuts lines of digits alone."""
    counted: tuple[Phrase, ...] = COUNTED
    """What lines that are counters count."""
    min_words: Annotated[int, Field(ge=1)] | None = 2
    """Words of a line at least; the default cuts lines of one word."""
    navigation_words: Annotated[int, Field(ge=1)] = 10
    """Lines with more words are not looked at for phrases of navigation."""
    navigation_start: tuple[Phrase, ...] = ("sign-in",)
    """Phrases of navigation at the start of a line."""
    navigation_end: tuple[Phrase, ...] = ("read more...",)
    """Phrases of navigation at the end of a line."""
    navigation_anywhere: tuple[Phrase, ...] = ("items in cart",)
    """Phrases of navigation wherever they stand."""
    max_words_cut: Share | None = 0.05
    """Share of a document's words that may be cut."""

    def adds(self) -> Mapping[str, pa.DataType]:
        if self.mode == "drop":
            return {"text": pa.string()}
        return {
            "boilerplate_lines_rule": pa.string(),
            "boilerplate_lines_words_cut": pa.float64(),
            "boilerplate_lines_spans": SPANS,
        }

    def open(self) -> list[re.Pattern[str]]:
        """The expressions for phrases of navigation; loads the kernel too, so that no batch waits for it."""
        import stages.kernels.words  # noqa: F401

        return [
            re.compile(form.format("|".join(map(re.escape, phrases))), re.IGNORECASE)
            for form, phrases in (
                (r"\s?(?:{})", self.navigation_anywhere),
                (r"\s?(?:{})\Z", self.navigation_end),
                (r"\A(?:{})\s?", self.navigation_start),
            )
            if phrases
        ]

    def map(self, batch: pa.RecordBatch, tools: list[re.Pattern[str]]) -> pa.RecordBatch | Mapped:
        lines = lines_of(batch["text"].fill_null(""))
        found = self._find(lines, batch.num_rows, tools)
        verdicts = first_failure(batch.num_rows, self._rules(found))
        if self.mode == "tag":
            return self._tagged(batch, found, verdicts)
        kept = np.flatnonzero(verdicts.rule.is_null().to_numpy(zero_copy_only=False)).astype(np.int32)
        cut = [row for row in kept.tolist() if found.spans[row]]
        rows = batch.take(pa.array(kept))
        if cut:
            texts = rows["text"].to_pylist()
            for place, row in zip(np.searchsorted(kept, cut).tolist(), cut):
                texts[place] = without(texts[place], found.spans[row])
            rows = with_column(rows, "text", pa.array(texts, pa.string()))
        return Mapped(rows, kept, verdicts, cuts_of(found.spans, cut))

    def _rules(self, found: Boilerplate) -> list[Rule]:
        """The rules for documents."""
        nothing = Rule("nothing_left", found.emptied)
        return [*above("words_cut", ratio(found.words_cut, found.words), self.max_words_cut), nothing]

    def _tagged(self, batch: pa.RecordBatch, found: Boilerplate, verdicts: Verdicts) -> pa.RecordBatch:
        share = ratio(found.words_cut, found.words)
        spans = [[dict(zip(("start", "end", "rule"), span)) for span in row] for row in found.spans]
        columns = (verdicts.rule, pa.array(share, pa.float64(), mask=np.isnan(share)), pa.array(spans, SPANS))
        for name, column in zip(self.adds(), columns):
            batch = with_column(batch, name, column)
        return batch

    def _find(self, lines: Lines, rows: int, phrases: list[re.Pattern[str]]) -> Boilerplate:
        """What the rules for lines find in all texts of the batch."""
        from stages.kernels.texts import texts_of
        from stages.kernels.words import count_words

        words = count_words(texts_of(lines.text))
        cut = first_failure(len(words), self._line_rules(lines, words)).rule
        gone = cut.is_valid().to_numpy(zero_copy_only=False)
        filled = lines.end > lines.start
        edits, names = {}, cut.to_pylist() if gone.any() else [None] * len(gone)
        # Line by line: few lines are short, stay, and have a phrase.
        for line in np.flatnonzero(~gone & filled & self._has_phrase(lines, words, phrases)).tolist():
            text = lines.text[line].as_py()
            edits[line] = _phrases(text, phrases)
            left = without(text, edits[line]).split()
            if not left:
                gone[line], names[line] = True, "navigation"
        words_cut = np.where(gone, words, 0)
        start, end = whole_lines(lines, gone)
        spans: list[list[Span]] = [[] for _ in range(rows)]
        for line in np.flatnonzero(gone | np.isin(np.arange(len(gone)), list(edits))).tolist():
            own = spans[lines.row[line]]
            if gone[line]:
                own.append((int(start[line]), int(end[line]), names[line]))
                continue
            text, offset = lines.text[line].as_py(), int(lines.start[line])
            own += [(offset + low, offset + high, rule) for low, high, rule in edits[line]]
            words_cut[line] = words[line] - len(without(text, edits[line]).split())
        count = np.bincount(lines.row, words, rows).astype(np.int64)
        stays = np.bincount(lines.row, ~gone & filled, rows)
        emptied = (np.bincount(lines.row, gone, rows) > 0) & (stays == 0)
        return Boilerplate(spans, count, np.bincount(lines.row, words_cut, rows).astype(np.int64), emptied)

    def _line_rules(self, lines: Lines, words: npt.NDArray[np.int64]) -> list[Rule]:
        filled = lines.end > lines.start
        characters = pc.utf8_length(lines.text).to_numpy().astype(np.int64)
        rules: list[Rule] = []
        if self.max_upper_case is not None:
            rules += above("upper_case", ratio(_count(lines.text, r"\p{Lu}"), characters), self.max_upper_case)
        if self.max_digits is not None:
            rules += above("digits", ratio(_count(lines.text, r"\p{Nd}"), characters), self.max_digits)
        if self.counted:
            rules.append(Rule("counter", _matches(lines.text, _counter(self.counted))))
        if self.min_words is not None:
            rules.append(Rule("few_words", filled & (words < self.min_words)))
        return rules

    def _has_phrase(
        self, lines: Lines, words: npt.NDArray[np.int64], phrases: list[re.Pattern[str]]
    ) -> npt.NDArray[np.bool_]:
        """Which short lines may have a phrase of navigation."""
        if not phrases:
            return np.zeros(len(words), np.bool_)
        wanted = (*self.navigation_anywhere, *self.navigation_end, *self.navigation_start)
        return (words <= self.navigation_words) & _matches(lines.text, f"(?i){'|'.join(map(_literal, wanted))}")


@dataclass(frozen=True, slots=True)
class Boilerplate:
    """Per text: the spans to cut, its words, the words in them, and whether nothing stays."""

    spans: list[list[Span]]
    words: npt.NDArray[np.int64]
    words_cut: npt.NDArray[np.int64]
    emptied: npt.NDArray[np.bool_]


def _counter(counted: tuple[str, ...]) -> str:
    """DCLM's expression for a line that is a counter, with Unicode's digits and blanks."""
    other = r"[^\p{L}\p{N}_]*"
    return rf"(?i)^{other}\p{{Nd}}[,.\p{{Nd}}]*[kmb]?[\s\p{{Z}}]+(?:{'|'.join(map(_literal, counted))}){other}$"


def _literal(phrase: str) -> str:
    """A phrase as RE2 reads it, whatever signs it has."""
    return "".join(letter if letter.isalnum() else f"\\x{{{ord(letter):x}}}" for letter in phrase)


def _matches(lines: pa.StringArray, pattern: str) -> npt.NDArray[np.bool_]:
    return np.asarray(pc.match_substring_regex(lines, pattern).to_numpy(zero_copy_only=False), np.bool_)


def _count(lines: pa.StringArray, pattern: str) -> npt.NDArray[np.int64]:
    return np.asarray(pc.count_substring_regex(lines, pattern).to_numpy(), np.int64)


def _phrases(line: str, phrases: list[re.Pattern[str]]) -> list[Span]:
    """The byte spans of a line that phrases take, one expression after the other."""
    places = list(range(len(line)))
    for phrase in phrases:
        text = "".join(line[place] for place in places)
        gone = {at for found in phrase.finditer(text) for at in range(*found.span())}
        places = [place for at, place in enumerate(places) if at not in gone]
    taken = np.ones(len(line) + 2, np.bool_)
    taken[0] = taken[-1] = False
    taken[np.array(places, np.int64) + 1] = False
    edges = np.flatnonzero(taken[1:] != taken[:-1]).tolist()
    bounds = [len(line[:edge].encode()) for edge in edges]
    return [(low, high, "navigation") for low, high in zip(bounds[::2], bounds[1::2])]
