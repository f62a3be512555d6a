"""When a text is in no language: noise of every kind is `und`, and real text is not."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

import pyarrow as pa
import pytest

from stages.language import Language
from stages.specimens import SENTENCES
from stages.verdicts import Mapped
from tests.stages.noise_texts import KINDS, noise, python_code

SHORT = {
    "ok": "und",
    "Hi!": "und",
    "12:30": "und",
    "Sehr geehrte": "deu_Latn",
    "你好世界": "cmn_Hani",
    "สวัสดีชาวโลก": "tha_Thai",
}


def languages(stage: Language, texts: list[str]) -> list[str]:
    rows = stage.map(pa.record_batch({"id": [str(row) for row in range(len(texts))], "text": texts}), stage.open())
    assert isinstance(rows, pa.RecordBatch)
    return list(rows["language"].to_pylist())


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind is not python_code], ids=lambda kind: kind.__name__)
def test_noise_is_in_no_language(kind: Callable[[Random], str]) -> None:
    told = languages(Language(), noise(kind))

    assert told.count("und") >= 0.95 * len(told)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind is not python_code], ids=lambda kind: kind.__name__)
def test_noise_is_hardly_ever_taken_for_a_language_with_a_score(kind: Callable[[Random], str]) -> None:
    assert set(languages(Language(min_score="65%"), noise(kind))) == {"und"}


def test_half_of_code_that_is_made_of_english_words_is_told_from_english() -> None:
    texts = noise(python_code)

    with_test, without = (languages(Language(min_score="65%", min_plain=limit), texts) for limit in (0.6, 0))

    assert with_test.count("und") - without.count("und") >= 5


def test_without_the_test_some_noise_passes_for_a_language() -> None:
    texts = [text for kind in KINDS for text in noise(kind, 10)]

    assert languages(Language(min_score="65%", min_plain=0, min_letters=0), texts).count("und") < 0.97 * len(texts)


@pytest.mark.parametrize("code", sorted(SENTENCES))
def test_sentences_are_in_a_language_in_every_script(code: str) -> None:
    assert "und" not in languages(Language(), list(SENTENCES[code]))


def test_a_page_with_some_code_and_numbers_is_in_its_language() -> None:
    page = " ".join(SENTENCES["en"]) + "\n\n    return self.items[key] = 0x3f\n\nTable 1: 12 15 22.5 41 (2019-2021)"

    assert languages(Language(), [page]) == ["eng_Latn"]


def test_short_texts_are_in_no_language_and_syllables_count_for_more() -> None:
    assert dict(zip(SHORT, languages(Language(), list(SHORT)))) == SHORT


def test_a_script_that_the_best_guess_is_not_written_in_is_no_language() -> None:
    cherokee = "ᏣᎳᎩ ᎦᏬᏂᎯᏍᏗ ᎠᏂᏴᏫ ᎤᎾᏙᏢᏒ ᎠᏰᎵ ᏗᎧᎿᏩᏛᏍᏗ ᎠᎴ ᎤᎵᏍᎨᏛ"

    assert languages(Language(), [cherokee]) == ["und"]


def test_the_ledger_tells_the_doubt_and_the_guess() -> None:
    stage = Language(keep=("eng",), min_score="99.9%")
    texts = [
        "setFlags=0x1f dir/file.c:12 {a[0]=b;}",
        "ok then",
        "qzx vbk wqj zxcv",
        "Mulino roda vento, ponte winter Korn agua flour.",
        "7 8 9",
    ]

    mapped = stage.map(pa.record_batch({"id": [str(row) for row in range(len(texts))], "text": texts}), stage.open())

    assert isinstance(mapped, Mapped)
    assert mapped.drops is not None
    assert mapped.drops.message is not None
    told = [message.partition(", ")[0] for message in mapped.drops.message.to_pylist()]
    assert told == [
        "too little of the text stands in plain words",
        "the text has too few letters to tell its language",
        "letters stand together as in no language",
        "the best guess scores below min_score",
        "the text has too few letters to tell its language",
    ]
