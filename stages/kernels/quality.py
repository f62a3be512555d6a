"""What Gopher's quality rules count, in one pass over the characters of each text.

Words are those of `str.split()`, lines those of `str.splitlines()`. A word is *plain* when it has at least one
character that is no punctuation (`characters.PUNCTUATION`); only plain words count for the number and the length of
words.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from numba.types import UniTuple, int32, int64, uint64, void

from stages.kernels.characters import LETTER, LINE_BREAK, PUNCTUATION, WHITESPACE, character_classes
from stages.kernels.native import BYTES, LONGS, native
from stages.kernels.spans import Ints
from stages.kernels.texts import Texts
from stages.kernels.word_set import WordSet, find_word

Longs = npt.NDArray[np.int64]

_BULLET: Final = 0x2022
_ELLIPSIS: Final = 0x2026
_COLUMNS: Final = 10


@dataclass(frozen=True, slots=True)
class QualityCounts:
    """int64 arrays with one number per text.

    `words`: all words · `plain_words`, `plain_characters`: the plain ones, and their code points together ·
    `letter_words`: words with a letter · `hashes`: `#` · `ellipses`: `...` (not overlapping) and `…` · `lines` ·
    `bullet_lines`: first character but white space is `•` or `-` · `ellipsis_lines`: last is an ellipsis ·
    `stop_words`: different stop words that occur as words.
    """

    words: Longs
    plain_words: Longs
    plain_characters: Longs
    letter_words: Longs
    hashes: Longs
    ellipses: Longs
    lines: Longs
    bullet_lines: Longs
    ellipsis_lines: Longs
    stop_words: Longs


def quality_counts(texts: Texts, stop_words: WordSet) -> QualityCounts:
    """Count everything in `QualityCounts` for each text."""
    counts = np.zeros((len(texts), _COLUMNS), np.int64)
    _scan(
        texts.data,
        texts.starts,
        texts.ends,
        character_classes(),
        stop_words.data,
        stop_words.starts,
        stop_words.ends,
        stop_words.hashes,
        stop_words.slots,
        stop_words.mask,
        stop_words.longest,
        counts,
    )
    return QualityCounts(*(np.ascontiguousarray(column) for column in counts.T))


@native(UniTuple(int64, 2)(BYTES, int64))
def decode(data: npt.NDArray[np.uint8], at: int) -> tuple[int, int]:
    """The code point that starts at `at`, and its width in bytes (UTF-8, RFC 3629; the text is known to be valid)."""
    place = np.uint64(at)
    lead = int(data[place])
    if lead < 0x80:
        return lead, 1
    second = int(data[place + np.uint64(1)]) & 0x3F
    if lead < 0xE0:
        return (lead & 0x1F) << 6 | second, 2
    third = int(data[place + np.uint64(2)]) & 0x3F
    if lead < 0xF0:
        return (lead & 0x0F) << 12 | second << 6 | third, 3
    return (lead & 0x07) << 18 | second << 12 | third << 6 | int(data[place + np.uint64(3)]) & 0x3F, 4


@native(
    void(
        *(BYTES, LONGS, LONGS, BYTES),
        *(BYTES, int32[::1], int32[::1], uint64[::1], int32[::1], int64, int64),
        int64[:, ::1],
    )
)
def _scan(
    data: npt.NDArray[np.uint8],
    starts: Longs,
    ends: Longs,
    classes: npt.NDArray[np.uint8],
    stop_data: npt.NDArray[np.uint8],
    stop_starts: Ints,
    stop_ends: Ints,
    stop_hashes: npt.NDArray[np.uint64],
    stop_slots: Ints,
    stop_mask: int,
    longest_stop_word: int,
    counts: npt.NDArray[np.int64],
) -> None:
    seen_in = np.full(len(stop_starts), -1, np.int64)
    for row in range(len(starts)):
        start, end = int(starts[row]), int(ends[row])
        words = plain_words = plain_characters = letter_words = hashes = ellipses = stop_words = 0
        lines = bullet_lines = ellipsis_lines = 0
        word_start, word_characters, kinds, plain = -1, 0, 0, 0
        line_start, first, dots, at_ellipsis = start, 0, 0, False
        at = start
        while at <= end:
            if at < end:
                point, width = decode(data, at)
                kind = int(classes[np.uint64(point)])
            else:  # The end closes the last word, and the last line unless a break has just closed it.
                point, width = 0, 1
                kind = WHITESPACE | (LINE_BREAK if at > line_start else 0)
            if not kind & WHITESPACE:
                if word_start < 0:
                    word_start, word_characters, kinds, plain = at, 0, 0, 0
                if first == 0:
                    first = point + 1
                word_characters += 1
                kinds |= kind
                plain |= ~kind & PUNCTUATION
                dots = dots + 1 if point == 0x2E else 0
                at_ellipsis = point == _ELLIPSIS or dots >= 3
                ellipses += point == _ELLIPSIS or (dots > 0 and dots % 3 == 0)
                hashes += point == 0x23
                at += width
                continue
            dots = 0
            if word_start >= 0:
                words += 1
                letter_words += (kinds & LETTER) != 0
                if plain:
                    plain_words += 1
                    plain_characters += word_characters
                if at - word_start <= longest_stop_word:
                    args = (stop_data, stop_starts, stop_ends, stop_hashes, stop_slots, stop_mask)
                    word = find_word(*args, data, word_start, at)
                    if word >= 0 and seen_in[word] != row:
                        seen_in[word] = row
                        stop_words += 1
                word_start = -1
            if kind & LINE_BREAK:
                if not (point == 0x0A and at > start and data[np.uint64(at - 1)] == 0x0D):  # the second half of CR LF
                    lines += 1
                    bullet_lines += first == _BULLET + 1 or first == 0x2D + 1
                    ellipsis_lines += at_ellipsis
                line_start, first, at_ellipsis = at + width, 0, False
            at += width
        found = counts[row]
        found[0], found[1], found[2], found[3] = words, plain_words, plain_characters, letter_words
        found[4], found[5], found[6], found[7] = hashes, ellipses, lines, bullet_lines
        found[8], found[9] = ellipsis_lines, stop_words
