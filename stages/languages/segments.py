"""Which stretches of a text are in which language.

The idea: the model that judges whole texts judges windows of about a sentence too, and what is likely for one is
weighed with its neighbours (`stages/kernels/language_segments.py`). A window that looks like no language is a segment
`und` of its own; one too short to tell goes with its neighbours.
"""

from __future__ import annotations

from functools import cache
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from stages.kernels.fasttext_predict import probabilities
from stages.kernels.language_segments import NEUTRAL, NO_LANGUAGE, TOLD, follow, windows_of
from stages.kernels.scripts import script_codes
from stages.kernels.text_shape import Shapes, shapes_of
from stages.kernels.texts import Texts, texts_of
from stages.languages.identifiers import Identifier
from stages.languages.labels import UNDETERMINED, label_of, scripts_written, written_with

Longs = npt.NDArray[np.int64]

_FEW_LETTERS: Final = 16
_WINDOWS_AT_ONCE: Final = 8192
"""Rows of probabilities held at a time: 6 MB for lid.176, 69 MB for the 2,102 labels of GlotLID."""


def segments_of(text: pa.Array, identifier: Identifier, min_plain: float, kind: pa.ListType) -> pa.ListArray:
    """The segments of each text of a string column, as lists of `kind`; null where the text is null.

    `identifier`: one with a fastText model. `start` and `end` are byte offsets of the text; segments do not overlap.
    """
    texts = texts_of(text)
    starts, ends, firsts = windows_of(texts)
    windows = Texts(texts.data, starts, ends)
    shapes = shapes_of(windows)
    told, chance = _followed(identifier, windows, _kinds(shapes, min_plain), shapes.script, firsts)
    document = np.repeat(np.arange(len(text)), np.diff(firsts))
    opens = np.ones(len(told), np.bool_)
    opens[1:] = (told[1:] != told[:-1]) | (document[1:] != document[:-1])
    first = np.flatnonzero(opens)
    last = np.append(first[1:], len(told))[: len(first)] - 1
    size = (ends - starts).astype(np.float64)
    score = np.zeros(0) if not len(first) else np.add.reduceat(chance * size, first) / np.add.reduceat(size, first)
    # Most letters first, so that the first row of each segment names its script.
    by_letters = np.lexsort((-shapes.own, np.cumsum(opens)))
    script = shapes.script[by_letters[first]]
    base = texts.starts[document[first]]
    values = pa.StructArray.from_arrays(
        [
            pa.array(starts[first] - base),
            pa.array(ends[last] - base),
            _spelled(identifier, told[first], script),
            pa.array(np.where(told[first] < 0, 0, score), pa.float32()),
        ],
        fields=list(kind.value_type),
    )
    bounds = np.searchsorted(first, firsts).astype(np.int32)
    return pa.ListArray.from_arrays(pa.array(bounds, pa.int32()), values, type=kind, mask=text.is_null())


def _kinds(shapes: Shapes, min_plain: float) -> npt.NDArray[np.int8]:
    kinds = np.full(len(shapes.letters), TOLD, np.int8)
    kinds[shapes.plain < min_plain * shapes.inked] = NO_LANGUAGE
    kinds[(shapes.letters < _FEW_LETTERS) & ((kinds == TOLD) | (shapes.inked < 2 * _FEW_LETTERS))] = NEUTRAL
    return kinds


def _followed(
    identifier: Identifier, windows: Texts, kinds: npt.NDArray[np.int8], scripts: Longs, firsts: Longs
) -> tuple[Longs, npt.NDArray[np.float64]]:
    """The label of each window and its probability there; whole texts at a time, so that memory has a bound."""
    assert identifier.model is not None
    told, chance = np.full(len(windows), -1, np.int64), np.zeros(len(windows))
    fits = _fits(identifier.languages, identifier.scripts)
    row = 0
    while row < len(firsts) - 1:
        stop = max(row + 1, int(np.searchsorted(firsts, firsts[row] + _WINDOWS_AT_ONCE, "right")) - 1)
        part = slice(int(firsts[row]), int(firsts[stop]))
        some = Texts(windows.data, windows.starts[part], windows.ends[part])
        chances, known = probabilities(identifier.model, some)
        kind = np.where(known, kinds[part], np.maximum(kinds[part], NEUTRAL)).astype(np.int8)
        found = np.full(len(some), -1, np.int64)
        follow(chances, kind, scripts[part], fits, firsts[row : stop + 1] - firsts[row], found)
        told[part] = found
        chance[part] = np.where(found < 0, 0, chances[np.arange(len(found)), found])
        row = stop
    return told, chance


@cache
def _fits(languages: tuple[str, ...], scripts: tuple[str | None, ...]) -> npt.NDArray[np.bool_]:
    """Whether each label may have each script; no label has none."""
    place = {code: number for number, code in enumerate(script_codes())}
    fits = np.zeros((len(languages), len(place)), np.bool_)
    for row, pair in zip(fits, zip(languages, scripts)):
        written = scripts_written(*pair)
        row[1:] = written is None
        row[[place[one] for script in written or () for one in written_with(script) if one in place]] = True
    fits.flags.writeable = False
    return fits


def _spelled(identifier: Identifier, told: Longs, script: Longs) -> pa.StringArray:
    codes = script_codes()
    pairs, rows = np.unique((told + 1) * len(codes) + script, return_inverse=True)
    labels = []
    for pair in pairs.tolist():
        number, found = divmod(pair, len(codes))
        language = identifier.languages[number - 1] if number else UNDETERMINED
        scripts = scripts_written(language, identifier.scripts[number - 1]) if number else None
        labels.append(label_of(language, codes[found], scripts) or UNDETERMINED)
    return pa.array(labels, pa.string()).take(pa.array(rows.reshape(-1)))
