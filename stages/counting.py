"""Counts of texts, taken once for all filters that stand together.

A filter says what it counts (`Wanted`). Alone it counts for itself; where several filters follow each other and no
stage between them changes the text, whoever runs them counts for all at once and hands the counts along as a column
of the batch (`counts_column`), which is filtered with it and never written anywhere.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from stages.words.splitters import Splitter, open_splitter, words_of_batch

if TYPE_CHECKING:
    from stages.kernels.word_set import WordSet

Longs = npt.NDArray[np.int64]
Part = Literal["words", "kinds", "lines", "paragraphs", "pieces", "full_lines"]
"""words: their number · kinds: plain, lettered and stop words · lines: of `str.splitlines` · pieces: between runs of
line feeds · full_lines: of `str.split("\\n")`, with more than white space."""

_COLUMN: Final = "_counts "
_taken: dict[str, Wanted] = {}
"""What each column of counts made in this process was taken for."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be counted; characters, hash signs, ellipses and line feeds always are.

    `grams`: lengths of word n-grams, 2 to 10 · `words`: how texts are cut into words · `stop_words` · `short_line`:
    code points of a short line at most. None of these three means that any will do.

    Two things spare work for whoever only drops. `enough`: up to which share of the characters more may be told of
    n-grams of a length than is · `stops`: names of counts, each with the share (of its paragraphs, pieces or, else,
    characters) above which the text is dropped: what `COLUMNS` has behind it may then be told as 0.
    """

    parts: frozenset[Part] = frozenset()
    grams: frozenset[int] = frozenset()
    enough: frozenset[tuple[int, float]] = frozenset()
    stops: frozenset[tuple[str, float]] = frozenset()
    words: Splitter | None = None
    stop_words: tuple[str, ...] | None = None
    short_line: int | None = None

    def with_all_of(self, other: Wanted) -> Wanted | None:
        """What serves both, this being asked first; None where one count cannot."""
        chosen: dict[str, Any] = {}
        for name in ("words", "stop_words", "short_line"):
            mine, theirs = getattr(self, name), getattr(other, name)
            if mine is not None and theirs is not None and mine != theirs:
                return None
            chosen[name] = theirs if mine is None else mine
        mine, theirs = dict(self.enough), dict(other.enough)
        enough = {
            (length, min(one[length] for one, grams in ((mine, self.grams), (theirs, other.grams)) if length in grams))
            for length in (mine | theirs)
            if (length in mine or length not in self.grams) and (length in theirs or length not in other.grams)
        }
        return Wanted(self.parts | other.parts, self.grams | other.grams, frozenset(enough), self.stops, **chosen)

    def serves(self, other: Wanted) -> bool:
        """Whether counts taken for this are all that the other wants."""
        return self.with_all_of(other) == self


class Counter:
    """Counts texts; made once per worker, in `open`."""

    def __init__(self, wanted: Wanted) -> None:
        import stages.kernels.page_counts  # noqa: F401  (loaded here, so that no batch waits for it)
        from stages.kernels.word_set import word_set

        self.wanted = wanted
        self._stop_words: WordSet = word_set(wanted.stop_words or ())
        self._splitter = open_splitter(wanted.words or "whitespace")

    def counts(self, batch: pa.RecordBatch) -> Mapping[str, Longs]:
        """int64 arrays with one number per row, by the names in `stages.kernels.page_counts.COLUMNS`.

        Taken from the batch's own column of counts where it has one that serves.
        """
        from stages.kernels.page_counts import COLUMNS

        shared = [name for name in batch.schema.names if name in _taken and _taken[name].serves(self.wanted)]
        if shared:
            counts = batch[shared[0]].flatten().to_numpy().reshape(-1, len(COLUMNS))
        else:
            counts = self._counted(batch)
        return dict(zip(COLUMNS, np.ascontiguousarray(counts.T)))

    def with_counts(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """The batch with its column of counts."""
        wanted = self.wanted
        choices = (wanted.words, wanted.stop_words, wanted.short_line)
        spared = f"{sorted(wanted.enough)} {sorted(wanted.stops)}"
        name = f"{_COLUMN}{sorted(wanted.parts)} {sorted(wanted.grams)} {spared} {choices}"
        _taken[name] = wanted
        counts = self._counted(batch)
        return batch.append_column(name, pa.FixedSizeListArray.from_arrays(counts.reshape(-1), counts.shape[1]))

    def _counted(self, batch: pa.RecordBatch) -> Longs:
        from stages.kernels.characters import character_classes
        from stages.kernels.page_counts import COLUMNS, PARTS, count_pages
        from stages.kernels.texts import texts_of
        from stages.kernels.words_classes import word_classes
        from stages.kernels.words_split import special_cases

        texts = texts_of(batch["text"])
        languages = batch["language"] if "language" in batch.schema.names else None
        words = words_of_batch(texts, self._splitter, languages)
        counts = np.zeros((len(texts), len(COLUMNS)), np.int64)
        enough, stops = dict(self.wanted.enough), dict(self.wanted.stops)
        count_pages(
            texts.data,
            texts.starts,
            texts.ends,
            character_classes(),
            sum(PARTS[part] for part in self.wanted.parts),
            np.array([length in self.wanted.grams for length in range(11)], np.int64),
            np.array([enough.get(length, -1) for length in range(11)], np.float64),
            np.array([stops.get(name, np.inf) for name in COLUMNS], np.float64),
            self.wanted.short_line or 0,
            self._stop_words,
            words.codes.astype(np.int64),
            word_classes(),
            special_cases(),
            words.given.offsets,
            words.given.begins,
            words.given.ends,
            counts,
        )
        return counts


def without_counts(batch: pa.RecordBatch) -> pa.RecordBatch:
    """The batch without its column of counts, if it has one."""
    return batch.drop_columns([name for name in batch.schema.names if name in _taken])


def shared_counts(wants: Sequence[Wanted | None], breaks: Sequence[bool]) -> list[tuple[int, int, Wanted]]:
    """Where counts can be shared: (first, last, what all of them want) of stages in a row.

    `wants`: what each stage counts · `breaks`: whether counts taken before the stage are wrong behind it. Stages that
    count nothing may stand between; a run of one is none.
    """
    runs: list[tuple[int, int, Wanted]] = []
    first, last, members, whole = -1, -1, 0, None
    for place, (wanted, ends) in enumerate(zip(wants, breaks)):
        joined = None if wanted is None else wanted if whole is None else whole.with_all_of(wanted)
        if wanted is not None and joined is None:
            assert whole is not None
            runs += [(first, last, whole)] if members > 1 else []
            joined, members = wanted, 0
        if joined is not None:
            first = place if members == 0 else first
            last, members, whole = place, members + 1, joined
        if ends:
            runs += [(first, last, whole)] if members > 1 and whole is not None else []
            members, whole = 0, None
    return runs + ([(first, last, whole)] if members > 1 and whole is not None else [])
