"""Splitters are named by users, chosen by language, and say what is missing at plan time."""

from __future__ import annotations

import pyarrow as pa
import pytest

from stages.kernels.texts import texts_of
from stages.kernels.words_split import ENGLISH, GIVEN, MULTILINGUAL, UNICODE, copy_words
from stages.words import dictionaries
from stages.words.spans import spans_of_tokens
from stages.words.splitters import (
    OpenSplitter,
    Splitter,
    open_splitter,
    splitter_faults,
    splitter_of,
    word_spans,
    words_of_batch,
)


@pytest.mark.parametrize(
    ("label", "splitter"),
    [
        *(("eng_Latn", "english"), ("en", "english"), ("deu_Latn", "multilingual"), ("", "multilingual")),
        *(("zho_Hans", "chinese"), ("zh-Hant", "chinese"), ("und_Hani", "chinese"), ("ja", "japanese")),
        *(
            ("xyz_Thai", "thai"),
            ("lao_Laoo", "lao"),
            ("khm_Khmr", "khmer"),
            ("mya", "burmese"),
            ("bod_Tibt", "unicode"),
        ),
    ],
)
def test_auto_goes_by_language_then_script_then_the_rules_for_any_language(label: str, splitter: str) -> None:
    assert splitter_of(label) == splitter


def test_every_line_of_the_languages_file_names_a_splitter() -> None:
    from typing import get_args

    from stages.words.splitters import _table

    assert set(_table().values()) < set(get_args(Splitter))


def test_a_batch_mixes_native_and_given_words() -> None:
    texts = texts_of(pa.array(["I can't", "我来到北京", None, "im Haus", "ខ្មែរ"]))
    languages = pa.array(["eng_Latn", "zho_Hans", None, "deu_Latn", "khm_Khmr"])
    splitter = OpenSplitter("auto", {"chinese": lambda text: [text[:1], text[1:3], text[3:]]})
    batch = words_of_batch(texts, splitter, languages)
    assert batch.codes.tolist() == [ENGLISH, GIVEN, MULTILINGUAL, MULTILINGUAL, UNICODE]
    assert [batch.given.of(row) for row in range(5)] == [[], [(0, 3), (3, 9), (9, 15)], [], [], []]


def test_given_words_are_copied_for_kernels() -> None:
    import numpy as np

    spans = spans_of_tokens(["ab c", "d"], str.split)
    begins, ends = np.zeros(5, np.int32), np.zeros(5, np.int32)
    assert copy_words(spans.offsets, spans.begins, spans.ends, 0, begins, ends) == 2
    assert list(zip(begins[:2], ends[:2])) == [(0, 2), (3, 4)]


def test_tokens_stand_where_the_text_has_them_and_changed_ones_nowhere() -> None:
    spans = spans_of_tokens(["é b\u3000ab ", ""], lambda text: ["é", " ", "b", "CHANGED", " ab "] if text else [])
    assert spans.of(0) == [(0, 2), (3, 4), (7, 9)]
    assert spans.of(1) == []


def test_auto_without_the_column_language_is_refused_at_plan_time() -> None:
    faults = splitter_faults("auto", pa.schema({"text": pa.string()}))
    assert any("column language" in fault for fault in faults)


def test_a_missing_package_is_told_with_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(dictionaries.PACKAGES, "thai", ("no_such_package",))
    assert splitter_faults("thai", pa.schema({})) == [
        'words: thai needs the package no_such_package: pip install "textmill[words]"'
    ]
    with pytest.raises(ImportError, match="textmill\\[words\\]"):
        open_splitter("thai")


def test_native_splitters_have_no_faults() -> None:
    for name in ("english", "multilingual", "whitespace", "unicode", "khmer", "burmese"):
        assert splitter_faults(name, pa.schema({})) == []


@pytest.mark.parametrize(
    ("splitter", "package", "text", "words"),
    [
        ("chinese", "rjieba", "我来到 北京清华大学。", ["我", "来到", "北京", "清华大学", "。"]),
        ("japanese", "sudachipy", "東京都に 行きました。", ["東京", "都", "に", "行き", "まし", "た", "。"]),
        ("thai", "pythainlp", "ผมรักประเทศไทย มาก", ["ผม", "รัก", "ประเทศ", "ไทย", "มาก"]),
        ("lao", "laonlp", "ພາສາລາວໃນປະເທດ", ["ພາສາລາວ", "ໃນປະເທດ"]),
    ],
)
@pytest.mark.filterwarnings("default")
def test_dictionaries_know_the_words_of_languages_without_spaces(
    splitter: Splitter, package: str, text: str, words: list[str]
) -> None:
    pytest.importorskip(package)
    spans = word_spans(texts_of(pa.array([text])), splitter).of(0)
    assert [text.encode()[begin:end].decode() for begin, end in spans] == words
