"""Word lists and sentence patterns: complete, grammatical in form, and the same for the same seed."""

from __future__ import annotations

from random import Random

import pytest

from jobs.sample.grammar import expand, paragraphs, several
from jobs.sample.words import LANGUAGES, read_words

FILLED_LATER = {"part", "fault", "remedy", "good", "use", "piece", "dish", "main", "side", "vessel", "tool", "unit"}
FILLED_LATER |= {"store", "quantity", "symbol", "day"}


@pytest.mark.parametrize("language", LANGUAGES.values())
def test_every_pattern_can_be_expanded(language: str) -> None:
    words = {**{name: ["something"] for name in FILLED_LATER}, **read_words(language)}
    for patterns in read_words(language).values():
        for pattern in patterns:
            text = expand(pattern, words, Random(pattern))
            assert not set("{}|<>") & set(text), pattern


@pytest.mark.parametrize("language", LANGUAGES.values())
def test_no_list_has_an_entry_twice(language: str) -> None:
    for name, entries in read_words(language).items():
        assert len(entries) == len(set(entries)), name


def test_expansion_depends_on_the_seed_alone() -> None:
    pattern, words = "{a|b|c} <d> {e|<d>}", {"d": ["f", "g", "{h|i}"]}

    assert expand(pattern, words, Random(3)) == expand(pattern, words, Random(3))
    assert len({expand(pattern, words, Random(seed)) for seed in range(40)}) > 10


def test_an_unknown_list_is_an_error() -> None:
    with pytest.raises(KeyError):
        expand("<nothing>", {}, Random(1))


def test_sentences_of_a_page_come_from_different_patterns() -> None:
    patterns = [f"Pattern {number}." for number in range(9)]

    chosen = several(patterns, 20, {}, Random(1))

    assert sorted(chosen) == patterns


@pytest.mark.parametrize("count", range(1, 30))
def test_paragraphs_hold_every_sentence_once(count: int) -> None:
    sentences = [f"S{number}." for number in range(count)]

    assert " ".join(paragraphs(sentences, Random(count))).split() == sentences
