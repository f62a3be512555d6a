"""The counts of Gopher's repetition rules, against a slow reference that says the same in Python."""

from __future__ import annotations

import re
from collections import Counter as Times
from collections.abc import Iterable

import numpy as np
import pyarrow as pa
from hypothesis import example, given, settings
from hypothesis import strategies as st

from stages.counting import Counter, Wanted
from stages.kernels.spans import count_characters, hash_span, same_span

TOP_GRAMS, DUPLICATE_GRAMS = range(2, 5), range(5, 11)
GRAMS = (*TOP_GRAMS, *DUPLICATE_GRAMS)
NAMES = ("characters", "paragraphs", "duplicate_paragraphs", "duplicate_paragraph_characters")
NAMES += ("pieces", "duplicate_pieces", "duplicate_piece_characters", *(f"grams_{length}" for length in GRAMS))
WORDS = st.sampled_from(
    ["a", "b", "ab", "ba", "aab", "é", "漢", "🙂", "word", "longer-than-sixteen-bytes", "...", "\0"]
)
BLANKS = st.sampled_from([" ", " ", " ", "  ", "\t", "\n", "\n\n", "\n\n\n", "\r\n", "\u2028", "\u3000", " \n \n"])
LOOPING = st.lists(st.tuples(WORDS, BLANKS), max_size=8).map(lambda pairs: "".join(a + b for a, b in pairs))
TEXTS = st.one_of(
    st.lists(st.tuples(WORDS, BLANKS), max_size=40).map(lambda pairs: "".join(a + b for a, b in pairs)),
    st.tuples(LOOPING, st.integers(1, 12), LOOPING).map(lambda parts: parts[0] * parts[1] + parts[2]),
    st.text(alphabet="a \n", max_size=30),
    st.text(max_size=30),
)


def repeated_pieces(pieces: list[str]) -> tuple[int, int, int]:
    seen: set[str] = set()
    again = []
    for piece in pieces:
        if piece in seen:
            again.append(piece)
        seen.add(piece)
    return len(pieces), len(again), sum(map(len, again))


def top_gram(words: list[str], length: int) -> int:
    grams = [" ".join(words[at : at + length]) for at in range(len(words) - length + 1)]
    return max((len(gram) * count for gram, count in Times(grams).most_common(1)), default=0)


def duplicate_gram(words: list[str], length: int) -> int:
    seen: set[str] = set()
    at = characters = 0
    while at + length <= len(words):
        gram = "".join(words[at : at + length])
        characters += len(gram) if gram in seen else 0
        at += length if gram in seen else 1
        seen.add(gram)
    return characters


def reference(text: str) -> list[int]:
    words = text.split()
    return [
        len(text),
        *repeated_pieces(re.split("\n{2,}", text.strip())),
        *repeated_pieces(re.split("\n+", text)),
        *(top_gram(words, length) for length in TOP_GRAMS),
        *(duplicate_gram(words, length) for length in DUPLICATE_GRAMS),
    ]


def rows(texts: list[str], grams: Iterable[int] = GRAMS) -> list[list[int]]:
    counter = Counter(Wanted(frozenset({"paragraphs", "pieces"}), frozenset(grams), words="whitespace"))
    count = counter.counts(pa.record_batch({"text": pa.array(texts, pa.string())}))
    return [list(row) for row in zip(*(count[name].tolist() for name in NAMES))]


@settings(deadline=None, max_examples=300)
@given(st.lists(TEXTS, max_size=6))
@example(
    ["", "\n", "\n\n", "a", "\na\n", "\n\na\n\na\n\n", "a b c d e " * 50, "\u3000a\u3000", "x" * 200_000, "x " * 5_000]
)
@example(["ab c d e f g ab c d e f g", "abc d e f g h i a bcdefg h i", "🙂 🙂 🙂 🙂 🙂 🙂 🙂 🙂 🙂 🙂 🙂 🙂"])
def test_counts_equal_the_reference(texts: list[str]) -> None:
    assert rows(texts) == [reference(text) for text in texts]


@settings(deadline=None, max_examples=50)
@given(TEXTS, st.sets(st.integers(2, 10)))
def test_leaving_n_grams_out_changes_no_other_count(text: str, lengths: set[int]) -> None:
    [some], [everything] = rows([text], lengths), rows([text])
    for place, name in enumerate(NAMES):
        length = int(name[6:]) if name.startswith("grams_") else 0
        assert some[place] == everything[place] or (length and length not in lengths)


def test_rows_do_not_see_each_other() -> None:
    texts = ["one two three four five six", "", "one two three four five six", "a\n\na", "one two"]
    assert rows(["skipped", *texts])[1:] == [rows([text])[0] for text in texts]


@settings(deadline=None, max_examples=100)
@given(st.binary(max_size=40), st.binary(max_size=40), st.binary(max_size=9))
def test_spans_are_same_when_their_bytes_are(left: bytes, right: bytes, pad: bytes) -> None:
    data = np.frombuffer(left + pad + right, np.uint8)
    spans = (0, len(left), len(left) + len(pad), len(data))
    assert same_span(data, *spans) == (left == right)
    assert left != right or hash_span(data, *spans[:2]) == hash_span(data, *spans[2:])


@settings(deadline=None, max_examples=100)
@given(st.text())
def test_characters_are_code_points(text: str) -> None:
    data = np.frombuffer(text.encode(), np.uint8)
    assert count_characters(data, 0, len(data)) == len(text)
