"""What the identifiers say together, in the one scheme of labels; and why a text is in no language.

The idea: all is done by numbers on whole columns. Which label a text gets hangs on three numbers alone: the identifier
that is believed, the number of its label, and the script of most letters; so labels are spelled once for each trio that
occurs. A text for which there is a doubt is `und`, whatever the score.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from stages.kernels.scripts import script_codes
from stages.kernels.text_shape import Shapes, shapes_of
from stages.kernels.texts import texts_of
from stages.languages.identifiers import Floats, Identifier, Numbers
from stages.languages.labels import UNDETERMINED, label_of, scripts_written

Bools = npt.NDArray[np.bool_]

NO_DOUBT: Final = 0
DOUBTS: Final = (
    "",
    "nothing in the text tells a language",
    "the text has too few letters to tell its language",
    "too little of the text stands in plain words",
    "letters stand together as in no language",
    "the identifiers do not agree on a language",
    "the language of the best guess is not written in the script of the text",
    "the best guess scores below min_score",
)
"""Why a text is `und`, by number; the first doubt in this order counts."""
_NO_WORD, _SHORT, _NOT_PLAIN, _ODD, _DISAGREED, _OTHER_SCRIPT, _UNSURE = range(1, len(DOUBTS))

_SYLLABIC: Final = ("Hani", "Hira", "Kana", "Hang")
_LETTERS_OF_A_SYLLABLE: Final = 3
_ODD_SHARE: Final = 0.1
"""Pairs of letters that are odd, at most, and one more: letters at random have 21 %; of the sentences and translations
of benchmarks/language_quality.py one in 1,500 has so many."""


@dataclass(frozen=True, slots=True)
class Told:
    """One row per text. `guess`: the best guess, `und` where there is none · `score`: of the guess · `doubt`: a number
    of `DOUBTS` · `language`: the code of the guess's language, without script."""

    guess: pa.StringArray
    language: pa.StringArray
    score: Floats
    doubt: npt.NDArray[np.int8]

    @property
    def label(self) -> pa.StringArray:
        """The guess, or `und` where there is a doubt."""
        return pc.if_else(pa.array(self.doubt != NO_DOUBT), UNDETERMINED, self.guess)


@dataclass(frozen=True, slots=True)
class Limits:
    """`agree`: identifiers that have to agree · the others as the fields of `stages.language`."""

    agree: int
    min_score: float
    min_letters: int
    min_plain: float


def told_of(text: pa.Array, identifiers: Sequence[Identifier], limits: Limits) -> Told:
    """What the identifiers say of each text of a string column, and whether it is to be doubted."""
    shapes = shapes_of(texts_of(text))
    answers = [identifier.tell(text) for identifier in identifiers]
    chosen, agreed = _chosen(identifiers, [numbers for numbers, _ in answers], limits.agree)
    rows = np.arange(len(chosen))
    number = np.stack([numbers for numbers, _ in answers])[chosen, rows]
    score = np.stack([scores for _, scores in answers])[chosen, rows]
    guess, language, fits = _spelled(identifiers, chosen, number, shapes.script)
    doubt = _doubts(shapes, limits)
    for reason, holds in (
        (_DISAGREED, ~agreed),
        (_OTHER_SCRIPT, ~fits),
        (_UNSURE, score < np.float32(limits.min_score)),
    ):
        doubt[(doubt == NO_DOUBT) & holds] = reason
    silent = np.all([numbers < 0 for numbers, _ in answers], axis=0)
    doubt[silent & ((doubt == NO_DOUBT) | (shapes.letters == 0))] = _NO_WORD
    return Told(guess, language, score, doubt)


def _doubts(shapes: Shapes, limits: Limits) -> npt.NDArray[np.int8]:
    """What the shape of each text speaks against."""
    syllabic = np.isin(np.array(script_codes())[shapes.script], _SYLLABIC)
    letters = np.where(syllabic, _LETTERS_OF_A_SYLLABLE * shapes.letters, shapes.letters)
    odd = (shapes.odd > 1 + _ODD_SHARE * shapes.pairs) & (2 * shapes.pairs > shapes.letters)
    doubt = np.zeros(len(letters), np.int8)
    doubt[odd & (limits.min_plain > 0)] = _ODD
    doubt[shapes.plain < limits.min_plain * shapes.inked] = _NOT_PLAIN
    doubt[letters < limits.min_letters] = _SHORT
    return doubt


def _chosen(identifiers: Sequence[Identifier], numbers: Sequence[Numbers], agree: int) -> tuple[Numbers, Bools]:
    """The first identifier whose language is that of `agree` of them, and whether there is one; the first if not."""
    if agree == 1:
        return np.zeros(len(numbers[0]), np.int64), np.ones(len(numbers[0]), np.bool_)
    known = sorted({language for identifier in identifiers for language in identifier.languages} - {UNDETERMINED})
    place = {language: at for at, language in enumerate(known)}
    said = np.stack(
        [
            np.array([*(place.get(language, -1) for language in identifier.languages), -1])[told]
            for identifier, told in zip(identifiers, numbers)
        ]
    )
    enough = ((said[:, None] == said[None]) & (said >= 0)).sum(1) >= agree
    return enough.argmax(0), enough.any(0)


def _spelled(
    identifiers: Sequence[Identifier], chosen: Numbers, number: Numbers, script: Numbers
) -> tuple[pa.StringArray, pa.StringArray, Bools]:
    """Label and language of each guess, and whether the language is written in the script."""
    width = 1 + max(len(identifier.languages) for identifier in identifiers)
    codes = script_codes()
    trios, rows = np.unique((chosen * width + number + 1) * len(codes) + script, return_inverse=True)
    labels, languages, fits = [], [], []
    for trio in trios.tolist():
        pair, found = divmod(trio, len(codes))
        identifier, label = identifiers[pair // width], pair % width - 1
        language = identifier.languages[label] if label >= 0 else UNDETERMINED
        scripts = scripts_written(language, identifier.scripts[label] if label >= 0 else None)
        spelled = label_of(language, codes[found], scripts)
        labels.append(spelled or UNDETERMINED)
        languages.append(language)
        fits.append(spelled is not None or language == UNDETERMINED)
    column = pa.array(rows.reshape(-1))
    taken = (pa.array(values, pa.string()).take(column) for values in (labels, languages))
    return *taken, np.array(fits, np.bool_)[rows.reshape(-1)]
