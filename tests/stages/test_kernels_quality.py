"""Words and the counts of Gopher's quality rules, against a slow reference that says the same in Python."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from stages.counting import Counter, Wanted
from stages.kernels.characters import PUNCTUATION, character_classes
from stages.kernels.texts import texts_of
from stages.kernels.words import count_words

STOP_WORDS = ("the", "and", "være", "и", "🙂")

ODD_WORDS = (
    "The thé a # ##tag ... .... ...... … . .. - • 1984 é e\u0301 שלום 漢字 \0 — «x» \ud7ff \U0010ffff \u200b 👩\u200d👧"
)
PIECES = st.sampled_from([*STOP_WORDS, *ODD_WORDS.split(" "), "x" * 300])
ONE_BLANK = "\t \n \r \x0b \x0c \x1c \x1f \x85 \xa0 \u1680 \u2002 \u2028 \u2029 \u202f \u205f \u3000"
BLANKS = st.sampled_from(["", " ", "  ", "\n\n", "\r\n", "\n\r", *ONE_BLANK.split(" ")])
TEXTS = st.one_of(
    st.lists(st.tuples(PIECES, BLANKS), max_size=12).map(lambda pairs: "".join(a + b for a, b in pairs)),
    st.text(max_size=60),
)


def is_plain(word: str) -> bool:
    classes = character_classes()
    return any(not classes[ord(character)] & PUNCTUATION for character in word)


def reference(text: str) -> tuple[int, ...]:
    words, lines = text.split(), text.splitlines()
    plain = [word for word in words if is_plain(word)]
    return (
        len(words),
        len(plain),
        sum(map(len, plain)),
        sum(any(character.isalpha() for character in word) for word in words),
        text.count("#"),
        text.count("...") + text.count("…"),
        len(lines),
        sum(line.lstrip().startswith(("•", "-")) for line in lines),
        sum(line.rstrip().endswith(("...", "…")) for line in lines),
        len(set(STOP_WORDS) & set(words)),
    )


NAMES = ("words", "plain_words", "plain_characters", "letter_words", "hashes", "ellipses")
NAMES += ("lines", "bullet_lines", "ellipsis_lines", "stop_words")


def counted(texts: list[str | None], stop_words: tuple[str, ...] = STOP_WORDS) -> Mapping[str, Any]:
    counter = Counter(Wanted(frozenset({"kinds", "lines"}), words="whitespace", stop_words=stop_words))
    return counter.counts(pa.record_batch({"text": pa.array(texts, pa.string())}))


def rows(count: Mapping[str, Any]) -> list[tuple[int, ...]]:
    return list(zip(*(count[name].tolist() for name in NAMES)))


@settings(deadline=None, max_examples=300)
@given(st.lists(TEXTS, max_size=6))
@example(
    ["", " ", "\n", "\r\n", "\r", "a\r", "a\r\nb\rc\n", "-", "• …", "a ...\n....", ". ..", "a..\r.", "the" * 400_000]
)
def test_counts_equal_the_reference(texts: list[str]) -> None:
    assert rows(counted(list(texts))) == [reference(text) for text in texts]


@settings(deadline=None, max_examples=200)
@given(st.lists(TEXTS, max_size=6))
def test_words_are_those_of_split(texts: list[str]) -> None:
    assert count_words(texts_of(pa.array(texts, pa.string()))).tolist() == [len(text.split()) for text in texts]


def test_every_white_space_character_separates_words() -> None:
    blanks = [chr(point) for point in range(0x3001) if chr(point).isspace()]
    texts = [f"a{blank}b" for blank in blanks] + [f"a{chr(ord(blank) + 1)}b" for blank in blanks]
    assert count_words(texts_of(pa.array(texts))).tolist() == [len(text.split()) for text in texts]


def test_a_stop_word_counts_once_in_each_text() -> None:
    assert counted(["the the and", "the", "nothing"])["stop_words"].tolist() == [2, 1, 0]


def test_no_stop_words_are_ever_found_in_an_empty_set() -> None:
    assert counted(["the and"], ())["stop_words"].tolist() == [0]


@pytest.mark.parametrize("number", [1, 7, 8, 9, 500])
def test_every_word_of_a_large_set_is_found(number: int) -> None:
    words = tuple(f"{'word' * (1 + index % 5)}{index}" for index in range(number))
    assert counted([" ".join(words), " ".join(f"{word}x" for word in words)], words)["stop_words"].tolist() == [
        number,
        0,
    ]


def test_nulls_and_rows_without_a_byte_count_as_empty() -> None:
    assert rows(counted([None, ""])) == [reference(""), reference("")]
