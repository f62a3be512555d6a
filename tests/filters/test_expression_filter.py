"""The expression filter: which condition failed, at which value, and what it needs."""

from __future__ import annotations

import pyarrow as pa
import pytest
from pydantic import ValidationError

from filters.expression import Expression
from stages.laws import check_stage

BATCH = pa.record_batch(
    {
        "quality": pa.array([0.5, 0.01, None, 0.9], pa.float64()),
        "language": ["en", "en", "en", "fr"],
        "tokens": pa.array([10, 10, 10, 5], pa.int64()),
    }
)


def test_the_ledger_hears_the_first_condition_that_fails_with_value_and_limit() -> None:
    stage = Expression(keep="0.02 < quality and language == 'en' and tokens > 7")
    verdicts = stage.judge(BATCH, stage.open())
    assert verdicts.rule.to_pylist() == [None, "expression", "expression", "expression"]
    assert verdicts.message is not None
    assert verdicts.message.to_pylist() == [None, "0.02 < quality", "0.02 < quality", "language == 'en'"]
    assert verdicts.value.to_pylist() == [None, 0.01, None, None]
    assert verdicts.limit.to_pylist() == [None, 0.02, 0.02, None]


def test_it_needs_the_columns_it_names_and_no_text() -> None:
    assert Expression(keep="quality > 1 or tokens < 2").needs() == ("quality", "tokens")


def test_a_fault_is_refused_when_the_pipeline_is_read() -> None:
    with pytest.raises(ValidationError, match="at character 11"):
        Expression(keep="quality > > 1")
    assert Expression(keep="qualty > 1").check(BATCH.schema)[0].endswith("did you mean quality?")


def test_it_keeps_the_laws_of_stages() -> None:
    check_stage(Expression(keep="len(text) > 60 and language_score > 0.3 and language in ['en', 'de', 'zh']"))
    check_stage(Expression(keep="contains(text, 'mill') or url is None", mode="tag"))
