"""What `dedup/suffix_array.py` promises: exactly the bytes that an obvious, slow search finds, for any texts."""

from __future__ import annotations

import time
from itertools import pairwise
from typing import Literal

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dedup.suffix_array import Joined, Ranges, join_columns, repeated_ranges, shrink_to_characters

Keep = Literal["first", "none"]
Found = list[list[tuple[int, int]]]

TEXTS = st.lists(st.text("aab\u00e9\0", max_size=14), max_size=6)
KEEPS = pytest.mark.parametrize("keep", ["first", "none"])


def windows(texts: list[bytes], length: int) -> dict[bytes, list[tuple[int, int]]]:
    """Every run of `length` bytes of one text, with the (text, place) where it stands, in order."""
    stands: dict[bytes, list[tuple[int, int]]] = {}
    for number, text in enumerate(texts):
        for at in range(len(text) - length + 1):
            stands.setdefault(text[at : at + length], []).append((number, at))
    return stands


def searched(texts: list[bytes], length: int, keep: Keep) -> list[list[bool]]:
    """Which bytes are to go, by the definition, window by window and byte by byte."""
    gone = [[False] * len(text) for text in texts]
    for places in windows(texts, length).values():
        first_text, first_at = places[0]
        for number, at in places if len(places) > 1 else []:
            for byte in range(at, at + length):
                held_by_first = number == first_text and byte < first_at + length
                gone[number][byte] |= keep == "none" or not held_by_first
    return gone


def as_flags(texts: list[bytes], ranges: Ranges) -> list[list[bool]]:
    gone = [[False] * len(text) for text in texts]
    for number, start, end in zip(ranges.text.tolist(), ranges.start.tolist(), ranges.end.tolist()):
        gone[number][start:end] = [True] * (end - start)
    return gone


def joined(texts: list[str]) -> Joined:
    return join_columns([pa.array(texts[:2], pa.string()), pa.array(texts[2:], pa.string())])


def found(texts: list[str], length: int, keep: Keep) -> Found:
    ranges = repeated_ranges(joined(texts), length, keep)
    spans: Found = [[] for _ in texts]
    for number, start, end in zip(ranges.text.tolist(), ranges.start.tolist(), ranges.end.tolist()):
        spans[number].append((start, end))
    return spans


@KEEPS
@settings(max_examples=150)
@given(texts=TEXTS, length=st.integers(1, 5))
def test_exactly_the_bytes_of_the_definition_are_found(keep: Keep, texts: list[str], length: int) -> None:
    raw = [text.encode() for text in texts]

    ranges = repeated_ranges(joined(texts), length, keep)

    assert as_flags(raw, ranges) == searched(raw, length, keep)
    spans = list(zip(ranges.text.tolist(), ranges.start.tolist(), ranges.end.tolist()))
    assert spans == sorted(spans)
    assert all(one[0] < two[0] or one[2] < two[1] for one, two in pairwise(spans))


@settings(max_examples=150)
@given(texts=TEXTS, length=st.integers(1, 5))
def test_after_keep_first_no_window_stands_twice_and_every_byte_gone_has_an_earlier_like_that_stays(
    texts: list[str], length: int
) -> None:
    raw = [text.encode() for text in texts]
    gone = as_flags(raw, repeated_ranges(joined(texts), length, "first"))

    stands = windows(raw, length)
    for places in stands.values():
        whole = [(number, at) for number, at in places if not any(gone[number][at : at + length])]
        assert len(whole) <= 1
    homes: dict[tuple[int, int], tuple[int, int]] = {}
    for number, text in enumerate(raw):
        for byte in range(len(text)):
            here = number, byte
            homes[here] = homes[earlier_like(raw, stands, here, length)] if gone[number][byte] else here
    for (number, byte), (home, at) in homes.items():
        assert not gone[home][at]
        assert raw[home][at] == raw[number][byte]


def earlier_like(
    raw: list[bytes], stands: dict[bytes, list[tuple[int, int]]], here: tuple[int, int], length: int
) -> tuple[int, int]:
    """An earlier place of the same byte in the same window; fails if there is none."""
    number, byte = here
    for at in range(max(0, byte - length + 1), min(byte, len(raw[number]) - length) + 1):
        other, start = stands[raw[number][at : at + length]][0]
        if (other, start + byte - at) < here:
            return other, start + byte - at
    raise AssertionError(f"the byte at {here} has no earlier like")


@KEEPS
@given(texts=TEXTS, length=st.integers(1, 5))
def test_the_twin_holds_the_beginning_of_the_range(keep: Keep, texts: list[str], length: int) -> None:
    raw = [text.encode() for text in texts]
    ranges = repeated_ranges(joined(texts), length, keep)

    for number, start, end, twin in zip(
        *(column.tolist() for column in (ranges.text, ranges.start, ranges.end, ranges.twin))
    ):
        assert twin <= number or keep == "none"
        begun = raw[number][start : min(end, start + length)]
        assert begun in raw[twin]
        assert twin != number or raw[number].count(begun[:1]) > 1


@settings(max_examples=100)
@given(texts=st.lists(st.text("a\u00e9\u20ac\U0001f600", max_size=8), max_size=5), length=st.integers(1, 7))
def test_ranges_are_drawn_in_to_the_nearest_characters(texts: list[str], length: int) -> None:
    raw = [text.encode() for text in texts]
    ranges = repeated_ranges(joined(texts), length, "none")

    drawn = shrink_to_characters(joined(texts), ranges)

    expected = []
    for number, start, end in zip(ranges.text.tolist(), ranges.start.tolist(), ranges.end.tolist()):
        borders = [at for at in range(start, end + 1) if at == len(raw[number]) or raw[number][at] & 0xC0 != 0x80]
        if len(borders) > 1:
            expected.append((number, borders[0], borders[-1]))
    assert list(zip(drawn.text.tolist(), drawn.start.tolist(), drawn.end.tolist())) == expected


def test_of_a_run_of_equal_bytes_one_window_stays() -> None:
    assert found(["x" * 1000], 100, "first") == [[(100, 1000)]]
    assert found(["x" * 1000], 100, "none") == [[(0, 1000)]]
    assert found(["x" * 100, "y" * 99], 100, "none") == [[], []]


def test_a_passage_never_goes_across_a_border_between_texts() -> None:
    assert found(["one two", "three", "one two", "three"], 8, "none") == [[], [], [], []]
    assert found(["ab\0", "\0cd", "ab\0\0cd"], 4, "none") == [[], [], []]


def test_bytes_that_are_no_utf8_neither_match_nor_join_texts() -> None:
    odd = pa.array([b"same \xff same", b"same \xff", b"\xff same"], pa.binary()).view(pa.string())

    ranges = repeated_ranges(join_columns([odd]), 5, "none")

    assert as_flags([b"same \xff same", b"same \xff", b"\xff same"], ranges) == [
        [True] * 5 + [False] + [True] * 5,
        [True] * 5 + [False],
        [False] + [True] * 5,
    ]


def test_nothing_is_found_in_nothing() -> None:
    for texts in ([], [""], ["", "", ""], ["a"], ["", "ab", ""]):
        assert found(texts, 2, "none") == [[] for _ in texts]


def test_nulls_and_slices_read_as_they_stand() -> None:
    column = pa.array(["xx", "a passage", None, "a passage", "zz"], pa.string()).slice(1, 3)

    ranges = repeated_ranges(join_columns([column]), 9, "first")

    assert (ranges.text.tolist(), ranges.start.tolist(), ranges.end.tolist(), ranges.twin.tolist()) == (
        [2],
        [0],
        [9],
        [0],
    )


def test_generated_documents_with_planted_passages_agree_with_the_search() -> None:
    chance = np.random.default_rng(5)
    passages = [chance.integers(97, 123, size, dtype=np.uint8).tobytes().decode() for size in (30, 50, 51, 120, 400)]
    texts = []
    for _ in range(60):
        pieces = [chance.integers(97, 123, int(chance.integers(0, 200)), dtype=np.uint8).tobytes().decode()]
        pieces += [passages[pick] + "\u00fc" for pick in chance.integers(0, len(passages), int(chance.integers(0, 4)))]
        texts.append("".join(pieces))
    raw = [text.encode() for text in texts]

    for keep in ("first", "none"):
        assert as_flags(raw, repeated_ranges(joined(texts), 50, keep)) == searched(raw, 50, keep)


@pytest.mark.parametrize("period", [1, 7, 1000])
def test_a_megabyte_that_repeats_itself_takes_no_longer_than_any_other(period: int) -> None:
    text = ("".join(chr(33 + at % 90) for at in range(period)) * (2**20 // period + 1))[: 2**20]
    repeated_ranges(joined(["warm up"]), 100, "first")

    started = time.process_time()
    ranges = repeated_ranges(joined([text, text]), 5000, "first")

    assert time.process_time() - started < 20
    assert ranges.start.tolist() == [5000, 0]
    assert ranges.end.tolist() == [2**20] * 2
