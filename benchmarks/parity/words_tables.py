"""Writes the two data files of the English word splitter: `stages/kernels/words_classes.txt` and `words_cases.txt`.

Needs `pip install spacy` (3.8; the rules are spaCy's, MIT licence) and Python 3.11, whose Unicode 14.0 is the pinned
one. The character classes are what spaCy's own regular expressions match, asked for every code point, and categories of
Unicode. Run it again to follow a newer spaCy; `git diff` then shows what its rules have changed.
"""

from __future__ import annotations

import re
import sys
import textwrap
import unicodedata
from collections.abc import Callable, Iterable
from pathlib import Path

import spacy
from spacy.lang import char_classes
from spacy.lang.punctuation import TOKENIZER_PREFIXES, TOKENIZER_SUFFIXES
from spacy.pipeline.sentencizer import Sentencizer
from spacy.symbols import ORTH

HERE = Path(__file__).resolve().parent.parent / "stages" / "kernels"
SCALARS = [chr(point) for point in range(0x110000) if not 0xD800 <= point < 0xE000]


def main() -> None:
    if unicodedata.unidata_version != "14.0.0" or not spacy.__version__.startswith("3.8."):
        raise SystemExit("the tables are pinned: run this with Python 3.11 (Unicode 14.0) and spaCy 3.8")
    classes = {
        "alpha": matching(f"[{char_classes.ALPHA}]"),
        "lower": matching(f"[{char_classes.ALPHA_LOWER}]"),
        "upper": matching(f"[{char_classes.ALPHA_UPPER}]"),
        "icon": matching(f"[{char_classes.ICONS}]"),
        "quote": matching(f"[{char_classes.CONCAT_QUOTES}]"),
        "prefix": matching("|".join(f"^{rule}" for rule in TOKENIZER_PREFIXES if rule.strip()), but="+"),
        "suffix": matching("|".join(f"{rule}$" for rule in TOKENIZER_SUFFIXES if rule.strip())),
        "before_stop": matching(
            rf"[0-9{char_classes.ALPHA_LOWER}%²\-\+{char_classes.PUNCT}(?:{char_classes.CONCAT_QUOTES})]"
        ),
        "sentence_end": [character for character in SCALARS if character in Sentencizer.default_punct_chars],
        "punctuation": of_category(lambda category: category[0] == "P"),
        "number": [character for character in SCALARS if character.isalnum() and not character.isalpha()],
        "digit": of_category(lambda category: category == "Nd"),
        "mark": of_category(lambda category: category[0] == "M"),
        "alone": [character for character in SCALARS if stands_alone(character)],
    }
    base = spacy.blank("xx").tokenizer.rules
    english = {text: tokens for text, tokens in spacy.blank("en").tokenizer.rules.items() if text not in base}
    units = sorted(
        {unit.replace("\\", "") for unit in char_classes.LIST_UNITS + char_classes.LIST_CURRENCY if unit.strip()}
    )
    write("words_classes.txt", [f"{name}: {' '.join(ranges(members))}" for name, members in classes.items()])
    write("words_cases.txt", [f"base: {cases(base)}", f"english: {cases(english)}", f"units: {' '.join(units)}"])


def matching(pattern: str, but: str = "") -> list[str]:
    """The characters that the pattern matches when each is a text of its own."""
    compiled = re.compile(pattern)
    return [character for character in SCALARS if character not in but and compiled.search(character)]


def cases(rules: dict[str, list[dict[int, str]]]) -> str:
    """The special cases but white space and those that only have another apostrophe."""
    told = {"&".join(token[ORTH] for token in tokens) for text, tokens in rules.items() if "’" not in text}
    return " ".join(sorted(case for case in told if case.strip()))


def of_category(wanted: Callable[[str], bool]) -> list[str]:
    return [character for character in SCALARS if wanted(unicodedata.category(character))]


def stands_alone(character: str) -> bool:
    name = unicodedata.name(character, "")
    ideograph = name.startswith(("CJK UNIFIED", "CJK COMPATIBILITY IDEOGRAPH", "HIRAGANA LETTER"))
    south_east = name.startswith(("THAI ", "LAO ", "KHMER ", "MYANMAR ", "TAI ", "NEW TAI ", "AHOM "))
    return character.isalpha() and (ideograph or south_east)


def ranges(characters: Iterable[str]) -> list[str]:
    spans: list[list[int]] = []
    for point in map(ord, characters):
        if spans and spans[-1][1] == point - 1:
            spans[-1][1] = point
        else:
            spans.append([point, point])
    return [f"{first:X}" if first == last else f"{first:X}-{last:X}" for first, last in spans]


def write(name: str, paragraphs: list[str]) -> None:
    wrapped = (textwrap.wrap(text, 118, break_long_words=False, break_on_hyphens=False) for text in paragraphs)
    (HERE / name).write_text("\n\n".join("\n".join(lines) for lines in wrapped) + "\n", "utf-8")


if __name__ == "__main__":
    sys.exit(main())
