"""Segments: where a text changes its language, in byte offsets, without crumbs."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.kernels.language_segments import windows_of
from stages.kernels.texts import texts_of
from stages.language import Language
from stages.laws import check_stage
from stages.specimens import SENTENCES, hostile_texts, sample_documents
from tests.stages.noise_texts import base64_lines, noise

STAGE = Language(segments=True)
ENGLISH, GERMAN, RUSSIAN, CHINESE = (" ".join(SENTENCES[code]) for code in ("en", "de", "ru", "zh"))


def segments(*texts: str | None) -> list[Any]:
    batch = pa.record_batch({"id": [str(row) for row in range(len(texts))], "text": pa.array(texts, pa.string())})
    rows = STAGE.map(batch, STAGE.open())
    assert isinstance(rows, pa.RecordBatch)
    return list(rows["language_segments"].to_pylist())


def told(text: str) -> list[tuple[str, str]]:
    """The language and the text of each segment."""
    data = text.encode()
    return [(one["language"], data[one["start"] : one["end"]].decode().strip()) for one in segments(text)[0]]


def test_the_laws_hold() -> None:
    check_stage(STAGE, sample_documents(12))


@pytest.mark.parametrize("between", ["\n", "\n\n", "\r\n"])
def test_lines_in_two_languages_are_two_segments(between: str) -> None:
    assert told(ENGLISH + between + GERMAN) == [("eng_Latn", ENGLISH), ("deu_Latn", GERMAN)]


def test_a_text_goes_from_language_to_language_and_back() -> None:
    text = "\n".join((ENGLISH, RUSSIAN, CHINESE * 2, ENGLISH))

    assert [language for language, _ in told(text)] == ["eng_Latn", "rus_Cyrl", "cmn_Hani", "eng_Latn"]


def test_without_line_breaks_a_change_is_found_within_a_window() -> None:
    [(first, english), (second, german)] = told(f"{ENGLISH} {GERMAN}")

    assert (first, second) == ("eng_Latn", "deu_Latn")
    assert abs(len(english) - len(ENGLISH)) <= 160
    assert len(english) + len(german) + 1 == len(ENGLISH) + len(GERMAN) + 1


def test_a_quotation_of_a_few_words_stays_in_its_text() -> None:
    assert [one for one, _ in told(f"{ENGLISH}\nGuten Morgen!\n{ENGLISH}")] == ["eng_Latn"]


def test_noise_between_two_texts_is_a_segment_without_a_language() -> None:
    data = noise(base64_lines, 5)

    assert [one for one, _ in told("\n".join((ENGLISH, *data, ENGLISH)))] == ["eng_Latn", "und", "eng_Latn"]


def test_scores_are_means_and_texts_without_words_have_no_segment_or_one_without_language() -> None:
    whole, empty, missing, numbers = segments(ENGLISH, "", None, "1 2 3")

    assert whole[0]["score"] > 0.8
    assert (empty, missing) == ([], None)
    assert numbers == [{"start": 0, "end": 5, "language": "und", "score": 0.0}]


@given(st.lists(st.text(st.sampled_from("ab .!?\n\r\té।。؟漢🙂"), max_size=2000), max_size=3))
def test_windows_follow_one_another_and_leave_out_line_breaks_alone(texts: list[str]) -> None:
    column = texts_of(pa.array(texts, pa.string()))

    starts, ends, firsts = windows_of(column)

    for row, text in enumerate(texts):
        at = column.starts[row]
        left_out = b""
        for window in range(firsts[row], firsts[row + 1]):
            left_out += column.data[at : starts[window]].tobytes()
            assert starts[window] < ends[window] <= column.ends[row]
            assert ends[window] - starts[window] < 650
            column.data[starts[window] : ends[window]].tobytes().decode()
            at = ends[window]
        left_out += column.data[at : column.ends[row]].tobytes()
        assert left_out.decode() == "".join(one for one in text if one in "\r\n")


def test_no_text_breaks_it() -> None:
    texts = list(hostile_texts().values())

    for text, found in zip(texts, segments(*texts)):
        edges = [edge for one in found for edge in (one["start"], one["end"])]
        assert edges == sorted(edges)
        assert not edges or edges[-1] <= len(text.encode())
