"""Who cuts a language's text into words: by language where it needs a tokenizer of its own, else by its script."""

from __future__ import annotations

from typing import Final

from stages.words.dictionaries import missing_package

_OF_LANGUAGES: Final = {
    "eng": "english",
    "en": "english",
    **dict.fromkeys(("zho", "cmn", "yue", "wuu", "hak", "nan", "gan", "lzh", "zh"), "chinese"),
    **dict.fromkeys(("jpn", "ja"), "japanese"),
    **dict.fromkeys(("tha", "th"), "thai"),
    **dict.fromkeys(("khm", "km"), "khmer"),
    **dict.fromkeys(("mya", "my"), "burmese"),
    **dict.fromkeys(("lao", "lo"), "lao"),
    **dict.fromkeys(("bod", "bo", "dzo", "dz"), "unicode"),
}
_OF_SCRIPTS: Final = {
    **dict.fromkeys(("Hani", "Hans", "Hant"), "chinese"),
    **dict.fromkeys(("Jpan", "Hira", "Kana"), "japanese"),
    "Thai": "thai",
    "Khmr": "khmer",
    "Mymr": "burmese",
    "Laoo": "lao",
    **dict.fromkeys(("Tibt", "Tale", "Talu", "Java", "Bali", "Lana"), "unicode"),
}
"""Scripts that put no space between words; the tokenizer of the script's main language stands in for the others."""
_SPACED: Final = "multilingual"
_CHARACTERS: Final = "unicode"
"""What stands in where the tokenizer that a language wants is not installed."""


def splitter_of(label: str) -> str:
    """The word splitter assigned to a language label; `unicode` where its dictionary is not installed.

    A label with a script goes by it (`zho_Latn` has spaces), one without by its language.
    """
    wanted = _wanted(label)
    return _CHARACTERS if missing_package(wanted) else wanted


def has_spaces(label: str) -> bool:
    """Whether the language's words can be told by the spaces between them."""
    return _wanted(label) in (_SPACED, "english")


def _wanted(label: str) -> str:
    """The tokenizer that a language wants, whether it is installed or not."""
    language, _, script = label.partition("_")
    language = language.partition("-")[0]
    own = _OF_LANGUAGES.get(language, _SPACED)
    if not script or own == "english":
        return own
    return _OF_SCRIPTS.get(script, _SPACED)
