"""Texts cut into short windows, and the most likely way from language to language through them.

The idea: a language goes on until the evidence for another outweighs the price of changing twice (the path of Viterbi
1967, https://doi.org/10.1109/TIT.1967.1054010), so that a name or a quotation does not cut a text into crumbs. Only
labels that are the best of some window of a text can win there, so few are followed.
"""

from __future__ import annotations

from math import log
from typing import Final

import numpy as np
import numpy.typing as npt
from numba import types
from numba.types import boolean, float32, int8, int64, void

from stages.kernels.native import BYTES, LONGS, native
from stages.kernels.texts import Texts

_TABLE: Final = types.Array(float32, 2, "C", readonly=True)
_BOOLS: Final = types.Array(boolean, 2, "C", readonly=True)

Longs = npt.NDArray[np.int64]
Kinds = npt.NDArray[np.int8]

TOLD: Final = 0
NEUTRAL: Final = 1
NO_LANGUAGE: Final = 2
"""Kinds of windows: one that has a language, one too short to tell, one that is no language."""

_SENTENCE_BYTES: Final = 160
_WORD_BYTES: Final = 320
_CHARACTER_BYTES: Final = 640
"""A window ends at a line break; after so many bytes also after a sentence, at a blank, between any two characters."""
_PRICE: Final = 2.5
"""Of a change, in natural logarithms: a window amid others needs odds of e ** 5 for another language."""
_LEAST: Final = 1e-3
"""What no probability counts below: one window alone rules no language out."""
_NEVER: Final = 1e-12
"""What counts in place of the probability of a language that is not written in the window's script."""


def windows_of(texts: Texts) -> tuple[Longs, Longs, Longs]:
    """Starts and ends of all windows, and the number of the first one of each text, with the number of all at the end.

    Windows of a text follow one another; the line breaks between them belong to none.
    """
    most = int((texts.ends - texts.starts).sum()) + len(texts)
    starts, ends = np.empty(most, np.int64), np.empty(most, np.int64)
    firsts = np.zeros(len(texts) + 1, np.int64)
    _cut(texts.data, texts.starts, texts.ends, starts, ends, firsts)
    return starts[: firsts[-1]].copy(), ends[: firsts[-1]].copy(), firsts


@native(void(BYTES, LONGS, LONGS, int64[::1], int64[::1], int64[::1]), memory="given")
def _cut(
    data: npt.NDArray[np.uint8], text_starts: Longs, text_ends: Longs, starts: Longs, ends: Longs, firsts: Longs
) -> None:
    count = 0
    for row in range(len(text_starts)):
        end = text_ends[row]
        start = at = text_starts[row]
        while at < end:
            byte = data[at]
            long = at + 1 - start
            stop = byte == 10 or byte == 13
            blank = byte == 32 or byte == 9
            after = blank and at > start and (data[at - 1] == 46 or data[at - 1] == 33 or data[at - 1] == 63)
            wide = (  # the full stops of Chinese and Hindi, the question mark of Arabic
                at >= start + 2
                and ((data[at - 2] == 0xE3 and data[at - 1] == 0x80 and byte == 0x82)
                     or (data[at - 2] == 0xE0 and data[at - 1] == 0xA5 and byte == 0xA4)
                     or (data[at - 1] == 0xD8 and byte == 0x9F))
            )  # fmt: skip
            stop |= long >= _SENTENCE_BYTES and (after or wide)
            stop |= long >= _WORD_BYTES and blank
            stop |= long >= _CHARACTER_BYTES and (at + 1 == end or data[at + 1] & 0xC0 != 0x80)
            at += 1
            if stop:
                ends[count] = at - (byte == 10 or byte == 13)
                if ends[count] > start:
                    starts[count] = start
                    count += 1
                start = at
        if start < end:
            starts[count] = start
            ends[count] = end
            count += 1
        firsts[row + 1] = count


@native(void(_TABLE, types.Array(int8, 1, "C", readonly=True), LONGS, _BOOLS, LONGS, int64[::1]))
def follow(
    chances: npt.NDArray[np.float32],
    kinds: Kinds,
    scripts: Longs,
    fits: npt.NDArray[np.bool_],
    firsts: Longs,
    told: Longs,
) -> None:
    """Put the label of each window into `told`, -1 where it is in none.

    `chances`: one row per window · `scripts`: of each window · `fits`: whether a label may have a script, by number.
    """
    labels = chances.shape[1]
    place = np.full(labels, -1, np.int64)
    for row in range(len(firsts) - 1):
        first, stop = firsts[row], firsts[row + 1]
        candidates = np.empty(min(labels, stop - first) + 1, np.int64)
        candidates[0] = -1
        count = 1
        for window in range(first, stop):
            best = chances[window].argmax()
            if kinds[window] == TOLD and place[best] < 0 and fits[best, scripts[window]]:
                place[best] = count
                candidates[count] = best
                count += 1
        score = np.zeros(count, np.float64)
        back = np.empty((stop - first, count), np.int32)
        for window in range(first, stop):
            leader = score.argmax()
            changed = score[leader] - _PRICE
            for candidate in range(count):
                stays = score[candidate] >= changed or window == first
                back[window - first, candidate] = candidate if stays else leader
                score[candidate] = score[candidate] if stays else changed
                if kinds[window] != NEUTRAL:
                    chance = _LEAST
                    if candidate == 0 and kinds[window] == NO_LANGUAGE:
                        chance = 1.0
                    elif candidate > 0 and kinds[window] == TOLD:
                        chance = max(chance, float(chances[window, candidates[candidate]]))
                        if not fits[candidates[candidate], scripts[window]]:
                            chance = _NEVER
                    score[candidate] += log(chance)
                elif candidate > 0:
                    score[candidate] += 1e-9
        for candidate in range(1, count):
            place[candidates[candidate]] = -1
        if stop > first:
            winner = score.argmax()
            for window in range(stop - 1, first - 1, -1):
                told[window] = candidates[winner]
                winner = back[window - first, winner]
