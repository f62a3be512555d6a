"""What can be measured of a reply beside its source: repeated and copied runs of words, scripts, numbers.

Words are runs of letters and digits in lower case; in scripts that are written without spaces (Han, kana, Hangul, Thai,
Lao, Khmer, Burmese) each character is a word, so one measure serves all languages.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from functools import lru_cache
from typing import Final

GRAM: Final = 8
"""Words of a run that is looked for again: long enough that prose hardly repeats one by chance."""

_UNSPACED: Final = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af"
_WORD: Final = re.compile(rf"[{_UNSPACED}]|[^\W_{_UNSPACED}]+")
_NUMBER: Final = re.compile(r"\d+(?:[.,٫]\d+)*")


def words_of(text: str) -> list[str]:
    """The words, in lower case."""
    return _WORD.findall(text.lower())


def repeated_share(text: str) -> float | None:
    """Share of the text's runs of 8 words that stood in it before; None below 16 words."""
    grams = _grams(words_of(text))
    if len(grams) <= GRAM:
        return None
    return 1 - len(set(grams)) / len(grams)


def copied_share(prompt: str, source: str, reply: str) -> float | None:
    """Share of the reply's runs of 8 words that stand in the prompt and not in the source; None below 8 words."""
    grams = _grams(words_of(reply))
    if not grams:
        return None
    own = _gram_set(prompt)
    found = [gram for gram in grams if gram in own]
    if not found:
        return 0.0
    quoted = set(_grams(words_of(source)))
    return sum(gram not in quoted for gram in found) / len(grams)


def kept_numbers(source: str, reply: str) -> float | None:
    """Share of the source's different numbers that the reply has too, however written; None without any."""
    wanted = _numbers(source)
    return len(wanted & _numbers(reply)) / len(wanted) if wanted else None


def main_script(text: str) -> str | None:
    """The script of most letters, by their Unicode names (Han and kana are one); None without letters."""
    scripts = _scripts(text)
    return min(scripts, key=lambda script: (-scripts[script], script)) if scripts else None


def script_share(script: str | None, text: str) -> float | None:
    """Share of the text's letters that are of a script; None without letters or without a script."""
    scripts = _scripts(text)
    return scripts[script] / scripts.total() if scripts and script is not None else None


def _grams(words: list[str]) -> list[tuple[str, ...]]:
    return [tuple(words[at : at + GRAM]) for at in range(len(words) - GRAM + 1)]


@lru_cache(maxsize=64)
def _gram_set(text: str) -> frozenset[tuple[str, ...]]:
    """The runs of a prompt's fixed part, of which there are few."""
    return frozenset(_grams(words_of(text)))


def _numbers(text: str) -> set[str]:
    """Numbers in ASCII digits, without separators of thousands: `1,234.50` is `1234.50`."""
    found = set()
    for number in _NUMBER.findall(text):
        plain = "".join(str(unicodedata.digit(sign)) if sign.isdigit() else "." for sign in number)
        parts = plain.split(".")
        thousands = len(parts) > 1 and 0 < len(parts[0]) <= 3 and all(len(part) == 3 for part in parts[1:])
        found.add("".join(parts) if thousands else "".join(parts[:-1]) + "." + parts[-1] if parts[1:] else plain)
    return found


def _scripts(text: str) -> Counter[str]:
    """Letters by script; each different character is looked up once."""
    found: Counter[str] = Counter()
    for sign, times in Counter(text).items():
        if script := _script(sign):
            found[script] += times
    return found


@lru_cache(maxsize=1 << 16)
def _script(sign: str) -> str:
    """`LATIN`, `CYRILLIC`, … of a letter; empty for what is none."""
    if not sign.isalpha():
        return ""
    name = unicodedata.name(sign, "").split(" ", 1)[0].split("-", 1)[0]
    return "CJK" if name in ("HIRAGANA", "KATAKANA", "HALFWIDTH", "IDEOGRAPHIC") else name
