"""The native splitters cut as their slow references do, and as spaCy did when its answers were recorded."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from stages.kernels.texts import texts_of
from stages.kernels.words_cases import case_lists, find_entry
from stages.kernels.words_classes import ALONE, MAY_END, word_classes
from stages.kernels.words_memory import MEMORY, REMEMBERED
from stages.kernels.words_split import ENGLISH, MULTILINGUAL, special_cases, split_words
from stages.words.spans import sentence_spans
from stages.words.splitters import Splitter, word_spans
from tests.stages import words_reference as reference

RECORDED = Path(__file__).with_name("words_of_spacy.txt").read_text("utf-8").split("\n\n")
SIGNS = "aAzé.,…'’\"-–—~:;!?()[]<>=/+*^%$€°#_@|&0159\\s nUSCt。中ภ\u0301😀²ßЯ\n\t\u00a0"
PARTS = (
    "don't St. a.m. http:// www. .com 10.0.0.1 172.16.8.8 :) US$ km ... '' Im x.y-z 's ’S °C. e.g. A.B -- …… "
    "cannot 8-D ://a-b.cd:80/"
)
UNITS = "10кг 1ГБ a5км б5км 10km 10km. 5кг, кг км 7б"
TRICKY = [*SIGNS, *PARTS.split(" "), "( ", " )", ". "]
texts = st.lists(st.sampled_from(TRICKY), max_size=25).map("".join) | st.text(max_size=40)
cases = st.lists(st.sampled_from(sorted(case_lists()[1])) | st.sampled_from(TRICKY), max_size=6).map("".join)


def split(text: str, splitter: Splitter) -> list[str]:
    spans = word_spans(texts_of(pa.array([text])), splitter).of(0)
    return [text.encode()[begin:end].decode() for begin, end in spans]


@pytest.mark.parametrize("record", RECORDED, ids=range(len(RECORDED)))
def test_english_words_and_sentences_are_those_that_spacy_answered(record: str) -> None:
    told, answer = record.strip("\n").split("\n")
    text = told.encode("latin-1", "backslashreplace").decode("unicode_escape")
    sentences, *words = answer.split(" ")
    assert split(text, "english") == words
    assert len(sentence_spans(texts_of(pa.array([text]))).begins) == int(sentences)


@given(texts | cases)
@example(UNITS)
@settings(max_examples=150, deadline=None)
def test_english_words_are_those_of_the_rules(text: str) -> None:
    assert split(text, "english") == reference.words(text)


@given(st.lists(texts | cases, max_size=4))
@settings(max_examples=60, deadline=None)
def test_pieces_that_are_remembered_are_cut_as_ever(lines: list[str]) -> None:
    memory = np.zeros(MEMORY, np.uint64)
    for text in [*lines, *lines]:
        data = np.frombuffer(text.encode() + bytes(REMEMBERED), np.uint8)
        begins, ends = np.empty(len(data), np.int32), np.empty(len(data), np.int32)
        for splitter, english in ((ENGLISH, True), (MULTILINGUAL, False)):
            size = len(data) - REMEMBERED
            count = split_words(splitter, data, 0, size, word_classes(), special_cases(), memory, begins, ends)
            words = [bytes(data[begin:end]).decode() for begin, end in zip(begins[:count], ends[:count])]
            assert words == reference.words(text, english=english)


@given(texts)
@example(UNITS)
@settings(max_examples=60, deadline=None)
def test_multilingual_words_are_those_of_the_rules_without_english(text: str) -> None:
    assert split(text, "multilingual") == reference.words(text, english=False)


@given(texts)
@settings(max_examples=60, deadline=None)
def test_sentences_are_those_of_the_sentencizer(text: str) -> None:
    spans = sentence_spans(texts_of(pa.array([text]))).of(0)
    assert len(spans) == reference.sentences(text)
    told = [text.encode()[begin:end].decode() for begin, end in spans]
    assert all(sentence == sentence.strip() != "" for sentence in told)


@given(st.text(max_size=60) | texts)
@settings(max_examples=150, deadline=None)
def test_white_space_words_are_those_of_str_split(text: str) -> None:
    assert split(text, "whitespace") == text.split()


@given(texts | st.text(alphabet="aé1 \u0301ก่ำ漢かカ. ’\n", max_size=30))
@settings(max_examples=100, deadline=None)
def test_unicode_words_are_runs_of_letters_digits_and_marks(text: str) -> None:
    assert split(text, "unicode") == _unicode_words(text)


def _unicode_words(text: str) -> list[str]:
    words: list[str] = []
    before = ""  # how the last character goes on: "run", "alone", "sign", or "" behind white space
    for character in text:
        mark, inside = unicodedata.category(character)[0] == "M", unicodedata.category(character)[0] in "LMN"
        alone = bool(word_classes()[ord(character)] & ALONE)
        if character.isspace():
            before = ""
        elif inside and ((before == "run" and not alone) or (mark and before)):
            words[-1] += character
            before = before if before == "alone" and mark else "run"
        else:
            words.append(character)
            before = "alone" if alone else "run" if inside else "sign"
    return words


def test_special_cases_hold_where_the_rules_have_split_them() -> None:
    assert split("x-Adm. said fun:) and 9-10a.m.", "english") == [
        "x",
        "-",
        "Adm.",
        "said",
        "fun",
        ":)",
        "and",
        "9",
        "-",
        "10",
        "a.m.",
    ]


def test_a_match_across_a_space_shadows_a_shorter_one() -> None:
    assert split("20°c. x", "english") == ["20", "°", "c", ".", "x"]
    for text in (": )) ok:)", "a: ) b:)) c", "x-( : ):) :'( y"):
        assert split(text, "english") == reference.words(text)


def test_every_special_case_and_unit_is_found_and_nothing_else() -> None:
    from stages.kernels.words_cases import CASE, UNIT
    from stages.kernels.words_split import special_cases

    _, english, units = case_lists()
    table = special_cases()
    for text, kind in [*((text, CASE) for text in english), *((unit, UNIT) for unit in units)]:
        data = np.frombuffer(text.encode(), np.uint8)
        assert find_entry(data, 0, len(data), table, kind) > 0
    for text in ("don", "zzz", "km/hh", "a", "\x00" * 40):
        data = np.frombuffer(text.encode(), np.uint8)
        assert find_entry(data, 0, len(data), table, CASE) == 0


def test_all_that_a_unit_ends_in_is_known_to_end_words() -> None:
    last = {unit[-1] for unit in case_lists()[2]}
    assert all(word_classes()[ord(character)] & MAY_END for character in last if character.isascii())


@pytest.mark.parametrize("text", ["", " ", "\n\n", "\x00", "." * 30_000, "a" * 300_000, "a-" * 9_000, "ab\u0301" * 999])
def test_odd_texts_are_covered_by_their_words(text: str) -> None:
    for splitter in ("english", "multilingual", "unicode", "whitespace"):
        assert "".join(split(text, splitter)) == "".join(text.split())


def test_spans_do_not_depend_on_the_batch() -> None:
    column = pa.array(["x", "I don't. You do.", None, "", "Ok…", "«Да», 5км."])
    whole = word_spans(texts_of(column), "english")
    for row in range(len(column)):
        assert whole.of(row) == word_spans(texts_of(column.slice(row, 1)), "english").of(0)
