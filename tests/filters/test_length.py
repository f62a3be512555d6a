"""Length: each unit, both limits, and what a careless pipeline is told."""

from __future__ import annotations

import pyarrow as pa
import pytest
from pydantic import ValidationError

from filters.length import Length
from stages.laws import check_stage


def judged(stage: Length, *texts: str) -> list[tuple[str | None, float | None, float | None]]:
    verdicts = stage.judge(pa.record_batch({"text": pa.array(texts, pa.string())}), stage.open())
    return list(zip(verdicts.rule.to_pylist(), verdicts.value.to_pylist(), verdicts.limit.to_pylist()))


def test_characters_are_code_points_and_bytes_are_utf8() -> None:
    assert judged(Length(max_characters=2), "äö", "🙂🙂", "abc") == [
        (None,) * 3,
        (None,) * 3,
        ("too_many_characters", 3, 2),
    ]
    assert judged(Length(max_bytes=4), "äö", "🙂🙂") == [(None, None, None), ("too_many_bytes", 8, 4)]


def test_words_are_cut_at_unicode_white_space() -> None:
    stage = Length(min_words=2, max_words=3)
    rules = [rule for rule, _, _ in judged(stage, "", "one", "one\u3000two", "a b\tc", "a b\nc\xa0d")]
    assert rules == ["too_few_words", "too_few_words", None, None, "too_many_words"]


def test_the_limits_themselves_are_allowed() -> None:
    stage = Length(min_characters=2, max_characters=2, min_words=1, max_words=1, min_bytes=2, max_bytes=2)
    assert judged(stage, "ab") == [(None, None, None)]


def test_the_first_rule_in_declared_order_counts() -> None:
    assert judged(Length(min_bytes=9, min_words=3, min_characters=5), "a b") == [("too_few_characters", 3, 5)]


def test_counts_and_sizes_may_have_units() -> None:
    stage = Length.model_validate({"max_words": "100k", "max_bytes": "1MB"})
    assert (stage.max_words, stage.max_bytes) == (100_000, 1_000_000)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({}, "sets no limit"),
        ({"min_words": 9, "max_words": 3}, "every document would be dropped"),
        ({"min_words": -1}, "is not a count"),
    ],
)
def test_limits_without_sense_are_refused(fields: dict[str, int], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        Length.model_validate(fields)


def test_it_keeps_the_laws_of_stages() -> None:
    check_stage(Length(min_characters=30, max_words=200, max_bytes=5_000))
