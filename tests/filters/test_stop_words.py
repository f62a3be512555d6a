"""Stop words: counts against the obvious ones, lists by language, limits, and what is refused."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any
from unicodedata import ucd_3_2_0 as unicode

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as some
from pydantic import ValidationError

from filters.stop_words import StopWords
from stages.kernels.lower_case import lowered
from stages.kernels.stop_words import stop_word_counts
from stages.kernels.texts import texts_of
from stages.kernels.word_set import word_set
from stages.laws import check_stage

WORDS = ("the", "é", "b'c", "के", "a")


def counted(text: str) -> tuple[int, int, int]:
    counts = stop_word_counts(texts_of(pa.array([text])), np.array([0]), word_set(WORDS))
    return int(counts.words[0]), int(counts.stop_words[0]), int(counts.different[0])


def expected(text: str) -> tuple[int, int, int]:
    bare = []
    for word in text.split():
        inside = [at for at, character in enumerate(word) if unicode.category(character)[0] not in "PS"]
        bare.append(lowered(word[inside[0] : inside[-1] + 1]) if inside else "")
    found = [word for word in bare if word in WORDS]
    return len(bare), len(found), len({*found})


@given(
    some.lists(some.sampled_from([*"theTHÉéabc'के.\"“( \n\u3000", "the", "b'c", "के", "-" * 80]), max_size=30).map(
        "".join
    )
)
def test_words_are_counted_in_any_case_and_without_punctuation(text: str) -> None:
    assert counted(text) == expected(text)


def judged(stage: StopWords, *texts: str, languages: list[str | None] | None = None) -> list[str | None]:
    columns: dict[str, Any] = {"text": pa.array(texts, pa.string())}
    if languages is not None:
        columns["language"] = pa.array(languages, pa.string())
    return stage.judge(pa.record_batch(columns), stage.open()).rule.to_pylist()  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    ("limit", "at", "beyond", "rule"),
    [
        ({"min_count": 2}, "The the!", "the x", "few_stop_words"),
        ({"min_different": 2}, "the of", "the the", "few_different_stop_words"),
        ({"min_share": 0.5}, "the mill", "the old mill", "low_stop_word_share"),
    ],
)
def test_each_limit_is_allowed_itself(limit: dict[str, Any], at: str, beyond: str, rule: str) -> None:
    assert judged(StopWords(words=("the", "of"), **limit), at, beyond, "") == [None, rule, rule]


def test_lists_are_by_language(tmp_path: Path) -> None:
    (tmp_path / "en.txt").write_text("the\nof\n")
    (tmp_path / "hi.txt").write_text("के\n", "utf-8")
    (tmp_path / "README").write_text("no list")
    fields = {"lists": ".", "min_count": 1, "on_missing": "drop"}
    stage = StopWords.model_validate(fields, context={"base": tmp_path})
    texts = ["के", "the", "the", "नदी के।", "THE mill"]
    languages: list[str | None] = ["en", "fr", "en_Latn", "hi", "hi"]
    rules = ["few_stop_words", "no_word_list", None, None, "few_stop_words"]
    assert judged(stage, *texts, languages=languages) == rules


def test_tags_have_no_number_where_there_is_no_list(tmp_path: Path) -> None:
    (tmp_path / "en").write_text("the\n")
    fields = {"lists": {"en": "en"}, "min_count": 1, "min_share": 0.1, "mode": "tag", "default_language": "en"}
    stage = StopWords.model_validate(fields, context={"base": tmp_path})
    batch = pa.record_batch({"text": ["the end", "the", "x"], "language": [None, "fr", "en"]})
    rule, count, share = [column.to_pylist() for column in stage.tags(batch, stage.open())]
    assert list(stage.adds()) == ["stop_words_rule", "stop_words_count", "stop_words_share"]
    assert (rule, count, share) == ([None, None, "few_stop_words"], [1, None, 0], [0.5, None, 0])


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"min_count": 1}, "there is no list"),
        ({"words": ["the"]}, "sets no limit"),
        ({"words": ["of the"], "min_count": 1}, "has white space in it"),
        ({"words": ["the,"], "min_count": 1}, "without punctuation"),
    ],
)
def test_fields_without_sense_are_refused(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        StopWords.model_validate(fields)


def test_bad_lists_are_told_before_the_run(tmp_path: Path) -> None:
    (tmp_path / "en").write_text("the\nof the\n")
    (tmp_path / "de").write_text("\n")
    stage = StopWords.model_validate({"lists": ".", "min_count": 1}, context={"base": tmp_path})
    faults = stage.check(pa.schema([("text", pa.string()), ("language", pa.string())]))
    assert len(faults) == 2
    assert "is empty" in faults[0]
    assert "'of the' can never occur" in faults[1]


def test_hostile_texts_take_linear_time() -> None:
    start = time.process_time()
    assert counted("'" * 10**6) == (1, 0, 0)
    assert counted("x" * 10**6) == (1, 0, 0)
    assert counted("a " * 500_000) == (500_000, 500_000, 1)
    assert time.process_time() - start < 2


def test_it_keeps_the_laws_of_stages() -> None:
    check_stage(StopWords(words=("the", "die", "и"), min_count=2, min_share=0.05))
