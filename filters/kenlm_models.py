"""KenLM and SentencePiece models as `filters.perplexity` takes them: opened, checked, and fed as CCNet feeds them."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Final

from stages.errors import StageError

_MEND: Final = 'pip install "textmill[perplexity]"'
_PUNCTUATION: Final = str.maketrans(
    dict(
        zip("，。、„”“«»１」「《》´∶：？！（）；–．～’━〈〉【】％►", ',.,""""""""""\'::?!();-.~\'-<>[]%-', strict=True)
    )
    | {"—": " - ", "…": "...", "．": ". "}
)
"""CCNet's table, with its `１` for a quotation mark."""
_CONTROLS: Final = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_DIGIT: Final = re.compile(r"\d")


@dataclass(frozen=True, slots=True)
class Scorer:
    """A loaded model: log10 of a line's probability, and the pieces of a line where it has such."""

    score: Callable[[str], float]
    pieces: Callable[[str], list[str]] | None

    def perplexity(self, text: str, ready: Callable[[str], str]) -> float:
        """The perplexity of a text, NaN where it has no words."""
        total, length = 0.0, 0
        for line in text.split("\n"):
            words = self.pieces(ready(line)) if self.pieces else ready(line).split()
            if words:
                total += self.score(" ".join(words))
                length += len(words) + 1
        # Ten to the 300th is as good as infinite, and infinity is no number to compare in a table.
        return float(10.0 ** min(-total / length, 300.0)) if length else float("nan")


def as_ccnet(line: str) -> str:
    """A line as CCNet's `text_normalizer.normalize` makes it."""
    line = line.strip().lower()
    if not line.isascii():
        line = "".join(mark for mark in unicodedata.normalize("NFD", line) if unicodedata.category(mark) != "Mn")
    return _CONTROLS.sub("", _DIGIT.sub("0", line).translate(_PUNCTUATION))


def check_kenlm(file: Path) -> None:
    """Raises StageError for a file that does not begin as KenLM's files do."""
    _library("kenlm")
    with file.open("rb") as opened:
        head = opened.read(64)
    if not head.startswith((b"mmap lm http://kheafield.com/code", b"\x1f\x8b")) and b"\\data\\" not in head:
        raise StageError(
            f"filters.perplexity: {file} is no model of KenLM's\n    mend: name a file in its binary format, or ARPA"
        )


def open_kenlm(file: Path) -> Callable[[str], float]:
    """The model in a file. Raises StageError for one that is none."""
    kenlm = _library("kenlm")
    config = kenlm.Config()
    config.show_progress, config.arpa_complain = False, kenlm.ARPALoadComplain.NONE
    try:
        score: Callable[[str], float] = kenlm.Model(str(file), config).score
    except (OSError, RuntimeError) as error:
        raise StageError(f"filters.perplexity: {file} is no model of KenLM's: {error}") from error
    return score


def open_pieces(file: Path | None) -> Callable[[str], list[str]] | None:
    """What cuts a line into pieces. Raises StageError for a file that is no model of SentencePiece's."""
    if file is None:
        return None
    try:
        processor = _library("sentencepiece").SentencePieceProcessor(model_file=str(file))
    except (OSError, RuntimeError) as error:
        raise StageError(f"filters.perplexity: {file} is no model of SentencePiece's: {error}") from error
    return lambda line: [str(piece) for piece in processor.encode(line, out_type=str)]


def _library(name: str) -> Any:
    try:
        return import_module(name)
    except ImportError as error:
        raise StageError(f"filters.perplexity: {name} is not installed ({error})\n    mend: {_MEND}") from error
