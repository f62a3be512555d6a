"""The counts behind the test for noise, against a slow and obvious reference."""

from __future__ import annotations

import re
from random import Random

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.kernels.scripts import script_codes, script_table
from stages.kernels.text_shape import odd_pairs, shapes_of
from stages.kernels.texts import texts_of
from stages.specimens import hostile_texts, sample_documents
from tests.stages.noise_texts import KINDS

_ENDS = set(".,;:!?\"'()-*")


def is_letter(character: str) -> bool:
    return script_table()[ord(character)] != 0


def is_blank(character: str) -> bool:
    return character.isspace() or character == "\0"


def words_of(text: str) -> list[tuple[int, int]]:
    """Runs of letters, marks and inner apostrophes and hyphens."""
    found, at = [], 0
    while at < len(text):
        start = at
        while at < len(text) and (
            is_letter(text[at])
            or (
                at > start
                and text[at] in "'-"
                and at + 1 < len(text)
                and (is_letter(text[at + 1]) or ord(text[at + 1]) >= 128)
            )
        ):
            at += 1
        if at > start:
            found.append((start, at))
        at = max(at, start + 1)
    return found


def is_touched(text: str, at: int, beyond: int) -> bool:
    if not 0 <= at < len(text) or ord(text[at]) >= 128:
        return False
    if not is_blank(text[at]) and text[at] not in _ENDS:
        return True
    if text[at] not in ".:" or not 0 <= beyond < len(text) or ord(text[beyond]) >= 128:
        return False
    return not is_blank(text[beyond]) and text[beyond] not in _ENDS


def is_plain(text: str, start: int, end: int) -> bool:
    word = text[start:end]
    if not word.isascii():
        return True
    if len(word) > 30 or re.search("[a-z][A-Z]", word):
        return False
    return not is_touched(text, start - 1, start - 2) and not is_touched(text, end, end + 1)


def odd_of(word: str) -> tuple[int, int]:
    pairs = odd = 0
    for run in re.findall("[a-zA-Z]+", word):
        lower = run.lower()
        for at in range(1, len(run)):
            pairs += 1
            odd += int(odd_pairs()[(ord(lower[at - 1]) & 31) * 32 + (ord(lower[at]) & 31)])
            odd += at >= 3 and len(set(lower[at - 3 : at + 1])) == 1
    return pairs, odd


def expected(text: str) -> tuple[int, ...]:
    letters = [script_codes()[script_table()[ord(one)]] for one in text if is_letter(one)]
    told = [script for script in letters if script not in ("Zyyy", "Zinh")]
    best = max(sorted(set(told)), key=told.count, default="")
    plain = [(start, end) for start, end in words_of(text) if is_plain(text, start, end)]
    odd = [odd_of(text[start:end]) for start, end in plain]
    return (
        told.count(best),
        len(letters) - letters.count("Zinh"),
        len(told),
        sum(not is_blank(one) for one in text),
        sum(end - start for start, end in plain),
        sum(pairs for pairs, _ in odd),
        sum(count for _, count in odd),
    )


def assert_counts(texts: list[str]) -> None:
    shapes = shapes_of(texts_of(pa.array(texts, pa.string())))
    columns = (shapes.own, shapes.letters, shapes.telling, shapes.inked, shapes.plain, shapes.pairs, shapes.odd)
    found = list(zip(*(column.tolist() for column in columns)))
    assert found == [expected(text) for text in texts]


def test_counts_are_those_of_the_reference_on_documents_and_hostile_texts() -> None:
    short = [text for text in hostile_texts().values() if len(text) < 50_000 and text.isprintable()]
    assert_counts([*sample_documents(60)["text"].to_pylist(), *short])


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_counts_are_those_of_the_reference_on_noise(kind: object) -> None:
    assert_counts([kind(Random(number)) for number in range(4)])  # type: ignore[operator]


_ALPHABET = st.sampled_from("aAzZqe'-.:,_/=0 9\n\0éЖक्ิ漢ー\u3000’…🙂")


@given(st.lists(st.text(_ALPHABET, max_size=30) | st.text(max_size=30), max_size=4))
def test_counts_are_those_of_the_reference_on_any_text(texts: list[str]) -> None:
    assert_counts(texts)


def test_a_slice_of_a_column_is_counted_like_the_whole() -> None:
    column = pa.array(["Plain words.", None, "x86=y", "слово"])

    assert shapes_of(texts_of(column.slice(2))).plain.tolist() == shapes_of(texts_of(column)).plain.tolist()[2:]
