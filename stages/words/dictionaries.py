"""Words of languages without spaces, by tokenizers with dictionaries: the extra `words`.

Khmer and Burmese have none that is light and builds on current Pythons (khmer-nltk wants scikit-learn, pyidaungsu a
compiler and a second module `fasttext`): their splitters are the clusters of `unicode`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from importlib import import_module
from importlib.util import find_spec
from typing import Final, TypeAlias

Cut: TypeAlias = Callable[[str], Iterable[str]]

PACKAGES: Final = {
    "chinese": ("rjieba",),
    "japanese": ("sudachipy", "sudachidict_core"),
    "thai": ("pythainlp",),
    "lao": ("laonlp",),
}
"""Splitters by the modules that they need."""

_MOST_CHARACTERS: Final = 10_000
"""SudachiPy takes 49,149 bytes of UTF-8 at most."""


def missing_package(splitter: str) -> str | None:
    """What to say where a splitter's package is not installed; None where nothing is missing."""
    for package in PACKAGES.get(splitter, ()):
        if find_spec(package) is None:
            return f'words: {splitter} needs the package {package}: pip install "textmill[words]"'
    return None


def open_cut(splitter: str) -> Cut:
    """The function that cuts a text into the words of a language of `PACKAGES`. Raises ImportError, with the mend."""
    missing = missing_package(splitter)
    if missing:
        raise ImportError(missing)
    return _OPEN[splitter]()


def _open_chinese() -> Cut:
    cut: Cut = import_module("rjieba").cut
    return cut


def _open_japanese() -> Cut:
    sudachipy = import_module("sudachipy")
    tokenizer = sudachipy.Dictionary().tokenizer(mode=sudachipy.SplitMode.A)

    def cut(text: str) -> Iterator[str]:
        for piece in _pieces(text):
            for morpheme in tokenizer.tokenize(piece):
                yield morpheme.surface()

    return cut


def _open_thai() -> Cut:
    word_tokenize = import_module("pythainlp.tokenize").word_tokenize

    def cut(text: str) -> Iterable[str]:
        tokens: list[str] = word_tokenize(text, engine="newmm-safe", keep_whitespace=False)
        return tokens

    return cut


def _open_lao() -> Cut:
    cut: Cut = import_module("laonlp.tokenize").word_tokenize
    return cut


def _pieces(text: str) -> Iterator[str]:
    """The lines of a text, and long ones in parts."""
    for line in text.splitlines():
        for start in range(0, len(line), _MOST_CHARACTERS):
            yield line[start : start + _MOST_CHARACTERS]


_OPEN: Final = {"chinese": _open_chinese, "japanese": _open_japanese, "thai": _open_thai, "lao": _open_lao}
