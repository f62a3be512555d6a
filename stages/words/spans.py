"""Where the words and the sentences of texts stand, as arrays of byte spans for a whole batch."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from stages.kernels.texts import Texts

Ints = npt.NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class SpansPerText:
    """The spans of text j are those from `offsets[j]` on to `offsets[j + 1]`.

    `offsets`: int64, one more than there are texts · `begins`, `ends`: int32, in bytes of UTF-8 from the text's start.
    """

    offsets: npt.NDArray[np.int64]
    begins: Ints
    ends: Ints

    def of(self, row: int) -> list[tuple[int, int]]:
        """The spans of one text."""
        place = slice(self.offsets[row], self.offsets[row + 1])
        return list(zip(self.begins[place].tolist(), self.ends[place].tolist()))


def native_words(data: npt.NDArray[np.uint8], splitter: int, start: int, end: int, begins: Ints, ends: Ints) -> int:
    """Fill the words of one text by a splitter of `stages.kernels.words_split`; how many there are."""
    from stages.kernels.words_classes import word_classes
    from stages.kernels.words_split import NO_MEMORY, special_cases, split_words

    return int(split_words(splitter, data, start, end, word_classes(), special_cases(), NO_MEMORY, begins, ends))


def sentence_spans(texts: Texts) -> SpansPerText:
    """The sentences of each text as spaCy's sentencizer for English finds them, without white space at their ends."""
    from stages.kernels.words_classes import word_classes
    from stages.kernels.words_sentences import find_sentences
    from stages.kernels.words_split import ENGLISH

    def fill(row: int, start: int, end: int, begins: Ints, ends: Ints) -> int:
        words = native_words(texts.data, ENGLISH, start, end, begins, ends)
        heads = np.empty(words, np.int32)
        count = int(find_sentences(texts.data, start, word_classes(), begins, ends, 0, words, heads))
        heads = heads[:count]
        ends[:count] = ends[np.append(heads[1:], words)[:count] - 1]
        begins[:count] = begins[heads]
        return count

    return spans_of_all(texts, fill)


def spans_of_all(texts: Texts, fill: Callable[[int, int, int, Ints, Ints], int]) -> SpansPerText:
    """Collect what `fill(row, start, end, begins, ends)` puts into the two arrays for each text, and counts."""
    longest = int((texts.ends - texts.starts).max(initial=0))
    begins, ends = np.empty(longest + 1, np.int32), np.empty(longest + 1, np.int32)
    counts = np.zeros(len(texts) + 1, np.int64)
    found: list[tuple[Ints, Ints]] = []
    # A Python loop: how many spans there will be is not known, and room for the most there can be is too much.
    for row, (start, end) in enumerate(zip(texts.starts.tolist(), texts.ends.tolist())):
        count = fill(row, start, end, begins, ends)
        counts[row + 1] = count
        found.append((begins[:count].copy(), ends[:count].copy()))
    none = np.zeros(0, np.int32)
    return SpansPerText(
        np.cumsum(counts),
        np.concatenate([none, *(span[0] for span in found)]),
        np.concatenate([none, *(span[1] for span in found)]),
    )


def spans_of_tokens(texts: Sequence[str], cut: Callable[[str], Iterable[str]]) -> SpansPerText:
    """The tokens that a tokenizer cuts each text into, where they stand in it, without white space at their ends.

    A token that is not to be found behind the one before it, because the tokenizer has changed it, has no span.
    """
    counts, begins, ends = [0], [], []
    for text in texts:
        # A Python loop: the tokenizers of libraries take one text at a time and are slower than it.
        widths = np.array([0, *(len(character.encode()) for character in text)], np.int64)
        bytes_before = np.cumsum(widths)
        at, count = 0, 0
        for token in cut(text):
            stripped = token.strip()
            place = text.find(stripped, at) if stripped else -1
            if place < 0:
                continue
            at = place + len(stripped)
            begins.append(bytes_before[place])
            ends.append(bytes_before[at])
            count += 1
        counts.append(count)
    return SpansPerText(np.cumsum(counts), np.array(begins, np.int32), np.array(ends, np.int32))
