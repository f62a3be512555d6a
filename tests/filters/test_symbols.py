"""Symbols: every count against Python's own idea of characters, the limits, and what is refused."""

from __future__ import annotations

from typing import Any
from unicodedata import ucd_3_2_0 as unicode

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as some
from pydantic import ValidationError

from filters.symbols import Symbols
from stages.kernels.character_shares import character_counts
from stages.kernels.texts import texts_of
from stages.laws import check_stage
from stages.specimens import hostile_texts

OFF: dict[str, Any] = {"min_alphanumerics": None, "max_digits": None, "max_white_space": None}


def counted(text: str) -> tuple[int, ...]:
    counts = character_counts(texts_of(pa.array([text])))
    names = ("letters", "numbers", "white_space", "punctuation", "symbols", "emoji", "characters")
    return tuple(int(getattr(counts, name)[0]) for name in names)


def rules(stage: Symbols, *texts: str) -> list[str | None]:
    batch = pa.record_batch({"text": pa.array(texts, pa.string())})
    return stage.judge(batch, stage.open()).rule.to_pylist()  # type: ignore[no-any-return]


def expected(text: str) -> tuple[int, ...]:
    """The slow, obvious counts, for texts of characters that Unicode 3.2 has and that are no emoji."""
    categories = [unicode.category(character)[0] for character in text if not character.isspace()]
    return (
        sum(map(str.isalpha, text)),
        sum(character.isnumeric() and not character.isalpha() for character in text),
        sum(map(str.isspace, text)),
        categories.count("P"),
        categories.count("S"),
        0,
        len(text),
    )


OLD = [point for point in range(0x2500) if unicode.category(chr(point)) not in ("Cn", "Cs")]


@given(some.text(some.sampled_from([*map(chr, OLD), *"中あカ가𐐀๓๔"]), max_size=40))
def test_every_character_is_of_the_sort_that_python_says(text: str) -> None:
    assert counted(text) == expected(text)


def test_long_texts_do_not_overflow_the_small_counters() -> None:
    assert counted("x" * 100_000 + "1" * 513) == (100_000, 513, 0, 0, 0, 0, 100_513)


def test_emoji_and_symbols_are_told_apart() -> None:
    assert counted("😀🚀❤🇺🇳🧵") == (0, 0, 0, 0, 0, 6, 6)
    assert counted("€+$→₿") == (0, 0, 0, 0, 5, 0, 5)


@pytest.mark.parametrize("name", sorted(hostile_texts()))
def test_counts_add_up_for_hostile_texts(name: str) -> None:
    *sorts, whole = counted(hostile_texts()[name])
    assert sum(sorts) <= whole == len(hostile_texts()[name])


@pytest.mark.parametrize(
    ("limit", "at", "beyond", "rule"),
    [
        ({"min_alphanumerics": 0.5}, "a1..", "a...", "few_alphanumerics"),
        ({"min_letters": 0.5}, "aa11", "a111", "few_letters"),
        ({"max_digits": 0.5}, "aa11", "a111", "many_digits"),
        ({"max_white_space": 0.5}, "a ", "a  ", "much_white_space"),
        ({"max_capitals": 0.5}, "Aa111", "AAa", "many_capitals"),
        ({"max_punctuation": 0.5}, "a.", "a..", "much_punctuation"),
        ({"max_symbols": 0.5}, "a+", "a+😀", "many_symbols"),
        ({"max_emoji": 0.5}, "a😀", "a😀😀", "many_emoji"),
        ({"max_symbols_per_word": 1}, "a+ b+", "a++ b+", "symbols_per_word"),
    ],
)
def test_each_limit_is_allowed_itself(limit: dict[str, float], at: str, beyond: str, rule: str) -> None:
    assert rules(Symbols(**(OFF | limit)), at, beyond, "") == [None, rule, None]


def test_tags_hold_what_the_limits_measure() -> None:
    stage = Symbols(mode="tag", min_alphanumerics=None)
    assert list(stage.adds()) == ["symbols_rule", "symbols_digits", "symbols_white_space"]
    batch = pa.record_batch({"text": ["a1 b", ""]})
    assert [column.to_pylist() for column in stage.tags(batch, stage.open())] == [
        ["many_digits", None],
        [0.25, None],
        [0.25, None],
    ]


def test_a_filter_without_limits_is_refused() -> None:
    with pytest.raises(ValidationError, match="sets no limit"):
        Symbols(**OFF)


def test_it_keeps_the_laws_of_stages() -> None:
    check_stage(Symbols(max_capitals=0.3, max_symbols_per_word=0.1, max_punctuation=0.1, min_letters=0.5))
