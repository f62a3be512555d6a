"""The table of characters: what it calls white space, a break, a letter and punctuation."""

from __future__ import annotations

import sys
import unicodedata

import pytest

from stages.kernels.characters import (
    LETTER,
    LINE_BREAK,
    PUNCTUATION,
    SENTENCE_END,
    WHITESPACE,
    character_classes,
)


def points_with(bit: int) -> set[int]:
    return {int(point) for point in (character_classes() & bit).nonzero()[0]}


def every_character() -> list[str]:
    return [chr(point) for point in range(sys.maxunicode + 1) if not 0xD800 <= point < 0xE000]


def test_white_space_is_where_split_cuts() -> None:
    assert points_with(WHITESPACE) == {ord(character) for character in every_character() if not character.split()}


def test_line_breaks_are_where_splitlines_cuts() -> None:
    cuts = {ord(character) for character in every_character() if len(f"a{character}b".splitlines()) == 2}
    assert points_with(LINE_BREAK) == cuts


def test_letters_are_those_of_unicode_14_whatever_this_python_knows() -> None:
    letters = {ord(character) for character in every_character() if character.isalpha()}
    assert points_with(LETTER) <= letters
    if unicodedata.unidata_version == "14.0.0":
        assert points_with(LETTER) == letters


def test_ends_of_sentences_are_punctuation() -> None:
    assert points_with(SENTENCE_END) < points_with(PUNCTUATION)
    assert {".", "?", "!", "。", "؟", "।"} <= {chr(point) for point in points_with(SENTENCE_END)}


def test_punctuation_has_the_signs_of_ascii_and_no_letter_digit_or_blank() -> None:
    punctuation = points_with(PUNCTUATION)
    assert {ord(sign) for sign in "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"} <= punctuation
    assert not {ord(sign) for sign in "aZ09 \n€é中"} & punctuation


def test_the_table_cannot_be_changed_by_who_shares_it() -> None:
    with pytest.raises(ValueError, match="read-only"):
        character_classes()[0] = 1
